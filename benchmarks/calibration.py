"""What a calibration on few clips costs: ``python -m benchmarks.calibration``.

Scores of two normal classes with the same spread, whose log-likelihood ratio is known. A map is
fitted on so many clips of either class and limited as it would be; what it costs in bits above the
true ratios is computed on 10,000 others. Writes data/results/calibration_counts.csv.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from core.evaluate.metrics import Tally
from core.evaluate.tables import RESULTS, TABLES
from core.plain import csv_text

TABLE = RESULTS / "calibration_counts.csv"
COLUMNS = tuple(TABLES["calibration_counts"].columns)
CLIPS, ERRORS, RUNS = (10, 20, 30, 50, 100, 200), (2, 10, 30), 300
COMMAND = "python -m benchmarks.calibration"


def rows() -> list[dict]:
    """One a rate of errors and a number of clips."""
    rng, found = np.random.default_rng(0), []
    for percent in ERRORS:
        apart = -2 * NormalDist().inv_cdf(percent / 100)
        human, fake = (rng.normal(side * apart / 2, 1, 5_000) for side in (-1, 1))
        best = _bits(apart * human, apart * fake)
        for clips in CLIPS:
            excess = []
            for _ in range(RUNS):
                given = (rng.normal(side * apart / 2, 1, clips) for side in (-1, 1))
                scale, offset = Tally.of(*given, higher="spoof").affine_calibration()
                limit = np.log(clips)
                llr = (np.clip(scale * x + offset, -limit, limit) for x in (human, fake))
                excess.append(_bits(*llr) - best)
            found.append(
                {
                    "eer_percent": percent,
                    "clips": clips,
                    "true_bits": round(best, 4),
                    "excess_bits": round(float(np.mean(excess)), 4),
                    "excess_bits_95": round(float(np.quantile(excess, 0.95)), 4),
                    "runs": RUNS,
                    "kind": "measured",
                    "source": COMMAND,
                }
            )
    return found


def _bits(human: np.ndarray, fake: np.ndarray) -> float:
    """Cllr, without sorting."""
    both = np.logaddexp(0, human).mean() + np.logaddexp(0, -fake).mean()
    return float(both / (2 * np.log(2)))


def main() -> None:
    """Write the table and print it."""
    made = rows()
    TABLE.write_text(csv_text(COLUMNS, (row.values() for row in made)), "utf-8")
    for row in made:
        print(*row.values())


if __name__ == "__main__":
    main()
