"""What a detector of one's own has to be: docs/your-detector.md."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """Scores waves; higher speaks for synthetic speech.

    A function ``score(waves, rate)`` alone will do as well. What else an object may say, each with
    a default: ``window_s`` (seconds of one wave, 4), ``short`` (what becomes of a shorter clip:
    ``padded`` with silence, the default, or ``repeated``), ``weights`` (files that scores depend
    on, which belong into its hash), ``log_odds`` (whether 0 lies between the sides; else there is
    no verdict before a calibration).

    Attributes
    ----------
    name : str
        For people; by default that of the object.
    rate : int
        Samples a second that it wants to hear, 16,000 by default.
    """

    name: str
    rate: int

    def score(self, waves: np.ndarray, rate: int) -> np.ndarray:
        """Score waves of one length.

        Parameters
        ----------
        waves : numpy.ndarray
            float32 ``[b, n]`` in [-1, 1], mono.
        rate : int
            Their samples a second, which is the object's own ``rate``.

        Returns
        -------
        numpy.ndarray
            One number per wave, ``[b]``: log-odds or anything that grows with them.
        """
