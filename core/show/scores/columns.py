"""Which column of a visitor's file is what: said, and asked where it is in doubt."""

from __future__ import annotations

import streamlit as st

from core.evaluate.trials import (
    ROLES,
    SPOOFED,
    Layout,
    Trials,
    TrialsError,
    guess_layout,
    tidy,
)
from core.plain import printable, printable_frame
from core.show import session
from core.show.markdown import plain
from core.show.scores.files import ScoreFile, field_of, files, layout_key, remembered
from core.show.scores.findings import refusal

NONE = "(none)"
MAPPED = ("trial", "score", "label", "attack", "codec", "speaker", "family", "data set")
MOST_LABELS = 20
"""Values of a label column that are offered."""


def confirmed(part: str) -> tuple[Trials, Layout] | None:
    """The part's trials once its columns are known; a form asks where they are in doubt.

    Returns
    -------
    tuple of Trials and Layout, or None
        None while the visitor has still to say which column is what, or nothing is usable.
    """
    file = files().get(part)
    if file is None:
        return None
    key = layout_key(part)
    guess = remembered("layout", file.sha256, make=lambda: guess_layout(file.frame))
    layout: Layout = _needed(part, st.session_state.get(key, guess))
    main = [f"{r} = {layout.columns[r]}" for r in MAPPED[:3] if r in layout.columns]
    with st.expander(
        plain(f"Columns of {file.name} ({layout.format}): {', '.join(main) or 'unknown'}"),
        expanded=not layout.sure,
        icon=":material/check:" if layout.sure else ":material/help:",
    ):
        asked = " ".join(d.sentence for d in layout.doubts)
        if layout.sure:
            st.caption(f"Read {plain(layout.in_words())}.")
        else:
            st.info(plain(asked), icon=":material/help:")
        chosen = _form(part, file, layout)
    if chosen is not None:
        st.session_state[key] = chosen
        st.rerun()
    if not layout.sure:
        st.info(
            f"Say which column of {plain(file.name)} is what, then press Use these columns.",
            icon=":material/arrow_upward:",
        )
        return None
    try:
        trials = remembered(
            "tidy", file.sha256, repr(layout), make=lambda: tidy(file.frame, layout, file.name)
        )
    except TrialsError as error:
        refusal(error)
        return None
    return trials, layout


def _needed(part: str, layout: Layout) -> Layout:
    """The layout with the doubts that matter to this part."""
    field = field_of(part)
    if field == "protocol":
        return layout.needing("trial", "label")
    doubtful = any(d.role in ("label", SPOOFED) for d in layout.doubts)
    if field == "scores" and "protocol" not in files() and doubtful:
        return layout.needing("trial", "score", "label")
    return layout.needing("trial", "score")


def _form(part: str, file: ScoreFile, layout: Layout) -> Layout | None:
    frame = file.frame
    st.dataframe(
        printable_frame(frame.head(5)),
        height="content",
        placeholder="–",
        key=f"scores.head.{part}",
    )
    options = [NONE, *map(str, frame.columns)]
    with st.form(f"scores.columns.{part}", border=False):
        spoofed = _spoofed(part, file, layout)
        asked = {d.role for d in layout.doubts}
        first = sorted(MAPPED, key=lambda role: role not in asked)  # what is asked comes first
        boxes = (*st.columns(4), *st.columns(4))
        columns: dict[str, str | None] = {}
        for box, role in zip(boxes, first, strict=False):
            now = layout.columns.get(role, NONE)
            chosen = box.selectbox(
                role.capitalize(),
                options,
                index=options.index(now) if now in options else 0,
                key=f"scores.column.{part}.{role}",
            )
            columns[role] = None if chosen == NONE else chosen
        taken = {c for r, c in layout.columns.items() if r in MAPPED}
        extra = st.multiselect(
            "More columns to break down by",
            [c for c in options[1:] if c not in taken],
            default=[c for r, c in layout.columns.items() if r not in MAPPED],
            key=f"scores.extra.{part}",
        )
        if not session.pressed("Use these columns", key=f"scores.use.{part}", in_form=True):
            return None
    roles = {c: r for r, c in layout.columns.items() if r in ROLES and r not in MAPPED}
    columns |= {roles.get(c, c): c for c in extra if c not in columns.values()}
    if columns["label"] != layout.columns.get("label"):
        spoofed = []  # values of another column
    return guess_layout(frame, {role: None for role in ROLES} | columns, spoofed)


def _spoofed(part: str, file: ScoreFile, layout: Layout) -> list[str]:
    """Labels that mean spoofed, asked for where they are no words for the classes."""
    label = layout.columns.get("label")
    asked = any(d.role == SPOOFED for d in layout.doubts)
    if label is None or not (asked or layout.spoofed):
        return []
    found = remembered(
        "labels", file.sha256, label, make=lambda: list(file.frame[label].dropna().unique())
    )
    found = list(dict.fromkeys(str(v).strip() for v in found[:MOST_LABELS]))
    return st.multiselect(
        "Labels that mean spoofed",
        found,
        default=[v for v in found if v.lower() in {s.lower() for s in layout.spoofed}],
        format_func=printable,
        key=f"scores.spoof.{part}",
        help="Where labels are such as 0 and 1, only you know.",
    )
