"""A table -> one row per trial, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import Higher
from core.evaluate.trials.formats import OF_FAKES, PA21
from core.evaluate.trials.guessing import guess_layout
from core.evaluate.trials.labels import LABELS, as_labels
from core.evaluate.trials.layout import ABSENT, Layout, in_order
from core.evaluate.trials.limits import DECIMAL_COMMA, LARGEST
from core.evaluate.trials.packed import begins_with, is_packed, surely_distinct
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence, in_words, short
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
        One row per trial: ``trial`` and any other of `ROLES` that is known; ``score`` as given.
    problems : tuple of Problem
        What was left out, and why.
    higher : {"spoof", "bonafide"} or None
        What a higher score means, where the score's name or the format says it.
    unscored : int
        Trials of the protocol that they were joined with and that have no score.
    """

    table: pd.DataFrame
    problems: tuple[Problem, ...] = field(default=())
    higher: Higher | None = None
    unscored: int = 0

    def split(self) -> tuple[pd.Series, pd.Series]:
        """Scores of the bona fide and of the spoofed trials.

        Raises
        ------
        TrialsError
            If labels or scores are missing, or only one class is there; with all that was left out.
        """
        for role in ("label", "score"):
            if role not in self.table:
                raise TrialsError(ABSENT[role], self.problems, missing=[role])
        spoof = self.table["label"] == "spoof"
        for present, name in ((~spoof, "bona fide"), (spoof, "spoofed")):
            if not present.any():
                raise TrialsError(
                    f"There is no {name} trial; both classes are needed.", self.problems
                )
        return self.table.loc[~spoof, "score"], self.table.loc[spoof, "score"]


def tidy(frame: pd.DataFrame, layout: Layout, name: str = "The file") -> Trials:
    """Name the columns, turn scores into numbers and labels into the field's words.

    Texts are taken as `core.plain.printable` shows them.
    Rows that cannot be used are left out and reported: no trial name, a score that is no number,
    an unknown label, a trial that is listed again. Scores beyond `LARGEST` count as infinite, and
    infinite ones are ranked, first or last.

    Raises
    ------
    TrialsError
        If no column names the trials, a chosen column does not exist, or no row is left.
    """
    import pandas as pd

    if "trial" not in layout.columns:
        raise TrialsError(f"{name}: {ABSENT['trial']}", missing=["trial"])
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
    distinct = is_packed(table["trial"]) and surely_distinct(table["trial"])
    if "score" in table:
        numbers, commas = _numbers(table["score"])
        table["score"] = numbers
        if commas:
            what = f"Scores of {name} have decimal commas: {commas} is read as {_point(commas)}."
            problems.append(Problem(what, 0))
        leave_out(numbers.isna(), "have a score that is no number")
        table["score"], beyond = ranked(table["score"], name)
        problems += beyond
    if "label" in table:
        table["label"] = as_labels(table["label"], layout.spoofed, name)
        leave_out(table["label"].isna(), "have a label that is neither bona fide nor spoof")
    again = "list a trial that was listed before"
    if {"id", "track", "channel"} <= set(frame.columns):  # an archive's table
        again += ", or another channel of its file, of which the first counts"
    if not distinct:
        leave_out(table["trial"].duplicated(), again)
    if layout.format.startswith(PA21) and {"subset", "trim"} <= set(table.columns):
        table["subset"] = _two_hidden(table)
    for role in table.columns.difference(["trial", "score", "label"]):
        table[role] = table[role].astype("category")
    table = printable_frame(without_filler(table))
    if table.empty:
        why = " ".join(p.sentence for p in problems)
        raise TrialsError(f"{name} has no usable row. {why}".rstrip())
    return Trials(table, tuple(problems), layout.higher if "score" in table else None)


def without_filler(table: pd.DataFrame) -> pd.DataFrame:
    """Attributes without what files write where there is nothing to say of bona fide speech.

    Attacks and the like are of fakes only; elsewhere a word for the class is no value.
    """
    filled = table.copy(deep=False)
    fake = table["label"] == "spoof" if "label" in table else None
    for role in table.columns.difference(["trial", "score", "label"]):
        if role in OF_FAKES and fake is not None:
            filled[role] = table[role].where(fake)
            continue
        kinds = table[role].astype("category").cat.categories
        words = [kind for kind in kinds if LABELS.get(str(kind).lower()) == "bonafide"]
        if words and role != "subset":
            filled[role] = table[role].where(~table[role].isin(words))
    return filled


