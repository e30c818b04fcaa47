"""How often intervals of other files hold the truth: ``python -m benchmarks.coverage_kinds``.

Speaker verification that must reject fakes, and fakes within recordings: scores are drawn whose
true figures are known, as in `benchmarks.coverage`. ``[RUNS] --update`` writes
data/results/coverage_kinds.csv.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.optimize import brentq, fsolve, minimize_scalar
from scipy.stats import norm

from benchmarks.coverage_tables import line
from core.evaluate.metrics import AdcfCosts
from core.evaluate.segments import TICK, Pieces, figures
from core.evaluate.spoof_aware import SpoofAware
from core.evaluate.tables.loading import RESULTS
from core.evaluate.trials import SpoofAwareTrials
from core.files import atomic_path
from core.plain import write_own_csv

FILE = RESULTS / "coverage_kinds.csv"

MEANS = {"sasv": (3.2, 0.0, 0.4), "asv": (3.2, 0.0, 1.4), "cm": (2.4, 2.4, 0.0)}
"""Of targets, other speakers and fakes; every class is normal with variance 1."""

KINDS = ("target", "nontarget", "spoof")
VERIFICATION = ((0, 100, 200, 200), (0, 500, 2000, 1500), (8, 160, 400, 400), (20, 400, 2000, 1600))
"""Claimed speakers (0: trials are independent), then trials of each kind."""

COSTS = AdcfCosts(0.9, 0.05, 0.05, 1, 10, 20)
"""Of the a-DCF, those of Shim et al. 2024."""

SHARE = 0.2
"""Of the scores' variance that is the speaker's or the file's."""

APART, FRAME, FRAMES = 2.0, 0.02, 100
"""Fakes within recordings: between the means of both classes, seconds, and frames a file."""

FILES = (10, 40, 200)
MANY = 40_000
"""Files, and those that stand for the truth where no formula gives it."""

WITHIN = {"range": None, "segment, 20 ms": 0.02, "segment, 160 ms": 0.16}


def true_verification() -> dict[str, float]:
    """The true figures, in the units of `SpoofAware.figures`."""

    def rates(role: str, t: float) -> tuple[float, ...]:
        target, other, fake = MEANS[role]
        return norm.cdf(t - target), norm.sf(t - other), norm.sf(t - fake)

    def eer(role: str, *kinds: int) -> float:
        sizes = {1: 1.0, 2: 1.0}
        share = sum(sizes[k] for k in kinds)

        def gap(t: float) -> float:
            at = rates(role, t)
            return at[0] - sum(at[k] for k in kinds) / share

        return 100 * rates(role, brentq(gap, -9, 9))[0]

    def cost(t: float) -> float:
        return sum(w * r for w, r in zip(COSTS.weights, rates("sasv", t), strict=True))

    def three(at: np.ndarray) -> tuple[float, ...]:
        asv, cm = rates("asv", at[0]), rates("cm", at[1])
        passed = 1 - cm[0]
        return 1 - passed * (1 - asv[0]), passed * asv[1], cm[2] * asv[2]

    def unequal(at: np.ndarray) -> tuple[float, float]:
        miss, other, fake = three(at)
        return miss - other, miss - fake

    least = minimize_scalar(cost, bounds=(-9, 9), method="bounded", options={"xatol": 1e-10})
    return {
        "min_adcf": float(least.fun),
        "sv_eer": eer("sasv", 1),
        "spf_eer": eer("sasv", 2),
        "teer": 100 * float(three(fsolve(unequal, (1.6, 1.2), xtol=1e-12))[0]),
        "cm_eer": 100 * float(norm.cdf(-MEANS["cm"][0] / 2)),
    }


def verification(setting: tuple[int, ...], rng: np.random.Generator) -> SpoofAwareTrials:
    """Trials whose claimed speaker moves all of their scores, the two systems' alike in part."""
    speakers, *counts = setting
    kind = np.repeat(KINDS, counts)
    who = np.concatenate([np.arange(n) % max(1, speakers) for n in counts])
    share = SHARE if speakers else 0.0
    table = pd.DataFrame({"kind": kind})
    if speakers:
        table["speaker"] = [f"s{w}" for w in who]
    place = np.repeat(np.arange(3), counts)
    common = rng.normal(0, 1, len(kind))
    for role, means in MEANS.items():
        own = rng.normal(0, np.sqrt(share / 2), (2, max(1, speakers)))
        moved = own[0][who] + own[1][who] * np.where(place == 0, 1, -1)
        rest = np.sqrt(0.3) * common + np.sqrt(0.7) * rng.normal(0, 1, len(kind))
        table[role] = np.array(means)[place] + moved + np.sqrt(1 - share) * rest
    return SpoofAwareTrials(table, {role: role for role in MEANS})


