"""Scores of segments of half a second: what the shorter windows around each say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.detect.detection import Detection
from core.detect.spans import Kind, kind_of

REACH_S = 2.25
"""How far from a segment's middle a window's middle ends to count; dev chose the triangle."""

ROUNDING = 1e-9
"""Seconds that are none."""


@dataclass(frozen=True)
class Segment:
    """A segment of a clip.

    Attributes
    ----------
    start_s, end_s : float
        In seconds of the clip.
    llr, p_spoof : float or None
        Log-likelihood ratio and posterior; None where no window over the segment was scored
        whose middle lies within `REACH_S`.
    kind : str
        What the score says under the stance, as of `core.detect.spans.Cell`.
    """

    start_s: float
    end_s: float
    llr: float | None
    p_spoof: float | None
    kind: Kind


def segments(detection: Detection, band: tuple[float, float] = (0.0, 0.0)) -> list[Segment]:
    """The segments of a clip whose shorter windows were scored.

    The score of a segment is a mean of the windows around it, by weights that fall evenly from its
    middle to `REACH_S`: one window alone errs too often.

    Parameters
    ----------
    detection : Detection
        Of one clip.
    band : (float, float)
        Posterior log-odds without a verdict, from the detector's `Decision`.

    Returns
    -------
    list of Segment
        As long as the hop of those windows, in order and without gaps, the last up to the clip's
        end; empty where no shorter windows were scored.
    """
    trace = detection.trace
    if trace is None or not trace.llrs:
        return []
    hop, overhang = trace.hop_s, (trace.window_s - trace.hop_s) / 2
    heard = np.array([llr is not None for llr in trace.llrs], float)
    values = np.array([llr or 0.0 for llr in trace.llrs])
    most = int(np.ceil((REACH_S + overhang) / hop))
    away = np.abs(np.arange(-most, most + 1) * hop + overhang)  # of window k + j from segment k
    weights = np.maximum(0.0, REACH_S - away)
    count = len(values) + int(2 * overhang / hop + ROUNDING)  # the last lies within the last window

    def around(x: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Sums over the windows around each segment."""
        padded = np.pad(x, (most, most + count - len(x)))
        return np.convolve(padded, shares[::-1], "valid")

    weights[weights < ROUNDING] = 0.0
    over = (away <= overhang + ROUNDING) & (weights > 0.0)
    covered = around(heard, over.astype(float)) > 0.5
    llrs = around(heard * values, weights) / np.maximum(around(heard, weights), 1e-12)
    ends = [*(hop * np.arange(1, count)).tolist(), detection.quality.duration_s]
    found = []
    for k, (end, llr, known) in enumerate(zip(ends, llrs.tolist(), covered.tolist(), strict=True)):
        said = llr if known else None
        p = None if said is None else detection.stance.posterior(said)
        found.append(Segment(k * hop, end, said, p, kind_of(said, detection.stance, band)))
    return found
