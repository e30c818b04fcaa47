"""Figures by what is known of the trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from core.evaluate import influence
from core.evaluate.analysis.prepared import Part, Prepared, as_frame
from core.evaluate.influence import Metric
from core.evaluate.intervals import Interval, interval
from core.evaluate.metrics import ASVSPOOF5
from core.evaluate.trials import AsvScores, TrialsError

if TYPE_CHECKING:
    import pandas as pd


MOST_CONDITIONS = 200
"""Conditions of one breakdown that are computed, the largest first."""


COMPARED: dict[str, Metric] = {
    "eer": influence.percent_eer,
    "min_dcf": influence.min_dcf(ASVSPOOF5),
    "auc": influence.auc,
}
"""Figures of a condition, and of two systems side by side."""

TANDEM = ("min_tdcf", "min_tdcf_2019")
"""Figures of an attack that need a verification system's scores of it."""


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
        of_each = [np.bincount(codes[c & (codes >= 0)], minlength=1) for c in (bona, data.is_spoof)]
        least = min(map(len, of_each))
        shared = bool((of_each[0][:least] * of_each[1][:least]).any())
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
    data: Prepared, columns: str | Sequence[str], asv: AsvScores | None = None
) -> pd.DataFrame:
    """EER, min DCF and AUC of every value of a column, or of every pair of values of two.

    Where a verification system's scores of an attack are known, min t-DCF follows under the rate at
    which it accepts that attack, in the forms of 2021 and 2019.

    Returns
    -------
    pandas.DataFrame
        `SCORE_FILE`; a condition with one class only has no value and a note. At most
        `MOST_CONDITIONS` conditions, those with the most fakes.
    """
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
        thresholds = {"eer": tally.eer().threshold, "min_dcf": tally.min_dcf().threshold}
        metrics = COMPARED
        if asv is not None and columns == ["attack"] and name in asv.spoof:
            tandem = asv.constants(name)
            if tandem.c2 > 0:  # else no fake passes verification, and there is no cost to speak of
                forms: tuple[Literal[2021, 2019], ...] = (2021, 2019)
                of = dict(zip(TANDEM, forms, strict=True))
                metrics = metrics | {m: influence.min_tdcf(tandem, f) for m, f in of.items()}
                thresholds |= dict.fromkeys(TANDEM, tally.min_tdcf(tandem).threshold)
        for name_of, metric in metrics.items():
            found = interval(metric(tally), part.sample)
            threshold = thresholds.get(name_of)
            rows.append(
                {
                    **common,
                    "metric": name_of,
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "threshold": None if threshold is None else sign * threshold,
                    "note": note(part, found, columns),
                }
            )
    return as_frame(rows)


def note(part: Part, found: Interval, columns: Sequence[str]) -> str:
    """Why a condition has no interval, or only one for the speakers it has."""
    if found.why:
        return f"No interval: {found.why}."
    if columns == ["speaker"] or not part.units.few:
        return ""
    return f"Few speakers ({part.units.few}): for more trials of theirs."
