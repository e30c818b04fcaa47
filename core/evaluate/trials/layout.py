"""Which column of a table is what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from core.evaluate.trials.limits import is_number

if TYPE_CHECKING:
    import pandas as pd


Label = Literal["bonafide", "spoof"]


LABELS: dict[str, Label] = {
    **dict.fromkeys(("bonafide", "bona-fide", "bona fide", "genuine", "human", "real"), "bonafide"),
    **dict.fromkeys(("spoof", "fake", "deepfake", "synthetic", "spoofed"), "spoof"),
}
"""Words for the two classes, lower case."""


ROLES = (
    *("trial", "label", "score", "attack", "codec", "speaker", "channel", "vocoder", "family"),
    *("gender", "source", "subset", "trim", "language"),
)
"""Columns of a tidy table; all but the first three are optional."""


_NAMES = {
    "trial": "trial trial_id utt utt_id utterance filename file_name file flac_file_name id path",
    "label": "label key cm-label cm_label class truth target",
    "score": "score scores cm-score cm_score cm_scores prediction",
    "attack": "attack attack_id attack_label attack_type system system_id",
    "codec": "codec compression",
    "speaker": "speaker speaker_id spk",
    "vocoder": "vocoder",
    "channel": "channel transmission",
    "family": "family",
    "gender": "gender",
    "language": "language lang",
    "subset": "subset phase split",
    "source": "source corpus",
}


ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class _Key:
    """A key file without a header whose columns have fixed places, from 1."""

    format: str
    places: dict[str, int]


_LA21 = {"speaker": 1, "trial": 2, "codec": 3, "channel": 4, "attack": 5, "trim": 7, "subset": 8}


_DF21 = {"speaker": 1, "trial": 2, "codec": 3, "source": 4, "attack": 5, "trim": 7, "subset": 8}


_V5 = {"speaker": 1, "trial": 2, "gender": 3, "codec": 4, "attack": 8}


_KEYS = {
    (8, "column 6"): _Key("ASVspoof 2021 LA key", _LA21),
    (13, "column 6"): _Key("ASVspoof 2021 DF key", {**_DF21, "family": 9}),
    (10, "column 9"): _Key("ASVspoof 5 protocol", _V5),
}
"""By the number of columns and the one that holds the labels."""


_CODECS = set("none nocodec alaw ulaw pstn g722 gsm opus".split())  # noqa: SIM905


_ATTACK = re.compile(r"^(A\d{2}|AC\d)$")


@dataclass(frozen=True)
class Layout:
    """Which column of a raw table holds what.

    Attributes
    ----------
    columns : dict of str to str
        Role (one of `ROLES`, or any other name for a further attribute) to column of the raw table.
    format : str
        Name for people.
    sure : bool
        False where a person should confirm.
    spoof_value : str or None
        Value of the label column that means spoof, where it is no word in `LABELS`.
    """

    columns: dict[str, str]
    format: str
    sure: bool = True
    spoof_value: str | None = None


def guess_layout(frame: pd.DataFrame) -> Layout:
    """Which column is what, from the header's names and, without one, from the contents."""
    named = not all(re.fullmatch(r"column \d+", c) for c in frame.columns)
    columns: dict[str, str] = {}
    if named:
        for column in frame.columns:
            role = ROLE_OF.get(column.strip().lower())
            if role and role not in columns:
                columns[role] = column
    sample = frame.iloc[:: max(1, len(frame) // 2000)].head(2000)
    free = [c for c in frame.columns if c not in columns.values()]
    texts = {c: sample[c].dropna().astype(str).str.strip() for c in frame.columns}

    def take(role: str, share: float, test: Callable[[str], bool]) -> None:
        if role in columns:
            return
        for column in free:
            values = texts[column]
            if len(values) and values.map(test).mean() >= share:
                columns[role] = column
                free.remove(column)
                return

    take("label", 0.95, lambda v: v.lower() in LABELS)
    known = None if named else _KEYS.get((len(frame.columns), columns.get("label", "")))
    if known:
        places = {role: f"column {i}" for role, i in known.places.items()}
        return Layout({**places, **columns}, known.format)
    take("codec", 0.99, lambda v: v.lower() in _CODECS)
    if "attack" not in columns:
        for column in free:
            marks = texts[column].map(lambda v: bool(_ATTACK.match(v)))
            rest = texts[column][~marks].str.lower().isin(["-", "bonafide", "a00"])
            if marks.any() and (marks.sum() + rest.sum()) == len(marks):
                columns["attack"] = column
                free.remove(column)
                break
    if "score" not in columns:
        numbers = [c for c in free if _share_of_numbers(texts[c]) >= 0.9 and texts[c].nunique() > 2]
        if numbers:
            columns["score"] = numbers[-1]
            free.remove(numbers[-1])
    if "trial" not in columns and free:
        # The column that names the trials is the one whose values do not repeat.
        unique = max(free, key=lambda c: (texts[c].nunique(), -free.index(c)))
        if texts[unique].nunique() >= 0.9 * len(sample):
            columns["trial"] = unique
            free.remove(unique)
    if "speaker" not in columns and "trial" in columns and free and not named:
        first = frame.columns[0]
        if first in free and texts[first].nunique() > 1:
            columns["speaker"] = first
    label = columns.get("label")
    words = label is None or bool(texts[label].str.lower().isin(LABELS).mean() >= 0.95)
    sure = "trial" in columns and ("score" in columns or "label" in columns) and words
    if named and "score" not in {ROLE_OF.get(c.strip().lower()) for c in frame.columns}:
        sure = sure and "score" not in columns
    return Layout(columns, _format(columns, named, len(frame.columns)), sure)


def with_columns(layout: Layout, **columns: str) -> Layout:
    """The layout with some columns chosen by a person."""
    return replace(layout, columns={**layout.columns, **columns}, sure=True)


def _share_of_numbers(values: pd.Series) -> float:
    return float(values.map(is_number).mean()) if len(values) else 0.0


def _format(columns: dict[str, str], named: bool, width: int) -> str:
    if named:
        return "table with a header"
    if "score" in columns and "label" in columns:
        return "ASVspoof 2019 scores (trial, attack, label, score)"
    if "score" in columns:
        return "ASVspoof 2021 scores (trial, score)" if width == 2 else "scores without labels"
    if "label" in columns:
        if width == 5:
            return "ASVspoof 2019 protocol"
        return "ASVspoof 2021 key" if "codec" in columns or width >= 8 else "protocol"
    return "unknown"


def in_order(columns: Iterable[str]) -> list[str]:
    """The roles among these names in their order, then the others."""
    present = list(columns)
    return [r for r in ROLES if r in present] + [c for c in present if c not in ROLES]
