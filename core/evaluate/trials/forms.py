"""Score files in the forms that challenges and leaderboards take, scores running as they ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import Floats, Higher
from core.evaluate.trials.problems import TrialsError, in_words
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
}
"""Sources: evaluation packages of ASVspoof 2019 (``tDCF_python_v2``), 2021 and 5, and the score
files of the Speech DF Arena."""


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
        If a column that the form needs is missing, or a name cannot be written in it.
    """
    wanted = FORMS[form]
    missing = [c for c in wanted.columns if c not in trials.table and c != "attack"]
    if missing:
        raise TrialsError(
            f"{wanted.name} wants {in_words(missing)} in a score file.", missing=missing
        )
    cells = [_cells(trials.table, column, higher, wanted) for column in wanted.columns]
    rows = [wanted.header] if wanted.header else []
    text = "".join(f"{wanted.separator.join(row)}\n" for row in [*rows, *zip(*cells, strict=True)])
    return text.encode()


def _cells(table: pd.DataFrame, column: str, higher: Higher, form: Form) -> list[str]:
    if column == "score":
        scores: Floats = table["score"].to_numpy(dtype=np.float64)
        return [repr(float(s)) for s in (-scores if higher == "spoof" else scores)]
    if column not in table:
        return ["-"] * len(table)
    texts = table[column].astype("str").fillna("-").replace({"": "-"})
    if column == "attack":
        texts = texts.where(table["label"] == "spoof", "-")
    cut = texts.str.contains(r"[\t\r\n]" if form.separator == "\t" else r"\s", regex=True)
    if cut.any():
        raise TrialsError(
            f"A name holds a space or a tab, which {form.name} cannot take: {texts[cut].iloc[0]}."
        )
    return texts.tolist()
