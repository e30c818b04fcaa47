"""Detections that were saved as JSON, opened again: checked before anything is shown of them."""

from __future__ import annotations

import json
import math
import re
from typing import Any, get_args

from core.detect.decision import StanceError
from core.detect.detection import READABLE, SCHEMA, Detection, Verdict
from core.detect.spans import cells
from core.settings import settings

MOST_PARTS = 200_000
"""Objects and lists in a file; an hour of audio at the finest hop has 36,000 windows. Empty ones
take thirty times their text in memory."""

BESIDE = ("file", "stress")
"""What ``python -m core detect --json`` writes beside a detection's own fields."""


class SavedError(ValueError):
    """A file that holds no detection that could be shown; the message is a sentence."""


def open_saved(data: bytes) -> list[Detection]:
    """Detections from what the dashboard or ``python -m core detect --json`` has written.

    Parameters
    ----------
    data : bytes
        One object, a list of them, or the object inside an evidence report.

    Returns
    -------
    list of Detection
        At least one. What is in the file is what its bearer says: anyone can edit it.

    Raises
    ------
    SavedError
        With a sentence that says what is wrong.
    """
    most = settings().max_saved_mb  # an hour of audio at the finest hop takes 12 MB
    if len(data) > most << 20:
        raise SavedError(
            f"The file has {len(data) / 2**20:,.1f} MB; a saved detection has at most {most} MB."
        )
    if data.count(b"{") + data.count(b"[") > MOST_PARTS:
        raise SavedError(f"The file has more than {MOST_PARTS:,} parts; no saved detection has.")
    try:
        held = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, SavedError):
            raise
        raise SavedError(
            "This is not JSON as Spoofscope saves it. Give a file that was downloaded here."
        ) from error
    if isinstance(held, dict) and isinstance(held.get("detections"), list):
        held = held["detections"]
    items = held if isinstance(held, list) else [held]
    if not items:
        raise SavedError("The file holds an empty list and no detection.")
    return [_checked(item, number) for number, item in enumerate(items, 1)]


def _no_constant(name: str) -> Any:
    raise SavedError(f"The file holds {name}, which is no number that was measured.")


def _checked(item: Any, number: int) -> Detection:
    schema = item.get("schema") if isinstance(item, dict) else None
    if schema not in READABLE:
        family = SCHEMA.rsplit("/", 1)[0]
        if isinstance(schema, str) and schema.startswith(f"{family}/"):
            raise SavedError(
                f"Item {number} was saved in the form {schema[:60]!r}; this version reads "
                f"{SCHEMA}. Use the version that made it, or judge the clip again."
            )
        raise SavedError(f"Item {number} of the file is not a saved detection.")
    try:
        made = Detection.from_dict({k: v for k, v in item.items() if k not in BESIDE})
        problem = _problem(made)
    except StanceError as error:
        raise SavedError(f"Item {number} is damaged. {error}") from error
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise SavedError(f"Item {number} is damaged: its fields are not of the right kind.") from (
            error
        )
    if problem:
        raise SavedError(f"Item {number} is damaged: {problem}.")
    return made


def _problem(d: Detection) -> str:
    """What in a Detection cannot have been measured; empty where nothing."""
    source, quality = d.source, d.quality
    texts = [d.detector, d.weights_sha256, source.name, source.sha256]
    texts += [source.container, source.codec, source.decoder, *source.notes]
    texts += [text for r in d.reasons for text in (r.code, r.text, r.effect)]
    texts += d.familiarity.nearest if d.familiarity is not None else ()
    if not all(isinstance(text, str) and len(text) < 5_000 for text in texts):
        return "a text is missing or too long"
    "".join(texts).encode()  # raises ValueError where half a character stands alone
    if not all(re.fullmatch(r"[0-9a-f]{64}", h) for h in (source.sha256, d.weights_sha256)):
        return "a hash is not a SHA-256"
    if d.verdict not in get_args(Verdict):
        return "its verdict is none of those that exist"
    if any(r.effect not in ("not judged", "inconclusive", "caution") for r in d.reasons):
        return "a reason has an effect that does not exist"
    if not 0 < _number(d.window_s) < 3600 or not 0 < _number(d.hop_s) <= d.window_s:
        return "its windows have no length"
    if (d.llr is None) != (d.p_spoof is None) or (d.llr is None) != (d.verdict == "not judged"):
        return "its verdict and its score contradict each other"
    if not all(isinstance(n, int) and n > 0 for n in (source.sample_rate, source.channels)):
        return "its file has no sound"
    problem = _problem_of_windows(d)
    if problem:
        return problem
    scores = [d.llr, *(w.llr for w in d.windows)]
    if not all(abs(_number(s)) < 1e6 for s in scores if s is not None):
        return "a score is out of range"
    # A certain chance has no log-odds, and no detector gives one.
    if d.p_spoof is not None and not 0 < _number(d.p_spoof) < 1:
        return "a chance is not between 0 and 1"
    if not isinstance(d.calibrated, bool):
        return "it does not say whether it is calibrated"
    if d.familiarity is not None:
        if d.familiarity.level not in ("familiar", "edge", "unfamiliar"):
            return "its familiarity is none of those that exist"
        if _number(d.familiarity.distance) < 0 or not 0 <= _number(d.familiarity.percentile) <= 100:
            return "its familiarity is out of range"
    for value in (quality.duration_s, quality.speech_s, source.duration_s, d.elapsed_ms):
        if _number(value) < 0:
            return "a duration is negative"
    levels = [quality.peak, quality.clipped_share, quality.zero_share, quality.bandwidth_hz]
    levels += [edge for span in quality.speech for edge in span]
    levels += [] if quality.level_dbfs is None else [quality.level_dbfs]
    for value in levels:
        _number(value)
    return ""


def _problem_of_windows(d: Detection) -> str:
    """The same of the windows alone."""
    if not d.windows:
        return "" if d.llr is None else "it has a score and no windows"
    start = -1.0
    for window in d.windows:
        if not 0 <= _number(window.start_s) < _number(window.end_s) or window.start_s <= start:
            return "its windows are not in order"
        start = window.start_s
        _number(window.speech_s)
        if (window.llr is None) != (window.p_spoof is None):
            return "a window's score and chance contradict each other"
        if window.p_spoof is not None and not 0 <= _number(window.p_spoof) <= 1:
            return "a chance is not between 0 and 1"
    if any(cell.start_s >= cell.end_s for cell in cells(d)):
        return "its windows are not in order"
    return ""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)
