"""Every clip of a split judged by a detector: one row a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from core.detect.detector import Detector

TRIAL_COLUMNS = (
    "trial", "label", "score", "raw", "windows", "source", "family", "system", "material",
    "speaker", "pair", "codec", "verdict", "familiarity", "bandwidth_hz", "duration_s",
    "speech_s", "level_dbfs", "zero_share", "lead_s", "tail_s", "mos", "spread",
)  # fmt: skip
"""Columns of a table of trials; ``score`` is the LLR, higher = spoof, empty if not judged;
``spread`` the standard deviation of the windows' raw scores."""


def score_trials(
    detector: Detector,
    index: pd.DataFrame,
    split: str = "test",
    codec: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    embeddings: list[np.ndarray] | None = None,
    windows: int | None = None,
) -> pd.DataFrame:
    """Judge every clip of a split, exactly as `Detector.detect` does.

    Parameters
    ----------
    detector : Detector
        The system.
    index : pandas.DataFrame
        From `training.clips.read_index`.
    split : str
        Which rows.
    codec : str, optional
        Send every clip through this codec first (see `core.audio.codecs`).
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    embeddings : list, optional
        Collects the mean embedding ``[d]`` of every clip (zeros where it was not judged).
    windows : int, optional
        Score at most this many windows of a clip, from its middle outwards, to save time.

    Returns
    -------
    pandas.DataFrame
        `TRIAL_COLUMNS`, one row per clip, in the order of the index.
    """
    from core.audio.clip import Clip
    from core.audio.codecs import encode_decode
    from training.clips import decoded

    rows = index[index["split"] == split]
    out = []
    for done, row in enumerate(rows.to_dict("records"), 1):
        clip = decoded(row["file"])
        # The detector is told of the codec, as a file that arrives in it would tell.
        source = replace(clip.source, codec=codec) if codec else clip.source
        clip = Clip(encode_decode(clip.samples, codec) if codec else clip.samples, source)
        evidence = detector.listen(clip, most=windows)
        detection = detector.judge(clip, evidence)
        quality = evidence.quality
        trial: dict[str, Any] = {
            "trial": row["clip"],
            "label": row["label"],
            "codec": codec or "none",
            "bandwidth_hz": quality.bandwidth_hz,
            "duration_s": quality.duration_s,
            "speech_s": quality.speech_s,
            "level_dbfs": quality.level_dbfs,
            "zero_share": quality.zero_share,
            "lead_s": quality.speech[0][0] if quality.speech else np.nan,
            "tail_s": quality.duration_s - quality.speech[-1][1] if quality.speech else np.nan,
            "mos": row.get("mos", np.nan),
            "verdict": detection.verdict,
            **{k: row[k] for k in ("source", "family", "system", "material", "speaker", "pair")},
        }
        mean = np.zeros(0, np.float32)
        if evidence.scored:
            mean = evidence.embeddings.mean(axis=0)
            trial |= {"raw": float(evidence.raw.mean()), "score": detection.llr}
            trial["windows"] = len(evidence.scored)
            trial["spread"] = float(evidence.raw.std())
        if detection.familiarity is not None:
            trial["familiarity"] = detection.familiarity.distance
        out.append(trial)
        if embeddings is not None:
            embeddings.append(mean)
        if progress is not None:
            progress(done, len(rows), str(row["clip"]))
    if embeddings is not None:
        size = max((len(e) for e in embeddings), default=0)
        embeddings[:] = [e if len(e) else np.zeros(size, np.float32) for e in embeddings]
    return pd.DataFrame(out, columns=list(TRIAL_COLUMNS))


def read_trials(path: str | Path) -> pd.DataFrame:
    """A table of trials from a file.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # what is no table raises kinds of ValueError
        raise ValueError(f"{path} cannot be read as CSV: {error}") from error
    needed = ("trial", "label", "score", "speaker", "source")
    lacks = [column for column in needed if column not in table]
    if lacks:
        raise ValueError(f"{path} is no table of trials: it lacks {', '.join(lacks)}.")
    return table.fillna({"speaker": ""})
