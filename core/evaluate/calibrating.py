"""A calibration from labelled scores: the affine map, the band without a verdict, and how much
better it is than what was there before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluate.influence import cllr
from core.evaluate.intervals import Difference, Interval, intervals, paired
from core.evaluate.metrics import Affine, Floats, Tally
from core.evaluate.sample import Units, codes_of

LEAST = 30
"""Clips of either class without which nothing is fitted. docs/evaluation.md says what a fit on so
many costs in bits, against one on infinitely many."""

FOLDS = 10

COVERAGE = 0.75
"""Least share of either class of clips that gets a verdict, on average; the rest lies in the
inconclusive band."""

ACCUSED = 3.0
"""What calling human speech synthetic counts beside a missed fake, where the band is chosen."""


APART = (
    "Every synthetic clip scores higher than every human one here, so nothing is known of scores "
    "in between, nor of how often it errs. Bring more clips, and harder ones."
)
"""What is said of a `Fit` that is `apart`."""


class CalibrationError(ValueError):
    """Labelled scores from which nothing can be fitted; the message is a sentence."""


@dataclass(frozen=True)
class Fit:
    """What was fitted, and what it is worth.

    Attributes
    ----------
    scale, offset, llr_limit : float
        ``llr = clip(scale * raw + offset, -llr_limit, llr_limit)``.
    band : (float, float)
        Log-odds around the threshold without a verdict.
    n_bonafide, n_spoof : int
        Clips of either class.
    before, after : Interval
        Cllr in bits of the scores as they were taken before, and of clips by maps that were fitted
        without them.
    gain : Difference
        Before less after, on the same clips.
    apart : bool
        Whether every synthetic clip scores higher than every human one, so that nothing is known
        of what lies between.
    """

    scale: float
    offset: float
    llr_limit: float
    band: tuple[float, float]
    n_bonafide: int
    n_spoof: int
    before: Interval
    after: Interval
    gain: Difference
    apart: bool = False


def fit(
    raw: npt.ArrayLike,
    is_spoof: npt.ArrayLike,
    before: npt.ArrayLike,
    speakers: Sequence[Any] | None = None,
) -> Fit:
    """Fit the affine map that minimises Cllr under a prior of 0.5, and the band.

    The limit is what the smaller class can support: with ``n`` clips no likelihood ratio beyond
    ``n`` can be told from luck. What it is worth is measured on clips that the map has not seen: in
    ten parts, each by a map that was fitted on the others; where speakers are known in both
    classes no voice is in two parts.

    Parameters
    ----------
    raw : array_like
        The network's scores ``[n]``, higher = spoof.
    is_spoof : array_like
        bool ``[n]``, the truth.
    before : array_like
        Log-likelihood ratios ``[n]`` as they were taken so far.
    speakers : sequence, optional
        Who speaks, a missing one None, NaN or "".

    Raises
    ------
    CalibrationError
        If there are fewer than `LEAST` clips of a class, all scores are alike, or higher scores go
        with human speech.
    """
    scores, truth = np.asarray(raw, np.float64), np.asarray(is_spoof, bool)
    n_spoof, n_bonafide = int(truth.sum()), int((~truth).sum())
    if min(n_spoof, n_bonafide) < LEAST:
        raise CalibrationError(
            f"There are {n_bonafide:,} human and {n_spoof:,} synthetic clips with a score; a "
            f"calibration needs {LEAST} of each. Bring more: with fewer it would promise more than "
            "they can show."
        )
    if not np.isfinite(scores).all():
        raise CalibrationError("A score is no finite number.")
    if np.ptp(scores) == 0:
        raise CalibrationError(
            f"Every clip has the same score ({scores[0]:.6g}), so it tells nothing apart and "
            "nothing is kept."
        )
    whole = _affine(scores, truth)
    if whole.scale <= 0:
        raise CalibrationError(_not_higher(scores, truth))
    codes = None if speakers is None else codes_of(list(speakers))
    units = Units.of(codes, truth)
    held_out = np.empty(len(scores))
    parts = _parts(units.codes, truth)
    for part in range(FOLDS):
        inside = parts == part
        map_, n = _affine(scores[~inside], truth[~inside]), _least(truth[~inside])
        held_out[inside] = _llr(scores[inside], map_, math.log(n))
    limit = math.log(min(n_bonafide, n_spoof))
    found = {}
    for name, llr in (("before", np.asarray(before, np.float64)), ("after", held_out)):
        pair = None
        if speakers is not None:
            who = np.asarray(list(speakers), object)
            pair = (list(who[~truth]), list(who[truth]))
        found[name] = intervals(llr[~truth], llr[truth], {"cllr": cllr()}, speakers=pair)["cllr"]
    gain = paired(before, held_out, truth, {"cllr": cllr()}, speakers=speakers)["cllr"]
    if found["after"].value >= 1:
        raise CalibrationError(
            f"Calibrated on some of these clips, its scores cost {found['after'].value:.3f} bits "
            "on the others, and saying nothing costs 1: they tell human from synthetic clips too "
            "little, so nothing is kept."
        )
    band = fit_band(_llr(scores, whole, limit), truth)
    apart = bool(scores[~truth].max() < scores[truth].min())
    return Fit(
        whole.scale, whole.offset, limit, band, n_bonafide, n_spoof, **found, gain=gain, apart=apart
    )


def _not_higher(scores: Floats, truth: npt.NDArray[np.bool_]) -> str:
    """Why scores that do not rise with synthesis are refused, and what to do."""
    human, fake = np.sort(scores[~truth]), scores[truth]
    above = len(human) - (np.searchsorted(human, fake) + np.searchsorted(human, fake, "right")) / 2
    share = 100 * float(above.mean()) / len(human)
    told = (
        "On these clips higher scores do not go with synthetic speech, so nothing is kept: of one "
        f"human and one synthetic clip the human one scores higher in {share:.0f} % of cases. "
    )
    if share < 60:
        return told + "Check the labels; if they are right, it says next to nothing about them."
    return told + (
        "Check the labels; if they are right, its scores point the other way: have it give their "
        "negative, since here higher means synthetic."
    )


def _llr(scores: Floats, affine: Affine, limit: float) -> Floats:
    return np.clip(affine.scale * scores + affine.offset, -limit, limit)


def _affine(scores: Floats, truth: npt.NDArray[np.bool_]) -> Affine:
    return Tally.of(scores[~truth], scores[truth], higher="spoof").affine_calibration()


def _least(truth: npt.NDArray[np.bool_]) -> int:
    return int(min(truth.sum(), (~truth).sum()))


def _parts(units: npt.NDArray[Any], truth: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Which part each trial falls into: units dealt out in turn, class by class."""
    spoofed = np.bincount(units, truth) / np.bincount(units)
    shuffled = np.random.default_rng(0).permutation(len(spoofed))
    dealt = shuffled[np.argsort(spoofed[shuffled], kind="stable")]
    part = np.empty(len(spoofed), np.intp)
    part[dealt] = np.arange(len(spoofed)) % FOLDS
    return part[units]


