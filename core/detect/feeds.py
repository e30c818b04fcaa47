"""What a network is given of a clip: as its authors' evaluation does it. Free of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import HOP, WINDOW

Short = Literal["padded", "repeated", "as it is"]
"""How a window shorter than the network's is given: followed by zeros, repeated, or neither."""


@dataclass(frozen=True)
class Feed:
    """How a clip becomes the network's input.

    Attributes
    ----------
    window, hop : int
        In samples.
    short : Short
        What becomes of a short window.
    preemphasis : float
        How much of the sample before is taken off each, over the whole clip; 0 for none.
    normalised : bool
        Whether each window is brought to mean 0 and variance 1.
    score : str
        What of its outputs its authors rank clips by.
    """

    window: int = WINDOW
    hop: int = HOP
    short: Short = "padded"
    preemphasis: float = 0.0
    normalised: bool = False
    score: str = ""

    def __str__(self) -> str:
        """For people: what it hears, and what its authors rank by."""
        short = {
            "padded": "a shorter one is followed by silence",
            "repeated": "a shorter one is repeated",
            "as it is": "a shorter one is heard at its own length",
        }[self.short]
        parts = [f"Windows of {self.window:,} samples ({self.window / SAMPLE_RATE:.3g} s); {short}"]
        if self.preemphasis:
            parts.append(f"pre-emphasis of {self.preemphasis:g} over the whole clip")
        if self.normalised:
            parts.append("mean 0 and variance 1 in each")
        return "; ".join(parts) + f". {self.score}".rstrip()

    def prepared(self, samples: np.ndarray) -> np.ndarray:
        """A clip's samples as windows are cut from them, float32 ``[n]``."""
        if not self.preemphasis or not len(samples):
            return samples
        out = samples.astype(np.float32)
        out[1:] -= np.float32(self.preemphasis) * samples[:-1].astype(np.float32)
        return out


_OUTPUT = (
    "Its authors rank by the output of bona fide alone; here a score is the output of spoof less "
    "that of bona fide."
)
_SAME_ORDER = (
    "A score is the output of spoof less that of bona fide, which ranks as its authors do."
)

FOUR_SECONDS = 64_600
"""Samples that systems after AASIST hear."""

FEEDS: Mapping[str, Feed] = {
    "xlsr-aasist": Feed(FOUR_SECONDS, short="repeated", score=_OUTPUT),
    "xlsr-sls": Feed(FOUR_SECONDS, short="repeated", score=_SAME_ORDER),
    "nes2net-x": Feed(FOUR_SECONDS, short="repeated", score=_OUTPUT),
    "xlsr-conformer-tcm": Feed(66_800, short="repeated", score=_OUTPUT),
    "spectra-0": Feed(FOUR_SECONDS, short="repeated", preemphasis=0.97, score=_OUTPUT),
    "spectra-aasist": Feed(FOUR_SECONDS, short="repeated", preemphasis=0.97, score=_OUTPUT),
    "antideepfake": Feed(
        13 * SAMPLE_RATE,
        hop=13 * SAMPLE_RATE // 2,
        short="as it is",
        normalised=True,
        score="Its authors hear a clip whole; longer ones are cut here into the longest that its "
        f"training heard. {_SAME_ORDER}",
    ),
}
"""By the name of a head over an encoder, see `core.detect.networks.over_encoder`."""
