"""What a reader takes away of a score file: one HTML report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.evaluate import analysis
from core.show import benchmark_charts
from core.show.benchmark_view import image
from core.show.score_report import Report, as_html
from core.show.scores import charts
from core.show.scores.files import spec_of
from core.show.scores.study import SYSTEM, Study, readable
from core.show.theme import LIGHT

BREAKDOWNS = 3
"""Columns whose figures are in the report."""


def as_report(study: Study, comparisons: Sequence[analysis.Comparison]) -> bytes:
    """Everything that the page shows of the score file, in light colours."""
    costs = study.settings.costs
    light: dict[str, Any] = {"palette": LIGHT}
    by_settings, by_file = (*study.of, study.settings), study.of
    band, marks = study.trade_off()
    series = {SYSTEM: LIGHT.series[0]}
    det = spec_of(
        *(benchmark_charts.det, band, marks, "Detection error trade-off", series),
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
        [*filter(None, [study.found.caution()]), *study.problems],
        [
            ("Figures", "", readable(study.whole.figures.drop(columns="breakdown")), None),
            ("Detection error trade-off", "", None, image(det, "svg")),
            ("Scores", "", None, image(bars, "svg")),
            ("Reliability", f"At a prior of {study.prior}.", None, image(trust, "svg")),
        ],
    )
    for column in [c for c in study.columns if c != "speaker"][:BREAKDOWNS]:
        rows = study.by(column)
        report.sections.append((f"By {column}", "", readable(rows), None))
    for result in comparisons:
        table = readable(result.figures)
        report.sections.append(("Against the second file", "First minus second.", table, None))
    report.sections.append(("Worst trials", "", analysis.worst(study.data, 20), None))
    return as_html(report)
