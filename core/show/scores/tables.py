"""What a visitor takes away: tables, and their scores, in the form that they need."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.submission import Details, as_yaml, submission, unfilled
from core.evaluate.trials import (
    FORMS,
    SPOOF_AWARE_FORMS,
    Form,
    SpoofAwareTrials,
    TrialsError,
    in_form,
    in_spoof_aware_form,
)
from core.show.documents.exports import safe_stem
from core.show.documents.report import as_csv
from core.show.documents.table_formats import as_latex, as_markdown
from core.show.markdown import plain
from core.show.scores.files import remembered
from core.show.scores.study import Study
from core.show.widgets import save_button

if TYPE_CHECKING:
    import pandas as pd


def table_downloads(table: pd.DataFrame, name: str, caption: str) -> None:
    """Buttons that hand a table over as CSV, LaTeX and Markdown."""
    forms = {
        "CSV": ("csv", "text/csv", lambda: as_csv(table)),
        "LaTeX": ("tex", "application/x-tex", lambda: as_latex(table, caption)),
        "Markdown": ("md", "text/markdown", lambda: as_markdown(table)),
    }
    with st.container(horizontal=True):
        for label, (suffix, mime, make) in forms.items():
            save_button(
                f"{caption} ({label})",
                make,
                f"{name}.{suffix}",
                mime,
                key=f"scores-take-{name}-{suffix}",
            )


def report_download(make: Callable[[], bytes]) -> None:
    """A button that hands over a report, which is made when it is pressed."""
    st.download_button(
        "Report (HTML)",
        make,
        "report.html",
        "text/html",
        icon=":material/description:",
        on_click="ignore",
        width="stretch",
        key="scores-report",
    )


def scores_as(study: Study) -> None:
    """The scores of a countermeasure in the form of a challenge."""
    _in_a_form(
        FORMS,
        lambda form: in_form(study.trials, study.found.higher, form),
        study.file.name,
        study.of,
        "The trials are those that count here.",
        {"arena": lambda written: _submission(study, written)},
    )


def spoof_aware_as(trials: SpoofAwareTrials, name: str, of: tuple[Hashable, ...]) -> None:
    """The scores of spoof-aware verification in the form of a challenge."""
    forms = SPOOF_AWARE_FORMS
    _in_a_form(forms, lambda form: in_spoof_aware_form(trials, form), name, of, "")


def _in_a_form(
    forms: Mapping[str, Form],
    write: Callable[[str], bytes],
    name: str,
    of: tuple[Hashable, ...],
    more: str,
    beside: Mapping[str, Callable[[bytes], None]] | None = None,
) -> None:
    with st.popover("Scores as a challenge takes them", icon=":material/send:", width="stretch"):
        form = st.selectbox(
            "Form",
            list(forms),
            index=None,
            format_func=lambda key: forms[key].name,
            key="scores-form",
        )
        if form is None:
            return
        try:
            written = remembered("form", form, *of, make=lambda: write(form))
        except TrialsError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.caption(f"In all of them higher means bona fide. {more}")
        save_button(
            "Download the scores",
            written,
            f"{safe_stem(name)}-{form}.{forms[form].suffix}",
            "text/plain",
            key="scores-form-download",
        )
        if beside and form in beside:
            beside[form](written)


def _submission(study: Study, scores: bytes) -> None:
    """The Arena's YAML file, with what is known filled in."""
    tally, today = study.data.everything.tally, datetime.date.today().isoformat()
    try:
        made = submission(scores, tally, study.trials.unscored, Details(date=today))
    except TrialsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    save_button(
        "Download the YAML",
        as_yaml(made),
        "submission.yaml",
        "application/yaml",
        key="scores-form-yaml",
    )
    st.caption(
        f"EER {made['scores']['eer_percent']:.4f} %, as the Arena computes it. Upload the scores "
        "first, as scores.txt. Empty in the YAML, for you to fill in: "
        f"{', '.join(f'`{name}`' for name in unfilled(made))}. Or in a terminal: "
        "`python -m core arena SCORES`"
    )
