"""Score files in the forms that challenges and leaderboards take, scores running as they ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import Floats, Higher
from core.evaluate.trials.limits import LARGEST
from core.evaluate.trials.problems import TrialsError, in_words, short
from core.evaluate.trials.spoof_aware import SpoofAwareTrials
from core.evaluate.trials.tidy import Trials

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Form:
    """How one of them wants its score files; in all of them higher means bona fide.

    Attributes
    ----------
    name : str
        For people.
    columns : tuple of str
        Of a tidy table, in order; ``score`` among them.
    header : tuple of str
        First line; empty where there is none.
    separator : str
        Between cells.
    suffix : str
        Of the file's name.
    """

    name: str
    columns: tuple[str, ...] = ("trial", "score")
    header: tuple[str, ...] = ()
    separator: str = " "
    suffix: str = "txt"


FORMS = {
    "asvspoof5": Form(
        "ASVspoof 5, track 1", header=("filename", "cm-score"), separator="\t", suffix="tsv"
    ),
    "asvspoof2021": Form("ASVspoof 2021"),
    "asvspoof2019": Form("ASVspoof 2019", ("trial", "attack", "label", "score")),
    "df-arena": Form("Speech DF Arena", separator="\t"),
    "arena": Form("Speech Anti-Spoofing Arena"),
}
"""Sources: evaluation packages of ASVspoof 2019 (``tDCF_python_v2``), 2021 and 5, the score files
of the Speech DF Arena, and the runner of speech_spoof_bench."""

SPOOF_AWARE_FORMS = {
    "sasv": Form("SASV", ("speaker", "trial", "sasv", "kind")),
    "asvspoof5-track2": Form(
        "ASVspoof 5, track 2",
        ("trial", "speaker", "cm", "asv", "sasv"),
        ("filename", "spk", "cm-score", "asv-score", "sasv-score"),
        "\t",
        "tsv",
    ),
}
"""Forms of spoof-aware verification, in which higher means target, or bona fide."""


def in_spoof_aware_form(trials: SpoofAwareTrials, form: str) -> bytes:
    """Scores of spoof-aware verification as a form of `SPOOF_AWARE_FORMS` takes them; UTF-8.

    Raises
    ------
    TrialsError
        As in `in_form`.
    """
    wanted, table = SPOOF_AWARE_FORMS[form], trials.table
    missing = [c for c in wanted.columns if c not in table]
    if missing:
        raise TrialsError(f"{wanted.name} wants {in_words(missing)} in a score file.")
    cells = [
        _numbers(table[c].to_numpy(), table, wanted)
        if table[c].dtype.kind == "f"
        else _texts(table[c].astype("str"), wanted)
        for c in wanted.columns
    ]
    return _written(cells, wanted)


def in_form(trials: Trials, higher: Higher, form: str) -> bytes:
    """Scores as a form takes them, in the order of the file; UTF-8.

    Parameters
    ----------
    trials : Trials
        With scores; with labels where the form has them.
    higher : {"spoof", "bonafide"}
        What a high score means; scores that run towards spoof are negated.
    form : str
        A key of `FORMS`.

    Raises
    ------
    TrialsError
        If a column that the form needs is missing, or a name or a score cannot be written in it.
    """
    wanted = FORMS[form]
    missing = [c for c in wanted.columns if c not in trials.table and c != "attack"]
    if missing:
        raise TrialsError(
            f"{wanted.name} wants {in_words(missing)} in a score file.", missing=missing
        )
    cells = [_cells(trials.table, column, higher, wanted) for column in wanted.columns]
    return _written(cells, wanted)


def _written(cells: list[list[str]], form: Form) -> bytes:
    rows = [form.header] if form.header else []
    text = "".join(f"{form.separator.join(row)}\n" for row in [*rows, *zip(*cells, strict=True)])
    return text.encode()


def _cells(table: pd.DataFrame, column: str, higher: Higher, form: Form) -> list[str]:
    if column == "score":
        scores: Floats = table["score"].to_numpy(dtype=np.float64)
        return _numbers(-scores if higher == "spoof" else scores, table, form)
    if column not in table:
        return ["-"] * len(table)
    texts = table[column].astype("str").fillna("-").replace({"": "-"})
    if column == "attack":
        texts = texts.where(table["label"] == "spoof", "-")
    return _texts(texts, form)


def _numbers(scores: Floats, table: pd.DataFrame, form: Form) -> list[str]:
    """Scores as written; only finite ones, since what a challenge makes of others is not known."""
    infinite = ~np.isfinite(scores)
    if infinite.any():
        count = int(infinite.sum())
        those = f"{count:,} scores are" if count > 1 else "1 score is"
        first = f" (first: {short(table['trial'][infinite].iloc[0])})" if "trial" in table else ""
        raise TrialsError(
            f"{those} infinite or beyond {LARGEST:g}{first}, which {form.name} cannot take: "
            "write a finite number there, or leave the line out."
        )
    return [repr(float(s)) for s in scores]


def _texts(texts: pd.Series, form: Form) -> list[str]:
    """Names, none of which would break a line."""
    cut = texts.str.contains(r"[\t\r\n]" if form.separator == "\t" else r"\s", regex=True)
    if cut.any():
        raise TrialsError(
            f"A name holds a space or a tab, which {form.name} cannot take: {texts[cut].iloc[0]}."
        )
    return texts.tolist()
