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
from core.evaluate.trials.joining import attach, attach_best, match
from core.evaluate.trials.labels import LABELS
from core.evaluate.trials.layout import SPOOFED, Layout
from core.evaluate.trials.problems import Problem, TrialsError
from core.evaluate.trials.reading import read_table
from core.evaluate.trials.spans import Spans, has_times, read_reference, read_scored_spans
from core.evaluate.trials.spoof_aware import SpoofAwareTrials, has_three_kinds, read_spoof_aware
from core.evaluate.trials.subsets import ALL, of_subset, subsets, usual
from core.evaluate.trials.tidy import Trials, check_sure, read_scores, tidy
from core.evaluate.trials.verification import AsvScores

__all__ = [
    "ALL",
    "FORMS",
    "LABELS",
    "ROLES",
    "SPOOFED",
    "SPOOF_AWARE_FORMS",
    "WAYS",
    "AsvScores",
    "Direction",
    "Form",
    "Layout",
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
    "subsets",
    "tidy",
    "usual",
]
