"""The tables in data/results: what their columns mean, loading and checking them."""

from core.evaluate.tables.column import Column, Table
from core.evaluate.tables.loading import (
    RESULTS,
    TableError,
    check,
    described,
    load,
    load_figures,
    strict_schema,
)
from core.evaluate.tables.schema import (
    ARENA,
    FIGURES,
    FRONT_ENDS,
    KINDS,
    REPORTED_KINDS,
    TABLES,
)

__all__ = [
    "ARENA",
    "FIGURES",
    "FRONT_ENDS",
    "KINDS",
    "REPORTED_KINDS",
    "RESULTS",
    "TABLES",
    "Column",
    "Table",
    "TableError",
    "check",
    "described",
    "load",
    "load_figures",
    "strict_schema",
]
