"""``python -m core evaluate SCORES``: what the page "Your scores" says, in a terminal."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.options import EXIT_UNUSABLE, add_renamed, add_stance
from core.detect.decision import Stance
from core.evaluate import analysis
from core.evaluate.metrics import ASVSPOOF5, Costs, Higher
from core.evaluate.names import metric_name
from core.evaluate.trials import (
    Problem,
    Trials,
    TrialsError,
    attach,
    direction,
    guess_layout,
    read_table,
    tidy,
    with_columns,
)
from core.plain import json_text

if TYPE_CHECKING:
    import pandas as pd


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    group = commands.add_parser("evaluate", help="error rates and costs of a score file")
    group.add_argument("scores", metavar="SCORES", help="a score file")
    group.add_argument("--protocol", metavar="FILE", help="labels and attributes of the trials")
    group.add_argument("--compare", metavar="FILE", help="another system's scores, same trials")
    group.add_argument("--by", metavar="COLUMN,...", help="break down by these columns")
    group.add_argument("--higher", choices=("spoof", "bonafide"), help="what a high score means")
    # The field counts a human who is rejected as a miss, and a fake that passes as a false alarm.
    add_stance(group, Stance(ASVSPOOF5.p_spoof, ASVSPOOF5.c_fa, ASVSPOOF5.c_miss))
    add_renamed(group, "--c-miss", "--cost-false-accusation")
    add_renamed(group, "--c-fa", "--cost-missed-fake")
    group.add_argument("--asv", metavar="FILE", help="scores of a verification system, for t-DCF")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate ``options.scores``; 0 when all went well, 2 when a file could not be used."""
    try:
        report = evaluate(options)
    except (TrialsError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
    if options.json:
        print(json_text(report))
    else:
        print(as_text(report))
    return 0


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that ``--json`` prints.

    Raises
    ------
    TrialsError, ValueError, OSError
        If a file cannot be read or used, or a setting is out of its range.
    """
    from core.evaluate.published import AsvScores

    by = [c.strip() for c in (options.by or "").split(",") if c.strip()]
    path = Path(options.scores)
    trials = _read(path, by)
    if options.protocol:
        trials = attach(trials, _read(Path(options.protocol), by))
    found = direction(trials)
    data = analysis.prepare(trials, options.higher or found.higher)
    settings = analysis.Settings(
        Costs(options.prior, options.cost_false_accusation, options.cost_missed_fake),
        AsvScores.read(Path(options.asv)).constants() if options.asv else None,
    )
    whole = analysis.overall(data, settings)
    figures = [whole.figures, *(analysis.by_column(data, c) for c in by)]
    report: dict[str, Any] = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "higher": data.higher,
        "higher_detected": found.higher,
        "direction_sure": found.sure,
        "unit": data.unit,
        "about_intervals": data.about_intervals,
        "problems": _sentences([*trials.problems, *analysis.suspicions(data)]),
        "official_eer": 100 * whole.official_eer.rate,
        "tied_across_classes": whole.tied,
        "figures": [row for table in figures for row in records(table)],
    }
    if options.compare:
        other = _read(Path(options.compare), ())
        theirs: Higher = direction(_labelled(other, trials)).higher
        comparison = analysis.compare(data, other, theirs, by)
        report["compared_with"] = Path(options.compare).name
        report["compared_higher"] = theirs
        report["compared_trials"] = comparison.n
        report["problems"] += _sentences([*other.problems, *comparison.problems])
        report["differences"] = records(comparison.figures)
    return report


def _read(path: Path, by: Sequence[str]) -> Trials:
    frame = read_table(path)
    layout = guess_layout(frame)
    # A column that is named on the command line is kept whatever it is.
    extra = {c: c for c in by if c in frame and c not in layout.columns}
    return tidy(frame, with_columns(layout, **extra), path.name)


def _labelled(other: Trials, trials: Trials) -> Trials:
    return other if "label" in other.table else attach(other, trials)


def records(figures: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: what is not known or infinite is None."""
    return [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in figures.to_dict("records")
    ]


def _sentences(problems: Sequence[Problem]) -> list[str]:
    return [p.sentence for p in problems]


def as_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    way = "bona fide" if report["higher"] == "bonafide" else "spoof"
    lines = [f"{report['file']}: a higher score means {way}."]
    if report["higher"] != report["higher_detected"] or not report["direction_sure"]:
        lines.append("The ranking of the classes leaves the direction in doubt: see --higher.")
    lines += report["problems"]
    lines.append(report["about_intervals"])
    lines.append(
        f"{'condition':28} {'metric':24} {'value':>9}  {'95 % interval':19} {'trials':>15}"
    )
    for row in report["figures"]:
        trials = f"{row['n_bonafide']:,} + {row['n_spoof']:,}"
        lines.append(
            f"{_condition(row):28} {metric_name(row['metric']):24} {_number(row['value']):>9}  "
            f"{_interval(row):19} {trials:>15}"
            + (f"  {row['note']}" if row["low"] is None or row["breakdown"] != "overall" else "")
        )
    if report["tied_across_classes"]:
        lines.append(
            f"{report['tied_across_classes']:,} trials tie with the other class; the official code "
            f"passes them one by one and gets an EER of {report['official_eer']:.4f} %."
        )
    if "differences" in report:
        lines.append(
            f"Against {report['compared_with']} on {report['compared_trials']:,} trials "
            "(first minus second; p after Holm over the conditions of a breakdown):"
        )
        for row in report["differences"]:
            lines.append(
                f"{_condition(row):28} {metric_name(row['metric'], unit=False):24} "
                f"{row['difference']:>+9.4f}  {_interval(row):19} {_p_value(row)}"
            )
    return "\n".join(lines)


def _condition(row: dict[str, Any]) -> str:
    return "all" if row["breakdown"] == "overall" else f"{row['breakdown']} {row['condition']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _p_value(row: dict[str, Any]) -> str:
    p = row["p_holm"]
    return "" if p is None else "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


def _interval(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"
