"""Detectors by name: which there are, where weights come from, how they are checked and loaded."""

from core.detect.registry.entries import (
    AASIST,
    AASIST_L,
    AASIST_WEIGHTS,
    ENTRIES,
    PRECISIONS,
    PUBLISHED,
    in_8_bit,
    is_registered,
    list_detectors,
)
from core.detect.registry.entry import EMBEDDED, ROOT, Entry, models_home
from core.detect.registry.fetching import Progress
from core.detect.registry.loading import (
    MOST_CLASSES,
    classes_of,
    load_checkpoint,
    load_detector,
)

__all__ = [
    "AASIST",
    "AASIST_L",
    "AASIST_WEIGHTS",
    "EMBEDDED",
    "ENTRIES",
    "MOST_CLASSES",
    "PRECISIONS",
    "PUBLISHED",
    "ROOT",
    "Entry",
    "Progress",
    "classes_of",
    "in_8_bit",
    "is_registered",
    "list_detectors",
    "load_checkpoint",
    "load_detector",
    "models_home",
]
