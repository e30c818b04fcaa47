"""Figures by what is known of the trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.evaluate import resample
from core.evaluate.analysis.prepared import FIGURE_COLUMNS, Part, Prepared, Settings, as_frame
from core.evaluate.metrics import (
    ASVSPOOF5,
    Ints,
)
from core.evaluate.trials import TrialsError

if TYPE_CHECKING:
    import pandas as pd


MOST_CONDITIONS = 200
"""Conditions of one breakdown that are computed, the largest first."""


CONDITION_STEPS = 1000
"""Levels for each class in one condition's bootstrap."""


def attributes(data: Prepared) -> list[str]:
    """Columns by which these trials can be broken down: at least two values among the fakes."""
    found = []
    for column in data.table.columns:
        if column in ("trial", "label", "score"):
            continue
        codes, names = data.codes(column)
        if len(names) > 1 and len(names) < max(2, len(codes) // 2):
            found.append(str(column))
    order = {role: i for i, role in enumerate(("attack", "codec", "family", "speaker"))}
    return sorted(found, key=lambda c: (order.get(c, 9), c))


def conditions(
    data: Prepared, columns: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Names of the conditions and their trials, the largest first.

    Where both classes share values of a column (a codec, a speaker) a condition takes both; where
    only fakes have one (an attack) it is held against all bona fide trials.
    """
    bona = ~data.is_spoof
    keys = np.zeros(len(bona), dtype=np.int64)
    bona_keys = np.zeros(len(bona), dtype=np.int64)
    known = np.ones(len(bona), dtype=bool)
    bona_known = bona.copy()
    names = [""]
    bona_of = np.zeros(1, dtype=np.int64)
    for column in columns:
        codes, values = data.codes(column)
        shared = bool(set(codes[bona]) & set(codes[data.is_spoof]) - {-1})
        known &= codes >= 0
        keys = keys * len(values) + np.maximum(codes, 0)
        names = [f"{n}/{v}" if n else v for n in names for v in values]
        if shared:
            bona_known &= codes >= 0
            bona_keys = bona_keys * len(values) + np.maximum(codes, 0)
            bona_of = np.concatenate([b * len(values) + np.arange(len(values)) for b in bona_of])
        else:
            bona_of = np.repeat(bona_of, len(values))
    spoof = data.is_spoof & known
    sizes = np.bincount(keys[spoof], minlength=len(names))
    for i in np.argsort(-sizes, kind="stable"):
        yield names[i], (spoof & (keys == i)) | (bona_known & (bona_keys == bona_of[i]))


def by_column(
    data: Prepared, columns: str | Sequence[str], settings: Settings | None = None
) -> pd.DataFrame:
    """EER, min DCF and AUC of every value of a column, or of every pair of values of two.

    Returns
    -------
    pandas.DataFrame
        `FIGURE_COLUMNS`; a condition with one class only has no value and a note. At most
        `MOST_CONDITIONS` conditions, those with the most fakes.
    """
    settings = settings or Settings()
    columns = [columns] if isinstance(columns, str) else list(columns)
    for column in columns:
        if column not in data.table or column in ("trial", "label", "score"):
            known = ", ".join(attributes(data)) or "none"
            raise TrialsError(f"There is no column {column!r} to break down by; there is: {known}.")
    sign = 1.0 if data.higher == "spoof" else -1.0
    rows: list[dict[str, Any]] = []
    for number, (name, chosen) in enumerate(conditions(data, columns)):
        if number == MOST_CONDITIONS:
            break
        part = data.part(chosen)
        n_spoof = int(part.is_spoof.sum())
        common = {
            "breakdown": "-".join(columns),
            "condition": name,
            "n_bonafide": len(part.scores) - n_spoof,
            "n_spoof": n_spoof,
        }
        if not 0 < n_spoof < len(part.scores):
            missing = "fake" if not n_spoof else "bona fide trial"
            if len(part.scores):
                rows.append({**common, "metric": "eer", "note": f"No {missing} here."})
            continue
        tally = part.tally
        eer, dcf = tally.eer(), tally.min_dcf(ASVSPOOF5)
        levels = part.levels(
            CONDITION_STEPS, [t for t in (eer.threshold, dcf.threshold) if np.isfinite(t)]
        )
        statistics: dict[str, resample.Statistic] = {
            "eer": lambda batch: 100 * batch.eer(),
            "min_dcf": resample.min_dcf(ASVSPOOF5),
            "auc": resample.auc,
        }
        units = None if columns == ["speaker"] else enough(part)
        # Hundreds of cells: an interval's ends may be rougher than a single figure's.
        replicates = settings.replicates if len(columns) == 1 else min(200, settings.replicates)
        drawn = resample.bootstrap(levels, statistics, units=units, replicates=replicates)
        found = {
            "eer": (100 * eer.rate, sign * eer.threshold),
            "min_dcf": (dcf.cost, sign * dcf.threshold),
            "auc": (tally.auc(), None),
        }
        for metric, (value, threshold) in found.items():
            low, high = resample.limits(drawn[metric])
            rows.append(
                {
                    **common,
                    "metric": metric,
                    "value": value,
                    "low": low,
                    "high": high,
                    "threshold": threshold,
                    "note": "",
                }
            )
    return as_frame(rows, FIGURE_COLUMNS)


def enough(part: Part) -> tuple[Ints, Ints] | None:
    """Units of a part, if there are enough of them in both classes."""
    units = part.units()
    if units is None or min(len(np.unique(u)) for u in units) < 2:
        return None
    return units
