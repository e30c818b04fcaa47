"""Figures as bars and maps, each filtered by a click."""

from __future__ import annotations

import streamlit as st

from core.show import benchmark_charts as charts
from core.show.benchmark_view import (
    by_attack,
    by_benchmark,
    by_codec,
    figure_card,
    show_chart,
    spread,
)
from core.show.benchmarks.book import FOCUS, Book, nothing, picks


def systems(book: Book) -> None:
    """Each system's figures, benchmark by benchmark."""
    benchmarks = book.benchmarks
    corrections = book.corrections
    filters = book.filters
    metric = book.metric
    rows = book.rows
    of_metric = book.of_metric
    system_colours = book.system_colours
    colours = book.colours
    shown = book.shown
    overall = filters.apply(rows[rows["breakdown"] == "overall"])
    focus = filters.system[0] if filters.system else FOCUS
    cards = rows[(rows["breakdown"] == "overall") & (rows["system"] == focus)]
    cards = cards[cards["benchmark"].isin(filters.benchmark)] if filters.benchmark else cards
    if len(cards):
        st.subheader(focus, anchor=False)
        novelty = benchmarks.set_index("benchmark")["novelty"]
        for column, row in zip(st.columns(len(cards)), cards.itertuples(), strict=True):
            with column:
                figure_card(str(novelty.get(row.benchmark, row.benchmark)).capitalize(), row)
    if overall.empty:
        nothing(of_metric)
    for benchmark, slug, group in by_benchmark(overall):
        n = group[["n_bonafide", "n_spoof"]].max()
        key = f"benchmarks-systems-{slug}"
        best = group.loc[group["value"].idxmin()]
        show_chart(
            charts.ranked,
            group,
            metric,
            f"{of_metric} on {benchmark}",
            system_colours,
            by="system",
            chosen=[],
            palette=colours,
            key=key,
            alt=f"{of_metric} of {len(group)} systems on {benchmark}; the lowest is "
            f"{best['value']:.2f} by {best['system']}.",
            on_pick=picks(key, "system"),
        )
        st.caption(f"{n['n_bonafide']:,.0f} bona fide and {n['n_spoof']:,.0f} spoofed trials.")
        shown.append(group)
    wrong = corrections[corrections["topic"].isin(["baselines", "headline"])]
    with st.expander(f"{len(wrong)} figures that are often given wrong, and what is right"):
        for claim in wrong.itertuples():
            st.markdown(
                f"**Claimed:** {claim.claim}  \n**Right:** {claim.right}  \n{claim.evidence}  \n"
                f":small[Source: {claim.source}]"
            )


