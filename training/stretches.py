"""How often a stretch is named, and a clip called synthetic in part: rightly, and where none is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples
from core.detect.segments import segments
from training.hosts import hosts, part_for, with_part

if TYPE_CHECKING:
    from core.detect.detection import Detection, Stretch
    from core.detect.detector import Detector

PARTS = (
    *(("spoof", s, f"with {s:g} s of synthetic speech in them") for s in (0.5, 1, 2, 4, 8)),
    ("bonafide", 8, "with 8 s of another human speaker in them"),
)
"""Label and seconds of the parts, and how the table calls clips with one."""

WHOLE = "whole human clips of 30 to 120 s"
SEGMENT_S = 0.5
"""Length of the segments whose error rate is measured."""

BY = {"score": "", "unlike": ", held against the rest"}
"""Scores of segments: by themselves, and how unlike the rest of the clip they are."""

COLUMNS = [
    *("clip", "kind", "condition", "named", "found", "start_off_s", "end_off_s"),
    *("verdict", "rightly"),
]


def measured(
    detector: Detector,
    index: pd.DataFrame,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a detector names in whole human clips and in the same clips with parts from elsewhere.

    Parameters
    ----------
    detector : Detector
        The system.
    index : pandas.DataFrame
        Clips of one split.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    (pandas.DataFrame, pandas.DataFrame)
        One row per clip in `COLUMNS`: ``condition`` is `WHOLE` or one of `PARTS`, ``named`` whether
        any stretch was, ``found`` whether one of which more than half lies in the part, how far
        its ends lie from the part's, the verdict, and ``rightly`` whether it is synthetic in part
        for such a stretch. And one row per scored segment of the clips with synthetic parts:
        ``clip``, ``score`` and ``spoof``, whether any of it is.

    Raises
    ------
    ValueError
        If there is no human speech of 30 s to set parts into.
    """
    rows, segments = [], []
    every = list(hosts(index))
    for number, host in enumerate(every):
        rng = np.random.default_rng(number)
        for label, seconds, condition in ((None, 0, WHOLE), *PARTS):
            samples, at = host.samples, 0.0
            if label is not None:
                part = part_for(index[index["label"] == label], host, seconds, rng)
                if part is None:
                    continue
                samples, at = with_part(host.samples, part, rng)
            name = f"{host.name}, {condition}"
            found = detector.detect(clip_from_samples(samples, SAMPLE_RATE, name))
            if found.llr is None:
                continue
            hit = _within(found.stands_out, at, at + seconds)
            rightly = bool(_within(found.parts, at, at + seconds))
            off = (
                (abs(hit[0].start_s - at), abs(hit[0].end_s - at - seconds))
                if hit
                else (np.nan, np.nan)
            )
            said = (bool(found.stands_out), bool(hit), *off, found.verdict, rightly)
            rows.append((host.name, host.kind, condition, *said))
            if label == "spoof":
                segments.append(_segments(found, at, at + seconds).assign(clip=name))
        if progress is not None:
            progress(number + 1, len(every), host.name)
    if not segments:
        raise ValueError(
            "No human clip, and no speaker's clips joined, have 30 s to set parts into."
        )
    return pd.DataFrame(rows, columns=COLUMNS), pd.concat(segments, ignore_index=True)


def _within(named: Sequence[Stretch], start_s: float, end_s: float) -> list[Stretch]:
    """Those of which more than half lies in a part."""
    return [
        s
        for s in named
        if min(s.end_s, end_s) - max(s.start_s, start_s) > (s.end_s - s.start_s) / 2
    ]


def stretch_rows(
    detector: Detector,
    index: pd.DataFrame,
    benchmark: str = "public_samples",
    progress: Callable[[int, int, str], None] | None = None,
    split: str = "test",
    corpora: Sequence[str] = (),
) -> pd.DataFrame:
    """The same as rows for ``data/results``, shares with Clopper and Pearson's 95 % intervals.

    Parameters
    ----------
    detector, index, progress
        As for `measured`.
    benchmark, split : str
        Their names.
    corpora : sequence of str
        Folders of the clips, told in ``source`` where there are several.

    Returns
    -------
    pandas.DataFrame
        Columns as `core.evaluate.tables.COLUMNS`.
    """
    from core.evaluate.metrics import Tally
    from core.evaluate.tables import COLUMNS

    clips, segments = measured(detector, index, progress)
    command = f"python -m training benchmark {benchmark} --detector {detector.id} --stretches"
    if len(corpora) > 1:  # the last part of a path tells nothing of this machine
        command += " --corpus " + " ".join(f"build/{Path(c).name}" for c in corpora)
    names = (
        detector.id,
        benchmark,
        split,
        command + ("" if split == "test" else f" --split {split}"),
    )
    counted = _Rows(names)
    for condition, part in clips.groupby("condition", sort=False):
        joined = int((part["kind"] == "joined").sum())
        note = f"{joined} of {len(part)} are clips of one speaker, joined."
        _named(counted, str(condition), part, note)
        if detector.finding is not None:  # else no clip can get that verdict
            _in_part(counted, str(condition), part, note)
    for column, by in BY.items():
        known = segments.dropna(subset=column)
        spoof, score = known["spoof"].to_numpy(bool), known[column].to_numpy(float)
        if spoof.any() and not spoof.all():
            eer = Tally.of(score[~spoof], score[spoof], higher="spoof").eer().rate
            counted.plain(
                f"segments of 0.5 s of clips with synthetic parts{by}", "eer_percent",
                100 * float(eer), (int((~spoof).sum()), int(spoof.sum())),
                "A segment is synthetic if any of it is; segments without a score are left out.",
            )  # fmt: skip
    return pd.DataFrame(counted.rows, columns=list(COLUMNS))


