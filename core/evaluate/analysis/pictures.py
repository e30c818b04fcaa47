"""What is drawn of trials, and the worst of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.analysis.fused import calibrated
from core.evaluate.analysis.prepared import Prepared

if TYPE_CHECKING:
    import pandas as pd


def histogram(data: Prepared, bins: int = 60) -> pd.DataFrame:
    """Share of each class in equal bins of the scores as given.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``low``, ``high``, ``share`` (of its class), ``count``. The range holds all but
        the outermost thousandth of each class; what lies beyond is in the end bins, infinite
        scores too.
    """
    import pandas as pd

    given = data.table["score"].to_numpy(dtype=np.float64)
    finite = np.isfinite(given)
    classes = [given[finite & (data.is_spoof == c)] for c in (False, True)]
    ends = [np.quantile(scores, [0.001, 0.999]) for scores in classes if len(scores)]
    ends = ends or [np.zeros(2)]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    if not low < high:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, bins + 1)
    rows = []
    for label, chosen in (("bona fide", ~data.is_spoof), ("spoofed", data.is_spoof)):
        counts, _ = np.histogram(np.clip(given[chosen], low, high), edges)
        rows.append(
            pd.DataFrame(
                {
                    "label": label,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "count": counts,
                    "share": counts / chosen.sum(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def reliability(data: Prepared, p_spoof: float = 0.5, bins: int = 10) -> pd.DataFrame:
    """Stated probability of a fake against how often it is one, at a stated prior.

    The scores are taken for natural-log likelihood ratios, as given and after logistic calibration
    by other folds. Classes are weighted to the prior, because a benchmark's mix is arbitrary.

    Returns
    -------
    pandas.DataFrame
        ``scores`` (as given | calibrated), ``stated``, ``observed`` (0-1), ``trials``; one row a
        bin that is not empty.
    """
    import pandas as pd

    odds = math.log(p_spoof) - math.log1p(-p_spoof)
    parts = []
    for name, ratios in (("as given", data), ("calibrated", calibrated(data))):
        if ratios is None:
            continue
        tally = ratios.everything.tally
        stated = 0.5 * (1 + np.tanh(0.5 * (tally.values + odds)))
        place = np.minimum((stated * bins).astype(np.int64), bins - 1)
        bona = (1 - p_spoof) * tally.bonafide / tally.n_bonafide
        spoof = p_spoof * tally.spoof / tally.n_spoof
        sums = [
            np.bincount(place, weights=w, minlength=bins)
            for w in (bona, spoof, (bona + spoof) * stated, tally.bonafide + tally.spoof)
        ]
        weight = sums[0] + sums[1]
        seen = weight > 0
        parts.append(
            pd.DataFrame(
                {
                    "scores": name,
                    "stated": sums[2][seen] / weight[seen],
                    "observed": sums[1][seen] / weight[seen],
                    "trials": sums[3][seen].astype(np.int64),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def worst(data: Prepared, count: int = 50) -> pd.DataFrame:
    """Trials farthest on the wrong side of the EER threshold, ``count`` of each class.

    Returns
    -------
    pandas.DataFrame
        ``line``, ``margin`` (score units on the wrong side; negative where the trial is right)
        and the columns of the table, the worst first.
    """
    threshold = data.everything.tally.eer().threshold
    with np.errstate(invalid="ignore"):
        margin = np.where(data.is_spoof, threshold - data.scores, data.scores - threshold)
    margin = np.nan_to_num(margin, nan=0.0, posinf=np.inf, neginf=-np.inf)
    picked = []
    for chosen in (np.flatnonzero(~data.is_spoof), np.flatnonzero(data.is_spoof)):
        top = min(count, len(chosen))
        picked.append(chosen[np.argpartition(-margin[chosen], top - 1)[:top]])
    rows = np.concatenate(picked)
    rows = rows[np.argsort(-margin[rows], kind="stable")]
    frame = data.table.iloc[rows].copy()
    frame.insert(0, "margin", margin[rows])
    frame.insert(0, "line", frame.index)
    return frame.reset_index(drop=True)
