"""What a reader takes away of score files of the other kinds: one HTML report each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.evaluate.names import readable
from core.evaluate.segments import Pieces
from core.evaluate.spoof_aware import SpoofAware, costs_in_words, paths
from core.evaluate.tables.figures import VERIFICATION
from core.evaluate.trials import WAYS
from core.show.documents.chart import image, make_spec
from core.show.documents.report import Report, as_html
from core.show.scores import kinds_charts
from core.show.scores.files import ScoreFile
from core.show.theme import LIGHT

if TYPE_CHECKING:
    import pandas as pd


def spoof_aware_report(file: ScoreFile, found: SpoofAware, table: pd.DataFrame) -> bytes:
    """Speaker verification that must reject fakes: everything the page shows, in light colours."""
    first = table.iloc[0]
    report = Report(
        f"Evaluation of {file.name}",
        [
            ("File", f"{file.name}, SHA-256 {file.sha256}"),
            ("Trials", trials_of(first)),
            ("Columns", found.trials.in_words),
            ("Direction", "Higher speaks for the target, or for bona fide."),
            ("a-DCF", costs_in_words(found.costs)),
        ],
        [p.sentence for p in (*found.trials.problems, *found.suspicions())],
    )
    whole = table[table["breakdown"] == "overall"]
    report.sections.append(("Figures", NOTE, named_figures(whole), None))
    if found.paired:
        point, title = concurrent(whole)
        chart = make_spec(
            kinds_charts.tandem_paths, paths(found.tandem), point, title, alt=title, palette=LIGHT
        )
        report.sections.append(
            ("Two systems one after the other", PATHS, None, image(chart, "svg"))
        )
    attacks = table[table["breakdown"] == "attack"]
    if len(attacks):
        report.sections.append(("By attack", "", named_figures(attacks), None))
    return as_html(report)


def segments_report(
    file: ScoreFile, columns: str, reference: str, found: Pieces, table: pd.DataFrame
) -> bytes:
    """Fakes within recordings: everything the page shows, in light colours."""
    report = Report(
        f"Evaluation of {file.name}",
        [
            ("File", f"{file.name}, SHA-256 {file.sha256}"),
            ("Columns", columns),
            ("Reference", reference),
            ("Direction", f"Higher means {WAYS[found.higher]}."),
        ],
        [p.sentence for p in found.problems],
    )
    segments = scored_segments(table)
    picture = None
    if len(segments):
        title, whole = by_length(segments), float(table["value"].iloc[0])
        chart = make_spec(
            kinds_charts.by_resolution, segments, whole, title, alt=title, palette=LIGHT
        )
        picture = image(chart, "svg")
    report.sections.append(("Figures", RANGES, table, picture))
    return as_html(report)


NOTE = (
    "Thresholds are the lowest scores that are accepted. In a tandem both systems must accept; "
    "their errors are taken to be independent of each other."
)
PATHS = (
    "At each verification threshold the countermeasure's is set so that misses and false alarms "
    "are equal. The lines meet in the concurrent t-EER."
)
RANGES = (
    "The range EER (dashed) weighs every instant alike and does not depend on a length. A segment "
    "is a fake if any of it is. Intervals are for other files."
)


def trials_of(row: pd.Series) -> str:
    """How many trials there are of each kind."""
    return (
        f"{row['n_target']:,} targets, {row['n_nontarget']:,} other speakers, "
        f"{row['n_spoof']:,} fakes"
    )


def concurrent(whole: pd.DataFrame) -> tuple[tuple[float, float] | None, str]:
    """Threshold and rate of the concurrent t-EER where there is one, and what its picture says."""
    row = whole[whole["metric"] == "teer"].iloc[0]
    if row["value"] != row["value"]:
        return None, "No threshold treats other speakers and fakes alike"
    point = float(row["threshold"]), float(row["value"])
    return point, f"Whatever the share of fakes, errors are equal at {point[1]:.2f} %"


def scored_segments(table: pd.DataFrame) -> pd.DataFrame:
    """The lengths of segments that have an EER."""
    return table[table["measure"] == "segment"].dropna(subset="value")


def by_length(segments: pd.DataFrame) -> str:
    """What the picture of segments says."""
    return (
        f"Segment EER: {segments['value'].min():.2f} to {segments['value'].max():.2f} % by the "
        "length of segments"
    )


def named_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Figures of spoof-aware verification for people."""
    attack = table["breakdown"] == "attack"
    chosen = table.assign(
        condition=table["condition"].where(~attack, "attack " + table["condition"])
    )
    counts = [c for c in VERIFICATION if c.startswith("n_")]
    return readable(chosen.drop(columns=["breakdown", *counts]), ["metric"])
