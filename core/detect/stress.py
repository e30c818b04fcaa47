"""How firm a verdict is: the same clip through codecs, noise, a room, other speeds and levels.

A verdict **holds** under a condition if the changed clip gets the same verdict. Where the changed
clip gets none (inconclusive, or nothing left to judge), the verdict is lost but not contradicted;
where it gets the opposite one, the verdict **turns**. A clip without a verdict has none to hold.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from core.audio import acoustics, codecs
from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.quality import speech_in
from core.detect.decision import Stance
from core.detect.detection import Detection, Verdict

if TYPE_CHECKING:
    from core.detect.detector import Detector

SCHEMA = "spoofscope.stress/2"
"""Name and version of the dictionary that `StressTest.to_dict` makes."""

LONGEST_S = 30.0
"""Of a longer clip the stretch of this length that holds the most speech is tested."""

SHORTEST_S = 1.0
"""Least seconds of a part that is asked for."""

RT60_S, DIRECT_DB = 0.5, 0.0
"""A furnished living room, heard from where its reverberation is as loud as the voice itself."""

Kind = Literal["telephone", "internet", "file", "noise", "room", "speed", "level"]
Outcome = Literal["holds", "undecided", "turns"]
Change = Callable[[np.ndarray, float], tuple[np.ndarray, str]]


@dataclass(frozen=True)
class Condition:
    """One thing that may happen to a clip.

    Attributes
    ----------
    id, label : str
        For programs and for people.
    kind : str
        ``telephone``, ``internet`` or ``file`` (codecs), ``noise``, ``room``, ``speed``, ``level``.
    change : callable
        From samples, float32 ``[n]``, and the RMS of their speech to changed samples, float32
        ``[m]``, and a note for people, which may be empty.
    """

    id: str
    label: str
    kind: Kind
    change: Change


def _coded(codec: str) -> Change:
    def change(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
        sent = codecs.coded(samples, codec)
        note = f"Encoded at {sent.bit_rate / 1000:.1f} kbit/s." if sent.bit_rate else ""
        return sent.samples, note

    return change


def _noisy(snr_db: float) -> Change:
    def change(samples: np.ndarray, speech_rms: float) -> tuple[np.ndarray, str]:
        noisy = acoustics.add_noise(samples, snr_db, speech_rms, np.random.default_rng(1))
        return acoustics.within_full_scale(noisy), ""

    return change


def _roomy(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
    response = acoustics.room_response(RT60_S, DIRECT_DB, np.random.default_rng(2))
    return acoustics.within_full_scale(acoustics.in_room(samples, response)), ""


def _sped(factor: float) -> Change:
    return lambda samples, _: (acoustics.at_speed(samples, factor), "")


def _louder(db: float) -> Change:
    def change(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
        loud, cut = acoustics.gain(samples, db)
        return loud, f"{100 * cut:.2g} % of the samples were cut flat." if cut else ""

    return change


CONDITIONS: dict[str, Condition] = {
    condition.id: condition
    for condition in (
        *(Condition(name, c.label, c.family, _coded(name)) for name, c in codecs.CODECS.items()),
        *(
            Condition(f"noise-{snr}", f"Noise at {snr} dB SNR", "noise", _noisy(snr))
            for snr in (30, 20, 10)
        ),
        Condition("room", f"Room, rings {RT60_S:g} s", "room", _roomy),
        Condition("speed-0.9", "Speed × 0.9", "speed", _sped(0.9)),
        Condition("speed-1.1", "Speed × 1.1", "speed", _sped(1.1)),
        Condition("gain-20", "20 dB quieter", "level", _louder(-20)),
        Condition("gain+6", "6 dB louder", "level", _louder(6)),
    )
}
"""Every condition by its id."""


@dataclass(frozen=True)
class StressRow:
    """What became of the verdict under one condition.

    Attributes
    ----------
    condition, label, kind : str
        As in `Condition`.
    reason : str or None
        Why it could not be tested here, in a sentence; None where it was.
    llr, p_spoof : float or None
        As in `Detection`; None where nothing was scored.
    verdict : str or None
        Of the changed clip; None where it could not be tested.
    outcome : str or None
        ``holds``, ``undecided`` (inconclusive or not judged) or ``turns``; None where it could not
        be tested or the clip itself has no verdict.
    note : str
        What was done, and why there is no verdict, for people; may be empty.
    """

    condition: str
    label: str
    kind: Kind
    reason: str | None
    llr: float | None
    p_spoof: float | None
    verdict: Verdict | None
    outcome: Outcome | None
    note: str

    @property
    def holds(self) -> bool | None:
        """Whether the verdict is the clip's own; None where there is nothing to compare."""
        return None if self.outcome is None else self.outcome == "holds"


