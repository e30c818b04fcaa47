"""How often the intervals hold the truth: ``python -m benchmarks.coverage [RUNS] [--update]``.

Scores are drawn whose true figures are known, many times over, and the product's own intervals are
held against them: by trial and by speaker, from few to many, at low and at high error rates. The
paired test is put to two systems that are equally good. ``--update`` writes
data/results/coverage.csv cell by cell; a run which was broken off goes on with ``--resume``, and
``--only`` makes a part of it anew. Some ten minutes on one core for 1,000 runs.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, stdtrit
from scipy.stats import norm

from core.evaluate import influence
from core.evaluate.ends import spread
from core.evaluate.intervals import difference, interval
from core.evaluate.metrics import ASVSPOOF5, Tally, TandemConstants
from core.evaluate.sample import Sample, Units
from core.evaluate.tables import RESULTS, load
from core.files import atomic_path
from core.plain import write_own_csv

TANDEM = TandemConstants(0.0254559, 0.9150441, 0.3803262)
"""Of the verification system of ASVspoof 2019 LA."""

FALSE_ALARMS = 0.05
"""Where the DET curve's band is tried."""


@dataclass(frozen=True)
class Setting:
    """A way in which trials come about.

    Attributes
    ----------
    speakers : int
        How many; 0 where trials are independent.
    bonafide, spoof : int
        Trials of each class in all.
    share : float
        Share of the scores' variance that is the speaker's, half of it in both classes alike.
    unequal : bool
        Whether some speakers have many times the trials of others.
    """

    speakers: int
    bonafide: int
    spoof: int
    share: float = 0.0
    unequal: bool = False

    def __str__(self) -> str:
        return f"{self.share:g}{', unequal' if self.unequal else ''}" if self.speakers else "-"

    def draw(
        self, rng: np.random.Generator, apart: float
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Scores and speakers of both classes, normal with variance 1 at ``-+ apart / 2``."""
        scores, speakers = [], []
        common = rng.normal(0, np.sqrt(self.share / 2), max(1, self.speakers))
        weights = np.ones(max(1, self.speakers))
        if self.unequal:
            weights = rng.lognormal(0, 0.7, self.speakers)
        for count, mean in ((self.bonafide, -apart / 2), (self.spoof, apart / 2)):
            own = rng.normal(0, np.sqrt(self.share / 2), max(1, self.speakers))
            if not self.speakers:
                scores.append(rng.normal(mean, 1, count))
                speakers.append(np.full(count, -1))
                continue
            if self.unequal:
                sizes = 1 + rng.multinomial(count - self.speakers, weights / weights.sum())
                who = np.repeat(np.arange(self.speakers), sizes)
            else:
                who = np.arange(count) * self.speakers // count
            rest = rng.normal(0, np.sqrt(1 - self.share), len(who))
            scores.append(mean + (common + own)[who] + rest)
            speakers.append(who)
        return scores, speakers


SETTINGS = (
    Setting(0, 50, 200),
    Setting(0, 300, 1200),
    Setting(5, 50, 200, 0.2),
    Setting(5, 500, 500, 0.2),
    Setting(8, 200, 800, 0.2),
    Setting(8, 200, 800, 0.4),
    Setting(12, 240, 960, 0.2),
    Setting(20, 500, 2000, 0.2, True),
    Setting(40, 800, 3200, 0.3),
)
TRIED = (SETTINGS[0], SETTINGS[2], SETTINGS[4], SETTINGS[8])
"""Where simpler intervals are tried, at an EER of 10 %."""

LOW_SETTINGS = (SETTINGS[0], SETTINGS[1], SETTINGS[7], Setting(67, 7355, 4914, 0.4))
"""Where error rates are low; the last is as one attack of ASVspoof 2019 LA."""

LOW_APART = (5.4956, 4.6527, 4.1075)
"""EERs of 0.3, 1 and 2 %."""

APART = (3.3, 2.56, 1.68, 0.7, 0.3)
"""Between the classes' means: EERs of 4.9, 10.0, 20.0, 36.3 and 44.0 %."""


def metrics(apart: float) -> dict[str, influence.Metric]:
    """What is tried; the scores times ``apart`` are true log-likelihood ratios."""
    return {
        "eer": influence.eer,
        "min_dcf": influence.min_dcf(),
        "act_dcf": influence.act_dcf(),
        "min_tdcf": influence.min_tdcf(TANDEM),
        "cllr": influence.cllr(),
        "auc": influence.auc,
        "miss": influence.miss_at(FALSE_ALARMS),
    }


def truth(apart: float) -> dict[str, float]:
    """The true figures of `metrics`."""

    def miss(t: float) -> float:
        return float(norm.sf(t, -apart / 2))

    def fa(t: float) -> float:
        return float(norm.cdf(t, apart / 2))

    def least(cost: object) -> float:
        found = minimize_scalar(cost, bounds=(-9, 9), method="bounded", options={"xatol": 1e-10})
        return float(found.fun)

    c, t = ASVSPOOF5, TANDEM
    norm_t = t.c0 + min(t.c1, t.c2)
    bayes = c.threshold / apart
    return {
        "eer": float(norm.cdf(-apart / 2)),
        "min_dcf": least(lambda x: c.miss * miss(x) + c.fa * fa(x)) / min(c.miss, c.fa),
        "act_dcf": (c.miss * miss(bayes) + c.fa * fa(bayes)) / min(c.miss, c.fa),
        "min_tdcf": least(lambda x: t.c0 + t.c1 * miss(x) + t.c2 * fa(x)) / norm_t,
        "cllr": quad(lambda x: norm.pdf(x, -apart / 2) * np.logaddexp(0, apart * x), -20, 20)[0]
        / np.log(2),
        "auc": float(norm.cdf(apart / np.sqrt(2))),
        "miss": miss(float(norm.ppf(FALSE_ALARMS, apart / 2))),
    }


def sample(scores: list[np.ndarray], speakers: list[np.ndarray], apart: float) -> Sample:
    """Trials as the product sees them."""
    is_spoof = np.repeat([False, True], [len(s) for s in scores])
    units = Units.of(np.concatenate(speakers), is_spoof)
    return Sample(apart * np.concatenate(scores), is_spoof, units)


def coverage(setting: Setting, apart: float, runs: int, seed: int = 1) -> list[dict[str, object]]:
    """Rows of how often each interval holds the truth, and lies above or below it."""
    rng = np.random.default_rng(seed)
    true, tried = truth(apart), metrics(apart)
    found = {name: np.zeros(4, dtype=np.int64) for name in tried}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in tried}
    for _ in range(runs):
        data = sample(*setting.draw(rng, apart), apart)
        for name, metric in tried.items():
            one = interval(metric(data.tally), data)
            length = np.nan
            if one.low is not None and one.high is not None:
                above, below = true[name] < one.low, true[name] > one.high
                found[name] += (not above and not below, above, below, 1)
                length = one.high - one.low
            seen[name].append((one.value, length))
    rows = []
    for name, (hits, *missed, n) in _counts(found).items():
        rows.append(row(setting, apart, name, "held", n, hits, *missed))
        if n < runs / 2:  # what is left is not the same trials
            rows[-1] |= {"percent": None, "truth_below_percent": None, "truth_above_percent": None}
            continue
        values, lengths = np.array(seen[name]).T
        spread_of_values = 2 * 1.96 * float(np.std(values))
        if spread_of_values > 0:
            rows[-1]["width"] = round(float(np.nanmedian(lengths)) / spread_of_values, 2)
    return rows


