"""What tables say of a registered detector: free of Streamlit, for pages and for commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.detect.feeds import FEEDS
from core.detect.registry import ENTRIES, PRECISIONS, Entry, in_8_bit
from core.evaluate import arena
from core.evaluate.tables import load
from core.show.figures.track_record import measured_here

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"

NO_COMMERCE = "; no commercial use"
"""What follows a licence that forbids it."""


@dataclass(frozen=True)
class Known:
    """What is known of one.

    Attributes
    ----------
    parameters, trained_on : str
        For people; `UNKNOWN` where no source says it.
    figures : pandas.DataFrame
        Published equal error rates: ``benchmark``, ``value`` (percent), ``seen`` (whether the
        corpus was in its training), ``reported_by`` and ``source``; the lowest first.
    parity : float or None
        Largest difference between its network's logits and those of its authors' code.
    measured : str
        Equal error rates that were measured here; empty where none was.
    """

    parameters: str
    trained_on: str
    figures: pd.DataFrame
    parity: float | None
    measured: str = ""


def known(entry: Entry, table: Callable[[str], pd.DataFrame] = load) -> Known:
    """Join an entry with the tables, by the name of its system.

    Parameters
    ----------
    table : callable
        Gives the tables of data/results by name; a page's cache, or the files.

    Raises
    ------
    core.evaluate.tables.TableError
        If a table cannot be read.
    """
    figures, parity = map(table, ("arena", "network_parity"))
    parameters, trained_on = in_short(entry, table)
    measured = "; ".join(measured_here(entry.id, table("embedded")))
    own = figures[(figures["system"] == entry.arena) & (figures["metric"] == "eer")]
    columns = ["benchmark", "value", "seen", "reported_by", "source"]
    if len(own):
        cells = arena.cells(arena.joined(own, table("arena_systems")))
        rates = cells[columns].sort_values("value", kind="stable", ignore_index=True)
    else:
        rates = own.reindex(columns=columns)
    compared = parity[parity["network"] == entry.network]["largest_difference"]
    shown = len(compared) and entry.home  # what ships here is in its own card
    return Known(parameters, trained_on, rates, float(compared.max()) if shown else None, measured)


def in_short(entry: Entry, table: Callable[[str], pd.DataFrame] = load) -> tuple[str, str]:
    """How many parameters it has, and what it was trained on, for people.

    Parameters and errors are those of `known`.
    """
    systems = table("arena_systems")
    if not entry.home:
        return _counted(entry), "public clips; see its model card"
    of = systems[systems["system"] == entry.arena]
    row = of.iloc[0] if len(of) else None
    count = entry.parameters or (0 if row is None else row["parameters"])
    return (
        f"{int(count):,}" if count == count and count else UNKNOWN,
        (row["trained_on"] or UNKNOWN) if row is not None else UNKNOWN,
    )


def _counted(entry: Entry) -> str:
    """Parameters in the weights that ship."""
    from math import prod

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(entry.path / "model.safetensors", "numpy") as held:
            shapes = [held.get_slice(name).get_shape() for name in held.keys()]  # noqa: SIM118
    except (OSError, SafetensorError):
        return UNKNOWN
    return f"{sum(map(prod, shapes)):,}"


def described(entry: Entry, facts: Known) -> list[tuple[str, str]]:
    """What is known of a detector as pairs of a word and what it says, in plain text."""
    feed = FEEDS.get(entry.network)
    pairs = [
        ("Here", entry.state),
        ("Home", entry.home or "this repository"),
        ("Revision", _revision(entry)),
        ("Size", _size(entry)),
        ("Licence", (entry.licence or UNKNOWN) + ("" if entry.commercial else NO_COMMERCE)),
        ("Parameters", facts.parameters),
        ("Trained on", facts.trained_on),
        ("Hears", str(feed) if feed else ""),
        ("Tested", entry.tested),
        ("Measured", facts.measured),
        (
            "Parity",
            ""
            if facts.parity is None
            else f"logits {_away(facts.parity)} its authors' code, on random weights",
        ),
        ("Why not", entry.obstacle),
    ]
    return [(word, said) for word, said in pairs if said]


def _revision(entry: Entry) -> str:
    """Which version of the weights is meant."""
    if entry.revision:
        return entry.revision
    if not entry.home or entry.code:
        return ""
    checked = "its published size is checked, and " if entry.bytes else ""
    return f"no source names one: {checked}its hash is pinned at first use"


def _size(entry: Entry) -> str:
    """Of the weights file, or of what ships."""
    if entry.code:
        return ""
    if not entry.home and not entry.ready:
        return UNKNOWN
    if not entry.home:
        files = [file for file in entry.path.iterdir() if file.is_file()]
        return f"{sum(file.stat().st_size for file in files) / 1e6:.0f} MB, all engines together"
    return entry.size.replace("weights of unknown size", UNKNOWN)


def _away(largest: float) -> str:
    return f"within {largest:.1g} of those of" if largest else "equal to those of"


def name_of(id: str) -> str:
    """A detector's name for people."""
    if (entry := in_8_bit(id)) is not None:
        return f"{entry.name}, 8-bit"
    if id in PRECISIONS:
        precision = "single precision" if id.endswith("fp32") else "8-bit"
        return f"{ENTRIES['embedded'].name}, {precision}"
    return ENTRIES[id].name if id in ENTRIES else id.removeprefix("hub:")


def in_tables() -> dict[str, str]:
    """Ids and names of registered detectors -> what tables of figures call them."""
    listed = [entry for entry in ENTRIES.values() if entry.published]
    return {name: entry.published for entry in listed for name in (entry.id, entry.name)}
