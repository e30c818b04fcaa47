"""Trials: score files and protocols in the field's formats -> one tidy table."""

from core.evaluate.trials.direction import WAYS, Direction, direction
from core.evaluate.trials.formats import ROLES
from core.evaluate.trials.forms import (
    FORMS,
    SPOOF_AWARE_FORMS,
    Form,
    in_form,
    in_spoof_aware_form,
)
from core.evaluate.trials.guessing import guess_layout
from core.evaluate.trials.joining import Match, attach, attach_best, match
from core.evaluate.trials.labels import LABELS, Label, share_of_words
from core.evaluate.trials.layout import SPOOFED, Doubt, Layout
from core.evaluate.trials.limits import LARGEST, MOST_COLUMNS, MOST_ROWS
from core.evaluate.trials.problems import Problem, TrialsError
from core.evaluate.trials.reading import read_table
from core.evaluate.trials.spans import Spans, has_times, read_reference, read_scored_spans
from core.evaluate.trials.spoof_aware import SpoofAwareTrials, has_three_kinds, read_spoof_aware
from core.evaluate.trials.subsets import ALL, EVAL, of_subset, subsets, usual
from core.evaluate.trials.tidy import FORMULA, Trials, check_sure, read_scores, tidy
from core.evaluate.trials.verification import AsvScores

__all__ = [
    "ALL",
    "EVAL",
    "FORMS",
    "FORMULA",
    "LABELS",
    "LARGEST",
    "MOST_COLUMNS",
    "MOST_ROWS",
    "ROLES",
    "SPOOFED",
    "SPOOF_AWARE_FORMS",
    "WAYS",
    "AsvScores",
    "Direction",
    "Doubt",
    "Form",
    "Label",
    "Layout",
    "Match",
    "Problem",
    "Spans",
    "SpoofAwareTrials",
    "Trials",
    "TrialsError",
    "attach",
    "attach_best",
    "check_sure",
    "direction",
    "guess_layout",
    "has_three_kinds",
    "has_times",
    "in_form",
    "in_spoof_aware_form",
    "match",
    "of_subset",
    "read_reference",
    "read_scored_spans",
    "read_scores",
    "read_spoof_aware",
    "read_table",
    "share_of_words",
    "subsets",
    "tidy",
    "usual",
]