def read_scores(source: Path | bytes, name: str = "", layout: Layout | None = None) -> Trials:
    """`read_table`, `guess_layout` (unless a layout is given) and `tidy` in one.

    Raises
    ------
    TrialsError
        As in those, and where it is in doubt which column is what.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    frame = read_table(source, name)
    if layout is None:
        layout = guess_layout(frame)
        check_sure(layout, name, frame)
    return tidy(frame, layout, name)


def check_sure(layout: Layout, name: str, frame: pd.DataFrame) -> None:
    """Refuse a layout that is in doubt.

    Raises
    ------
    TrialsError
        With the questions, the columns and what their first line holds.
    """
    if layout.sure:
        return
    first = frame.iloc[0] if len(frame) else {}
    columns = [f"{short(c, 30)} ({short(first.get(c), 24)})" for c in frame.columns]
    asked = " ".join(d.sentence for d in layout.doubts)
    raise TrialsError(
        f"{name}: {asked} Its columns, with their first line: {in_words(columns, most=20)}.",
        frame.attrs.get("problems", ()),
        missing=[d.role for d in layout.doubts],
    )


def _numbers(given: pd.Series) -> tuple[pd.Series, str]:
    """Scores as numbers, and the first that has a decimal comma where they are written so.

    Points and commas in one column cannot both be decimal, so then only points are.
    """
    import pandas as pd

    plain = _plain_numbers(given)
    if plain is not None:
        return plain, ""
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    bad = numbers.isna() & given.notna()
    if not bad.any():
        return numbers, ""
    texts = given[bad].astype(str)
    commas = texts[texts.str.fullmatch(DECIMAL_COMMA.pattern)]
    points = given[numbers.notna()].astype(str).str.contains(".", regex=False)
    if commas.empty or points.any():
        return numbers, ""
    numbers[commas.index] = pd.to_numeric(commas.map(_point), errors="coerce")
    return numbers, str(commas.iloc[0]).strip()


def _plain_numbers(given: pd.Series) -> pd.Series | None:
    """Texts as numbers at once, many times faster; None where one of them is none."""
    import pandas as pd

    if not is_packed(given):
        return None
    import pyarrow as pa
    from pyarrow import compute

    try:
        numbers = compute.cast(given.array.__arrow_array__(), pa.float64())
    except pa.ArrowInvalid:
        return None
    return pd.Series(numbers.to_numpy(), index=given.index, name=given.name)


def ranked(scores: pd.Series, name: str) -> tuple[pd.Series, list[Problem]]:
    """Scores whose differences and powers are numbers, but for infinite ones, which are told."""
    beyond = scores.abs() > LARGEST
    count = int(beyond.sum())
    if not count:
        return scores, []
    lines = tuple(int(i) for i in scores.index[beyond.to_numpy()][:5])
    what = f"have a score that is infinite or beyond {LARGEST:g}, which is ranked first or last"
    problem = Problem(in_a_sentence(name, count, what, lines), count, lines)
    return scores.mask(beyond, np.sign(scores) * np.inf), [problem]


def _point(text: str) -> str:
    return text.strip().replace(",", ".")


def _two_hidden(table: pd.DataFrame) -> pd.Series:
    """Subsets of the ASVspoof 2021 PA key: its hidden trials are two, untrimmed and trimmed."""
    subset, trim = table["subset"].astype(str), table["trim"].astype(str)
    hidden = subset == "hidden"
    subset = subset.mask(hidden & (trim == "notrim"), "hidden1")
    return subset.mask(hidden & (trim == "trim"), "hidden2")


def with_problems(trials: Trials, *problems: Problem) -> Trials:
    """The trials with more to be known of them."""
    return replace(trials, problems=(*trials.problems, *problems))


def _formulas(table: pd.DataFrame, name: str) -> list[Problem]:
    """Cells that a spreadsheet would run; here they are text, but a reader should know."""
    import pandas as pd

    bad, formula = None, re.compile(FORMULA)
    for column in table.columns.difference(["score", "label"]):
        cells = table[column].astype("str")
        if is_packed(cells):
            some = begins_with(cells, b"=@+-")
            if some.any():
                some[some] = cells[some].map(lambda cell: bool(formula.match(cell))).to_numpy(bool)
            found = pd.Series(some, cells.index)
        else:
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
