"""How often a stretch is named, and a clip called synthetic in part: rightly, and where none is.

Hosts are human clips of 30 s and longer as they are, and shorter ones of one speaker of a source,
joined. Into each a part from elsewhere is set in place of as much of it, cross-faded, beginning at
a quiet place; host and part have one level, and no part reaches higher frequencies than its host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples
from core.audio.quality import measure
from core.detect.segments import segments
from training.clips import decoded

if TYPE_CHECKING:
    from core.detect.detection import Detection, Stretch
    from core.detect.detector import Detector

LENGTHS_S = (30, 60, 120)
"""Lengths of joined hosts; single ones are cut at the longest."""

PARTS = (
    *(("spoof", s, f"with {s:g} s of synthetic speech in them") for s in (0.5, 1, 2, 4, 8)),
    ("bonafide", 8, "with 8 s of another human speaker in them"),
)
"""Label and seconds of the parts, and how the table calls clips with one."""

WHOLE = "whole human clips of 30 to 120 s"
SEGMENT_S = 0.5
"""Length of the segments whose error rate is measured."""

COLUMNS = [
    *("clip", "kind", "condition", "named", "found", "start_off_s", "end_off_s"),
    *("verdict", "rightly"),
]
_LEVEL = 0.05
_FADE = SAMPLE_RATE // 100
"""Half of a cross-fade, in samples: it takes 20 ms."""


@dataclass(frozen=True, eq=False)
class Host:
    """A human clip into which parts are set.

    Attributes
    ----------
    name, source, speaker : str
        Of the clip, its repository and its voice.
    kind : str
        ``single`` as it was recorded, or ``joined`` from shorter ones.
    samples : numpy.ndarray
        float32 ``[n]``, at one level.
    """

    name: str
    source: str
    speaker: str
    kind: str
    samples: np.ndarray

    reach_hz = cached_property(lambda self: _reach(self.samples))  # which no part exceeds


def hosts(index: pd.DataFrame, lengths_s: Sequence[float] = LENGTHS_S) -> Iterator[Host]:
    """Every human clip of 30 s and longer, and what the others of each speaker are joined to.

    All clips of one speaker of one source are joined in a random order, the same every time, and
    cut into pieces of these lengths in turn; the last takes what is left.

    Parameters
    ----------
    index : pandas.DataFrame
        Clips of one split.
    lengths_s : sequence of float
        In seconds; nothing shorter than 30 s is a host.
    """
    humans = index[index["label"] == "bonafide"]
    long = humans["duration_s"] >= LENGTHS_S[0]
    for row in humans[long].itertuples():
        samples = _levelled(decoded(row.file).samples[: LENGTHS_S[-1] * SAMPLE_RATE])
        yield Host(str(row.clip), str(row.source), str(row.speaker), "single", samples)
    named = humans[~long & (humans["speaker"] != "")].groupby(["source", "speaker"])
    for number, ((source, speaker), group) in enumerate(named):
        if group["duration_s"].sum() < LENGTHS_S[0]:
            continue
        order = np.random.default_rng(number).permutation(len(group))
        sounds = [_levelled(decoded(file).samples) for file in group["file"].iloc[order]]
        rest, turn = np.concatenate(sounds), number
        while len(rest) >= LENGTHS_S[0] * SAMPLE_RATE:
            n = round(lengths_s[turn % len(lengths_s)] * SAMPLE_RATE)
            name = f"{source}/{speaker}/{turn - number}"
            yield Host(name, str(source), str(speaker), "joined", rest[:n])
            rest, turn = rest[n:], turn + 1


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
                part = _part(index[index["label"] == label], host, seconds, rng)
                if part is None:
                    continue
                samples, at = _with_part(host.samples, part, rng)
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
    spoof = segments["spoof"].to_numpy()
    score = segments["score"].to_numpy(float)
    if spoof.any() and not spoof.all():
        eer = Tally.of(score[~spoof], score[spoof], higher="spoof").eer().rate
        counted.plain(
            "segments of 0.5 s of clips with synthetic parts", "eer_percent", 100 * float(eer),
            (int((~spoof).sum()), int(spoof.sum())),
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
    return pd.DataFrame({"score": scores[keep], "spoof": spoof[keep]})


def _part(
    others: pd.DataFrame, host: Host, seconds: float, rng: np.random.Generator
) -> np.ndarray | None:
    """So much of one voice, and a fade at either end; None where that voice has no more.

    Half of all synthetic parts are of the host's speaker, or else source, where it has any; all
    families of generators count alike. Human ones are of another speaker.
    """
    from scipy.signal import butter, sosfiltfilt

    synthetic = others["label"].iloc[0] == "spoof"
    near = others[others["speaker"] == host.speaker]
    if not synthetic:
        others = others.drop(near.index)
    else:
        near = near if len(near) else others[others["source"] == host.source]
        others = near if len(near) and rng.random() < 0.5 else others
    others = others[others["family"] == rng.choice(sorted(set(others["family"])))]
    first = others.iloc[rng.integers(len(others))]
    same = others
    for column in ("source", "system", "speaker"):
        same = same[same[column] == first[column]]
    wanted = round(seconds * SAMPLE_RATE) + 2 * _FADE
    sounds: list[np.ndarray] = []
    for file in [first["file"], *same["file"].drop(first.name)]:
        sound = decoded(file).samples
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max(initial=0.0))
        if len(loud):
            sounds.append(_levelled(sound[loud[0] : loud[-1] + 1]))
        if sum(map(len, sounds)) >= wanted:
            break
    whole = np.concatenate(sounds) if sounds else np.zeros(0, np.float32)
    if len(whole) < wanted:
        return None
    start = int(rng.integers(0, len(whole) - wanted + 1))
    part = whole[start : start + wanted]
    if host.reach_hz + 300 < min(7_700.0, _reach(part)):
        part = sosfiltfilt(butter(8, host.reach_hz, fs=SAMPLE_RATE, output="sos"), part)
    return _levelled(part)


def _with_part(
    host: np.ndarray, part: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """A host with a part in place of as much of it, and where that begins in seconds."""
    n = len(part) - 2 * _FADE
    near = SAMPLE_RATE
    at = int(rng.integers(2 * near, len(host) - n - 2 * near))
    loud = np.convolve(np.square(host[at - near : at + near]), np.ones(800), "same")
    at = min(at - near + int(loud.argmin()), len(host) - n - near)
    around = host[max(0, at - 4 * near) : at + n + 4 * near]
    share = np.ones(len(part), np.float32)
    share[: 2 * _FADE] = np.linspace(0, 1, 2 * _FADE)
    share[-2 * _FADE :] = np.linspace(1, 0, 2 * _FADE)
    made = host.copy()
    place = slice(at - _FADE, at + n + _FADE)
    made[place] = host[place] * (1 - share) + part * share * (np.std(around) / _LEVEL)
    return made, at / SAMPLE_RATE


def _reach(samples: np.ndarray) -> float:
    """Highest frequency that carries energy, in hertz."""
    return measure(clip_from_samples(samples, SAMPLE_RATE, "part")).bandwidth_hz


def _levelled(samples: np.ndarray) -> np.ndarray:
    return (samples * (_LEVEL / max(1e-6, float(np.std(samples))))).astype(np.float32)
