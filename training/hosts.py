"""Human clips of half a minute and longer, and parts from elsewhere that are set into them.

Hosts are human clips of 30 s and longer as they are, and shorter ones of one speaker of a source,
joined. A part takes the place of as much of a host, cross-faded, beginning at a quiet place; host
and part have one level, and no part reaches higher frequencies than its host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples
from core.audio.quality import measure
from training.clips import decoded

LENGTHS_S = (30, 60, 120)
"""Lengths of joined hosts; single ones are cut at the longest."""

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


def part_for(
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


def with_part(
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
