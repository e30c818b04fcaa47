"""One file -> its rows. Every executor calls this, so every executor gets the same rows."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.detect.decision import STANCE, Stance

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.detect.detector import Detector

EXECUTORS = ("processes", "ray")
"""What runs the workers: processes of this machine, or Ray Data here or on a cluster."""

THREADS = {
    name: "1"
    for name in (
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        "SPOOFSCOPE_THREADS",  # ONNX Runtime does not read the others
    )
}
"""Environment of a worker: one thread each, so that sums are taken in one order everywhere."""

ROW = {
    "sha256": "string", "track": "int64", "tracks": "int64", "channel": "int64",
    "score": "double", "raw": "double",
    "p_spoof": "double", "prior": "double", "cost_missed_fake": "double",
    "cost_false_accusation": "double", "verdict": "string", "reasons": "string",
    "familiarity": "string", "familiarity_percentile": "double", "windows": "int64",
    "duration_s": "double", "speech_s": "double", "missing_s": "double",
    "notes": "string", "error": "string",
    "detector": "string", "weights_sha256": "string", "version": "string",
}  # fmt: skip
"""Columns of a row, by type, after id and path; no channel where channels were averaged."""

WINDOW = ("start_s", "end_s", "llr", "p_spoof", "speech_s")


def one_thread() -> None:
    """Keep this process to one thread of arithmetic: that of libraries that load later, too."""
    os.environ.update(THREADS)
    if torch := sys.modules.get("torch"):  # it takes seconds to load, and may not be needed
        torch.set_num_threads(1)


def identity(detector: Detector) -> dict[str, str]:
    """What a detector's scores depend on: its id, its hashes and what runs its network."""
    from core.detect.engine import TorchEngine

    config = json.dumps(detector.config, sort_keys=True, default=str)
    return {
        "detector": detector.id,
        "weights_sha256": detector.weights_sha256,
        "config_sha256": hashlib.sha256(config.encode()).hexdigest(),
        "engine": "torch" if isinstance(detector.engine, TorchEngine) else "onnx",
    }


def stamp(file: str) -> list[int] | None:
    """Size and time of change of a file, None where there is none."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns]


def read(file: str, settings: dict[str, Any]) -> Clip | str:
    """A decoded clip, or the sentence that says why there is none.

    It is decoded in a process of its own, which a file may break or fill; of a file the ``track``
    and the ``channel`` of the settings, or what is usual where they are None.
    """
    from core.audio.clip import AudioError
    from core.audio.isolated import decode_safely

    try:
        return decode_safely(Path(file), track=settings["track"], channel=settings["channel"])
    except AudioError as error:
        return str(error)
    except Exception as error:  # a fault in one file must not end an archive of many
        return f"The file could not be decoded ({type(error).__name__}: {error})."


def judge(detector: Detector, clip: Clip | str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one file: one, or one per channel where those are judged apart.

    Parameters
    ----------
    detector : Detector
        From `core.detect.registry.load_detector`.
    clip : Clip or str
        From `read`.
    settings : dict
        With a `Stance`'s fields, ``hop_s``, ``windows`` (whether to keep them) and ``version``.

    Returns
    -------
    list of dict
        By `ROW`; with ``window_rows``, lists by `WINDOW`, where they are to be kept. Where there
        is no score, it and what follows from it are None.
    """
    stance = Stance(**{name: settings[name] for name in STANCE})
    row: dict[str, Any] = dict.fromkeys(ROW)
    row |= {
        "windows": 0,
        "detector": detector.id,
        "weights_sha256": detector.weights_sha256,
        "version": settings["version"],
        **asdict(stance),
    }
    if isinstance(clip, str):
        return [row | {"error": clip}]
    return [_judged(detector, part, settings, stance, row) for part in clip.parts]


def _judged(
    detector: Detector,
    clip: Clip,
    settings: dict[str, Any],
    stance: Stance,
    row: dict[str, Any],
) -> dict[str, Any]:
    source = clip.source
    row = row | {
        "sha256": source.sha256,
        "track": source.track,
        "tracks": max(1, len(source.tracks)),
        "channel": source.channel,
        "missing_s": source.missing_s(),
        "notes": " ".join(source.notes),
    }
    try:
        evidence = detector.listen(clip, hop_s=settings["hop_s"])
        found = detector.judge(clip, evidence, stance)
    except Exception as error:  # as above
        return row | {"error": f"The clip could not be judged ({type(error).__name__}: {error})."}
    near = found.familiarity
    row |= {
        "score": found.llr,
        "raw": float(evidence.raw.mean()) if evidence.scored else None,
        "p_spoof": found.p_spoof,
        "verdict": found.verdict,
        "reasons": " ".join(reason.code for reason in found.reasons),
        "familiarity": near.level if near else None,
        "familiarity_percentile": float(near.percentile) if near else None,
        "windows": len(found.windows),
        "duration_s": float(found.quality.duration_s),
        "speech_s": float(found.quality.speech_s),
    }
    if settings["windows"]:
        row["window_rows"] = [[getattr(w, name) for name in WINDOW] for w in found.windows]
    return row


def failed(settings: dict[str, Any], sentence: str) -> list[dict[str, Any]]:
    """The rows of a file whose worker died."""
    row: dict[str, Any] = dict.fromkeys(ROW)
    keys = ("detector", "weights_sha256", "version", *STANCE)
    return [row | {k: settings[k] for k in keys} | {"windows": 0, "error": sentence}]
