"""Live takes: what arrives is scored hop by hop, off the server's event loop."""

from core.detect.stream.snapshot import (
    LiveWindow,
    Snapshot,
    by_channel,
    decided,
    spread,
)
from core.detect.stream.take import Take

__all__ = [
    "LiveWindow",
    "Snapshot",
    "Take",
    "by_channel",
    "decided",
    "spread",
]
