"""Which column is what, from names, formats and contents; what these leave open is a doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from core.evaluate.trials import formats
from core.evaluate.trials.labels import (
    VERIFICATION,
    pair_of,
    share_of_words,
    speaks_for,
    spoofed_side,
)
from core.evaluate.trials.layout import SPOOFED, Doubt, Layout, Means
from core.evaluate.trials.limits import SAMPLE, is_number, some_rows
from core.evaluate.trials.problems import in_words, short

if TYPE_CHECKING:
    import pandas as pd

FEW = 300
"""Distinct cells up to which a column may hold what is rare, so that every row is looked at."""

NEARLY = 0.95
"""Share of a column's cells that must be words for the classes."""


def guess_layout(
    frame: pd.DataFrame,
    stated: Mapping[str, str | None] | None = None,
    spoofed: Sequence[str] = (),
) -> Layout:
    """Which column is what.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `read_table` gives it.
    stated : mapping of str to str or None, optional
        What a person said: role to column, or to None where no column has that role.
    spoofed : sequence of str
        Labels of which a person said that they mean spoofed.

    Returns
    -------
    Layout
        With a doubt for each role that names, formats and contents leave open.
    """
    return _Guess(frame, dict(stated or {}), tuple(spoofed)).layout()


class _Guess:
    def __init__(
        self, frame: pd.DataFrame, stated: dict[str, str | None], spoofed: tuple[str, ...]
    ) -> None:
        self.frame = frame
        self.named = not all(re.fullmatch(r"column \d+", str(c)) for c in frame.columns)
        self.stated = stated
        self.spoofed = spoofed
        self.columns: dict[str, str] = {r: c for r, c in stated.items() if c is not None}
        self.means: dict[str, Means] = dict.fromkeys(self.columns, "stated")
        self.doubts: list[Doubt] = []
        sample = frame.iloc[some_rows(len(frame))]
        self.texts: dict[str, pd.Series] = {
            c: sample[c].dropna().astype(str).str.strip() for c in frame.columns
        }
        self.rows = len(sample)

    def layout(self) -> Layout:
        format = self._fixed()
        if self._of_verification():
            return Layout(
                self.columns,
                "scores of a verification system",
                (
                    Doubt(
                        "asv",
                        (),
                        "These are trials of a verification system (target, nontarget, spoof): "
                        "what t-DCF needs beside a countermeasure's scores.",
                    ),
                ),
                means=self.means,
            )
        if self.named:
            self._names()
        self._label()
        self._codes()
        self._score()
        self._trial()
        self._speaker()
        self._spoofed()
        archive = set(self.frame.columns) >= formats.ARCHIVE
        if archive:
            format = "table of an archive"
        score = self.columns.get("score", "")
        higher = "spoof" if archive and score in ("score", "raw") else speaks_for(score)
        return Layout(
            self.columns,
            format or self._format(),
            tuple(self.doubts),
            self.spoofed,
            higher,
            self.means,
        )

    # What is left to be found

    def _open(self, role: str) -> bool:
        return role not in self.columns and role not in self.stated

    @property
    def _free(self) -> list[str]:
        return [c for c in self.texts if c not in self.columns.values()]

    def _take(self, role: str, column: str, means: Means) -> None:
        self.columns[role] = column
        self.means[role] = means

    def _ask(self, role: str, candidates: Sequence[str], sentence: str) -> None:
        self.doubts.append(Doubt(role, tuple(candidates), sentence))

    # What a column holds

    @cached_property
    def _numbers(self) -> set[str]:
        return {c for c, t in self.texts.items() if len(t) and t.map(is_number).mean() >= 0.9}

    def _words(self, column: str) -> bool:
        return share_of_words(self.texts[column]) >= NEARLY

    def _values(self, column: str) -> pd.Series:
        """The column's distinct texts; where the rows looked at hold few, those of every row."""
        seen = self.texts[column].drop_duplicates()
        if len(seen) > FEW or len(self.frame) <= SAMPLE:
            return seen
        return self.frame[column].drop_duplicates().dropna().astype(str).str.strip()

    def _pair(self, column: str) -> tuple[str, str] | None:
        values = self._values(column).unique()
        return pair_of(values) if len(values) <= 4 else None

    def _unique(self, column: str) -> bool:
        return bool(self.texts[column].nunique() >= 0.9 * self.rows)

    def _whole(self, column: str) -> bool:
        return bool(self.texts[column].str.fullmatch(r"\d+").all())

    def _matches(self, column: str, test: Callable[[str], object], share: float) -> bool:
        texts = self.texts[column]
        return bool(len(texts)) and float(texts.map(lambda v: bool(test(v))).mean()) >= share

    def _of_verification(self) -> bool:
        if not self._open("label"):
            return False
        kinds = [set(t.str.lower().unique()) for t in self.texts.values() if t.nunique() == 3]
        return any(kind == VERIFICATION for kind in kinds)

    # By a format of the field

    def _fixed(self) -> str:
        """The format whose columns have fixed places, if this is one, with a score behind or not.

        What was said stays as it was said.
        """
        width = len(self.frame.columns)
        if self.named:
            return ""
        for (columns, label), keys in formats.KEYS.items():
            with_score = columns + 1 == width and f"column {width}" in self._numbers
            if not (columns == width or with_score) or not self._words(f"column {label}"):
                continue
            for key in keys:
                if not all(
                    self._matches(f"column {place}", re.compile(code).fullmatch, 0.99)
                    for place, code in key.codes.items()
                ):
                    continue
                places = {**key.places, **({"score": width} if with_score else {})}
                for role, place in places.items():
                    if self._open(role) and f"column {place}" in self._free:
                        self._take(role, f"column {place}", "format")
                return key.format + (" with scores" if with_score else "")
        return ""

    # By names

    def _names(self) -> None:
        found: dict[str, list[str]] = {}
        for column in self._free:
            role = formats.ROLE_OF.get(column.strip().lower())
            if role and self._open(role):
                found.setdefault(role, []).append(column)
        opinions = [c for c in self._free if c.strip().lower() in formats.JUDGED]
        found["score"] = [
            c for c in found.get("score", []) if c not in opinions or c in self._numbers
        ]
        found["label"] = found.get("label", []) + [
            c for c in self._free if spoofed_side(c, self._pair(c)) and self._open("label")
        ]
        if not found["score"] and self._open("score"):
            found["score"] = [
                c
                for c in self._free
                if speaks_for(c) and c in self._numbers and c not in found["label"]
            ]
        for role, columns in found.items():
            if role == "trial":
                columns = [c for c in columns if self._unique(c)] or columns
            if len(columns) > 1 and role in ("label", "score"):
                self._ask(role, columns, _which(role, columns))
            elif columns:
                self._take(role, columns[0], "name")

    # By contents

    def _label(self) -> None:
        if not self._open("label") or self._asked("label"):
            return
        free = [c for c in self._free if c.strip().lower() not in formats.JUDGED]
        found = [c for c in free if self._words(c)]
        pairs = [c for c in free if self._pair(c)]
        if not found:
            # Without words, 0 and 1 are labels where there are other numbers for scores.
            others = [c for c in free if c in self._numbers and c not in pairs]
            found = pairs if others or "score" in self.columns else []
            if pairs and not found:
                self._ask(
                    "label", pairs, f"Does {in_words(pairs, 'or')}, of two values, hold labels?"
                )
        if len(found) > 1 or (found and self.named):
            self._ask("label", found, _which("label", found))
        if len(found) == 1:
            self._take("label", found[0], "contents")

    def _codes(self) -> None:
        if self._open("codec"):
            known = [
                c
                for c in self._free
                if self._matches(c, lambda v: v.lower() in formats.CODECS, 0.99)
            ]
            if known:
                self._take("codec", known[0], "contents")
        for column in self._free if self._open("attack") else ():
            values = self._values(column)
            marks = values.str.fullmatch(formats.ATTACK.pattern)
            if marks.any() and (marks | values.str.lower().isin(formats.NO_ATTACK)).all():
                self._take("attack", column, "contents")
                break

    def _score(self) -> None:
        if not self._open("score") or self._asked("score"):
            return
        found = [c for c in self._free if c in self._numbers]
        if "label" not in self.columns:
            asked = {c for d in self.doubts if d.role == "label" for c in d.candidates}
            found = [c for c in found if c not in asked] or found
        if len(found) > 1:  # columns of one value tell no trials apart
            found = [c for c in found if self.texts[c].nunique() > 1] or found
        if len(found) == 2 == len(self.texts) and self._open("trial"):
            first, last = found
            if self._whole(first) and self._unique(first) and not self._whole(last):
                found = [last]  # trials that are numbered, and their scores
        if len(found) > 1 or (found and self.named):
            self._ask("score", found, _which("score", found))
        elif found and self._pair(found[0]) and self._asked("label"):
            self._ask("score", found, f"Does {in_words(found)}, of two values, hold scores?")
            return
        if len(found) == 1:
            self._take("score", found[0], "contents")

    def _trial(self) -> None:
        if not self._open("trial"):
            return
        asked = {c for d in self.doubts for c in d.candidates}
        found = [c for c in self._free if self._unique(c) and c not in asked]
        texts = [c for c in found if c not in self._numbers]
        found = texts or [c for c in found if self._whole(c)]
        if len(found) > 1:
            known = [c for c in found if self._matches(c, formats.TRIAL.fullmatch, 0.9)]
            found = known if len(known) == 1 else found
        if len(found) == 1:
            self._take("trial", found[0], "contents")
        else:
            self._ask("trial", found, _which("trial", found))

    def _speaker(self) -> None:
        first = str(self.frame.columns[0])
        if (
            not self.named
            and self._open("speaker")
            and "trial" in self.columns
            and first in self._free
            and self.texts[first].nunique() > 1
            and self._matches(first, formats.SPEAKER.fullmatch, 0.99)
        ):
            self._take("speaker", first, "contents")

    def _spoofed(self) -> None:
        """Which labels mean spoofed, where they are no words for the classes."""
        label = self.columns.get("label")
        if label is None or self.spoofed:
            return
        share = share_of_words(self.texts[label])
        if share >= NEARLY or (share >= 0.5 and self.means["label"] == "stated"):
            return
        side = spoofed_side(label, self._pair(label))
        if side is not None:
            self.spoofed = (side,)
            return
        values = list(dict.fromkeys(self._values(label)))[:20]
        sentence = f"Which label in {short(label)} means spoofed: {in_words(values, 'or')}?"
        self._ask(SPOOFED, values, sentence)

    def _asked(self, role: str) -> bool:
        return any(d.role == role for d in self.doubts)

    def _format(self) -> str:
        columns, width = self.columns, len(self.frame.columns)
        if self.named:
            return "table with a header"
        if "score" in columns and "label" in columns:
            known = width - 1 <= len(columns) and "attack" in columns
            return "ASVspoof 2019 scores" if known else "scores with labels"
        if "score" in columns:
            return "ASVspoof 2021 scores" if width == 2 else "scores without labels"
        return "protocol" if "label" in columns else "unknown"


_HOLDS = {"trial": "names the trials", "label": "says which trials are spoofed", "score": "has the "
          "scores"}  # fmt: skip


def _which(role: str, candidates: Sequence[str]) -> str:
    known = f" It may be {in_words(candidates, 'or')}." if candidates else ""
    return f"Which column {_HOLDS[role]}?{known}"
