"""Several systems' scores as one: linear logistic regression, learnt apart from what it judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics import Floats, Ints

MOST_LEARNT = 100_000
"""Trials of a class that weights are learnt from; more of them change nothing that is seen."""

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fusion:
    """``llr = scores @ weights + offset`` (natural log, towards spoof).

    Attributes
    ----------
    weights : numpy.ndarray
        float64 ``[systems]``.
    offset : float
        Added to the sum.
    ends : numpy.ndarray
        float64 ``[2, systems]``, the least and greatest finite score that was learnt from; infinite
        scores count as these.
    """

    weights: Floats
    offset: float
    ends: Floats

    def apply(self, scores: Floats) -> Floats:
        """Log-likelihood ratios ``[n]`` of scores ``[n, systems]``."""
        held = np.where(np.isneginf(scores), self.ends[0], scores)
        held = np.where(np.isposinf(scores), self.ends[1], held)
        return np.asarray(held @ self.weights + self.offset)


def learn(scores: Floats, is_spoof: npt.NDArray[np.bool_]) -> Fusion:
    """Weights and offset by logistic regression in which each class counts half.

    ``min sum_c mean_c log(1 + exp(-+llr)) / 2`` (Bruemmer et al. 2007,
    doi:10.1109/TASL.2007.902870), by Newton's method.

    Parameters
    ----------
    scores : numpy.ndarray
        float64 ``[n, systems]``; trials with an infinite score are not learnt from.
    is_spoof : numpy.ndarray
        bool ``[n]``.

    Raises
    ------
    ValueError
        If a class has no trial with finite scores.
    """
    x, spoof = _drawn(scores, is_spoof)
    ends = np.stack((x.min(axis=0), x.max(axis=0)))
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = np.column_stack(((x - mean) / spread, np.ones(len(x))))
    weight = np.where(spoof, 0.5 / spoof.sum(), 0.5 / (~spoof).sum())
    sign = np.where(spoof, -1.0, 1.0)
    # A weak pull on the weights keeps separable scores finite (Cllr changes by under 1e-6).
    pull = np.r_[np.full(x.shape[1], 1e-9), 0.0]

    def loss(w: Floats) -> float:
        return float(weight @ np.logaddexp(0, sign * (z @ w)) + 0.5 * pull @ (w * w))

    w = np.zeros(z.shape[1])
    value = loss(w)
    for _ in range(200):
        p = 0.5 * (1 + np.tanh(0.5 * (z @ w)))
        grad = z.T @ (weight * (p - spoof)) + pull * w
        curve = z.T @ (z * (weight * p * (1 - p))[:, None]) + np.diag(pull + 1e-15)
        step = np.linalg.solve(curve, grad)
        size = 1.0
        while size > 1e-10 and loss(w - size * step) > value:
            size /= 2
        w = w - size * step
        before, value = value, loss(w)
        if abs(before - value) < 1e-15:
            break
    weights = w[:-1] / spread
    return Fusion(weights, float(w[-1] - weights @ mean), ends)


def alike(scores: Floats, is_spoof: npt.NDArray[np.bool_]) -> Fusion:
    """Equal weights: each system's scores in units of their spread, averaged, then calibrated."""
    x, _ = _drawn(scores, is_spoof)
    spread = x.std(axis=0)
    weights = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1.0), 0.0) / x.shape[1]
    ends = np.stack((x.min(axis=0), x.max(axis=0)))
    one = learn(Fusion(weights, 0.0, ends).apply(scores)[:, None], is_spoof)
    return Fusion(weights * one.weights[0], one.offset, ends)


def folds(
    speakers: Ints | None, is_spoof: npt.NDArray[np.bool_], number: int = FOLDS
) -> tuple[Ints, bool]:
    """Fold ``[n]`` of every trial, and whether all known speakers are in one fold each.

    Speakers go whole into the fold that has least of their classes, the largest first. Trials of
    unknown speakers are dealt out by class, as are all trials where speakers are too few to learn
    from others.
    """
    if speakers is not None and (speakers >= 0).any():
        found = _by_speaker(speakers, is_spoof, number)
        learnable = [
            is_spoof[found != f].any() and not is_spoof[found != f].all() for f in np.unique(found)
        ]
        if all(learnable):
            return found, True
    return _dealt(is_spoof, np.ones(len(is_spoof), dtype=bool), number), speakers is None


def _by_speaker(speakers: Ints, is_spoof: npt.NDArray[np.bool_], number: int) -> Ints:
    known = speakers >= 0
    codes = np.where(known, speakers, 0)
    most = int(codes.max()) + 1
    counts = [np.bincount(codes[known & c], minlength=most) for c in (~is_spoof, is_spoof)]
    totals = np.stack(counts, axis=1)
    sizes = totals / np.maximum(totals.sum(axis=0), 1)
    loads = np.zeros((number, 2))
    place = np.zeros(len(sizes), dtype=np.int64)
    for speaker in np.argsort(-sizes.sum(axis=1), kind="stable"):
        cost = loads @ sizes[speaker] + 1e-9 * loads.sum(axis=1)
        place[speaker] = fold = int(np.argmin(cost))
        loads[fold] += sizes[speaker]
    return np.where(known, place[codes], _dealt(is_spoof, ~known, number))


def _dealt(is_spoof: npt.NDArray[np.bool_], chosen: npt.NDArray[np.bool_], number: int) -> Ints:
    found = np.zeros(len(is_spoof), dtype=np.int64)
    rng = np.random.default_rng(0)
    for wanted in (chosen & ~is_spoof, chosen & is_spoof):
        where = np.flatnonzero(wanted)
        found[rng.permutation(where)] = np.arange(len(where)) % number
    return found


def _drawn(scores: Floats, is_spoof: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Trials to learn from: finite, at most `MOST_LEARNT` of a class."""
    finite = np.isfinite(scores).all(axis=1)
    rng = np.random.default_rng(0)
    parts = []
    for wanted in (finite & ~is_spoof, finite & is_spoof):
        where = np.flatnonzero(wanted)
        if len(where) > MOST_LEARNT:
            where = np.sort(rng.choice(where, MOST_LEARNT, replace=False))
        parts.append(where)
    if not all(map(len, parts)):
        raise ValueError("Both classes are needed to learn weights from.")
    rows = np.concatenate(parts)
    return scores[rows], is_spoof[rows]
