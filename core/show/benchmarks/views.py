"""Figures as bars and maps, each filtered by a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.names import breakdown_name
from core.show.benchmarks import words
from core.show.benchmarks.book import FOCUS, Book, nothing, picks
from core.show.figures import charts
from core.show.figures.cards import figure_card
from core.show.figures.view import (
    by_attack,
    by_benchmark,
    by_codec,
    show_chart,
    spread,
)

if TYPE_CHECKING:
    import pandas as pd

CLIPS = ("vocoder", "kind", "family", "material", "repository")
"""Breakdowns by what made the clips, and by where they come from."""

CARDS = 4
"""Side by side at most."""


def systems(book: Book) -> None:
    """Each system's figures, benchmark by benchmark."""
    overall = book.filters.apply(book.rows[book.rows["breakdown"] == "overall"])
    _cards(book)
    if overall.empty:
        nothing(book.of_metric)
    for benchmark, slug, group in by_benchmark(overall):
        n = group[["n_bonafide", "n_spoof"]].max()
        best = group.loc[group["value"].idxmin()]
        _ranked(
            book,
            group,
            "system",
            f"{book.of_metric} on {benchmark}",
            f"benchmarks-systems-{slug}",
            f"{book.of_metric} of {len(group)} systems on {benchmark}; the lowest is "
            f"{best['value']:.2f} by {best['system']}.",
            picked=("system",),
        )
        st.caption(f"{n['n_bonafide']:,.0f} bona fide and {n['n_spoof']:,.0f} spoofed trials.")
    wrong = book.corrections[book.corrections["topic"].isin(["baselines", "headline"])]
    with st.expander(f"{len(wrong)} figures that are often given wrong, and what is right"):
        for claim in wrong.itertuples():
            st.markdown(
                f"**Claimed:** {claim.claim}  \n**Right:** {claim.right}  \n{claim.evidence}  \n"
                f":small[Source: {claim.source}]"
            )


def attacks_and_codecs(book: Book) -> None:
    """Figures by attack, by codec, and by both."""
    filters, rows = book.filters, book.rows
    attack_rows, codec_rows = by_attack(rows, filters), by_codec(rows, filters)
    grid = filters.apply(rows[rows["breakdown"] == "attack-codec"], ignoring=("attack", "codec"))
    if attack_rows.empty and codec_rows.empty:
        nothing(book.of_metric)
    else:
        st.caption("Click a bar, point or cell to filter everything by it; Reset clears it.")
    _by(book, attack_rows, "attack", book.attack_names)
    if not attack_rows.empty:
        reused = " and ".join(
            f"{r.attack} (as {r.same_as})" for r in book.attacks.itertuples() if r.same_as
        )
        st.caption(
            f"Each attack against all bona fide trials. {reused} use algorithms of the training "
            "set; the other attacks of the evaluation set are new."
        )
    names = {r.codec: f"{r.codec} ({r.sample_rate_khz:g} kHz)" for r in book.codecs.itertuples()}
    _by(book, codec_rows, "codec", names)
    _grids(book, grid)
    for row in book.attacks[book.attacks["attack"].isin(filters.attack)].itertuples():
        st.markdown(
            f"**{row.attack}** ({row.type}, {row.acoustic_model}, {row.waveform}): "
            f"{row.in_words} :small[Source: {row.source}]"
        )


def generators(book: Book) -> None:
    """Figures by what made the clips, and by where they come from."""
    vocoders = book.vocoders
    suspect = set(vocoders.loc[vocoders["caveat"] != "", "vocoder"])
    for breakdown in CLIPS:
        found = book.rows[book.rows["breakdown"] == breakdown]
        found = book.filters.apply(found, ignoring=("vocoder",))
        for benchmark, slug, group in by_benchmark(found):
            fair = group[~group["vocoder"].isin(suspect)]
            finding = f"{book.of_metric} by {breakdown_name(breakdown)} on {benchmark}"
            if book.metric == "eer" and 0 < len(fair) < len(group):
                finding = f"{spread(fair)} on vocoders of the same language; JSUT is a shortcut"
            by = "vocoder" if breakdown == "vocoder" else "condition"
            _ranked(
                book,
                group,
                by,
                finding,
                f"benchmarks-{breakdown}-{slug}",
                f"{finding}. {len(group)} figures.",
                names=book.vocoder_names,
                picked=("vocoder",) if by == "vocoder" else (),
            )
        if breakdown == "vocoder" and len(found):
            for caveat in vocoders.loc[vocoders["vocoder"].isin(suspect), "caveat"].unique():
                st.warning(f"JSUT vocoders: {caveat}", icon=":material/translate:")
    if not book.drawn:
        nothing(book.of_metric)


