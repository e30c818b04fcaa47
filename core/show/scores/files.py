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

from core.evaluate.trials import (
    LABELS,
    ROLES,
    Layout,
    Trials,
    TrialsError,
    guess_layout,
    read_table,
    tidy,
)
from core.plain import printable, printable_frame
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

NONE = "(none)"
MAPPED = ("trial", "score", "label", "attack", "codec", "speaker", "family")


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


def confirmed(part: str) -> Trials | None:
    """The part's trials once its columns are known; a form asks where they are in doubt.

    Returns
    -------
    Trials or None
        None while the visitor has still to say which column is what, or nothing is usable.
    """
    file = files().get(part)
    if file is None:
        return None
    key = f"scores.layout.{part}.{file.sha256}"
    guess = remembered("layout", file.sha256, make=lambda: guess_layout(file.frame))
    layout: Layout = st.session_state.get(key, guess)
    with st.expander(
        f"Columns of {plain(file.name)}: {layout.format}",
        expanded=not layout.sure,
        icon=":material/check:" if layout.sure else ":material/help:",
    ):
        chosen = _mapping(part, file, layout)
    if chosen is not None:
        st.session_state[key] = layout = chosen
        st.rerun()
    if not layout.sure:
        st.info(f"Say which column of {plain(file.name)} is what, then press Use these columns.")
        return None
    try:
        return remembered(
            "tidy", file.sha256, repr(layout), make=lambda: tidy(file.frame, layout, file.name)
        )
    except TrialsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _mapping(part: str, file: ScoreFile, layout: Layout) -> Layout | None:
    frame = file.frame
    st.dataframe(
        printable_frame(frame.head(5)),
        height="content",
        placeholder="–",
        key=f"scores.head.{part}",
    )
    options = [NONE, *map(str, frame.columns)]
    with st.form(f"scores.columns.{part}", border=False):
        boxes = st.columns(4) * 2
        columns = {}
        for box, role in zip(boxes, MAPPED, strict=False):
            now = layout.columns.get(role, NONE)
            columns[role] = box.selectbox(
                role.capitalize(),
                options,
                index=options.index(now) if now in options else 0,
                key=f"scores.column.{part}.{role}",
            )
        taken = {c for r, c in layout.columns.items() if r in MAPPED}
        extra = st.multiselect(
            "More columns to break down by",
            [c for c in options[1:] if c not in taken],
            default=[c for r, c in layout.columns.items() if r not in MAPPED],
            key=f"scores.extra.{part}",
        )
        label = layout.columns.get("label", "")
        spoof = layout.spoof_value
        words = [] if not label else [str(v) for v in frame[label].dropna().unique()[:20]]
        if words and not all(w.strip().lower() in LABELS for w in words):
            spoof = st.selectbox(
                "Label that means spoofed",
                words,
                index=words.index(spoof) if spoof in words else None,
                key=f"scores.spoof.{part}",
            )
        if not st.form_submit_button("Use these columns"):
            return None
    named = {role: column for role, column in columns.items() if column != NONE}
    roles = {c: r for r, c in layout.columns.items() if r in ROLES and r not in MAPPED}
    named |= {roles.get(c, c): c for c in extra if c not in named.values()}
    if "label" in named and spoof is None:
        values = frame[named["label"]].dropna().astype(str).str.strip().str.lower()
        if not values.isin(LABELS).mean() >= 0.5:
            # Ask which value means spoofed, now that the column is known.
            st.session_state[f"scores.layout.{part}.{file.sha256}"] = Layout(
                named, "columns chosen by you", False
            )
            st.rerun()
    return Layout(named, "columns chosen by you", True, spoof)


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
