"""Overfitting: is a good score a good detector? Told from the tables, with the evidence open."""

from __future__ import annotations

from statistics import NormalDist

import streamlit as st

from core.evaluate.names import SYSTEMS
from core.show import benchmark_charts as charts
from core.show import cache
from core.show.benchmark_view import colours_of, figure_table, show_chart, spread
from core.show.theme import palette

SYSTEM = "wav2vec2-base stage 2 (published)"
RIVAL = "AASIST"
DEV, EVAL = "ASVspoof 2019 LA dev", "ASVspoof 2019 LA eval"
CODECS, FOREIGN = "ASVspoof 2021 LA eval", "WaveFake"

figures = cache.figures()
attacks, vocoders = cache.table("attacks"), cache.table("vocoders")
benchmarks, corrections = cache.table("benchmarks"), cache.table("corrections")
history = cache.table("training_history")
colours = palette()
of_system = figures[figures["system"] == SYSTEM]


def eer(benchmark: str, condition: str = "all", system: str = SYSTEM) -> float:
    rows = figures[
        (figures["system"] == system)
        & (figures["benchmark"] == benchmark)
        & (figures["condition"] == condition)
        & (figures["metric"] == "eer")
    ]
    return float(rows["value"].iloc[0])


def evidence(*ids: str) -> None:
    """What is often claimed, what is right, and why, one below the other."""
    for claim in corrections[corrections["id"].isin(ids)].itertuples():
        with st.expander(f"Often claimed: {claim.claim}", icon=":material/fact_check:"):
            st.markdown(
                f"**Right:** {claim.right}\n\n**Evidence:** {claim.evidence}\n\n"
                f":small[Source: {claim.source}]"
            )


st.title("Overfitting", anchor=False)
st.markdown(
    "Is a good score a good detector? One with a tiny error on one test can fail on the next. This "
    f"page follows one published system, *{SYSTEM}*, from its training data to data it had never "
    "met, and then asks the same of the detector that ships here. Every number comes from a table; "
    "open a claim to see its evidence."
)

st.header("1. What overfitting is", anchor=False)
st.markdown(
    "A student who learns last year's exam by heart shines on last year's exam. A model overfits "
    "in the same way when it keeps what is peculiar to its training examples (this microphone, "
    "this synthesiser, this much silence) in place of what makes speech synthetic anywhere. You "
    "see it as a **gap**: small errors on familiar data, large ones on new data."
)
with st.container(border=True):
    st.markdown(
        "**Try it: every threshold is a trade.** Two bell curves stand for the scores of human and "
        "synthetic speech. Move the threshold, then let the curves drift apart or together as data "
        "gets easier or more foreign. *A drawing to learn from, not measured data.*"
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
    three.metric("Equal error rate", f"{100 * equal:.1f} %", help="Where both errors are the same")
    lesson = charts.two_classes(
        separation, threshold, "Shaded: the clips on the wrong side", palette=colours
    )
    st.altair_chart(lesson, key="lesson")

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
    stairs[["label", "benchmark", "value", "low", "high", "kind", "source"]],
    f"The error grows with every step away from training: {known:.2f} to {foreign:.2f} %",
    palette=colours,
    key="staircase",
    alt="Equal error rate on ever more foreign data: "
    + "; ".join(f"{r.label} {r.value:.2f} %" for r in stairs.itertuples()),
)
st.markdown(
    f"About one clip in **{charts.one_in(known)}** goes wrong on attacks that were in training, "
    f"one in **{charts.one_in(new)}** on other attacks, one in **{charts.one_in(coded)}** through "
    f"codecs, one in **{charts.one_in(foreign)}** on another corpus. That is at the threshold that "
    "makes both errors equal, which only someone with the answers can set.\n\n"
    f"Which ratio is fair? From attacks of training to other attacks the error grows "
    f"**{new / known:.0f} times**; from there to another corpus **{foreign / new:.1f} times**. "
    f"Dividing {foreign:.2f} by {known:.2f} gives {foreign / known:.0f}, but mixes both steps. "
    "The dashed line is chance."
)
evidence("dev-not-eval", "jump-38", "unseen-attacks")

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
            key=f"training-{column}",
            alt=f"{title}. Two curves, one a stage, over their epochs.",
        )
