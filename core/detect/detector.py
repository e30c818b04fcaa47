"""A detector: networks, calibration and abstention behind one method, `detect`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip, Source
from core.audio.windows import window_ranges
from core.detect.calibration import UNCALIBRATED, Calibration
from core.detect.decision import EVEN, Decision, Stance, decide
from core.detect.detection import Detection, Familiarity, Quality, Reason, Stretch, Verdict, Window
from core.detect.engine import Engine, TorchEngine
from core.detect.feeds import Feed
from core.detect.finer import MIN_WINDOW_SPEECH_S, Blend, Finding, Finer
from core.detect.model_config import DetectorError as DetectorError
from core.detect.outlier import in_part, stretches_at_hop
from core.detect.part_sound import sounding
from core.detect.reasons import OF_JUDGING, against
from core.detect.scoring import WindowScorer

if TYPE_CHECKING:
    from torch import nn

    from core.detect.own_calibration import OwnCalibration

MIN_HOP_S = 0.05
"""Smallest hop between windows in seconds."""

_AS_IT_COMES = Feed()


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a detector heard in a clip, before calibration and verdict.

    Attributes
    ----------
    quality : Quality
        Measurements of the sound.
    reasons : tuple of Reason
        What the sound alone says against a verdict.
    hop : int
        Samples between window starts.
    ranges : list of (int, int)
        Index ranges of all windows.
    speech : list of float
        Seconds of speech in each window.
    scored : list of int
        Windows that were scored; none where there is no ground for a score.
    raw : numpy.ndarray
        Raw scores of those, float64 ``[k]``.
    embeddings : numpy.ndarray
        Embeddings of those, float32 ``[k, d]``.
    finer : Finer or None
        Scores of shorter windows, where the detector finds stretches by them.
    """

    quality: Quality
    reasons: tuple[Reason, ...]
    hop: int
    ranges: list[tuple[int, int]]
    speech: list[float]
    scored: list[int]
    raw: np.ndarray
    embeddings: np.ndarray
    finer: Finer | None = None


