"""Which way scores run, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.evaluate.metrics import Higher, Tally
from core.evaluate.trials.reading import give_back
from core.evaluate.trials.tidy import Trials

WAYS: dict[Higher, str] = {"bonafide": "bona fide speech", "spoof": "spoofed speech"}
"""What a higher score means."""

How = Literal["stated", "name", "labels"]


@dataclass(frozen=True)
class Direction:
    """Which way scores run.

    Attributes
    ----------
    higher : {"spoof", "bonafide"}
        What a higher score means.
    how : {"stated", "name", "labels"}
        Whether a person said so, the score's name or its file's format, or only the ranking of the
        classes, which makes a detector that is worse than chance look better than it is.
    auc : float
        Probability that a spoofed trial has the higher score.
    """

    higher: Higher
    how: How
    auc: float

    @property
    def detected(self) -> Higher:
        """What a higher score seems to mean by the ranking of the classes."""
        return "spoof" if self.auc >= 0.5 else "bonafide"

    @property
    def sure(self) -> bool:
        """False within 0.1 of chance, where a weak system and a wrong sign look alike."""
        return abs(self.auc - 0.5) >= 0.1

    def in_words(self) -> str:
        """The direction and how it was found."""
        how = {
            "stated": "as stated",
            "name": "as its name or format says",
            "labels": "taken from the labels",
        }[self.how]
        return f"a higher score means {WAYS[self.higher]}, {how}"

    def caution(self) -> str:
        """What is to be said against it; empty where there is nothing."""
        right = self.auc if self.higher == "spoof" else 1 - self.auc
        ranked = f"(AUC {right:.4f})"
        if self.how == "labels":
            near = "" if self.sure else ", and it is close to chance"
            return (
                f"The direction was taken from the labels {ranked}{near}: a system that is worse "
                "than chance would not be seen."
            )
        if right < 0.5:
            return (
                f"In this direction the scores rank the classes worse than chance {ranked}: the "
                "system is fooled, or the direction is wrong. The EER is shown as it is."
            )
        return ""


def direction(trials: Trials, stated: Higher | None = None) -> Direction:
    """Which way the scores run: as stated, else by their name, else by the ranking of the classes.

    Raises
    ------
    TrialsError
        As in `Trials.split`.
    """
    give_back()
    bona, spoof = trials.split()
    area = Tally.of(bona.to_numpy(), spoof.to_numpy()).auc()
    ranked: Higher = "spoof" if area >= 0.5 else "bonafide"
    if stated is not None:
        return Direction(stated, "stated", area)
    if trials.higher is not None:
        return Direction(trials.higher, "name", area)
    return Direction(ranked, "labels", area)
