"""Score files in one visitor's session memory, and what is computed from them, once.

Nothing of a visitor's is put into a cache that sessions share. Results are kept by the content of
the files and the settings, so a rerun that changes neither computes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core.evaluate.trials import TrialsError, read_table
from core.plain import printable
from core.settings import settings
from core.show import session
from core.show.documents.chart import make_spec
from core.show.documents.report import as_csv
from core.show.figures.charts import AnyChart
from core.show.figures.view import show_spec
from core.show.markdown import plain

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")

MOST_FILES = 24
"""Files of a field."""

TABLES_HELD = 6
"""Memory of a visitor's tables together, in times of the largest text that is read."""

KEPT = 80
"""Results that a session keeps; the oldest go first."""


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """One file of the visitor's.

    Attributes
    ----------
    name, sha256 : str
        For people, and of the bytes.
    frame : pandas.DataFrame
        The raw table.
    id : str
        Of the upload, so that the same one is not read twice.
    """

    name: str
    sha256: str
    frame: pd.DataFrame
    id: str


def files() -> dict[str, ScoreFile]:
    """The visitor's files by their part: ``scores``, ``scores.2``, ``protocol``, ``second`` ..."""
    return st.session_state.setdefault("scores.files", {})


def remembered(name: str, *key: Hashable, make: Callable[[], Value]) -> Value:
    """A result of this session, made only if nothing with this name and key is kept."""
    shelf: dict[Hashable, Any] = st.session_state.setdefault("scores.kept", {})
    full = (name, *key)
    if full not in shelf:
        shelf[full] = make()
        for oldest in list(shelf)[: max(0, len(shelf) - KEPT)]:
            del shelf[oldest]
    return shelf[full]


def load(part: str, name: str, data: bytes, id: str = "") -> None:
    """Read a file into the session.

    Raises
    ------
    TrialsError
        With a sentence; the part is empty then.
    """
    forget(part)
    frame = read_table(data, name)
    files()[part] = ScoreFile(name, hashlib.sha256(data).hexdigest(), frame, id)


def forget(part: str) -> None:
    """Let go of a file and of everything computed from it."""
    gone = files().pop(part, None)
    if gone is not None:
        shelf = st.session_state.get("scores.kept", {})
        kept = {key: value for key, value in shelf.items() if gone.sha256 not in key}
        st.session_state["scores.kept"] = kept


def mark(part: str) -> tuple[str, str, str]:
    """What results of this part depend on: its content, its name and the chosen columns."""
    file = files()[part]
    return file.sha256, file.name, repr(st.session_state.get(layout_key(part)))


def layout_key(part: str) -> str:
    """Where the columns are kept that a visitor chose for this part's file."""
    return f"scores.layout.{field_of(part)}.{files()[part].sha256}"


def parts(field: str) -> list[str]:
    """The parts of a field that hold a file, in order: ``scores``, ``scores.2`` ..."""
    return [p for p in map(partial(_part, field), range(1, MOST_FILES + 1)) if p in files()]


def field_of(part: str) -> str:
    """The field that a part belongs to."""
    return part.partition(".")[0]


def _part(field: str, number: int) -> str:
    return field if number == 1 else f"{field}.{number}"


def drop(field: str, wanted: Callable[[ScoreFile], bool]) -> None:
    """Forget files of a field; the others keep their order and what was said of them."""
    left = [files()[part] for part in parts(field) if not wanted(files()[part])]
    for part in parts(field):
        if wanted(files()[part]):
            forget(part)
        else:
            files().pop(part)
    for number, file in enumerate(left, 1):
        files()[_part(field, number)] = file


def clear(field: str) -> None:
    """Forget all files of a field, those too that its widget still holds."""
    drop(field, lambda _: True)
    held = st.session_state.get(f"scores.held.{field}", set())
    st.session_state.setdefault(f"scores.cleared.{field}", set()).update(held)


def upload(field: str, label: str, help: str, most: int) -> bool:
    """A field for up to ``most`` files, which stay when the visitor leaves the page; whether all
    that it was given can be used.
    """
    key, held = f"scores.upload.{field}", f"scores.held.{field}"

    def let_go() -> None:
        gone = st.session_state.get(held, set()) - {f.file_id for f in st.session_state[key] or []}
        drop(field, lambda file: file.id in gone)

    given = st.file_uploader(
        label,
        key=key,
        help=help,
        on_change=let_go,
        accept_multiple_files=True,
        max_upload_size=session.upload_mb(),
    )
    if given:
        let_go()
    # What the widget holds; it is empty when the visitor comes back, and lets nothing go then.
    st.session_state[held] = {f.file_id for f in given}
    failed: dict[str, str] = st.session_state.setdefault(f"scores.error.{field}", {})
    cleared = st.session_state.get(f"scores.cleared.{field}", set())
    for one in given:
        known = {files()[part].id for part in parts(field)} | set(failed) | cleared
        if one.file_id in known:
            continue
        if len(parts(field)) >= most:
            failed[one.file_id] = f"{one.name} is left out: at most {most} files fit here."
            continue
        with st.spinner(f"Reading {plain(one.name)}"):
            try:
                free = _part(field, len(parts(field)) + 1)
                load(free, printable(one.name), one.getvalue(), one.file_id)
            except TrialsError as error:
                failed[one.file_id] = str(error)
                continue
        if len(files()) > 1 and _held_mb() > TABLES_HELD * settings().max_table_mb:
            forget(free)
            failed[one.file_id] = f"{one.name} is left out: these files are too large together."
    said = [failed[one.file_id] for one in given if one.file_id in failed]
    for sentence in said:
        st.error(plain(sentence), icon=":material/error:")
    shown = {f.file_id for f in given}
    for part in parts(field):
        known_file = files()[part]
        if known_file.id not in shown:
            _in_use(field, known_file)
    return not said


def _held_mb() -> float:
    return sum(float(f.frame.memory_usage().sum()) for f in files().values()) / 1e6


def _in_use(field: str, file: ScoreFile) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"In use: {plain(file.name)}")
        remove = session.pressed(
            "Remove",
            key=f"scores.drop.{field}.{file.sha256}.{file.id}",
            icon=":material/close:",
            type="tertiary",
            help=f"Forget {plain(file.name)}",
        )
    if remove:
        drop(field, lambda one: one is file)
        st.rerun()


def chart(
    build: Callable[..., AnyChart],
    rows: pd.DataFrame,
    *arguments: Any,
    key: str,
    alt: str,
    of: Hashable,
    **options: Any,
) -> None:
    """Show a chart that is built once for what it is made ``of``, with its downloads."""
    spec = spec_of(build, rows, *arguments, key=key, alt=alt, of=of, **options)
    show_spec(spec, key, lambda: as_csv(rows))


def spec_of(
    build: Callable[..., AnyChart],
    rows: pd.DataFrame,
    *arguments: Any,
    key: str,
    alt: str,
    of: Hashable,
    **options: Any,
) -> dict[str, Any]:
    """The chart's specification, kept in the session."""
    dark = options["palette"].background
    return remembered(
        "chart",
        key,
        of,
        dark,
        make=lambda: make_spec(build, rows, *arguments, alt=alt, **options),
    )