class _Rows:
    """Rows for ``data/results`` of one run."""

    def __init__(self, names: tuple[str, str, str, str]) -> None:
        self.names, self.rows = names, list[dict[str, Any]]()

    def share(
        self, breakdown: str, condition: str, hits: pd.Series, metric: str, note: str
    ) -> None:
        from scipy.stats import binomtest

        interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
        n = (0, len(hits)) if "synthetic" in condition else (len(hits), 0)
        shares = 100 * float(hits.mean()), 100 * interval.low, 100 * interval.high
        self._add(breakdown, condition, metric, shares, n, note)

    def plain(
        self, condition: str, metric: str, value: float, n: tuple[int, int], note: str
    ) -> None:
        self._add("stands_out_where", condition, metric, (value, None, None), n, note)

    def _add(
        self,
        breakdown: str,
        condition: str,
        metric: str,
        value: tuple[float, float | None, float | None],
        n: tuple[int, int],
        note: str,
    ) -> None:
        from training.figures import result_row

        told = {"condition": condition, "metric": metric, "note": note}
        ends = {k: v for k, v in zip(("low", "high"), value[1:], strict=True) if v is not None}
        self.rows.append(
            result_row(
                self.names,
                breakdown=breakdown,
                value=value[0],
                n_bonafide=n[0],
                n_spoof=n[1],
                **told,
                **ends,
            )
        )


def _named(rows: _Rows, condition: str, clips: pd.DataFrame, note: str) -> None:
    """How often a stretch is named, and where the ends of those found lie."""
    whole = condition == WHOLE
    hits = clips["named" if whole else "found"]
    metric = "named_percent" if whole else "found_percent"
    rows.share("stands_out", condition, hits, metric, note)
    if whole:
        for kind, some in clips.groupby("kind"):
            rows.share("stands_out_kind", f"{condition}, {kind}", some["named"], metric, "")
    elif hits.any() and "synthetic" in condition:
        for end in ("start", "end"):
            value = float(clips[f"{end}_off_s"].median())
            n = (0, int(hits.sum()))
            rows.plain(condition, f"{end}_off_s", value, n, "Median over the parts found.")


def _in_part(rows: _Rows, condition: str, clips: pd.DataFrame, note: str) -> None:
    """How often the verdict is synthetic in part; of clips with a synthetic part, rightly."""
    from core.detect.detection import IN_PART

    synthetic = "synthetic" in condition
    right = clips["rightly"] if synthetic else clips["verdict"] == IN_PART
    metric = "in_part_right_percent" if synthetic else "in_part_percent"
    verdicts = clips["verdict"].value_counts()
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    rows.share("in_part", condition, right, metric, f"{note} Verdicts: {said}.")
    for kind, some in clips.groupby("kind"):
        rows.share("in_part_kind", f"{condition}, {kind}", right[some.index], metric, "")


def _segments(found: Detection, start_s: float, end_s: float) -> pd.DataFrame:
    """Scores of a clip's segments, else of the windows whose middles are nearest."""
    firsts = np.arange(0.0, found.quality.duration_s - SEGMENT_S, SEGMENT_S)
    known = [s.llr for s in segments(found)]
    if known:
        scores = np.array([np.nan if s is None else s for s in known[: len(firsts)]])
        firsts = firsts[: len(scores)]
    else:
        heard = [w for w in found.windows if w.llr is not None]
        middles = np.array([w.start_s + found.window_s / 2 for w in heard])
        nearest = np.abs(firsts[:, None] + SEGMENT_S / 2 - middles).argmin(1)
        scores = np.array([w.llr for w in heard], dtype=float)[nearest]
    spoken = [
        any(a < first + SEGMENT_S and b > first for a, b in found.quality.speech)
        for first in firsts
    ]
    spoof = (firsts < end_s) & (firsts + SEGMENT_S > start_s)
    keep = np.array(spoken, bool) & ~np.isnan(scores)
    table = {"score": scores[keep], "unlike": _unlike(found, firsts)[keep], "spoof": spoof[keep]}
    return pd.DataFrame(table)


def _unlike(found: Detection, firsts: np.ndarray) -> np.ndarray:
    """Of segments that start then: mean over the shorter windows that hold them; NaN without."""
    trace, scores = found.trace, np.full(len(firsts), np.nan)
    if trace is None or not trace.unlike:
        return scores
    known = np.array([np.nan if u is None else u for u in trace.unlike])
    starts = np.arange(len(known)) * trace.hop_s
    for i, first in enumerate(firsts):
        over = (starts <= first + 1e-9) & (starts + trace.window_s >= first + SEGMENT_S - 1e-9)
        if (there := known[over & ~np.isnan(known)]).size:
            scores[i] = there.mean()
    return scores
