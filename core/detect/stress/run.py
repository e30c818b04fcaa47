"""Judge a clip again under every condition of the stress test."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio import codecs
from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.quality import speech_in
from core.detect.decision import Stance
from core.detect.detection import IN_PART, Detection
from core.detect.stress.conditions import CONDITIONS, Condition, known_condition
from core.detect.stress.result import Outcome, StressRow, StressTest

if TYPE_CHECKING:
    from core.detect.detector import Detector


LONGEST_S = 30.0
"""Of a longer clip the stretch of this length that holds the most speech is tested."""


SHORTEST_S = 1.0
"""Least seconds of a part that is asked for."""


def stress(
    detector: Detector,
    clip: Clip,
    stance: Stance,
    conditions: Sequence[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    detection: Detection | None = None,
    slot: AbstractContextManager[Any] | None = None,
    span: tuple[float, float] | None = None,
) -> StressTest:
    """Judge a clip again under every condition.

    Parameters
    ----------
    detector : Detector
        Whose verdict is tested.
    clip : Clip
        At 16 kHz; of more than `LONGEST_S` the stretch with the most speech is taken, around the
        part for which the clip is called synthetic in part.
    stance : Stance
        Prior and costs.
    conditions : sequence of str, optional
        Ids in `CONDITIONS`; all by default.
    progress : callable, optional
        Called before every condition with (how many are done, how many there are, its label), and
        once at the end with an empty label. Whatever it raises ends the test.
    detection : Detection, optional
        The clip's own, by this detector at its own hop, if it is there already.
    slot : context manager, optional
        Held while the detector listens, so that others get their turn in between.
    span : (float, float), optional
        The part to test, in seconds of the clip; of more than `LONGEST_S` the stretch in it with
        the most speech.

    Returns
    -------
    StressTest
        The same for the same arguments, but for the time it took.

    Raises
    ------
    ValueError
        If a condition is unknown.
    """
    chosen = [known_condition(id) for id in (CONDITIONS if conditions is None else conditions)]
    slot = slot or nullcontext()
    began = time.perf_counter()

    def detect(heard: Clip, find: bool = True) -> Detection:
        with slot:
            return detector.detect(heard, stance=stance, find=find)

    first, last = (0.0, clip.duration_s) if span is None else _within(span, clip.duration_s)
    whole = last - first >= clip.duration_s and clip.duration_s <= LONGEST_S
    own = detect(clip) if detection is None else detector.with_stance(detection, stance)
    start = round(first * SAMPLE_RATE)
    if last - first > LONGEST_S:
        start = _fullest(own, first, last)
        last = start / SAMPLE_RATE + LONGEST_S
    part = clip.samples[start : round(last * SAMPLE_RATE)]
    if not whole:
        own = detect(_changed(clip, part))
    rows = []
    if own.verdict != "not judged":
        speech_rms = 10 ** ((own.quality.level_dbfs or 0.0) / 20)
        for done, condition in enumerate(chosen):
            if progress is not None:
                progress(done, len(chosen), condition.label)
            reason = codecs.available().get(condition.id)
            if reason is not None:
                rows.append(_row(condition, reason=reason))
                continue
            samples, note = condition.change(part, speech_rms)
            changed = _changed(clip, samples, condition.id)
            rows.append(_row(condition, own, detect(changed, own.verdict == IN_PART), note))
    if progress is not None:
        progress(len(chosen), len(chosen), "")
    return StressTest(
        detector=own.detector,
        weights_sha256=own.weights_sha256,
        calibrated=own.calibrated,
        stance=stance,
        name=clip.source.label,
        sha256=clip.source.sha256,
        from_s=start / SAMPLE_RATE,
        to_s=(start + len(part)) / SAMPLE_RATE,
        whole=whole,
        llr=own.llr,
        p_spoof=own.p_spoof if own.gives_chance else None,
        verdict=own.verdict,
        rows=tuple(rows),
        elapsed_ms=(time.perf_counter() - began) * 1000.0,
        asked=span,
    )


def _within(span: tuple[float, float], duration_s: float) -> tuple[float, float]:
    start, end = span
    if not (start >= 0.0 and end <= duration_s + 0.01 and end - start >= SHORTEST_S):
        raise ValueError(
            f"{start:g} to {end:g} s is no part that can be tested: this clip lasts "
            f"{duration_s:.1f} s, and a part has at least {SHORTEST_S:g} s."
        )
    return start, min(end, duration_s)


def _fullest(detection: Detection, first_s: float, last_s: float) -> int:
    """First sample of the stretch of `LONGEST_S` in a part that holds the most speech.

    It starts with one of the detection's windows, so that the tested windows are the clip's own,
    and holds a part that is called synthetic, where it can.
    """
    starts = [w.start_s for w in detection.windows if first_s <= w.start_s <= last_s - LONGEST_S]
    for part in detection.parts[:1]:
        around = [s for s in starts if s <= part.start_s and part.end_s <= s + LONGEST_S]
        starts = around or starts
    spans = detection.quality.speech
    best = max(starts or [first_s], key=lambda start: speech_in(spans, start, start + LONGEST_S))
    return round(best * SAMPLE_RATE)


def _changed(clip: Clip, samples: np.ndarray, condition: str = "") -> Clip:
    """Other samples of a clip; those that come through a codec say so, as such a file would."""
    codec = condition if condition in codecs.CODECS else clip.source.codec
    sha256 = hashlib.sha256(samples.astype("<f4", copy=False).tobytes()).hexdigest()
    duration_s = len(samples) / SAMPLE_RATE
    return Clip(samples, replace(clip.source, codec=codec, sha256=sha256, duration_s=duration_s))


def _row(
    condition: Condition,
    own: Detection | None = None,
    found: Detection | None = None,
    note: str = "",
    reason: str | None = None,
) -> StressRow:
    outcome: Outcome | None = None
    if own is not None and found is not None:
        if own.verdict in ("synthetic", IN_PART, "authentic"):
            if found.verdict == own.verdict and _same_part(own, found):
                outcome = "holds"
            else:
                decided = found.verdict in ("synthetic", IN_PART, "authentic")
                outcome = "turns" if decided else "undecided"
        against = [r.text for r in found.reasons if r.effect in ("inconclusive", "not judged")]
        note = " ".join(filter(None, [note, *against]))
    return StressRow(
        condition=condition.id,
        label=condition.label,
        kind=condition.kind,
        reason=reason,
        llr=found.llr if found else None,
        p_spoof=found.p_spoof if found and found.gives_chance else None,
        verdict=found.verdict if found else None,
        outcome=outcome,
        note=note,
    )


def _same_part(own: Detection, found: Detection) -> bool:
    """Whether some of the same seconds are called synthetic; True where no parts are.

    At another speed the same sound lies elsewhere.
    """
    pace = found.quality.duration_s / own.quality.duration_s
    return not own.parts or any(
        a.start_s * pace < b.end_s and b.start_s < a.end_s * pace
        for a in own.parts
        for b in found.parts
    )
