"""How often a detector errs, in a line: free of Streamlit, for pages, reports and the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.detect.registry import ENTRIES
from core.evaluate import arena
from core.evaluate.names import benchmark_name
from core.evaluate.tables import load

if TYPE_CHECKING:
    import pandas as pd

MEASURED_ON = {
    ("pooled", "none"): "all windows of a clip",
    ("within", "none"): "all windows of a clip, mean over sources",
    ("codec", "none, 1 window"): "one window per clip",
}
"""What was heard of each clip, by breakdown and condition of a row with an error rate."""


def track_record(
    id: str,
    figures: pd.DataFrame | None,
    published: pd.DataFrame | None,
    table: Callable[[str], pd.DataFrame] = load,
) -> str:
    """What is known of a detector's errors, from the tables: measured here, and published.

    Parameters
    ----------
    id : str
        In the registry.
    figures, published : pandas.DataFrame or None
        The tables ``embedded`` and ``published_eer``, where they can be read.
    table : callable
        Gives the tables of what others print, by name; a page's cache, or the files.
    """
    parts = [] if figures is None else measured_here(id, figures)
    entry = ENTRIES.get(id)
    if entry is not None and entry.arena:
        parts.append(_unseen(entry.arena, table))
    if published is not None and entry is not None and entry.published:
        rows = published[(published["system"] == entry.published)]
        rows = rows[(rows["benchmark"] == "ASVspoof 2019 LA eval") & (rows["metric"] == "eer")]
        rows = rows[(rows["breakdown"] == "overall") & (rows["condition"] == "all")]
        parts += [
            f"{row.value:.2f} % on its own corpus, {row.benchmark}, {row.kind}"
            for row in rows.itertuples()
        ]
    return "; ".join(filter(None, parts)) or "not measured"


def in_brief(
    id: str, figures: pd.DataFrame | None, table: Callable[[str], pd.DataFrame] = load
) -> str:
    """The same in a few words: what was measured here first, else what others print of corpora
    that it has not seen.

    Parameters are those of `track_record`.
    """
    if figures is not None:
        rows = figures[(figures["system"] == id) & (figures["metric"] == "eer_percent")]
        for breakdown, condition in MEASURED_ON:
            of = rows[(rows["breakdown"] == breakdown) & (rows["condition"] == condition)]
            if len(of):
                return "EER " + ", ".join(
                    f"{row.value:.1f} % on {benchmark_name(row.benchmark)}"
                    for row in of.itertuples()
                )
    entry = ENTRIES.get(id)
    said = _unseen(entry.arena, table).split(", half of")[0] if entry and entry.arena else ""
    return f"EER {said}" if said[:1].isdigit() else said or "error rates not measured"


def measured_here(id: str, figures: pd.DataFrame) -> list[str]:
    """Equal error rates that this project measured of a detector, from the table ``embedded``."""
    rows = figures[(figures["system"] == id) & (figures["metric"] == "eer_percent")]
    return [
        f"{row.value:.1f} % ({row.low:.1f} to {row.high:.1f}) on "
        f"{benchmark_name(row.benchmark)}, {heard}, {row.kind}"
        for (breakdown, condition), heard in MEASURED_ON.items()
        for row in rows[
            (rows["breakdown"] == breakdown) & (rows["condition"] == condition)
        ].itertuples()
    ]


def in_part_rate(figures: pd.DataFrame | None, detector: str) -> str:
    """How often a clip was called synthetic in part, rightly and wrongly; empty if not measured.

    Parameters
    ----------
    figures : pandas.DataFrame or None
        Rows of the results schema.
    detector : str
        Its id in the tables.
    """
    if figures is None:
        return ""
    of = figures[(figures["system"] == detector) & (figures["breakdown"] == "in_part")]
    right: list[tuple[float, str]] = []
    wrong: list[str] = []
    for row in of.itertuples():
        part = _PART.fullmatch(row.condition)
        clips = f"{row.value:.0f} % of {row.n_bonafide + row.n_spoof:,.0f}"
        if part is not None and part[2] == "synthetic speech":
            right.append((float(part[1]), f"{clips} with {part[1]} s of it"))
        else:
            wrong.append(f"{clips} {row.condition}")
    if not right or not wrong:
        return ""
    found = ", ".join(said for _, said in sorted(right, reverse=True))
    return (
        "How often this verdict finds a part, measured with this detector: where synthetic speech "
        f"was set into human clips of 30 to 120 s, it named it in {found}. Without any, it was "
        f"given to {', and to '.join(_human(said) for said in wrong)}."
    )


def _human(said: str) -> str:
    """A condition that may begin with ``with``, as a sentence takes it."""
    return said.replace(" with ", " human clips with ", 1)


_PART = re.compile(r"with ([\d.]+) s of (.+) in them")


def _unseen(system: str, table: Callable[[str], pd.DataFrame]) -> str:
    """What others print of a system on corpora that it has not seen: range, middle and number."""
    figures = table("arena")
    own = figures[(figures["system"] == system) & (figures["metric"] == "eer")]
    if own.empty:
        return ""
    joined = arena.joined(own, table("arena_systems"), table("arena_corpora"))
    cells = arena.cells(joined)
    new = cells[cells["seen"] == arena.UNSEEN]["value"]
    if (cells["seen"] == arena.UNSTATED).all():
        return (
            f"{cells['value'].min():.2f} to {cells['value'].max():.2f} % on {len(cells)} corpora, "
            "of which nobody says whether it was trained on them"
        )
    if new.empty:
        return "no figure on a corpus that it has not seen"
    return (
        f"{new.min():.2f} to {new.max():.2f} % on {len(new)} corpora that it has not seen, half of "
        f"them below {new.median():.2f} %, by its authors or others"
    )
