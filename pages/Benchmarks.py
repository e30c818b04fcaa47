"""Benchmarks: compare detectors by attack, codec and corpus, every figure with its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import streamlit as st

from core.evaluate.metrics import Costs, cheapest_point
from core.evaluate.names import (
    BENCHMARKS,
    COMPARED,
    SYSTEMS,
    condition_name,
    metric_name,
    readable,
)
from core.show import address, cache
from core.show import benchmark_charts as charts
from core.show.benchmark_view import (
    Filters,
    by_attack,
    by_benchmark,
    by_codec,
    colours_of,
    csv,
    figure_card,
    figure_table,
    show_chart,
    spread,
)
from core.show.theme import palette

FOCUS = "wav2vec2-base stage 2 (published)"
VIEWS = ("Systems", "Attacks and codecs", "Generators", "Error trade-off", "Significance")

st.title("Benchmarks", anchor=False)
st.markdown(
    "Which attack, through which codec, on which benchmark, against which detector, and how sure. "
    "Lower is better; at an equal error rate (EER) of 50 % a detector guesses."
)
figures = cache.figures()
attacks, codecs, vocoders = (cache.table(t) for t in ("attacks", "codecs", "vocoders"))
benchmarks, corrections = cache.table("benchmarks"), cache.table("corrections")
det, paired = cache.table("det"), cache.table("paired")

colours = palette()
system_colours = colours_of(figures, colours)
codec_keys = set(codecs["codec"])
measures = [m for m in COMPARED if m in set(figures["metric"])]
compared = list(dict.fromkeys([*paired["first"], *paired["second"]]))
vocoder_names = {r.vocoder: r.name for r in vocoders.itertuples()}


def values(column: str) -> list[str]:
    return [v for v in figures[column].unique() if v]


def named(value: str) -> str:
    """A vocoder or codec as people call it; of other columns the value itself."""
    return vocoder_names.get(value) or (condition_name(value) if value in codec_keys else value)


def bare(metric: str) -> str:
    """A metric's name without its unit."""
    return metric_name(metric, unit=False)


def reset() -> None:
    for field in fields(Filters):
        st.session_state[field.name] = []
    st.session_state["metric"] = "eer"


def picks(key: str, *columns: str) -> Callable[[], None]:
    """After a click in a chart, its selection becomes the filter of these columns."""

    def take() -> None:
        points = st.session_state[key]["selection"].get(charts.PICK, [])
        for column in columns:
            st.session_state[column] = sorted({p[column] for p in points if p.get(column)})

    return take


address.spell(
    {field.name: address.names_of(values(field.name), named) for field in fields(Filters)}
    | {
        "system": address.names_of(values("system"), also=SYSTEMS),
        "benchmark": address.names_of(values("benchmark"), also=BENCHMARKS),
        "metric": address.names_of(measures, bare),
        "view": address.names_of(VIEWS),
        "first": address.names_of(compared),
        "second": address.names_of(compared),
    }
)
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params"
)
with st.container(border=True):
    first, second, third = st.columns([2, 2, 1])
    wanted = {
        "system": first.multiselect(
            "Systems", values("system"), key="system", bind="query-params", placeholder="All"
        ),
        "benchmark": second.multiselect(
            "Benchmarks",
            values("benchmark"),
            key="benchmark",
            bind="query-params",
            placeholder="All",
        ),
    }
    metric = third.selectbox(
        "Metric",
        measures,
        format_func=bare,
        key="metric",
        bind="query-params",
    )
    with st.expander("More filters: attack, codec, vocoder, training, bandwidth, kind"):
        boxes = st.columns(3) * 2
        for box, (column, label) in zip(
            boxes,
            {
                "attack": "Attacks",
                "codec": "Codecs",
                "vocoder": "Vocoders",
                "training": "Attack's algorithm in training",
                "bandwidth": "Bandwidth",
                "kind": "Kind of figure",
            }.items(),
            strict=True,
        ):
            wanted[column] = box.multiselect(
                label,
                sorted(values(column)),
                format_func=named,
                key=column,
                bind="query-params",
                placeholder="All",
            )
    filters = Filters(**wanted)
    active = [named(v) for f in fields(Filters) for v in getattr(filters, f.name)]
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(f"Filtered by: {', '.join(active)}." if active else "Nothing filtered.")
    right.button("Reset", on_click=reset, icon=":material/restart_alt:", disabled=not active)

