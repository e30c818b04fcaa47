"""Trials: score files and protocols in the field's formats -> one tidy table."""

from core.evaluate.trials.layout import LABELS, ROLES, Label, Layout, guess_layout, with_columns
from core.evaluate.trials.limits import LARGEST, MOST_COLUMNS, MOST_ROWS
from core.evaluate.trials.problems import Problem, TrialsError
from core.evaluate.trials.reading import read_table
from core.evaluate.trials.tidy import (
    FORMULA,
    Direction,
    Trials,
    attach,
    direction,
    read_scores,
    tidy,
)

__all__ = [
    "FORMULA",
    "LABELS",
    "LARGEST",
    "MOST_COLUMNS",
    "MOST_ROWS",
    "ROLES",
    "Direction",
    "Label",
    "Layout",
    "Problem",
    "Trials",
    "TrialsError",
    "attach",
    "direction",
    "guess_layout",
    "read_scores",
    "read_table",
    "tidy",
    "with_columns",
]
