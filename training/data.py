"""Pairs of human and synthetic crops, drawn so that where a clip comes from says little.

Every item is a pair: a synthetic clip, and a human one of the same repository where there is one.
Copies by `training.copysynth` come with the very stretch they were made from, cut and disturbed
alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.detect.networks import SAMPLES_PER_FRAME
from training.augment import Strength, crop, disturb, pad, speech_range, trim
from training.splices import part_shares, splice


@dataclass(frozen=True)
class Mix:
    """How pairs are drawn.

    Attributes
    ----------
    copies : float
        Share of pairs that are a copy and its original.
    same_source : float
        Chance that the human clip of other pairs is from the synthetic clip's repository, where
        that has any.
    same_disturbance : float
        Chance that both sides of a pair are disturbed in exactly the same way.
    balance : float
        0 draws clips alike, 1 draws families (of one source) alike; between, by a power of counts.
    seconds : float
        Length of a crop.
    same_quality : float
        Chance that the human clip of other pairs is drawn to sound as good as the synthetic one,
        where both are rated (`training.quality`).
    poor : float
        Chance that the human side is disturbed hard and the synthetic side hardly at all, so that
        poor sound is no sign of synthesis.
    narrow : float
        Chance that both sides end in a telephone codec, so that a narrow band is no sign either.
    spliced : float
        Chance that each side gets a stretch of the other. Such crops teach the parts alone.
    same_spliced : float
        Of those, share that get a stretch of their own class instead, so that a cut is no sign.
    """

    copies: float = 0.4
    same_source: float = 0.7
    same_disturbance: float = 0.5
    balance: float = 0.5
    seconds: float = 4.0
    same_quality: float = 0.0
    poor: float = 0.0
    narrow: float = 0.0
    spliced: float = 0.0
    same_spliced: float = 0.3


PART = 10
"""Frames of 20 ms in one part."""

NARROW = ("g711-alaw", "g711-mulaw", "gsm", "amr-nb", "8k")
"""Telephone codecs for `Mix.narrow`."""

LEAST_OF_FAMILY = 8
"""Clips that a family needs to be named."""


def keep_for_training(index: pd.DataFrame) -> pd.DataFrame:
    """Rows of split ``train`` whose rights are clear and whose label holds for the whole clip."""
    unclear = index["licence"].str.contains("unclear", case=False)
    whole = index["material"] != "partial"
    return index[(index["split"] == "train") & ~unclear & whole].reset_index(drop=True)


class Pairs:
    """A map-style data set of pairs; item ``i`` is the same in every run with the same seed.

    Parameters
    ----------
    index : pandas.DataFrame
        Rows of one or more corpora, from `training.clips.read_index`.
    count : int
        Number of pairs.
    seed : int
        Decides everything.
    mix : Mix
        How pairs are drawn.
    strength : Strength
        How crops are disturbed.
    codec : callable, optional
        See `training.augment.augment`.
    weight : dict of str to float, optional
        Extra weight of a clip (by its name), for hard examples.
    codecs : mapping of str to float, optional
        See `training.augment.disturb`.
    methods : mapping of str to float, optional
        How often a copy by a method (such as ``hifigan``) is drawn against others, by default 1.
    phones : mapping of str to float, optional
        How often each codec is drawn for `Mix.narrow`, by default those of `NARROW` alike.

    Raises
    ------
    ValueError
        If a class is missing.
    """

    def __init__(
        self,
        index: pd.DataFrame,
        count: int,
        seed: int = 0,
        mix: Mix | None = None,
        strength: Strength | None = None,
        codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
        weight: dict[str, float] | None = None,
        codecs: Mapping[str, float] | None = None,
        methods: Mapping[str, float] | None = None,
        phones: Mapping[str, float] | None = None,
    ) -> None:
        self.codecs, self.phones = codecs, phones or dict.fromkeys(NARROW, 1.0)
        self.mix, self.strength = mix or Mix(), strength or Strength()
        self.count, self.seed, self.codec = count, seed, codec
        self.length = int(self.mix.seconds * SAMPLE_RATE)
        index = index.reset_index(drop=True)
        self.files = index["file"].to_numpy()
        family = index["family"].astype(str)
        copied = family.str.startswith("copy:")
        original = index["clip"].astype(str).str.endswith("-original") & (
            index["label"] == "bonafide"
        )
        spoof = (index["label"] == "spoof") & ~copied
        human = (index["label"] == "bonafide") & ~original
        if not spoof.any() or not human.any():
            raise ValueError("Training needs clips of both classes, human and synthetic.")
        weights = index["clip"].map(weight or {}).fillna(1.0).to_numpy(float)
        group = index["source"].astype(str) + "/" + family
        self.spoof = np.flatnonzero(spoof)
        self.spoof_p = _balanced(group.to_numpy()[self.spoof], self.mix.balance)
        self.spoof_p = self.spoof_p * weights[self.spoof]
        self.spoof_p /= self.spoof_p.sum()
        self.human = np.flatnonzero(human)
        speakers = (index["source"] + "/" + index["speaker"]).to_numpy()
        by_source = _balanced(index["source"].to_numpy()[self.human], self.mix.balance)
        by_speaker = _balanced(speakers[self.human], 0.5 * self.mix.balance)
        self.human_p = by_source * by_speaker * weights[self.human]
        self.human_p /= self.human_p.sum()
        self.human_weight = weights[self.human]
        self.source = index["source"].to_numpy()
        self.mos = index["mos"].to_numpy(float) if "mos" in index else np.full(len(index), np.nan)
        self.human_of = {
            s: np.flatnonzero(self.source[self.human] == s) for s in set(self.source[self.human])
        }
        originals = {
            c: i for c, i in zip(index["pair"][original], index.index[original], strict=True)
        }
        self.copies = [
            (originals[p], i)
            for p, i in zip(index["pair"][copied], index.index[copied], strict=True)
            if p in originals
        ]
        by = {f"copy:{method}": float(often) for method, often in (methods or {}).items()}
        often = np.array([by.get(family[i], 1.0) for _, i in self.copies])
        self.copies_p = often / often.sum() if len(often) else often
        made = family.where(index["label"] == "spoof")
        counts = made.value_counts()
        self.families = sorted(counts.index[counts >= LEAST_OF_FAMILY])
        numbers = {name: number for number, name in enumerate(self.families)}
        self.family = made.map(numbers).fillna(-1).to_numpy(np.int64)

    def __len__(self) -> int:
        return self.count

    def clips(self, i: int) -> tuple[int, int]:
        """Rows of the index that item ``i`` is made of, human and synthetic."""
        return self._draw(np.random.default_rng([self.seed, int(i)]))[1:]

    def _draw(self, rng: np.random.Generator) -> tuple[bool, int, int]:
        """Whether it is a copy with its original, and the rows, human and synthetic."""
        if self.copies and rng.random() < self.mix.copies:
            return True, *self.copies[int(rng.choice(len(self.copies), p=self.copies_p))]
        spoof = int(rng.choice(self.spoof, p=self.spoof_p))
        near = self.human_of.get(self.source[spoof])
        like = rng.random() < self.mix.same_quality and np.isfinite(self.mos[spoof])
        if near is not None and rng.random() < self.mix.same_source:
            chance = self.human_weight[near]
        else:
            near, chance = np.arange(len(self.human)), self.human_p
        if like:  # clips without a rating count as a little apart
            apart = np.abs(self.mos[self.human[near]] - self.mos[spoof])
            chance = chance * np.exp(-np.nan_to_num(apart, nan=1.0) / 0.25)
        return False, int(self.human[rng.choice(near, p=chance / chance.sum())]), spoof

    def __getitem__(self, i: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, int(i)])
        aligned, human, spoof = self._draw(rng)
        if aligned:
            x, y = _read(self.files[human]), _read(self.files[spoof])
            start, end = speech_range(x)
            x, y = x[start:end], y[start:end]
            at = int(rng.integers(0, max(1, len(x) - self.length + 1)))
            x, y = x[at : at + self.length], y[at : at + self.length]
        else:
            x, y = (crop(trim(_read(self.files[k])), self.length, rng) for k in (human, spoof))
            if rng.random() < 0.5:  # one length for both
                n = max(SAMPLE_RATE // 2, min(len(x), len(y)))
                x, y = crop(x, n, rng), crop(y, n, rng)
        seeds = rng.integers(0, 2**31, 2)
        if rng.random() < self.mix.same_disturbance:
            seeds[1] = seeds[0]
        spliced = self.mix.spliced > 0 and rng.random() < self.mix.spliced
        shares = [np.zeros(len(x), np.float32), np.ones(len(y), np.float32)]
        if spliced:
            x, y, shares = self._spliced(x, y, rng, aligned)
        strengths = (self.strength, self.strength)
        if rng.random() < self.mix.poor:
            strengths = (self.strength.scaled(3.0), self.strength.scaled(0.2))
        phone = ""
        if self.mix.narrow and rng.random() < self.mix.narrow:
            often = np.array(list(self.phones.values()), float)
            phone = str(rng.choice(list(self.phones), p=often / often.sum()))
        made = [
            self._finish(w, share, int(s), strength, phone)
            for w, share, s, strength in zip((x, y), shares, seeds, strengths, strict=True)
        ]
        return {
            "waves": np.stack([wave for wave, _ in made]),
            "labels": np.array([0.0, 1.0], np.float32),
            "parts": np.stack([parts for _, parts in made]),
            "families": np.array([-1, self.family[spoof]]),
            "judged": np.array([not spliced, not spliced]),
            "clips": (human, spoof),
            "item": int(i),
        }

    def _spliced(
        self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, aligned: bool
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Both sides with a stretch of the other, or of themselves from another place."""
        if rng.random() < self.mix.same_spliced:
            a, _ = splice(x, np.roll(x, len(x) // 2), rng)
            b, _ = splice(y, np.roll(y, len(y) // 2), rng)
            return a, b, [np.zeros(len(a), np.float32), np.ones(len(b), np.float32)]
        a, share = splice(x, y, rng, aligned)
        b, human = splice(y, x, rng, aligned)
        return a, b, [share, 1 - human]

    def _finish(
        self, x: np.ndarray, share: np.ndarray, seed: int, strength: Strength, phone: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """The disturbed crop at full length, and the synthetic share of its parts."""
        rng = np.random.default_rng(seed)
        if phone:
            x = disturb(x, rng, replace(strength, codec=1.0), self.codec, {phone: 1.0})
        else:
            x = disturb(x, rng, strength, self.codec, self.codecs)
        padding = rng if rng.random() < strength.pad else None
        state = rng.bit_generator.state
        wave = pad(x, self.length, padding)
        rng.bit_generator.state = state
        where = pad(1 + share[: len(x)], self.length, padding, quiet=True) - 1
        inside = np.flatnonzero(where >= 0)  # what was padded takes the label beside it
        if len(inside):
            where[: inside[0]], where[inside[-1] :] = where[inside[0]], where[inside[-1]]
        return wave, part_shares(where, wave, PART * SAMPLES_PER_FRAME)


def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Pairs -> ``waves [2 b, n]``, ``labels [2 b]``, human and synthetic in turn, ``items [b]``.

    Also ``parts [2 b, p]``, the synthetic share of each part, ``families [2 b]``
    (-1 for none) and ``judged [2 b]``, whether the label holds for the whole crop.
    """
    import torch

    numbers = torch.tensor([item["item"] for item in items])
    joined = {
        name: torch.from_numpy(np.concatenate([item[name] for item in items]))
        for name in ("waves", "labels", "parts", "families", "judged")
    }
    return {**joined, "items": numbers}


def _read(file: str) -> np.ndarray:
    import soundfile

    info = soundfile.info(file)
    start = 0
    if info.frames > 60 * SAMPLE_RATE:  # of very long clips one stretch, always the same
        start = info.frames // 3
    samples, _ = soundfile.read(file, frames=60 * SAMPLE_RATE, start=start, dtype="float32")
    return samples


def _balanced(groups: np.ndarray, power: float) -> np.ndarray:
    """Chance of every item so that a group of ``n`` gets a share in proportion to n^(1-power)."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    p = counts[inverse].astype(float) ** -power
    return p / p.sum()
