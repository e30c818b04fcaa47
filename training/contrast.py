"""What holds a window against the rest of its clip, taught on spliced training clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples
from core.detect.contrast import Contrast, features
from core.detect.finer import SHORTER, Finding
from core.detect.outlier import Excess
from training.hosts import Host, hosts, part_for, with_part

if TYPE_CHECKING:
    from core.detect.detector import Detector

PARTS = (
    ("spoof", (1.5, 2.0, 3.0)),
    ("spoof", (3.0, 4.0, 5.0)),
    ("spoof", (6.0, 8.0)),
    ("bonafide", (4.0, 8.0)),
)
"""What is set into every host, of one of these lengths in seconds: synthetic parts, and people."""

SINGLES, SPEAKERS = 30, 24
"""Single recordings and speakers of one source that become hosts, at most."""

LONGEST_S, OF_A_SPEAKER_S = 60, 75
"""Seconds of a host, and of a speaker's clips that are joined to hosts."""

DIRECTIONS, WIDTH, HIDDEN, MEMBERS = 32, 5, 48, 3
"""Of an embedding that are heard; windows of one convolution; its outputs; networks."""

EPOCHS, BATCH, CROP = 100, 16, 60
"""Passes over all clips; clips of one step, and windows of each."""

PEOPLE = 2.5
"""How much oftener clips with another person in them are drawn; that person counts threefold."""


@dataclass(frozen=True, eq=False)
class Heard:
    """The scored shorter windows of one clip.

    Attributes
    ----------
    at : numpy.ndarray
        Which of the clip's windows, every hop from its start, int64 ``[n]``.
    llrs, embeddings : numpy.ndarray
        ``[n]`` and ``[n, d]``.
    count : int
        Windows of the clip, scored or not.
    """

    at: np.ndarray
    llrs: np.ndarray
    embeddings: np.ndarray
    count: int


@dataclass(frozen=True, eq=False)
class Spliced:
    """A clip, into which something is set or nothing.

    Attributes
    ----------
    source, label : str
        Its repository, and what the part is: ``spoof``, ``bonafide``, or empty without one.
    heard : Heard
    share : numpy.ndarray
        How much of each window lies in the part, float32 ``[n]``, 0-1.
    """

    source: str
    label: str
    heard: Heard
    share: np.ndarray


class Listener:
    """A detector's shorter windows with their embeddings.

    Parameters
    ----------
    detector : Detector
        Whose network has a front end; its way of finding stretches is replaced.
    """

    def __init__(self, detector: Detector) -> None:
        nothing = np.zeros(0, np.float32)
        self._recorder = _Recorder(nothing, nothing, (), nothing)
        self._detector = detector
        detector.finding = Finding(SHORTER, Excess(2.0, 1e9, 0.0), self._recorder)

    def __call__(self, samples: np.ndarray, name: str) -> Heard | None:
        """What it hears in 16 kHz ``[n]``; None where fewer are scored than can stand out."""
        self._recorder.kept.clear()
        trace = self._detector.detect(clip_from_samples(samples, SAMPLE_RATE, name)).trace
        if trace is None or not self._recorder.kept:
            return None
        known = [i for i, llr in enumerate(trace.llrs) if llr is not None]
        llrs, embeddings = self._recorder.kept
        return Heard(np.array(known), llrs, embeddings, len(trace.llrs))


@dataclass(frozen=True, eq=False)
class _Recorder(Contrast):
    """Keeps what it is given of a clip."""

    kept: list[np.ndarray] = field(default_factory=list)

    def reduced(self, embeddings: np.ndarray) -> np.ndarray:
        return embeddings.astype(np.float32)

    def scores(self, llrs: np.ndarray, reduced: np.ndarray) -> np.ndarray:
        self.kept[:] = [llrs, reduced]
        return np.zeros(len(llrs))


