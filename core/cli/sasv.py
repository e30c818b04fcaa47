"""``python -m core sasv SCORES``: speaker verification that must also reject fakes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from core.cli.columns import refusing
from core.cli.several import interval, number, records
from core.evaluate.metrics import ADCF_ASVSPOOF5, AdcfCosts
from core.evaluate.names import metric_name
from core.evaluate.spoof_aware import SpoofAware
from core.evaluate.trials import (
    SPOOF_AWARE_FORMS,
    in_spoof_aware_form,
    read_spoof_aware,
)
from core.evaluate.trials.spoof_aware import NAMED
from core.plain import json_text

COSTS = {
    "p_target": "prior of targets",
    "p_nontarget": "prior of other speakers",
    "p_spoof": "prior of fakes",
    "c_miss": "cost of rejecting a target",
    "c_fa": "cost of accepting another speaker",
    "c_fa_spoof": "cost of accepting a fake",
}

HINTS = {
    "score": "--sasv COLUMN, or --asv and --cm, name it.",
    "label": "--key FILE adds it.",
}


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    group = commands.add_parser(
        "sasv",
        help="a-DCF and t-EER of spoof-aware speaker verification",
        epilog="SCORES has a row per trial, with one score (higher: the target) or the two of a "
        "verification system and a countermeasure (higher: bona fide), as in ASVspoof 5, track 2.",
    )
    group.add_argument("scores", metavar="SCORES", help="a score file")
    group.add_argument("--key", metavar="FILE", help="which trial is target, nontarget or spoof")
    for role, what in NAMED.items():
        group.add_argument(f"--{role}", metavar="COLUMN", help=f"the column of {what} scores")
    for name, meaning in COSTS.items():
        value = getattr(ADCF_ASVSPOOF5, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=float, default=value, metavar="X", help=f"{meaning} (default: {value:g})",
        )  # fmt: skip
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument(
        "--to", choices=list(SPOOF_AWARE_FORMS), help="print the scores in this form instead"
    )
    group.set_defaults(run=run)


@refusing(HINTS)
def run(options: argparse.Namespace) -> int:
    """Evaluate ``options.scores``; 0 when all went well, 2 when a file could not be used."""
    path = Path(options.scores)
    stated = {role: getattr(options, role) for role in NAMED if getattr(options, role)}
    costs = AdcfCosts(**{name: getattr(options, name) for name in COSTS})
    key = Path(options.key) if options.key else None
    trials = read_spoof_aware(path, path.name, key, stated)
    if options.to:
        sys.stdout.write(in_spoof_aware_form(trials, options.to).decode())
        return 0
    found = SpoofAware(trials, costs)
    report = {
        "file": path.name,
        "columns": trials.columns,
        "problems": [p.sentence for p in (*trials.problems, *found.suspicions())],
        "figures": records(found.figures),
    }
    print(json_text(report) if options.json else as_text(report, trials.in_words))
    return 0


def as_text(report: dict[str, Any], columns: str) -> str:
    """The report as a table for a terminal."""
    lines = [f"{report['file']}: {columns}. Higher scores speak for target and bona fide."]
    lines += report["problems"]
    lines.append(f"{'condition':16} {'metric':32} {'value':>9}  {'95 % interval':19} {'from':>9}")
    for row in report["figures"]:
        where = "all" if row["breakdown"] == "overall" else f"attack {row['condition']}"
        value, ends = number(row["value"]), interval(row)
        at = "" if row["threshold"] is None else f"{row['threshold']:.4g}"
        if row["cm_threshold"] is not None:
            at += f", countermeasure {row['cm_threshold']:.4g}"
        note = row["note"] if row["breakdown"] == "overall" else ""
        line = f"{where:16} {metric_name(row['metric']):32} {value:>9}  {ends:19} {at:>9}  {note}"
        lines.append(line.rstrip())
    first = report["figures"][0]
    lines.append(
        f"{first['n_target']:,} targets, {first['n_nontarget']:,} other speakers, "
        f"{first['n_spoof']:,} fakes. 'from': the lowest score that is accepted."
    )
    return "\n".join(lines)
