"""When a stretch stands out, fitted on whole human clips of the dev splits, in which none does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.detect.contrast import Contrast, runs_above
from core.detect.finer import SHORTER
from core.detect.outlier import FEWEST_SHORT, Excess, heaviest
from training.contrast import Heard, Listener
from training.hosts import LENGTHS_S, hosts

SHIFT = 2.0
"""What `core.detect.outlier.Excess` lets pass: of 1.0 to 3.0 it found most 4 s parts on dev."""

WINDOWS = [s * SAMPLE_RATE // SHORTER.hop for s in LENGTHS_S]
"""Windows of clips of these lengths."""

FALSELY = 0.01
"""Share of whole human clips in which a stretch may be named."""


def fit_finding(
    directory: str | Path,
    indexes: Sequence[str | Path],
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Fit when a stretch of a clip stands out, and write it into a model's configuration.

    Human clips of the dev splits of 30 s and longer, and shorter ones joined by speaker, are scored
    once in shorter windows, and their scores cut into clips of 30, 60 and 120 s. In `FALSELY` of
    them a run passes the threshold, which grows with the number of windows.

    Parameters
    ----------
    directory : path-like
        The model, whose graphs take shorter windows.
    indexes : sequence of path-like
        Corpora; those with dev splits count.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    dict
        What was written as ``stands_out``.

    Raises
    ------
    ValueError
        If there are too few human clips.
    """
    from core.detect.contrast import load as load_contrast
    from core.detect.model_config import read_config
    from core.detect.model_directory import load_directory
    from training.clips import read_all
    from training.model_files import write_config

    detector = load_directory(directory)
    entry = read_config(Path(directory)).get("contrast")
    contrast = load_contrast(directory, entry) if entry else None
    listen = Listener(detector)
    dev = read_all(indexes)
    every = list(hosts(dev[dev["split"] == "dev"], (10 * LENGTHS_S[-1],)))
    pieces: list[Heard] = []
    joined = 0
    for number, host in enumerate(every):
        heard = listen(host.samples, host.name)
        if heard is not None:
            made = cut(heard)
            pieces += made
            joined += len(made) * (host.kind == "joined")
        if progress is not None:
            progress(number + 1, len(every), host.name)
    if len(pieces) < 1 / FALSELY:
        raise ValueError(
            f"The dev splits hold {len(pieces)} human clips of 30 s and longer; "
            f"{1 / FALSELY:.0f} are needed to fit when a stretch stands out."
        )
    written = {
        "window": SHORTER.window,
        "hop": SHORTER.hop,
        **asdict(fit_rule([piece.llrs for piece in pieces])),
        "fitted_on": f"{len(pieces)} human clips of 30, 60 and 120 s of the dev splits of the "
        f"public benchmarks, {joined} of them joined by speaker",
    }
    config = read_config(Path(directory))
    changed = {**config, "stands_out": written}
    if contrast is not None:
        changed["contrast"] = config["contrast"] | {"least": least(contrast, pieces)}
    write_config(Path(directory), changed)
    return written


def cut(heard: Heard) -> list[Heard]:
    """Clips of 30, 60 and 120 s out of a longer one; none of which so few windows are scored that
    nothing can stand out."""
    pieces = []
    for seconds in LENGTHS_S:
        n = (seconds * SAMPLE_RATE - SHORTER.window) // SHORTER.hop + 1
        step = seconds * SAMPLE_RATE // SHORTER.hop
        for start in range(0, heard.count - n + 1, step):
            inside = (heard.at >= start) & (heard.at < start + n)
            if inside.sum() >= FEWEST_SHORT:
                kept = heard.llrs[inside], heard.embeddings[inside]
                pieces.append(Heard(heard.at[inside] - start, *kept, n))
    return pieces


def least(contrast: Contrast, pieces: Sequence[Heard]) -> float:
    """The mean log-odds that no run whose scores say so too reaches in whole human clips; no less
    than even. Dev has few people, and what stands out upwards can accuse one."""
    found = [-1.0]
    for piece in pieces:
        scores = contrast.scores(piece.llrs, contrast.reduced(piece.embeddings))
        away = piece.llrs - np.median(piece.llrs) - SHIFT
        for first, end, mean in runs_above(scores, contrast.run, 0.0):
            if away[first:end].sum() >= contrast.beyond:
                found.append(mean)
    return max(0.0, math.ceil(1_000 * max(found) + 1) / 1_000)


def fit_rule(pieces: Sequence[np.ndarray]) -> Excess:
    """The rule by which a run of windows stands out in no more than `FALSELY` of these clips.

    The threshold grows with the number of windows as little as it may: so that among clips of no
    length more are named than their share, rounded up to whole clips.
    """
    scores = np.array([abs(heaviest(piece, SHIFT)[2]) for piece in pieces])
    lengths = np.array([len(piece) for piece in pieces])
    classes = [lengths <= WINDOWS[0], (lengths > WINDOWS[0]) & (lengths <= WINDOWS[1])]
    classes.append(lengths > WINDOWS[1])
    best: tuple[int, Excess] | None = None
    for growth in np.arange(0.0, 10.01, 0.25):
        rule = Excess(SHIFT, 0.0, float(growth))
        over = scores - [rule.least(n) for n in lengths]
        highest = float(np.sort(over)[::-1][int(FALSELY * len(over))])
        rule = replace(rule, score=math.ceil(1_000 * highest + 1) / 1_000)
        named = over >= rule.score
        more = max(0, *(int(named[c].sum()) - math.ceil(FALSELY * c.sum()) for c in classes))
        if best is None or more < best[0]:
            best = more, rule
    assert best is not None
    return best[1]
