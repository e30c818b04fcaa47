"""What scores are worth as log-likelihood ratios: the APE and Tippett plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.metrics import Floats, Tally

if TYPE_CHECKING:
    import pandas as pd

REACH = 7.0
"""Largest prior log-odds, natural log, of an APE plot."""


def error_at(tally: Tally, odds: Floats) -> tuple[Floats, Floats]:
    """Probability of error of Bayes decisions at each of ``[k]`` prior log-odds of a fake.

    The scores are taken for natural-log likelihood ratios that favour spoof, as they are and after
    the best monotone calibration on these trials, which reaches the minimum over all thresholds.
    Over all log-odds the areas below are ``2 ln 2`` times Cllr and min Cllr (Bruemmer and du Preez
    2006, doi:10.1016/j.csl.2005.08.001, the applied probability of error).

    Returns
    -------
    tuple of numpy.ndarray
        Actual and minimum error, 0-1, ``[k]`` each.
    """
    prior = 0.5 * (1 + np.tanh(0.5 * odds))
    bona, spoof = tally.accepted

    def error(llr: Floats) -> Floats:
        cut = np.searchsorted(llr, -odds, side="right")
        missed, passed = 1 - bona[cut] / tally.n_bonafide, spoof[cut] / tally.n_spoof
        return np.asarray((1 - prior) * missed + prior * passed)

    return error(tally.values), error(tally.pav_llr())


def applied_error(tally: Tally, points: int = 281, reach: float = REACH) -> pd.DataFrame:
    """Lines of an APE plot.

    Returns
    -------
    pandas.DataFrame
        ``what`` (actual | minimum | no detector), ``log_odds``, ``prior``, ``error`` (0-1).
    """
    import pandas as pd

    odds = np.linspace(-reach, reach, points)
    prior = 0.5 * (1 + np.tanh(0.5 * odds))
    actual, least = error_at(tally, odds)
    lines = {"actual": actual, "minimum": least, "no detector": np.minimum(prior, 1 - prior)}
    return pd.concat(
        [
            pd.DataFrame({"what": what, "log_odds": odds, "prior": prior, "error": error})
            for what, error in lines.items()
        ],
        ignore_index=True,
    )


def tippett(tally: Tally, points: int = 400) -> pd.DataFrame:
    """Share of each class whose log-likelihood ratio is above a value: a Tippett plot.

    Exact at every distinct finite score where there are at most ``points`` of them, else at as many
    that lie evenly by rank in either class, the ends included.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``llr`` (base 10, towards spoof), ``above`` (0-1).
    """
    import pandas as pd

    finite = np.flatnonzero(np.isfinite(tally.values))
    picked = finite
    if len(finite) > points:
        parts = []
        for counts in (tally.bonafide[finite], tally.spoof[finite]):
            ranks = np.cumsum(counts)
            wanted = np.linspace(0, ranks[-1], points // 2)
            parts.append(finite[np.searchsorted(ranks, wanted).clip(max=len(finite) - 1)])
        picked = np.unique(np.concatenate(([finite[0], finite[-1]], *parts)))
    rows = []
    for label, counts in (("bona fide", tally.bonafide), ("spoofed", tally.spoof)):
        above = 1 - np.cumsum(counts) / counts.sum()
        llr = tally.values[picked] / np.log(10)
        rows.append(pd.DataFrame({"label": label, "llr": llr, "above": above[picked]}))
    return pd.concat(rows, ignore_index=True)


def misleading(tally: Tally) -> tuple[float, float]:
    """Share (0-1) of bona fide trials with a ratio above 1, and of fakes with one below."""
    below, above = (np.searchsorted(tally.values, 0.0, side=s) for s in ("left", "right"))
    bona, spoof = tally.accepted
    return 1 - bona[above] / tally.n_bonafide, spoof[below] / tally.n_spoof
