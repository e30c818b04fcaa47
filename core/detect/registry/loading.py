"""A detector by its id, a model directory, a checkpoint or a hub id."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.detector import Detector, DetectorError
from core.detect.eight_bit import load_int8
from core.detect.model_config import is_project_model
from core.detect.model_directory import load_directory
from core.detect.own import is_code, load_own
from core.detect.registry.calibrated import calibrated_here
from core.detect.registry.entries import (
    ENTRIES,
    INT8,
    PRECISIONS,
    check_engine,
    in_8_bit,
    is_registered,
)  # fmt: skip
from core.detect.registry.entry import EMBEDDED, Entry, models_home
from core.detect.registry.fetching import Progress, check_hub_size, fetch_entry, weights_problem
from core.detect.weights import briefly, check_readable, sha256_of, state_sha256
from core.machine import memory_bytes

MOST_CLASSES = 50
"""Classes of a classifier that a visitor can be asked about."""


def load_detector(
    detector: str | Path = "embedded",
    *,
    labels: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    fetch: bool = True,
    engine: str | None = None,
    code: bool = False,
    kept: bool = True,
    waiting: Callable[[], object] | None = None,
) -> Detector:
    """Load a detector, with the calibration that was fitted for it here, if there is one.

    Parameters
    ----------
    detector : str or pathlib.Path
        An id of `list_detectors`; a model directory of this project's format; a directory with a
        `transformers` audio classifier; a checkpoint file of AASIST, AASIST-L, the mean-pooled
        wav2vec2 network or a head over XLS-R and its kin, see `core.detect.checkpoint`; a directory
        with two of them, of a head and of the encoder under it; or ``hub:OWNER/NAME``, a
        `transformers` audio classifier on the hub.
    labels : mapping, optional
        For a classifier whose class names do not say what is bona fide and what spoof.
    progress : callable, optional
        Called with the share of a download that is done, 0-1.
    waiting : callable, optional
        Called twice a second while code of one's own loads; what it raises ends that.
    fetch : bool
        Whether weights may be fetched from their home when they are not here, or not the right
        ones. What is fetched is checked before it replaces anything.
    engine : str, optional
        What runs a model directory's network, one of `core.detect.engine.ENGINES`; the ids
        ``embedded-int8`` and ``embedded-fp32`` say it too. With ``int8``, or an id ending so, a
        network over an encoder runs from what ``python -m training quantise`` wrote.
    code : bool
        Whether ``detector`` may be Python code, ``FILE.py``, ``FILE.py:object`` or
        ``module:object`` (see `core.detect.own`), which is run then. Only where whoever runs the
        program gave it, never for what a visitor typed. Code that is registered needs no such
        leave.
    kept : bool
        Whether a calibration that was fitted here is looked for, see `core.detect.own_calibration`.

    Returns
    -------
    Detector
        Ready to use.

    Raises
    ------
    DetectorError
        With a sentence that says what is wrong and what to do.
    """
    loaded = _load(str(detector), labels, progress, fetch, engine, code, waiting)
    return calibrated_here(loaded, models_home()) if kept else loaded


def _load(
    name: str,
    labels: Mapping[str, str] | None,
    progress: Progress | None,
    fetch: bool,
    engine: str | None,
    code: bool,
    waiting: Callable[[], object] | None,
) -> Detector:
    if name == "embedded":
        return load_directory(EMBEDDED, engine)
    if is_registered(name) or name.startswith("hub:") or is_code(name) or os.path.isfile(name):
        check_engine(name, engine)  # a folder of such a name would not be looked at
    if name in PRECISIONS:
        return load_directory(EMBEDDED, PRECISIONS[name])
    entry = ENTRIES.get(name)
    if entry is not None and entry.obstacle:
        raise DetectorError(f"{entry.name} cannot be run here. {entry.obstacle}")
    if entry is not None and entry.code:
        return _tried(load_own(entry.code, entry.id, waiting), waiting)
    small = in_8_bit(name if engine != "int8" else f"{name}{INT8}") or in_8_bit(name)
    if small is not None:
        return _tried(load_int8(small.path.parent / "int8", small.id, small.name))
    if entry is not None:
        wrong = weights_problem(entry)
        if wrong and not fetch:
            raise DetectorError(wrong)
        if wrong:
            fetch_entry(entry, progress)
        _check_memory(entry)
        if entry.classifier:
            folder = str(entry.path.parent)
            return _tried(_load_classifier(folder, entry.id, labels, True, entry.name))
        return load_checkpoint(entry.path, entry.id, entry.name, meant=entry.network)
    if name.startswith("hub:"):
        where = _hub_name(name)
        return _tried(_load_classifier(where, name, labels, local_only=not fetch))
    if is_code(name):
        if not code:
            raise _is_code(name)
        return _tried(load_own(name, waiting=waiting), waiting)
    path = Path(name)
    check_readable(path)
    if name and os.path.isdir(path):  # no error for a name too long; no name is no folder
        if is_project_model(path):
            return _tried(load_directory(path, engine))
        check_engine(name, engine)
        if pair := _head_and_encoder(path):
            head, encoder = pair
            id = path.resolve().name
            return _tried(load_checkpoint(head, id, head.name, encoder=encoder))
        return _tried(_load_classifier(str(path), path.resolve().name, labels, local_only=True))
    if os.path.isfile(path):
        return _load_file(path)
    known = ", ".join(ENTRIES)
    raise DetectorError(
        f"There is no detector '{name}'. Known are {known}; a model directory, a checkpoint file, "
        "hub:OWNER/NAME, or code of your own as FILE.py will do as well."
    )


def _is_code(name: str) -> DetectorError:
    return DetectorError(
        f"'{name}' is code, which is run only where whoever runs this program names it: in "
        "SPOOFSCOPE_DETECTORS, or in a command's --detector."
    )


def _check_memory(entry: Entry) -> None:
    """Refuse weights that are larger than the memory there is, before anything is read."""
    need, most = entry.path.stat().st_size, memory_bytes()
    if need > most:
        raise DetectorError(
            f"{entry.name} takes {need / 1e9:.1f} GB of memory for its weights, and this process "
            f"may use {most / 1e9:.1f} GB. Take a smaller detector, or a larger machine."
        )


def classes_of(detector: str) -> dict[str, str | None]:
    """The classes of a `transformers` audio classifier, and what their names seem to mean.

    Fetches the configuration of a hub model, not its weights.

    Parameters
    ----------
    detector : str
        ``hub:OWNER/NAME`` or a path, as for `load_detector`.

    Returns
    -------
    dict of str to (str or None)
        ``bonafide``, ``spoof`` or None for each class; empty where the detector is no such
        classifier and its sides are known.

    Raises
    ------
    DetectorError
        If it cannot be found, has no safetensors weights, or is too large.
    """
    if is_code(detector):
        raise _is_code(detector)
    path = Path(detector)
    hub = detector.startswith("hub:")
    if not hub and (os.path.isfile(path) or (os.path.isdir(path) and is_project_model(path))):
        return {}
    if not hub and os.path.isdir(path) and _two_checkpoints(path):
        return {}
    name = _hub_name(detector) if hub else detector
    from transformers import AutoConfig

    from core.detect.networks.classes import BONA_FIDE_WORDS, SPOOF_WORDS

    try:
        if hub:
            check_hub_size(name)
        config = AutoConfig.from_pretrained(name, local_files_only=not hub, trust_remote_code=False)
        names = [str(label) for label in config.id2label.values()]
        "".join(names).encode()  # half a character cannot be shown
    except DetectorError:
        raise
    except Exception as error:  # a configuration from anywhere meets every kind of error
        raise DetectorError(
            f"No audio classifier could be found at '{name}'. Check the name and the network."
        ) from error
    if len(names) > MOST_CLASSES or any(len(label) > 200 for label in names):
        raise DetectorError(f"The classes of '{name}' are too many, or their names too long.")

    def guess(label: str) -> str | None:
        word = "".join(c for c in label.lower() if c.isalnum())
        return "bonafide" if word in BONA_FIDE_WORDS else "spoof" if word in SPOOF_WORDS else None

    return {label: guess(label) for label in names}


def _hub_name(detector: str) -> str:
    """The name of ``hub:OWNER/NAME``; never the path of a folder."""
    name = detector.removeprefix("hub:")
    if not re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name) or set(name.split("/")) & {".", ".."}:
        raise DetectorError("A hub id has the form OWNER/NAME, in letters, digits, '-', '_', '.'.")
    return name


def _tried(detector: Detector, waiting: Callable[[], object] | None = None) -> Detector:
    """A detector from elsewhere that has heard a little noise: what cannot be used fails here.

    Raises
    ------
    DetectorError
    """
    n = detector.window + detector.hop
    noise = np.random.default_rng(0).normal(0, 0.01, n).astype(np.float32)
    ranges = [(0, detector.window), (detector.hop, n)]

    def look(_: float) -> None:
        if waiting is not None:
            waiting()

    try:
        finer = detector.finer_of(ranges, n)
        raw, embeddings = detector.raw_scores(noise, ranges, None, look, finer)
        if not np.isfinite(raw).all() or not np.isfinite(embeddings).all():
            raise ValueError("its scores are no numbers")
        if detector.familiarity is not None:
            detector.familiarity(embeddings.mean(axis=0))
    except DetectorError:
        raise
    except Exception as error:  # every library below has errors of its own
        raise DetectorError(f"'{detector.name}' cannot judge sound: {briefly(error)}") from error
    return detector


def load_checkpoint(
    path: Path,
    id: str,
    name: str,
    network: Mapping[str, Any] | None = None,
    encoder: Path | None = None,
    meant: str = "",
) -> Detector:
    """A checkpoint of a known network as an uncalibrated detector, fed as its authors fed it.

    Parameters
    ----------
    path : pathlib.Path
        See `core.detect.checkpoint.read`.
    id, name : str
        For programs and for people.
    network : mapping, optional
        As for `core.detect.networks.wav2vec2.MeanPooledWav2Vec2`.
    encoder : pathlib.Path, optional
        The file of the encoder, where the checkpoint holds a head alone.
    meant : str
        The network that it has to be, where it goes by a name.

    Raises
    ------
    DetectorError
        If it cannot be read, or fits no network that is known.
    """
    from core.detect.checkpoint import read
    from core.detect.feeds import FEEDS, Feed
    from core.detect.networks import aasist, over_encoder, wav2vec2

    anchors = {
        "aasist": (aasist.ANCHOR,),
        "wav2vec2": (wav2vec2.ANCHOR,),
        **over_encoder.ANCHORS,
    }
    try:
        found = read(path, anchors)
        below = read(encoder, over_encoder.ENCODER_ALONE) if encoder is not None else None
    except ValueError as error:
        raise DetectorError(str(error)) from error
    if meant and found.network != meant:
        wrong = f"{path} holds another network ({found.network}) than that of {name} ({meant})."
        raise DetectorError(f"{wrong} Put the right file in its place.")
    feed = Feed()
    model: Any
    try:
        if found.network == "aasist":
            feed = Feed(aasist.WINDOW, short="repeated")
            model = aasist.with_weights(found.tensors)
        elif found.network == "wav2vec2":
            model = wav2vec2.with_weights(found.tensors, network)
        else:
            feed = FEEDS[found.network]
            model = over_encoder.with_weights(
                found.network, found.tensors, below.tensors if below else None
            )
    except ValueError as error:
        raise DetectorError(f"{path.name} {error}") from error
    if found.averaged:
        name = f"{name} (moving average of its weights)"
    digest = sha256_of(path)
    if encoder is not None:
        digest = hashlib.sha256(f"{digest}\n{sha256_of(encoder)}".encode()).hexdigest()
    return Detector(id=id, name=name, network=model, weights_sha256=digest, feed=feed)


def _load_file(path: Path) -> Detector:
    """A checkpoint file by its path: called the published one only where its hash is that one's."""
    for entry in ENTRIES.values():
        if entry.sha256 and path.stat().st_size == entry.bytes and sha256_of(path) == entry.sha256:
            return load_checkpoint(path, entry.id, entry.name)
    id = path.name if is_registered(path.stem) else path.stem
    return _tried(load_checkpoint(path, id, path.name))


