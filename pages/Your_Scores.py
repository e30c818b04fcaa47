"""Your scores: a score file goes in; what the official evaluation says comes out, and more."""

from __future__ import annotations

import streamlit as st

from core.evaluate import analysis
from core.evaluate.example_scores import NAME, OTHER_NAME, example, known_eer
from core.evaluate.metrics import AsvRates, Costs, tandem_constants
from core.evaluate.names import METRICS, metric_name
from core.evaluate.names import readable as named
from core.evaluate.tables import TableError
from core.evaluate.trials import Trials, TrialsError, attach, direction
from core.show import address, cache, score_charts, session
from core.show import benchmark_charts as charts
from core.show import score_view as view
from core.show.benchmark_view import image
from core.show.cards import plain
from core.show.score_report import Report, as_csv, as_html
from core.show.theme import palette

VIEWS = (
    *("Figures", "Trade-off", "Scores", "Breakdown", "Worst trials"),
    *("Second file", "Published systems"),
)
WAYS = {"bonafide": "bona fide speech", "spoof": "spoofed speech"}

st.title("Your scores", anchor=False)
st.markdown(
    "Drop in a countermeasure's score file: error rates and costs by the official definitions, how "
    "sure they are, where it fails, and whether it truly beats another. Files stay in the memory "
    "of your session and go when you close it."
)


def take_example() -> None:
    for part in ("scores", "second", "protocol"):
        view.forget(part)
    view.load("scores", NAME, example(0))
    view.load("second", OTHER_NAME, example(1))


with st.container(border=True):
    one, two, three = st.columns(3)
    with one:
        view.upload(
            "scores",
            "Score file",
            "ASVspoof 2019, 2021 or 5, Speech DF Arena, or any CSV, TSV or Parquet; gzip or zip "
            "too. Up to 200 MB: compress larger files.",
        )
    with two:
        view.upload(
            "protocol",
            "Protocol or key, if labels are apart",
            "Labels, attacks, codecs and speakers of the trials: the file that came with the "
            "benchmark.",
        )
    with three:
        view.upload("second", "Second score file, to compare", "Another system, the same trials.")
    st.button(
        "Start with an example", on_click=take_example, icon=":material/science:", key="example"
    )

address.hold(bool(view.files()), "score file")
if "scores" not in view.files():
    st.info(
        "Nothing here yet. The example is synthetic: 5,000 trials of two made-up systems whose "
        "error rates are known by formula.",
        icon=":material/upload_file:",
    )
    st.stop()

file = view.files()["scores"]
trials = view.confirmed("scores")
protocol = view.confirmed("protocol") if "protocol" in view.files() else None
if trials is None or ("protocol" in view.files() and protocol is None):
    st.stop()
of: tuple[object, ...] = view.mark("scores")
if protocol is not None:
    of += view.mark("protocol")
    try:
        trials = view.remembered("attach", *of, make=lambda: attach(trials, protocol))
    except TrialsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.stop()


def problems_shown(sentences: list[str]) -> None:
    if sentences:
        many = f"{len(sentences)} things to know about these files"
        with st.expander(many, expanded=True, icon=":material/warning:"):
            st.markdown("\n".join(f"- {plain(s)}" for s in sentences))


try:
    found = view.remembered("direction", *of, make=lambda: direction(trials))
except TrialsError as error:
    problems_shown([p.sentence for p in trials.problems])
    st.warning(f"{plain(str(error))} Until then there are no error rates.", icon=":material/key:")
    if "score" in trials.table:
        st.subheader(f"What can be said of {len(trials.table):,} scores", anchor=False)
        st.dataframe(
            trials.table["score"].describe().to_frame().T, placeholder="–", key="described"
        )
    st.stop()

left, right = st.columns(2)
higher = left.radio(
    "A higher score means",
    list(WAYS),
    index=list(WAYS).index(found.higher),
    format_func=WAYS.__getitem__,
    horizontal=True,
    key=f"higher-{file.sha256}",
    help="Detected from the ranking of the classes. Scores are never changed: thresholds below "
    "are in the direction of your file.",
)
agree = found.auc if found.higher == "spoof" else 1 - found.auc
sure = f"Detected: higher means {WAYS[found.higher]} (AUC {agree:.4f})."
if not found.sure:
    left.warning(f"{sure} That is close to chance, so look twice.", icon=":material/swap_vert:")