class Detector:
    """A loaded detector; safe to share between threads.

    Parameters
    ----------
    id : str
        Name in the registry, or of the directory.
    name : str
        Name for people.
    network : Engine or torch.nn.Module
        What scores windows, higher = spoof; a module is run by PyTorch, and its
        ``forward(waves [b, n])`` gives raw scores ``[b]`` and embeddings ``[b, d]``.
    weights_sha256 : str
        Hash of the weights file.
    calibration : Calibration, optional
        None where nothing calibrates the scores.
    decision : Decision
        When a score becomes a verdict.
    feed : Feed
        How a clip becomes the network's input.
    familiarity : callable, optional
        From the clip's mean embedding ``[d]`` to its `Familiarity`.
    config : mapping
        The model directory's configuration, for pages that describe the detector.
    by_codec : mapping of str to Calibration, optional
        For clips that arrive in a codec which shifts the scores, by the codec's name.
    caution : Reason, optional
        What weakens all of its verdicts.
    log_odds : bool
        Whether raw scores are log-odds, so that 0 lies between the sides though nothing calibrates
        them; where not, there is no verdict before a calibration.
    finding : Finding, optional
        By which shorter windows stretches that stand out are found, and when they do; by the
        detector's own windows where there is none.
    blend : Blend, optional
        What shorter windows count for in a window's score; the same as those of `finding`.
    """

    def __init__(
        self,
        id: str,
        name: str,
        network: Engine | nn.Module,
        weights_sha256: str,
        calibration: Calibration | None = None,
        decision: Decision | None = None,
        feed: Feed = _AS_IT_COMES,
        familiarity: Callable[[np.ndarray], Familiarity] | None = None,
        config: Mapping[str, Any] | None = None,
        by_codec: Mapping[str, Calibration] | None = None,
        caution: Reason | None = None,
        log_odds: bool = True,
        finding: Finding | None = None,
        blend: Blend | None = None,
    ) -> None:
        self.id, self.name = id, name
        self.engine = network if isinstance(network, Engine) else TorchEngine(network)
        self.weights_sha256, self.calibration = weights_sha256, calibration
        self.by_codec = dict(by_codec or {})
        self.caution = caution
        self.log_odds = log_odds
        self.own_calibration: OwnCalibration | None = None
        self.decision = decision or Decision()
        self.feed, self.window, self.hop = feed, feed.window, feed.hop
        self.familiarity, self.finding = familiarity, finding
        self.config = dict(config or {})
        self._scorer = WindowScorer(self.engine, feed, blend)

    def raw_scores(
        self,
        samples: np.ndarray,
        ranges: list[tuple[int, int]],
        batch: int | None = None,
        progress: Callable[[float], None] | None = None,
        finer: Finer | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The network's scores and embeddings of windows, as `WindowScorer.scores`."""
        return self._scorer.scores(samples, ranges, batch, progress, finer)

    def finer_of(self, ranges: list[tuple[int, int]], samples: int) -> Finer | None:
        """What scores shorter windows within these of so many samples; None without any."""
        return self.finding.finer(self.engine, ranges, samples) if self.finding else None

    def listen(
        self,
        clip: Clip,
        *,
        hop_s: float | None = None,
        most: int | None = None,
        progress: Callable[[float], None] | None = None,
        find: bool = False,
    ) -> Evidence:
        """Measure a clip and score its windows, without a verdict.

        Parameters
        ----------
        clip : Clip
            At 16 kHz.
        hop_s : float, optional
            Seconds between window starts; the detector's own hop by default.
        most : int, optional
            Score at most this many windows, those in the middle, to save time.
        progress : callable, optional
            Called with the share that is done, 0-1.
        find : bool
            Whether to score shorter windows too, which only stretches that stand out need.

        Returns
        -------
        Evidence
            Without scores where the clip gives the model no ground for one.

        Raises
        ------
        ValueError
            If the hop is out of range.
        """
        from core.audio.quality import gate, measure, speech_in

        hop = self.hop if hop_s is None else int(np.nan_to_num(hop_s * SAMPLE_RATE).round())
        if not round(MIN_HOP_S * SAMPLE_RATE) <= hop <= self.window:
            raise ValueError(
                f"The hop must be between {MIN_HOP_S} and {self.window / SAMPLE_RATE:g} seconds."
            )
        quality = measure(clip)
        reasons = gate(quality, clip.source)
        ranges = window_ranges(len(clip.samples), self.window, hop)
        speech = [speech_in(quality.speech, *_seconds(window)) for window in ranges]
        scored: list[int] = []
        raw, embeddings = np.zeros(0), np.zeros((0, 0), np.float32)
        finer: Finer | None = None
        if not any(reason.effect == "not judged" for reason in reasons):
            scored = due_windows(speech, list(map(_seconds, ranges)), clip.source)
            if most is not None and len(scored) > most:
                first = (len(scored) - most) // 2
                scored = scored[first : first + most]
            given = [ranges[i] for i in scored]
            finer = self.finer_of(given, len(clip.samples)) if find and len(given) > 1 else None
            raw, embeddings = self.raw_scores(clip.samples, given, None, progress, finer)
        return Evidence(quality, reasons, hop, ranges, speech, scored, raw, embeddings, finer)

    def calibration_of(self, codec: str) -> Calibration:
        """The calibration for a clip that arrives in a codec, such as ``opus`` or ``opus-16``."""
        return self.by_codec.get(codec.split("-")[0]) or self.calibration or UNCALIBRATED

    def judge(
        self, clip: Clip, evidence: Evidence, stance: Stance = EVEN, elapsed_ms: float = 0.0
    ) -> Detection:
        """Turn what was heard into a verdict.

        Parameters
        ----------
        clip : Clip
            What `listen` was given.
        evidence : Evidence
            What it found.
        stance : Stance
            Prior and costs of the two errors.
        elapsed_ms : float
            Time that listening took, for the record.

        Returns
        -------
        Detection
            With verdict ``not judged`` where there are no scores.
        """
        calibration = self.calibration_of(clip.source.codec)
        familiarity = None
        if evidence.scored and self.familiarity is not None:
            familiarity = self.familiarity(evidence.embeddings.mean(axis=0))
        llrs = dict(zip(evidence.scored, calibration.llr(evidence.raw).tolist(), strict=True))
        windows = tuple(
            Window(
                start_s=start / SAMPLE_RATE,
                end_s=end / SAMPLE_RATE,
                llr=llrs.get(i),
                p_spoof=None,
                speech_s=evidence.speech[i],
            )
            for i, (start, end) in enumerate(evidence.ranges)
        )
        detection = Detection(
            detector=self.id,
            weights_sha256=self.weights_sha256,
            calibrated=self.calibration is not None,
            source=clip.source,
            quality=evidence.quality,
            windows=windows,
            window_s=self.window / SAMPLE_RATE,
            hop_s=evidence.hop / SAMPLE_RATE,
            llr=calibration.llr(float(evidence.raw.mean())) if evidence.scored else None,
            p_spoof=None,
            stance=stance,
            verdict="not judged",
            reasons=evidence.reasons,
            familiarity=familiarity,
            elapsed_ms=elapsed_ms,
            trace=evidence.finer.trace(clip.source, evidence.quality.speech, calibration)
            if evidence.finer is not None
            else None,
        )
        found = self.stretches_in(detection)
        if detection.trace is not None:
            found = sounding(clip, found, evidence.quality.speech)
        detection = replace(detection, stands_out=found)
        return self.with_stance(detection, stance)

    def stretches_in(self, detection: Detection) -> tuple[Stretch, ...]:
        """The stretches that stand out in what this detector found of a clip."""
        trace = detection.trace
        if trace is not None and self.finding is not None:
            return self.finding.stretches(trace)
        return stretches_at_hop(
            detection.windows,
            detection.window_s,
            detection.hop_s,
            self.hop / SAMPLE_RATE,
            detection.calibrated,
        )

    def detect(
        self,
        clip: Clip,
        *,
        stance: Stance = EVEN,
        hop_s: float | None = None,
        progress: Callable[[float], None] | None = None,
        find: bool = True,
    ) -> Detection:
        """Judge a clip.

        The clip's raw score is the mean over the windows that hold speech; the calibration turns
        it into a likelihood ratio, the stance and the decision into a posterior and a verdict.

        Parameters
        ----------
        clip : Clip
            At 16 kHz.
        stance : Stance
            Prior and costs of the two errors.
        hop_s : float, optional
            Seconds between window starts; the detector's own hop by default.
        progress : callable, optional
            Called with the share that is done, 0-1.
        find : bool
            Whether to look for stretches that stand out by shorter windows, where it has any.

        Returns
        -------
        Detection
            With verdict ``not judged`` where the clip gives the model no ground for one.

        Raises
        ------
        ValueError
            If the hop is out of range.
        """
        began = time.perf_counter()
        evidence = self.listen(clip, hop_s=hop_s, progress=progress, find=find)
        return self.judge(clip, evidence, stance, (time.perf_counter() - began) * 1000.0)

    def with_stance(self, detection: Detection, stance: Stance) -> Detection:
        """A detection judged under another stance, from its scores; nothing is scored again.

        Parameters
        ----------
        detection : Detection
            Made by this detector.
        stance : Stance
            The costs move the threshold and the band around it, the prior the posterior too.

        Returns
        -------
        Detection
            With new posteriors, verdict and reasons.
        """
        detection = replace(detection, stance=stance)
        reasons = [r for r in detection.reasons if r.code not in OF_JUDGING]
        windows = tuple(
            replace(w, p_spoof=None if w.llr is None else stance.posterior(w.llr))
            for w in detection.windows
        )
        if detection.llr is None:
            return replace(detection, windows=windows, verdict="not judged")
        side = decide(detection.llr, stance, self.decision.inconclusive_llr)
        reasons = [*reasons, *against(self, detection, reasons, side)]
        held_back = any(reason.effect == "inconclusive" for reason in reasons)
        verdict: Verdict = "inconclusive" if held_back else side
        judged = replace(
            detection,
            windows=windows,
            p_spoof=stance.posterior(detection.llr),
            verdict=verdict,
            reasons=tuple(reasons),
        )
        usual = self.calibration_of(detection.source.codec) is self.calibration
        fitted = self.finding is not None and self.own_calibration is None and usual
        band = self.decision.inconclusive_llr if fitted else None
        return in_part(judged, band, self.finding.least(judged.trace) if self.finding else 0.0)


def due_windows(
    speech: Sequence[float], ranges: Sequence[tuple[float, float]], source: Source
) -> list[int]:
    """Which windows of a clip get a score.

    Parameters
    ----------
    speech : sequence of float
        Seconds of speech in each window.
    ranges : sequence of (float, float)
        Their places in seconds.
    source : Source
        What the file lacks.

    Returns
    -------
    list of int
        Those that speak and are there, else those that speak, else the one that speaks most.
    """
    spoken = [i for i, s in enumerate(speech) if s >= MIN_WINDOW_SPEECH_S]
    there = [i for i in spoken if not source.lacks(*ranges[i])]
    return there or spoken or [int(np.argmax(speech))]


def _seconds(window: tuple[int, int]) -> tuple[float, float]:
    return window[0] / SAMPLE_RATE, window[1] / SAMPLE_RATE
