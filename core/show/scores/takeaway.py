"""What a reader takes away of a score file: one HTML report."""

from __future__ import annotations

from typing import Any

from core.evaluate import analysis
from core.evaluate.names import readable as named
from core.show.documents.chart import image
from core.show.documents.report import Report, as_html
from core.show.figures import charts as figure_charts
from core.show.scores import charts, ratio_charts
from core.show.scores.comparisons import Made
from core.show.scores.files import spec_of
from core.show.scores.ratios_view import lines
from core.show.scores.study import SYSTEM, Study, readable
from core.show.theme import LIGHT

BREAKDOWNS = 3
"""Columns whose figures are in the report."""


def as_report(study: Study, made: Made) -> bytes:
    """Everything that the page shows of the score file, in light colours."""
    costs = study.settings.costs
    light: dict[str, Any] = {"palette": LIGHT}
    by_settings, by_file = (*study.of, study.settings), study.of
    band, marks = study.trade_off()
    series = {SYSTEM: LIGHT.series[0]}
    det = spec_of(
        *(figure_charts.det, band, marks, "Detection error trade-off", series),
        **light, of=by_settings, key="scores-report-det", alt="DET curve",
    )  # fmt: skip
    bars = spec_of(
        *(charts.scores, analysis.histogram(study.data), study.whole.eer.threshold),
        "Scores of both classes",
        **light, of=by_file, key="scores-report-scores", alt="Histogram",
    )  # fmt: skip
    trust = spec_of(
        *(charts.reliability, analysis.reliability(study.data, costs.p_spoof)),
        "Stated against observed",
        **light, of=by_settings, key="scores-report-reliability", alt="Reliability diagram",
    )  # fmt: skip
    ape = spec_of(
        *(ratio_charts.applied_error, lines(study), -costs.threshold),
        "Applied probability of error",
        **light, of=by_settings, key="scores-report-applied", alt="APE plot",
    )  # fmt: skip
    ratios = spec_of(
        *(ratio_charts.tippett, analysis.tippett(study.data.everything.tally), "Likelihood ratios"),
        **light, of=by_file, key="scores-report-tippett", alt="Tippett plot",
    )  # fmt: skip
    bona, spoof = study.counts
    report = Report(
        f"Evaluation of {study.file.name}",
        [
            ("File", f"{study.file.name}, SHA-256 {study.file.sha256}"),
            ("Trials", f"{bona:,} bona fide, {spoof:,} spoofed"),
            ("Columns", "; ".join(study.read)),
            ("Direction", study.found.in_words()),
            ("Intervals", study.data.about_intervals),
        ],
        [*filter(None, [study.found.caution()]), *(p.sentence for p in study.problems)],
        [
            ("Figures", "", readable(study.whole.figures.drop(columns="breakdown")), None),
            ("Detection error trade-off", "", None, image(det, "svg")),
            ("Scores", "", None, image(bars, "svg")),
            ("Reliability", f"At a prior of {study.prior}.", None, image(trust, "svg")),
            ("Error over the prior", "APE plot.", None, image(ape, "svg")),
            ("Likelihood ratios", "Tippett plot.", None, image(ratios, "svg")),
        ],
    )
    for column in [c for c in study.columns if c != "speaker"][:BREAKDOWNS]:
        rows = study.by(column)
        report.sections.append((f"By {column}", "", readable(rows), None))
    if made.sets is not None:
        about = "Pooled: all trials as one set. Mean: of the sets' figures."
        report.sections.append(("By data set", about, readable(made.sets.figures), None))
        report.sections.append(("Thresholds carried over", "In percent.", made.sets.carried, None))
    for name, result in made.compared:
        table = readable(result.figures)
        report.sections.append((f"Against {name}", "First minus second.", table, None))
    if made.fused is not None:
        about = made.fused.about
        report.sections.append(("Fusion", about, named(made.fused.figures), None))
        report.sections.append(("What fusing gains", "", named(made.fused.gains), None))
    report.sections.append(("Worst trials", "", analysis.worst(study.data, 20), None))
    return as_html(report)
