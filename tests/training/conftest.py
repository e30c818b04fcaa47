"""Small corpora made on the spot: voices of pulses and noise, real enough to pass for speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

RATE = 16_000


def voice(seconds: float, seed: int, dull: bool = False) -> np.ndarray:
    """A buzzing vowel with a syllable rhythm; ``dull`` ones have nothing above 2 kHz."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    pitch = 110 + 40 * rng.random() + 5 * np.sin(2 * np.pi * 3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    top = 2000 if dull else 7500
    x = sum(np.sin(k * phase) / k for k in range(1, int(top / 160)))
    x = x * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t)) + 0.002 * rng.normal(size=n)
    return (0.3 * x / np.max(np.abs(x))).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two sources with both classes; synthetic clips are dull."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for i in range(24):
        spoof = i % 2 == 1
        split = "dev" if i >= 16 else "train"
        name = f"clip{i}"
        soundfile.write(folder / f"{name}.flac", voice(1.5, i, dull=spoof), RATE)
        rows.append(
            {
                "clip": name,
                "path": f"{name}.flac",
                "label": "spoof" if spoof else "bonafide",
                "family": f"Vocoder{i % 4}" if spoof else "human",
                "system": "tiny" if spoof else "human",
                "material": "synthesis" if spoof else "human",
                "speaker": f"speaker{split}{i % 3}",
                "pair": "",
                "split": split,
                "licence": "CC0",
                "source": f"owner/repo{(i // 2) % 2}",
                "duration_s": 1.5,
                "sha256": "",
            }
        )
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    return folder / "index.csv"


TINY_NETWORK = {"channels": [4, 4, 8], "dim": 16, "heads": 2, "layers": 1, "feedforward": 16}

TINY_PAIRS = {
    "architecture": "spectral-transformer",
    "seed": 1,
    "network": TINY_NETWORK,
    "mix": {"seconds": 0.5, "copies": 0.0},
    "strength": {"codec": 0.0, "room": 0.0},
    "mask": {"time": 1, "frequency": 1},
}
"""What recipes for pairs of tiny clips have in common."""

TINY_WAV2VEC2 = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "conv_dim": [8, 8], "conv_stride": [10, 8],
    "conv_kernel": [20, 16], "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2, "mask_time_prob": 0.0,
}  # fmt: skip


def official_folders(folder: Path, clips: int = 4) -> Path:
    """The folders of ASVspoof 2019 LA with a few clips in each part."""
    protocols = folder / "ASVspoof2019_LA_cm_protocols"
    protocols.mkdir(parents=True)
    for part, split, name in (
        ("train", "T", "train.trn"), ("dev", "D", "dev.trl"), ("eval", "E", "eval.trl"),
    ):  # fmt: skip
        flac = folder / f"ASVspoof2019_LA_{part}" / "flac"
        flac.mkdir(parents=True)
        lines = []
        for i in range(clips):
            spoof = i % 2 == 1
            soundfile.write(flac / f"LA_{split}_{i}.flac", voice(0.6, i, dull=spoof), RATE)
            lines.append(f"LA_0001 LA_{split}_{i} - {'A01 spoof' if spoof else '- bonafide'}\n")
        (protocols / f"ASVspoof2019.LA.cm.{name}.txt").write_text("".join(lines))
    return folder
