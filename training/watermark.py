"""How surely Resemble's watermark is found: in its own voices, in clips marked here, in others.

Clips are marked by the encoder whose weights stand beside the decoder's, and sent through codecs
marked and unmarked.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from core.audio.acoustics import add_noise
from core.audio.clip import SAMPLE_RATE
from core.audio.codecs import encode_decode
from core.evaluate.tables import TABLES
from core.provenance import watermark
from training.clips import read_index
from training.provenance import exact_interval

CARRIERS = ("Chatterbox",)
"""Families whose makers put the watermark into what they give out."""

CODECS = ("8k", "g711-alaw", "amr-nb", "opus-16", "opus-64", "mp3-32", "mp3-128", "aac-32")
MOST_S = 8.0
"""Seconds of a clip that are looked at."""

CONDITIONS = ("none", *CODECS, "noise-20db", "level-20db", "speed-1.05", "cut-1s")
"""What clips go through; `codecs.CODECS` and `passed` say how."""

COLUMNS = tuple(TABLES["watermark"].columns)


def mark(samples: np.ndarray, rate: int) -> np.ndarray:
    """Put the watermark into sound, as its makers' package does.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]``, full scale 1.
    rate : int
        Samples a second.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``.

    Raises
    ------
    watermark.WatermarkError
        As from `core.provenance.watermark.weights`.
    """
    import torch
    from scipy.signal import resample_poly

    tensors = watermark.weights()
    with torch.inference_mode():
        held = watermark.spectrum(samples, rate)
        level = watermark.normalised(held.abs())[None]
        level[:, : watermark.BAND] += watermark.convolved(
            level[:, : watermark.BAND], tensors, "encoder.layers"
        ) * watermark.loud(level)
        marked = torch.polar(watermark.magnitude(level[0]), held.angle())
        window = torch.hann_window(watermark.SIZE)
        sound = torch.istft(marked, watermark.SIZE, watermark.HOP, window=window).numpy()
    divisor = int(np.gcd(watermark.RATE, rate))
    sound = resample_poly(sound, rate // divisor, watermark.RATE // divisor)[: len(samples)]
    return np.pad(sound, (0, len(samples) - len(sound))).astype(np.float32)


def passed(samples: np.ndarray, condition: str, seed: int) -> np.ndarray:
    """Sound at `SAMPLE_RATE` after one of `CONDITIONS`."""
    from scipy.signal import resample_poly

    if condition in CODECS:
        return encode_decode(samples, condition)
    if condition == "noise-20db":
        rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
        return add_noise(samples, 20, rms, np.random.default_rng(seed))
    if condition == "level-20db":
        return 0.1 * samples
    if condition == "speed-1.05":
        return np.asarray(resample_poly(samples, 20, 21), np.float32)
    if condition == "cut-1s":  # the middle second
        middle = len(samples) // 2
        return samples[max(0, middle - SAMPLE_RATE // 2) :][:SAMPLE_RATE]
    return samples


def answers(
    corpora: Iterable[str | Path],
    split: str = "test",
    most: int = 40,
    others: int = 250,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """The watermark looked for in every clip of a split, and in those of `CARRIERS` of any.

    Parameters
    ----------
    corpora : iterable of path-like
        Folders with an index, as `training.corpus.build_corpus` makes them.
    split : str
        Which clips.
    most : int
        Clips of each kind and corpus that go through every condition; all are looked at as they
        are, and other synthetic ones only so.
    others : int
        Other synthetic clips of each corpus.
    progress : callable, optional
        Called with (clips done, clips in all, corpus).

    Returns
    -------
    pandas.DataFrame
        One row an answer: ``clips`` (human, marked here, Resemble, other synthetic),
        ``condition``, ``clip``, ``repository``, ``score``.
    """
    rows: list[tuple[str, str, str, str, float]] = []
    for corpus in map(Path, corpora):
        index = read_index(corpus / "index.csv")
        index = index[(index["split"] == split) | index["family"].isin(CARRIERS)]
        # Which go through every condition must not follow from their order.
        drawn = index["clip"].map(lambda name: zlib.crc32(name.encode()))
        asked = index.assign(drawn=drawn, ours=index["family"].isin(CARRIERS)).sort_values("drawn")
        chosen = set(asked.groupby(["label", "ours"]).head(most)["clip"])
        foreign = asked[(asked["label"] == "spoof") & ~asked["ours"]]
        index = index[~index["clip"].isin(foreign["clip"].iloc[others:])]
        for number, clip in enumerate(index.to_dict("records"), 1):
            sound, _ = soundfile.read(
                corpus / clip["path"], int(MOST_S * SAMPLE_RATE), dtype="float32"
            )
            for kind, samples in _kinds(clip, sound):
                often = kind != "other synthetic" and clip["clip"] in chosen
                for condition in CONDITIONS if often else CONDITIONS[:1]:
                    heard = passed(samples, condition, number)
                    if len(heard) < watermark.LEAST_S * SAMPLE_RATE:
                        continue
                    score = watermark.look_for_perth(heard, SAMPLE_RATE)
                    rows.append((kind, condition, clip["clip"], clip["source"], score))
            if progress is not None:
                progress(number, len(index), corpus.name)
    return pd.DataFrame(rows, columns=["clips", "condition", "clip", "repository", "score"])


def _kinds(clip: dict[str, str], sound: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    if clip["label"] == "bonafide":
        yield "human", sound
        yield "marked here", mark(sound, SAMPLE_RATE)
    else:
        yield "Resemble" if clip["family"] in CARRIERS else "other synthetic", sound


def shares(found: pd.DataFrame, source: str) -> pd.DataFrame:
    """Shares of clips in which the watermark was found, with exact 95 % intervals.

    Parameters
    ----------
    found : pandas.DataFrame
        From `answers`.
    source : str
        The command that makes the table again.

    Returns
    -------
    pandas.DataFrame
        By `COLUMNS`.
    """
    rows = []
    for (kind, condition), part in found.groupby(["clips", "condition"], sort=False):
        seen = int((part["score"] >= watermark.FOUND).sum())
        low, high = exact_interval(seen, len(part))
        rows.append(
            (kind, condition, len(part), seen, round(seen / len(part), 4), round(low, 4),
             round(high, 4), part["repository"].nunique(), "measured", source)
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = table["condition"].map(CONDITIONS.index)
    return table.assign(order=order).sort_values(["clips", "order"]).drop(columns="order")