st.markdown(
    f"Stage 1 trains only a linear head on a frozen encoder; stage 2 goes on with the top two "
    f"layers. In the last epoch the training loss is {last['train_loss']:.4f} and still falling, "
    f"while the development EER went from {best['dev_eer']:.2f} to {last['dev_eer']:.2f} %: a hint "
    "of memorising, too small to call. The checkpoint was chosen by its development EER, so that "
    f"figure flatters it. :small[Source: {best['source']}]"
)

st.header("4. The threshold moves", anchor=False)
drift = of_system[of_system["metric"] == "eer_threshold"]
lowest, highest = drift["value"].min(), drift["value"].max()
show_chart(
    charts.thresholds,
    drift[["benchmark", "value", "kind", "source"]],
    f"The equal-error threshold runs from {lowest:.2f} to {highest:.2f}; the demo decides at 0.5",
    palette=colours,
    key="thresholds",
    alt="Threshold on P(spoof) at the equal error rate: "
    + "; ".join(f"{r.benchmark} {r.value:.4f}" for r in drift.itertuples()),
)
st.markdown(
    "An equal error rate assumes the best threshold for each data set. A deployed detector has one "
    "threshold for all. Where the right one is near 0 and the decision is made at 0.5, fakes "
    "that a better threshold would catch are waved through, however small the EER. Softmax outputs "
    "crowd at 0 and 1, and nothing ties them to real odds; that is why the detector here is "
    "calibrated, and why it says *inconclusive*."
)
evidence("calibrated")

st.header("5. Four stories, told right", anchor=False)
stories = st.tabs(["A10", "A16 and A19", "Japanese vocoders", "Codecs"])
with stories[0]:
    size = cache.table("systems").set_index("system").loc[RIVAL, "parameters"]
    st.markdown(
        f"A10 is the system's worst attack of 2019: **{eer(EVAL, 'A10'):.2f} %**. Bad, but far "
        f"from the 50 % of a coin. On the same clips {RIVAL}, with {size:,.0f} "
        f"parameters, reports **{eer(EVAL, 'A10', RIVAL):.2f} %**: the traces are there, "
        "this system misses them."
    )
    evidence("a10-blind")
with stories[1]:
    reused = attacks[attacks["same_as"] != ""]
    st.markdown(
        " ".join(
            f"**{r.attack}** is the algorithm of {r.same_as} with other speakers "
            f"({eer(EVAL, r.attack):.2f} %)."
            for r in reused.itertuples()
        )
        + f" So {(attacks['seen'] == 'unseen').sum()} attacks of the evaluation set are new, not "
        f"{(attacks['partition'] == 'eval').sum()}."
    )
    evidence("unseen-attacks")
with stories[2]:
    suspect = vocoders.loc[vocoders["caveat"] != "", "vocoder"]
    rows = of_system[(of_system["breakdown"] == "vocoder") & (of_system["metric"] == "eer")]
    easy, hard = (rows[rows["vocoder"].isin(suspect) == is_easy] for is_easy in (True, False))
    st.markdown(
        f"On WaveFake the system scores {spread(hard)} on English vocoders and {spread(easy)} on "
        "Japanese ones. It did not master Japanese fakes: the human trials are all English, so "
        "language and studio alone tell the two apart."
    )
    evidence("jsut-shortcut")
with stories[3]:
    rows = of_system[(of_system["breakdown"] == "codec") & (of_system["metric"] == "eer")]
    st.markdown(
        "; ".join(f"{band}: {spread(part)}" for band, part in rows.groupby("bandwidth"))
        + ". Narrow-band telephony removes everything above 4 kHz, and with it evidence. How "
        "modern a codec is explains little."
    )
    evidence("codec-bandwidth")