def _cards(book: Book) -> None:
    """The figures of one system, a card a benchmark."""
    filters = book.filters
    focus = filters.system[0] if filters.system else FOCUS
    rows = book.rows[(book.rows["breakdown"] == "overall") & (book.rows["system"] == focus)]
    rows = rows[rows["benchmark"].isin(filters.benchmark)] if filters.benchmark else rows
    if rows.empty:
        return
    st.subheader(focus, anchor=False)
    novelty = book.benchmarks.set_index("benchmark")["novelty"]
    for number, row in enumerate(rows.itertuples()):
        if number % CARDS == 0:
            columns = st.columns(CARDS if len(rows) > CARDS else len(rows))
        with columns[number % CARDS]:
            figure_card(
                str(novelty.get(row.benchmark, row.benchmark)).capitalize(),
                row,
                before=f"{book.of_metric}, {row.benchmark}, {row.subset}.",
                after=f"{row.note} {row.kind.capitalize()}.",
                source=row.source,
            )


def _by(book: Book, rows: pd.DataFrame, column: str, names: Mapping[str, str]) -> None:
    """Figures by attack or by codec, those that were chosen bright and the others faint."""
    other = "codec" if column == "attack" else "attack"
    for benchmark, slug, group in by_benchmark(rows):
        through = " and ".join(sorted(map(book.named, set(group[other]) - {""})))
        several = group[other].nunique() > 1
        worst = group.loc[group["value"].idxmax()]
        title = f"{book.of_metric} by {column} on {benchmark}"
        if through and not several:
            title += f", {'through ' if other == 'codec' else ''}{through}"
        _ranked(
            book,
            group,
            "condition" if several else column,
            title,
            f"benchmarks-{column}s-{slug}",
            f"{title}; the highest is {worst['value']:.2f} for {worst['condition']} by "
            f"{worst['system']}.",
            names={} if several else names,
            picked=("attack", "codec") if several else (column,),
        )
        if column == "codec" and book.metric == "eer" and not several:
            said = words.bandwidth(group)
            if said:
                st.caption(said)


def _grids(book: Book, grid: pd.DataFrame) -> None:
    """A heat map of attacks by codecs for every system that has one."""
    for number, (system, group) in enumerate(grid.groupby("system", sort=False)):
        key = f"benchmarks-attack-by-codec-{number}"
        worst = group.loc[group["value"].idxmax()]
        show_chart(
            charts.heat,
            group,
            book.metric,
            f"{book.of_metric} of {system} by attack and codec",
            columns=list(book.codecs["codec"]),
            chosen=book.wanted(group),
            palette=book.colours,
            key=key,
            alt=f"Heat map of {len(group)} cells; the worst is {worst['condition']} with "
            f"{worst['value']:.2f}.",
            on_pick=picks(key, "attack", "codec"),
        )
        st.caption(f"Bona fide and spoofed trials of that codec. Source: {worst['source']}.")
        book.show(group)


def _ranked(
    book: Book,
    group: pd.DataFrame,
    by: str,
    title: str,
    key: str,
    alt: str,
    *,
    names: Mapping[str, str] | None = None,
    picked: Sequence[str] = (),
) -> None:
    """Ranked figures of one benchmark; a click becomes the filter of the picked columns."""
    show_chart(
        charts.ranked,
        group,
        book.metric,
        title,
        book.system_colours,
        by=by,
        names=dict(names or {}),
        chosen=book.wanted(group),
        picked=tuple(picked),
        palette=book.colours,
        key=key,
        alt=alt,
        on_pick=picks(key, *picked) if picked else None,
    )
    book.show(group)
