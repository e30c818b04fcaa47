"""Several clips on Detect: a table of their verdicts, and all of them as CSV and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.detect.detection import Detection
from core.show import session
from core.show.clip import words
from core.show.documents import exports
from core.show.theme import VERDICTS
from core.show.widgets import save_button, show_table

if TYPE_CHECKING:
    from core.provenance.found import Provenance

_Row = tuple[session.Entry, Detection | None]


def origins() -> dict[str, Provenance]:
    """What the files of this session show of their origin, by SHA-256."""
    found = {e.sha256: session.origin_of(e) for e in session.entries() if not e.error}
    return {sha256: origin for sha256, origin in found.items() if origin is not None}


def several(done: Mapping[session.Key, Detection | None]) -> None:
    """A row per file, or a channel; sortable. Choosing a row shows its card."""
    rows = [(entry, done.get(entry.key)) for entry in session.entries()]
    event = show_table(
        _table(rows),
        key="detect-files",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Synthetic": st.column_config.ProgressColumn(
                format="%.0f %%", min_value=0, max_value=100, help="Chance under your prior"
            ),
            "LLR": st.column_config.NumberColumn(format="%+.2f", help="Log-likelihood ratio"),
            "Seconds": st.column_config.NumberColumn(format="%.2f"),
        },
    )
    picked = event["selection"]["rows"]
    if picked and not rows[picked[0]][0].error:
        session.select(rows[picked[0]][0].key)
    st.caption("Choose a row to see its result below; click a column's name to sort.")
    _downloads(rows)


def _table(rows: Sequence[_Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "File": [entry.label for entry, _ in rows],
            "Verdict": [
                f"{VERDICTS[d.verdict].mark} {words.verdict(d)}" if d else "✕ Not read"
                for _, d in rows
            ],
            "Synthetic": pd.Series(
                [
                    100 * d.p_spoof if d and d.gives_chance and d.p_spoof is not None else None
                    for _, d in rows
                ],
                dtype="float64",
            ),
            "LLR": pd.Series([d.llr if d else None for _, d in rows], dtype="float64"),
            "Seconds": pd.Series(
                [d.quality.duration_s if d else None for _, d in rows], dtype="float64"
            ),
            "Windows": pd.Series([len(d.windows) if d else None for _, d in rows], dtype="Int64"),
            "Analysis (ms)": pd.Series(
                [round(d.elapsed_ms) if d else None for _, d in rows], dtype="Int64"
            ),
            "Why": [entry.error or (words.why(d) if d else "") for entry, d in rows],
        }
    )


def _downloads(rows: Sequence[_Row]) -> None:
    found = [d for _, d in rows if d]
    failed = [(entry.name, entry.error) for entry, _ in rows if entry.error]
    with st.container(horizontal=True):
        save_button("All as CSV", exports.clips_csv(found, failed), "spoofscope.csv", "text/csv")
        save_button(
            "All as JSON",
            exports.detection_json(found, origins()),
            "spoofscope.json",
            "application/json",
        )
