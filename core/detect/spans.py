"""Where in a clip the evidence lies: overlapping windows as one timeline, and spans over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from core.detect.calibration import logit
from core.detect.decision import Stance, decide
from core.detect.detection import Detection

Kind = Literal["synthetic", "authentic", "inconclusive", "no speech", "missing"]


@dataclass(frozen=True)
class Cell:
    """The stretch of time for which one window speaks.

    Windows overlap; cells do not. A window's score belongs to its middle, so its cell reaches half
    a hop to either side of it; the first begins and the last ends with the clip.

    Attributes
    ----------
    window : int
        Index in the Detection's windows, from 0.
    start_s, end_s : float
        The cell, in seconds.
    heard_from_s, heard_to_s : float
        The whole window, in seconds.
    llr, p_spoof : float or None
        As of the window.
    speech_s : float
        Seconds of speech in the window.
    kind : str
        What the score says under the stance; where there is none, ``missing`` if the file lacks
        most of the window, else ``no speech``.
    """

    window: int
    start_s: float
    end_s: float
    heard_from_s: float
    heard_to_s: float
    llr: float | None
    p_spoof: float | None
    speech_s: float
    kind: Kind


@dataclass(frozen=True)
class Span:
    """A stretch of time that lies above the band without a verdict.

    Attributes
    ----------
    start_s, end_s : float
        In seconds.
    peak_p, mean_p : float
        Highest posterior, and its mean over the cells by their lengths.
    peak_llr : float
        Log-likelihood ratio at the peak.
    windows : int
        Cells in the span.
    """

    start_s: float
    end_s: float
    peak_p: float
    mean_p: float
    peak_llr: float
    windows: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def kind_of(llr: float | None, stance: Stance, band: tuple[float, float] = (0.0, 0.0)) -> Kind:
    """What a log-likelihood ratio says under a stance.

    Parameters
    ----------
    llr : float or None
        Natural log; None where nothing was scored.
    stance : Stance
        Prior and costs.
    band : (float, float)
        Log-odds above the threshold strictly between these give no verdict.

    Returns
    -------
    str
        ``synthetic``, ``authentic``, ``inconclusive`` or ``no speech``.
    """
    return "no speech" if llr is None else decide(llr, stance, band)


def band_in_llr(stance: Stance, band: tuple[float, float]) -> tuple[float, float, float]:
    """Lower edge, threshold and upper edge of the decision as log-likelihood ratios.

    With equal costs the threshold is where the posterior is one half: ``-logit(prior)``.
    """
    threshold = stance.threshold - logit(stance.prior)
    return threshold + band[0], threshold, threshold + band[1]


def band_in_probability(
    band: tuple[float, float], threshold: float = 0.0
) -> tuple[float, float, float]:
    """Lower edge, threshold and upper edge of the decision as posterior probabilities."""
    odds = (threshold + band[0], threshold, threshold + band[1])
    low, middle, high = (1.0 / (1.0 + math.exp(-value)) for value in odds)
    return low, middle, high


def cells(detection: Detection, band: tuple[float, float] = (0.0, 0.0)) -> list[Cell]:
    """One cell per window, without gaps or overlaps, from 0 to the end of the clip.

    Parameters
    ----------
    detection : Detection
        Of one clip.
    band : (float, float)
        Posterior log-odds without a verdict, from the detector's `Decision`.

    Returns
    -------
    list of Cell
        In order of time.
    """
    windows = detection.windows
    if not windows:
        return []
    half = detection.window_s / 2
    edges = [
        0.0,
        *(w.start_s + half - detection.hop_s / 2 for w in windows[1:]),
        max(w.end_s for w in windows),
    ]
    return [
        Cell(
            window=i,
            start_s=edges[i],
            end_s=edges[i + 1],
            heard_from_s=w.start_s,
            heard_to_s=w.end_s,
            llr=w.llr,
            p_spoof=w.p_spoof,
            speech_s=w.speech_s,
            kind="missing"
            if w.llr is None and detection.source.lacks(w.start_s, w.end_s)
            else kind_of(w.llr, detection.stance, band),
        )
        for i, w in enumerate(windows)
    ]


def cell_at(timeline: list[Cell], seconds: float) -> Cell | None:
    """The cell that holds a moment; the last one at the clip's very end, None outside the clip."""
    for cell in timeline:
        if cell.start_s <= seconds < cell.end_s:
            return cell
    return timeline[-1] if timeline and seconds == timeline[-1].end_s else None


def synthetic_spans(timeline: Sequence[Cell]) -> list[Span]:
    """Neighbouring cells that say ``synthetic``, joined: those above the band of no decision.

    The one definition of a span, on pages, in reports and in every export.

    Parameters
    ----------
    timeline : sequence of Cell
        As from `cells`, with the band of the detector that made the scores.

    Returns
    -------
    list of Span
        In order of time; a cell of another kind ends a span.
    """
    runs = groupby(timeline, key=lambda cell: cell.kind == "synthetic")
    return [_span(list(run)) for synthetic, run in runs if synthetic]


def _span(run: list[Cell]) -> Span:
    length = run[-1].end_s - run[0].start_s
    area = sum((c.p_spoof or 0.0) * (c.end_s - c.start_s) for c in run)
    peak = max(run, key=lambda c: c.p_spoof or 0.0)
    return Span(
        start_s=run[0].start_s,
        end_s=run[-1].end_s,
        peak_p=peak.p_spoof or 0.0,
        mean_p=area / length,
        peak_llr=peak.llr or 0.0,
        windows=len(run),
    )
