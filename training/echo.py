"""Pairs shown several times, for a network that learns faster than processes make crops.

Data echoing (Choi, Passos, Shallue and Dahl 2019, arXiv:1907.05550), after everything that is
done to a crop; each time another stretch of it is shown, of a length that differs by batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from core.audio.clip import SAMPLE_RATE
from training import processes
from training.data import Pairs, collate

LEAST = SAMPLE_RATE // 2
"""Samples of sound that a stretch holds where its crop has as many."""


def pairs_to_make(steps: int, settings: Mapping[str, Any]) -> int:
    """How many pairs are made for so many steps: each is shown ``echo`` times."""
    shown = steps * int(settings["pairs"])
    return -(-shown // int(settings["echo"])) + int(settings["held"])


class Echo(IterableDataset[dict[str, Any]]):
    """Batches of pairs, drawn from those that are held until each was shown as often as it may be.

    Parameters
    ----------
    data : Pairs
        What is made.
    settings : mapping
        ``pairs`` in a batch, ``echo`` (how often each is shown), ``held`` (pairs from which a
        batch is drawn) and ``lengths`` (seconds; one is drawn for each batch).
    seed : int
        Decides everything.
    workers : int
        Processes that make pairs.

    Raises
    ------
    ValueError
        If fewer pairs are held than a batch takes, a length exceeds the crops', crops are spliced
        (their labels do not hold for the whole), or several processes train together.
    """

    def __init__(
        self, data: Pairs, settings: Mapping[str, Any], seed: int = 0, workers: int = 1
    ) -> None:
        self.data, self.seed, self.workers = data, seed, workers
        self.pairs, self.echo = int(settings["pairs"]), int(settings["echo"])
        self.held = int(settings["held"])
        self.lengths = [int(float(s) * SAMPLE_RATE) for s in settings["lengths"]]
        if self.held < self.pairs:
            raise ValueError("As many pairs must be held as a batch takes, or more.")
        if max(self.lengths) > data.length:
            raise ValueError("No length can exceed that of the crops, the mix's seconds.")
        if data.mix.spliced:
            raise ValueError("Spliced crops cannot be shown as echoes. Leave out spliced or echo.")
        if processes.count() > 1:
            raise ValueError("Echoes are for one process that trains. Start it without a launcher.")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng([self.seed, 2])
        loader: Any = DataLoader(
            self.data,  # type: ignore[arg-type]  # map-style by its methods
            batch_size=1,
            num_workers=self.workers,
            collate_fn=collate,
            prefetch_factor=16 if self.workers else None,
        )
        made = iter(loader)
        waves = np.zeros((self.held, 2, self.data.length), np.float32)
        spans = np.zeros((self.held, 2), int)
        families = np.zeros((self.held, 2), np.int64)
        left = np.zeros(self.held, int)
        shown = 0
        while True:
            for place in np.flatnonzero(left == 0):
                pair = next(made, None)
                if pair is None:
                    return
                waves[place], families[place] = pair["waves"].numpy(), pair["families"].numpy()
                sound = np.flatnonzero(np.abs(waves[place]).max(axis=0))
                spans[place] = (sound[0], sound[-1] + 1) if len(sound) else (0, self.data.length)
                left[place] = self.echo
            chosen = rng.choice(self.held, self.pairs, replace=False)
            left[chosen] -= 1
            length = int(rng.choice(self.lengths))
            yield self._batch(waves, spans, families, chosen, length, rng, shown)
            shown += self.pairs

    def _batch(
        self,
        waves: np.ndarray,
        spans: np.ndarray,
        families: np.ndarray,
        chosen: np.ndarray,
        length: int,
        rng: np.random.Generator,
        shown: int,
    ) -> dict[str, Any]:
        starts = [
            stretch_start(int(spans[k, 0]), int(spans[k, 1]), length, self.data.length, rng)
            for k in chosen
        ]
        cut = np.stack(
            [waves[k, :, at : at + length] for k, at in zip(chosen, starts, strict=True)]
        )
        return {
            "waves": torch.from_numpy(cut.reshape(-1, length)),
            "labels": torch.tensor([0.0, 1.0]).repeat(len(chosen)),
            "families": torch.from_numpy(families[chosen].reshape(-1)),
            "items": torch.arange(shown, shown + len(chosen)),
        }


def stretch_start(first: int, end: int, length: int, whole: int, rng: np.random.Generator) -> int:
    """Where a stretch of ``length`` samples begins that holds sound from ``first`` to ``end``.

    It lies within the crop of ``whole`` samples and holds `LEAST` samples of the sound, or all
    that there are.
    """
    least = min(LEAST, end - first, length)
    low, high = first + least - length, end - least
    return int(np.clip(rng.integers(low, high + 1), 0, whole - length))
