"""The tables in data/results: what their columns mean, loading and checking them."""

from core.evaluate.tables.figures import COLUMNS, FIGURES, KINDS, Figure
from core.evaluate.tables.loading import (
    RESULTS,
    TableError,
    check,
    described,
    figures_in,
    load,
    load_figures,
)
from core.evaluate.tables.schema import (
    ARENA,
    FRONT_ENDS,
    REPORTED_KINDS,
    TABLES,
)

__all__ = [
    "ARENA",
    "COLUMNS",
    "FIGURES",
    "FRONT_ENDS",
    "KINDS",
    "REPORTED_KINDS",
    "RESULTS",
    "TABLES",
    "Figure",
    "TableError",
    "check",
    "described",
    "figures_in",
    "load",
    "load_figures",
]