def fit_band(llr: np.ndarray, spoof: np.ndarray) -> tuple[float, float]:
    """The band around a threshold of 0 that leaves the fewest errors among verdicts.

    Of all bands that leave at least `COVERAGE` outside, the mean over both classes, the one with
    the least ``ACCUSED * (humans called synthetic) + (synthetic called authentic)``, each as a
    share of that class's verdicts. Edges are tried on a grid of 0.05.

    Parameters
    ----------
    llr : numpy.ndarray
        Log-likelihood ratios, shape ``[n]``.
    spoof : numpy.ndarray
        Whether each is synthetic, shape ``[n]``.

    Returns
    -------
    (float, float)
        Lower edge, at most 0, and upper edge, at least 0.
    """
    human, fake = np.sort(llr[~spoof]), np.sort(llr[spoof])
    best, found = math.inf, (0.0, 0.0)
    edges = np.arange(0.0, max(float(np.abs(llr).max()), 0.05), 0.05)

    def above(scores: np.ndarray, edge: float) -> float:
        return 1.0 - np.searchsorted(scores, edge, "left") / len(scores)

    def below(scores: np.ndarray, edge: float) -> float:
        return float(np.searchsorted(scores, edge, "right") / len(scores))

    for low in -edges:
        for high in edges:
            given = [above(s, high) + below(s, low) for s in (human, fake)]
            if sum(given) / 2 < COVERAGE or not all(given):
                break  # a higher edge leaves fewer still
            cost = ACCUSED * above(human, high) / given[0] + below(fake, low) / given[1]
            if cost < best - 1e-12:
                best, found = cost, (float(low), float(high))
    return round(found[0], 2) + 0.0, round(found[1], 2)
