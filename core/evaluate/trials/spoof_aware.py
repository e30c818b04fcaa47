"""Trials of targets, other speakers and fakes, with one score or two each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.trials.formats import ROLE_OF
from core.evaluate.trials.labels import VERIFICATION
from core.evaluate.trials.limits import is_number, some_rows
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence, in_words
from core.evaluate.trials.reading import read_table
from core.evaluate.trials.tidy import ranked

if TYPE_CHECKING:
    import pandas as pd

SCORES = {
    "sasv": ("sasv-score", "sasv_score", "sasv", "score"),
    "asv": ("asv-score", "asv_score", "asv"),
    "cm": ("cm-score", "cm_score", "cm"),
}
"""Which scores a file may hold, and what their columns are called, lower case."""

NAMED = {"sasv": "spoof-aware verification", "asv": "verification", "cm": "countermeasure"}
"""Scores in words."""

KINDS = ("target", "nontarget", "spoof")


@dataclass(frozen=True, eq=False)
class SpoofAwareTrials:
    """Labelled trials; in every column of scores higher speaks for the target or for bona fide.

    Attributes
    ----------
    table : pandas.DataFrame
        ``kind`` (target, nontarget, spoof), the columns of `SCORES` that were found, and
        ``attack``, ``speaker`` and ``trial`` where they are known; the index holds line numbers.
    columns : dict of str to str
        Which column of the file each of them is.
    problems : tuple of Problem
        What was left out.
    """

    table: pd.DataFrame
    columns: dict[str, str]
    problems: tuple[Problem, ...] = ()

    def of(self, score: str) -> dict[str, np.ndarray]:
        """Scores ``[n]`` of each kind of trial."""
        return {
            kind: self.table.loc[self.table["kind"] == kind, score].to_numpy(dtype=np.float64)
            for kind in KINDS
        }

    @property
    def in_words(self) -> str:
        """Which column is what."""
        return ", ".join(f"{NAMED.get(role, role)} = {c}" for role, c in self.columns.items())


def has_three_kinds(frame: pd.DataFrame) -> bool:
    """Whether a table labels its trials as target, nontarget and spoof."""
    return _kind_column({str(c): frame[c] for c in frame.columns}) is not None


def read_spoof_aware(
    source: Path | bytes | pd.DataFrame,
    name: str,
    key: Path | pd.DataFrame | None = None,
    stated: Mapping[str, str] | None = None,
) -> SpoofAwareTrials:
    """Read a score file of spoof-aware verification: those of SASV and of ASVspoof 5, track 2.

    Parameters
    ----------
    source : path, bytes or pandas.DataFrame
        One trial per row: its scores and, unless the key has it, whether it is target, nontarget
        or a spoof.
    name : str
        Of the file, for messages.
    key : path or pandas.DataFrame, optional
        Kinds of the trials, joined by speaker and trial.
    stated : mapping of str to str, optional
        Columns of scores by role, where their names do not say it.

    Raises
    ------
    TrialsError
        If it does not hold such trials, or it is in doubt which column holds the scores.
    """
    frame = _table(source, name)
    if frame.shape[1] > 3:
        frame = _named(frame)
    problems: list[Problem] = list(frame.attrs.get("problems", ()))
    if key is not None:
        frame, left = _joined(frame, _table(key, "The key"), name)
        problems += left
    texts = {str(c): frame[c].astype("str").str.strip() for c in frame.columns}
    kind = _kind_column(texts)
    if kind is None:
        raise TrialsError(
            f"{name} has no column of target, nontarget and spoof, and a-DCF needs all three.",
            problems,
            missing=["label"],
        )
    columns = _scores(texts, kind, name, stated or {})
    import pandas as pd

    table = pd.DataFrame({"kind": texts[kind].str.lower()}, index=frame.index)
    for role, column in columns.items():
        commas = texts[column].str.replace(",", ".", regex=False)
        table[role] = pd.to_numeric(commas, errors="coerce").astype("float64")
    for role, column in _attributes(texts).items():
        table[role] = texts[column]
        columns[role] = column
    scored = [role for role in SCORES if role in columns]
    for role in scored:
        table[role], beyond = ranked(table[role], name)
        problems += beyond
    usable = table[scored].notna().all(axis=1)
    known = table["kind"].isin(VERIFICATION)
    new = pd.Series(True, index=table.index)
    if {"speaker", "trial"} <= set(table):
        new = ~table.duplicated(["speaker", "trial"])
    for good, what in (
        (usable, "have no usable score"),
        (known, "have none of the classes target, nontarget, spoof"),
        (new, "list a trial of a speaker that was listed before"),
    ):
        count = int((~good).sum())
        if count:
            lines = tuple(int(i) for i in table.index[~good][:5])
            problems.append(Problem(in_a_sentence(name, count, what, lines), count, lines))
    table = table[usable & known & new]
    missing = [k for k in KINDS if not (table["kind"] == k).any()]
    if missing:
        raise TrialsError(
            f"{name} has no usable line of the class {in_words(missing, 'or')}.", problems
        )
    return SpoofAwareTrials(table, {"kind": kind, **columns}, tuple(problems))


def _table(source: Path | bytes | pd.DataFrame, name: str) -> pd.DataFrame:
    if isinstance(source, Path):
        return read_table(source)
    return read_table(source, name) if isinstance(source, bytes) else source


def _kind_column(columns: Mapping[str, pd.Series]) -> str | None:
    """The column with all three kinds, and little else."""
    for column, given in columns.items():
        values = given.dropna().unique()
        if len(values) < 50 and {str(v).strip().lower() for v in values} >= VERIFICATION:
            return column
    return None


def _scores(
    texts: Mapping[str, pd.Series], kind: str, name: str, stated: Mapping[str, str]
) -> dict[str, str]:
    for column in stated.values():
        if column not in texts:
            raise TrialsError(f"{name} has no column {column}; it has: {', '.join(texts)}.")
    if stated:
        return dict(stated)
    found = {}
    for role, names in SCORES.items():
        for column in texts:
            if column.lower() in names:
                found[role] = column
                break
    if not found:
        head = {c: t.iloc[some_rows(len(t))] for c, t in texts.items() if c != kind}
        numbers = [c for c, t in head.items() if t.map(is_number).mean() >= 0.9]
        if len(numbers) != 1:
            which = f"{in_words(numbers, 'or')} may be it" if numbers else "none has numbers"
            raise TrialsError(
                f"It is in doubt which column of {name} holds the scores: {which}.",
                missing=["score"],
            )
        found["sasv"] = numbers[0]
    if ("asv" in found) != ("cm" in found) and "sasv" not in found:
        lone = next(iter(found))
        found = {"sasv": found[lone]}
    return found


def _attributes(texts: Mapping[str, pd.Series]) -> dict[str, str]:
    wanted = {"attack_anon": "attack", "tar_spk_anon": "speaker"}
    roles = {c: wanted.get(c.lower()) or ROLE_OF.get(c.lower()) for c in texts}
    return {r: c for c, r in reversed(roles.items()) if r in ("attack", "speaker", "trial")}


def _joined(
    frame: pd.DataFrame, key: pd.DataFrame, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Scores with what the key says of the same speaker and trial."""
    sides = [_named(frame), _named(key)]
    on = [c for c in ("speaker", "trial") if all(c in side for side in sides)]
    if "trial" not in on:
        raise TrialsError(f"{name} and its key have no column of trials in common.")
    scores, key = sides
    if key.duplicated(on).any():
        raise TrialsError("The key lists a trial twice; with speakers in both files it may not.")
    extra = [c for c in key.columns if c in on or c not in scores]
    both = scores.reset_index(names="line").merge(key[extra], on=on, how="left", indicator=True)
    alone = both["_merge"] != "both"
    problems = []
    if alone.any():
        lines = tuple(int(i) for i in both.loc[alone, "line"][:5])
        count = int(alone.sum())
        problems.append(
            Problem(in_a_sentence(name, count, "have no entry in the key", lines), count, lines)
        )
    both = both[~alone].set_index("line").drop(columns="_merge")
    if both.empty:
        raise TrialsError(f"No trial of {name} is in its key.", problems)
    return both, problems


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose columns of speakers and trials are called so."""
    also = {"tar_spk_anon": "speaker", "trial_anon": "trial"}
    roles = {c: also.get(str(c).lower()) or ROLE_OF.get(str(c).lower()) for c in frame.columns}
    kept = frame.attrs
    names: dict[str, str] = {}
    for column, role in roles.items():
        if role in ("speaker", "trial") and role not in names.values():
            names[str(column)] = role
    if not names and str(frame.columns[0]) == "column 1" and frame.shape[1] > 2:
        names = {"column 1": "speaker", "column 2": "trial"}
    frame = frame.rename(columns=names)
    frame.attrs = kept
    return frame
