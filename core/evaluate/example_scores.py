"""A small synthetic score set whose error rates are known by formula, to start with.

Scores are quantiles of normal distributions with unit variance: bona fide speech at 0, the fakes
of a cell (attack, codec) at ``-d``, so higher means bona fide and the cell's EER is ``Phi(-d / 2)``
but for the steps of finitely many trials. Nobody's data is in it.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

NAME = "example-system.csv"
OTHER_NAME = "example-other-system.csv"

SEPARATION: dict[tuple[str, str], tuple[float, float]] = {
    ("X01", "none"): (4.0, 3.6),
    ("X02", "none"): (3.0, 3.6),
    ("X03", "none"): (2.0, 2.6),
    ("X01", "alaw"): (3.2, 2.9),
    ("X02", "alaw"): (2.4, 2.9),
    ("X03", "alaw"): (1.6, 2.1),
}
"""Attack and codec -> distance of the fakes from bona fide speech, for either system."""

CODECS = ("none", "alaw")
BONAFIDE = 1000
FAKES = 500
SPEAKERS = 24


def known_eer(attack: str, codec: str, system: int = 0) -> float:
    """EER (0-1) of a cell by formula, ``Phi(-d / 2)``."""
    return NormalDist().cdf(-SEPARATION[attack, codec][system] / 2)


def example(system: int = 0) -> bytes:
    """The score file of the first or second system: CSV with a header, 5,000 trials."""
    rng = np.random.default_rng(5)
    order = np.random.default_rng(50 + system)
    lines = ["trial,speaker,attack,codec,label,score"]
    cells = [("-", codec, BONAFIDE, 0.0, "bonafide") for codec in CODECS]
    cells += [(a, c, FAKES, -d[system], "spoof") for (a, c), d in SEPARATION.items()]
    number = 0
    for attack, codec, count, mean, label in cells:
        normal = NormalDist(mean)
        quantiles = np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])
        # Both systems find mostly the same trials hard, as real ones do.
        hard = np.argsort(np.argsort(rng.normal(size=count)))
        mixed = np.argsort(np.argsort(hard + 0.4 * count * order.normal(size=count)))
        speakers = rng.integers(SPEAKERS, size=count)
        for score, speaker in zip(quantiles[mixed], speakers, strict=True):
            number += 1
            lines.append(f"T{number:05d},S{speaker:02d},{attack},{codec},{label},{score:.6f}")
    return ("\n".join(lines) + "\n").encode()
