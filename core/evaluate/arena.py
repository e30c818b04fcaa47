"""Many systems on many corpora, as others print them: cells, means, contradictions.

Frames hold rows of data/results/arena.csv, `joined` with what arena_systems.csv says of their
systems. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Which = Literal["authors", "others", "lowest", "highest"]
"""Which figure stands for a cell where several were reported."""

SEEN, UNSEEN, UNSTATED = "in training", "not in training", "training not stated"
RELATED = "made from a corpus in training"

WAYS = (
    "no pretraining",
    "pretrained, frozen",
    "pretrained, tuned on one corpus",
    "pretrained, tuned on several",
)
"""How systems were trained, from what generalises least."""

APART = 0.05
"""Points of EER by which two figures of one cell differ at least to contradict each other: less may
come from rounding."""

CELL = ["system", "benchmark"]


def joined(
    figures: pd.DataFrame, systems: pd.DataFrame, corpora: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Figures with what is known of their systems, and whether the corpus was in training.

    Parameters
    ----------
    figures, systems : pandas.DataFrame
        The tables ``arena`` and ``arena_systems``.
    corpora : pandas.DataFrame, optional
        The table ``arena_corpora``: which corpora are made from which.

    Returns
    -------
    pandas.DataFrame
        The figures, with the columns of ``systems`` but its source, and ``seen``.

    Raises
    ------
    LookupError
        If there is no figure, or one of a system that is not described.
    """
    undescribed = set(figures["system"]) - set(systems["system"])
    if figures.empty or undescribed:
        raise LookupError(f"no figures, or systems that are not described: {sorted(undescribed)}")
    made_from: dict[str, set[str]] = {}
    for row in () if corpora is None else corpora.itertuples():
        made_from.setdefault(str(row.benchmark), set()).add(str(row.made_from))
    of_systems = systems.drop(columns="source").rename(columns={"family": "front_end_family"})
    out = figures.merge(of_systems, on="system", how="left", validate="many_to_one")
    out["seen"] = [
        _seen(corpus, trained, made_from)
        for trained, corpus in zip(out["trained_on"].fillna(""), out["benchmark"], strict=True)
    ]
    return out


def _seen(corpus: str, trained: str, made_from: dict[str, set[str]]) -> str:
    known = set(trained.split("; "))
    if not trained:
        return UNSTATED
    if corpus in known:
        return SEEN
    return RELATED if made_from.get(corpus, set()) & known else UNSEEN


def cells(figures: pd.DataFrame, which: Which = "authors") -> pd.DataFrame:
    """One figure per system and corpus.

    Parameters
    ----------
    figures : pandas.DataFrame
        As `joined` gives them.
    which : {"authors", "others", "lowest", "highest"}
        Which figure stands for a cell; of several that would do, the lowest.

    Returns
    -------
    pandas.DataFrame
        Rows of ``figures``, with ``n_figures`` (how many the cell has) and ``all_figures`` (each
        with its reporter).
    """
    order = figures.sort_values("value", ascending=which != "highest", kind="stable")
    if which in ("authors", "others"):
        wanted = "published" if which == "authors" else "reported by others"
        order = order.assign(rank=order["kind"] != wanted).sort_values("rank", kind="stable")
        order = order.drop(columns="rank")
    said: dict[tuple[str, str], list[str]] = {}
    reported = zip(
        *(figures[c] for c in CELL), figures["value"], figures["reported_by"], strict=True
    )
    for system, benchmark, value, by in reported:
        said.setdefault((system, benchmark), []).append(f"{value:g} % by {by}")
    first = order.drop_duplicates(CELL).sort_index()
    words = [said[place] for place in zip(*(first[c] for c in CELL), strict=True)]
    return first.assign(
        n_figures=[len(each) for each in words], all_figures=["; ".join(each) for each in words]
    )


def most_reported(figures: pd.DataFrame) -> list[str]:
    """Corpora by how many systems have a figure on them."""
    counts = figures.groupby("benchmark", sort=True)["system"].nunique()
    return list(counts.sort_values(ascending=False, kind="stable").index)


