"""``python -m core segments SCORES --reference SPANS``: fakes within recordings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.columns import add_higher, refusing
from core.cli.several import interval, number, records
from core.evaluate.segments import RESOLUTIONS, figures, pieces
from core.evaluate.trials import TrialsError, read_reference, read_scored_spans
from core.evaluate.trials.spans import LONGEST_S, NAMES
from core.plain import json_text


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    group = commands.add_parser(
        "segments",
        help="segment EER and range EER of scores within recordings",
        epilog="SCORES has a row per stretch: file, start, end or duration, score. SPANS is RTTM, "
        "a table of file, start, end and label (without labels every row is a fake), or a line "
        "per file with spans as start-end-label.",
    )
    group.add_argument("scores", metavar="SCORES", help="scores of stretches")
    group.add_argument("--reference", metavar="SPANS", required=True, help="which are fakes")
    add_higher(group)
    group.add_argument(
        "--resolution",
        metavar="SECONDS,...",
        default=",".join(map(str, RESOLUTIONS)),
        help="lengths of segments (default: %(default)s)",
    )
    group.add_argument(
        "--hop", type=float, metavar="SECONDS", help="from row to row, where rows say no times"
    )
    for role in ("file", "start", "end", "duration", "score"):
        group.add_argument(f"--{role}", metavar="COLUMN", help=f"the column of the {role}")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.set_defaults(run=run)


@refusing({})
def run(options: argparse.Namespace) -> int:
    """Evaluate ``options.scores``; 0 when all went well, 2 when a file could not be used."""
    path, other = Path(options.scores), Path(options.reference)
    stated = {role: getattr(options, role) for role in NAMES if getattr(options, role, None)}
    resolutions = _lengths(options.resolution)
    scores = read_scored_spans(path, path.name, options.hop, stated)
    higher = options.higher or scores.higher
    if higher is None:
        raise TrialsError("What does a high score mean? --higher spoof or --higher bonafide.")
    reference = read_reference(other, other.name)
    found = pieces(scores, reference, higher)
    report = {
        "file": path.name,
        "columns": scores.in_words,
        "reference": f"{other.name}: {reference.in_words}",
        "higher": higher,
        "problems": [p.sentence for p in found.problems],
        "figures": records(figures(found, resolutions)),
    }
    print(json_text(report) if options.json else as_text(report))
    return 0


def _lengths(given: str) -> list[float]:
    try:
        lengths = [float(text) for text in given.split(",")]
    except ValueError:
        lengths = []
    if not lengths or not all(0 < length <= LONGEST_S for length in lengths):
        raise TrialsError(f"--resolution takes seconds, such as 0.02,0.16, and not {given!r}.")
    return lengths


def as_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    meaning = "spoofed" if report["higher"] == "spoof" else "bona fide"
    lines = [f"{report['file']}: {report['columns']}; higher means {meaning}."]
    lines += [f"{report['reference']}.", *report["problems"]]
    lines.append(f"{'measure':20} {'EER (%)':>9}  {'95 % interval':19} {'bona fide + spoofed':>28}")
    for row in report["figures"]:
        name = f"{row['measure']} EER"
        if row["resolution_s"] is not None:
            name += f", {row['resolution_s']:g} s"
        value, ends = number(row["value"]), interval(row)
        digits = ",.1f" if row["unit"] == "s" else ",.0f"
        sizes = f"{row['bonafide']:{digits}} + {row['spoof']:{digits}} {row['unit']}"
        lines.append(f"{name:20} {value:>9}  {ends:19} {sizes:>28}  {row['note']}".rstrip())
    return "\n".join(lines)
