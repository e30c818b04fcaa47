"""Detections that were saved as JSON, opened again: checked against themselves first.

Anyone can edit a file, and whoever knows how can make one that fits. What is checked is whether it
says one thing throughout, and what a detector of this installation could have said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio.parts import came_through
from core.detect.agreement import AGREED
from core.detect.at_hop import AT_HOP
from core.detect.consistency import (
    contradiction,
    implausible,
    otherwise,
    problem_of,
    with_stretches,
)
from core.detect.decision import StanceError
from core.detect.detection import (
    IN_PART,
    ORIGIN,
    READABLE,
    SCHEMA,
    SEAL,
    Detection,
    seal,
)
from core.detect.outlier import places
from core.detect.own_calibration import CODE
from core.files import check_ordinary
from core.plain import printable_in
from core.settings import settings

if TYPE_CHECKING:
    from core.audio.clip import Source
    from core.detect.detector import Detector

MOST_PARTS = 200_000
"""Objects and lists in a file; an hour of audio at the finest hop has 36,000 windows. Empty ones
take thirty times their text in memory."""

BESIDE = ("file", "stress", ORIGIN, AGREED, AT_HOP)
"""What ``python -m core detect --json`` writes beside a detection's own fields."""


AGREES = 0.05
"""How far scores of one clip may lie apart on two machines, as log-likelihood ratios."""

WINDOW_AGREES = 0.25
"""How far apart a window's scores may be, where nothing is averaged."""

UNLIKE_AGREES = 1.0
"""How far apart its log-odds may be, which add up what differs in all around it."""

MEASURED = {
    "duration_s": (0.1, "the seconds of sound"),
    "speech_s": (0.1, "the seconds of speech"),
    "level_dbfs": (1.0, "the level"),
    "peak": (0.05, "the peak"),
    "clipped_share": (0.02, "the share that is cut flat"),
    "zero_share": (0.02, "the share of digital silence"),
    "bandwidth_hz": (200.0, "the bandwidth"),
}
"""What is measured of the sound: how far it may lie apart, and what it is called."""

UNKNOWN = "by weights that this installation does not know, so its score cannot be checked here"
OTHER_CALIBRATION = (
    "by another calibration than its detector has here, so its score cannot be checked here"
)
UNCHECKED = {UNKNOWN, OTHER_CALIBRATION}
UNSEALED = "it holds no check sum: an earlier version saved it, or somebody changed it"
CHANGED = "it was changed after it was saved: its check sum does not fit"


class SavedError(ValueError):
    """A file that holds no detection that could be shown; the message is a sentence."""


@dataclass(frozen=True)
class Saved:
    """A detection from a file.

    Attributes
    ----------
    detection : Detection
        What the file says; anyone could have written it.
    doubts : tuple of str
        What speaks against it, each the end of a sentence; empty where it fits itself and a
        detector of this installation.
    """

    detection: Detection
    doubts: tuple[str, ...] = ()


def open_saved(
    data: bytes, detector_of: Callable[[str], Detector | None] = lambda id: None
) -> list[Saved]:
    """Detections from what the dashboard or ``python -m core detect --json`` has written.

    Parameters
    ----------
    data : bytes
        One object, a list of them, or the object inside an evidence report.
    detector_of : callable
        Gives a detector of this installation by its id, None where there is none of it.

    Returns
    -------
    list of Saved
        At least one.

    Raises
    ------
    SavedError
        With a sentence that says what is wrong, also where a detection contradicts itself.
    """
    _check_size(len(data))
    if data.count(b"{") + data.count(b"[") > MOST_PARTS:
        raise SavedError(f"The file has more than {MOST_PARTS:,} parts; no saved detection has.")
    try:
        held = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, SavedError):
            raise
        raise SavedError(
            "This is not JSON as Spoofscope saves it. Give a file that was downloaded here."
        ) from error
    if isinstance(held, dict) and isinstance(held.get("detections"), list):
        held = held["detections"]
    items = held if isinstance(held, list) else [held]
    if not items:
        raise SavedError("The file holds an empty list and no detection.")
    return [_checked(item, number, detector_of) for number, item in enumerate(items, 1)]


