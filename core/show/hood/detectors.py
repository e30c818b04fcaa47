"""How the detectors work, how they were trained, and how far their numbers can be trusted."""

from __future__ import annotations

import streamlit as st

from core.show import cache, diagrams
from core.show.benchmark_view import spread, sunk
from core.show.scores import charts as score_charts
from core.show.scores.files import chart as show_chart
from core.show.theme import palette

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
    st.caption("Solid orange: trained. Dashed blue: frozen. Dark: where something is decided.")
    with st.expander("Where the encoder's layer norm really sits", icon=":material/layers:"):
        st.markdown(
            "Stage 2 is often described as training the top two layers and a *final* layer norm. "
            "In the base model (layer norm after each sub-layer) the encoder's own layer norm "
            "comes **before the first** transformer layer, right after the positional convolution; "
            "the last layer ends in its own. So the trained norm lies below ten frozen layers, and "
            "gradients must pass through all of them to reach it: it costs memory and time out of "
            "proportion to its 1,536 parameters, and what it shifts, the frozen layers see."
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
        "Stage 1 asks how much a frozen encoder already knows; stage 2 lets the top of it adapt. "
        "On the development set, whose attacks are those of training: "
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
    st.markdown(
        "- **Four-second windows, half overlapping.** Short enough to say where, long enough to "
        "judge. A window that would only repeat the end of the one before is left out.\n"
        "- **Mean of log-odds, not of probabilities.** Softmax saturates: many clips tie at 0 or "
        "1, and ties cannot be ranked.\n"
        f"- **Calibrated scores.** The best threshold of the published system moved from "
        f"{drift.min():.2f} to {drift.max():.2f} between data sets. A likelihood ratio under a "
        "stated prior can be checked; a softmax output cannot.\n"
        "- **A third answer.** Between the two verdicts lies *inconclusive*, and below a second of "
        "speech nothing is judged at all.\n"
        f"- **Bandwidth matters.** EER of the published system by codec: {bands}. Narrow-band "
        "clips are flagged, because the evidence above 4 kHz is gone.\n"
        f"- **Weighted loss.** The training set has {train['n_spoof'] / train['n_bonafide']:.1f} "
        "fakes to one human clip; without weights a network learns to say *fake*."
    )


def limits() -> None:
    """What no detector here can do."""
    corrections = cache.table("corrections")
    st.header("Limits", anchor=False)
    st.markdown(
        "- A detector knows the fakes it was trained on. A new generator may leave none of those "
        "traces; then the verdict is *human*, and wrong.\n"
        "- Noise reduction, music, heavy compression and replay through a loudspeaker look like "
        "synthesis to some detectors and hide it from others.\n"
        "- It does not say **who** speaks, whether a real recording was **cut**, or whether the "
        "words are true.\n"
        "- Benchmarks flatter: silence at the start of a clip alone parts the classes in part of "
        "the ASVspoof data (Müller et al. 2021).\n"
        "- No single detector, this one included, should be the last word on a recording."
    )
    if not corrections.empty:
        st.markdown(
            f"{len(corrections)} statements that are often repeated about the published system are "
            "wrong; [the overfitting page](overfitting) opens each with its evidence."
        )


def trust() -> None:
    """Stated against observed chances, and errors by share judged."""
    colours = palette()
    st.header("How far its numbers can be trusted", anchor=False)
    embedded = cache.results("embedded")
    measured = None
    if embedded is not None:
        own_rows = (embedded["system"] == "embedded") & (embedded["benchmark"] == "public_samples")
        measured = embedded[own_rows]
    for column, breakdown in zip(st.columns(2), ("reliability", "risk_coverage"), strict=True):
        rows = None if measured is None else measured[measured["breakdown"] == breakdown]
        if rows is None or rows.empty:
            column.info("Not measured yet.", icon=":material/hourglass_empty:")
        elif breakdown == "reliability":
            points = score_charts.stated_and_observed(rows)
            off = (points["stated"] - points["observed"]).abs().mean()
            with column:
                show_chart(
                    score_charts.reliability,
                    points,
                    f"Stated chances are off by {100 * off:.0f} points on average",
                    palette=colours,
                    key="hood-reliability",
                    of=(len(rows), float(rows["value"].sum())),
                    alt="Stated probability of a fake against the share that are fakes; dots on "
                    "the diagonal would be perfect.",
                )
        else:
            every, most = (
                rows.loc[rows["condition"] == name, "value"].iloc[0] for name in ("100 %", "80 %")
            )
            with column:
                show_chart(
                    score_charts.risk,
                    rows,
                    f"Judging all: {every:.0f} % wrong; the surest four fifths: {most:.0f} %",
                    palette=colours,
                    key="hood-risk",
                    of=(len(rows), float(rows["value"].sum())),
                    alt="Share of wrong verdicts against the share of clips that are judged.",
                )
    st.caption(
        "The embedded detector on the test split of the public samples benchmark: generators and "
        "speakers it never met; both classes count alike."
    )


def model_card() -> None:
    """The card of the embedded detector."""
    card = cache.MODELS / "embedded" / "MODEL_CARD.md"
    if card.is_file():
        with st.container(border=True):
            st.markdown(sunk(card.read_text("utf-8")))
    else:
        st.info(
            "The embedded detector is not installed: data/models/embedded holds no MODEL_CARD.md. "
            "Restore the folder from the project's repository.",
            icon=":material/description:",
        )
