"""Detectors inside the Arena's harness speech_spoof_bench, which runs models over its datasets.

The harness makes a model by ``--model-module core.score.harness:DETECTOR``: whatever ``core detect
--detector`` takes is the name of a class here. It asks for no import of the harness, which is not
needed to be installed where nobody uses it.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip, Source
from core.audio.windows import window_ranges
from core.detect.detector import DetectorError
from core.detect.own import is_code
from core.detect.registry import ENTRIES, is_registered, load_detector

if TYPE_CHECKING:
    from core.detect.detector import Detector


class Model:
    """A detector as the harness wants it: loaded once, then asked for scores, higher = bona fide.

    A score is the mean raw score of the windows with speech, as everywhere here, turned around. The
    harness wants one for every clip, so where the speech gate would refuse a verdict it is the mean
    over all windows.

    Attributes
    ----------
    name : str
        Of the detector, for the harness's files.
    detector_id : str
        For `core.detect.registry.load_detector`.
    expected_sample_rate, batch_size : int
        As the harness reads them.
    """

    name: ClassVar[str] = ""
    detector_id: ClassVar[str] = ""
    expected_sample_rate: ClassVar[int] = SAMPLE_RATE
    batch_size: ClassVar[int] = 1

    def __init__(self) -> None:
        self._detector: Detector | None = None

    def load(self) -> None:
        """Load the detector; errors as `core.detect.registry.load_detector`."""
        self._detector = load_detector(self.detector_id, code=True)

    def unload(self) -> None:
        """Let go of it."""
        self._detector = None

    def score_batch(self, audios: list[np.ndarray], srs: list[int]) -> list[float]:
        """Scores of clips, each float32 ``[n]`` at 16 kHz; higher = bona fide.

        Raises
        ------
        ValueError
            If a clip is empty or at another rate.
        """
        return [self.score(audio, rate) for audio, rate in zip(audios, srs, strict=True)]

    def score(self, audio: np.ndarray, sr: int) -> float:
        """The score of one clip; errors as `score_batch`."""
        if self._detector is None:
            self.load()
        assert self._detector is not None
        samples = np.ascontiguousarray(audio, np.float32)
        if samples.ndim != 1 or not len(samples) or sr != SAMPLE_RATE:
            raise ValueError(f"A clip must be mono sound at {SAMPLE_RATE:,} Hz.")
        digest = hashlib.sha256(samples.tobytes()).hexdigest()
        source = Source("clip", "array", "float32", sr, 1, len(samples) / sr, digest, "harness")
        evidence = self._detector.listen(Clip(samples, source))
        if evidence.scored:
            return -float(evidence.raw.mean())
        detector = self._detector
        ranges = window_ranges(len(samples), detector.window, detector.hop)
        return -float(detector.raw_scores(samples, ranges)[0].mean())


def model_class(detector: str) -> type[Model]:
    """The class of models that run a detector.

    Parameters
    ----------
    detector : str
        As for ``core detect --detector``.
    """
    entry = ENTRIES.get(detector)
    name = entry.name if entry is not None else detector.rsplit("/", 1)[-1]
    return type("Model", (Model,), {"name": name, "detector_id": detector})


def description(
    detector: str, code: str, checkpoint: str, paper: tuple[str, str, str] | None = None
) -> dict[str, Any]:
    """What the harness's ``submit`` wants to know of a system (its meta.yaml; JSON is YAML).

    Parameters
    ----------
    detector : str
        As for ``core detect --detector``.
    code, checkpoint : str
        Addresses of source code and of weights.
    paper : (str, str, str), optional
        Number at arXiv, address and BibTeX.

    Raises
    ------
    DetectorError
        If there is no such detector here.
    """
    entry = ENTRIES.get(detector)
    if entry is None and not _loads(detector):
        raise DetectorError(f"There is no detector '{detector}'.")
    made = model_class(detector)
    summary = entry.summary if entry is not None else f"The detector {made.name}."
    system: dict[str, Any] = {
        "name": made.name,
        "slug": re.sub(r"[^a-z0-9]+", "-", detector.rsplit("/", 1)[-1].lower()).strip("-") or "own",
        "description": f"{summary} Run by Spoofscope: mean of its scores over windows with speech.",
        "code": code,
        "checkpoint": checkpoint,
    }
    if entry is not None and entry.parameters:
        system["params_millions"] = round(entry.parameters / 1e6, 1)
    if paper is not None:
        system["paper"] = dict(zip(("arxiv_id", "url", "bibtex"), paper, strict=True))
    return {"system": system}


def _loads(detector: str) -> bool:
    return (
        is_registered(detector)
        or is_code(detector)
        or detector.startswith("hub:")
        or os.path.exists(detector)
    )


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not _loads(name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return model_class(name)
