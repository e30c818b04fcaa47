"""Copy-synthesis: analyse a recording and synthesise it again.

The copy says the same words with the same voice in the same room as its original, so a pair of
them teaches a network what synthesis alone leaves behind.
"""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.files import atomic_path
from training.clips import INDEX_COLUMNS
from training.copy_methods import METHODS, Method

if TYPE_CHECKING:
    import pandas as pd


def copy_synthesis(
    samples: np.ndarray, method: str, rng: np.random.Generator, by: Method | None = None
) -> np.ndarray:
    """Synthesise a recording again.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, 16 kHz.
    method : str
        One of `METHODS`.
    rng : numpy.random.Generator
        Draws the settings of the method, as frame length, mel bands or filter order.
    by : callable, optional
        The function of the method, where it is none of `METHODS`.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``, aligned with the original and of the same level.

    Raises
    ------
    ValueError
        If the method is unknown or the recording is silent or shorter than a tenth of a second.
    """
    by = by or METHODS.get(method)
    if by is None:
        raise ValueError(f"There is no copy-synthesis method {method!r}.")
    samples = np.asarray(samples, np.float32)
    power = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    if len(samples) < SAMPLE_RATE // 10 or power < 1e-5:
        raise ValueError("Copy-synthesis needs a tenth of a second of sound.")
    copy = by(samples.astype(np.float64), rng)
    copy = np.pad(copy, (0, max(0, len(samples) - len(copy))))[: len(samples)]
    level = float(np.sqrt(np.mean(copy**2)))
    if not np.isfinite(level) or level < 1e-9:
        raise ValueError(f"{method} gave no sound.")
    return (copy * (power / level)).astype(np.float32)


def build_copies(
    index: pd.DataFrame,
    out: str | Path,
    count: int = 4,
    seconds: float = 8.0,
    seed: int = 0,
    workers: int = 2,
    vocoders: str | Path | None = None,
    hifigan: str | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Make copies of the human training clips of a corpus, as a corpus of their own.

    Parameters
    ----------
    index : pandas.DataFrame
        From `training.clips.read_index`; its bona fide rows of split ``train`` are copied.
    out : path-like
        Folder for ``index.csv`` and ``clips/``. Clips that are there already are kept.
    count : int
        Copies of every clip, each by another method.
    seconds : float
        A longer clip gives one random stretch of this length.
    seed : int
        Together with a clip's name decides stretch, methods and settings.
    workers : int
        Processes that make copies.
    vocoders : path-like, optional
        Trained vocoders (`training.vocoders.train_vocoder`); each kind makes one copy more.
    hifigan : path-like, optional
        Folder with the published weights of `training.hifigan`; one copy more.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    pathlib.Path
        The index. Rows name the original in ``pair`` and its stretch is stored as
        ``<clip>-original``, so that original and copy can be played against each other.

    Raises
    ------
    ValueError
        If there is no human training clip.
    """
    import pandas as pd

    humans = index[(index["split"] == "train") & (index["label"] == "bonafide")].to_dict("records")
    if not humans:
        raise ValueError("Copies are of human training clips, and there is none.")
    out = Path(out)
    (out / "clips").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    make = functools.partial(
        _copies_of,
        out=out,
        count=count,
        seconds=seconds,
        seed=seed,
        vocoders=vocoders,
        hifigan=hifigan,
    )
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for done, (clip, made) in enumerate(zip(humans, pool.map(make, humans), strict=True), 1):
            rows += made
            if progress is not None:
                progress(done, len(humans), str(clip["clip"]))
    table = pd.DataFrame(rows, columns=list(INDEX_COLUMNS))
    with atomic_path(out / "index.csv") as part:
        table.to_csv(part, index=False)
    return out / "index.csv"


def _copies_of(
    clip: dict[str, Any],
    out: Path,
    count: int,
    seconds: float,
    seed: int,
    vocoders: str | Path | None,
    hifigan: str | Path | None,
) -> list[dict[str, object]]:
    """Copies of one clip, written as files; their rows of the index."""
    import soundfile

    digest = hashlib.sha256(f"{seed}:{clip['clip']}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    samples, _ = soundfile.read(clip["file"], dtype="float32")
    n = int(seconds * SAMPLE_RATE)
    start = int(rng.integers(0, max(1, len(samples) - n)))
    stretch = samples[start : start + n]
    rows: list[dict[str, object]] = []
    neural = _neural(str(vocoders) if vocoders else None, str(hifigan) if hifigan else None)
    for method in [None, *rng.permutation(list(METHODS))[:count], *neural]:
        name = f"{clip['clip']}-{method or 'original'}"
        file = out / "clips" / f"{name}.flac"
        own = np.random.default_rng(rng.integers(2**63))
        try:
            if not file.is_file():
                made = stretch
                if method is not None:
                    made = copy_synthesis(stretch, method, own, neural.get(method))
                peak = max(1.0, float(np.max(np.abs(made))) / 0.999)
                soundfile.write(file, made / peak, SAMPLE_RATE, "PCM_16")
        except ValueError:
            continue  # a silent stretch
        label = "bonafide" if method is None else "spoof"
        rows.append(
            {
                **{c: clip[c] for c in INDEX_COLUMNS},
                "clip": name,
                "path": f"clips/{name}.flac",
                "label": label,
                "family": "human" if method is None else f"copy:{method}",
                "system": "human" if method is None else f"copy:{method}",
                "material": "human" if method is None else "copy-synthesis",
                "pair": clip["clip"],
                "duration_s": round(len(stretch) / SAMPLE_RATE, 3),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
        )
    return rows


@functools.cache
def _neural(vocoders: str | None, hifigan: str | None) -> dict[str, Method]:
    """Methods that are networks, loaded once a process."""
    if not vocoders and not hifigan:
        return {}
    import torch

    from training.hifigan import HifiganCopies
    from training.vocoders import NeuralCopies

    torch.set_num_threads(1)
    methods: dict[str, Method] = dict(NeuralCopies(vocoders).methods()) if vocoders else {}
    return methods | (HifiganCopies(hifigan).methods() if hifigan else {})
