"""How the detectors work, how they were trained, and how far their numbers can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import WINDOW
from core.evaluate.names import benchmark_name
from core.show import cache
from core.show.figures import charts
from core.show.figures.view import show_chart, spread, with_lower_headings
from core.show.hood import diagrams
from core.show.scores import charts as score_charts
from core.show.theme import palette

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = "wav2vec2-base stage 2 (published)"


def architecture() -> None:
    """Both networks as diagrams."""
    colours = palette()
    config = cache.model_config("embedded")
    st.header("Architecture", anchor=False)
    own, published = st.columns(2)
    with own:
        st.subheader("The embedded detector", anchor=False)
        st.graphviz_chart(
            diagrams.embedded_system(config, colours),
            alt="A clip passes a speech gate, is cut into windows, turned into spectra, and goes "
            "through convolutions, a transformer encoder, attentive pooling, a linear head, "
            "calibration and a decision that may be inconclusive.",
        )
    with published:
        st.subheader("The published wav2vec2-base system", anchor=False)
        st.graphviz_chart(
            diagrams.published_system(colours),
            alt="A clip is cut into windows; a frozen convolutional encoder, the encoder's layer "
            "norm, ten frozen and two trained transformer layers, a mean over time and a linear "
            "head give a softmax that is averaged over windows.",
        )
    st.caption(
        "Solid orange: trained. Dashed blue: frozen. Black or white: where something is decided."
    )
    with st.expander("Where the encoder's layer norm really sits", icon=":material/layers:"):
        st.markdown(
            "Stage 2 trains the top two layers and what is often called a *final* layer norm. In "
            "the base model the encoder's own layer norm comes **before the first** transformer "
            "layer: it lies below ten frozen layers, gradients pass through all of them to reach "
            "its 1,536 parameters, and what it shifts the frozen layers see."
        )


def legs() -> None:
    """How the embedded detector was trained, leg after leg."""
    looks = cache.table("embedded_training")
    st.header("Training the embedded detector in legs", anchor=False)
    pairs = looks["thousand_pairs"].max()
    show_chart(
        charts.legs,
        looks,
        f"Every leg began where another ended; {pairs:.0f},000 pairs in all",
        palette=palette(),
        key="hood-legs",
        saved=list(looks),
        alt="Error rate on development clips over the pairs of clips seen, a line for each leg. "
        "It falls from leg to leg, most where the learning rate falls to nothing.",
    )
    st.caption(
        "Each colour is another set of development clips, so only points of one colour compare. "
        "The first point of a leg can be the weights from which it began."
    )


def stages() -> None:
    """How the published system was trained."""
    figures = cache.figures()
    recipe = cache.table("training_recipe")
    st.header("Training the published system in two stages", anchor=False)
    st.table(
        recipe[["setting", "stage_1", "stage_2"]]
        .rename(columns={"setting": "Setting", "stage_1": "Stage 1", "stage_2": "Stage 2"})
        .set_index("Setting")
    )
    dev = figures[
        (figures["benchmark"] == "ASVspoof 2019 LA dev")
        & (figures["breakdown"] == "overall")
        & (figures["metric"] == "eer")
    ]
    st.markdown(
        "Stage 1 trains a head on a frozen encoder; stage 2 lets its top adapt. EER on the "
        "development set, whose attacks are those of training: "
        + "; ".join(f"{r.system}: **{r.value:.2f} %**" for r in dev.itertuples())
        + f". :small[Source: {recipe['source'].iloc[0]}]"
    )


def decisions() -> None:
    """Why it is built as it is, with the figures."""
    figures = cache.figures()
    train = cache.table("benchmarks").set_index("benchmark").loc["ASVspoof 2019 LA train"]
    st.header("Design decisions and what they rest on", anchor=False)
    codec = figures[
        (figures["system"] == PUBLISHED)
        & (figures["breakdown"] == "codec")
        & (figures["metric"] == "eer")
    ]
    bands = "; ".join(f"{band}: {spread(part)}" for band, part in codec.groupby("bandwidth"))
    drift = figures[figures["metric"] == "eer_threshold"]["value"]
    seconds = cache.model_config("embedded").get("window", WINDOW) / SAMPLE_RATE
    st.markdown(
        f"- **Windows of {seconds:g} s, half overlapping**: short enough to say where, long enough "
        "to judge.\n"
        "- **Mean of log-odds**: probabilities saturate, and ties cannot be ranked.\n"
        f"- **Calibrated scores**: the published system's best threshold moved from "
        f"{drift.min():.2f} to {drift.max():.2f} between data sets.\n"
        "- **A third answer**: *inconclusive* between the verdicts; below a second of speech "
        "nothing is judged.\n"
        f"- **Bandwidth**: EER of the published system by codec, {bands}. Narrow-band clips are "
        "flagged.\n"
        f"- **Weighted loss**: training has {train['n_spoof'] / train['n_bonafide']:.1f} fakes to "
        "one human clip."
    )


def limits() -> None:
    """What no detector here can do."""
    corrections = cache.table("corrections")
    st.header("Limits", anchor=False)
    st.markdown(
        "- It knows the fakes it was trained on; a new generator may pass as human.\n"
        "- Noise reduction, music, compression and replay can look like synthesis, or hide it.\n"
        "- It does not say **who** speaks, whether a recording was **cut**, or what is true.\n"
        "- Silence at a clip's start alone parts the classes in part of ASVspoof (Müller et al. "
        "2021).\n"
        "- No detector should be the last word on a recording."
    )
    if not corrections.empty:
        st.markdown(
            f"{len(corrections)} statements about the published system are often repeated and "
            "wrong: [their evidence](overfitting)."
        )


def trust() -> None:
    """Stated against observed chances, and errors by share judged, benchmark by benchmark."""
    st.header("How far its numbers can be trusted", anchor=False)
    embedded = cache.results("embedded")
    pictures = {"reliability": _reliability, "risk_coverage": _risk}
    if embedded is not None:
        embedded = embedded[embedded["system"] == "embedded"]
        embedded = embedded[embedded["breakdown"].isin(pictures)]
    if embedded is None or embedded.empty:
        st.info("Not measured yet.", icon=":material/hourglass_empty:")
        return
    for benchmark, rows in embedded.groupby("benchmark", sort=False):
        subsets = ", ".join(dict.fromkeys(rows["subset"]))
        st.subheader(f"{benchmark_name(str(benchmark))}, {subsets}", anchor=False)
        for column, (breakdown, draw) in zip(st.columns(2), pictures.items(), strict=True):
            part = rows[rows["breakdown"] == breakdown]
            with column:
                if part.empty:
                    st.info("Not measured yet.", icon=":material/hourglass_empty:")
                else:
                    draw(part, str(benchmark))
    st.caption("The embedded detector; both classes count alike.")


def _reliability(rows: pd.DataFrame, benchmark: str) -> None:
    points = score_charts.stated_and_observed(rows)
    off = (points["stated"] - points["observed"]).abs().mean()
    show_chart(
        score_charts.reliability,
        points,
        f"Stated chances are off by {100 * off:.0f} points on average",
        palette=palette(),
        key=f"hood-reliability-{benchmark}",
        saved=list(points),
        alt="Stated probability of a fake against the share that are fakes; dots on the diagonal "
        "would be perfect.",
    )


def _risk(rows: pd.DataFrame, benchmark: str) -> None:
    wrong = rows.drop_duplicates("condition").set_index("condition")["value"]
    title = "Wrong verdicts by share of clips judged"
    if {"100 %", "80 %"} <= set(wrong.index):
        title = (
            f"Judging all: {wrong['100 %']:.0f} % wrong; the surest four fifths: "
            f"{wrong['80 %']:.0f} %"
        )
    show_chart(
        score_charts.risk,
        rows,
        title,
        palette=palette(),
        key=f"hood-risk-{benchmark}",
        saved=list(rows),
        alt="Share of wrong verdicts against the share of clips that are judged.",
    )


def model_card() -> None:
    """The card of the embedded detector."""
    card = cache.MODELS / "embedded" / "MODEL_CARD.md"
    if card.is_file():
        with st.container(border=True):
            st.markdown(with_lower_headings(card.read_text("utf-8")))
    else:
        st.info(
            "The embedded detector is not installed: data/models/embedded holds no MODEL_CARD.md. "
            "Restore the folder from the project's repository.",
            icon=":material/description:",
        )
