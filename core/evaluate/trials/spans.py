"""Scores of stretches of files, and which stretches are fakes, in the field's formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.evaluate.metrics import Higher
from core.evaluate.trials.labels import LABELS, speaks_for
from core.evaluate.trials.limits import LARGEST
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence, in_words
from core.evaluate.trials.reading import as_text, read_table
from core.evaluate.trials.tidy import ranked
from core.files import check_ordinary

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["file", "start", "end", "duration", "score", "label"]

NAMES: dict[Role, str] = {
    "file": "file filename file_name utt utt_id utterance trial trial_id id recording name path",
    "start": "start start_s start_time onset begin tbeg from from_s",
    "end": "end end_s end_time offset stop tend to to_s",
    "duration": "duration duration_s dur tdur",
    "score": "llr score scores p_spoof p_fake cm-score cm_score mean_p_spoof",
    "label": "label class key type truth",
}
"""What columns are called, lower case, the first that is there."""

LONGEST_S = 1e7
"""Longest time in a file, seconds."""

_SPAN = re.compile(r"(\d+(?:\.\d*)?)-(\d+(?:\.\d*)?)-([A-Za-z]+)")
_LETTERS = {"t": "bonafide", "f": "spoof"}
"""True and fake, as HAD labels its spans."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches of files.

    Attributes
    ----------
    table : pandas.DataFrame
        ``file``, ``start`` and ``end`` (seconds), and ``score`` or ``is_spoof``; the index holds
        line numbers.
    in_words : str
        Which column is what.
    problems : tuple of Problem
        What was left out.
    higher : {"spoof", "bonafide"} or None
        What the name of the scores says of a high one; None where it says nothing.
    """

    table: pd.DataFrame
    in_words: str
    problems: tuple[Problem, ...] = ()
    higher: Higher | None = None


def has_times(frame: pd.DataFrame) -> bool:
    """Whether a table scores stretches of files: it has a start, an end or length, and scores."""
    found = _columns(frame, {})
    if "label" in found:
        return False  # a row is a clip of its own
    return {"file", "start", "score"} <= set(found) and bool({"end", "duration"} & set(found))


def read_scored_spans(
    source: Path | bytes | pd.DataFrame,
    name: str,
    hop: float | None = None,
    stated: Mapping[Role, str] | None = None,
) -> Spans:
    """Read scores of stretches: a row each, with file, start, end or duration, and score.

    Parameters
    ----------
    source : path, bytes or pandas.DataFrame
        The table. Without names four columns are file, start, end and score.
    name : str
        Of the file, for messages.
    hop : float, optional
        Seconds from one row of a file to the next, where rows say no times: they follow each other.
    stated : mapping of role to str, optional
        Columns whose names do not say what they are.

    Raises
    ------
    TrialsError
        If a column is not known, or no row can be used.
    """
    if hop is not None and not 0 < hop < LONGEST_S:
        raise TrialsError("The hop must be a time above 0 in seconds.")
    frame = source if not isinstance(source, (Path, bytes)) else _read(source, name)
    columns = _columns(frame, stated or {})
    if not columns and frame.shape[1] == 4 and hop is None:
        columns = dict(zip(("file", "start", "end", "score"), map(str, frame.columns), strict=True))
    elif "file" not in columns and frame.shape[1] > 1:
        first: dict[Role, str] = {"file": str(frame.columns[0]), "score": str(frame.columns[-1])}
        columns = {**first, **columns}
    table = _numbers(frame, columns, ("start", "end", "duration", "score"))
    if "start" not in table and hop:
        place = table.groupby("file").cumcount()
        table["start"], table["duration"] = place * hop, hop
    table = _timed(table)
    _need(table, ("file", "start", "end", "score"), name)
    table, left = _usable(table, ["start", "end", "score"], name)
    said = speaks_for(columns["score"]) or ("spoof" if columns["score"] == "llr" else None)
    words = in_words([f"{role} = {c}" for role, c in columns.items() if role != "label"])
    problems = (*frame.attrs.get("problems", ()), *left)
    return Spans(table[["file", "start", "end", "score"]], words, problems, said)


def read_reference(source: Path | bytes, name: str) -> Spans:
    """Read which stretches are fakes.

    RTTM (``SPEAKER file channel onset duration <NA> <NA> label ...``); a table with file, start,
    end or duration and label, all fakes where there is no label; or a line per file with its spans
    as ``start-end-label``, as PartialSpoof, LlamaPartialSpoof and HAD have them.

    Raises
    ------
    TrialsError
        If it is none of these, or no row can be used.
    """
    import pandas as pd

    if isinstance(source, Path):
        check_ordinary(source)
    data, problems = as_text(source.read_bytes() if isinstance(source, Path) else source, name)
    head = data[:65536].decode("utf-8", "replace").splitlines()[:50]
    if head and any(line.startswith("SPEAKER ") for line in head):
        (table, left), form = _rttm(data, name), "RTTM"
    elif head and _SPAN.search(head[0]):
        (table, left), form = _lines(data, name), "a line per file, spans as start-end-label"
    else:
        frame = _read(data, name)
        columns = _columns(frame, {})
        if not columns and frame.shape[1] in (3, 4):
            order: tuple[Role, ...] = ("file", "start", "end", "label")
            columns = dict(zip(order, map(str, frame.columns), strict=False))
        table = _timed(_numbers(frame, columns, ("start", "end", "duration")))
        left = frame.attrs.get("problems", ())
        form = in_words([f"{role} = {c}" for role, c in columns.items() if role != "score"])
    _need(table, ("file", "start", "end"), name)
    if "label" not in table:
        table["label"] = "spoof"
    labels = table["label"].astype("str").str.strip().str.lower()
    if form.startswith("a line"):
        labels = labels.replace(_LETTERS)
    table["is_spoof"] = pd.array([LABELS.get(v) for v in labels], dtype="str")
    problems = (*problems, *left)
    try:
        table, unusable = _usable(table, ["start", "end"], name)
    except TrialsError as error:
        raise TrialsError(str(error), (*problems, *error.problems)) from error
    unknown = table["is_spoof"].isna()
    if unknown.any():
        found = in_words(map(str, table.loc[unknown, "label"].unique()[:4]), "or")
        raise TrialsError(
            f"{name} labels spans as {found}, which names neither class: spoof and bonafide do."
        )
    table["is_spoof"] = table["is_spoof"] == "spoof"
    return Spans(table[["file", "start", "end", "is_spoof"]], form, (*problems, *unusable))


def _read(source: Path | bytes, name: str) -> pd.DataFrame:
    return read_table(source, name)


def _columns(frame: pd.DataFrame, stated: Mapping[Role, str]) -> dict[Role, str]:
    lower = {str(c).lower(): str(c) for c in frame.columns}
    found: dict[Role, str] = {}
    for role, names in NAMES.items():
        column = next((lower[n] for n in names.split() if n in lower), None)
        if role in stated:
            column = stated[role]
            if column not in lower.values():
                there = ", ".join(lower.values())
                raise TrialsError(f"There is no column {column}; there is: {there}.")
        if column is not None:
            found[role] = column
    return found


def _numbers(
    frame: pd.DataFrame, columns: Mapping[Role, str], numbers: tuple[str, ...]
) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(index=frame.index)
    for role, column in columns.items():
        given = frame[column].astype("str").str.strip()
        if role in numbers:
            commas = given.str.replace(",", ".", regex=False)
            table[role] = pd.to_numeric(commas, errors="coerce").astype("float64")
        else:
            table[role] = given
    return table


def _timed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ends; names without suffix, as references have them."""
    if "end" not in table and {"start", "duration"} <= set(table):
        table["end"] = table["start"] + table["duration"]
    if "file" in table:
        table["file"] = table["file"].str.replace(r"\.(wav|flac|mp3|m4a|ogg|opus)$", "", regex=True)
    return table


