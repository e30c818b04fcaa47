"""What goes into an evidence report: a clip before a detector, and what is filed with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.detect.detection import Detection
from core.detect.stress import StressTest

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.provenance.found import Provenance


@dataclass(frozen=True)
class Case:
    """One clip before one detector.

    Attributes
    ----------
    detection : Detection
        What it said.
    band : (float, float)
        Log-odds around the threshold in which that detector does not decide.
    record : str
        Its error rates that are known, in words.
    tests : tuple of StressTest
        The same clip, or parts of it, under other conditions.
    clip : Clip, optional
        The sound, for pictures of it.
    saved : bool
        Whether the detection is from a file and was not made here.
    doubts : tuple of str
        What speaks against such a detection; see `core.detect.saved.Saved`.
    again : str
        What judging the clip again said of it; empty where that was not done.
    origin : Provenance, optional
        What the clip's file shows of its origin.
    """

    detection: Detection
    band: tuple[float, float] = (0.0, 0.0)
    record: str = "not measured"
    tests: tuple[StressTest, ...] = ()
    clip: Clip | None = None
    saved: bool = False
    doubts: tuple[str, ...] = ()
    again: str = ""
    origin: Provenance | None = None


@dataclass(frozen=True)
class Filing:
    """What whoever asks for a report wants on it.

    Attributes
    ----------
    case : str
        A case number or the like.
    notes : str
        In their own words.
    personal : bool
        Whether tags that may name people and places go into the report.
    """

    case: str = ""
    notes: str = ""
    personal: bool = False
