"""How often figures of several files hold the truth: ``python -m benchmarks.several [RUNS]``.

Normal scores as in `benchmarks.coverage`. The mean of three data sets, whose EERs are 4.9, 10 and
20 %; the gain of fusing a system of 10 % with one as good, and with one that knows nothing.
``--update`` writes data/results/several.csv.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from benchmarks.coverage import APART, Setting, truth
from benchmarks.coverage_tables import NAMES, line
from core.evaluate import analysis
from core.evaluate.metrics import ASVSPOOF5
from core.evaluate.tables.loading import RESULTS
from core.evaluate.trials import Trials

SETS = (Setting(0, 300, 1200), Setting(8, 200, 800, 0.2))
FUSED = (Setting(12, 240, 960, 0.2),)
SHOWN = ("eer", "min_dcf", "act_dcf", "cllr", "auc")
FILE = RESULTS / "several.csv"
KEY = ["what", "speakers", "n_bonafide", "n_spoof"]


def drawn(
    setting: Setting, rng: np.random.Generator, apart: float, who: str
) -> tuple[pd.DataFrame, np.ndarray]:
    """A set's trials without scores, and its scores as log-likelihood ratios."""
    scores, speakers = setting.draw(rng, apart)
    label = np.repeat(["bonafide", "spoof"], [len(s) for s in scores])
    table = pd.DataFrame({"trial": np.arange(len(label)).astype(str), "label": label})
    if setting.speakers:
        table["speaker"] = [f"{who}{s}" for s in np.concatenate(speakers)]
    return table, apart * np.concatenate(scores)


def three(setting: Setting, runs: int, condition: str) -> dict[str, float]:
    """Percent of intervals of three sets' mean, or of them as one, that hold it, by metric."""
    rng, held = np.random.default_rng(0), dict.fromkeys(SHOWN, 0)
    true = {m: float(np.mean([truth(a)[m] for a in APART[:3]])) for m in SHOWN}
    true = true_pooled() if condition == analysis.POOLED else true
    for _ in range(runs):
        sets = []
        for number, apart in enumerate(APART[:3]):
            table, llr = drawn(setting, rng, apart, f"{number}-")
            sets.append((str(number), Trials(table.assign(score=llr))))
        data = analysis.prepare(analysis.stacked(sets), "spoof")
        figures = analysis.by_data_set(data).figures
        rows = figures[figures["condition"] == condition].set_index("metric")
        for metric in SHOWN:
            scale = 100 if metric == "eer" else 1
            row = rows.loc[metric]
            held[metric] += row["low"] <= scale * true[metric] <= row["high"]
    return {metric: round(float(100 * count / runs), 1) for metric, count in held.items()}


def true_pooled() -> dict[str, float]:
    """The true figures of three equal sets as one, whose scores are log-likelihood ratios."""
    sets = APART[:3]  # normal with means -+ a^2 / 2 and deviation a

    def miss(t: float) -> float:
        return float(np.mean([norm.sf(t, -a * a / 2, a) for a in sets]))

    def fa(t: float) -> float:
        return float(np.mean([norm.cdf(t, a * a / 2, a) for a in sets]))

    def cost(t: float) -> float:
        return (ASVSPOOF5.miss * miss(t) + ASVSPOOF5.fa * fa(t)) / min(ASVSPOOF5.miss, ASVSPOOF5.fa)

    least = minimize_scalar(cost, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9})
    pairs = [(a * a + b * b) / 2 / np.hypot(a, b) for a in sets for b in sets]
    return {
        "eer": miss(brentq(lambda t: miss(t) - fa(t), -9, 9)),
        "min_dcf": float(least.fun),
        "act_dcf": cost(ASVSPOOF5.threshold),
        "cllr": float(np.mean([truth(a)["cllr"] for a in sets])),
        "auc": float(np.mean(norm.cdf(pairs))),
    }


def gain(setting: Setting, runs: int, second: float) -> tuple[dict[str, float], ...]:
    """Percent of intervals of the gain that hold it, and of tests that see a gain, by metric."""
    rng, base = np.random.default_rng(0), APART[1]
    held, seen = dict.fromkeys(SHOWN, 0), dict.fromkeys(SHOWN, 0)
    both = float(np.hypot(base, second))
    true = {m: truth(both)[m] - truth(base)[m] for m in SHOWN}
    for _ in range(runs):
        table, one = drawn(setting, rng, base, "p")
        _, other = drawn(setting, rng, second or 1.0, "p")
        if not second:  # it has heard the same people, and no fake
            spoof = (table["label"] == "spoof").to_numpy()
            other = other - np.where(spoof, 0.5, -0.5)
        first = analysis.prepare(Trials(table.assign(score=one)), "spoof")
        systems = analysis.together(
            first, "one", [("other", Trials(table.assign(score=other)), "spoof")]
        )
        gains = analysis.fuse(systems).gains
        rows = gains[(gains["system"] == analysis.LOGISTIC) & (gains["against"] == "one")]
        for metric, row in rows.set_index("metric").iterrows():
            scale = 100 if metric == "eer" else 1
            held[metric] += row["low"] <= scale * true[metric] <= row["high"]
            better = row["difference"] > 0 if metric == "auc" else row["difference"] < 0
            seen[metric] += bool(better and row["p_value"] < 0.05)
    return tuple(
        {m: round(float(100 * count / runs), 1) for m, count in of.items()} for of in (held, seen)
    )


def table(rows: pd.DataFrame) -> str:
    """The table of docs/evaluation.md."""
    lines = [line(["what", "speakers", "trials", *(NAMES[m] for m in SHOWN)])]
    lines.append(line(["---"] * (3 + len(SHOWN))))
    for (what, speakers, bona, fakes), group in rows.groupby(KEY, sort=False):
        values = group.set_index("metric")["percent"]
        numbers = [f"{values[m]:.0f}" for m in SHOWN]
        lines.append(line([what, str(speakers or "-"), f"{bona:,} + {fakes:,}", *numbers]))
    return "\n".join(lines)


def main() -> None:
    """Print the table, and write its file where that is wanted."""
    numbers = [int(a) for a in sys.argv[1:] if a.isdecimal()]
    runs = numbers[0] if numbers else 400
    rows: list[dict[str, object]] = []

    def add(what: str, setting: Setting, found: dict[str, float]) -> None:
        rows.extend(
            {
                "what": what,
                "metric": metric,
                "speakers": setting.speakers,
                "n_bonafide": setting.bonafide,
                "n_spoof": setting.spoof,
                "percent": percent,
                "runs": runs,
                "kind": "measured",
                "source": f"python -m benchmarks.several {runs} --update",
            }
            for metric, percent in found.items()
        )
        print(what, setting.speakers, found, flush=True)

    for setting in SETS:
        add("mean of three sets held", setting, three(setting, runs, analysis.MEAN))
        add("three sets as one held", setting, three(setting, runs, analysis.POOLED))
    for setting in FUSED:
        held, _ = gain(setting, runs, APART[1])
        add("gain with a system as good held", setting, held)
        _, seen = gain(setting, runs, 0.0)
        add("gain seen with one that knows nothing", setting, seen)
    print(table(pd.DataFrame(rows)))
    if "--update" in sys.argv:
        pd.DataFrame(rows).to_csv(FILE, index=False)


if __name__ == "__main__":
    main()