elif higher != found.higher:
    left.warning(f"{sure} You chose the opposite.", icon=":material/swap_vert:")
else:
    left.caption(f"{sure} Nothing was flipped.")
with right.expander("Your own prior and costs; t-DCF", icon=":material/tune:"):
    prior = st.number_input("Prior: share of fakes (%)", 0.1, 99.9, 5.0, key="scores-prior")
    missed = st.number_input("Cost of a missed fake", 0.01, 1000.0, 10.0, key="scores-missed")
    accused = st.number_input("Cost of a false accusation", 0.01, 1000.0, 1.0, key="scores-accused")
    asv_file = st.file_uploader(
        "Scores of a verification system, for t-DCF",
        key="asv",
        max_upload_size=session.upload_mb(),
        help="Lines of speaker or attack, then target, nontarget or spoof, then the score.",
    )
    by_rates = st.checkbox("Or give its error rates", key="asv-rates")
    rates = None
    if by_rates:
        rates = AsvRates(
            st.number_input("Targets rejected (%)", 0.0, 100.0, 2.46, key="asv-miss") / 100,
            st.number_input("Other speakers accepted (%)", 0.0, 100.0, 2.46, key="asv-fa") / 100,
            st.number_input("Fakes accepted (%)", 0.0, 100.0, 50.0, key="asv-spoof") / 100,
        )
costs = Costs(prior / 100, c_miss=accused, c_fa=missed)
tandem = None
try:
    if asv_file is not None:
        from core.evaluate.published import AsvScores

        tandem = view.remembered(
            "asv",
            asv_file.file_id,
            make=lambda: AsvScores.of(asv_file.getvalue(), asv_file.name).constants(),
        )
    elif rates is not None:
        tandem = tandem_constants(rates)
        if tandem.c2 == 0:
            raise ValueError("A verification system that accepts no fake leaves t-DCF undefined.")
except ValueError as error:
    tandem = None
    right.error(plain(str(error)), icon=":material/error:")

settings = analysis.Settings(costs, tandem)
of += (higher,)
data = view.remembered("prepare", *of, make=lambda: analysis.prepare(trials, higher))
with st.spinner("Computing figures and their intervals"):
    whole = view.remembered("overall", *of, settings, make=lambda: analysis.overall(data, settings))
    odd = view.remembered("suspicions", *of, make=lambda: analysis.suspicions(data))
sentences = [p.sentence for p in (*trials.problems, *odd)]
problems_shown(sentences)
figures = whole.figures.set_index("metric")
n_bona, n_spoof = (int(figures[c].iloc[0]) for c in ("n_bonafide", "n_spoof"))
columns = view.remembered("attributes", *of, make=lambda: analysis.attributes(data))
colours = palette()
SYSTEM = "Your file"
SOURCE = f"{file.name}, evaluated here"


def readable(rows):
    """Figures with the metrics' names; conditions are called as the visitor's file calls them."""
    return named(rows, ["metric"])


def charted(rows):
    """Figures in the columns that the charts of benchmark figures take."""
    return rows.dropna(subset="value").assign(
        system=SYSTEM, benchmark=file.name, kind="measured", source=SOURCE
    )


def breakdown(*names: str):
    with st.spinner(f"Computing figures by {plain(' and '.join(names))}"):
        return view.remembered(
            "by", names, *of, make=lambda: analysis.by_column(data, names, settings)
        )


def compared():
    """The second file against the first, or None; errors and questions are shown."""
    if "second" not in view.files():
        return None
    other = view.confirmed("second")
    if other is None:
        return None
    name, mark = view.files()["second"].name, (*of, *view.mark("second"))
    try:
        seen = view.remembered("way", *mark, make=lambda: direction(labelled(other, trials)))
        way = st.radio(
            f"In {plain(name)} a higher score means",
            list(WAYS),
            index=list(WAYS).index(seen.higher),
            format_func=WAYS.__getitem__,
            horizontal=True,
            key=f"higher-second-{view.files()['second'].sha256}",
        )
        if not seen.sure or way != seen.higher:
            st.warning(
                f"Detected: higher means {WAYS[seen.higher]} (AUC {max(seen.auc, 1 - seen.auc):.4f}"
                f"){'. You chose the opposite.' if way != seen.higher else ', close to chance.'}",
                icon=":material/swap_vert:",
            )
        mark += (way,)
        by = tuple(c for c in ("attack", "codec", "family") if c in columns)
        with st.spinner("Drawing both systems' trials again, together"):
            result = view.remembered(
                "compare", *mark, make=lambda: analysis.compare(data, other, way, by)
            )
    except TrialsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return result, name, [p.sentence for p in (*other.problems, *result.problems)]


