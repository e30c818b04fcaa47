"""Detectors by name: which there are, where weights come from, how they are checked and loaded."""

from core.detect.registry.entries import (
    AASIST,
    AASIST_L,
    ENTRIES,
    PRECISIONS,
    PUBLISHED,
    in_8_bit,
    is_registered,
    list_detectors,
)
from core.detect.registry.entry import EMBEDDED, ROOT, Entry, models_home
from core.detect.registry.loading import (
    classes_of,
    load_checkpoint,
    load_detector,
)

__all__ = [
    "AASIST",
    "AASIST_L",
    "EMBEDDED",
    "ENTRIES",
    "PRECISIONS",
    "PUBLISHED",
    "ROOT",
    "Entry",
    "classes_of",
    "in_8_bit",
    "is_registered",
    "list_detectors",
    "load_checkpoint",
    "load_detector",
    "models_home",
]