@dataclass(frozen=True)
class StressTest:
    """One clip's verdict under every condition.

    Attributes
    ----------
    detector, weights_sha256, calibrated, stance
        As in `Detection`.
    name, sha256 : str
        The clip's name, with track and channel where the file has several, and its hash.
    from_s, to_s : float
        The part that was tested, in seconds of the clip.
    whole : bool
        Whether that is the whole clip.
    llr, p_spoof, verdict
        Of that part as it is: what every row is compared with.
    rows : tuple of StressRow
        In the order of the conditions; none where the clip itself is not judged.
    elapsed_ms : float
        Wall-clock milliseconds of the whole test.
    asked : (float, float) or None
        The part that was asked for, in seconds; None where none was.
    """

    detector: str
    weights_sha256: str
    calibrated: bool
    stance: Stance
    name: str
    sha256: str
    from_s: float
    to_s: float
    whole: bool
    llr: float | None
    p_spoof: float | None
    verdict: Verdict
    rows: tuple[StressRow, ...]
    elapsed_ms: float
    asked: tuple[float, float] | None = None

    @property
    def tested(self) -> tuple[StressRow, ...]:
        """The rows of conditions that could be made here."""
        return tuple(row for row in self.rows if row.reason is None)

    @property
    def decided(self) -> bool:
        """Whether the clip itself has a verdict that could hold."""
        return self.verdict in ("synthetic", "authentic")

    def count(self, outcome: Outcome) -> int:
        """Under how many conditions the verdict holds, is undecided or turns."""
        return sum(row.outcome == outcome for row in self.rows)

    def summary(self) -> str:
        """The counts in one or two sentences."""
        total = len(self.tested)
        if self.verdict == "not judged":
            return "The clip was not judged, so there is no verdict to test."
        if not self.decided:
            called = {
                v: sum(row.verdict == v for row in self.rows) for v in ("synthetic", "authentic")
            }
            said = (
                f"The clip is inconclusive as it is, so it has no verdict to hold. Under {total} "
                f"conditions it is called synthetic {_times(called['synthetic'])} and authentic "
                f"{_times(called['authentic'])}."
            )
        else:
            held, lost, turned = (self.count(o) for o in get_args(Outcome))
            every = f"all {total}" if held == total else f"{held} of {total}"
            said = f"The verdict holds under {every} condition{'s' if total != 1 else ''}"
            unjudged = any(row.verdict == "not judged" for row in self.rows)
            if lost:
                said += f"; under {lost} it becomes inconclusive"
                said += " or nothing can be judged" if unjudged else ""
            if turned:
                said += f"; under {turned} it turns into the opposite"
            said += "."
        missing = len(self.rows) - total
        if missing:
            said += f" {missing} more could not be tested here."
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only, with the schema's name and version under ``schema``."""
        fields = asdict(self)
        return {"schema": SCHEMA, **fields, "rows": [dict(row) for row in fields["rows"]]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StressTest:
        """Rebuild a StressTest from `to_dict`'s output.

        Raises
        ------
        ValueError
            If the schema is not this version's or a field is missing or unknown.
        """
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ValueError(f"This is not a saved stress test of the form {SCHEMA}.")
        fields = {key: value for key, value in data.items() if key != "schema"}
        try:
            stance = Stance.from_saved(fields)
            rows = tuple(StressRow(**row) for row in fields.pop("rows"))
            asked = fields.pop("asked", None)
            return cls(**fields, stance=stance, rows=rows, asked=asked and (asked[0], asked[1]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"This saved stress test is damaged: {error}.") from error


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
        At 16 kHz; of more than `LONGEST_S` the stretch with the most speech is taken.
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
    chosen = [_known(id) for id in (CONDITIONS if conditions is None else conditions)]
    slot = slot or nullcontext()
    began = time.perf_counter()

    def detect(heard: Clip) -> Detection:
        with slot:
            return detector.detect(heard, stance=stance)

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
            rows.append(_row(condition, own, detect(_changed(clip, samples, condition.id)), note))
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
        p_spoof=own.p_spoof,
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


def _known(id: str) -> Condition:
    if id not in CONDITIONS:
        raise ValueError(f"There is no condition {id!r}; there are {', '.join(CONDITIONS)}.")
    return CONDITIONS[id]


def _fullest(detection: Detection, first_s: float, last_s: float) -> int:
    """First sample of the stretch of `LONGEST_S` in a part that holds the most speech.

    It starts with one of the detection's windows, so that the tested windows are the clip's own.
    """
    starts = [w.start_s for w in detection.windows if first_s <= w.start_s <= last_s - LONGEST_S]
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
        if own.verdict in ("synthetic", "authentic"):
            if found.verdict == own.verdict:
                outcome = "holds"
            else:
                decided = found.verdict in ("synthetic", "authentic")
                outcome = "turns" if decided else "undecided"
        against = [r.text for r in found.reasons if r.effect in ("inconclusive", "not judged")]
        note = " ".join(filter(None, [note, *against]))
    return StressRow(
        condition=condition.id,
        label=condition.label,
        kind=condition.kind,
        reason=reason,
        llr=found.llr if found else None,
        p_spoof=found.p_spoof if found else None,
        verdict=found.verdict if found else None,
        outcome=outcome,
        note=note,
    )


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
