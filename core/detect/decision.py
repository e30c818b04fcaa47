"""From a likelihood ratio to a verdict: what a visitor assumes, and where a detector abstains."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal

from core.detect.calibration import logit, posterior

PRIORS = (1e-9, 1 - 1e-9)
"""Range of the prior; beyond it a chance after listening rounds to 0 or 1, which none is."""

COSTS = (1e-6, 1e6)
"""Range of both costs; beyond it their ratio has no logarithm that means anything."""


class StanceError(ValueError):
    """A prior or a cost out of its range; the message is a sentence."""


@dataclass(frozen=True)
class Stance:
    """What is assumed before listening, and what either error costs.

    Attributes
    ----------
    prior : float
        Probability of synthetic speech before listening, within `PRIORS`.
    cost_missed_fake : float
        What it costs to take a fake for human speech, within `COSTS`.
    cost_false_accusation : float
        What it costs to call human speech synthetic, within `COSTS`; only the ratio of the two
        counts.

    Raises
    ------
    StanceError
        If one of them is out of its range.
    TypeError
        If one of them is no number.
    """

    prior: float = 0.5
    cost_missed_fake: float = 1.0
    cost_false_accusation: float = 1.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{name} is no number")
        if not PRIORS[0] <= self.prior <= PRIORS[1]:
            raise StanceError(
                "The prior is out of range: the chance of a fake before listening lies strictly "
                f"between 0 and 1, and no nearer to either than {PRIORS[0]:g}."
            )
        for cost, of in (
            (self.cost_missed_fake, "a missed fake"),
            (self.cost_false_accusation, "a false accusation"),
        ):
            if not COSTS[0] <= cost <= COSTS[1]:
                raise StanceError(
                    f"The cost of {of} is out of range: it lies between {COSTS[0]:f} and "
                    f"{COSTS[1]:,.0f}."
                )

    @property
    def threshold(self) -> float:
        """Posterior log-odds from which calling a clip synthetic costs less than calling it human.

        ``log(cost_false_accusation / cost_missed_fake)``: there the expected cost of a missed
        fake, ``P cost_missed_fake``, equals that of a false accusation, ``(1 - P)
        cost_false_accusation`` (Bayes decision; Brümmer and du Preez 2006, Computer Speech and
        Language 20).
        """
        return math.log(self.cost_false_accusation / self.cost_missed_fake)

    @property
    def threshold_chance(self) -> float:
        """The same as a posterior probability."""
        return self.cost_false_accusation / (self.cost_false_accusation + self.cost_missed_fake)

    def posterior(self, llr: float) -> float:
        """Probability of synthetic speech after hearing evidence of this log-likelihood ratio."""
        return posterior(llr, self.prior)

    def margin(self, llr: float) -> float:
        """Posterior log-odds above the threshold; negative where ``authentic`` costs less."""
        return llr + logit(self.prior) - self.threshold

    @classmethod
    def from_saved(cls, saved: dict[str, Any]) -> Stance:
        """Take the stance out of a saved dictionary's fields, in today's form or that of `/1`.

        Form 1 had ``prior`` and, later, ``c_miss`` and ``c_fa`` beside the other fields.

        Raises
        ------
        StanceError
            If one is out of its range, or a stance lacks one: equal costs are not assumed.
        """
        if "stance" in saved:
            said = saved.pop("stance")
            made = cls(**said)
            if lacks := [field.name for field in fields(cls) if field.name not in said]:
                raise StanceError(f"Its stance lacks {' and '.join(lacks)}.")
            return made
        return cls(saved.pop("prior"), saved.pop("c_miss", 1.0), saved.pop("c_fa", 1.0))


STANCE = tuple(field.name for field in fields(Stance))
"""Names of its fields, which are columns of tables."""

EVEN = Stance()
"""A fake as likely as not before listening, and equal costs: the evidence alone decides."""


@dataclass(frozen=True)
class Decision:
    """When a detector's score becomes a verdict.

    Attributes
    ----------
    inconclusive_llr : (float, float)
        Posterior log-odds strictly between these, counted from the threshold, give no verdict.
    needs_wide_band : bool
        Whether speech without its upper band, as over a telephone, gives no verdict.
    """

    inconclusive_llr: tuple[float, float] = (0.0, 0.0)
    needs_wide_band: bool = False


def decide(
    llr: float, stance: Stance, band: tuple[float, float] = (0.0, 0.0)
) -> Literal["synthetic", "authentic", "inconclusive"]:
    """What a log-likelihood ratio says under a stance.

    Parameters
    ----------
    llr : float
        Natural log, positive towards synthetic.
    stance : Stance
        Prior and costs.
    band : (float, float)
        Log-odds above the threshold strictly between these give no verdict.

    Returns
    -------
    str
        The side that costs less; ``inconclusive`` inside the band or just on the threshold.
    """
    odds = stance.margin(llr)
    if band[0] < odds < band[1] or odds == 0.0:
        return "inconclusive"
    return "synthetic" if odds > 0 else "authentic"
