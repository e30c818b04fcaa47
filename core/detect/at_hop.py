"""A clip's windows at another hop than its detector's own: for a closer look, not for a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.audio.clip import SAMPLE_RATE

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.detect.detection import Detection
    from core.detect.detector import Detector

AT_HOP = "at_hop"
"""Key under which JSON holds them, beside a detection's own fields."""


def at_hop(
    detector: Detector,
    clip: Clip,
    found: Detection,
    hop_s: float,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Windows at a hop, as plain JSON; scored anew only where it is not the detection's.

    Parameters
    ----------
    detector : Detector
    clip : Clip
        What was judged.
    found : Detection
        What the detector found in it, at its own hop.
    hop_s : float
        From one window to the next, in seconds.
    progress : callable, optional
        As for `Detector.detect`.

    Returns
    -------
    dict
        ``hop_s`` and ``windows``, the latter as in a Detection's own.

    Raises
    ------
    ValueError
        If the hop is out of range.
    """
    if not abs(hop_s - found.hop_s) * SAMPLE_RATE < 0.5:  # nor one that is no number
        found = detector.detect(
            clip, stance=found.stance, hop_s=hop_s, progress=progress, find=False
        )
    return {"hop_s": found.hop_s, "windows": found.to_dict()["windows"]}
