"""A table -> one row a trial, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import Higher, auc
from core.evaluate.trials.layout import LABELS, Layout, guess_layout, in_order
from core.evaluate.trials.limits import LARGEST
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence, line_numbers
from core.evaluate.trials.reading import read_table
from core.plain import printable_frame

if TYPE_CHECKING:
    import pandas as pd


FORMULA = r"[=@]|[+-][^\d.\s]"
"""How a cell begins that a spreadsheet takes for a formula (the field's lone "-" is none)."""


@dataclass(frozen=True)
class Trials:
    """Checked trials.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a trial: ``trial`` and any other of `ROLES` that is known; ``score`` as given.
    problems : tuple of Problem
        What was left out, and why.
    """

    table: pd.DataFrame
    problems: tuple[Problem, ...] = field(default=())

    def split(self) -> tuple[pd.Series, pd.Series]:
        """Scores of the bona fide and of the spoofed trials.

        Raises
        ------
        TrialsError
            If labels or scores are missing, or only one class is there.
        """
        for role, what in (("label", "says which trials are spoofed"), ("score", "has scores")):
            if role not in self.table:
                raise TrialsError(f"No column {what}; name it, or add a protocol file.")
        spoof = self.table["label"] == "spoof"
        for present, name in ((~spoof, "bona fide"), (spoof, "spoofed")):
            if not present.any():
                raise TrialsError(f"There is no {name} trial; both classes are needed.")
        return self.table.loc[~spoof, "score"], self.table.loc[spoof, "score"]


@dataclass(frozen=True)
class Direction:
    """Which way the scores run, judged by their ranking of the classes.

    Attributes
    ----------
    higher : {"spoof", "bonafide"}
        What a higher score seems to speak for.
    auc : float
        Probability that a spoofed trial has the higher score.
    sure : bool
        False within 0.1 of chance, where a weak system and a wrong sign look alike.
    """

    higher: Higher
    auc: float
    sure: bool


def tidy(frame: pd.DataFrame, layout: Layout, name: str = "The file") -> Trials:
    """Name the columns, turn scores into numbers and labels into the field's words.

    Texts are taken as `core.plain.printable` shows them.
    Rows that cannot be used are left out and reported: no trial name, a score that is no finite
    number or beyond `LARGEST`, an unknown label, a trial that is listed again.

    Raises
    ------
    TrialsError
        If no column names the trials, a chosen column does not exist, or no row is left.
    """
    import pandas as pd

    if "trial" not in layout.columns:
        raise TrialsError(f"No column of {name} names the trials; choose one.")
    missing = [c for c in layout.columns.values() if c not in frame]
    if missing:
        raise TrialsError(f"{name} has no column {missing[0]!r}.")
    table = pd.DataFrame({role: frame[layout.columns[role]] for role in in_order(layout.columns)})
    problems: list[Problem] = [*frame.attrs.get("problems", ())]
    problems += _formulas(table, name)

    def leave_out(bad: pd.Series, what: str) -> None:
        nonlocal table
        count = int(bad.sum())
        if count:
            lines = tuple(int(i) for i in table.index[bad.to_numpy()][:5])
            problems.append(Problem(in_a_sentence(name, count, what, lines), count, lines))
            table = table[~bad]

    leave_out(table["trial"].isna(), "name no trial")
    table["trial"] = table["trial"].astype(str).str.strip()
    if "score" in table:
        numbers = pd.to_numeric(table["score"], errors="coerce").astype("float64")
        table["score"] = numbers
        leave_out(numbers.isna(), "have a score that is no number")
        leave_out(~np.isfinite(table["score"]), "have an infinite score")
        # Differences and powers of scores must stay numbers; no system gives such scores.
        leave_out(table["score"].abs() > LARGEST, f"have a score beyond {LARGEST:g}")
    if "label" in table:
        given = table["label"].astype(str).str.strip()
        if layout.spoof_value is None:
            table["label"] = given.str.lower().map(LABELS)
            leave_out(table["label"].isna(), "have a label that is neither bona fide nor spoof")
        else:
            table["label"] = np.where(given == layout.spoof_value, "spoof", "bonafide")
    again = "list a trial that was listed before"
    if {"id", "track", "channel"} <= set(frame.columns):  # an archive's table
        again += ", or another channel of its file, of which the first counts"
    leave_out(table["trial"].duplicated(), again)
    for role in table.columns.difference(["trial", "score", "label"]):
        table[role] = table[role].astype("category")
    if "attack" in table and "label" in table:
        table["attack"] = table["attack"].where(table["label"] == "spoof")
    table = printable_frame(table)
    if table.empty:
        why = " ".join(p.sentence for p in problems)
        raise TrialsError(f"{name} has no usable row. {why}".rstrip())
    return Trials(table, tuple(problems))


def attach(scores: Trials, protocol: Trials) -> Trials:
    """Add the protocol's label, attack, codec, speaker... to scored trials, by trial name.

    Raises
    ------
    TrialsError
        If no scored trial is in the protocol.
    """
    import pandas as pd

    names = pd.Index(protocol.table["trial"])
    key = protocol.table.drop(columns=["trial", "score"], errors="ignore")
    mine = scores.table.drop(columns=[c for c in key.columns if c in scores.table])
    place = names.get_indexer(mine["trial"])
    known = place >= 0
    problems = [*scores.problems, *protocol.problems]
    if not known.any():
        raise TrialsError(
            "No trial of the score file is in the protocol; do they belong to the same benchmark? "
            f"The first are {mine['trial'].iloc[0]} and {names[0]}."
        )
    if not known.all():
        count = int((~known).sum())
        first = ", ".join(mine["trial"][~known].head(3))
        lines, listed = line_numbers(mine.index[~known], count)
        what = f"{count:,} scored trials are not in the protocol, such as {first} ({listed})."
        problems.append(Problem(what, count, lines))
    unscored = len(key) - int(known.sum())
    if unscored:
        without = np.ones(len(key), dtype=bool)
        without[place[known]] = False
        lines, listed = line_numbers(key.index[without], unscored)
        what = f"{unscored:,} trials of the protocol have no score and are left out ({listed})."
        problems.append(Problem(what, unscored, lines))
    mine = mine[known]
    found = key.take(place[known]).set_axis(mine.index)
    joined = pd.concat([mine, found], axis=1)
    return Trials(joined[in_order(joined)], tuple(problems))


def direction(trials: Trials) -> Direction:
    """Judge from the ranking which way the scores run.

    Raises
    ------
    TrialsError
        As in `Trials.split`.
    """
    bona, spoof = trials.split()
    area = auc(bona.to_numpy(), spoof.to_numpy())
    return Direction("spoof" if area >= 0.5 else "bonafide", area, abs(area - 0.5) >= 0.1)


def read_scores(source: Path | bytes, name: str = "", layout: Layout | None = None) -> Trials:
    """`read_table`, `guess_layout` (unless a layout is given) and `tidy` in one.

    Raises
    ------
    TrialsError
        As in those.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    frame = read_table(source, name)
    return tidy(frame, layout or guess_layout(frame), name)


def _formulas(table: pd.DataFrame, name: str) -> list[Problem]:
    """Cells that a spreadsheet would run; here they are text, but a reader should know."""
    bad = None
    for column in table.columns.difference(["score", "label"]):
        cells = table[column].astype("str")
        found = cells.str.match(FORMULA).fillna(False).astype(bool)
        bad = found if bad is None else bad | found
    count = 0 if bad is None else int(bad.sum())
    if bad is None or not count:
        return []
    lines = tuple(int(i) for i in table.index[bad.to_numpy()][:5])
    verb = (
        "starts like a spreadsheet formula and is"
        if count == 1
        else ("start like a spreadsheet formula and are")
    )
    return [Problem(in_a_sentence(name, count, f"{verb} kept as plain text", lines), count, lines)]
