"""A scorer as it is found in code, checked, and asked: what runs in its own process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.detect.feeds import Short
from core.detect.model_config import LONGEST_WINDOW, DetectorError
from core.detect.weights import briefly, sha256_of
from core.plain import printable

RATES = (4_000, 192_000)
"""Samples a second that a scorer may want to hear."""


@dataclass(frozen=True)
class Said:
    """What a scorer says of itself.

    Attributes
    ----------
    name : str
        For people.
    rate : int
        Samples a second that it wants to hear.
    window : int
        Samples of one wave, at the rate of clips.
    short : str
        As in `core.detect.feeds.Feed`.
    log_odds : bool
        Whether its scores are log-odds.
    sha256 : str
        Of its code, of its weights and of which object it is.
    """

    name: str
    rate: int
    window: int
    short: Short
    log_odds: bool
    sha256: str


def why(error: BaseException) -> str:
    """An error of somebody else's code as the end of a sentence."""
    kind = type(error).__name__
    try:
        text = printable(briefly(error))
    except Exception:  # its own words may fail as well
        text = ""
    return f"{kind}." if text in {"", f"{kind}."} else f"{kind}: {text.removeprefix(f'{kind}: ')}"


def made_of(found: Any, label: str, which: str, source: Sequence[Path] = ()) -> tuple[Said, Any]:
    """What a scorer says of itself, and what scores waves.

    Parameters
    ----------
    found : object
        A `core.detect.own.protocol.Scorer`, a class of such or a function ``score``.
    label : str
        What it was called by whoever named it.
    which : str
        The object's name in its code: several detectors may stand in one file.
    source : sequence of pathlib.Path
        Files of its code.

    Raises
    ------
    DetectorError
        If it is none, with a sentence that says what it lacks.
    """
    if isinstance(found, type):
        try:
            found = found()
        except BaseException as error:
            raise DetectorError(f"The detector '{label}' cannot be made: {why(error)}") from error
    try:
        return _said(found, label, which, source)
    except DetectorError:
        raise
    except OSError as error:
        raise DetectorError(
            f"A file of the detector '{label}' cannot be read: {error.filename or ''} "
            f"({error.strerror or error})."
        ) from error
    except Exception as error:  # a property may raise anything
        raise DetectorError(
            f"The detector '{label}' does not say what it is: {why(error)}"
        ) from error


def _said(found: Any, label: str, which: str, source: Sequence[Path]) -> tuple[Said, Any]:
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
    log_odds = getattr(found, "log_odds", False)
    if not isinstance(log_odds, bool):
        raise DetectorError(f"The 'log_odds' of the detector '{label}' is neither True nor False.")
    files = getattr(found, "weights", ())
    files = [files] if isinstance(files, (str, Path)) else files
    if not isinstance(files, Sequence) or not all(isinstance(f, (str, Path)) for f in files):
        raise DetectorError(f"The 'weights' of the detector '{label}' are no paths of files.")
    hashes = [sha256_of(path) for path in (*source, *map(Path, files))]
    digest = hashlib.sha256("\n".join([*hashes, which]).encode()).hexdigest()
    window = round(seconds * SAMPLE_RATE)
    return Said(printable(name.strip()), int(rate), window, short, log_odds, digest), score


def _number(found: Any, label: str, key: str, default: float, least: float, most: float) -> float:
    value = getattr(found, key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise DetectorError(
            f"The '{key}' of the detector '{label}' is {str(value)[:40]!r}, but it must be a "
            f"number from {least:,g} to {most:,g}."
        )
    return value


def asked(name: str, score: Any, waves: np.ndarray, rate: int) -> np.ndarray:
    """One finite number per wave, float64 ``[b]``.

    Raises
    ------
    DetectorError
        If the scorer fails, or gives something else.
    """
    try:
        found = score(waves, rate)
        if hasattr(found, "detach"):  # a tensor, on whatever device and with whatever gradient
            found = found.detach().cpu().double()
        found = np.asarray(found)
        if found.dtype.kind == "O":
            found = found.astype(np.float64)
    except BaseException as error:  # what others wrote may raise anything
        raise DetectorError(f"The detector '{name}' failed: {why(error)}") from error
    if found.dtype.kind not in "fiub":
        raise DetectorError(
            f"The detector '{name}' gave scores of type {found.dtype.name}; they must be real "
            "numbers."
        )
    if found.shape != (len(waves),):
        raise DetectorError(
            f"The detector '{name}' gave scores of shape {found.shape} for {len(waves)} waves; it "
            f"must give one number per wave, of shape ({len(waves)},)."
        )
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        raise DetectorError(f"The detector '{name}' gave a score that is no finite number.")
    return found
