"""Which human training clips are hard: those that the weights a run starts from call synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.files import atomic_write
from training import processes
from training.augment import trim
from training.devset import score_windows

if TYPE_CHECKING:
    import pandas as pd
    import torch

SECONDS = 4.0
"""Heard of each clip, from its middle."""


def hard_humans(
    network: torch.nn.Module,
    clips: pd.DataFrame,
    file: Path,
    share: float,
    times: float,
    half: bool = False,
) -> dict[str, float]:
    """Weights of the human clips that a network finds most like synthetic ones.

    Parameters
    ----------
    network : torch.nn.Module
        Gives raw scores of waves, higher = synthetic.
    clips : pandas.DataFrame
        Training rows, from `training.data.keep_for_training`. Originals of copies are left out.
    file : pathlib.Path
        Keeps the weights, so that a run that is resumed has the same.
    share : float
        Of the human clips, how many count as hard, 0 to 1.
    times : float
        How often a hard clip is drawn, against 1 for others.
    half : bool
        Whether to compute in bfloat16.

    Returns
    -------
    dict of str to float
        By clip; those that are not hard are left out.
    """
    import soundfile

    if file.is_file():
        return {k: float(v) for k, v in json.loads(file.read_text("utf-8")).items()}
    human = clips[(clips["label"] == "bonafide") & ~clips["clip"].str.endswith("-original")]
    length = int(SECONDS * SAMPLE_RATE)
    windows = np.zeros((len(human), length), np.int16)
    for row, path in zip(windows, human["file"], strict=True):
        start = max(0, soundfile.info(path).frames // 2 - length)
        samples, _ = soundfile.read(path, start=start, frames=2 * length, dtype="float32")
        samples = trim(samples)
        samples = samples[max(0, len(samples) - length) // 2 :][:length]
        row[: len(samples)] = np.round(samples * 32767)
    scores = score_windows(network, windows, half=half)
    hardest = np.argsort(-scores, kind="stable")[: round(share * len(scores))]
    found = dict.fromkeys(human["clip"].iloc[hardest], times)
    if processes.first():
        atomic_write(file, json.dumps(found, indent=0))
    return found
