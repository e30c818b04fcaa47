"""A figure of a detector: what tables of figures have columns for, and one row of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Annotated, get_type_hints

from core.evaluate.tables.column import Column, Table

KINDS = ("published", "corrected", "measured")

_Text = Annotated[str, Column()]
_Optional = Annotated[str, Column(required=False)]
_End = Annotated[float, Column("number", required=False)]
_Count = Annotated[float, Column("count", required=False)]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of a table of figures; its fields are the columns, in order.

    Attributes
    ----------
    system, benchmark, subset : str
        What was measured on what.
    breakdown, condition : str
        On which part of it; of ``attack-codec`` the condition is ``A07/alaw``.
    metric : str
        One of `core.evaluate.names.METRICS`.
    value : float
        In the metric's unit (EERs in percent).
    low, high : float
        Interval; NaN where none is known.
    n_bonafide, n_spoof : float
        Trials; NaN where they are not known.
    kind : str
        One of `KINDS`.
    source, note : str
        Where it comes from, and what to keep in mind.
    """

    system: _Text
    benchmark: _Text
    subset: _Optional
    breakdown: _Text
    condition: _Text
    metric: _Text
    value: Annotated[float, Column("number")]
    low: _End = nan
    high: _End = nan
    n_bonafide: _Count = nan
    n_spoof: _Count = nan
    kind: Annotated[str, Column(choices=KINDS)] = "measured"
    source: _Text
    note: _Optional = ""


_SAID = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Figure, include_extras=True).items()
}

COLUMNS = tuple(_SAID)
"""Columns of a table of figures, in order."""

FIGURES = Table(_SAID, COLUMNS[: COLUMNS.index("value")])
"""One row a figure."""

_WHICH = COLUMNS[COLUMNS.index("breakdown") : COLUMNS.index("value")]
_WORTH = COLUMNS[COLUMNS.index("value") : COLUMNS.index("n_bonafide")]

SCORE_FILE = (*_WHICH, *_WORTH, "threshold", "n_bonafide", "n_spoof", "note")
"""Columns of the figures of one score file, whose system and source its reader knows."""

DIFFERENCES = (
    *(*_WHICH, "first", "second", "difference", "low", "high"),
    *("p_value", "p_holm", "n_bonafide", "n_spoof"),
)
"""Columns of two systems' figures on the same trials, and of how far they are apart."""

VERIFICATION = (
    *(*_WHICH, *_WORTH, "threshold", "cm_threshold"),
    *("n_target", "n_nontarget", "n_spoof", "note"),
)
"""Columns of the figures of spoof-aware speaker verification."""
