"""Home: what this is, for whom, and how far to trust it."""

import streamlit as st

from core.evaluate.names import benchmark_name
from core.evaluate.tables import figures_in
from core.settings import settings
from core.show import session
from core.show.figures.cards import figure_card
from core.show.figures.headlines import by_kind
from core.show.server.installation import MISSING

st.title("Is this voice human?", anchor=False)
st.markdown(
    "Spoofscope listens to a recording, says how much it sounds like **synthetic speech**, shows "
    "**where in the clip** the evidence lies, and says so when it **cannot tell**. "
    + (
        "It runs on your own machine, and what you give it goes nowhere else."
        if settings().own_machine
        else "What you give it goes to the server that shows you this page and no further. It is "
        "kept in memory there, and gone within 90 seconds after you close the page."
    )
)
with st.container(horizontal=True, vertical_alignment="center"):
    if session.pressed(
        "Examine a recording", key="welcome-to-detect", icon=":material/hearing:", type="primary"
    ):
        st.switch_page("pages/Detect.py")
    st.page_link("pages/Benchmarks.py", label="Compare detectors", icon=":material/leaderboard:")

st.subheader("How far to trust it", anchor=False)
st.markdown(
    "A detector is sure of what it was trained on and guesses elsewhere. The same published "
    "system, on data ever further from its training, and the detector that ships here, on "
    "clips and speakers it never heard:"
)
PUBLISHED = "wav2vec2-base stage 2 (published)"
STEPS = (
    ("ASVspoof 2019 LA dev", "Attacks seen in training"),
    ("ASVspoof 2019 LA eval", "Other attacks, same corpus"),
    ("ASVspoof 2021 LA eval", "The same, through telephone lines"),
    ("WaveFake", "Another corpus"),
)
cards = []
for benchmark, label in STEPS:
    rows = figures_in(
        "published_eer", system=PUBLISHED, benchmark=benchmark, breakdown="overall", metric="eer"
    )
    cards += [(label, row) for row in rows]
OWN = (
    ("public_samples", "The detector that ships here, on unseen generators"),
    ("today_samples", "The same, on the voices of today"),
)
for benchmark, label in OWN:
    rows = figures_in(
        "embedded",
        system="embedded",
        benchmark=benchmark,
        breakdown="pooled",
        condition="none",
        metric="eer_percent",
    )
    cards += [(label, row) for row in rows]
if len(cards) < len(STEPS) + len(OWN):
    st.warning(MISSING, icon=":material/error:")
for first in range(0, len(cards), 3):  # in a narrower column a figure is cut
    for column, (label, row) in zip(st.columns(3), cards[first : first + 3], strict=False):
        with column:
            about = f"{benchmark_name(row.benchmark)}, {row.subset}. {row.kind.capitalize()}."
            figure_card(label, row, before=about, source=row.source)
if told := by_kind():
    st.markdown(told)
st.caption(
    "Equal error rate: at the threshold where both errors are equally frequent, this share of "
    "human clips is called synthetic and of synthetic clips human. Lower is better; 50 % is chance."
)

st.subheader("Why it matters", anchor=False)
phone, news, evidence = st.columns(3)
with phone, st.container(border=True, height="stretch"):
    st.markdown(
        "**:material/call: A relative calls for help**\n\nVoices are cloned from short recordings "
        "to make 'family emergency' calls. Hanging up and calling back on a known number beats "
        "any detector.\n\n:small[US Federal Trade Commission, "
        "[Scammers use AI to enhance their family emergency schemes]"
        "(https://consumer.ftc.gov/consumer-alerts/2023/03/scammers-use-ai-enhance-their-family-"
        "emergency-schemes), 2023]"
    )
with news, st.container(border=True, height="stretch"):
    st.markdown(
        "**:material/newspaper: A politician never said it**\n\nCloned voices have told voters to "
        "stay at home. In the United States, robocalls with such voices are illegal without "
        "consent.\n\n:small[US Federal Communications Commission, "
        "[Declaratory Ruling FCC 24-17]"
        "(https://docs.fcc.gov/public/attachments/FCC-24-17A1.pdf), 2024]"
    )
with evidence, st.container(border=True, height="stretch"):
    st.markdown(
        "**:material/gavel: Ears are not enough**\n\nPeople miss speech deepfakes even when warned "
        "of them, and training helps little, so archives, newsrooms and courts need evidence "
        "that can be checked.\n\n:small[Mai, Bray, Davies, Griffin, "
        "[Warning: Humans cannot reliably detect speech deepfakes]"
        "(https://doi.org/10.1371/journal.pone.0285333), PLOS ONE, 2023]"
    )

st.subheader("For whom", anchor=False)
st.markdown(
    "- **Journalists and fact-checkers**: examine a clip and see which seconds raise suspicion.\n"
    "- **Researchers and students**: compare systems by attack, codec and corpus, with intervals "
    "and sources.\n"
    "- **Teachers and the curious**: see what such a detector cannot do, and why."
)
st.info(
    "One detector is one piece of evidence, never proof. A clip it was not made for (music, heavy "
    "noise, a few words, a new generator) can fool it in either direction.",
    icon=":material/info:",
)
