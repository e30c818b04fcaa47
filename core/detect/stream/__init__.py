"""Live takes: what arrives is scored hop by hop, off the server's event loop."""

from core.detect.stream.heard import CONTEXT_S
from core.detect.stream.snapshot import (
    LiveWindow,
    Snapshot,
    State,
    by_channel,
    decided,
    spread,
)
from core.detect.stream.take import HOP_S, MOST_BEHIND, MOST_CAUGHT_UP, MOST_WAITING, Take, logger

__all__ = [
    "CONTEXT_S",
    "HOP_S",
    "MOST_BEHIND",
    "MOST_CAUGHT_UP",
    "MOST_WAITING",
    "LiveWindow",
    "Snapshot",
    "State",
    "Take",
    "by_channel",
    "decided",
    "logger",
    "spread",
]