rows = figures[figures["metric"] == metric]
of_metric = metric_name(metric, unit=False)
attack_names = {
    r.attack: f"{r.attack} (as {r.same_as})" if r.same_as else r.attack
    for r in attacks.itertuples()
}
shown = []  # the rows behind the charts of this view, for the table below


def nothing() -> None:
    st.info(
        f"No {of_metric} matches these filters. Remove one, or press Reset.",
        icon=":material/filter_alt_off:",
    )


if view == "Systems":
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
        nothing()
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

if view == "Attacks and codecs":
    attack_rows, codec_rows = by_attack(rows, filters), by_codec(rows, filters)
    grid = filters.apply(rows[rows["breakdown"] == "attack-codec"], ignoring=("attack", "codec"))
    if attack_rows.empty and codec_rows.empty:
        nothing()
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

if view == "Generators":
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
        nothing()

if view == "Error trade-off":
    known = det[det["system"].isin(filters.system)] if filters.system else det
    known = known[known["benchmark"].isin(filters.benchmark)] if filters.benchmark else known
    if known.empty:
        st.info(
            "No score file of these systems is public, so there is no curve. "
            f"There is one for {', '.join(det['system'].unique())}.",
            icon=":material/filter_alt_off:",
        )
    else:
        st.markdown(
            "Each curve shows what a detector trades when its threshold moves. Say how common "
            "spoofing is and what each error costs: the diamond is the cheapest threshold, "
            "the circle the one where both errors are equal."
        )
        one, two, three = st.columns(3)
        address.renamed({"c_fa": "cost_missed_fake", "c_miss": "cost_false_accusation"}, 1, 100)
        prior = one.slider(
            "Prior: share of fakes (%)", 0.5, 99.5, 5.0, 0.5, key="prior", bind="query-params"
        )
        missed = two.slider(
            "Cost of a missed fake", 1, 100, 10, key="cost_missed_fake", bind="query-params"
        )
        accused = three.slider(
            "Cost of a false accusation", 1, 100, 1, key="cost_false_accusation",
            bind="query-params",
        )  # fmt: skip
        st.caption(
            "At first those of ASVspoof 5. They belong to this page: what you assume on Detect "
            "is another matter and stays as it is."
        )
        costs = Costs(prior / 100, c_miss=accused, c_fa=missed)
        band, hull = known[known["curve"] == "band"], known[known["curve"] == "hull"]
        measured = figures[
            (figures["kind"] == "measured")
            & (figures["breakdown"] == "overall")
            & figures["system"].isin(known["system"])
            & figures["benchmark"].isin(known["benchmark"])
            & figures["metric"].isin(["eer", "min_dcf"])
        ]
        points, lowest = [], {}
        for system, corners in hull.groupby("system", sort=False):
            cost, p_fa, p_miss = cheapest_point(corners["p_fa"], corners["p_miss"], costs)
            lowest[system] = cost
            points.append((system, p_fa, p_miss, "lowest cost", f"{cost:.4f}"))
        for row in measured[measured["metric"] == "eer"].itertuples():
            points.append((row.system, row.value / 100, row.value / 100, "equal errors", ""))
        import pandas as pd

        marks = pd.DataFrame(points, columns=["system", "p_fa", "p_miss", "point", "cost"])
        best = min(lowest, key=lowest.__getitem__)
        show_chart(
            charts.det,
            band,
            marks,
            f"At this cost {best} is cheapest: DCF {lowest[best]:.4f}",
            system_colours,
            palette=colours,
            key="benchmarks-det",
            alt="Detection error trade-off of "
            + ", ".join(f"{s} (DCF {c:.4f})" for s, c in lowest.items()),
        )
        st.dataframe(
            marks[marks["point"] == "lowest cost"]
            .assign(p_fa=lambda m: 100 * m["p_fa"], p_miss=lambda m: 100 * m["p_miss"])
            .rename(
                columns={
                    "cost": "lowest DCF",
                    "p_fa": "missed fakes there (%)",
                    "p_miss": "false accusations there (%)",
                }
            )
            .drop(columns="point")
            .sort_values("lowest DCF"),
            hide_index=True,
            key="benchmarks-costs",
        )
        st.caption(
            "DCF: cost at the best threshold, where 1 is always giving the cheaper answer. Bands "
            "are 95 % intervals that draw speakers again; the threshold is chosen with the labels "
            f"in hand, so real use costs more. {known['benchmark'].iloc[0]}. Measured; sources in "
            "the table."
        )
        shown.append(measured)

