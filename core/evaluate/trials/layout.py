"""Which column of a table is what, how that was found, and what is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from core.evaluate.metrics import Higher
from core.evaluate.trials.formats import ROLES
from core.evaluate.trials.problems import in_words, short

Means = Literal["stated", "name", "format", "contents"]
"""How a column was found."""

SPOOFED = "spoof"
"""The doubt about which labels mean spoofed."""

ABSENT = {
    "trial": "No column names the trials.",
    "label": "No column says which trials are spoofed; a protocol may.",
    "score": "No column has scores.",
}
"""What is said where a column is missing."""

MEANS: dict[Means, str] = {
    "stated": "as stated",
    "name": "by name",
    "format": "by the format",
    "contents": "by what they hold",
}


@dataclass(frozen=True)
class Doubt:
    """What a person should say.

    Attributes
    ----------
    role : str
        One of `ROLES`, `SPOOFED`, or ``asv`` where this is no countermeasure's file.
    candidates : tuple of str
        Columns that may have the role, or values that may mean spoofed; empty for none.
    sentence : str
        The question.
    """

    role: str
    candidates: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Layout:
    """Which column of a raw table holds what.

    Attributes
    ----------
    columns : dict of str to str
        Role (one of `ROLES`, or any other name for a further attribute) to column of the raw table.
    format : str
        Name for people.
    doubts : tuple of Doubt
        What a person should say; a column that is in doubt is the likeliest.
    spoofed : tuple of str
        Values of the label column that mean spoofed, where they are no words of `LABELS`.
    higher : {"spoof", "bonafide"} or None
        What a higher score means, where the score's name or the format says it.
    means : dict of str to Means
        Role to how its column was found.
    """

    columns: dict[str, str]
    format: str
    doubts: tuple[Doubt, ...] = ()
    spoofed: tuple[str, ...] = ()
    higher: Higher | None = None
    means: Mapping[str, Means] = field(default_factory=dict)

    @property
    def sure(self) -> bool:
        """Whether nothing is in doubt."""
        return not self.doubts

    def needing(self, *roles: str) -> Layout:
        """The layout for a file of which these roles matter: other doubts are dropped.

        A role that matters and has no column is a doubt.
        """
        wanted = {*roles, "asv", *([SPOOFED] if "label" in roles else [])}
        asked = {d.role for d in self.doubts}
        absent = [r for r in roles if r not in self.columns and r not in asked and r in ABSENT]
        idle = {d.role for d in self.doubts if d.role not in wanted}
        if SPOOFED in idle:
            idle.add("label")
        return replace(
            self,
            columns={r: c for r, c in self.columns.items() if r not in idle},
            doubts=(
                *(d for d in self.doubts if d.role in wanted),
                *(Doubt(role, (), ABSENT[role]) for role in absent if "asv" not in asked),
            ),
        )

    def in_words(self) -> str:
        """Which column is what and how it was found, in a line."""
        parts = []
        for means, words in MEANS.items():
            found = [r for r in in_order(self.columns) if self.means.get(r, "stated") == means]
            named = ", ".join(f"{short(r)} = {short(self.columns[r])}" for r in found)
            parts += [f"{words} {named}"] if found else []
        labels = f"{in_words(self.spoofed)} means spoofed" if self.spoofed else ""
        return "; ".join([*parts, labels] if labels else parts)


def in_order(columns: Iterable[str]) -> list[str]:
    """The roles among these names in their order, then the others."""
    present = list(columns)
    return [r for r in ROLES if r in present] + [c for c in present if c not in ROLES]
