"""A scorer as an engine, and as a detector; whatever it does wrong becomes a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.detect.detector import Detector
from core.detect.feeds import Feed, Short
from core.detect.model_config import LONGEST_WINDOW, DetectorError
from core.detect.weights import briefly, sha256_of
from core.plain import printable

RATES = (4_000, 192_000)
"""Samples a second that a scorer may want to hear."""


class OwnEngine:
    """Runs a scorer; of waves at another rate than clips have, resampled.

    Parameters
    ----------
    name : str
        For sentences.
    score : callable
        As `core.detect.own.protocol.Scorer.score`.
    rate : int
        What it wants to hear.
    """

    samples_per_frame = margin = 0
    batch = 8
    at_once = 1  # it may not be made for several threads

    def __init__(self, name: str, score: Any, rate: int) -> None:
        self._name, self._score, self._rate = name, score, rate

    def windows(self, waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `core.detect.engine.Engine.windows`; embeddings have no size.

        Raises
        ------
        DetectorError
            If the scorer fails, or gives other than one number a wave.
        """
        if self._rate != SAMPLE_RATE:
            import soxr

            waves = soxr.resample(waves.T, SAMPLE_RATE, self._rate).T
        given = np.ascontiguousarray(waves, np.float32)
        try:
            found = np.asarray(self._score(given, self._rate), np.float64)
        except (Exception, SystemExit) as error:  # what others wrote may raise anything
            raise DetectorError(
                f"The detector '{self._name}' failed: {type(error).__name__}: {briefly(error)}"
            ) from error
        if found.shape != (len(given),):
            raise DetectorError(
                f"The detector '{self._name}' gave scores of shape {found.shape} for {len(given)} "
                f"waves; it must give one number a wave, of shape ({len(given)},)."
            )
        if not np.isfinite(found).all():
            raise DetectorError(f"The detector '{self._name}' gave a score that is no number.")
        return found, np.zeros((len(given), 0), np.float32)

    def front(self, wave: np.ndarray) -> np.ndarray:
        """Never asked for: `samples_per_frame` is 0, since windows share nothing."""
        raise TypeError(f"The windows of the detector '{self._name}' share nothing.")

    def encode(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Never asked for: `samples_per_frame` is 0, since windows share nothing."""
        raise TypeError(f"The windows of the detector '{self._name}' share nothing.")


@dataclass(frozen=True)
class _Said:
    """What a scorer says of itself."""

    name: str
    score: Any
    rate: int
    feed: Feed
    weights: tuple[Path, ...]
    log_odds: bool


def detector_of(found: Any, id: str, source: Sequence[Path] = ()) -> Detector:
    """A scorer as an uncalibrated detector.

    Parameters
    ----------
    found : object
        A `core.detect.own.protocol.Scorer`, a class of such or a function ``score``.
    id : str
        In the registry.
    source : sequence of pathlib.Path
        Files of its code; the detector's hash is of them and of its ``weights``.

    Raises
    ------
    DetectorError
        If it is none, with a sentence that says what it lacks.
    """
    said = _said(found, id)
    try:
        hashes = [sha256_of(path) for path in (*source, *said.weights)]
    except OSError as error:
        raise DetectorError(
            f"A file of the detector '{said.name}' cannot be read: {error.filename or ''} "
            f"({error.strerror or error})."
        ) from error
    return Detector(
        id=id,
        name=said.name,
        network=OwnEngine(said.name, said.score, said.rate),
        weights_sha256=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        feed=said.feed,
        log_odds=said.log_odds,
    )


def _said(found: Any, id: str) -> _Said:
    label = id.split(":")[-1]
    if isinstance(found, type):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise DetectorError(
                f"The detector '{label}' cannot be made: {type(error).__name__}: {briefly(error)}"
            ) from error
    score = getattr(found, "score", None)
    score = score if callable(score) else found if callable(found) else None
    if score is None:
        raise DetectorError(
            f"The detector '{label}' has no method score(waves, rate). docs/your-detector.md "
            "shows one."
        )
    name = getattr(found, "name", label)
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        raise DetectorError(f"The name of the detector '{label}' is no text of 1 to 200 letters.")
    rate = _number(found, label, "rate", SAMPLE_RATE, *RATES)
    longest = LONGEST_WINDOW / SAMPLE_RATE
    seconds = _number(found, label, "window_s", 4.0, 0.1, longest)
    short: Any = getattr(found, "short", "padded")
    if short not in get_args(Short)[:2]:
        raise DetectorError(
            f"The 'short' of the detector '{label}' is neither padded nor repeated."
        )
    files = getattr(found, "weights", ())
    files = [files] if isinstance(files, (str, Path)) else files
    if not isinstance(files, Sequence) or not all(isinstance(f, (str, Path)) for f in files):
        raise DetectorError(f"The 'weights' of the detector '{label}' are no paths of files.")
    window = round(seconds * SAMPLE_RATE)
    return _Said(
        printable(name.strip()),
        score,
        int(rate),
        Feed(window, hop=max(window // 2, SAMPLE_RATE // 20), short=short),
        tuple(map(Path, files)),
        bool(getattr(found, "log_odds", False)),
    )


def _number(found: Any, label: str, key: str, default: float, least: float, most: float) -> float:
    value = getattr(found, key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise DetectorError(
            f"The '{key}' of the detector '{label}' is {str(value)[:40]!r}, but it must be a "
            f"number from {least:,g} to {most:,g}."
        )
    return value
