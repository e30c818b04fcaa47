"""Several files at once: data sets of one system, other systems, and their fusion."""

from __future__ import annotations

import argparse
import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.cli.columns import Part, layout_line, read
from core.evaluate import analysis
from core.evaluate.trials import (
    Direction,
    Layout,
    Trials,
    TrialsError,
    attach,
    direction,
)

if TYPE_CHECKING:
    import pandas as pd


class Given(NamedTuple):
    """A file with its layout."""

    path: Path
    trials: Trials
    layout: Layout


class Other(NamedTuple):
    """Another system: its name, scores, first file's layout, and which way scores run."""

    name: str
    trials: Trials
    line: str
    layout: Layout
    found: Direction


def add_several(group: Any) -> None:
    """Add ``--fuse``, ``--fuse-learn`` and ``--fuse-judge``."""
    group.add_argument(
        "--fuse",
        action="store_true",
        help="fuse SCORES and every --compare, each trial by weights learnt from other speakers",
    )
    group.add_argument(
        "--fuse-learn",
        metavar="COLUMN=VALUE",
        help="fuse by weights learnt from these trials, and judge the others",
    )
    group.add_argument(
        "--fuse-judge", metavar="VALUE", help="judge only trials with this value of that column"
    )


def scored(options: argparse.Namespace, by: Sequence[str]) -> tuple[Trials, list[Given], list[str]]:
    """The trials of SCORES with their labels, their files, and the protocols' layouts in a line.

    Raises
    ------
    TrialsError
        If a file cannot be read or used.
    """
    files = _read(options.scores, "scores", options, by)
    keys = _read(options.protocol, "protocol", options, by)
    trials = analysis.labelled_sets(
        [(file.path.stem, file.trials) for file in files],
        [(key.path.name, key.trials) for key in keys],
        options.join_by_stem,
    )
    return trials, files, [layout_line(key.path, key.layout) for key in keys]


def others(options: argparse.Namespace, known: Trials) -> list[Other]:
    """The systems of ``--compare``, each a file or a folder of data sets.

    Raises
    ------
    TrialsError
        If there are too many, or a file cannot be read or used.
    """
    if len(options.compare) >= analysis.MOST_SYSTEMS:
        raise TrialsError(f"At most {analysis.MOST_SYSTEMS - 1} files can be compared with SCORES.")
    found = []
    for given in options.compare:
        files = _read([given], "compare", options, ())
        sets = [(file.path.stem, file.trials) for file in files]
        trials = analysis.stacked(sets) if len(sets) > 1 else files[0].trials
        labelled = trials
        if "label" not in trials.table:
            labelled = attach(trials, known, options.join_by_stem)
        way = direction(labelled, options.compare_higher or options.higher)
        line = layout_line(files[0].path, files[0].layout)
        found.append(Other(Path(given).name, trials, line, files[0].layout, way))
    return found


def data_sets(data: analysis.Prepared, settings: analysis.Settings) -> analysis.DataSets | None:
    """Figures by data set; None where the trials are of one."""
    if analysis.DATA_SET not in data.table or len(data.codes(analysis.DATA_SET)[1]) < 2:
        return None
    return analysis.by_data_set(data, settings=settings)


def fused(
    options: argparse.Namespace,
    data: analysis.Prepared,
    name: str,
    systems: Sequence[Other],
    settings: analysis.Settings,
) -> analysis.Fused | None:
    """The fusion that was asked for; None where none was.

    Raises
    ------
    TrialsError
        If there is nothing to fuse, or nothing to learn from.
    """
    if not (options.fuse or options.fuse_learn):
        return None
    if not systems:
        raise TrialsError("--fuse takes other systems: --compare FILE, once for each.")
    found = analysis.together(
        data, name, [(o.name, o.trials, o.found.higher) for o in systems],
        by_stem=options.join_by_stem,
    )  # fmt: skip
    plan = None
    if options.fuse_learn:
        column, equals, value = options.fuse_learn.partition("=")
        if not equals:
            raise TrialsError("--fuse-learn takes COLUMN=VALUE, such as subset=progress.")
        plan = analysis.split(found.first, column, value, options.fuse_judge)
    return analysis.fuse(found, plan, settings)


def fusion_record(result: analysis.Fused) -> dict[str, Any]:
    """A fusion as JSON can hold it."""
    return {
        "about": result.about,
        "problems": [p.sentence for p in result.problems],
        "best_alone": result.best,
        "n_bonafide": result.n_bonafide,
        "n_spoof": result.n_spoof,
        "figures": records(result.figures),
        "gains": records(result.gains),
        "weights": records(result.weights),
    }


def records(figures: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: what is not known or infinite is None."""
    return [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in figures.to_dict("records")
    ]


def number(value: float | None) -> str:
    """A figure in a cell of a terminal's table."""
    return "-" if value is None else f"{value:.4f}"


def interval(row: dict[str, Any]) -> str:
    """A figure's interval in such a cell; empty where it has none."""
    return "" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"


def carried_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A matrix of the errors of carried thresholds for a terminal."""
    sets = list(dict.fromkeys(row["applied_to"] for row in rows))
    cells = {(row["taken_from"], row["applied_to"]): row["error"] for row in rows}
    lines = [
        "Mean of both error rates (%) where the threshold is that of the EER on the set before:",
        f"{'':24} " + " ".join(f"{name[:14]:>14}" for name in sets),
    ]
    for taken in dict.fromkeys(row["taken_from"] for row in rows):
        numbers = " ".join(f"{cells[taken, applied]:14.2f}" for applied in sets)
        lines.append(f"{taken[:24]:24} {numbers}")
    return lines


def digests(files: Sequence[Given]) -> list[dict[str, str]]:
    """Names and contents of files."""
    return [
        {
            "file": file.path.name,
            "sha256": hashlib.sha256(file.path.read_bytes()).hexdigest(),
            "layout": layout_line(file.path, file.layout),
        }
        for file in files
    ]


def _read(
    given: Sequence[str], part: Part, options: argparse.Namespace, by: Sequence[str]
) -> list[Given]:
    return [Given(path, *read(path, part, options, by)) for path in _opened(given)]


def _opened(given: Sequence[str]) -> list[Path]:
    """The files, and those in folders, by name."""
    found: list[Path] = []
    for text in given:
        path = Path(text)
        if not os.path.isdir(path):
            found.append(path)
            continue
        inside = [f for f in sorted(path.iterdir()) if os.path.isfile(f) and f.name[0] != "."]
        if not inside:
            raise TrialsError(f"There is no file in {path.name or path}.")
        found += inside
    return found
