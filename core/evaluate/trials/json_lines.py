"""JSON, an object per trial: one per line, or all in one list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.evaluate.trials.limits import MOST_COLUMNS, check_names, check_size
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence
from core.plain import printable

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 1 << 20
"""Characters of one object; a trial has some hundred."""


def read_json(text: str, name: str) -> pd.DataFrame:
    """Read objects as a table of texts, numbers as they are written.

    Lists and objects within are left out, as are lines that are no object, and both are said.

    Raises
    ------
    TrialsError
        If there is no object at all.
    """
    import pandas as pd

    items = _list(text) if text.lstrip().startswith("[") else text.splitlines()
    cells: dict[str, list[str | None]] = {}
    numbers: list[int] = []
    wrong: list[int] = []
    nested: set[str] = set()
    for number, item in enumerate(items, 1):
        if isinstance(item, str) and not item.strip():
            continue
        row = item if isinstance(item, dict) else _object(item)
        if row is None:
            wrong.append(number)
            continue
        for key, value in row.items():
            if isinstance(value, dict | list):
                nested.add(key)
                continue
            column = cells.setdefault(key, [])
            column += [None] * (len(numbers) - len(column))
            column.append(_text(value))
        numbers.append(number)
        if len(cells) > MOST_COLUMNS:
            break
    if not cells:
        raise TrialsError(f"{name} looks like JSON but has no line that is an object.")
    check_names([printable(key) for key in cells], name)
    check_size(len(numbers), len(cells), name)
    for column in cells.values():
        column += [None] * (len(numbers) - len(column))
    frame = pd.DataFrame(
        {printable(key): column for key, column in cells.items()},
        index=pd.Index(numbers),
        dtype=object,
    )
    problems = []
    if wrong:
        lines = tuple(wrong[:5])
        what = in_a_sentence(name, len(wrong), "have no JSON object", lines)
        problems.append(Problem(what, len(wrong), lines))
    if nested:
        which = ", ".join(printable(key)[:60] for key in sorted(nested)[:5])
        problems.append(Problem(f"{name} has lists or objects, which are left out: {which}.", 0))
    frame.attrs["problems"] = tuple(problems)
    return frame.dropna(how="all")


def _load(text: str) -> Any:
    """Numbers stay texts, so that none is too long to be one."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _list(text: str) -> list[Any]:
    try:
        found = _load(text)
    except (ValueError, RecursionError):
        return text.splitlines()
    return found if isinstance(found, list) else [found]


def _object(line: Any) -> dict[str, Any] | None:
    if not isinstance(line, str) or len(line) > LONGEST_LINE:
        return None
    try:
        found = _load(line.strip().rstrip(","))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
