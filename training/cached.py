"""Train the transformer on stored features of the convolutions, which cost most of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.precision import half_precision

if TYPE_CHECKING:
    import torch

    from training.data import Pairs
    from training.devset import DevSet


def store_features(
    front: Callable[[torch.Tensor], np.ndarray],
    data: Pairs,
    path: str | Path,
    workers: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> np.ndarray:
    """Features of every pair of a data set, kept in a file.

    Parameters
    ----------
    front : callable
        Waves ``[b, n]`` to features ``[b, frames, d]``, as `features_of` gives it.
    data : Pairs
        Disturbed crops.
    path : path-like
        A ``.npy`` file; if it is there already, it is loaded instead.
    workers : int
        Processes that make crops.
    progress : callable, optional
        Called with (pairs done, pairs in all, "features").

    Returns
    -------
    numpy.ndarray
        float16, shape ``[2 pairs, frames, d]``, human and synthetic in turn, mapped from the file.
    """
    from torch.utils.data import DataLoader

    from training.data import collate

    path = Path(path)
    if path.is_file():
        return np.load(path, mmap_mode="r")
    size = 4
    partial = path.with_suffix(".part")
    store: Any = None
    done = 0
    pairs: Any = data
    loader: Any = DataLoader(pairs, size, num_workers=workers, collate_fn=collate)
    for batch in loader:
        features = front(batch["waves"])
        if store is None:
            store = np.lib.format.open_memmap(
                partial, "w+", np.float16, (2 * len(data), *features.shape[1:])
            )
        store[done : done + len(features)] = features
        done += len(features)
        if progress is not None:
            progress(done // 2, len(data), "features")
    if store is None:
        raise ValueError("There is nothing to make features of.")
    store.flush()
    partial.replace(path)
    return np.load(path, mmap_mode="r")


def features_of(
    model: torch.nn.Module, directory: Path | None = None
) -> Callable[[torch.Tensor], np.ndarray]:
    """What makes features (float16): a network's convolutions, or the 8-bit ones of a directory.

    What is trained on the latter hears what it will be given when it is shipped.
    """
    if directory is None:
        return partial(front_features, model)
    from core.detect.engine import levelled
    from core.detect.model_directory import load_directory

    engine = load_directory(directory, "int8").engine

    def run(waves: torch.Tensor) -> np.ndarray:
        made = np.stack([engine.front(wave) for wave in levelled(waves.numpy())])
        return made.clip(-6e4, 6e4).astype(np.float16)

    return run


def front_features(model: Any, waves: torch.Tensor) -> np.ndarray:
    """Features ``[b, frames, d]`` (float16) of waves ``[b, n]``."""
    import torch

    from core.detect.networks.spectral_transformer import level

    model.eval()
    device = waves.device.type
    half = half_precision(device)
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=half):
        return model.front(level(waves)).float().clamp(-6e4, 6e4).half().numpy()


class StoredPairs:
    """Pairs of stored features; every visit shows another stretch, partly hidden and mixed.

    Parameters
    ----------
    features : numpy.ndarray
        float16, shape ``[2 pairs, frames, d]``.
    count : int
        Number of items; pairs come in a new order every round.
    seed : int
        Decides everything.
    settings : mapping
        ``frames`` (length of a stretch, or several, of which `collate_features` takes one for a
        batch), ``hide`` (share of frames and of features that may be set to zero), ``mixing``
        (chance to mix with another pair, labels kept).
    which : numpy.ndarray, optional
        Numbers of the pairs to draw from, by default all.
    """

    def __init__(
        self,
        features: np.ndarray,
        count: int,
        seed: int,
        settings: Mapping[str, Any],
        which: np.ndarray | None = None,
    ) -> None:
        self.features, self.count, self.seed, self.settings = features, count, seed, settings
        self.which = np.arange(len(features) // 2) if which is None else which
        self._round = (-1, np.zeros(0, int))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, int(i)])
        k = self._pair(int(i))
        frames = min(max(lengths(self.settings)), self.features.shape[1])
        start = int(rng.integers(0, self.features.shape[1] - frames + 1))
        x = self.features[2 * k : 2 * k + 2, start : start + frames].astype(np.float32)
        if rng.random() < float(self.settings.get("mixing", 0.0)):
            other = int(rng.choice(self.which))
            y = self.features[2 * other : 2 * other + 2, start : start + frames]
            x = x + rng.beta(0.3, 0.9) * (y.astype(np.float32) - x)
        hide = float(self.settings.get("hide", 0.0))
        for row in x:
            width = int(rng.uniform(0, hide) * frames)
            at = int(rng.integers(0, frames - width + 1))
            row[at : at + width] = 0
            if rng.random() < 0.5:
                row[:, rng.random(row.shape[1]) < rng.uniform(0, hide)] = 0
        return x

    def _pair(self, i: int) -> int:
        number, place = divmod(i, len(self.which))
        if self._round[0] != number:
            order = np.random.default_rng([self.seed, number, 1]).permutation(self.which)
            self._round = (number, order)
        return int(self._round[1][place])


def shortened(settings: Mapping[str, Any], share: float) -> dict[str, Any]:
    """A stored stage with that share of its crops and steps, its rate in the same shape."""
    schedule = dict(settings.get("schedule_settings", {}))
    lasting = {"num_decay_steps", "num_stable_steps"} & schedule.keys()
    schedule.update({name: round(share * schedule[name]) for name in lasting})
    counts = ("crops", "steps", "warmup", "evaluate_every", "save_every")
    fewer = {n: max(1, round(share * settings[n])) for n in counts if n in settings}
    return {**settings, **fewer, "schedule_settings": schedule}


def lengths(settings: Mapping[str, Any]) -> list[int]:
    """The lengths of stretches, in frames."""
    return np.atleast_1d(settings.get("frames", 100)).tolist()


def collate_features(items: list[np.ndarray], frames: Sequence[int] = ()) -> dict[str, Any]:
    """Items -> ``features [2 b, frames, d]`` and ``labels [2 b]``; of several lengths one."""
    import torch

    features = torch.from_numpy(np.concatenate(items))
    if len(frames) > 1:
        features = features[:, : frames[int(torch.randint(len(frames), ()))]]
    labels = torch.tensor([0.0, 1.0]).repeat(len(items))
    return {"features": features, "labels": labels}


def store_dev(
    front: Callable[[torch.Tensor], np.ndarray], dev: DevSet, batch: int = 8
) -> np.ndarray:
    """Features of the dev windows, float16 ``[w, frames, d]``."""
    import torch

    return np.concatenate(
        [
            front(torch.from_numpy(dev.windows[i : i + batch].astype(np.float32) / 32767))
            for i in range(0, len(dev.windows), batch)
        ]
    )


def stored_figures(model: Any, stored: np.ndarray, dev: DevSet) -> dict[str, float]:
    """Dev figures from stored features."""
    import torch

    from training.devset import figures

    model.eval()
    raw = []
    with torch.inference_mode():
        for i in range(0, len(stored), 32):
            raw.append(model.encode(torch.from_numpy(stored[i : i + 32]).float())[0].numpy())
    clips = np.bincount(dev.clip, np.concatenate(raw)) / np.bincount(dev.clip)
    return figures(clips, dev.label, dev.source)