def read_saved(path: str | Path) -> bytes:
    """What a file of saved detections holds, with its size looked at before it is read.

    Raises
    ------
    SavedError
        If it cannot be read, or is larger than such a file is.
    """
    try:
        check_ordinary(path)
        with Path(path).open("rb") as file:
            _check_size(os.fstat(file.fileno()).st_size)
            return file.read((settings().max_saved_mb << 20) + 1)
    except OSError as error:
        raise SavedError(f"The file cannot be opened: {error.strerror}.") from error


def _check_size(size: int) -> None:
    most = settings().max_saved_mb  # an hour of audio at the finest hop takes 12 MB
    if size > most << 20:
        raise SavedError(
            f"The file has {size / 2**20:,.1f} MB; a saved detection has at most {most} MB."
        )


def comparison(saved: Detection, again: Detection) -> str:
    """Whether judging the clip again says what a file says of it, in a sentence.

    Parameters
    ----------
    saved : Detection
        From the file.
    again : Detection
        Of a clip with the same SHA-256, by the same detector under the same stance.
    """

    def said(d: Detection) -> str:
        return d.verdict if d.llr is None else f"{d.verdict}, score {d.llr:+.2f}"

    same = saved.verdict == again.verdict and _near(saved.llr, again.llr, AGREES)
    also = differences(saved, again)
    how = "and the result agrees" if same and not also else "and the result does not agree"
    told = f"Judged here again, {how}: {said(again)}; the file says {said(saved)}."
    told += f" The file differs in {', '.join(also)}." if also else ""
    return told + (
        "" if saved.weights_sha256 == again.weights_sha256 else " Its weights are others."
    )


def not_comparable(saved: Detection, source: Source, detector: Detector) -> str:
    """Why a clip at hand is judged by another calibration than a file's; empty where it is not."""
    said, here = saved.source.codec, source.codec
    if detector.calibration_of(said) == detector.calibration_of(here):
        return ""
    return (
        f"Not judged again: the file says that the sound came as {said}, and the recording here is "
        f"{here}; its detector has a calibration for each. If it is a take of Live, hold it "
        "against its WAV with: python -m core report --through opus."
    )


def differences(saved: Detection, again: Detection) -> list[str]:
    """What a file says otherwise than judging its clip again, beside verdict and score."""
    found = []
    one, other = saved.source, again.source
    stated = came_through(one) or came_through(other)  # by whoever brought it, and not by the file
    for name in ("container", *([] if stated else ["codec"]), "sample_rate", "channels"):
        if getattr(one, name) != getattr(other, name):
            found.append(
                f"the recording's {name.replace('_', ' ')} ({getattr(one, name)}, "
                f"here {getattr(other, name)})"
            )
    for name, (most, said) in MEASURED.items():
        if not _near(getattr(saved.quality, name), getattr(again.quality, name), most):
            found.append(said)
    if len(saved.windows) != len(again.windows):
        found.append("the number of windows")
    else:
        pairs = list(zip(saved.windows, again.windows, strict=True))
        moved = sum(not _near(a.llr, b.llr, WINDOW_AGREES) for a, b in pairs)
        if moved:
            found.append(f"the scores of {moved:,} of {len(pairs):,} windows")
    if saved.trace is not None and again.trace is not None:  # earlier versions kept none
        shorter = list(zip_longest(saved.trace.llrs, again.trace.llrs))
        moved = sum(not _near(a, b, WINDOW_AGREES) for a, b in shorter)
        if moved:
            found.append(f"the scores of {moved:,} of {len(shorter):,} shorter windows")
        held = list(zip(saved.trace.unlike, again.trace.unlike, strict=False))  # or not these
        moved = sum(not _near(a, b, UNLIKE_AGREES) for a, b in held)
        if moved:
            found.append(f"how unlike the rest {moved:,} of {len(held):,} shorter windows are")
    if any(
        not (
            _near(a.bandwidth_hz, b.bandwidth_hz, 200.0)
            and _near(a.clipped_share, b.clipped_share, 0.02)
        )
        for a, b in zip(saved.stands_out, again.stands_out, strict=False)
    ):
        found.append("what the stretches that stand out sound like")
    if not _same_places(saved, again):
        found.append(f"what it calls synthetic ({places(saved.parts)}, here {places(again.parts)})")
    if {r.code for r in saved.reasons} != {r.code for r in again.reasons}:
        found.append("its reasons")
    levels = [d.familiarity.level if d.familiarity else "" for d in (saved, again)]
    if levels[0] != levels[1]:
        found.append("how familiar the clip is")
    return found