_CHECKPOINTS = {".pt", ".pth", ".ckpt", ".bin", ".safetensors"}


def _two_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder that holds two, and no configuration; else none."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in _CHECKPOINTS)
    except OSError:
        return []
    return files if len(files) == 2 and not os.path.exists(folder / "config.json") else []


def _head_and_encoder(folder: Path) -> tuple[Path, Path] | None:
    """The two checkpoints of a folder: of a head, and of the encoder under it; None if it has none.

    Raises
    ------
    DetectorError
        If there are two, but not of that kind.
    """
    from core.detect.checkpoint import read
    from core.detect.networks.over_encoder import ANCHORS, ENCODER_ALONE

    files = _two_checkpoints(folder)
    if not files:
        return None
    kinds: dict[str, Path] = {}
    for file in files:
        try:
            found = read(file, {**ANCHORS, **ENCODER_ALONE}).network
        except ValueError as error:
            raise DetectorError(str(error)) from error
        kinds["encoder" if found == "encoder" else "head"] = file
    if len(kinds) != 2:
        raise DetectorError(
            f"The folder {folder.name} holds two checkpoints. Put there one, or a file with a head "
            "and a file with its encoder."
        )
    return kinds["head"], kinds["encoder"]


def _load_classifier(
    where: str, id: str, labels: Mapping[str, str] | None, local_only: bool, name: str = ""
) -> Detector:
    from core.detect.networks.classes import LabelError
    from core.detect.networks.wav2vec2 import RateError, audio_classifier

    try:
        model = audio_classifier(where, labels, local_only=local_only)
    except (LabelError, RateError) as error:
        raise DetectorError(str(error)) from error
    except Exception as error:  # a configuration from anywhere meets every kind of error
        raise DetectorError(
            f"No audio classifier with safetensors weights could be loaded from '{where}'. Check "
            "the name and the network, or give a local directory with config.json and "
            "model.safetensors."
        ) from error
    weights = Path(where) / "model.safetensors"
    digest = sha256_of(weights) if os.path.isfile(weights) else state_sha256(model)
    return Detector(id=id, name=name or where, network=model, weights_sha256=digest)
