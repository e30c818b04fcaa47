"""Words for the two classes, and pairs of values of which somebody must say what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from core.evaluate.metrics import Higher
from core.evaluate.trials.problems import TrialsError, in_words

if TYPE_CHECKING:
    import pandas as pd

Label = Literal["bonafide", "spoof"]

LABELS: dict[str, Label] = {
    **dict.fromkeys(
        ("bonafide", "bona-fide", "bona_fide", "bona fide", "genuine", "human", "real"), "bonafide"
    ),
    **dict.fromkeys(("spoof", "spoofed", "fake", "deepfake", "synthetic"), "spoof"),
}
"""Words for the two classes, lower case."""

PAIRS = (
    *(("0", "1"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("f", "t")),
    ("nontarget", "target"),
)
"""Two values that may be labels, either way round; lower case."""

VERIFICATION = frozenset({"target", "nontarget", "spoof"})
"""Classes of trials of a verification system."""

_AROUND = frozenset({"p", "prob", "probability", "score", "posterior", "cm", "is"})


def canonical(value: object) -> str:
    """A label as it is compared: in lower case, and 1.0 is 1."""
    text = str(value).strip().lower()
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", text)


def speaks_for(name: str) -> Higher | None:
    """The class that a column's name speaks for, such as ``p_fake``, ``P(real)`` or ``is_spoof``.

    None where the name has other words besides, or none of a class.
    """
    words = re.findall(r"[a-z]+", re.sub(r"bona[\s_-]*fide", "bonafide", name.lower()))
    classes = [LABELS[w] for w in words if w in LABELS]
    alone = len(classes) == 1 and all(w in LABELS or w in _AROUND for w in words)
    return classes[0] if alone else None


def pair_of(values: Iterable[object]) -> tuple[str, str] | None:
    """The pair to which these values belong, if they are exactly two."""
    found = sorted({canonical(v) for v in values})
    return next((pair for pair in PAIRS if list(pair) == found), None)


def spoofed_side(name: str, pair: tuple[str, str] | None) -> str | None:
    """Which value of a column like ``is_fake`` means spoofed; None where its name does not say."""
    side = speaks_for(name)
    if side is None or pair is None or pair == PAIRS[-1]:
        return None
    return pair[1] if side == "spoof" else pair[0]


def share_of_words(values: pd.Series) -> float:
    """Share of texts that are words of `LABELS`."""
    return float(values.str.lower().isin(LABELS).mean()) if len(values) else 0.0


def as_labels(given: pd.Series, spoofed: Sequence[str], name: str) -> pd.Series:
    """The field's words for labels as written; None where a value means neither class.

    Parameters
    ----------
    given : pandas.Series
        Texts, missing where there is none.
    spoofed : sequence of str
        Values that mean spoofed; empty where they are words of `LABELS`.
    name : str
        Of the file, for the message.

    Raises
    ------
    TrialsError
        If no label is one of ``spoofed``, or several others may mean bona fide.
    """
    import pandas as pd

    if not spoofed:
        codes, found = pd.factorize(given.astype("str"))
        classes = [LABELS.get(str(value).strip().lower()) for value in found]
        words = pd.array([*classes, None], dtype="str")
        return pd.Series(words.take(codes), index=given.index, name=given.name)
    kinds = {value: canonical(value) for value in given.dropna().unique()}
    wanted = {canonical(value) for value in spoofed}
    others = {kind: value for value, kind in kinds.items() if kind not in wanted}
    if wanted.isdisjoint(kinds.values()):
        raise TrialsError(
            f"No label of {name} is {in_words(spoofed, 'or')}; there are: "
            f"{in_words(map(str, kinds))}.",
            missing=["spoof"],
        )
    bona = {kind for kind in others if LABELS.get(kind) == "bonafide"}
    for pair in PAIRS:  # beside 1 stands 0, whatever a few rows say
        bona |= {a for a, b in (pair, pair[::-1]) if b in wanted and a in others}
    if not bona and len(others) > 1:
        raise TrialsError(
            f"Besides {in_words(spoofed, 'or')}, labels of {name} are "
            f"{in_words(map(str, others.values()))}; say of each that means spoofed that it does.",
            missing=["spoof"],
        )
    bona = bona or set(others)
    classes_of: dict[object, Label | None] = {
        value: "spoof" if kind in wanted else "bonafide" if kind in bona else None
        for value, kind in kinds.items()
    }
    return given.map(classes_of)