def _near(one: float | None, other: float | None, most: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= most


def _same_places(saved: Detection, again: Detection) -> bool:
    """Whether both call the same parts synthetic; True where the verdicts tell them apart."""
    if not saved.parts or not again.parts:
        return True
    ends = [[edge for s in d.parts for edge in (s.start_s, s.end_s)] for d in (saved, again)]
    most = again.trace.window_s if again.trace else again.window_s
    return len(ends[0]) == len(ends[1]) and all(map(_near, *ends, [most] * len(ends[0])))


def _no_constant(name: str) -> Any:
    raise SavedError(f"The file holds {name}, which is no number that was measured.")


def _checked(item: Any, number: int, detector_of: Callable[[str], Detector | None]) -> Saved:
    schema = item.get("schema") if isinstance(item, dict) else None
    if schema not in READABLE:
        family = SCHEMA.rsplit("/", 1)[0]
        if isinstance(schema, str) and schema.startswith(f"{family}/"):
            raise SavedError(
                f"Item {number} was saved in the form {schema[:60]!r}; this version reads "
                f"{SCHEMA}. Use the version that made it, or judge the clip again."
            )
        raise SavedError(f"Item {number} of the file is not a saved detection.")
    doubts = []
    try:
        held = {k: v for k, v in item.items() if k not in BESIDE}
        given = held.get(SEAL)
        if given is None:
            doubts.append(UNSEALED)
        elif given != seal(held):
            doubts.append(CHANGED)
        made = Detection.from_dict(printable_in(held))
        problem = problem_of(made) or (_lacking(made, held) if schema == SCHEMA else "")
        if made.verdict == IN_PART and schema != SCHEMA:
            problem = "its form is from before there was such a verdict"
        unheard = any(s.bandwidth_hz is None for s in made.stands_out)
        if unheard and made.trace is not None and schema == SCHEMA:
            problem = "it does not say what the stretches that it names sound like"
        if not problem:
            detector = detector_of(made.detector)
            if detector is not None and (made.detector, made.weights_sha256) != (
                detector.id, detector.weights_sha256
            ):  # fmt: skip
                detector = None
            if detector is None:
                doubts.insert(0, UNKNOWN)
            elif _calibrated_by(made) != _calibration_here(detector):
                detector = None
                doubts.insert(0, OTHER_CALIBRATION)
            problem = contradiction(made) or implausible(made, detector)
            if not problem and detector is not None:
                made, problem = with_stretches(made, detector, "stands_out" in held)
                doubts += otherwise(made, detector)
    except StanceError as error:
        raise SavedError(f"Item {number} is damaged. {error}") from error
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise SavedError(f"Item {number} is damaged: its fields are not of the right kind.") from (
            error
        )
    if problem:
        raise SavedError(f"Item {number} is damaged: {problem}.")
    return Saved(made, tuple(doubts))


def _lacking(d: Detection, held: Mapping[str, Any]) -> str:
    """A field that a dictionary of today's form lacks of the Detection that was made from it: what
    older forms leave out would be taken for its default. Empty where there is none."""
    pairs: list[tuple[str, Any, Any]] = [("it", d, held), ("its source", d.source, held["source"])]
    if d.familiarity is not None:
        pairs.append(("its familiarity", d.familiarity, held["familiarity"]))
    stretches = zip(d.stands_out, held.get("stands_out", ()), strict=True)
    pairs += [("a stretch that it names", *pair) for pair in stretches]
    lacks = (
        (what, f.name) for what, made, given in pairs for f in fields(made) if f.name not in given
    )
    return next((f"{what} lacks {name}" for what, name in lacks), "")


def _calibrated_by(d: Detection) -> str:
    """What a Detection says of a calibration that was fitted where it was made; else empty."""
    return next((reason.text for reason in d.reasons if reason.code == CODE), "")


def _calibration_here(detector: Detector) -> str:
    own = detector.own_calibration
    return own.reason.text if own is not None else ""
