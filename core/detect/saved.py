"""Detections that were saved as JSON, opened again: checked before anything is shown of them."""

from __future__ import annotations

import json
import math
import re
from typing import Any, get_args

from core.detect.detection import SCHEMA, Detection, Verdict
from core.settings import settings


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
    if schema != SCHEMA:
        family = SCHEMA.rsplit("/", 1)[0]
        if isinstance(schema, str) and schema.startswith(f"{family}/"):
            raise SavedError(
                f"Item {number} was saved in the form {schema[:60]}; this version reads {SCHEMA}. "
                "Use the version that made it, or judge the clip again."
            )
        raise SavedError(f"Item {number} of the file is not a saved detection.")
    try:
        made = Detection.from_dict(item)
        problem = _problem(made)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SavedError(f"Item {number} is damaged: its fields are not of the right kind.") from (
            error
        )
    if problem:
        raise SavedError(f"Item {number} is damaged: {problem}.")
    return made


def _problem(d: Detection) -> str:
    """What in a Detection cannot have been measured; empty where nothing."""
    texts = [d.detector, d.weights_sha256, d.source.name, d.source.sha256, d.source.codec]
    texts += [*d.source.notes, *(t for r in d.reasons for t in (r.code, r.text, r.effect))]
    if not all(isinstance(text, str) and len(text) < 5_000 for text in texts):
        return "a text is missing or too long"
    if not all(re.fullmatch(r"[0-9a-f]{64}", h) for h in (d.source.sha256, d.weights_sha256)):
        return "a hash is not a SHA-256"
    if d.verdict not in get_args(Verdict):
        return "its verdict is none of those that exist"
    if any(r.effect not in ("not judged", "inconclusive", "caution") for r in d.reasons):
        return "a reason has an effect that does not exist"
    if not 0 < _number(d.prior) < 1 or _number(d.c_miss) <= 0 or _number(d.c_fa) <= 0:
        return "its prior or a cost is out of range"
    if not 0 < _number(d.window_s) < 3600 or not 0 < _number(d.hop_s) <= d.window_s:
        return "its windows have no length"
    if (d.llr is None) != (d.p_spoof is None) or (d.llr is None) != (d.verdict == "not judged"):
        return "its verdict and its score contradict each other"
    end = 0.0
    for window in d.windows:
        if not 0 <= _number(window.start_s) < _number(window.end_s) or window.start_s < end:
            return "its windows are not in order"
        end = window.start_s
        _number(window.speech_s)
        if (window.llr is None) != (window.p_spoof is None):
            return "a window's score and chance contradict each other"
    chances = [d.p_spoof, *(w.p_spoof for w in d.windows)]
    if not all(0 <= _number(p) <= 1 for p in chances if p is not None):
        return "a chance is not between 0 and 1"
    scores = [d.llr, *(w.llr for w in d.windows)]
    if not all(abs(_number(s)) < 1e6 for s in scores if s is not None):
        return "a score is out of range"
    if not isinstance(d.calibrated, bool):
        return "it does not say whether it is calibrated"
    if d.familiarity is not None and d.familiarity.level not in ("familiar", "edge", "unfamiliar"):
        return "its familiarity is none of those that exist"
    for value in (d.quality.duration_s, d.quality.speech_s, d.elapsed_ms):
        if _number(value) < 0:
            return "a duration is negative"
    return ""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)
