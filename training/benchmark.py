"""Run a detector over a benchmark, compare it with another, and keep the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.evaluate import influence
from core.evaluate.tables import COLUMNS, FIGURES
from core.files import atomic_path
from training.figures import figures, in_unit, result_row, with_intervals, within_source
from training.trials import score_trials

if TYPE_CHECKING:
    from core.detect.detector import Detector


def run_benchmark(
    detector: Detector,
    index: str | Path,
    benchmark: str = "public_samples",
    split: str = "test",
    codecs: Sequence[str | None] = (None,),
    trials_to: str | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    windows: int | None = None,
) -> pd.DataFrame:
    """Score a benchmark and compute its figures.

    Parameters
    ----------
    detector : Detector
        The system.
    index : path-like
        Index of the corpus, or its folder.
    benchmark, split : str
        Name of the benchmark and the part of it.
    codecs : sequence of str or None
        Conditions; None or ``none`` is the clips as they are.
    trials_to : path-like, optional
        Folder for one CSV of trials a condition.
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    windows : int, optional
        Score at most this many windows of a clip; the condition says so.

    Returns
    -------
    pandas.DataFrame
        Rows for ``data/results`` (`COLUMNS`).

    Raises
    ------
    ValueError
        If the index or a codec is unknown, or a class is missing.
    """
    from core.audio.codecs import check
    from training.clips import read_index

    clips = read_index(index)
    wanted = [None if codec == "none" else codec for codec in codecs]
    for name in filter(None, wanted):  # before hours of work, not after
        check(name)
    if trials_to is not None:
        Path(trials_to).mkdir(parents=True, exist_ok=True)
    tables = []
    for codec in wanted:
        trials = score_trials(detector, clips, split, codec, progress, windows=windows)
        name = condition(codec, windows)
        if trials_to is not None:
            file = f"{detector.id}-{benchmark}-{split}-{name}.csv"
            with atomic_path(Path(trials_to) / file) as part:
                trials.to_csv(part, index=False)
        command = f"python -m training benchmark {benchmark} --detector {detector.id}"
        if codec:
            command += f" --codec {codec}"
        if windows is not None:
            command += f" --windows {windows}"
        tables.append(figures(trials, detector.id, benchmark, split, command, name))
    return pd.concat(tables, ignore_index=True)


def against(
    trials: pd.DataFrame,
    other: pd.DataFrame,
    names: tuple[str, str],
    benchmark: str,
    subset: str,
    source: str,
) -> pd.DataFrame:
    """Two detectors on the trials that both have judged.

    Parameters
    ----------
    trials, other : pandas.DataFrame
        From `score_trials`, of the same clips.
    names : (str, str)
        Of the two detectors.
    benchmark, subset, source : str
        As in `figures`.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: the other's EER on these trials, pooled and within a repository, and the paired
        difference in pooled EER, other minus this one, in percent with its 95 % interval.

    Raises
    ------
    ValueError
        If no trial was judged by both.
    """
    from core.evaluate.intervals import paired

    first = trials[trials["score"].notna()].set_index("trial")
    second = other[other["score"].notna()].set_index("trial")
    common = first.index.intersection(second.index)
    if common.empty:
        raise ValueError("No clip was judged by both detectors.")
    first, second = first.loc[common], second.loc[common]
    spoof = (first["label"] == "spoof").to_numpy()
    difference = paired(second["score"], first["score"], spoof, speakers=first["speaker"])["eer"]
    part = second.reset_index()
    pooled = with_intervals(part, {"eer": influence.percent_eer})["eer"]
    where = (
        (names[1], "pooled, same trials", "eer_percent", pooled),
        (names[1], "within, same trials", "eer_percent", within_source(part)),
        (
            f"{names[1]} minus {names[0]}",
            "pooled, paired",
            "eer_difference_percent",
            in_unit(difference.value, difference.low, difference.high, 100),
        ),
    )
    rows = [
        result_row(
            (system, benchmark, subset, source),
            part,
            breakdown="other_system",
            condition=condition,
            metric=metric,
            value=value,
            low=low,
            high=high,
        )
        for system, condition, metric, (value, low, high) in where
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def update_results(path: str | Path, table: pd.DataFrame) -> None:
    """Put rows into a table of results: those of the same key are replaced, others stay.

    Parameters
    ----------
    path : path-like
        A CSV of `COLUMNS`; made if it is not there.
    table : pandas.DataFrame
        New rows. Of a breakdown that a system has of a benchmark in both, no old row stays, so that
        conditions which no longer occur go.
    """
    path, new = Path(path), table.round({"value": 4, "low": 4, "high": 4})
    if path.is_file():
        old = pd.read_csv(
            path, keep_default_na=False, na_values={"value": "", "low": "", "high": ""}
        )
        apart = ["codec", "codec_within", "pooled", "within", "other_system"]  # one run a condition
        groups = set(new[["system", "benchmark", "breakdown"]].itertuples(index=False, name=None))
        rows = set(new[list(FIGURES.key)].itertuples(index=False, name=None))
        gone = [
            key in rows or ((key[0], key[1], key[3]) in groups and key[3] not in apart)
            for key in old[list(FIGURES.key)].itertuples(index=False, name=None)
        ]
        new = pd.concat([old[~np.array(gone, bool)], new], ignore_index=True)
    with atomic_path(path) as part:
        new.to_csv(part, index=False)


def condition(codec: str | None, windows: int | None) -> str:
    """How a codec and a limit on windows are named in tables: ``none``, ``gsm, 1 window``."""
    if windows is None:
        return codec or "none"
    return f"{codec or 'none'}, {windows} window{'s' if windows > 1 else ''}"
