"""The dev split, which chooses among weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from training.augment import Strength, trim

if TYPE_CHECKING:
    import torch


@dataclasses.dataclass(frozen=True)
class DevSet:
    """Windows of the dev split, ready to be scored again and again.

    Attributes
    ----------
    windows : numpy.ndarray
        int16, shape ``[w, n]``.
    clip : numpy.ndarray
        Which clip each window is of, shape ``[w]``.
    label : numpy.ndarray
        1 for spoof, shape ``[clips]``.
    source : numpy.ndarray
        Repository of each clip, shape ``[clips]``.
    spliced, shares : numpy.ndarray, optional
        Windows that are synthetic in part, int16 ``[k, n]``, and how much of each of their parts
        is, ``[k, parts]``; -1 where nothing is heard.
    """

    windows: np.ndarray
    clip: np.ndarray
    label: np.ndarray
    source: np.ndarray
    spliced: np.ndarray | None = None
    shares: np.ndarray | None = None


def dev_set(index: pd.DataFrame, per_clip: int = 1, length: int = 48_000, most: int = 0) -> DevSet:
    """Up to ``per_clip`` windows of every dev clip, spread over it, silent ends trimmed.

    ``most`` clips are taken of each family of a repository, all by default.
    """
    import soundfile

    rows = index[(index["split"] == "dev") & (index["material"] != "partial")]
    if most:
        mixed = rows.sample(frac=1.0, random_state=0)
        rows = mixed.groupby(["source", "family"]).head(most).sort_index()
    windows, of = [], []
    for i, file in enumerate(rows["file"]):
        samples, _ = soundfile.read(file, dtype="float32")
        samples = trim(samples)
        places = np.linspace(0, max(0, len(samples) - length), per_clip).astype(int)
        for start in sorted(set(places.tolist())):
            row = np.zeros(length, np.int16)
            part = samples[start : start + length]
            row[: len(part)] = np.round(part * 32767)
            windows.append(row)
            of.append(i)
    label = (rows["label"] == "spoof").to_numpy().astype(int)
    return DevSet(np.array(windows), np.array(of), label, rows["source"].to_numpy())


def spliced_set(dev: DevSet, index: pd.DataFrame, codec: Any = None, count: int = 100) -> DevSet:
    """The dev set with spliced windows of 4 s made of its clips, the same every time."""
    from training.data import Mix, Pairs

    rows = index[(index["split"] == "dev") & (index["material"] != "partial")]
    mix = Mix(copies=0.0, seconds=4.0, spliced=1.0, same_spliced=0.0)
    pairs = Pairs(rows, count // 2, 0, mix, Strength().scaled(0.3), codec)
    items = [pairs[i] for i in range(len(pairs))]
    windows = np.round(np.concatenate([item["waves"] for item in items]) * 32767)
    shares = np.concatenate([item["parts"] for item in items])
    return dataclasses.replace(dev, spliced=windows.astype(np.int16), shares=shares)


def figures(scores: np.ndarray, label: np.ndarray, source: np.ndarray) -> dict[str, float]:
    """Pooled EER, mean EER within a source, and their mean, in percent.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape ``[n]``, higher = spoof.
    label : numpy.ndarray
        1 for spoof, shape ``[n]``.
    source : numpy.ndarray
        Shape ``[n]``; only sources with both classes count.
    """
    from core.evaluate.metrics import Tally

    def eer(keep: np.ndarray) -> float:
        tally = Tally.of(scores[keep & (label == 0)], scores[keep & (label == 1)], higher="spoof")
        return 100 * tally.eer().rate

    everything = np.ones(len(scores), bool)
    within = {
        str(s): eer(source == s) for s in sorted(set(source)) if len(set(label[source == s])) == 2
    }
    pooled, mean = eer(everything), float(np.mean(list(within.values())))
    parts = {f"eer/{s.split('/')[-1]}": v for s, v in within.items()}
    return {"eer_pooled": pooled, "eer_within": mean, "eer": (pooled + mean) / 2, **parts}


def score_windows(
    model: torch.nn.Module, windows: np.ndarray, batch: int = 16, half: bool = False, head: int = 0
) -> np.ndarray:
    """Raw scores of int16 windows ``[w, n]``: ``[w]``, or of their parts for ``head`` 2.

    ``half`` computes in bfloat16.
    """
    import torch

    model.eval()
    device = next(model.parameters()).device
    out = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        for i in range(0, len(windows), batch):
            waves = torch.from_numpy(windows[i : i + batch].astype(np.float32) / 32767)
            out.append(model(waves.to(device))[head].float().cpu().numpy())
    return np.concatenate(out)


def dev_figures(model: torch.nn.Module, dev: DevSet, half: bool = False) -> dict[str, float]:
    """`figures` of a model on the dev windows, a clip's score being the mean of its windows'.

    With spliced windows also ``eer_parts``, over parts that are human or synthetic throughout.
    """
    raw = score_windows(model, dev.windows, half=half)
    clips = np.bincount(dev.clip, raw) / np.bincount(dev.clip)
    found = figures(clips, dev.label, dev.source)
    if dev.spliced is not None and dev.shares is not None:
        scores = score_windows(model, dev.spliced, half=half, head=2)
        whole = (dev.shares == 0) | (dev.shares == 1)
        parts = figures(scores[whole], dev.shares[whole].astype(int), np.zeros(int(whole.sum())))
        found["eer_parts"] = parts["eer_pooled"]
    return found
