"""The chapters up to the threshold."""

from __future__ import annotations

from statistics import NormalDist

import streamlit as st

from core.show.documents.chart import make_spec
from core.show.figures import charts
from core.show.figures.view import show_chart
from core.show.overfitting.story import CODECS, DEV, EVAL, FOREIGN, Story


def what_it_is(story: Story) -> None:
    """What overfitting is, with a drawing to try."""
    colours = story.colours
    st.header("1. What overfitting is", anchor=False)
    st.markdown(
        "A student who learns last year's exam by heart shines on last year's exam. A model "
        "overfits in the same way when it keeps what is peculiar to its training examples (this "
        "microphone, this synthesiser, this much silence) in place of what makes speech synthetic "
        "anywhere. You see it as a **gap**: small errors on familiar data, large ones on new data."
    )
    with st.container(border=True):
        st.markdown(
            "**Try it: every threshold is a trade.** Two bell curves stand for the scores of human "
            "and synthetic speech. Move the threshold, then let the curves drift apart or together "
            "as data gets easier or more foreign. *A drawing to learn from, not measured data.*"
        )
        left, right = st.columns(2)
        separation = left.slider("How well the detector parts them", 0.0, 5.0, 3.0, 0.1)
        threshold = right.slider("Threshold", -3.0, 3.0, 0.8, 0.1)
        normal = NormalDist()
        miss = 1 - normal.cdf(threshold + separation / 2)
        passed = normal.cdf(threshold - separation / 2)
        equal = normal.cdf(-separation / 2)
        one, two, three = st.columns(3)
        one.metric("Humans called synthetic", f"{100 * miss:.1f} %")
        two.metric("Fakes that pass", f"{100 * passed:.1f} %")
        three.metric(
            "Equal error rate", f"{100 * equal:.1f} %", help="Where both errors are the same"
        )
        shaded = "Shaded: the clips on the wrong side"
        lesson = make_spec(charts.two_classes, separation, threshold, shaded, palette=colours)
        st.vega_lite_chart(lesson, key="overfitting-lesson")


def staircase(story: Story) -> None:
    """The error by how foreign the data is."""
    benchmarks, colours, of_system, eer, evidence = (
        story.benchmarks,
        story.colours,
        story.of_system,
        story.eer,
        story.evidence,
    )
    st.header("2. The staircase", anchor=False)
    steps = benchmarks[benchmarks["step"].notna()].sort_values("step")
    stairs = steps.merge(
        of_system[(of_system["breakdown"] == "overall") & (of_system["metric"] == "eer")],
        on="benchmark",
        suffixes=("_benchmark", ""),
    )
    stairs["label"] = stairs["novelty"].str.capitalize()
    known, new, coded, foreign = (eer(b) for b in (DEV, EVAL, CODECS, FOREIGN))
    show_chart(
        charts.staircase,
        stairs[charts.STEP],
        f"The error grows with every step away from training: {known:.2f} to {foreign:.2f} %",
        palette=colours,
        key="overfitting-staircase",
        alt="Equal error rate on ever more foreign data: "
        + "; ".join(f"{r.label} {r.value:.2f} %" for r in stairs.itertuples()),
    )
    st.markdown(
        f"On attacks that were in training {_share(known)} goes wrong, on the whole evaluation set "
        f"{_share(new)}, through codecs {_share(coded)}, on another corpus {_share(foreign)}. That "
        "is at the threshold that makes both errors equal, which only someone "
        f"with the answers can set.\n\nWhich ratio is fair? From attacks of training to the "
        f"evaluation set the error grows **{new / known:.0f} times**; from there to another corpus "
        f"**{foreign / new:.1f} times**. Dividing {foreign:.2f} by {known:.2f} gives "
        f"{foreign / known:.0f}, but mixes both steps. The dashed line is chance; thin lines are "
        "95 % intervals from trial counts, where they are known."
    )
    evidence("dev-not-eval", "jump-38", "unseen-attacks")


def _share(percent: float) -> str:
    n = charts.one_in(percent)
    return f"**{percent:.0f} %**" if n is None else f"one clip in **{n}**"


def training(story: Story) -> None:
    """Loss and development error over training."""
    history, colours = story.history, story.colours
    st.header("3. What training looked like", anchor=False)
    best = history.loc[history["stage"] == 2].sort_values("dev_eer").iloc[0]
    last = history.loc[history["stage"] == 2].sort_values("epoch").iloc[-1]
    left, right = st.columns(2)
    for column, box, title in (
        ("train_loss", left, "Training loss keeps falling"),
        ("dev_eer", right, f"Development EER is lowest in epoch {best['epoch']:.0f} of stage 2"),
    ):
        with box:
            show_chart(
                charts.training,
                history,
                column,
                title,
                palette=colours,
                key=f"overfitting-training-{column}",
                alt=f"{title}. Two curves, one per stage, over their epochs.",
            )
    st.markdown(
        f"Stage 1 trains only a linear head on a frozen encoder; stage 2 goes on with the top two "
        f"layers. In the last epoch the training loss is {last['train_loss']:.4f} and still "
        f"falling, while the development EER went from {best['dev_eer']:.2f} to "
        f"{last['dev_eer']:.2f} %: a hint of memorising, too small to call. The checkpoint was "
        f"chosen by its development EER, so that figure flatters it. :small[Source: "
        f"{best['source']}]"
    )


def thresholds(story: Story) -> None:
    """Where the equal-error threshold lies."""
    colours, of_system, evidence = story.colours, story.of_system, story.evidence
    st.header("4. The threshold moves", anchor=False)
    drift = of_system[of_system["metric"] == "eer_threshold"]
    lowest, highest = drift["value"].min(), drift["value"].max()
    show_chart(
        charts.thresholds,
        drift[["benchmark", "value", "kind", "source"]],
        f"The equal-error threshold runs from {lowest:.2f} to {highest:.2f}; "
        "the demo decides at 0.5",
        palette=colours,
        key="overfitting-thresholds",
        alt="Threshold on P(spoof) at the equal error rate: "
        + "; ".join(f"{r.benchmark} {r.value:.4f}" for r in drift.itertuples()),
    )
    st.markdown(
        "An equal error rate assumes the best threshold for each data set. A deployed detector has "
        "one threshold for all. Where the right one is near 0 and the decision is made at 0.5, "
        "fakes that a better threshold would catch are waved through, however small the EER. "
        "Softmax outputs crowd at 0 and 1, and nothing ties them to real odds; that is why the "
        "detector here is calibrated, and why it says *inconclusive*."
    )
    evidence("calibrated")
