"""How good a clip sounds, by DistillMOS: so that sound quality can be balanced and reported.

A detector that starts in a quality model takes poor sound for synthesis. Pairs of like quality take
that shortcut away, and figures by quality show what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.files import atomic_path
from training.initial import load_distillmos
from training.precision import half_precision
from training.weights import read_checkpoint

if TYPE_CHECKING:
    import torch

FILE = "quality.csv"
SECONDS = 2.0


def quality_model(checkpoint: str | Path) -> torch.nn.Module:
    """The network of DistillMOS with its own head.

    Parameters
    ----------
    checkpoint : path-like
        ``distill_mos_v7.pt`` of the PyPI package distillmos (MIT licence).

    Returns
    -------
    torch.nn.Module
        See `mean_opinion`.

    Raises
    ------
    ValueError
        If the file is no such checkpoint.
    """
    import torch

    from core.detect.networks import build

    model = build("spectral-transformer", {})
    load_distillmos(model, checkpoint)
    state = read_checkpoint(checkpoint)["model"]
    last = "transformer_pool_attn.pool.linear3."
    head: Any = model.head
    with torch.no_grad():  # theirs looks at the attentive mean alone
        head.weight.zero_()
        head.weight[:, : state[last + "weight"].shape[1]] = state[last + "weight"]
        head.bias.copy_(state[last + "bias"])
    return model.eval()


def mean_opinion(model: Any, waves: torch.Tensor) -> np.ndarray:
    """Predicted mean opinion scores, 1 (bad) to 5 (excellent), shape ``[b]``.

    Parameters
    ----------
    model : torch.nn.Module
        From `quality_model`.
    waves : torch.Tensor
        float32, shape ``[b, n]``, 16 kHz.
    """
    import torch

    device = waves.device.type
    half = half_precision(device)
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=half):
        peak = waves.abs().amax(1, keepdim=True).clamp_min(1e-8)
        raw, _ = model.encode(model.front(waves / peak))
        return (1 + 4 * torch.sigmoid(raw.float())).numpy()


def rate_corpus(
    index: pd.DataFrame,
    out: str | Path,
    checkpoint: str | Path,
    batch: int = 8,
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Rate the middle 2 s of every clip and write ``quality.csv`` (clip, mos).

    Parameters
    ----------
    index : pandas.DataFrame
        From `training.clips.read_index`.
    out : path-like
        Folder of the corpus.
    checkpoint : path-like
        See `quality_model`.
    batch : int
        Clips at once.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    pathlib.Path
        The file.
    """
    import soundfile
    import torch

    model = quality_model(checkpoint)
    length = int(SECONDS * SAMPLE_RATE)
    clips, files = index["clip"].tolist(), index["file"].tolist()
    scores: list[float] = []
    for i in range(0, len(files), batch):
        waves = np.zeros((len(files[i : i + batch]), length), np.float32)
        for row, file in zip(waves, files[i : i + batch], strict=True):
            frames = soundfile.info(file).frames
            start = max(0, (frames - length) // 2)
            part, _ = soundfile.read(file, frames=length, start=start, dtype="float32")
            row[:] = np.resize(part, length) if len(part) else 0.0  # short clips are repeated
        scores += mean_opinion(model, torch.from_numpy(waves)).tolist()
        if progress is not None:
            progress(len(scores), len(files), str(clips[i]))
    path = Path(out) / FILE
    table = pd.DataFrame({"clip": clips, "mos": np.round(scores, 3)})
    with atomic_path(path) as part:
        table.to_csv(part, index=False)
    return path
