"""Labelled clips of one's own -> scores of a detector -> a calibration of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import AudioError
from core.detect.model_config import DetectorError
from core.detect.own_calibration import OwnCalibration
from core.detect.weights import sha256_of
from core.evaluate.calibrating import CalibrationError, Fit, fit
from core.evaluate.trials.labels import LABELS, as_labels
from core.evaluate.trials.problems import TrialsError
from core.plain import printable
from core.score.manifest import ArchiveError, Item, read_manifest

if TYPE_CHECKING:
    from core.detect.detector import Detector

LABEL_COLUMNS = ("label", "key", "class", "truth", "is_spoof", "is_fake")
SPEAKER_COLUMNS = ("speaker", "speaker_id", "spk", "speakers")


@dataclass
class Labelled:
    """Clips whose truth is known.

    Attributes
    ----------
    items : list of Item
        What is to be heard; empty where ``raw`` is given.
    is_spoof : list of bool
        The truth, one per clip.
    speakers : list of str or None
        Who speaks, one per clip.
    raw : numpy.ndarray or None
        Scores that were made before, ``[n]``, NaN where there is none.
    """

    items: list[Item]
    is_spoof: list[bool]
    speakers: list[str] | None = None
    raw: np.ndarray | None = None


@dataclass
class Scored:
    """The same, heard.

    Attributes
    ----------
    raw, before : numpy.ndarray
        Raw scores and log-likelihood ratios as they were taken so far, ``[n]``.
    is_spoof, speakers
        As in `Labelled`, of those with a score.
    left_out : dict of str to str
        Name to sentence of each clip without one.
    """

    raw: np.ndarray
    before: np.ndarray
    is_spoof: np.ndarray
    speakers: list[str] | None
    left_out: dict[str, str] = field(default_factory=dict)


def labelled(
    source: str | Path,
    detector: Detector,
    *,
    root: str | Path | None = None,
    label: str = "",
    spoofed: Sequence[str] = (),
    speaker: str = "",
) -> Labelled:
    """Read which clips there are, and their truth.

    Parameters
    ----------
    source : path-like
        A folder with folders named for the classes, such as ``human`` and ``synthetic``; a table
        with columns of paths and labels; or what ``python -m core score`` made of one, with its
        column ``raw``.
    detector : Detector
        Scores that were made before must be by its weights.
    root : path-like, optional
        What relative paths are relative to.
    label, speaker : str
        Columns; by default the first of `LABEL_COLUMNS` and of `SPEAKER_COLUMNS`.
    spoofed : sequence of str
        Labels that mean spoofed, where they are no words for it.

    Raises
    ------
    ArchiveError, CalibrationError
        With a sentence, if it cannot be read or does not say the truth of its clips.
    """
    source = Path(source)
    items = read_manifest(source, root)
    if os.path.isdir(source):
        return _of_folders(items, source)
    columns = list(items[0].further)
    labels = _column(columns, label, LABEL_COLUMNS, "labels", source)
    assert labels is not None
    who = _column(columns, speaker, SPEAKER_COLUMNS, "", source)
    truth = _truth([str(item.further[labels] or "") for item in items], spoofed, labels, source)
    return Labelled(
        items,
        truth,
        None if who is None else [str(item.further[who] or "") for item in items],
        _scored_before(items, columns, detector, source),
    )


def _of_folders(items: Sequence[Item], source: Path) -> Labelled:
    truth: list[bool] = []
    for item in items:
        parts = Path(item.path).parts[:-1]
        words = {LABELS[p.lower()] for p in parts if p.lower() in LABELS}
        if len(words) != 1:
            raise CalibrationError(
                f"The path {item.path} in {source.name} does not say whether it is human or "
                "synthetic speech. Put the clips into folders called human and synthetic, or give "
                "a table with the columns path and label."
            )
        truth.append(words == {"spoof"})
    return Labelled(list(items), truth)


def _column(
    columns: Sequence[str], given: str, usual: Sequence[str], what: str, source: Path
) -> str | None:
    """The column that is meant; None where there is none of the usual and none is needed."""
    if given:
        if given not in columns:
            raise CalibrationError(
                f"{source.name} has no column '{printable(given)}'. It has: {_named(columns)}."
            )
        return given
    by_name = {name.strip().lower(): name for name in columns}
    found = next((by_name[name] for name in usual if name in by_name), None)
    if found is None and what:
        raise CalibrationError(
            f"{source.name} has no column of {what}; say which it is by --label, or call it "
            f"'label'. Beside paths it has: {_named(columns) or 'nothing'}."
        )
    return found


def _named(columns: Sequence[str]) -> str:
    return printable(", ".join(columns))[:300]


def _truth(given: list[str], spoofed: Sequence[str], column: str, source: Path) -> list[bool]:
    import pandas as pd

    try:
        labels = as_labels(pd.Series(given, dtype="str"), spoofed, source.name)
    except TrialsError as error:
        raise CalibrationError(str(error)) from error
    if labels.isna().any():
        odd = printable(given[int(np.argmax(labels.isna().to_numpy()))])[:60]
        raise CalibrationError(
            f"'{odd}' in the column {printable(column)} of {source.name} means neither human nor "
            "synthetic speech. Say which labels mean synthetic by --spoof-label."
        )
    return (labels == "spoof").tolist()


def _scored_before(
    items: Sequence[Item], columns: Sequence[str], detector: Detector, source: Path
) -> np.ndarray | None:
    """Raw scores that the table holds, None where it holds none.

    Raises
    ------
    CalibrationError
        If they are of other weights.
    """
    if "raw" not in columns:
        return None
    if "weights_sha256" not in columns:
        raise CalibrationError(
            f"{source.name} has scores but no column weights_sha256, so nobody knows whose they "
            "are. Make it by python -m core score, or leave out its column raw."
        )
    others = {str(item.further["weights_sha256"]) for item in items} - {detector.weights_sha256}
    if others:
        raise CalibrationError(
            f"{source.name} holds scores by other weights ({printable(min(others))[:12]}) than "
            f"those of {detector.id} ({detector.weights_sha256[:12]})."
        )
    try:
        return np.array([_score(item.further["raw"]) for item in items])
    except ValueError as error:
        raise CalibrationError(f"A raw score in {source.name} is no number.") from error


def _score(value: Any) -> float:
    return float("nan") if value in (None, "") else float(value)


def heard(
    clips: Labelled,
    detector: Detector,
    progress: Callable[[int, int, str], None] | None = None,
) -> Scored:
    """Have a detector score labelled clips.

    Parameters
    ----------
    clips : Labelled
        From `labelled`.
    detector : Detector
        Without a calibration that was fitted here.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Raises
    ------
    CalibrationError
        If one file is called human and synthetic.
    """
    raw = np.full(len(clips.items), np.nan) if clips.raw is None else clips.raw
    codecs = [""] * len(raw)
    left_out: dict[str, str] = {}
    first: dict[str, int] = {}
    for at, item in enumerate(clips.items):
        if progress is not None:
            progress(at, len(clips.items), item.id)
        if twin := _twin(item, at, clips, first):
            left_out[item.id] = twin
            raw[at] = np.nan
        elif clips.raw is None:
            found = _raw(item, detector)
            if isinstance(found, str):
                left_out[item.id] = found
            else:
                raw[at], codecs[at] = found
        elif np.isnan(raw[at]):
            left_out[item.id] = "It has no score in the table."
    there = np.isfinite(raw)
    before = [detector.calibration_of(codecs[i]).llr(float(raw[i])) for i in np.flatnonzero(there)]
    return Scored(
        raw[there],
        np.array(before),
        np.array(clips.is_spoof, bool)[there],
        None if clips.speakers is None else [clips.speakers[i] for i in np.flatnonzero(there)],
        left_out,
    )


def _twin(item: Item, at: int, clips: Labelled, first: dict[str, int]) -> str:
    """That a clip's bytes were there before: many copies of one clip show no more than one does.

    Raises
    ------
    CalibrationError
        If they were there with the other label.
    """
    digest = str(item.further.get("sha256") or "") if clips.raw is not None else ""
    if clips.raw is None:
        with contextlib.suppress(OSError):  # the decoder says what is wrong with it
            digest = sha256_of(Path(item.file))
    earlier = first.setdefault(digest, at)
    if not digest or earlier == at:
        return ""
    name = clips.items[earlier].id
    if clips.is_spoof[earlier] != clips.is_spoof[at]:
        raise CalibrationError(
            f"{name} and {item.id} are the same file, once called human and once synthetic. "
            "Correct one of the labels."
        )
    return f"It is the same file as {name}, so it is counted once."


def _raw(item: Item, detector: Detector) -> tuple[float, str] | str:
    """A file's raw score and codec, or why it has none."""
    from core.audio.isolated import decode_safely

    try:
        clip = decode_safely(Path(item.file))
    except AudioError as error:
        return str(error)
    if len(clip.parts) > 1:
        return "Its channels hold different sound, so one label does not say which is meant."
    try:
        evidence = detector.listen(clip)
    except DetectorError as error:
        return str(error)
    if not evidence.scored:
        return " ".join(reason.text for reason in evidence.reasons) or "It has no score."
    return float(evidence.raw.mean()), clip.source.codec


def calibration(scored: Scored, detector: Detector, name: str) -> tuple[OwnCalibration, Fit]:
    """Fit a detector's calibration; nothing is kept yet.

    Parameters
    ----------
    scored : Scored
        From `heard`.
    detector : Detector
        The same.
    name : str
        What the clips are called, for people.

    Raises
    ------
    CalibrationError
        As `core.evaluate.calibrating.fit`.
    """
    made = fit(scored.raw, scored.is_spoof, scored.before, scored.speakers)
    cllr = {
        when: {"value": found.value, "low": found.low, "high": found.high}
        for when, found in (("before", made.before), ("after", made.after))
    }
    return (
        OwnCalibration(
            detector=detector.id,
            weights_sha256=detector.weights_sha256,
            clips=printable(name.strip())[:100] or "clips",
            n_bonafide=made.n_bonafide,
            n_spoof=made.n_spoof,
            scale=made.scale,
            offset=made.offset,
            llr_limit=made.llr_limit,
            band=made.band,
            cllr=cllr,
        ),
        made,
    )


__all__ = [
    "ArchiveError",
    "CalibrationError",
    "Labelled",
    "Scored",
    "calibration",
    "heard",
    "labelled",
]
