"""Resemble's watermark PerTh, looked for with the weights that its makers publish.

The package resemble-perth (MIT) carries the weights; none of its code is run. Networks and features
are those of its ``PerthImplicitWatermarker``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.provenance.found import Provenance, Sign

if TYPE_CHECKING:
    import torch

PACKAGE, FILE = "resemble-perth", "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"
SHA256 = "a15bce457ebc53ce5e6c9c3f11df78cf7ee2bf9cdab0a798902135b4c4027670"

RATE = 32_000
"""Samples a second of what the networks are given."""

BAND = 128
"""Lowest bins of the spectrum, to 2 kHz: the watermark is there."""

FOUND = 0.99
"""Least answer that counts as found. Its makers round at a half, which some unmarked human
clips pass; marked ones lie next to 1."""

LEAST_S, MOST_S = 1.0, 300.0
"""Shortest sound that is looked at, and the part of a longer one that is."""

SIZE, HOP = 2048, 320
"""Of the spectrum, in samples."""

_FLOOR_DB, _ROOM_DB = -180.0, 15.0
_BRANCHES = {"slow_layers": 1.25, "normal_layers": 1.0, "fast_layers": 0.75}


SIGN = "watermark-perth"
"""Code of the sign that says what came of it."""


class WatermarkError(ValueError):
    """It cannot be looked for; the text is a sentence for people."""


def look_for_perth(samples: np.ndarray, rate: int) -> float:
    """How surely sound carries the watermark.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]``, full scale 1.
    rate : int
        Samples a second; 4,000 and more.

    Returns
    -------
    float
        0 to 1; from `FOUND` on it counts as found.

    Raises
    ------
    WatermarkError
        If the weights are missing or others, or there is too little sound.
    """
    import torch

    samples = samples[: round(MOST_S * rate)]
    if len(samples) < LEAST_S * rate or not np.any(samples):
        raise WatermarkError(
            f"A watermark is looked for in sound of {LEAST_S:g} s and more that is not silent."
        )
    tensors = weights()
    with torch.inference_mode():
        level = normalised(torch.abs(spectrum(samples, rate)))[None]
        heard = loud(level)
        band = level[:, :BAND]
        answers, trust = [], []
        for branch, pace in _BRANCHES.items():
            length = int(band.shape[2] * pace)
            paced = torch.nn.functional.interpolate(
                band, size=length, mode="linear", align_corners=True
            )
            out = convolved(paced, tensors, f"decoder.{branch}")
            held = torch.nn.functional.interpolate(heard, size=length, mode="nearest")
            mean = (out * held).sum(dim=2) / held.sum(dim=2)
            trust.append(mean[0, 0])
            answers.append(mean[0, 1])
        share = torch.softmax(torch.stack(trust), dim=0)
        return float((share * torch.stack(answers)).sum().clip(0, 1))


def with_watermark(found: Provenance, samples: np.ndarray, rate: int) -> Provenance:
    """What a file shows, with what came of looking for the watermark as its first sign.

    Parameters
    ----------
    found : Provenance
        What is known.
    samples, rate
        As for `look_for_perth`.

    Returns
    -------
    Provenance
        With a note instead where it cannot be looked for.
    """
    try:
        answer = look_for_perth(samples, rate)
    except WatermarkError as error:
        return replace(found, notes=(*found.notes, str(error)))
    sign = Sign(SIGN, {"found": answer >= FOUND, "answer": round(answer, 4)})
    return replace(found, signs=(sign, *(s for s in found.signs if s.code != SIGN)))


@functools.cache
def missing() -> str:
    """Why the watermark cannot be looked for here, as a sentence; empty where it can."""
    return (
        ""
        if _file() is not None
        else "Resemble's watermark is not looked for here: the package resemble-perth (extra "
        "watermark) is not installed."
    )


def _file() -> Path | None:
    try:
        held = Path(str(importlib.metadata.distribution(PACKAGE).locate_file(FILE)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return held if os.path.isfile(held) else None


@functools.cache
def weights() -> dict[str, torch.Tensor]:
    """Tensors by name, from the package's file.

    Raises
    ------
    WatermarkError
        If it is missing or another one.
    """
    import torch

    file = _file()
    if file is None:
        raise WatermarkError(missing())
    if hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise WatermarkError(
            "The weights in the package resemble-perth are not those that were measured: install "
            "the version that the extra watermark names."
        )
    held: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return dict(held["model"])


def spectrum(samples: np.ndarray, rate: int) -> torch.Tensor:
    """Short-time spectrum at `RATE`, complex, shape ``[1025, frames]``."""
    import torch
    from scipy.signal import resample_poly

    divisor = int(np.gcd(RATE, rate))
    sound = np.asarray(resample_poly(samples, RATE // divisor, rate // divisor), np.float32)
    window = torch.hann_window(SIZE)
    return torch.stft(torch.from_numpy(sound), SIZE, HOP, window=window, return_complex=True)


def normalised(magnitude: torch.Tensor) -> torch.Tensor:
    """Decibels, from the floor to the room above full scale as 0 to 1."""
    decibels = 20 * magnitude.clip(10 ** (_FLOOR_DB / 20)).log10()
    return (decibels - _FLOOR_DB) / (_ROOM_DB - _FLOOR_DB)


def magnitude(level: torch.Tensor) -> torch.Tensor:
    """The magnitude that `normalised` made a level of."""
    return 10 ** ((level * (_ROOM_DB - _FLOOR_DB) + _FLOOR_DB) / 20)


def loud(level: torch.Tensor) -> torch.Tensor:
    """Frames that are not silent, as 0 and 1, shape ``[1, 1, frames]``."""
    sums = level.sum(dim=1, keepdim=True)
    return (sums > 0.05 * sums.max()).float()


def convolved(x: torch.Tensor, tensors: dict[str, torch.Tensor], layers: str) -> torch.Tensor:
    """Seven convolutions over time; the last without the leaky rectifier."""
    from torch.nn.functional import conv1d, leaky_relu

    for i in range(7):
        weight = tensors[f"{layers}.{i}.conv.weight"]
        x = conv1d(x, weight, tensors[f"{layers}.{i}.conv.bias"], padding=weight.shape[2] // 2)
        x = x if i == 6 else leaky_relu(x)
    return x
