"""A detector: networks, calibration and abstention behind one method, `detect`."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.windows import HOP, WINDOW, stack_windows, window_ranges
from core.detect.calibration import UNCALIBRATED, Calibration
from core.detect.decision import EVEN, Decision, Stance, decide
from core.detect.detection import Detection, Familiarity, Quality, Reason, Verdict, Window
from core.detect.engine import Engine, OnnxEngine, TorchEngine
from core.detect.model_config import DetectorError as DetectorError
from core.detect.model_config import checked_config, file_in
from core.detect.networks import LEVEL, build
from core.detect.outlier import named_in
from core.settings import settings

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

STRETCH = 3 * SAMPLE_RATE
"""Samples that go through a shared front end at once, more or less: bounds memory, and keeps what
lies between two layers small enough for the allocator to use again."""

MIN_WINDOW_SPEECH_S = 0.5
"""A window with less speech than this is not scored."""

MIN_HOP_S = 0.05
"""Smallest hop between windows in seconds."""


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
    """

    quality: Quality
    reasons: tuple[Reason, ...]
    hop: int
    ranges: list[tuple[int, int]]
    speech: list[float]
    scored: list[int]
    raw: np.ndarray
    embeddings: np.ndarray


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
    window, hop : int
        In samples.
    repeat : bool
        Whether the network hears a short window repeated to its length, not padded with zeros.
    familiarity : callable, optional
        From the clip's mean embedding ``[d]`` to its `Familiarity`.
    config : mapping
        The model directory's configuration, for pages that describe the detector.
    by_codec : mapping of str to Calibration, optional
        For clips that arrive in a codec which shifts the scores, by the codec's name.
    caution : Reason, optional
        What weakens all of its verdicts.
    """

    def __init__(
        self,
        id: str,
        name: str,
        network: Engine | nn.Module,
        weights_sha256: str,
        calibration: Calibration | None = None,
        decision: Decision | None = None,
        window: int = WINDOW,
        hop: int = HOP,
        repeat: bool = False,
        familiarity: Callable[[np.ndarray], Familiarity] | None = None,
        config: Mapping[str, Any] | None = None,
        by_codec: Mapping[str, Calibration] | None = None,
        caution: Reason | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.engine: Engine
        if isinstance(network, Engine):
            self.engine = network
        else:
            self.engine = TorchEngine(network)
        self.weights_sha256 = weights_sha256
        self.calibration = calibration
        self.by_codec = dict(by_codec or {})
        self.caution = caution
        self.decision = decision or Decision()
        self.window = window
        self.hop = hop
        self.repeat = repeat
        self.familiarity = familiarity
        self.config = dict(config or {})
        # Every session's work goes through these threads in the order in which it came.
        self._workers = ThreadPoolExecutor(self.engine.at_once, "detector")

    @classmethod
    def load(cls, directory: str | Path, engine: str | None = None) -> Detector:
        """Load a model directory: ``config.json`` and the files it names, checked by hash.

        Parameters
        ----------
        directory : path-like
            The model directory.
        engine : str, optional
            One of `core.detect.engine.ENGINES`. By default what ``SPOOFSCOPE_ENGINE`` says, else
            the configuration's ``default_engine``, else ``onnx`` where the directory has graphs,
            else ``torch``.

        Notes
        -----
        The calibration belongs to the precision of the default engine, and so do id and name. An
        engine of another precision gives scores of its own: it has a name of its own, and its
        detections say how far its scores were from the others when it was made.

        Raises
        ------
        DetectorError
            If the directory is not a model of this format, has no such engine, or its files are
            not those that its configuration names.
        """
        directory = Path(directory)
        config = checked_config(directory)
        weights = file_in(directory, config["weights"]["file"])
        digest = checked_sha256(weights, config["weights"]["sha256"])
        offered = config.get("engines") or {}
        engine = engine or settings().engine or None
        default = str(config.get("default_engine") or ("onnx" if "onnx" in offered else "torch"))
        engine = engine or default
        if engine != "torch" and engine not in offered:
            has = ", ".join([*offered, "torch"])
            raise DetectorError(
                f"The model in {directory.name} has no engine called '{engine}'; it has {has}."
            )
        id, name = str(config["id"]), str(config.get("name", config["id"]))
        if engine == "int8":  # its graphs hold weights of their own
            digest = _sha256_of_all(offered[engine])
        caution = None
        if (engine == "int8") != (default == "int8"):
            short, words = ("int8", "8-bit") if engine == "int8" else ("fp32", "single precision")
            id, name = f"{id}-{short}", f"{name}, {words}"
            caution = _other_precision(words, offered.get("int8") or {})
        familiarity = None
        if config.get("familiarity"):
            from core.detect.familiarity import load as load_familiarity

            measure = config["familiarity"]
            checked_sha256(file_in(directory, measure["file"]), measure["sha256"])
            try:
                familiarity = load_familiarity(directory, measure)
            except ValueError as error:
                raise DetectorError(
                    f"The familiarity measure in {directory.name} is damaged: {error}"
                ) from error
        calibration = config.get("calibration")
        decision = config.get("decision") or {}
        band = decision.get("inconclusive_llr", (0.0, 0.0))
        logger.info("loading detector %s by engine %s", id, engine)
        return cls(
            id=id,
            name=name,
            network=(
                TorchEngine(_torch_network(directory, config, weights))
                if engine == "torch"
                else onnx_engine(directory, offered[engine])
            ),
            weights_sha256=digest,
            calibration=Calibration(**calibration) if calibration else None,
            by_codec={
                codec: Calibration(**values)
                for codec, values in (config.get("calibration_by_codec") or {}).items()
            },
            decision=Decision(
                (float(band[0]), float(band[1])), bool(decision.get("needs_wide_band", False))
            ),
            window=int(config.get("window", WINDOW)),
            hop=int(config.get("hop", HOP)),
            familiarity=familiarity,
            config=config,
            caution=caution,
        )

    def raw_scores(
        self,
        samples: np.ndarray,
        ranges: list[tuple[int, int]],
        batch: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The network's scores and embeddings of windows.

        Parameters
        ----------
        samples : numpy.ndarray
            float32, shape ``[n]``, 16 kHz.
        ranges : list of (int, int)
            Index ranges, each at most the window's length; shorter ones are padded at the end.
        batch : int, optional
            Windows in one forward pass; what suits the engine by default.
        progress : callable, optional
            Called with the share that is done, 0-1.

        Returns
        -------
        (numpy.ndarray, numpy.ndarray)
            Raw scores float64 ``[k]``, higher = spoof, and embeddings float32 ``[k, d]``.
        """
        raw = np.empty(len(ranges))
        embeddings: list[np.ndarray] = [raw] * len(ranges)
        done = 0
        running: deque[tuple[list[int], Future[tuple[np.ndarray, np.ndarray]]]] = deque()

        def take() -> None:
            nonlocal done
            part, found = running.popleft()
            scores, vectors = found.result()
            raw[part] = scores
            for i, vector in zip(part, vectors, strict=True):
                embeddings[i] = vector
            done += len(part)
            if progress is not None:
                progress(done / len(ranges))

        try:
            for part, run, given in self._batches(samples, ranges, batch or self.engine.batch):
                running.append((part, self._workers.submit(run, given())))
                if len(running) > 2 * self.engine.at_once:  # bounds memory
                    take()
            while running:
                take()
        finally:
            for _, found in running:
                found.cancel()
        return raw, np.stack(embeddings)

    def _batches(
        self, samples: np.ndarray, ranges: list[tuple[int, int]], batch: int
    ) -> Iterator[
        tuple[
            list[int],
            Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
            Callable[[], np.ndarray],
        ]
    ]:
        """Which windows go together, the half of the network they go through, and what it hears."""
        frame = self.engine.samples_per_frame
        if not frame or self.repeat or len(ranges) == 1 or self.window % frame:
            for first in range(0, len(ranges), batch):
                part = list(range(first, min(first + batch, len(ranges))))
                given = partial(
                    stack_windows,
                    samples,
                    [ranges[i] for i in part],
                    self.window,
                    repeat=self.repeat,
                )
                yield part, self.engine.windows, given
            return
        gain = _common_gain(samples, ranges)
        for run in _runs(ranges, frame):
            start, end = ranges[run[0]][0], ranges[run[-1]][0] + self.window
            features = SharedFeatures(
                self.engine, samples, start, end, self.window, gain, self._workers
            )
            for first in range(0, len(run), batch):
                part = run[first : first + batch]
                starts = [ranges[i][0] for i in part]
                yield part, self.engine.encode, partial(features.of, starts)

    def listen(
        self,
        clip: Clip,
        *,
        hop_s: float | None = None,
        most: int | None = None,
        progress: Callable[[float], None] | None = None,
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

        hop = self.hop if hop_s is None else round(hop_s * SAMPLE_RATE)
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
        if not any(reason.effect == "not judged" for reason in reasons):
            spoken = [i for i, s in enumerate(speech) if s >= MIN_WINDOW_SPEECH_S]
            there = [i for i in spoken if not clip.source.lacks(*_seconds(ranges[i]))]
            scored = there or spoken or [int(np.argmax(speech))]
            if most is not None and len(scored) > most:
                first = (len(scored) - most) // 2
                scored = scored[first : first + most]
            raw, embeddings = self.raw_scores(
                clip.samples, [ranges[i] for i in scored], progress=progress
            )
        return Evidence(quality, reasons, hop, ranges, speech, scored, raw, embeddings)

    def calibration_of(self, codec: str) -> Calibration:
        """The calibration for a clip that arrives in a codec, such as ``opus`` or ``opus-16``."""
        special = self.by_codec.get(codec.split("-")[0])
        return special or self.calibration or UNCALIBRATED

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
            stands_out=named_in(
                windows,
                self.window / SAMPLE_RATE,
                evidence.hop / SAMPLE_RATE,
                self.hop / SAMPLE_RATE,
                self.calibration is not None,
            ),
        )
        return self.with_stance(detection, stance)

    def detect(
        self,
        clip: Clip,
        *,
        stance: Stance = EVEN,
        hop_s: float | None = None,
        progress: Callable[[float], None] | None = None,
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
        evidence = self.listen(clip, hop_s=hop_s, progress=progress)
        return self.judge(clip, evidence, stance, (time.perf_counter() - began) * 1000.0)

    def with_stance(self, detection: Detection, stance: Stance) -> Detection:
        """The same evidence under another stance; nothing is scored again.

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
        reasons = [r for r in detection.reasons if r.code not in _JUDGING_CODES]
        windows = tuple(
            replace(w, p_spoof=None if w.llr is None else stance.posterior(w.llr))
            for w in detection.windows
        )
        if detection.llr is None:
            return replace(detection, windows=windows, verdict="not judged")
        side = decide(detection.llr, stance, self.decision.inconclusive_llr)
        reasons = [*reasons, *self._reasons(detection, reasons, side)]
        held_back = any(reason.effect == "inconclusive" for reason in reasons)
        verdict: Verdict = "inconclusive" if held_back else side
        return replace(
            detection,
            windows=windows,
            p_spoof=stance.posterior(detection.llr),
            verdict=verdict,
            reasons=tuple(reasons),
        )

    def _reasons(self, detection: Detection, heard: list[Reason], side: str) -> Iterator[Reason]:
        """What stands against the score, beside what was ``heard``; no two contradict each other.

        Where the sound itself takes the score's meaning away, nothing is said of how near it lies
        to the threshold, or of what it was calibrated on.
        """
        known = not any(reason.effect == "inconclusive" for reason in heard)
        if detection.familiarity is not None and detection.familiarity.level == "unfamiliar":
            known = False
            yield Reason(
                "unfamiliar",
                "The clip is unlike anything this detector was trained on, so its score "
                "carries no known meaning.",
                "inconclusive",
            )
        if self.decision.needs_wide_band and any(r.code == "narrow_band" for r in heard):
            known = False
            yield Reason(
                "needs_wide_band",
                "Measured through telephone lines, this detector erred too often to be of use, "
                "so it does not decide on such sound.",
                "inconclusive",
            )
        if known and side == "inconclusive":
            yield Reason(
                "near_threshold",
                "The score lies too close to the threshold for this detector to decide.",
                "inconclusive",
            )
        codec = detection.source.codec.split("-")[0]
        if codec in self.by_codec:
            fits = known and detection.calibrated
            yield Reason(
                "codec_calibration",
                f"The clip arrives as {codec.capitalize()}, which shifts scores and hides evidence"
                + ("; its score was calibrated on speech through that codec." if fits else "."),
                "caution",
            )
        if not detection.calibrated:
            yield Reason(
                "uncalibrated",
                "Nothing calibrates this detector's scores: read the probability as a score, "
                "not as a chance.",
                "caution",
            )
        if self.caution is not None:
            yield self.caution


def _seconds(window: tuple[int, int]) -> tuple[float, float]:
    return window[0] / SAMPLE_RATE, window[1] / SAMPLE_RATE


def _torch_network(directory: Path, config: Mapping[str, Any], weights: Path) -> nn.Module:
    """The network of a model directory, with its weights, in PyTorch."""
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        # Without memory first: settings could ask for more of it than there is.
        with torch.device("meta"):
            wanted = build(config["architecture"], config["network"]).state_dict()
        with safe_open(weights, "pt") as held:
            found = {name: held.get_slice(name).get_shape() for name in held.keys()}  # noqa: SIM118
        for name in wanted.keys() ^ found.keys():
            raise ValueError(f"'{name}' is either in the network or among its weights")
        for name, tensor in wanted.items():
            if list(tensor.shape) != list(found[name]):
                raise ValueError(f"'{name}' has another shape")
        network = build(config["architecture"], config["network"])
        network.load_state_dict(load_file(weights))
    except (SafetensorError, KeyError, TypeError, AttributeError, AssertionError, IndexError,
            ValueError, RuntimeError, ArithmeticError) as error:  # fmt: skip
        raise DetectorError(
            f"The model in {directory.name} does not fit its configuration: {briefly(error)}"
        ) from error
    return network


def briefly(error: Exception) -> str:
    """The first line of a library's error, as the end of a sentence."""
    text = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    line = next(iter(text.strip().splitlines()), "") or type(error).__name__
    return line[:300].rstrip(".:, ") + "."


def onnx_engine(directory: Path, offered: Mapping[str, Any]) -> OnnxEngine:
    """The graphs that a configuration names under ``engines``, checked by hash.

    Raises
    ------
    DetectorError
        If a graph is missing, another one, or cannot be run.
    """
    files = {part: file_in(directory, g["file"]).name for part, g in offered["graphs"].items()}
    for part, name in files.items():
        checked_sha256(directory / name, offered["graphs"][part]["sha256"])
    try:
        return OnnxEngine(
            directory,
            files,
            int(offered.get("samples_per_frame", 0)),
            int(offered.get("margin", 0)),
        )
    except Exception as error:  # the runtime's own errors have no common base but this
        raise DetectorError(
            f"ONNX Runtime cannot run the graphs of {directory.name}: {briefly(error)}"
        ) from error


def _sha256_of_all(offered: Mapping[str, Any]) -> str:
    """One hash for several graphs that hold their own weights."""
    hashes = "".join(str(graph["sha256"]) for _, graph in sorted(offered["graphs"].items()))
    return hashlib.sha256(hashes.encode()).hexdigest()


def _other_precision(words: str, eight_bit: Mapping[str, Any]) -> Reason:
    """What to say of scores from an engine whose precision the calibration was not fitted on."""
    away = (eight_bit.get("raw_away") or {}).get("mean")
    fitted = "single precision" if words == "8-bit" else "8-bit"
    return Reason(
        "other_precision",
        f"The network ran in {words}, and its scores were calibrated in {fitted}"
        + ("." if away is None else f": raw scores differ by {away:.2f} on average."),
        "caution",
    )


class SharedFeatures:
    """Features of windows that overlap, each frame computed once.

    The sound goes through the front end stretch by stretch, with a margin on both sides that is cut
    off again, so that no feature depends on how the sound was divided or windows were grouped.

    Parameters
    ----------
    engine : Engine
        With a front end.
    samples : numpy.ndarray
        float32 ``[n]``.
    start, end : int
        What the windows span, in samples; zeros follow the last sample. ``end - start`` is a whole
        number of frames.
    window : int
        Samples of one window.
    gain : float
        To the network's level.
    workers : concurrent.futures.Executor
        Runs the front end, on a few stretches ahead of what is asked for.
    """

    def __init__(
        self,
        engine: Engine,
        samples: np.ndarray,
        start: int,
        end: int,
        window: int,
        gain: float,
        workers: Executor,
    ) -> None:
        self._engine, self._samples, self._gain = engine, samples, np.float32(gain)
        self._window, self._start, self._end = window, start, end
        self._workers = workers
        self._kept: np.ndarray | None = None
        self._next = start
        self._ahead: deque[Future[np.ndarray]] = deque()

    def of(self, starts: list[int]) -> np.ndarray:
        """Features ``[k, frames, size]`` of windows in order; never of any before the latest."""
        frame = self._engine.samples_per_frame
        if self._kept is not None:
            self._kept = self._kept[(starts[0] - self._start) // frame :]
            self._start = starts[0]
        while self._kept is None or len(self._kept) * frame < starts[-1] + self._window - starts[0]:
            self._look_ahead()
            new = self._ahead.popleft().result()
            self._kept = new if self._kept is None else np.concatenate([self._kept, new])
        self._look_ahead()
        frames = self._window // frame
        at = [(start - self._start) // frame for start in starts]
        return np.stack([self._kept[i : i + frames] for i in at])

    def _look_ahead(self) -> None:
        """Keep the workers busy with the next stretches."""
        step = STRETCH // self._engine.samples_per_frame * self._engine.samples_per_frame
        while self._next < self._end and len(self._ahead) <= self._engine.at_once:
            end = min(self._end, self._next + step)
            self._ahead.append(self._workers.submit(self._stretch, self._next, end))
            self._next = end

    def _stretch(self, begin: int, end: int) -> np.ndarray:
        """Frames of a stretch that begins and ends a whole number of frames after the start."""
        frame, margin = self._engine.samples_per_frame, self._engine.margin
        before = min(margin, begin) // frame * frame
        wave = np.zeros(end + margin - begin + before, np.float32)
        given = self._samples[begin - before : end + margin]
        np.multiply(given, self._gain, out=wave[: len(given)])
        found = self._engine.front(wave)
        return found[before // frame : before // frame + (end - begin) // frame]


def _runs(ranges: list[tuple[int, int]], frame: int) -> list[list[int]]:
    """Indices in groups of neighbours that overlap and start a whole number of frames apart."""
    runs: list[list[int]] = []
    latest: dict[int, list[int]] = {}
    for i, (start, _) in enumerate(ranges):
        run = latest.get(start % frame)
        if run is None or start >= ranges[run[-1]][1]:
            run = latest[start % frame] = []
            runs.append(run)
        run.append(i)
    return runs


def _common_gain(samples: np.ndarray, ranges: list[tuple[int, int]]) -> float:
    """Gain that brings the windows taken together to the network's level ."""
    power, count, done = 0.0, 0, 0
    for start, end in ranges:
        part = samples[max(start, done) : end]
        power += float(np.square(part, dtype=np.float64).sum())
        count += int(np.count_nonzero(part))
        done = max(done, end)
    return LEVEL / max(math.sqrt(power / max(count, 1)), 1e-6)


_JUDGING_CODES = {
    "near_threshold", "wide_interval", "unfamiliar", "needs_wide_band", "codec_calibration",
    "uncalibrated", "other_precision",
}  # fmt: skip


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_sha256(path: Path, expected: str) -> str:
    """SHA-256 of a file that must have the expected one.

    Raises
    ------
    DetectorError
        If the file is missing or another one.
    """
    if not path.is_file():
        raise DetectorError(
            f"The file {path.name} is missing from the model directory {path.parent.name}."
        )
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise DetectorError(f"The file {path.name} cannot be read: {briefly(error)}") from error
    if digest != expected:
        raise DetectorError(
            f"{path.name} is not the file this detector was published with (its SHA-256 is "
            f"{digest[:12]}…, expected {expected[:12]}…). Remove it and put the right one in place."
        )
    return digest