def false_positives(setting: Setting, apart: float, runs: int, seed: int = 1) -> list[dict]:
    """Rows of how often two equally good systems are told apart at 5 %."""
    rng = np.random.default_rng(seed)
    tried = {k: v for k, v in metrics(apart).items() if k in ("eer", "min_dcf", "auc")}
    found = {name: np.zeros(2, dtype=np.int64) for name in tried}
    for _ in range(runs):
        scores, speakers = setting.draw(rng, apart)
        others, _ = setting.draw(rng, apart)
        # Half of what makes a trial hard is common to both systems.
        mixed = [
            mean + np.sqrt(0.5) * (one - mean) + np.sqrt(0.5) * (two - mean)
            for mean, one, two in zip((-apart / 2, apart / 2), scores, others, strict=True)
        ]
        pair = sample(scores, speakers, apart), sample(mixed, speakers, apart)
        for name, metric in tried.items():
            p = difference(metric(pair[0].tally), metric(pair[1].tally), pair).p_value
            found[name] += (p is not None and p < 0.05, p is not None)
    return [
        row(setting, apart, name, "told apart", n, hits)
        for name, (hits, n) in _counts(found).items()
    ]


def _counts(found: dict[Any, np.ndarray]) -> dict[Any, list[int]]:
    return {of: counts.tolist() for of, counts in found.items()}


