"""How long the metrics and their intervals take: ``python -m benchmarks.metrics``."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from core.evaluate import influence
from core.evaluate.intervals import EER, intervals, paired
from core.evaluate.metrics import Tally, TandemConstants


def timed(work: Callable[[], object], repeats: int = 3) -> float:
    """Median seconds of one core of a few runs."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return round(statistics.median(seconds), 3)


def main() -> None:
    """Print medians in seconds of one core as JSON."""
    rng = np.random.default_rng(0)
    bona, spoof = rng.normal(-2, 1.5, 22_617), rng.normal(2, 1.5, 577_383)
    condition = rng.integers(20, size=len(spoof))
    constants = TandemConstants(0.0254559, 0.9150441, 0.3803262)

    def everything() -> None:
        tally = Tally.of(bona, spoof)
        tally.eer(), tally.min_dcf(), tally.act_dcf(), tally.min_tdcf(constants), tally.auc()
        tally.cllr(), tally.min_cllr()
        for k in range(20):
            Tally.of(bona, spoof[condition == k]).eer()

    small_b, small_s = rng.normal(-2, 1.2, 7_355), rng.normal(2, 1.2, 63_882)
    scores = np.concatenate((small_b, small_s))
    other = scores + rng.normal(0, 1, len(scores))
    truth = np.arange(len(scores)) >= len(small_b)
    speakers = (
        rng.integers(67, size=len(small_b)).tolist(),
        rng.integers(67, size=len(small_s)).tolist(),
    )
    four = {
        **EER,
        "min_dcf": influence.min_dcf(),
        "min_tdcf": influence.min_tdcf(constants),
        "cllr": influence.cllr(Tally.of(small_b, small_s).affine_calibration()),
    }
    result = {
        "every metric and 20 breakdowns, 600,000 trials": timed(everything),
        "EER interval by trial, 71,237 trials": timed(lambda: intervals(small_b, small_s)),
        "EER interval by speaker, same": timed(
            lambda: intervals(small_b, small_s, speakers=speakers)
        ),
        "intervals of four metrics by trial, same": timed(
            lambda: intervals(small_b, small_s, four), repeats=1
        ),
        "paired EER difference by trial, same": timed(
            lambda: paired(scores, other, truth), repeats=1
        ),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