def attacks_and_codecs(book: Book) -> None:
    """Figures by attack, by codec, and by both."""
    attacks = book.attacks
    codecs = book.codecs
    filters = book.filters
    metric = book.metric
    rows = book.rows
    of_metric = book.of_metric
    attack_names = book.attack_names
    system_colours = book.system_colours
    colours = book.colours
    shown = book.shown
    attack_rows, codec_rows = by_attack(rows, filters), by_codec(rows, filters)
    grid = filters.apply(rows[rows["breakdown"] == "attack-codec"], ignoring=("attack", "codec"))
    if attack_rows.empty and codec_rows.empty:
        nothing(of_metric)
    st.caption("Click a bar, point or cell to filter everything by it; Reset lets go.")
    for benchmark, slug, group in by_benchmark(attack_rows):
        through = " and ".join(sorted(set(group["codec"]) - {""}))
        several = group["codec"].nunique() > 1
        key = f"benchmarks-attacks-{slug}"
        worst = group.loc[group["value"].idxmax()]
        show_chart(
            charts.ranked,
            group,
            metric,
            f"{of_metric} by attack on {benchmark}" + (f", through {through}" if through else ""),
            system_colours,
            by="condition" if several else "attack",
            names={} if several else attack_names,
            chosen=filters.attack,
            palette=colours,
            key=key,
            alt=f"{of_metric} by attack; the highest is {worst['value']:.2f} for "
            f"{worst['attack']} by {worst['system']}.",
            on_pick=None if several else picks(key, "attack"),
        )
    shown.append(filters.apply(attack_rows, ignoring=("vocoder",)))
    if not attack_rows.empty:
        reused = " and ".join(
            f"{r.attack} (as {r.same_as})" for r in attacks.itertuples() if r.same_as
        )
        st.caption(
            f"Each attack against all bona fide trials. {reused} use algorithms of the training "
            "set; the other attacks of the evaluation set are new."
        )
    for benchmark, slug, group in by_benchmark(codec_rows):
        several = group["attack"].nunique() > 1
        bands = {b: part for b, part in group.groupby("bandwidth") if b}
        finding = f"{of_metric} by codec on {benchmark}"
        if metric == "eer" and len(bands) == 2 and not several and group["system"].nunique() == 1:
            finding = "; ".join(f"{b}: {spread(p)}" for b, p in bands.items())
        names = {r.codec: f"{r.codec} ({r.sample_rate_khz:g} kHz)" for r in codecs.itertuples()}
        key = f"benchmarks-codecs-{slug}"
        show_chart(
            charts.ranked,
            group,
            metric,
            finding,
            system_colours,
            by="condition" if several else "codec",
            names={} if several else names,
            chosen=filters.codec,
            palette=colours,
            key=key,
            alt=f"{of_metric} by codec: " + "; ".join(f"{b} {spread(p)}" for b, p in bands.items()),
            on_pick=None if several else picks(key, "codec"),
        )
    shown.append(filters.apply(codec_rows, ignoring=("vocoder",)))
    if not codec_rows.empty:
        st.caption(
            "Codecs that carry 8 kHz audio are the hard ones, whatever their bit rate: bandwidth "
            "explains the step better than how modern a codec is."
        )
    for system, group in grid.groupby("system", sort=False):
        key = "benchmarks-attack-by-codec"
        worst = group.loc[group["value"].idxmax()]
        show_chart(
            charts.heat,
            group,
            metric,
            f"{of_metric} of {system} by attack and codec",
            columns=list(codecs["codec"]),
            chosen=[
                (a, c)
                for a in (filters.attack or attacks["attack"])
                for c in (filters.codec or codecs["codec"])
            ]
            if filters.attack or filters.codec
            else [],
            palette=colours,
            key=key,
            alt=f"Heat map of {len(group)} cells; the worst is {worst['condition']} with "
            f"{worst['value']:.2f}.",
            on_pick=picks(key, "attack", "codec"),
        )
        st.caption(f"Bona fide and spoofed trials of that codec. Source: {worst['source']}.")
        shown.append(filters.apply(group))
    if filters.attack:
        for row in attacks[attacks["attack"].isin(filters.attack)].itertuples():
            st.markdown(
                f"**{row.attack}** ({row.type}, {row.acoustic_model}, {row.waveform}): "
                f"{row.in_words} :small[Source: {row.source}]"
            )


def generators(book: Book) -> None:
    """Figures by what made the clips, and by where they come from."""
    vocoders = book.vocoders
    filters = book.filters
    metric = book.metric
    rows = book.rows
    of_metric = book.of_metric
    vocoder_names = book.vocoder_names
    system_colours = book.system_colours
    colours = book.colours
    shown = book.shown
    suspect = set(vocoders.loc[vocoders["caveat"] != "", "vocoder"])
    breakdowns = {
        "vocoder": "vocoder",
        "family": "family of generators",
        "material": "kind of material",
        "repository": "source of the clips",
    }
    for breakdown, words in breakdowns.items():
        found = filters.apply(rows[rows["breakdown"] == breakdown], ignoring=("vocoder",))
        for benchmark, slug, group in by_benchmark(found):
            fair = group[~group["vocoder"].isin(suspect)]
            finding = f"{of_metric} by {words} on {benchmark}"
            if metric == "eer" and 0 < len(fair) < len(group):
                finding = f"{spread(fair)} on vocoders of the same language; JSUT is a shortcut"
            key = f"benchmarks-{breakdown}-{slug}"
            show_chart(
                charts.ranked,
                group,
                metric,
                finding,
                system_colours,
                by="vocoder" if breakdown == "vocoder" else "condition",
                names=vocoder_names,
                chosen=filters.vocoder if breakdown == "vocoder" else [],
                palette=colours,
                key=key,
                alt=f"{finding}. {len(group)} figures.",
                on_pick=picks(key, "vocoder") if breakdown == "vocoder" else None,
            )
            shown.append(filters.apply(group))
        if breakdown == "vocoder" and len(found):
            for caveat in vocoders.loc[vocoders["vocoder"].isin(suspect), "caveat"].unique():
                st.warning(f"JSUT vocoders: {caveat}", icon=":material/translate:")
    if not shown:
        nothing(of_metric)