def _need(table: pd.DataFrame, roles: tuple[str, ...], name: str) -> None:
    missing = [role for role in roles if role not in table]
    if missing:
        raise TrialsError(
            f"{name} has no column for: {', '.join(missing)}. It takes a row per stretch, with "
            f"{in_words(roles)}.",
            missing=missing,
        )


def _usable(
    table: pd.DataFrame, numbers: list[str], name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    problems: list[Problem] = []
    if "score" in numbers:
        # Of windows over each other the mean is taken, so an infinite one is a very large one.
        scores, problems = ranked(table["score"], name)
        table["score"] = scores.clip(-LARGEST, LARGEST)
    finite = np.isfinite(table[numbers]).all(axis=1)
    ordered = (table["start"] >= 0) & (table["end"] > table["start"]) & (table["end"] <= LONGEST_S)
    for good, what in (
        (finite, "have a time or score that is no number"),
        (ordered | ~finite, "have no length, or a time out of range"),
    ):
        count = int((~good).sum())
        if count:
            lines = tuple(int(i) for i in table.index[~good][:5])
            problems.append(Problem(in_a_sentence(name, count, what, lines), count, lines))
    table = table[finite & ordered]
    if table.empty:
        raise TrialsError(f"{name} has no row that can be used.", problems)
    return table.copy(), problems


def _rttm(data: bytes, name: str) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    found, short = [], []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        cells = line.split()
        if len(cells) > 7 and cells[0] == "SPEAKER":
            found.append((number, cells[1], cells[3], cells[4], cells[7]))
        elif cells[:1] == ["SPEAKER"]:
            short.append(number)
    what = "have fewer cells than a line of RTTM"
    return _found(found, ("file", "start", "duration", "label"), short, what, name)


def _lines(data: bytes, name: str) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    found, bare = [], []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        cells = line.split(maxsplit=1)
        spans = _SPAN.findall(cells[1] if len(cells) > 1 else "")
        found += [(number, cells[0], *span) for span in spans]
        if cells and not spans:
            bare.append(number)
    what = "have no span as start-end-label"
    return _found(found, ("file", "start", "end", "label"), bare, what, name)


def _found(
    found: Sequence[tuple[int | str, ...]],
    columns: tuple[Role, ...],
    wrong: list[int],
    what: str,
    name: str,
) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    """Rows, each with its line's number first, as a table; which other lines are wrong, and how."""
    import pandas as pd

    index = [row[0] for row in found]
    frame = pd.DataFrame([row[1:] for row in found], columns=list(columns), index=index)
    times = tuple(role for role in columns if role not in ("file", "label"))
    table = _timed(_numbers(frame, {role: role for role in columns}, times))
    first = tuple(wrong[:5])
    said = in_a_sentence(name, len(wrong), what, first) if wrong else ""
    return table, (Problem(said, len(wrong), first),) if wrong else ()