def ranking(cells: pd.DataFrame, over: Sequence[str]) -> pd.DataFrame:
    """Systems by their mean over a set of corpora, those that have all of them first.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per system and corpus.
    over : sequence of str
        The corpora; one of them orders by that one alone.

    Returns
    -------
    pandas.DataFrame
        ``system``, ``mean`` (NaN unless a system has every corpus) and ``missing`` (how many of the
        corpora it lacks), in order.
    """
    import pandas as pd

    wanted = cells[cells["benchmark"].isin(list(over))].groupby("system")["value"]
    out = pd.DataFrame({"system": sorted(cells["system"].unique())})
    out["missing"] = len(set(over)) - out["system"].map(wanted.size()).fillna(0).astype(int)
    out["mean"] = out["system"].map(wanted.mean()).where(out["missing"] == 0)
    return out.sort_values(["missing", "mean"], kind="stable", ignore_index=True)


def contradictions(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures of the cells whose reporters contradict each other.

    Returns
    -------
    pandas.DataFrame
        Rows of ``figures`` with ``difference`` (highest less lowest of the cell), the largest
        first.
    """
    values = figures.groupby(CELL)["value"]
    difference = values.transform("max") - values.transform("min")
    out = figures.assign(difference=difference)[difference >= APART]
    return out.sort_values(["difference", *CELL, "value"], ascending=[False, True, True, True])


def corrections(apart: pd.DataFrame) -> pd.DataFrame:
    """One row per contradiction, for people: who says what, and how far apart they are.

    Parameters
    ----------
    apart : pandas.DataFrame
        As `contradictions` gives them.
    """
    import pandas as pd

    rows = []
    for (system, corpus), part in apart.groupby(CELL, sort=False):
        said = [f"{r.reported_by}: {r.value:g} %" for r in part.itertuples()]
        heard = [f"{r.reported_by}: {r.crop or 'not stated'}" for r in part.itertuples()]
        rows.append(
            {
                "system": system,
                "corpus": corpus,
                "points apart": part["difference"].iloc[0],
                "said": "; ".join(said),
                "part of clip used": "; ".join(heard),
                "sources": "; ".join(dict.fromkeys(part["source"])),
            }
        )
    return pd.DataFrame(rows)


def inside_and_outside(
    cells: pd.DataFrame, seen_on: str | None = None, unseen_on: str | None = None
) -> pd.DataFrame:
    """How systems do on what was in their training, and on what was not nor is made from it.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per system and corpus, as `cells` gives them.
    seen_on, unseen_on : str, optional
        The one corpus of each side; by default all that a system has, of which the median stands.

    Returns
    -------
    pandas.DataFrame
        One row per system that has an error outside, the lowest first: its columns of `joined`,
        ``outside`` and ``inside`` (EER, percent; inside NaN where no figure is known),
        ``outside_on`` and ``inside_on`` (corpora, as text), ``source_outside``,
        ``source_inside``, and ``way``, one of `WAYS`.
    """
    sides = {"outside": (UNSEEN, unseen_on), "inside": (SEEN, seen_on)}
    about = cells.drop_duplicates("system").set_index("system")
    for name, (status, corpus) in sides.items():
        rows = cells[cells["seen"] == status]
        rows = rows if corpus is None else rows[rows["benchmark"] == corpus]
        of = rows.groupby("system")
        about[name] = of["value"].median()
        about[f"{name}_on"] = of["benchmark"].agg(", ".join)
        about[f"source_{name}"] = of["source"].agg(lambda s: "; ".join(dict.fromkeys(s)))
    out = about[about["outside"].notna()].reset_index()
    texts = ["inside_on", "source_inside"]
    out[texts] = out[texts].fillna("")
    out["way"] = [
        _way(*row)
        for row in zip(out["front_end_family"], out["front_end"], out["trained_on"], strict=True)
    ]
    return out.sort_values("outside", kind="stable", ignore_index=True)


def _way(family: str, front_end: str, trained: str) -> str:
    if family in ("raw waveform", "cepstral features"):
        return WAYS[0]
    if "frozen" in front_end:
        return WAYS[1]
    return WAYS[3] if "; " in trained else WAYS[2]