with st.container(border=True):
    st.markdown("**Pick an attack and read what it stands for**")
    chosen = st.selectbox(
        "Attack",
        attacks["attack"],
        index=list(attacks["attack"]).index("A10"),
        format_func=lambda a: f"{a}: {attacks.set_index('attack').loc[a, 'waveform']}",
        key="story",
    )
    about = attacks.set_index("attack").loc[chosen]
    st.markdown(
        f"{about['in_words']} :small[{about['type']}; {about['acoustic_model']}; "
        f"{about['waveform']}. Source: {about['source']}]"
    )
    rows = figures[
        (figures["breakdown"] == "attack")
        & (figures["condition"] == chosen)
        & (figures["metric"] == "eer")
        & (figures["benchmark"] == EVAL)
    ]
    if rows.empty:
        st.caption("In the training and development sets; no system reports it by itself.")
    else:
        show_chart(
            charts.ranked,
            rows,
            "eer",
            f"EER on {chosen}: {spread(rows)}",
            colours_of(figures, colours),
            by="system",
            palette=colours,
            key="overfitting-attack",
            alt=f"EER on {chosen} of {len(rows)} systems, {spread(rows)}.",
        )

st.header("6. What these figures do not show", anchor=False)
st.markdown(
    "- **No training error.** Nobody reported the system's EER on its training set, so the first "
    "step of the staircase, training to development, is missing. Whether it memorised cannot be "
    "settled.\n"
    "- **No spread over seeds.** One training run; another would move these figures.\n"
    "- **Few speakers.** Intervals from trial counts are too narrow where a few dozen voices made "
    "all the trials.\n"
    "- **No fixed threshold.** Every EER here is a best case.\n"
    "- **Old fakes.** The newest attack of these sets dates from 2021."
)
evidence("overfit-proof", "beats-baselines")

st.header("7. The detector that ships here", anchor=False)
own = figures[figures["system"] == SYSTEMS["embedded"]]  # its table also compares other systems
own = own[(own["metric"] == "eer") & own["breakdown"].isin(["overall", "codec"])]
if own.empty:
    st.info(
        "The embedded detector's own staircase appears here as soon as its benchmark has been run; "
        "its model card says how.",
        icon=":material/stairs:",
    )
else:
    own = own.sort_values(["breakdown", "value"], ascending=[False, True], kind="stable").copy()
    own["label"] = [
        f"{r.benchmark}, {r.subset}"
        if r.breakdown == "overall"
        else f"through {r.condition}".replace("through no", "no")
        for r in own.itertuples()
    ]
    own = own.drop_duplicates("label")
    show_chart(
        charts.staircase,
        own[["label", "benchmark", "value", "low", "high", "kind", "source"]],
        f"Measured here: EER {spread(own)}",
        palette=colours,
        key="embedded",
        alt="; ".join(f"{r.label} {r.value:.2f} %" for r in own.itertuples()),
    )
    st.markdown(
        "All of these clips come from generators and speakers that it never met. Its error on its "
        "own training clips is not reported yet, so the same doubt applies to it. Where a row says "
        "*one window a clip*, only that was scored, which is harder than the whole clip."
    )
    with st.expander("The rows behind it"):
        figure_table(own, "embedded-rows")

st.header("The honest verdict", anchor=False)
st.markdown(
    f"**Not shown to be overfit, and not shown to generalise.** The error on new attacks "
    f"({new:.2f} %) is well below chance, so the system learned something that carries over. Each "
    f"further step costs it dearly ({coded:.2f} % through codecs, {foreign:.2f} % on another "
    "corpus), so much of what it learned belongs to one corpus. The step that would settle the "
    "question was never measured. Judge a detector by data unlike its training, at a threshold "
    "fixed in advance, and treat one verdict as one piece of evidence."
)
st.markdown(":material/leaderboard: [Compare systems yourself](benchmarks)")
