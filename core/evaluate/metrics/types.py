"""Arrays and results of metrics."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Higher = Literal["spoof", "bonafide"]


Floats = npt.NDArray[np.float64]


Ints = npt.NDArray[np.int64]


class Rate(NamedTuple):
    """An error rate (0-1) and the threshold at which it holds."""

    rate: float
    threshold: float


class Cost(NamedTuple):
    """A normalised detection cost and the threshold at which it holds."""

    cost: float
    threshold: float


class Affine(NamedTuple):
    """``llr = scale * score + offset`` (natural log)."""

    scale: float
    offset: float


class DetCurve(NamedTuple):
    """Both error rates at every threshold that parts the trials differently.

    Attributes
    ----------
    p_miss, p_fa : numpy.ndarray
        Shape ``[k]``, 0-1; along the curve ``p_miss`` falls and ``p_fa`` rises.
    threshold : numpy.ndarray
        Shape ``[k]``, in the direction of the scores given; the first is infinite.
    """

    p_miss: Floats
    p_fa: Floats
    threshold: Floats
