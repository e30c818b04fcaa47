"""Scores of a verification system, which t-DCF needs beside a countermeasure's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import (
    Floats,
    TandemConstants,
    asv_rates,
    asv_threshold,
    tandem_constants,
)
from core.evaluate.trials.formats import ATTACK
from core.evaluate.trials.labels import VERIFICATION
from core.evaluate.trials.limits import is_number, some_rows
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence, in_words
from core.evaluate.trials.reading import read_table
from core.evaluate.trials.subsets import EVAL
from core.evaluate.trials.tidy import ranked

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class AsvScores:
    """Scores of the verification system (higher = target), spoofed ones by attack.

    Attributes
    ----------
    target, nontarget : numpy.ndarray
        float64 ``[n]``.
    spoof : mapping of str to numpy.ndarray
        By attack; ``-`` for those of none that is known.
    problems : tuple of Problem
        What was read, and what was left out.
    """

    target: Floats
    nontarget: Floats
    spoof: Mapping[str, Floats]
    problems: tuple[Problem, ...] = field(default=())

    @classmethod
    def read(cls, path: Path, subset: str | None = None) -> AsvScores:
        """As `of`, from a path."""
        return cls.of(path, path.name, subset)

    @classmethod
    def of(cls, source: Path | bytes, name: str, subset: str | None = None) -> AsvScores:
        """Read the scores of ASVspoof 2019, or a line of the ASVspoof 2021 key with its score.

        Parameters
        ----------
        source : path or bytes
            A table: a column of target, nontarget and spoof, one of numbers, and where it is known
            the attack and the subset.
        name : str
            For messages.
        subset : str, optional
            Which subset counts where there are several: ``eval`` by default, ``all`` for all.

        Raises
        ------
        TrialsError
            If the file does not hold such lines.
        """
        rows = read_table(source, name)
        texts = {c: rows[c].astype("str").str.strip() for c in rows.columns}
        key, score = _columns(texts, name)
        problems: list[Problem] = [*rows.attrs.get("problems", ())]
        table, left = _usable(texts, key, score, name)
        problems += left
        table, left = _of_subset(table, [c for c in texts if c not in (key, score)], subset)
        problems += left
        of = {kind: part for kind, part in table.groupby("kind")}
        missing = [k for k in ("target", "nontarget", "spoof") if k not in of]
        if missing:
            raise TrialsError(
                f"{name} has no usable line of the class {in_words(missing, 'or')}.", problems
            )
        group = _attacks(of["spoof"], [c for c in texts if c not in (key, score)])
        attacks = {str(a): p["value"].to_numpy() for a, p in of["spoof"].groupby(group)}
        found = cls(of["target"]["value"].to_numpy(), of["nontarget"]["value"].to_numpy(), attacks)
        return cls(found.target, found.nontarget, attacks, (*problems, found._said(name)))

    def constants(self, attack: str | None = None) -> TandemConstants:
        """Constants of the tandem cost, for one attack or all together.

        Raises
        ------
        ValueError
            If the system accepts no fake at all, or costs more than rejecting everybody.
        """
        spoof = np.concatenate(list(self.spoof.values())) if attack is None else self.spoof[attack]
        threshold = asv_threshold(self.target, self.nontarget).threshold
        found = tandem_constants(asv_rates(self.target, self.nontarget, spoof, threshold))
        if attack is None and found.c2 == 0:
            raise ValueError("A verification system that accepts no fake leaves t-DCF undefined.")
        return found

    def _said(self, name: str) -> Problem:
        rate = asv_threshold(self.target, self.nontarget).rate
        wrong = " Do its scores run the other way? Higher must mean target." if rate > 0.5 else ""
        fakes = sum(map(len, self.spoof.values()))
        return Problem(
            f"{name}: {len(self.target):,} target, {len(self.nontarget):,} nontarget and "
            f"{fakes:,} spoofed trials of a verification system, whose EER is {100 * rate:.2f} % "
            f"where higher means target.{wrong}",
            0,
        )


def _columns(texts: Mapping[str, pd.Series], name: str) -> tuple[str, str]:
    """The columns of the classes and of the scores."""
    keys = [
        c for c, t in texts.items() if {"target", "nontarget"} <= set(t.str.lower().unique()[:50])
    ]
    if len(keys) != 1:
        raise TrialsError(
            f"{name} has {'no column' if not keys else 'several columns'} of target, nontarget and "
            "spoof. Scores of ASVspoof 2021 need their key: each line of trial_metadata.txt, then "
            "its score."
        )
    head = {c: t.iloc[some_rows(len(t))] for c, t in texts.items()}
    numbers = [c for c in texts if c != keys[0] and head[c].map(is_number).mean() >= 0.9]
    named = [c for c in numbers if c.lower() == "score"]
    numbers = named or numbers
    if len(numbers) != 1:
        found = f"several: {in_words(numbers)}" if numbers else "none"
        raise TrialsError(
            f"{name} must have one column of scores that are numbers; it has {found}."
        )
    return keys[0], numbers[0]


def _usable(
    texts: Mapping[str, pd.Series], key: str, score: str, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    import pandas as pd

    table = pd.DataFrame({c: t for c, t in texts.items() if c not in (key, score)})
    table["kind"] = texts[key].str.lower()
    commas = texts[score].str.replace(",", ".", regex=False)
    table["value"] = pd.to_numeric(commas, errors="coerce").astype("float64")
    table["value"], problems = ranked(table["value"], name)
    for bad, what in (
        (table["value"].isna(), "have no usable score"),
        (~table["kind"].isin(VERIFICATION), "have none of the classes target, nontarget, spoof"),
    ):
        count = int(bad.reindex(table.index).sum())
        if count:
            lines = tuple(int(i) for i in table.index[bad.to_numpy()][:5])
            problems.append(Problem(in_a_sentence(name, count, what, lines), count, lines))
    return table[table["value"].notna() & table["kind"].isin(VERIFICATION)], problems


def _of_subset(
    table: pd.DataFrame, columns: list[str], wanted: str | None
) -> tuple[pd.DataFrame, list[Problem]]:
    """The lines of one subset, where a column says to which each belongs."""
    known = {"progress", EVAL, "hidden"}
    column = next((c for c in columns if set(table[c].unique()[:50]) <= known), None)
    if column is None or wanted == "all" or table[column].nunique() < 2:
        return table, []
    wanted = "hidden" if (wanted or "").startswith("hidden") else wanted or EVAL
    if wanted not in set(table[column]):
        return table, []
    chosen = table[table[column] == wanted]
    left = len(table) - len(chosen)
    what = f"Of the verification system's trials only the subset {wanted} counts; {left:,} do not."
    return chosen, [Problem(what, left)]


def _attacks(fakes: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The attack of each fake; the first column's value in a file of three."""
    import pandas as pd

    for column in columns:
        if fakes[column].str.fullmatch(ATTACK.pattern).all():
            return fakes[column]
    if len(columns) == 1:
        return fakes[columns[0]]
    return pd.Series("-", index=fakes.index)
