"""The chapters from the four stories on."""

from __future__ import annotations

import streamlit as st

from core.evaluate.names import SYSTEMS
from core.show import cache
from core.show.figures import charts
from core.show.figures.view import by_benchmark, colours_of, figure_table, show_chart, spread
from core.show.overfitting.story import CODECS, EVAL, FOREIGN, RIVAL, Story


def stories(story: Story) -> None:
    """Four findings that are often told wrongly, and any attack by itself."""
    st.header("5. Four stories, told right", anchor=False)
    told = {
        "A10": _blind_spot,
        "A16 and A19": _reused,
        "Japanese vocoders": _japanese,
        "Codecs": _codecs,
    }
    for tab, tell in zip(st.tabs(list(told)), told.values(), strict=True):
        with tab:
            tell(story)
    with st.container(border=True):
        _any_attack(story)


def _blind_spot(story: Story) -> None:
    size = cache.table("systems").set_index("system").loc[RIVAL, "parameters"]
    st.markdown(
        f"A10 is the system's worst attack of 2019: **{story.eer(EVAL, 'A10'):.2f} %**. Bad, but "
        f"far from the 50 % of a coin. On the same clips {RIVAL}, with {size:,.0f} parameters, "
        f"reports **{story.eer(EVAL, 'A10', RIVAL):.2f} %**: the traces are there, this system "
        "misses them."
    )
    story.evidence("a10-blind")


def _reused(story: Story) -> None:
    attacks = story.attacks
    st.markdown(
        " ".join(
            f"**{r.attack}** is the algorithm of {r.same_as} with other speakers "
            f"({story.eer(EVAL, r.attack):.2f} %)."
            for r in attacks[attacks["same_as"] != ""].itertuples()
        )
        + f" So {(attacks['seen'] == 'unseen').sum()} attacks of the evaluation set are new, "
        f"not {(attacks['partition'] == 'eval').sum()}."
    )
    story.evidence("unseen-attacks")


def _japanese(story: Story) -> None:
    suspect = story.vocoders.loc[story.vocoders["caveat"] != "", "vocoder"]
    rows = story.by("vocoder")
    easy, hard = (rows[rows["vocoder"].isin(suspect) == is_easy] for is_easy in (True, False))
    st.markdown(
        f"On WaveFake the system scores {spread(hard)} on English vocoders and {spread(easy)} "
        "on Japanese ones. It did not master Japanese fakes: the human trials are all English, "
        "so language and studio alone tell the two apart."
    )
    story.evidence("jsut-shortcut")


def _codecs(story: Story) -> None:
    bands = story.by("codec").groupby("bandwidth")
    st.markdown(
        "; ".join(f"{band}: {spread(part)}" for band, part in bands)
        + ". Narrow-band telephony removes everything above 4 kHz, and with it evidence. How "
        "modern a codec is explains little."
    )
    story.evidence("codec-bandwidth")


def _any_attack(story: Story) -> None:
    attacks = story.attacks.set_index("attack")
    st.markdown("**Pick an attack and read what it stands for**")
    chosen = st.selectbox(
        "Attack",
        attacks.index,
        index=list(attacks.index).index("A10"),
        format_func=lambda a: f"{a}: {attacks.loc[a, 'waveform']}",
        key="overfitting-story",
    )
    about = attacks.loc[chosen]
    st.markdown(
        f"{about['in_words']} :small[{about['type']}; {about['acoustic_model']}; "
        f"{about['waveform']}. Source: {about['source']}]"
    )
    figures = story.figures
    rows = figures[
        (figures["breakdown"] == "attack")
        & (figures["condition"] == chosen)
        & (figures["metric"] == "eer")
        & (figures["benchmark"] == EVAL)
    ]
    if rows.empty:
        st.caption("In the training and development sets; no system reports it by itself.")
        return
    show_chart(
        charts.ranked,
        rows,
        "eer",
        f"EER on {chosen}: {spread(rows)}",
        colours_of(figures, story.colours),
        by="system",
        palette=story.colours,
        key="overfitting-attack",
        alt=f"EER on {chosen} of {len(rows)} systems, {spread(rows)}.",
    )


def not_shown(story: Story) -> None:
    """What these figures leave open."""
    evidence = story.evidence
    st.header("7. What these figures do not show", anchor=False)
    st.markdown(
        "- **No training error.** Nobody reported the system's EER on its training set, so the "
        "first step of the staircase, training to development, is missing. Whether it memorised "
        "cannot be settled.\n"
        "- **No spread over seeds.** One training run; another would move these figures.\n"
        "- **Few speakers.** Intervals from trial counts are too narrow where a few dozen voices "
        "made all the trials.\n"
        "- **No fixed threshold.** Every EER here is a best case.\n"
        "- **Old fakes.** The newest attack of these sets dates from 2021."
    )
    evidence("overfit-proof", "beats-baselines")


def own_detector(story: Story) -> None:
    """How far the detector that ships here errs on data it was not trained on."""
    figures, colours = story.figures, story.colours
    st.header("8. The detector that ships here", anchor=False)
    own = figures[figures["system"] == SYSTEMS["embedded"]]  # its table also compares other systems
    own = own[(own["metric"] == "eer") & own["breakdown"].isin(["overall", "codec"])]
    if own.empty:
        st.info(
            "The embedded detector's own staircase appears here as soon as its benchmark has been "
            "run; its model card says how.",
            icon=":material/stairs:",
        )
    else:
        own = own.sort_values(["breakdown", "value"], ascending=[False, True], kind="stable").copy()
        own["label"] = [
            str(r.subset)
            if r.breakdown == "overall"
            else f"through {r.condition}".replace("through no", "no")
            for r in own.itertuples()
        ]
        own = own.drop_duplicates(["benchmark", "label"])
        for benchmark, slug, part in by_benchmark(own):
            show_chart(
                charts.staircase,
                part[charts.STEP],
                f"Measured here on {benchmark}: EER {spread(part)}",
                palette=colours,
                key=f"overfitting-embedded-{slug}",
                alt="; ".join(f"{r.label} {r.value:.2f} %" for r in part.itertuples()),
            )
        st.markdown(
            "No clip of a test split was in its training; whether its generator was, "
            "[Benchmarks](benchmarks?view=Generators) tells apart by kind of voice. Its error on "
            "its own training clips is not reported, so the same doubt applies to it. *One window "
            "a clip* is harder than the whole clip."
        )
        with st.expander("The rows behind it"):
            figure_table(own, key="overfitting-rows")


def verdict(story: Story) -> None:
    """What can be said."""
    new, coded, foreign = (story.eer(b) for b in (EVAL, CODECS, FOREIGN))
    st.header("The honest verdict", anchor=False)
    st.markdown(
        "**Not shown to be overfit, and not shown to generalise.** The error on the evaluation "
        f"set, most of whose attacks are new ({new:.2f} %), is well below chance, so the system "
        "learned something that carries over. "
        f"Each further step costs it dearly ({coded:.2f} % through codecs, {foreign:.2f} % on "
        "another corpus), so much of what it learned belongs to one corpus. The step that would "
        "settle the question was never measured. Judge a detector by data unlike its training, at "
        "a threshold fixed in advance, and treat one verdict as one piece of evidence."
    )
    st.markdown(":material/leaderboard: [Compare systems yourself](benchmarks)")
