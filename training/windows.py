"""Labelled windows of whole corpora, as the published reference system was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.audio.windows import HOP, WINDOW, window_ranges


class Windows:
    """A map-style data set: every window of every clip, with its clip's label.

    Parameters
    ----------
    index : pandas.DataFrame
        From `training.protocols.read_corpus`; columns ``file`` and ``label``.
    length, hop : int
        In samples.

    Raises
    ------
    ValueError
        If a class is missing or a file is.
    """

    def __init__(self, index: pd.DataFrame, length: int = WINDOW, hop: int = HOP) -> None:
        import soundfile

        if set(index["label"]) != {"bonafide", "spoof"}:
            raise ValueError("Training needs clips of both classes, human and synthetic.")
        self.length = length
        self.items: list[tuple[str, int, int, float]] = []
        for file, label in zip(index["file"], index["label"], strict=True):
            try:
                info = soundfile.info(file)
            except soundfile.LibsndfileError as error:
                raise ValueError(f"{file} cannot be read.") from error
            if info.samplerate != 16_000:
                raise ValueError(f"{file} is not sampled at 16 kHz.")
            for start, end in window_ranges(info.frames, length, hop):
                self.items.append((str(file), start, end, float(label == "spoof")))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> tuple[np.ndarray, float]:
        import soundfile

        file, start, end, label = self.items[i]
        samples, _ = soundfile.read(file, start=start, stop=end, dtype="float32", always_2d=True)
        wave = np.zeros(self.length, np.float32)
        wave[: len(samples)] = samples.mean(axis=1)
        return wave, label

    def class_weights(self) -> dict[str, float]:
        """Weights ``n / (2 n_class)`` from the counts of windows."""
        spoof = sum(item[3] for item in self.items)
        n = len(self.items)
        return {"bonafide": n / (2 * (n - spoof)), "spoof": n / (2 * spoof)}


def collate_windows(items: list[tuple[np.ndarray, float]]) -> dict[str, Any]:
    """Items -> ``waves [b, n]`` and ``labels [b]``."""
    import torch

    waves = np.stack([wave for wave, _ in items])
    labels = np.array([label for _, label in items], np.float32)
    return {"waves": torch.from_numpy(waves), "labels": torch.from_numpy(labels)}
