"""The tables of docs/evaluation.md, from data/results/coverage.csv.

``python -m benchmarks.coverage_tables`` prints them.
"""

from __future__ import annotations

import pandas as pd

from core.evaluate.tables import load

NAMES = {
    "eer": "EER",
    "min_dcf": "min DCF",
    "act_dcf": "actual DCF",
    "min_tdcf": "min t-DCF",
    "cllr": "Cllr",
    "auc": "AUC",
    "miss": "DET band",
}
SETTING = ["eer_percent", "speakers", "n_bonafide", "n_spoof", "dependence"]
HEAD = ["true EER", "speakers", "trials", "share of the speaker"]


def wide(rows: pd.DataFrame) -> str:
    """One line per setting, one column per metric."""
    of = list(rows["metric"].unique())
    lines = [line([*HEAD, *(NAMES[m] for m in of)]), line(["---"] * (len(HEAD) + len(of)))]
    for key, group in rows.groupby(SETTING, sort=False):
        values = group.set_index("metric")["percent"]
        lines.append(line([*words(key), *(f"{values[m]:.1f}" for m in of)]))
    return "\n".join(lines)


def compared(rows: pd.DataFrame) -> str:
    """One line per setting and metric, one column per way to make intervals."""
    ways = [w for w in rows["what"].unique() if w not in ("held", "told apart")]
    rows = rows[rows["metric"].isin(rows.loc[rows["what"].isin(ways), "metric"])]
    lines = [line([*HEAD, "metric", *ways, "here"]), line(["---"] * (len(HEAD) + len(ways) + 2))]
    for (*key, metric), group in rows.groupby([*SETTING, "metric"], sort=False):
        values = group.set_index("what")["percent"]
        if set(ways) <= set(values.index):
            shown = [f"{values[w]:.1f}" for w in [*ways, "held"]]
            lines.append(line([*words(key), NAMES[metric], *shown]))
    return "\n".join(lines)


def words(key: tuple | list) -> list[str]:
    """A setting in cells."""
    eer, speakers, bona, spoof, dependence = key
    return [f"{eer:g} %", str(speakers or "-"), f"{bona:,} + {spoof:,}", dependence]


def line(cells: list[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def tables() -> dict[str, str]:
    """Name to table."""
    rows = load("coverage")
    return {
        "held": wide(rows[rows["what"] == "held"]),
        "told apart": wide(rows[rows["what"] == "told apart"]),
        "tried": compared(rows),
    }


def counted() -> dict[str, str]:
    """How many cells of the tables are as they should be, in a sentence a table."""
    rows = load("coverage").dropna(subset="percent")
    held = rows.loc[rows["what"] == "held", "percent"]
    apart = rows.loc[rows["what"] == "told apart", "percent"]
    return {
        "held": f"Of {len(held)} cells {int(held.between(93, 97).sum())} lie between 93 and 97 %, "
        f"{int((held > 97).sum())} above and {int((held < 93).sum())} below, "
        f"{int((held < 91).sum())} of them under 91 %.",
        "told apart": f"Of {len(apart)} cells {int(apart.between(3, 7).sum())} lie between 3 and "
        f"7 %, {int((apart < 3).sum())} below and {int((apart > 7).sum())} above.",
    }


if __name__ == "__main__":
    for sentence in counted().values():
        print(sentence)
    for name, table in tables().items():
        print(f"\n{name}\n\n{table}")
