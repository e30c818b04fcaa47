"""``python -m core evaluate SCORES``: what the page "Your scores" says, in a terminal."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli.columns import EPILOG, add_columns, add_joining, layout_line, refusing, sentences
from core.cli.options import add_renamed, add_stance
from core.cli.several import (
    Other,
    add_several,
    carried_lines,
    data_sets,
    digests,
    fused,
    fusion_record,
    interval,
    number,
    others,
    records,
    scored,
)
from core.detect.decision import Stance
from core.evaluate import analysis
from core.evaluate.metrics import ASVSPOOF5, Costs
from core.evaluate.names import metric_name
from core.evaluate.trials import (
    AsvScores,
    Direction,
    Layout,
    Trials,
    direction,
    of_subset,
    subsets,
)
from core.plain import json_text


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    group = commands.add_parser(
        "evaluate", help="error rates and costs of a score file", epilog=EPILOG
    )
    group.add_argument(
        "scores",
        metavar="SCORES",
        nargs="+",
        help="a score file; several, or a folder of them, are data sets of one system",
    )
    group.add_argument(
        "--protocol",
        metavar="FILE",
        action="append",
        default=[],
        help="labels and attributes of the trials; may be repeated, or a folder",
    )
    group.add_argument(
        "--compare",
        metavar="FILE",
        action="append",
        default=[],
        help="another system's scores, same trials; may be repeated",
    )
    add_columns(group)
    add_several(group)
    group.add_argument(
        "--higher",
        choices=("spoof", "bonafide"),
        help="what a high score means, in SCORES and in --compare",
    )
    group.add_argument(
        "--compare-higher",
        choices=("spoof", "bonafide"),
        help="what it means in --compare, if not the same",
    )
    group.add_argument(
        "--subset", metavar="NAME", help="subset that counts, or all (default: eval, else all)"
    )
    add_joining(group)
    group.add_argument("--by", metavar="COLUMN,...", help="break down by these columns")
    # The field counts a human who is rejected as a miss, and a fake that passes as a false alarm.
    add_stance(group, Stance(ASVSPOOF5.p_spoof, ASVSPOOF5.c_fa, ASVSPOOF5.c_miss))
    add_renamed(group, "--c-miss", "--cost-false-accusation")
    add_renamed(group, "--c-fa", "--cost-missed-fake")
    group.add_argument(
        "--asv", metavar="FILE", help="scores of a verification system, for t-DCF and t-EER"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument(
        "--table",
        choices=("csv", "latex", "markdown"),
        help="print the figures as a table of this kind",
    )
    group.set_defaults(run=run)


@refusing()
def run(options: argparse.Namespace) -> int:
    """Evaluate ``options.scores``; 0 when all went well, 2 when a file could not be used."""
    report = evaluate(options)
    if options.json:
        print(json_text(report))
    elif options.table:
        print(as_table(report, options.table), end="")
    else:
        print(as_text(report))
    return 0


def as_table(report: dict[str, Any], form: str) -> str:
    """The report's figures for a spreadsheet, a paper or notes."""
    import pandas as pd

    from core.plain import csv_of
    from core.show.documents.table_formats import as_latex, as_markdown

    figures = pd.DataFrame(report["figures"])
    if form == "csv":
        return csv_of(figures)
    shown = figures.drop(columns="note").assign(metric=figures["metric"].map(metric_name))
    if form == "latex":
        return as_latex(shown, f"Evaluation of {report['file']}").decode()
    return as_markdown(shown).decode()


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that ``--json`` prints.

    Raises
    ------
    TrialsError, ValueError, OSError
        If a file cannot be read or used, or a setting is out of its range.
    """
    by = [c.strip() for c in (options.by or "").split(",") if c.strip()]
    trials, files, keys = scored(options, by)
    path = files[0].path
    trials = of_subset(trials, options.subset)
    found = direction(trials, options.higher)
    data = analysis.prepare(trials, found.higher)
    asv = AsvScores.read(Path(options.asv), options.subset) if options.asv else None
    settings = analysis.Settings(
        Costs(options.prior, options.cost_false_accusation, options.cost_missed_fake),
        asv.constants() if asv else None,
        asv,
    )
    whole = analysis.overall(data, settings)
    sets = data_sets(data, settings)
    figures = [whole.figures, *([sets.figures] if sets else [])]
    figures += [analysis.by_column(data, c, asv) for c in by]
    problems = [*trials.problems, *(asv.problems if asv else ()), *analysis.suspicions(data)]
    problems += sets.problems if sets else ()
    report: dict[str, Any] = {
        "file": path.name,
        "files": digests(files),
        **_laid_out("", path, files[0].layout),
        **({"protocol_layout": "; ".join(keys)} if keys else {}),
        **_directed("", found),
        "subset": _subset(trials, options.subset),
        "unit": data.unit,
        "about_intervals": data.about_intervals,
        "problems": sentences(problems),
        "official_eer": 100 * whole.official_eer.rate,
        "tied_across_classes": whole.tied,
        "figures": [row for table in figures for row in records(table)],
    }
    if sets:
        report["carried"] = records(sets.carried)
    systems = others(options, trials)
    report["comparisons"] = [_compared(options, other, data, by) for other in systems]
    fusion = fused(options, data, path.name, systems, settings)
    if fusion:
        report["fusion"] = fusion_record(fusion)
    return report


def _compared(
    options: argparse.Namespace, other: Other, data: analysis.Prepared, by: Sequence[str]
) -> dict[str, Any]:
    """Another system on the same trials."""
    higher, by_stem = other.found.higher, options.join_by_stem
    comparison = analysis.compare(data, other.trials, higher, by, by_stem=by_stem)
    return {
        "with": other.name,
        "layout": other.line,
        "columns": other.layout.columns,
        **_directed("", other.found),
        "trials": comparison.n,
        "problems": sentences([*other.trials.problems, *comparison.problems]),
        "differences": records(comparison.figures),
    }


def _laid_out(prefix: str, path: Path, layout: Layout) -> dict[str, Any]:
    return {
        f"{prefix}layout": layout_line(path, layout),
        f"{prefix}columns": layout.columns,
        f"{prefix}spoof_labels": list(layout.spoofed),
    }


def _directed(prefix: str, found: Direction) -> dict[str, Any]:
    caution = found.caution()
    return {
        f"{prefix}higher": found.higher,
        f"{prefix}higher_found": found.how,
        f"{prefix}higher_detected": found.detected,
        f"{prefix}direction": found.in_words(),
        f"{prefix}direction_sure": found.how != "labels",
        f"{prefix}caution": f"{caution} --higher states it." if found.how == "labels" else caution,
    }


SAID = ("overall", analysis.DATA_SET)
"""Breakdowns whose rows need no note behind their interval."""


def as_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    layouts = "; ".join(file["layout"] for file in report["files"])
    lines = [f"{layouts}; {report['direction']}."]
    if "protocol_layout" in report:
        lines.append(f"{report['protocol_layout']}.")
    lines += [f"Caution: {report['caution']}"] if report["caution"] else []
    lines += report["problems"]
    lines.append(report["about_intervals"])
    lines.append(
        f"{'condition':28} {'metric':24} {'value':>9}  {'95 % interval':19} {'trials':>15}"
    )
    for row in report["figures"]:
        trials = f"{row['n_bonafide']:,} + {row['n_spoof']:,}"
        lines.append(
            f"{_condition(row):28} {metric_name(row['metric']):24} {number(row['value']):>9}  "
            f"{interval(row):19} {trials:>15}"
            + (f"  {row['note']}" if row["low"] is None or row["breakdown"] not in SAID else "")
        )
        lines[-1] = lines[-1].rstrip()
    if report["tied_across_classes"]:
        lines.append(
            f"{report['tied_across_classes']:,} trials tie with the other class; the official code "
            f"passes them one by one and gets an EER of {report['official_eer']:.4f} %."
        )
    if "carried" in report:
        lines += carried_lines(report["carried"])
    for compared in report["comparisons"]:
        lines += _comparison(compared)
    if "fusion" in report:
        lines += _fusion(report["fusion"])
    return "\n".join(lines)


def _comparison(compared: dict[str, Any]) -> list[str]:
    caution = compared["caution"]
    return [
        f"{compared['layout']}; {compared['direction']}.",
        *([f"Caution: {caution}"] if caution else []),
        *compared["problems"],
        f"Against {compared['with']} on {compared['trials']:,} trials "
        "(first minus second; p after Holm over the conditions of a breakdown):",
        *(_difference(_condition(row), row, row["p_holm"]) for row in compared["differences"]),
    ]


def _fusion(fusion: dict[str, Any]) -> list[str]:
    best, trials = fusion["best_alone"], f"{fusion['n_bonafide']:,} + {fusion['n_spoof']:,}"
    lines = [f"Fusion. {fusion['about']}", *fusion["problems"]]
    for row in fusion["figures"]:
        lines.append(
            f"{row['system'][:28]:28} {metric_name(row['metric']):24} {number(row['value']):>9}  "
            f"{interval(row):19} {trials:>15}"
        )
    lines.append(f"Fusion minus {best}, which has the lowest EER alone:")
    lines += [
        _difference(row["system"], row, row["p_value"])
        for row in fusion["gains"]
        if row["against"] == best
    ]
    weights = ", ".join(f"{row['system']} {row['weight']:.3f}" for row in fusion["weights"])
    return [*lines, f"Weights towards spoof, a standard deviation each: {weights}."]


def _difference(name: str, row: dict[str, Any], p: float | None) -> str:
    return (
        f"{name[:28]:28} {metric_name(row['metric'], unit=False):24} "
        f"{row['difference']:>+9.4f}  {interval(row):19} {_p_value(p)}"
    ).rstrip()


def _condition(row: dict[str, Any]) -> str:
    return "all" if row["breakdown"] == "overall" else f"{row['breakdown']} {row['condition']}"


def _p_value(p: float | None) -> str:
    return "" if p is None else "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


def _subset(trials: Trials, wanted: str | None) -> str | None:
    """Which subset counted; None where the trials have none."""
    if "subset" not in trials.table:
        return None
    return wanted or ("all" if subsets(trials) else str(trials.table["subset"].iloc[0]))
