"""How unlike the rest of its clip a shorter window is, towards synthetic.

Voice, room and recorder are the same all through a clip, and blur what a window's score says by
itself. A small network hears a window's embedding against the clip's own, and so its neighbours'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.weights import arrays_in

MEMBERS = ("mean", "project", "own", *(f"{n}.{part}" for n in range(3) for part in ("w", "b")))
"""Arrays of a model's file."""

LARGEST = 1e6
"""No log-odds are as large."""

_LLR_UNIT, _AWAY_UNIT = 3.0, 2.0


@dataclass(frozen=True, eq=False)
class Contrast:
    """A network over all shorter windows of a clip; several of one shape, whose mean counts.

    Attributes
    ----------
    mean, project : numpy.ndarray
        float32 ``[d]`` and ``[d, k]``: the mean embedding of human windows and their ``k`` main
        directions, over the spread along each.
    layers : tuple of (numpy.ndarray, numpy.ndarray)
        Convolutions over time, float32 ``[m, out, in, width]`` and ``[m, out]``.
    own : numpy.ndarray
        float32 ``[m]``: what a window's score less the clip's median counts for by itself.
    run : int
        Neighbouring windows whose mean is compared with `least`.
    least : float
        Mean log-odds from which a run stands out, where its scores say so too.
    beyond : float
        For that: least sum of what they are above the clip's median and a shift.
    """

    mean: np.ndarray
    project: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    own: np.ndarray
    run: int = 5
    least: float = 0.0
    beyond: float = 5.0

    def reduced(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings ``[n, d]`` along the main directions: float32 ``[n, k]``."""
        return ((embeddings - self.mean) @ self.project).astype(np.float32)

    def scores(self, llrs: np.ndarray, reduced: np.ndarray) -> np.ndarray:
        """How unlike the rest each window of a clip is.

        Parameters
        ----------
        llrs : numpy.ndarray
            Log-likelihood ratios ``[n]`` of the clip's scored windows, in order.
        reduced : numpy.ndarray
            Their embeddings as `reduced` gives them, ``[n, k]``.

        Returns
        -------
        numpy.ndarray
            float64 ``[n]``: log-odds, not calibrated, that a window is synthetic in a clip that is
            human otherwise.
        """
        inputs = features(llrs, reduced)
        found = np.zeros(len(llrs))
        for member in range(len(self.own)):
            x = inputs
            for weight, bias in self.layers[:-1]:
                x = np.maximum(_convolved(x, weight[member], bias[member]), 0.0)
            weight, bias = self.layers[-1]
            found += _convolved(x, weight[member], bias[member])[0]
            found += self.own[member] * _LLR_UNIT * inputs[1]
        return found / len(self.own)

    def found(
        self, llrs: np.ndarray, scores: np.ndarray, shift: float, most: int
    ) -> list[tuple[int, int, float]]:
        """The runs of a clip that stand out towards synthetic, the clearest first.

        Parameters
        ----------
        llrs, scores : numpy.ndarray
            Log-likelihood ratios ``[n]``, and what `scores` says of them.
        shift : float
            As of `core.detect.outlier.Excess`.
        most : int
            Runs that are looked for.

        Returns
        -------
        list of (int, int, float)
            First index, the index after the last, and the sum.
        """
        if not len(llrs):  # no window was scored, and there is no median
            return []
        away = llrs - np.median(llrs) - shift
        runs = runs_above(scores, self.run, self.least)
        summed = ((first, end, float(away[first:end].sum())) for first, end, _ in runs)
        return list(islice((run for run in summed if run[2] >= self.beyond), most))


def features(llrs: np.ndarray, reduced: np.ndarray) -> np.ndarray:
    """What the network is given of a clip.

    Parameters
    ----------
    llrs, reduced : numpy.ndarray
        As `Contrast.scores` takes them.

    Returns
    -------
    numpy.ndarray
        float32 ``[4 + k, n]``: score, its difference from the clip's median, that median, how far
        the embedding lies from the clip's median against the usual distance there; and the way
        from that median to it.
    """
    median = float(np.median(llrs))
    away = reduced - np.median(reduced, axis=0)
    distance = np.sqrt(np.mean(np.square(away), axis=1))
    own = [
        llrs / _LLR_UNIT,
        (llrs - median) / _LLR_UNIT,
        np.full(len(llrs), median / _LLR_UNIT),
        distance - np.median(distance),
    ]
    return np.concatenate([np.stack(own), away.T / _AWAY_UNIT]).astype(np.float32)


def runs_above(scores: np.ndarray, run: int, least: float) -> Iterator[tuple[int, int, float]]:
    """Runs of windows that stand out, the clearest first.

    A run is where the mean of ``run`` neighbours reaches the least; it goes from the highest of
    them as far as the log-odds stay above even.

    Parameters
    ----------
    scores : numpy.ndarray
        Log-odds ``[n]``.
    run : int
        At least 1.
    least : float
        At least 0.

    Yields
    ------
    (int, int, float)
        First index, the index after the last, and the mean that reached the least; no two touch.
    """
    left = scores.astype(np.float64)
    while len(left) >= run:
        sums = np.cumsum(np.concatenate([[0.0], left]))
        means = (sums[run:] - sums[:-run]) / run
        at = int(np.argmax(means))
        if means[at] < least:
            break
        first = at + int(np.argmax(left[at : at + run]))
        end = first + 1
        while first > 0 and left[first - 1] > 0:
            first -= 1
        while end < len(left) and left[end] > 0:
            end += 1
        yield first, end, float(means[at])
        left[max(0, first - 1) : end + 1] = -1e6


def load(directory: str | Path, config: Mapping[str, Any]) -> Contrast:
    """Load the network that a model's configuration names.

    Parameters
    ----------
    directory : path-like
        The model's folder.
    config : mapping
        ``file``, ``run``, ``least`` and ``beyond``.

    Raises
    ------
    ValueError
        If the file is damaged, lacks an array, or holds arrays that do not go together.
    """
    arrays = arrays_in(directory, config, MEMBERS)
    with np.errstate(over="ignore"):  # what is too large for that is no number, and refused as such
        held = {name: arrays[name].astype(np.float32) for name in MEMBERS}
    layers = tuple((held[f"{n}.w"], held[f"{n}.b"]) for n in range(3))
    made = Contrast(
        held["mean"], held["project"], layers, held["own"], int(config["run"]),
        float(config["least"]), float(config["beyond"]),
    )  # fmt: skip
    if not _goes_together(made) or not all(np.isfinite(array).all() for array in held.values()):
        raise ValueError("its arrays do not go together, or hold what is no number.")
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        scores = made.scores(rng.normal(size=9), made.reduced(rng.normal(size=(9, len(made.mean)))))
    if not (np.abs(scores) < LARGEST).all():
        raise ValueError("its scores are out of range.")
    return made


def _goes_together(made: Contrast) -> bool:
    if made.mean.ndim != 1 or made.project.ndim != 2 or made.own.ndim != 1:
        return False
    if not made.own.size or not made.project.size:
        return False
    size = 4 + made.project.shape[1]
    for weight, bias in made.layers:
        if weight.ndim != 4 or weight.shape[0] != len(made.own) or weight.shape[2] != size:
            return False
        if bias.shape != weight.shape[:2] or weight.shape[3] % 2 == 0:
            return False
        size = weight.shape[1]
    return size == 1 and made.mean.shape[0] == made.project.shape[0]


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """``[in, n]`` by ``[out, in, width]``, zeros around it -> ``[out, n]``."""
    width, n = weight.shape[2], x.shape[1]
    padded = np.pad(x, ((0, 0), (width // 2, width // 2)))
    return bias[:, None] + sum(weight[:, :, j] @ padded[:, j : j + n] for j in range(width))
