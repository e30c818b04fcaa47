"""Figures by what kind of voice it is, for benchmarks whose manifest tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from core.files import ROOT
from training.corpus import read_manifest

MANIFESTS = ROOT / "data" / "benchmarks"

LEAST_HUMAN = 10
"""Clips that a source of human speech needs before its share of accusations is given."""


def kinds_of(benchmark: str, folder: Path = MANIFESTS) -> pd.DataFrame | None:
    """Kind of every clip of a benchmark, and whether training has its system.

    Parameters
    ----------
    benchmark : str
        Name of a manifest in ``folder``.
    folder : pathlib.Path
        Holds all manifests; what any of them trains on counts as known.

    Returns
    -------
    pandas.DataFrame or None
        By clip: ``kind`` as text and ``known`` as bool. None where the manifest has no kinds.
    """
    file = folder / f"{benchmark}.csv"
    if not file.is_file():
        return None
    table = read_manifest(file)
    if "kind" not in table:
        return None
    trained: set[str] = set()
    for other in sorted(folder.glob("*_samples.csv")):
        rows = read_manifest(other)
        trained |= set(rows.loc[(rows["split"] == "train") & (rows["label"] == "spoof"), "family"])
    known = table["family"].isin(trained)
    return table[["clip", "kind"]].assign(known=known).set_index("clip")


def kind_groups(trials: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Trials of every kind of synthetic speech, each with all human trials.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `training.trials.score_trials`.
    kinds : pandas.DataFrame
        From `kinds_of`.

    Returns
    -------
    dict of str to pandas.DataFrame
        By name: each kind, systems that training has from another source and those it has not,
        and both at once. Without synthetic trials a group is left out.
    """
    told = kinds.reindex(trials["trial"])
    kind, known = told["kind"].to_numpy(), told["known"].to_numpy() == True  # noqa: E712
    spoof = (trials["label"] == "spoof").to_numpy()
    novelty = {"known system, new source": known, "system not trained on": ~known}
    groups = {str(k): kind == k for k in sorted(set(kind[spoof]))}
    both = {f"{k}, {n}": a & b for k, a in groups.items() for n, b in novelty.items()}
    return {
        name: trials[~spoof | chosen]
        for name, chosen in {**groups, **novelty, **both}.items()
        if (chosen & spoof).any()
    }


def accused(trials: pd.DataFrame, kinds: pd.DataFrame) -> list[tuple[str, pd.DataFrame, float]]:
    """Share of human clips with a verdict that were called synthetic, by kind and by source.

    Returns
    -------
    list of (str, pandas.DataFrame, float)
        Name, the human trials with a verdict, and the share in percent.
    """
    verdict = trials["verdict"].isin(["synthetic", "authentic"])
    human = trials[(trials["label"] == "bonafide") & verdict]
    by: list[Any] = list(human.groupby(kinds.reindex(human["trial"])["kind"].to_numpy()))
    by += [(s, part) for s, part in human.groupby("source") if len(part) >= LEAST_HUMAN]
    return [
        (str(name), part, 100 * float((part["verdict"] == "synthetic").mean())) for name, part in by
    ]
