"""How the embedded detector does, in a line, read from its table without loading pandas."""

from __future__ import annotations

from core.evaluate.kinds import KINDS
from core.evaluate.tables import figures_in


def by_kind() -> str:
    """How the embedded detector does on each kind of voice, in one line; empty if not measured."""
    known = []
    for kind in KINDS:
        rows = figures_in(
            "embedded",
            system="embedded",
            benchmark=kind.benchmark,
            breakdown=kind.breakdown,
            condition=kind.condition,
            metric="eer_percent",
        )
        known += [f"{kind.name} **{row.value:.0f} %**" for row in rows]
    told = f"Equal error rate by kind of voice: {', '.join(known)}." if known else ""
    return " ".join(filter(None, (told, _in_part())))


def _in_part() -> str:
    """How often a synthetic part is named in human speech, and how often one that is not there."""
    named = {
        row.condition: row.value
        for breakdown in ("stands_out", "in_part")  # the latter where it was measured
        for row in figures_in("embedded", system="embedded", breakdown=breakdown)
    }
    found = named.get("with 4 s of synthetic speech in them")
    falsely = named.get("whole human clips of 30 to 120 s")
    if found is None or falsely is None:
        return ""
    return (
        f"In part: 4 s of synthetic speech in 30 to 120 s of human speech are named in "
        f"**{found:.0f} %** of clips, a part that is not there in **{falsely:.0f} %**."
    )