def within(files: int, rng: np.random.Generator) -> Pieces:
    """Frames of files, half of which hold a fake stretch of a fifth to four fifths of a file."""
    frame = np.arange(FRAMES)
    fake = np.zeros((files, FRAMES), dtype=bool)
    for row in fake[::2]:
        length = rng.integers(FRAMES // 5, 4 * FRAMES // 5)
        start = rng.integers(0, FRAMES - length)
        row[start : start + length] = True
    own = rng.normal(0, np.sqrt(SHARE), (files, 1))
    rest = rng.normal(0, np.sqrt(1 - SHARE), (files, FRAMES))
    for at in range(1, FRAMES):  # neighbours are alike
        rest[:, at] = 0.8 * rest[:, at - 1] + 0.6 * rest[:, at]
    score = APART * (fake - 0.5) + own + rest
    step = round(FRAME / TICK)
    start = np.tile(frame * step, files)
    return Pieces(
        np.repeat(np.arange(files), FRAMES), start, start + step,
        score.ravel(), fake.ravel(), "spoof",
    )  # fmt: skip


def true_within() -> dict[str, float]:
    """Of frames it is known; of longer segments it is that of `MANY` files."""
    frames = 100 * float(norm.cdf(-APART / 2))
    many = figures(within(MANY, np.random.default_rng(99)), [0.16])
    long = many.loc[many["measure"] == "segment", "value"].iloc[0]
    return {"range": frames, "segment, 20 ms": frames, "segment, 160 ms": float(long)}


def held(found: dict[str, tuple[float, float]], true: dict[str, float], counts: dict) -> None:
    """Count intervals that hold the truth, and those above and below which it lies."""
    for name, (low, high) in found.items():
        if low == low:
            below, above = true[name] < low, true[name] > high
            counts[name] += (not below and not above, below, above, 1)


def measured(runs: int) -> pd.DataFrame:
    """All rows of the table."""
    rows, true = [], true_verification()
    source = f"python -m benchmarks.coverage_kinds {runs} --update"
    for setting in VERIFICATION:
        rng, counts = np.random.default_rng(0), {m: np.zeros(4, dtype=np.int64) for m in true}
        for _ in range(runs):
            table = SpoofAware(verification(setting, rng), COSTS).figures.set_index("metric")
            held({m: (table.low[m], table.high[m]) for m in true}, true, counts)
        of = f"{setting[1]:,} + {setting[2]:,} + {setting[3]:,} trials"
        rows += [row("verification", setting[0], of, m, *counts[m]) for m in true]
        print(setting, {m: c[0] / max(c[3], 1) for m, c in counts.items()}, flush=True)
    true = true_within()
    for files in FILES:
        rng, counts = np.random.default_rng(0), {m: np.zeros(4, dtype=np.int64) for m in true}
        for _ in range(runs):
            table = figures(within(files, rng), [r for r in WITHIN.values() if r])
            ends = list(zip(table["low"], table["high"], strict=True))
            held(dict(zip(true, ends, strict=False)), true, counts)
        of = f"{files} files of {FRAME * FRAMES:g} s"
        rows += [row("within recordings", files, of, m, *counts[m]) for m in true]
        print(of, {m: c[0] / max(c[3], 1) for m, c in counts.items()}, flush=True)
    return pd.DataFrame(rows).assign(kind="measured", source=source)


def row(
    what: str, units: int, trials: str, metric: str, hits: int, below: int, above: int, n: int
) -> dict[str, object]:
    """One row of data/results/coverage_kinds.csv."""
    percent = [round(100 * c / n, 1) if n else None for c in (hits, below, above)]
    return {
        "what": what,
        "metric": metric,
        "units": units,
        "trials": trials,
        "percent": percent[0],
        "truth_below_percent": percent[1],
        "truth_above_percent": percent[2],
        "runs": n,
    }


def table(rows: pd.DataFrame) -> str:
    """One line per setting, one column a figure."""
    names = list(rows["metric"].unique())
    lines = [line(["units", "trials", *names]), line(["---"] * (2 + len(names)))]
    for (units, trials), group in rows.groupby(["units", "trials"], sort=False):
        values = group.set_index("metric")["percent"]
        lines.append(line([str(units or "-"), trials, *(f"{values[m]:.1f}" for m in names)]))
    return "\n".join(lines)


def main() -> None:
    """Print the tables; write the file where asked."""
    numbers = [int(a) for a in sys.argv[1:] if a.isdecimal()]
    rows = measured(numbers[0] if numbers else 200)
    for _, group in rows.groupby("what", sort=False):
        print(table(group))
    if "--update" in sys.argv:
        with atomic_path(FILE) as part:
            write_own_csv(rows, part)


if __name__ == "__main__":
    main()
