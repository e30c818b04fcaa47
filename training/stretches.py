"""How often a stretch is named as unlike the rest: in whole human clips, and where there is one.

Human clips of one speaker are joined to clips of 30, 60 or 120 s. Into each a part is set that
comes from elsewhere, at a border between two of its clips; every clip and part has one level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples, decode
from core.audio.windows import window_ranges
from core.detect.detection import Window
from core.detect.outlier import RULE, Rule, stretches

if TYPE_CHECKING:
    from core.detect.detector import Detector

LENGTHS_S = (30, 60, 120)
PARTS = (
    ("spoof", 4, "with 4 s of synthetic speech in them"),
    ("spoof", 10, "with 10 s of synthetic speech in them"),
    ("bonafide", 10, "with 10 s of another human speaker in them"),
)
"""Label and seconds of the parts, and how the table calls clips with one."""

WHOLE = "whole human clips of 30 to 120 s"
COLUMNS = ["clip", "condition", "part_from_s", "part_s", "start_s", "end_s", "llr"]
_LEVEL = 0.05


def scored(
    detector: Detector,
    index: pd.DataFrame,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Windows of whole human clips and of the same clips with parts from elsewhere.

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
    pandas.DataFrame
        One row per window, in `COLUMNS`: ``condition`` is `WHOLE` or one of `PARTS`, ``part_s`` is
        0 without a part, ``llr`` NaN where nothing was scored. Windows that hold none of a part
        keep the score that they have without it.
    """
    humans = index[index["label"] == "bonafide"]
    named = humans[humans["speaker"] != ""].groupby(["source", "speaker"])
    groups = [(key, g) for key, g in named if g["duration_s"].sum() >= LENGTHS_S[0] + 2]
    tables = []
    for number, ((source, speaker), group) in enumerate(groups):
        name = f"{source}/{speaker}"
        rng = np.random.default_rng(number)
        whole, borders = _joined(group, LENGTHS_S[number % len(LENGTHS_S)] * SAMPLE_RATE)
        evidence = detector.listen(clip_from_samples(whole, SAMPLE_RATE, name))
        own = np.full(len(evidence.ranges), np.nan)
        own[evidence.scored] = detector.calibration_of("").llr(evidence.raw)
        tables.append(_table(name, WHOLE, own, evidence.ranges, 0, 0))
        inner = [b for b in borders if 6 * SAMPLE_RATE <= b <= len(whole) - 6 * SAMPLE_RATE]
        border = int(rng.choice(inner or [len(whole) // 2])) // detector.hop * detector.hop
        for label, seconds, words in PARTS:
            others = index[(index["label"] == label) & (index["speaker"] != speaker)]
            part = _part(others, seconds * SAMPLE_RATE, rng)
            spliced = np.concatenate([whole[:border], part, whole[border:]])
            llrs, ranges = _with_part(detector, spliced, border, len(part), own)
            tables.append(_table(name, words, llrs, ranges, border, len(part)))
        if progress is not None:
            progress(number + 1, len(groups), name)
    return pd.concat(tables, ignore_index=True)


def named(windows: pd.DataFrame, window_s: float, hop_s: float, rule: Rule = RULE) -> pd.DataFrame:
    """Which clips have a stretch that stands out, and whether it is their part.

    Parameters
    ----------
    windows : pandas.DataFrame
        From `scored`.
    window_s, hop_s : float
        Of the detector, in seconds.
    rule : Rule
        When a stretch stands out.

    Returns
    -------
    pandas.DataFrame
        One row per clip: ``clip``, ``condition``, ``named`` (any stretch at all) and ``found`` (one
        of which more than half lies in the part).
    """
    rows = []
    for (clip, condition), w in windows.groupby(["clip", "condition"], sort=False):
        llrs = w["llr"].astype(object).where(w["llr"].notna(), None)
        given = [
            Window(a, b, x, None, 0.0)
            for a, b, x in zip(w["start_s"], w["end_s"], llrs, strict=True)
        ]
        start, length = w["part_from_s"].iloc[0], w["part_s"].iloc[0]
        found = stretches(given, window_s, hop_s, rule)
        inside = [min(s.end_s, start + length) - max(s.start_s, start) for s in found]
        hit = any(i > (s.end_s - s.start_s) / 2 for i, s in zip(inside, found, strict=True))
        rows.append((clip, condition, bool(found), hit))
    return pd.DataFrame(rows, columns=["clip", "condition", "named", "found"])


def stretch_rows(
    detector: Detector,
    index: pd.DataFrame,
    benchmark: str = "public_samples",
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """The same as rows for ``data/results``, with Wilson's 95 % intervals.

    Parameters
    ----------
    detector, index, progress
        As for `scored`.
    benchmark : str
        Its name.

    Returns
    -------
    pandas.DataFrame
        Columns as `training.benchmark.COLUMNS`.
    """
    from scipy.stats import binomtest

    from training.benchmark import COLUMNS as RESULTS

    clips = named(
        scored(detector, index, progress),
        detector.window / SAMPLE_RATE,
        detector.hop / SAMPLE_RATE,
    )
    rows = []
    for condition, part in clips.groupby("condition", sort=False):
        hits = part["named"] if condition == WHOLE else part["found"]
        interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
        synthetic = "synthetic" in str(condition)
        rows.append(
            {
                "system": detector.id,
                "benchmark": benchmark,
                "subset": "test",
                "breakdown": "stands_out",
                "condition": condition,
                "metric": "named_percent" if condition == WHOLE else "found_percent",
                "value": 100 * float(hits.mean()),
                "low": 100 * interval.low,
                "high": 100 * interval.high,
                "n_bonafide": 0 if synthetic else len(part),
                "n_spoof": len(part) if synthetic else 0,
                "kind": "measured",
                "source": f"python -m training benchmark {benchmark} --detector {detector.id} "
                "--stretches",
                "note": "Human clips of one speaker, joined to 30, 60 or 120 s.",
            }
        )
    return pd.DataFrame(rows, columns=list(RESULTS))


def _joined(group: pd.DataFrame, samples: int) -> tuple[np.ndarray, list[int]]:
    """Clips of one speaker, one after the other, and where they meet."""
    sounds: list[np.ndarray] = []
    for file in group["file"]:
        if sum(map(len, sounds)) >= samples:
            break
        sounds.append(_levelled(decode(file).samples))
    return np.concatenate(sounds)[:samples], np.cumsum([len(s) for s in sounds]).tolist()


def _part(others: pd.DataFrame, samples: int, rng: np.random.Generator) -> np.ndarray:
    """So much of one voice from elsewhere, silence at its ends cut off; repeated if it is short."""
    first = others.iloc[rng.integers(len(others))]
    same = others
    for column in ("source", "system", "speaker"):
        same = same[same[column] == first[column]]
    sounds: list[np.ndarray] = []
    for file in [first["file"], *same["file"]]:
        sound = decode(file).samples
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max(initial=0.0))
        if len(loud):
            sounds.append(_levelled(sound[loud[0] : loud[-1] + 1]))
        if sum(map(len, sounds)) >= samples:
            break
    return np.resize(np.concatenate(sounds), samples)


def _levelled(samples: np.ndarray) -> np.ndarray:
    return (samples * (_LEVEL / max(1e-6, float(np.std(samples))))).astype(np.float32)


def _with_part(
    detector: Detector, spliced: np.ndarray, border: int, length: int, own: np.ndarray
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Scores of a clip with a part: only windows that hold some of it are scored anew."""
    ranges = window_ranges(len(spliced), detector.window, detector.hop)
    shift = length // detector.hop
    llrs = np.full(len(ranges), np.nan)
    anew = []
    for i, (start, end) in enumerate(ranges):
        if start < border + length and end > border:
            anew.append(i)
        else:
            at = i if end <= border else i - shift
            llrs[i] = own[at] if at < len(own) else np.nan
    raw, _ = detector.raw_scores(spliced, [ranges[i] for i in anew])
    llrs[anew] = detector.calibration_of("").llr(raw)
    return llrs, ranges


def _table(
    name: str,
    condition: str,
    llrs: np.ndarray,
    ranges: list[tuple[int, int]],
    border: int,
    length: int,
) -> pd.DataFrame:
    made = pd.DataFrame(np.array(ranges) / SAMPLE_RATE, columns=["start_s", "end_s"])
    made = made.assign(llr=llrs, clip=name, condition=condition)
    made = made.assign(part_from_s=border / SAMPLE_RATE, part_s=length / SAMPLE_RATE)
    return made[COLUMNS]
