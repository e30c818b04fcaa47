"""Spoofscope: tells synthetic speech from human speech, and shows where the evidence lies.

The names below load on first use, so that ``import core`` costs nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Libraries that would report to their makers are told not to before they load; ONNX Runtime also
# writes what it means to report into the user's home.
for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ[_name] = "1"

if TYPE_CHECKING:
    from core.audio.clip import AudioError, Clip
    from core.audio.decoding import decode
    from core.detect.detection import Detection
    from core.detect.detector import Detector, DetectorError
    from core.detect.registry import list_detectors, load_detector

_HOMES = {
    "AudioError": "core.audio.clip",
    "Clip": "core.audio.clip",
    "decode": "core.audio.decoding",
    "Detection": "core.detect.detection",
    "Detector": "core.detect.detector",
    "DetectorError": "core.detect.detector",
    "list_detectors": "core.detect.registry",
    "load_detector": "core.detect.registry",
}

__all__ = [
    "AudioError",
    "Clip",
    "Detection",
    "Detector",
    "DetectorError",
    "decode",
    "list_detectors",
    "load_detector",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'core' has no attribute {name!r}")
