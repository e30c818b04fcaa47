"""Score files in one visitor's session memory, and what is computed from them, once.

Nothing of a visitor's is put into a cache that sessions share. Results are kept by the content of
the files and the settings, so a rerun that changes neither computes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core.evaluate.trials import TrialsError, read_table
from core.plain import printable
from core.show import session
from core.show.benchmark_charts import AnyChart
from core.show.benchmark_view import make_spec, show_spec
from core.show.cards import plain
from core.show.score_report import as_csv

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")

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
    """The visitor's files by their part: ``scores``, ``protocol``, ``second``."""
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


def mark(part: str) -> tuple[str, str]:
    """What results of this part depend on: its content and the chosen columns."""
    sha256 = files()[part].sha256
    return sha256, repr(st.session_state.get(f"scores.layout.{part}.{sha256}"))


def upload(part: str, label: str, help: str) -> None:
    """An upload field whose file stays when the visitor leaves the page and comes back."""
    key = f"scores.upload.{part}"

    def changed() -> None:
        if st.session_state.get(key) is None:
            forget(part)
        st.session_state.pop(f"scores.error.{part}", None)

    given = st.file_uploader(
        label, key=key, help=help, on_change=changed, max_upload_size=session.upload_mb()
    )
    known = files().get(part)
    failed = st.session_state.get(f"scores.error.{part}", ("", ""))
    if given is not None and given.file_id not in (known.id if known else "", failed[0]):
        with st.spinner(f"Reading {plain(given.name)}"):
            try:
                load(part, printable(given.name), given.getvalue(), given.file_id)
            except TrialsError as error:
                failed = st.session_state[f"scores.error.{part}"] = (given.file_id, str(error))
        known = files().get(part)
    if given is not None and failed[0] == given.file_id:
        st.error(plain(failed[1]), icon=":material/error:")
    if known is not None and given is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"In use: {plain(known.name)}")
            remove = st.button(
                "Remove",
                key=f"{key}.drop",
                icon=":material/close:",
                type="tertiary",
                help=f"Forget {plain(known.name)}",
            )
        if remove:
            forget(part)
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
