"""What looks wrong with trials, and which benchmark they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.analysis.breakdowns import attributes, conditions
from core.evaluate.analysis.prepared import Part, Prepared
from core.evaluate.trials import Problem

if TYPE_CHECKING:
    import pandas as pd


def suspicions(data: Prepared) -> list[Problem]:
    """What is odd about usable scores: groups or stretches of lines that run the other way.

    A group is told when it ranks fakes below bona fide speech (AUC under 0.3) while the file as a
    whole does the opposite; the reader decides whether a sign is wrong or a detector is fooled.
    """
    found = []
    whole = data.everything.tally.auc()
    if whole < 0.6:
        return []
    order = np.argsort(data.table.index.to_numpy(), kind="stable")
    stretches = []
    for piece in np.array_split(order, 20 if len(order) >= 400 else 4):
        part = Part(data.scores[piece], data.is_spoof[piece], None)
        if 10 <= part.is_spoof.sum() <= len(piece) - 10 and part.tally.auc() < 0.3:
            stretches.append(data.table.index[piece])
    if stretches:
        lines = tuple(int(i) for s in stretches for i in (s[0], s[-1]))
        listed = ", ".join(f"{s[0]:,} to {s[-1]:,}" for s in stretches[:3])
        count = sum(map(len, stretches))
        found.append(
            Problem(
                f"{count:,} rows (lines {listed}{', ...' if len(stretches) > 3 else ''}) run the "
                "other way than the rest of the file; were two systems joined?",
                count,
                lines,
            )
        )
    for column in attributes(data):
        if column == "speaker" or stretches:
            continue
        names = []
        for number, (name, chosen) in enumerate(conditions(data, [column])):
            if number == 50:
                break
            part = data.part(chosen)
            n = int(part.is_spoof.sum())
            if 10 <= n <= len(part.scores) - 10 and part.tally.auc() < 0.3:
                names.append((name, n))
        if names:
            count = sum(n for _, n in names)
            found.append(
                Problem(
                    f"{count:,} fakes of {column} {', '.join(n for n, _ in names[:5])} score as "
                    "more human than bona fide speech: a wrong sign there, or a detector that is "
                    "fooled.",
                    count,
                )
            )
    given = data.table["score"]
    if len(data.everything.tally.values) < 3 <= len(given):
        found.append(
            Problem(
                "The scores have fewer than three values, like decisions; the official ASVspoof "
                "2021 package refuses such.",
                0,
            )
        )
    if given.min() >= 0 and given.max() <= 1:
        found.append(
            Problem(
                "All scores lie between 0 and 1, like probabilities. Cllr and actual DCF take them "
                "for log-likelihood ratios, as the official code does; they mean little here.",
                0,
            )
        )
    return found


def which_benchmark(data: Prepared, benchmarks: pd.DataFrame) -> str | None:
    """Name of the benchmark that has as many trials of each class; None where there is none."""
    tally = data.everything
    n_spoof = int(tally.is_spoof.sum())
    n_bona = len(tally.scores) - n_spoof
    same = (benchmarks["n_bonafide"] == n_bona) & (benchmarks["n_spoof"] == n_spoof)
    return str(benchmarks.loc[same, "benchmark"].iloc[0]) if same.any() else None
