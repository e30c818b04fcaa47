"""Trials of two files brought together by their names, with or without folder and suffix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.audio.files import AUDIO_SUFFIXES
from core.evaluate.trials.layout import in_order
from core.evaluate.trials.problems import Problem, TrialsError, in_words, line_numbers
from core.evaluate.trials.tidy import Trials, without_filler

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Match:
    """Where each of some trials is among others.

    Attributes
    ----------
    place : numpy.ndarray
        int ``[n]``; -1 where a trial is not there.
    problems : tuple of Problem
        How many were joined by their stem or could be, with an example.
    """

    place: npt.NDArray[np.intp]
    problems: tuple[Problem, ...] = ()


def match(mine: pd.Series, others: pd.Series, where: str, by_stem: bool = False) -> Match:
    """Find trials among others: by name, else by the name without folder and audio suffix.

    A name that leaves folder or suffix out is the same name where its stem is unique on both
    sides. Names that contradict each other in either are joined only if ``by_stem`` says so, since
    ``a.wav`` may be another recording than ``a.flac``.

    Parameters
    ----------
    mine, others : pandas.Series
        Names, unique on either side.
    where : str
        What the others are called in sentences.
    by_stem : bool
        Join names that contradict each other in folder or suffix too.
    """
    import pandas as pd

    place = pd.Index(others).get_indexer(pd.Index(mine)).astype(np.intp)
    left = np.flatnonzero(place < 0)
    if not len(left):
        return Match(place)
    here, there = _parts(mine), _parts(others)
    once = ~there["stem"].duplicated(keep=False).to_numpy()
    candidates = np.flatnonzero(once)
    found = pd.Index(there["stem"].to_numpy()[once]).get_indexer(here["stem"].iloc[left])
    own = ~here["stem"].duplicated(keep=False).to_numpy()[left]
    rows = left[(found >= 0) & own]
    targets = candidates[found[(found >= 0) & own]]
    alike = _alike(here.iloc[rows], there.iloc[targets])
    joined = np.ones(len(rows), dtype=bool) if by_stem else alike
    place[rows[joined]] = targets[joined]
    problems = []

    def example(chosen: npt.NDArray[np.bool_]) -> tuple[int, str]:
        first = int(np.flatnonzero(chosen)[0])
        names = in_words([mine.iloc[rows[first]], others.iloc[targets[first]]])
        return int(chosen.sum()), names

    if joined.any():
        count, names = example(joined)
        what = f"{count:,} trials have another name in {where} and are joined by its stem: {names}."
        problems.append(Problem(what, count))
    if not joined.all():
        count, names = example(~joined)
        what = (
            f"{count:,} trials differ from {where} in folder or suffix and are not joined, such as "
            f"{names}; they can be joined by their stem."
        )
        problems.append(Problem(what, count, by_stem=True))
    several = int((found >= 0).sum()) - len(rows)
    several += int(np.isin(here["stem"].iloc[left], there["stem"][~once]).sum())
    if several:
        what = f"{several:,} trials cannot be joined to {where} by their stem, which is not unique."
        problems.append(Problem(what, several))
    return Match(place, tuple(problems))


def _parts(names: pd.Series) -> pd.DataFrame:
    """Folder, stem and audio suffix of each name."""
    import pandas as pd

    cut = [_cut(str(name)) for name in names.to_numpy(dtype=object)]
    columns = ["folder", "stem", "suffix"]
    return pd.DataFrame(cut, columns=columns, index=names.index, dtype=object)


def _cut(name: str) -> tuple[str, str, str]:
    start = max(name.rfind("/"), name.rfind("\\")) + 1
    if start == len(name):
        return "", name, ""  # no name but a folder's
    end = name.rfind(".", start + 1)
    if end < 0 or name[end:].lower() not in AUDIO_SUFFIXES:
        end = len(name)
    return name[:start], name[start:end], name[end:]


def _alike(here: pd.DataFrame, there: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether names with the same stem may be one: where either says less, never otherwise."""
    one, two = (t["suffix"].to_numpy(dtype=object) for t in (here, there))
    suffixes = (one == "") | (two == "") | (one == two)
    rest = np.flatnonzero(~suffixes)
    suffixes[rest] = [one[i].lower() == two[i].lower() for i in rest]
    one, two = (t["folder"].to_numpy(dtype=object) for t in (here, there))
    folders = (one == "") | (two == "") | (one == two)
    rest = np.flatnonzero(~folders)
    folders[rest] = [_within(one[i], two[i]) for i in rest]
    return np.asarray(folders & suffixes, dtype=bool)


def _within(one: str, two: str) -> bool:
    """Whether one folder is the end of the other."""
    short, long = sorted((f.replace("\\", "/").removeprefix("./") for f in (one, two)), key=len)
    return f"/{long}".endswith(f"/{short}")


def attach(scores: Trials, protocol: Trials, by_stem: bool = False) -> Trials:
    """Add the protocol's label, attack, codec, speaker... to scored trials, by trial name.

    Names are joined as in `match`.

    Raises
    ------
    TrialsError
        If no scored trial is in the protocol; with all that was left out.
    """
    import pandas as pd

    key = protocol.table.drop(columns=["trial", "score"], errors="ignore")
    mine = scores.table.drop(columns=[c for c in key.columns if c in scores.table])
    found = match(mine["trial"], protocol.table["trial"], "the protocol", by_stem)
    place, known = found.place, found.place >= 0
    problems = [*scores.problems, *protocol.problems, *found.problems]
    if not known.any():
        raise TrialsError(
            "No trial of the score file is in the protocol; do they belong to the same benchmark? "
            f"The first are {mine['trial'].iloc[0]} and {protocol.table['trial'].iloc[0]}.",
            problems,
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
    problems += _contradictions(scores.table[known], key.take(place[known]))
    mine = mine[known]
    joined = pd.concat([mine, key.take(place[known]).set_axis(mine.index)], axis=1)
    table = without_filler(joined[in_order(joined)])
    return replace(scores, table=table, problems=tuple(problems), unscored=unscored)


def _contradictions(mine: pd.DataFrame, key: pd.DataFrame) -> list[Problem]:
    """Trials whose class is another in the score file than in the protocol."""
    if "label" not in mine or "label" not in key:
        return []
    other = mine["label"].astype("str").to_numpy() != key["label"].astype("str").to_numpy()
    count = int(other.sum())
    if not count:
        return []
    lines, listed = line_numbers(mine.index[other], count)
    what = (
        f"{count:,} trials have another label in the score file than in the protocol, whose label "
        f"counts ({listed})."
    )
    return [Problem(what, count, lines)]


def attach_best(
    scores: Trials, protocols: Sequence[tuple[str, Trials]], by_stem: bool = False
) -> tuple[Trials, str | None]:
    """Add what the protocol says that holds the most of the scored trials, and its name.

    Scores with labels of their own that no protocol holds stay as they are, with None.

    Raises
    ------
    TrialsError
        As in `attach`.
    """
    mine = scores.table["trial"]
    if len(protocols) == 1 and "label" not in scores.table:
        return attach(scores, protocols[0][1], by_stem), protocols[0][0]
    held = [
        int((match(mine, key.table["trial"], name, by_stem).place >= 0).sum())
        for name, key in protocols
    ]
    best = max(range(len(held)), key=held.__getitem__)
    if not held[best] and "label" in scores.table:
        return scores, None
    return attach(scores, protocols[best][1], by_stem), protocols[best][0]
