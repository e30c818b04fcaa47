"""What tables say of a registered detector: free of Streamlit, for pages and for commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.detect.feeds import FEEDS
from core.detect.registry import ENTRIES, Entry, in_8_bit
from core.evaluate import arena

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"


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
    """

    parameters: str
    trained_on: str
    figures: pd.DataFrame
    parity: float | None


def known(
    entry: Entry, systems: pd.DataFrame, figures: pd.DataFrame, parity: pd.DataFrame
) -> Known:
    """Join an entry with the tables, by the name of its system.

    Parameters
    ----------
    entry : Entry
        From the registry.
    systems, figures, parity : pandas.DataFrame
        The tables ``arena_systems``, ``arena`` and ``network_parity``.
    """
    of = systems[systems["system"] == entry.arena]
    row = of.iloc[0] if len(of) else None
    count = entry.parameters or (0 if row is None else row["parameters"])
    own = figures[(figures["system"] == entry.arena) & (figures["metric"] == "eer")]
    columns = ["benchmark", "value", "seen", "reported_by", "source"]
    if len(own):
        cells = arena.cells(arena.joined(own, systems))
        rates = cells[columns].sort_values("value", kind="stable", ignore_index=True)
    else:
        rates = own.reindex(columns=columns)
    compared = parity[parity["network"] == entry.network]["largest_difference"]
    if not entry.home:  # what ships here is in its own card
        return Known("see its model card", "see its model card", rates, None)
    return Known(
        parameters=f"{int(count):,}" if count == count and count else UNKNOWN,
        trained_on=(row["trained_on"] or UNKNOWN) if row is not None else UNKNOWN,
        figures=rates,
        parity=float(compared.max()) if len(compared) else None,
    )


def described(entry: Entry, facts: Known) -> list[tuple[str, str]]:
    """What is known of a detector as pairs of a word and what it says, in plain text."""
    feed = FEEDS.get(entry.network)
    pairs = [
        ("Here", entry.state),
        ("Home", f"{entry.home} {f'at {entry.revision}' if entry.revision else ''}".strip()),
        ("Licence", entry.licence + ("" if entry.commercial else "; no commercial use")),
        ("Parameters", facts.parameters),
        ("Trained on", facts.trained_on),
        ("Hears", str(feed) if feed else ""),
        ("Tested", entry.tested),
        (
            "Parity",
            ""
            if facts.parity is None
            else f"logits {_away(facts.parity)} its authors' code, on random weights",
        ),
        ("Why not", entry.obstacle),
    ]
    return [(word, said) for word, said in pairs if said]


def _away(largest: float) -> str:
    return f"within {largest:.1g} of those of" if largest else "equal to those of"


def name_of(id: str) -> str:
    """A detector's name for people."""
    if (entry := in_8_bit(id)) is not None:
        return f"{entry.name}, 8-bit"
    return ENTRIES[id].name if id in ENTRIES else id.removeprefix("hub:")
