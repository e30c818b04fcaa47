"""From a network's raw score to a likelihood ratio, and from that to a posterior probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Affine map from raw scores to natural-log likelihood ratios.

    ``llr = clip(scale * raw + offset, -llr_limit, llr_limit)``: the limit is what the clips that
    the map was fitted on can support, so that no probability ever saturates.

    Attributes
    ----------
    scale, offset : float
        Of the affine map.
    llr_limit : float
        Largest magnitude that is reported.
    fitted_on : str
        The data behind the map, for people.
    """

    scale: float
    offset: float
    llr_limit: float
    fitted_on: str

    @overload
    def llr(self, raw: float) -> float: ...
    @overload
    def llr(self, raw: np.ndarray) -> np.ndarray: ...
    def llr(self, raw: float | np.ndarray) -> float | np.ndarray:
        """Log-likelihood ratios of raw scores, positive towards synthetic."""
        value = np.clip(self.scale * np.asarray(raw) + self.offset, -self.llr_limit, self.llr_limit)
        return float(value) if np.ndim(raw) == 0 else value


UNCALIBRATED = Calibration(1.0, 0.0, 12.0, "nothing: the network's own log-odds")
"""For detectors that come without a calibration; their scores are called uncalibrated."""


def logit(probability: float) -> float:
    """Natural-log odds of a probability strictly between 0 and 1.

    Raises
    ------
    ValueError
        If the probability is not strictly between 0 and 1.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError("a prior must lie strictly between 0 and 1")
    return math.log(probability) - math.log1p(-probability)


def posterior(llr: float, prior: float = 0.5) -> float:
    """Probability of synthetic speech after hearing the clip, by Bayes' rule in log-odds form.

    Parameters
    ----------
    llr : float
        Natural-log likelihood ratio, positive towards synthetic.
    prior : float
        Probability of synthetic speech before, strictly between 0 and 1.

    Returns
    -------
    float
        Within (0, 1).
    """
    odds = llr + logit(prior)
    return 1.0 / (1.0 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1.0 + math.exp(odds))