def labelled(other: Trials, known: Trials) -> Trials:
    return other if "label" in other.table else attach(other, known)


def trade_off():
    band = whole.det.assign(system=SYSTEM)
    import pandas as pd

    eer = whole.eer.rate
    tally = data.everything.tally
    curve = tally.det()
    cost = (costs.miss * curve.p_miss + costs.fa * curve.p_fa).argmin()
    least = tally.min_dcf(costs).cost
    marks = pd.DataFrame(
        [
            (SYSTEM, eer, eer, "equal errors", ""),
            (SYSTEM, curve.p_fa[cost], curve.p_miss[cost], "lowest cost", f"{least:.4f}"),
        ],
        columns=["system", "p_fa", "p_miss", "point", "cost"],
    )
    return band, marks


def make_report() -> bytes:
    tables = [readable(whole.figures.drop(columns="breakdown"))]
    band, marks = trade_off()
    common = {"palette": charts.LIGHT, "of": of}
    det = view.spec_of(
        *(charts.det, band, marks, "Detection error trade-off", {SYSTEM: charts.LIGHT.series[0]}),
        key="report-det",
        alt="DET curve",
        **(common | {"of": (*of, settings)}),
    )
    shares = analysis.histogram(data)
    bars = view.spec_of(
        *(score_charts.scores, shares, whole.eer.threshold, "Scores of both classes"),
        key="report-scores",
        alt="Histogram",
        **common,
    )
    stated = analysis.reliability(data, costs.p_spoof)
    trust = view.spec_of(
        *(score_charts.reliability, stated, "Stated against observed"),
        key="report-reliability",
        alt="Reliability diagram",
        **(common | {"of": (*of, settings)}),
    )
    report = Report(
        f"Evaluation of {file.name}",
        [
            ("File", f"{file.name}, SHA-256 {file.sha256}"),
            ("Trials", f"{n_bona:,} bona fide, {n_spoof:,} spoofed"),
            ("Direction", f"a higher score means {WAYS[higher]}"),
            ("Intervals", f"{settings.replicates:,} draws of {data.unit}s"),
        ],
        sentences,
        [
            ("Figures", "", tables[0], None),
            ("Detection error trade-off", "", None, image(det, "svg")),
            ("Scores", "", None, image(bars, "svg")),
            ("Reliability", f"At a prior of {prior:g} %.", None, image(trust, "svg")),
        ],
    )
    for column in [c for c in columns if c != "speaker"][:3]:
        rows = view.remembered(
            "by", (column,), *of, make=lambda c=column: analysis.by_column(data, c, settings)
        )
        report.sections.append((f"By {column}", "", readable(rows), None))
    for result in comparisons:
        table = readable(result.figures)
        report.sections.append(("Against the second file", "First minus second.", table, None))
    report.sections.append(("Worst trials", "", analysis.worst(data, 20), None))
    return as_html(report)


st.subheader(f"{plain(file.name)}: EER {100 * whole.eer.rate:.2f} %", anchor=False)
shown = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="scores-view", label_visibility="collapsed"
)