def tried(setting: Setting, apart: float, runs: int, seed: int = 0) -> list[dict[str, object]]:
    """Rows of how often simpler intervals hold the truth, of half as many runs."""
    rng = np.random.default_rng(seed)
    true = truth(apart)
    found: dict[tuple[str, str], np.ndarray] = {}
    compared = {k: v for k, v in metrics(apart).items() if k in ("eer", "min_dcf", "auc")}
    for _ in range(runs // 2):
        data = sample(*setting.draw(rng, apart), apart)
        drawn = resampled(data, rng)
        for name, metric in compared.items():
            linear = metric(data.tally)
            variance, _ = spread(data.sums(linear))
            reach, odds = 1.96 * np.sqrt(variance), logit(linear.value)
            t = stdtrit(data.freedom, 0.975) / 1.96
            slope = max(linear.value * (1 - linear.value), 1e-12)
            ends = {
                "percentile bootstrap": np.quantile(drawn[name], [0.025, 0.975]),
                "normal": linear.value + reach * np.array([-1, 1]),
                "t": linear.value + t * reach * np.array([-1, 1]),
                "t of log-odds": expit(odds + t * reach / slope * np.array([-1, 1])),
            }
            for method, (low, high) in ends.items():
                counts = found.setdefault((method, name), np.zeros(4, dtype=np.int64))
                above, below = true[name] < low, true[name] > high
                counts += (not above and not below, above, below, 1)
    return [
        row(setting, apart, name, method, n, hits, above, below)
        for (method, name), (hits, above, below, n) in _counts(found).items()
    ]


def resampled(data: Sample, rng: np.random.Generator, draws: int = 200) -> dict[str, list[float]]:
    """Figures of whole units drawn again, each class by itself where they are trials."""
    tally = data.tally
    found: dict[str, list[float]] = {"eer": [], "min_dcf": [], "auc": []}
    size, groups = data.count, [np.arange(data.count)]
    if data.units.unit == "trial":
        groups = [np.flatnonzero(~data.is_spoof), np.flatnonzero(data.is_spoof)]
    for _ in range(draws):
        times = np.zeros(size, dtype=np.int64)
        for group in groups:
            times += np.bincount(rng.choice(group, len(group)), minlength=size)
        weight = times[data.units.codes]
        bona, spoof = (
            np.bincount(data.level[c], weights=weight[c], minlength=len(tally.values)).astype(
                np.int64
            )
            for c in (~data.is_spoof, data.is_spoof)
        )
        again = Tally(tally.values, bona, spoof)
        found["eer"].append(again.eer().rate)
        found["min_dcf"].append(again.min_dcf().cost)
        found["auc"].append(again.auc())
    return found


def row(
    setting: Setting, apart: float, metric: str, what: str, n: int, hits: int, *tails: int
) -> dict[str, object]:
    """One row of data/results/coverage.csv."""
    above, below = (round(100 * t / n, 1) for t in tails) if tails and n else (None, None)
    return {
        "what": what,
        "metric": metric,
        "eer_percent": round(100 * float(norm.cdf(-apart / 2)), 1),
        "speakers": setting.speakers,
        "n_bonafide": setting.bonafide,
        "n_spoof": setting.spoof,
        "dependence": str(setting),
        "percent": round(100 * hits / n, 1) if n else None,
        "truth_below_percent": above,
        "truth_above_percent": below,
        "runs": n,
    }


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=200)
    parser.add_argument("--update", action="store_true", help="write data/results/coverage.csv")
    parser.add_argument("--only", choices=PARTS, help="make this part alone")
    parser.add_argument("--resume", action="store_true", help="keep cells of this very command")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    start, runs, seed = time.perf_counter(), options.runs, options.seed
    source = f"python -m benchmarks.coverage {runs} --update --seed {seed}"
    for part, setting, apart in cells():
        if options.only not in (None, part):
            continue
        if options.resume and _there(part, setting, apart, source):
            continue
        rows = PARTS[part](setting, apart, runs, seed)
        print(*list(rows[0].values())[2:7],
              *(f"{r['what']} {r['metric']} {r['percent']}" for r in rows), flush=True)  # fmt: skip
        if options.update:
            _put(pd.DataFrame(rows).assign(kind="measured", source=source))
    print(f"{time.perf_counter() - start:.0f} s")


PARTS = {"held": coverage, "told apart": false_positives, "tried": tried}
SEED = 2030
"""Of the runs in data/results; constants of the method were chosen on others."""


def cells() -> list[tuple[str, Setting, float]]:
    """Part, setting and distance of all that is simulated, in the order of the table."""
    found = [("held", s, apart) for apart in LOW_APART for s in LOW_SETTINGS]
    found += [("held", s, apart) for apart in APART for s in SETTINGS]
    found += [("told apart", s, apart) for apart in APART for s in SETTINGS if not s.unequal]
    return found + [("tried", s, APART[1]) for s in TRIED]


def _part(rows: pd.DataFrame, part: str) -> pd.Series:
    """Which rows are of a part."""
    what = rows["what"]
    return what == part if part != "tried" else ~what.isin(["held", "told apart"])


def _there(part: str, setting: Setting, apart: float, source: str) -> bool:
    rows = load("coverage")
    wanted = row(setting, apart, "", part, 0, 0)
    same = _part(rows, part) & (rows["source"] == source)
    return bool((same & (rows[PLACE] == [wanted[name] for name in PLACE]).all(axis=1)).any())


PLACE = ["eer_percent", "speakers", "n_bonafide", "n_spoof", "dependence"]


def _put(rows: pd.DataFrame) -> None:
    """In place of what the table has of the same; in the order of `cells`."""
    table = pd.concat([load("coverage"), rows], ignore_index=True)
    table = table.drop_duplicates(["what", "metric", *PLACE], keep="last")
    order = {
        (part, *(row(s, apart, "", part, 0, 0)[name] for name in PLACE)): at
        for at, (part, s, apart) in enumerate(cells())
    }
    parts = np.select([_part(table, "held"), _part(table, "told apart")], ["held", "told apart"],
                      "tried")  # fmt: skip
    keys = zip(parts, *(table[name] for name in PLACE), strict=True)
    table = table.assign(at=[order[key] for key in keys]).sort_values("at", kind="stable")
    with atomic_path(RESULTS / "coverage.csv") as part:
        write_own_csv(table.drop(columns="at"), part)


if __name__ == "__main__":
    main()
