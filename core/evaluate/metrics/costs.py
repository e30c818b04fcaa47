"""What errors cost, by the definitions of ASVspoof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PRIORS = (1e-9, 1 - 1e-9)
"""Range of priors; beyond it rounding decides."""

COSTS = (1e-6, 1e6)
"""Range of costs, as of `core.detect.decision`; beyond it their products overflow."""


def check_costs(*costs: float) -> None:
    """Refuse costs out of range, or that are no numbers.

    Raises
    ------
    ValueError
        With a sentence.
    """
    if not all(COSTS[0] <= cost <= COSTS[1] for cost in costs):
        raise ValueError(f"Costs must be above 0: from {COSTS[0]:f} to {COSTS[1]:,.0f}.")


@dataclass(frozen=True)
class Costs:
    """Prior and costs as ASVspoof counts them; the defaults are those of ASVspoof 5, track 1.

    A countermeasure there accepts human speech: a miss is a human who is rejected, which
    `core.detect.decision.Stance` calls a false accusation, and a false alarm is a missed fake.

    Attributes
    ----------
    p_spoof : float
        Prior probability of a spoofed trial, within `PRIORS`.
    c_miss, c_fa : float
        Cost of a false accusation and of a missed fake, within `COSTS`.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    p_spoof: float = 0.05
    c_miss: float = 1.0
    c_fa: float = 10.0

    def __post_init__(self) -> None:
        if not PRIORS[0] <= self.p_spoof <= PRIORS[1]:
            raise ValueError(
                "The prior probability of spoofing must lie between 0 and 1, and no nearer to "
                f"either than {PRIORS[0]:g}."
            )
        check_costs(self.c_miss, self.c_fa)

    @property
    def miss(self) -> float:
        """Expected cost of rejecting everything."""
        return self.c_miss * (1 - self.p_spoof)

    @property
    def fa(self) -> float:
        """Expected cost of accepting everything."""
        return self.c_fa * self.p_spoof

    @property
    def threshold(self) -> float:
        """Bayes threshold on ln p(x|spoof)/p(x|bona fide): spoof where the ratio exceeds it."""
        return float(np.log(self.miss) - np.log(self.fa))


ASVSPOOF5 = Costs()


@dataclass(frozen=True)
class AsvRates:
    """Error rates (0-1) of the speaker verification system that a countermeasure protects.

    Attributes
    ----------
    p_miss : float
        Target speakers rejected.
    p_fa : float
        Other speakers accepted.
    p_fa_spoof : float
        Spoofed trials accepted.
    """

    p_miss: float
    p_fa: float
    p_fa_spoof: float

    def __post_init__(self) -> None:
        if not all(0 <= p <= 1 for p in (self.p_miss, self.p_fa, self.p_fa_spoof)):
            raise ValueError("Error rates of the verification system must lie between 0 and 1.")


@dataclass(frozen=True)
class TandemCosts:
    """Priors and costs of the tandem detection cost function; defaults of ASVspoof 2019 and 2021.

    Attributes
    ----------
    p_spoof, p_target, p_nontarget : float
        Priors; they sum to 1.
    c_miss, c_fa, c_fa_spoof : float
        Cost of rejecting a target, accepting another speaker, accepting a spoof.
    """

    p_spoof: float = 0.05
    p_target: float = 0.9405
    p_nontarget: float = 0.0095
    c_miss: float = 1.0
    c_fa: float = 10.0
    c_fa_spoof: float = 10.0

    def __post_init__(self) -> None:
        if not abs(self.p_spoof + self.p_target + self.p_nontarget - 1) <= 1e-10:
            raise ValueError("The three priors of the tandem cost must sum to 1.")


class TandemConstants(NamedTuple):
    """Constants of ``C0 + C1 * p_miss + C2 * p_fa``."""

    c0: float
    c1: float
    c2: float


def tandem_constants(asv: AsvRates, costs: TandemCosts | None = None) -> TandemConstants:
    """C0, C1 and C2 of the tandem cost (ASVspoof 2021 evaluation plan, section 5.1).

    Raises
    ------
    ValueError
        If the verification system alone costs more than rejecting everybody (C1 below 0).
    """
    costs = costs or TandemCosts()
    c0 = costs.p_target * costs.c_miss * asv.p_miss + costs.p_nontarget * costs.c_fa * asv.p_fa
    c1 = costs.p_target * costs.c_miss - c0
    c2 = costs.p_spoof * costs.c_fa_spoof * asv.p_fa_spoof
    if c1 < 0:
        raise ValueError(
            "The speaker verification system costs more than rejecting everybody; "
            "check its error rates."
        )
    return TandemConstants(c0, c1, c2)