if shown == "Figures":
    cards = [m for m in ("eer", "min_dcf", "act_dcf", "cllr", "min_tdcf") if m in figures.index]
    for column, metric in zip(st.columns(len(cards)), cards, strict=True):
        row, (name, unit, _) = figures.loc[metric], METRICS[metric]
        digits = 2 if metric == "eer" else 4
        with column.container(border=True, height="stretch"):
            percent = " %" if unit == "%" else ""
            label = f"{name} ({unit})" if unit and not percent else name
            st.metric(label, f"{row['value']:.{digits}f}{percent}")
            st.caption(f"95 %: {row['low']:.{digits}f} to {row['high']:.{digits}f}. {row['note']}")
    st.dataframe(
        readable(whole.figures)[["metric", "value", "low", "high", "threshold", "note"]],
        hide_index=True,
        placeholder="–",
        key="figures",
        column_config={
            c: st.column_config.NumberColumn(c, format="%.5g")
            for c in ("value", "low", "high", "threshold")
        },
    )
    st.caption(
        f"{n_bona:,} bona fide and {n_spoof:,} spoofed trials. Intervals draw {data.unit}s "
        f"{settings.replicates:,} times. Thresholds are in the direction of your file. Actual DCF "
        "and Cllr take scores for natural-log likelihood ratios, as ASVspoof 5 does."
    )
    if whole.tied:
        official = whole.official_eer.rate
        st.info(
            f"{whole.tied:,} trials have the score of a trial of the other class. The official "
            "code lets a threshold pass between tied trials, bona fide first, and gets an EER of "
            f"{100 * official:.4f} %; here tied trials stay together, which gives "
            f"{100 * whole.eer.rate:.4f} %. With all scores equal the official code gives 0 or "
            "100 %, and 50 % is right.",
            icon=":material/equal:",
        )
    if file.name == NAME:
        import pandas as pd

        cells = [(a, c) for c in ("none", "alaw") for a in ("X01", "X02", "X03")]
        by_cell = breakdown("attack", "codec")
        by_cell = by_cell[by_cell["metric"] == "eer"].set_index("condition")["value"]
        st.markdown("The example's answers are known: each cell's EER is Φ(−d/2).")
        st.dataframe(
            pd.DataFrame(
                [(a, c, 100 * known_eer(a, c), by_cell[f"{a}/{c}"]) for a, c in cells],
                columns=["attack", "codec", "known EER (%)", "computed EER (%)"],
            ),
            hide_index=True,
            key="known",
        )

if shown == "Trade-off":
    band, marks = trade_off()
    view.chart(
        charts.det,
        band,
        marks,
        f"Detection error trade-off, EER {100 * whole.eer.rate:.2f} %",
        {SYSTEM: colours.series[0]},
        palette=colours,
        key="scores-det",
        of=(*of, settings),
        alt=f"DET curve; equal errors at {100 * whole.eer.rate:.2f} %.",
    )
    st.caption(
        f"Band: 95 %, draws of {data.unit}s. The diamond is the cheapest threshold at your prior "
        "and costs."
        + (" The curve lies outside this plot, which ends at 42 %." if whole.eer.rate > 0.4 else "")
    )

if shown == "Scores":
    view.chart(
        score_charts.scores,
        view.remembered("histogram", *of, make=lambda: analysis.histogram(data)),
        whole.eer.threshold,
        "Scores of both classes and the EER threshold",
        palette=colours,
        key="scores-histogram",
        of=of,
        alt=f"Histogram of both classes; EER threshold at {whole.eer.threshold:.4g}.",
    )
    st.caption("The outermost thousandth of each class is counted in the end bins.")
    stated = view.remembered(
        "reliability", *of, costs, make=lambda: analysis.reliability(data, costs.p_spoof)
    )
    off = figures.loc["cllr", "value"] - figures.loc["min_cllr", "value"]
    view.chart(
        score_charts.reliability,
        stated,
        f"Calibration costs {off:.3f} bits of Cllr",
        palette=colours,
        key="scores-reliability",
        of=(*of, costs),
        alt="Stated probability of a fake against the share that are fakes.",
    )
    st.caption(
        f"At a prior of {prior:g} % (set above), classes weighted to it. Below the diagonal the "
        "scores claim too much. Calibrated: logistic regression on these same trials, so it "
        "flatters."
    )

