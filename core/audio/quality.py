"""What can be measured of a sound before any detector runs, and whether it can be judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reason:
    """Why a verdict is withheld, or what weakens it.

    Attributes
    ----------
    code : str
        A stable word for programs, for example ``no_speech``.
    text : str
        One sentence for people.
    effect : str
        ``not judged`` (no verdict is possible), ``inconclusive`` (the score is withheld as a
        verdict) or ``caution`` (the verdict stands, with less weight).
    """

    code: str
    text: str
    effect: Literal["not judged", "inconclusive", "caution"]


@dataclass(frozen=True)
class Quality:
    """What was measured of the sound itself before any detector ran.

    Attributes
    ----------
    duration_s, speech_s : float
        Seconds in all, and of speech found by the voice activity detector.
    speech : tuple of (float, float)
        Spans of speech in seconds.
    level_dbfs : float or None
        RMS level over the speech (over everything where there is none), dB full scale; None for
        digital silence.
    peak : float
        Largest magnitude.
    clipped_share : float
        Share of samples that sit in flat tops at the peak, 0-1.
    zero_share : float
        Share of samples that are exactly zero, 0-1.
    bandwidth_hz : float
        Highest frequency that carries energy, in hertz.
    """

    duration_s: float
    speech_s: float
    speech: tuple[tuple[float, float], ...]
    level_dbfs: float | None
    peak: float
    clipped_share: float
    zero_share: float
    bandwidth_hz: float