def selected(index: pd.DataFrame) -> pd.DataFrame:
    """Human clips that hosts are made of: of every source a few, so that none has most."""
    humans = index[index["label"] == "bonafide"]
    long = humans["duration_s"] >= 30
    singles = humans[long].sample(frac=1, random_state=2).groupby("source").head(SINGLES)
    short = humans[~long & (humans["speaker"] != "")]
    names = ["source", "speaker"]
    seconds = short.groupby(names)["duration_s"].sum().reset_index()
    seconds = seconds[seconds["duration_s"] >= 30]
    speakers = seconds.sample(frac=1, random_state=1).groupby("source").head(SPEAKERS)
    joined = short.merge(speakers[names], on=names)
    joined = joined[joined.groupby(names)["duration_s"].cumsum() < OF_A_SPEAKER_S]
    return pd.concat([singles, joined], ignore_index=True)


def spliced(
    detector: Detector,
    index: pd.DataFrame,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[Spliced]:
    """Every host as it is, and with each of `PARTS`.

    Parameters
    ----------
    detector : Detector
        Whose windows are heard.
    index : pandas.DataFrame
        Clips of the train split.
    progress : callable, optional
        Called with (hosts done, hosts in all, host).
    """
    listen = Listener(detector)
    every = list(hosts(selected(index), (30, LONGEST_S)))
    for number, host in enumerate(every):
        rng = np.random.default_rng(number)
        cut = replace(host, samples=host.samples[: LONGEST_S * SAMPLE_RATE])
        for label, lengths in (("", (0.0,)), *PARTS):
            made = _made(cut, index, label, float(rng.choice(lengths)), rng)
            heard = None if made is None else listen(made[0], host.name)
            if made is not None and heard is not None:
                yield Spliced(host.source, label, heard, _share(heard.at, *made[1:]))
        if progress is not None:
            progress(number + 1, len(every), host.name)


def _made(
    host: Host, index: pd.DataFrame, label: str, seconds: float, rng: np.random.Generator
) -> tuple[np.ndarray, float, float] | None:
    """A host with a part in it, from when to when in seconds; None where there is no such part."""
    if not label:
        return host.samples, 0.0, 0.0
    others = index[index["label"] == label]
    part = None if others.empty else part_for(others, host, seconds, rng)
    if part is None:
        return None
    samples, at = with_part(host.samples, part, rng)
    return samples, at, at + seconds


def _share(at: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    first = at * SHORTER.hop / SAMPLE_RATE
    length = SHORTER.window / SAMPLE_RATE
    inside = np.minimum(first + length, end_s) - np.maximum(first, start_s)
    return np.clip(inside / length, 0, 1).astype(np.float32)


def fit(clips: Sequence[Spliced], members: int = MEMBERS, epochs: int | None = None) -> Contrast:
    """Teach it to name the windows of synthetic parts, and neither people nor whole clips.

    Parameters
    ----------
    clips : sequence of Spliced
        Those of one source count by the root of how many they are.
    members : int
        Networks, of seeds from 0 on.
    epochs : int, optional
        Passes over all clips; `EPOCHS` by default.

    Returns
    -------
    Contrast
        With `Contrast.least` of even odds.
    """
    whole = np.concatenate([c.heard.embeddings for c in clips if not c.label])
    mean = whole.mean(axis=0)
    _, spread, directions = np.linalg.svd(whole[::3] - mean, full_matrices=False)
    k = min(DIRECTIONS, len(spread))
    project = directions[:k].T / (spread[:k] / np.sqrt(len(whole) / 3))
    draft = Contrast(
        mean.astype(np.float32), project.astype(np.float32), (), np.zeros(0, np.float32), WIDTH
    )
    inputs = [features(c.heard.llrs, draft.reduced(c.heard.embeddings)) for c in clips]
    _, of, count = np.unique([c.source for c in clips], return_inverse=True, return_counts=True)
    weight = count[of] ** -0.5 * [PEOPLE if c.label == "bonafide" else 1.0 for c in clips]
    share = weight / weight.sum()
    found = [_taught(clips, inputs, share, seed, epochs or EPOCHS) for seed in range(members)]
    layers = tuple(
        (np.stack([m[0][n] for m in found]), np.stack([m[1][n] for m in found])) for n in range(3)
    )
    return replace(draft, layers=layers, own=np.array([m[2] for m in found], np.float32))


def _taught(
    clips: Sequence[Spliced], inputs: list[np.ndarray], weight: np.ndarray, seed: int, epochs: int
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Weights and biases of one network, and what a window's own score counts for."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first = nn.Conv1d(len(inputs[0]), HIDDEN, WIDTH, padding=WIDTH // 2)
    second = nn.Conv1d(HIDDEN, HIDDEN, WIDTH, padding=WIDTH // 2)
    last = nn.Conv1d(HIDDEN, 1, 1)
    nn.init.zeros_(last.weight)
    last.bias = nn.Parameter(torch.full((1,), -2.0))  # few windows are synthetic
    own = nn.Parameter(torch.ones(1))
    drop, relu = nn.Dropout(0.4), nn.ReLU()
    network = nn.Sequential(drop, first, relu, drop, second, relu, drop, last)
    steps = max(2, epochs * len(clips) // BATCH)
    optimiser = torch.optim.AdamW([*network.parameters(), own], 2e-3, weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps, pct_start=0.1)
    for _ in range(steps):
        batch = [_crop(clips[i], inputs[i], rng) for i in rng.choice(len(clips), BATCH, p=weight)]
        x, due, counts = (torch.from_numpy(np.stack(each)) for each in zip(*batch, strict=True))
        said = network(x)[:, 0] + own * 3.0 * x[:, 1]
        loss = nn.functional.binary_cross_entropy_with_logits(said, due, reduction="none")
        loss = (loss * counts).sum() / (counts > 0).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    held = [layer.state_dict() for layer in (first, second, last)]
    weights, biases = ([one[part].numpy() for one in held] for part in ("weight", "bias"))
    return weights, biases, float(own.detach())


def _crop(
    clip: Spliced, inputs: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, what is due, and what each window counts for; around the part, where one is."""
    n, inside = inputs.shape[1], np.flatnonzero(clip.share > 0.5)
    start = int(rng.integers(0, n - min(n, CROP) + 1))
    if len(inside):
        start = int(np.clip(rng.choice(inside) - rng.integers(0, CROP), 0, max(0, n - CROP)))
    place = slice(start, start + CROP)
    share = clip.share[place]
    synthetic = clip.label == "spoof"
    counts = 1.0 + 2.0 * (share > 0.5)
    room = (0, CROP - len(share))
    return (
        np.pad(inputs[:, place], ((0, 0), room)),
        np.pad(share if synthetic else np.zeros_like(share), room),
        np.pad(counts, room).astype(np.float32),
    )


def write(directory: str | Path, made: Contrast, fitted_on: str) -> dict[str, Any]:
    """Put it into a model directory, and name it in the configuration.

    Parameters
    ----------
    directory : path-like
        The model.
    made : Contrast
    fitted_on : str
        For people.

    Returns
    -------
    dict
        What was written as ``contrast``.
    """
    from safetensors.numpy import save_file

    from core.detect.model_config import read_config
    from core.detect.weights import sha256_of
    from training.model_files import put, write_config

    folder = Path(directory)
    arrays = {"mean": made.mean, "project": made.project, "own": made.own}
    for n, (weight, bias) in enumerate(made.layers):
        arrays |= {f"{n}.w": weight, f"{n}.b": bias}
    part = folder / "contrast.part"
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, part)
    digest, file = sha256_of(part), put(part, folder, "contrast.safetensors")
    written = {
        "file": file,
        "sha256": digest,
        "run": made.run,
        "least": made.least,
        "beyond": made.beyond,
        "fitted_on": fitted_on,
    }
    write_config(folder, {**read_config(folder), "contrast": written})
    return written