if shown == "Breakdown":
    if not columns:
        st.info(
            "No column to break down by. Add a protocol, or choose more columns above.",
            icon=":material/category:",
        )
    else:
        a, b, c = st.columns(3)
        first = a.selectbox("By", columns, key="by-first")
        second = b.selectbox("And by", ["-", *(k for k in columns if k != first)], key="by-second")
        metric = c.selectbox(
            "Metric",
            ["eer", "min_dcf", "auc"],
            format_func=lambda m: metric_name(m, unit=False),
            key="by-metric",
        )
        names = (first,) if second == "-" else (first, second)
        every = breakdown(*names)
        rows = charted(every[every["metric"] == metric])
        name = metric_name(metric, unit=False)
        if rows.empty:
            st.info("No condition has both classes.", icon=":material/category:")
        elif len(names) == 1:
            top = rows.nlargest(40, "value") if metric != "auc" else rows.nsmallest(40, "value")
            edge = top.iloc[0]
            view.chart(
                charts.ranked,
                top,
                metric,
                f"{name} by {first}",
                {SYSTEM: colours.series[0]},
                palette=colours,
                key="scores-by",
                of=(*of, settings, names, metric),
                alt=f"{name} by {first}; the worst is {edge['condition']}: {edge['value']:.3f}.",
            )
            if len(rows) > len(top):
                st.caption(f"The worst {len(top)} of {len(rows)}; all are in the table.")
        else:
            pairs = rows["condition"].str.rsplit("/", n=1, expand=True)
            grid = rows.assign(attack=pairs[0], codec=pairs[1])
            view.chart(
                charts.heat,
                grid,
                metric,
                f"{name} by {first} and {second}",
                columns=list(dict.fromkeys(grid["codec"])),
                titles=(first.capitalize(), second.capitalize()),
                palette=colours,
                key="scores-grid",
                of=(*of, settings, names, metric),
                alt=f"Heat map of {len(grid)} cells.",
            )
        st.caption(
            "A value that both classes have (a codec, a speaker) takes both classes; one that only "
            "fakes have (an attack) is held against all bona fide trials."
        )
        st.dataframe(readable(every), hide_index=True, placeholder="–", key="by-table")
        st.download_button(
            "Download this breakdown",
            lambda: as_csv(every),
            "breakdown.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )

if shown == "Worst trials":
    count = st.slider("Trials of each class", 10, 500, 50, 10, key="worst-count")
    bad = view.remembered("worst", *of, count, make=lambda: analysis.worst(data, count))
    st.dataframe(bad, hide_index=True, placeholder="–", key="worst")
    st.caption(
        "Farthest on the wrong side of the EER threshold, in units of the score. Line numbers are "
        "those of your file."
    )
    st.download_button(
        "Download the worst trials",
        lambda: as_csv(bad),
        "worst-trials.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )

if shown == "Second file":
    outcome = compared()
    if "second" not in view.files():
        st.info(
            "Add a second score file above: the same trials scored by another system.",
            icon=":material/compare_arrows:",
        )
    elif outcome is not None:
        result, other_name, told = outcome
        problems_shown(told)
        metric = st.selectbox(
            "Metric",
            ["eer", "min_dcf", "auc"],
            format_func=lambda m: metric_name(m, unit=False),
            key="pair-metric",
        )
        rows = result.figures[result.figures["metric"] == metric]
        pooled = rows[rows["breakdown"] == "overall"].iloc[0]
        one, two = file.name, other_name
        if one == two:
            one, two = f"{one} (1)", f"{two} (2)"
        gain = pooled["difference"] > 0 if metric == "auc" else pooled["difference"] < 0
        finding = (
            f"{one if gain else two} is better: {metric_name(metric, unit=False)} "
            f"{pooled['first']:.4g} against {pooled['second']:.4g}"
            if pooled["p_holm"] < 0.05
            else "All trials together do not tell the two apart"
        )
        pair = rows.assign(
            condition=[
                "all trials" if b == "overall" else f"{b} {c}"
                for b, c in zip(rows["breakdown"], rows["condition"], strict=True)
            ],
            # The chart calls the lower one better, which for AUC is the other.
            first=two if metric == "auc" else one,
            second=one if metric == "auc" else two,
        )
        if metric == "auc":
            pair = pair.assign(difference=-pair["difference"], low=-pair["high"], high=-pair["low"])
        view.chart(
            charts.differences,
            pair,
            metric,
            finding,
            palette=colours,
            key="scores-pair",
            of=(*of, view.files()["second"].sha256, metric, len(pair)),
            alt=f"{finding}; 95 % interval {pooled['low']:.4g} to {pooled['high']:.4g}.",
        )
        st.caption(
            f"{result.n:,} trials in common; 2,000 draws of {data.unit}s, both systems on each. p "
            "after Holm's adjustment over a breakdown. Rank correlation of the scores: "
            f"{result.correlation:+.3f}."
        )
        st.dataframe(
            readable(rows),
            hide_index=True,
            placeholder="–",
            key="pair",
            column_config={"first": one, "second": two},
        )
        st.download_button(
            "Download the comparison",
            lambda: as_csv(result.figures),
            "comparison.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )

if shown == "Published systems":
    try:
        published, benchmarks = cache.figures(), cache.table("benchmarks")
    except TableError as error:
        st.error(str(error))
        st.stop()
    import pandas as pd

    published = published[published["metric"] == "eer"]
    pooled = published[published["breakdown"] == "overall"]
    known = list(pooled["benchmark"].unique())
    same = analysis.which_benchmark(data, benchmarks)
    benchmark = st.selectbox(
        "Benchmark",
        known,
        index=known.index(same) if same in known else None,
        placeholder="Which benchmark are these trials of?",
        key="published-benchmark",
    )
    if benchmark is None:
        st.info(
            "The numbers of trials match no benchmark that is known here; choose one if they are "
            "part of it.",
            icon=":material/help:",
        )
    else:
        if benchmark != same:
            st.warning(
                f"Your file has {n_bona:,} + {n_spoof:,} trials, not those of {benchmark}: the "
                "figures are not of the same trials.",
                icon=":material/balance:",
            )
        yours = charted(whole.figures[whole.figures["metric"] == "eer"])
        rows = pd.concat([pooled[pooled["benchmark"] == benchmark], yours])
        rows = rows.drop_duplicates(["system", "subset"], keep="last")
        system_colours = charts.system_colours(list(rows["system"].unique()), colours)
        view.chart(
            charts.ranked,
            rows,
            "eer",
            f"EER on {benchmark}",
            system_colours,
            by="system",
            palette=colours,
            key="scores-published",
            of=(*of, settings, benchmark),
            alt=f"EER of {len(rows)} systems, your file among them.",
        )
        st.caption(
            "Published systems as their authors print them, with intervals from trial counts "
            "alone. For a paired test add a system's own score file as the second file."
        )
        st.dataframe(
            rows[["system", "value", "low", "high", "kind", "source"]],
            hide_index=True,
            placeholder="–",
            key="published",
        )
        theirs = published[
            (published["benchmark"] == benchmark) & (published["breakdown"] == "attack")
        ]
        if "attack" in columns and not theirs.empty:
            own = charted(breakdown("attack").query("metric == 'eer'"))
            own = own[own["condition"].isin(set(theirs["condition"]))]
            every = pd.concat([own, theirs.drop_duplicates(["system", "condition"])])
            attacks = sorted(set(every["condition"]))
            view.chart(
                charts.heat,
                every.assign(attack=every["system"], codec=every["condition"]),
                "eer",
                f"EER by attack on {benchmark} (%)",
                columns=attacks,
                titles=("System", "Attack"),
                palette=colours,
                key="scores-published-attacks",
                of=(*of, settings, benchmark),
                alt=f"EER of {every['system'].nunique()} systems on {len(attacks)} attacks.",
            )
            table = every.pivot_table("value", "system", "condition", sort=False)
            st.dataframe(table[attacks].round(2), placeholder="–", key="published-attacks")

st.divider()
# Looked up here: a download is made outside the script, where the session is out of reach.
comparisons = [
    result
    for made, result in st.session_state.get("scores.kept", {}).items()
    if made[0] == "compare" and made[1 : 1 + len(of)] == of
]
one, two = st.columns(2)
one.download_button(
    "Figures (CSV)",
    lambda: as_csv(whole.figures),
    "figures.csv",
    "text/csv",
    icon=":material/table:",
    on_click="ignore",
    width="stretch",
)
two.download_button(
    "Report (HTML)",
    make_report,
    "report.html",
    "text/html",
    icon=":material/description:",
    on_click="ignore",
    width="stretch",
)
st.caption("In a terminal: `python -m core evaluate SCORES --protocol KEY --compare OTHER --json`")