if view == "Significance":
    st.markdown(
        "Two detectors scored the same trials, so they are compared on the same random draws of "
        "speakers. An interval that holds 0 means that this benchmark cannot tell them apart."
    )
    one, two = st.columns(2)
    a = one.selectbox("First system", compared, key="first", bind="query-params")
    b = two.selectbox(
        "Second system",
        [s for s in compared if s != a],
        index=min(2, len(compared) - 2),
        key="second",
        bind="query-params",
    )
    pair = paired[
        (paired["first"].isin([a, b]) & paired["second"].isin([a, b])) & (paired["metric"] == "eer")
    ].copy()
    if pair.empty:
        st.info("These two were not compared.", icon=":material/filter_alt_off:")
    else:
        overall = pair[pair["breakdown"] == "overall"].iloc[0]
        better = overall["first"] if overall["difference"] < 0 else overall["second"]
        verdict = (
            f"{better} is better by {abs(overall['difference']):.2f} points of EER"
            if overall["p_holm"] < 0.05
            else "All attacks together do not tell the two apart"
        )
        pair["condition"] = pair["condition"].replace("all", "all attacks")
        show_chart(
            charts.differences,
            pair,
            "eer",
            verdict,
            palette=colours,
            key="benchmarks-differences",
            alt=f"{verdict}; 95 % interval {overall['low']:.2f} to {overall['high']:.2f} points.",
        )
        st.caption(
            f"All attacks: {overall['difference']:+.2f} points, 95 % interval "
            f"{overall['low']:+.2f} to {overall['high']:+.2f}, p = {overall['p_holm']:.3f} after "
            "Holm's adjustment (pooled: over all pairs; attacks: over the attacks of this pair). "
            f"{overall['benchmark']}. Measured; source: {overall['source']}."
        )
        st.dataframe(
            readable(pair[["condition", "difference", "low", "high", "p_value", "p_holm"]]),
            hide_index=True,
            placeholder="–",
            key="benchmarks-pair-table",
        )
        st.download_button("CSV", csv(pair), "paired.csv", "text/csv", icon=":material/download:")

parts = [part for part in shown if len(part)]
if parts:
    import pandas as pd

    table = pd.concat(parts).loc[lambda t: ~t.index.duplicated()]
    count = "The figure" if len(table) == 1 else f"The {len(table):,} figures"
    st.subheader(f"{count} shown above", anchor=False)
    figure_table(table, key="benchmarks-table")
    st.download_button(
        "Download these figures", csv(table), "figures.csv", "text/csv", icon=":material/download:"
    )
st.caption(
    "Published: as its authors print it. Corrected (†): printed wrong elsewhere, right here. "
    "Measured: computed here from public scores by the command in its source. Intervals of "
    "published rates come from trial counts alone and are too narrow where few speakers made "
    "many trials."
)
