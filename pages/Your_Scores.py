"""Your scores: a score file goes in; what the official evaluation says comes out, and more."""

from __future__ import annotations

import streamlit as st

from core.show.markdown import plain
from core.show.navigation import address
from core.show.scores import comparisons, fusion_view, inputs, kinds, others, sets_view, views
from core.show.scores.files import files, parts
from core.show.scores.findings import problems
from core.show.scores.tables import report_download, scores_as, table_downloads
from core.show.scores.takeaway import as_report

VIEWS = {
    "Figures": views.figures,
    "Trade-off": views.trade_off,
    "Scores": views.scores,
    "Breakdown": views.breakdown,
    "Data sets": sets_view.data_sets,
    "Worst trials": views.worst,
    "Other systems": comparisons.other_systems,
    "Fusion": fusion_view.fusion,
    "Published systems": comparisons.published_systems,
}

st.title("Your scores", anchor=False)
st.markdown(
    "Drop in a countermeasure's score file: error rates and costs by the official definitions, how "
    "sure they are, where it fails, and whether it truly beats another. Files stay in the memory "
    "of your session and go when you close it."
)
usable = inputs.uploads()
others.keep()
address.note_kept(bool(files()), "score file")
if "scores" not in files():
    if usable:
        st.info(
            "Nothing here yet. The example is synthetic: 5,000 trials of two made-up systems whose "
            "error rates are known by formula.",
            icon=":material/upload_file:",
        )
    st.stop()

if kinds.shown():
    st.stop()
study = inputs.study()
if study is None:
    st.stop()
problems(study.problems)

eer = study.whole.eer.rate
pooled = ", pooled" if len(parts("scores")) > 1 else ""
st.subheader(f"{plain(study.file.name)}: EER {100 * eer:.2f} %{pooled}", anchor=False)
shown = st.segmented_control(
    *("View", list(VIEWS)),
    default="Figures",
    required=True,
    key="scores-view",
    label_visibility="collapsed",
)
VIEWS[shown](study)

st.divider()
# Looked up here: a download is made outside the script, where the session is out of reach.
made = comparisons.made(study)
table_downloads(study.whole.figures, "figures", "Figures")
one, two = st.columns(2)
with one:
    report_download(lambda: as_report(study, made))
with two:
    scores_as(study)
st.caption("In a terminal: `python -m core evaluate SCORES --protocol KEY --compare OTHER --json`")
