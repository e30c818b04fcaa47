"""Which detectors there are, where their weights come from, and how they are checked."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.detector import Detector, DetectorError, briefly, checked_sha256, sha256_of
from core.detect.model_config import read_config
from core.files import write_whole
from core.settings import settings

MOST_CLASSES = 50
"""Classes of a classifier that a visitor can be asked about."""

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "data" / "models" / "embedded"

Progress = Callable[[float], None]

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Entry:
    """A detector that can be loaded by id.

    Attributes
    ----------
    id, name : str
        For programs and for people.
    summary : str
        One sentence.
    home : str
        Where the weights are published; empty where they ship with the project.
    file : str
        Name of the weights file.
    bytes : int
        Its published size.
    url, sha256 : str
        Address and hash of the weights file, where both are known beforehand.
    licence : str
        Of the weights, as their publisher states it.
    published : str
        Its name in the tables of published results; empty where it has none.
    """

    id: str
    name: str
    summary: str
    home: str = ""
    file: str = ""
    bytes: int = 0
    url: str = ""
    sha256: str = ""
    licence: str = ""
    published: str = ""

    @property
    def path(self) -> Path:
        """Where the weights lie once fetched or put in place."""
        return EMBEDDED if self.id == "embedded" else models_home() / self.id / self.file

    @property
    def ready(self) -> bool:
        """Whether the weights are on this machine, by name and size; what they hold comes later."""
        if not self.file:
            return (self.path / "config.json").is_file()
        return self.path.is_file() and self.path.stat().st_size == self.bytes

    @property
    def size(self) -> str:
        """Size of the weights file for people."""
        megabytes = self.bytes / 1e6
        return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"


PUBLISHED = Entry(
    id="wav2vec2-base-asvspoof2019",
    name="wav2vec2-base, ASVspoof 2019 LA (published)",
    summary="The published wav2vec2-base detector with mean pooling and a linear head.",
    home="Sara1708/deepfake-audio-wav2vec2",
    file="stage2_best.pt",
    bytes=491_044_441,
    licence="Apache-2.0 (model card)",
    published="wav2vec2-base stage 2 (published)",
)

AASIST_WEIGHTS = (
    "https://raw.githubusercontent.com/clovaai/aasist/"
    "a04c9863f63d44471dde8a6abcb3b082b07cd1d1/models/weights/"
)

AASIST = Entry(
    id="aasist",
    name="AASIST, ASVspoof 2019 LA (published)",
    summary="The published AASIST detector: graph attention over a raw-waveform encoder.",
    home="clovaai/aasist",
    file="AASIST.pth",
    bytes=1_281_532,
    url=f"{AASIST_WEIGHTS}AASIST.pth",
    sha256="51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0",
    licence="MIT",
    published="AASIST",
)

AASIST_L = Entry(
    id="aasist-l",
    name="AASIST-L, ASVspoof 2019 LA (published)",
    summary="The published light variant of AASIST, with 85,306 parameters.",
    home="clovaai/aasist",
    file="AASIST-L.pth",
    bytes=426_428,
    url=f"{AASIST_WEIGHTS}AASIST-L.pth",
    sha256="814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a",
    licence="MIT",
    published="AASIST-L",
)

ENTRIES: Mapping[str, Entry] = {
    entry.id: entry
    for entry in (
        Entry(
            id="embedded",
            name="Embedded detector",
            summary="Ships with the project and needs no network.",
            licence="Apache-2.0",
        ),
        PUBLISHED,
        AASIST,
        AASIST_L,
    )
}


def models_home() -> Path:
    """Folder of fetched weights: ``$SPOOFSCOPE_MODELS``, or a cache folder of the user."""
    given = settings().models
    return Path(given) if given else Path.home() / ".cache" / "spoofscope" / "models"


def list_detectors() -> list[Entry]:
    """Every registered detector, the embedded one first."""
    return list(ENTRIES.values())


def is_named(id: str) -> bool:
    """Whether an id is one that this project gave, and no folder, file or address."""
    return id in ENTRIES or id in ("embedded-int8", "embedded-fp32")


def load_detector(
    detector: str | Path = "embedded",
    *,
    labels: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    fetch: bool = True,
    engine: str | None = None,
) -> Detector:
    """Load a detector.

    Parameters
    ----------
    detector : str or pathlib.Path
        An id of `list_detectors`; a model directory of this project's format; a directory with a
        `transformers` audio classifier; a checkpoint file of AASIST, AASIST-L or the mean-pooled
        wav2vec2 network, see `core.detect.checkpoint`; or ``hub:OWNER/NAME``, a `transformers`
        audio classifier on the hub.
    labels : mapping, optional
        For a classifier whose class names do not say what is bona fide and what spoof.
    progress : callable, optional
        Called with the share of a download that is done, 0-1.
    fetch : bool
        Whether weights may be fetched from their home when they are not here, or not the right
        ones. What is fetched is checked before it replaces anything.
    engine : str, optional
        What runs a model directory's network, one of `core.detect.engine.ENGINES`; the ids
        ``embedded-int8`` and ``embedded-fp32`` say it too.

    Returns
    -------
    Detector
        Ready to use.

    Raises
    ------
    DetectorError
        With a sentence that says what is wrong and what to do.
    """
    name = str(detector)
    if name == "embedded":
        return Detector.load(EMBEDDED, engine)
    if name == "embedded-int8":
        return Detector.load(EMBEDDED, "int8")
    if name == "embedded-fp32":
        return Detector.load(EMBEDDED, "onnx")
    entry = ENTRIES.get(name)
    if entry is not None:
        wrong = _what_is_wrong(entry)
        if wrong and not fetch:
            raise DetectorError(wrong)
        if wrong:
            (_fetch_pinned if entry.sha256 else _fetch)(entry, progress)
        return load_checkpoint(entry.path, entry.id, entry.name)
    if name.startswith("hub:"):
        where = _hub_name(name)
        return _tried(_load_classifier(where, name, labels, local_only=not fetch))
    path = Path(detector)
    if os.path.isdir(path):  # no error for a name too long
        if is_project_model(path):
            return _tried(Detector.load(path, engine))
        return _tried(_load_classifier(str(path), path.resolve().name, labels, local_only=True))
    if os.path.isfile(path):
        return _load_file(path)
    known = ", ".join(ENTRIES)
    raise DetectorError(
        f"There is no detector '{name}'. Known are {known}; a model directory, a checkpoint file "
        "or hub:OWNER/NAME will do as well."
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
    path = Path(detector)
    hub = detector.startswith("hub:")
    if not hub and (os.path.isfile(path) or (os.path.isdir(path) and is_project_model(path))):
        return {}
    name = _hub_name(detector) if hub else detector
    from transformers import AutoConfig

    from core.detect.networks.classes import BONA_FIDE_WORDS, SPOOF_WORDS

    try:
        if hub:
            _check_size(name)
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


def _tried(detector: Detector) -> Detector:
    """A detector from elsewhere that has heard a little noise: what cannot be used fails here.

    Raises
    ------
    DetectorError
        If it gives no scores.
    """
    noise = np.random.default_rng(0).normal(0, 0.01, detector.window + detector.hop)
    ranges = [(0, detector.window), (detector.hop, detector.hop + detector.window)]
    try:
        raw, embeddings = detector.raw_scores(noise.astype(np.float32), ranges)
        if not np.isfinite(raw).all() or not np.isfinite(embeddings).all():
            raise ValueError("its scores are no numbers")
        if detector.familiarity is not None:
            detector.familiarity(embeddings.mean(axis=0))
    except Exception as error:  # every library below has errors of its own
        raise DetectorError(f"'{detector.name}' cannot judge sound: {briefly(error)}") from error
    return detector


def _check_size(name: str) -> None:
    """Refuse hub weights that are no safetensors file or too large, before they are fetched."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        size = get_hf_file_metadata(hf_hub_url(name, "model.safetensors"), timeout=10).size
    except (OSError, HfHubHTTPError) as error:
        raise DetectorError(
            f"'{name}' could not be found on the hub with a file model.safetensors. Check the "
            "name and the network."
        ) from error
    most = settings().max_weights_mb
    if size is None or size > most << 20:
        raise DetectorError(
            f"The weights of '{name}' are too large to be fetched here: at most {most:,} MB."
        )


def is_project_model(directory: Path) -> bool:
    """Whether a directory holds a model of this project's own format."""
    try:
        read_config(directory)
    except DetectorError:
        return False
    return True


def load_checkpoint(
    path: Path, id: str, name: str, network: Mapping[str, Any] | None = None
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

    Raises
    ------
    DetectorError
        If it cannot be read, or fits no network that is known.
    """
    from core.detect.checkpoint import read
    from core.detect.networks import aasist, wav2vec2

    try:
        found = read(path, {"aasist": aasist.ANCHOR, "wav2vec2": wav2vec2.ANCHOR})
    except ValueError as error:
        raise DetectorError(str(error)) from error
    fed: dict[str, Any] = {}
    try:
        if found.network == "aasist":
            fed = {"window": aasist.WINDOW, "repeat": True}
            model = aasist.with_weights(found.tensors)
        else:
            model = wav2vec2.with_weights(found.tensors, network)
    except ValueError as error:
        raise DetectorError(f"{path.name} {error}") from error
    if found.averaged:
        name = f"{name} (moving average of its weights)"
    return Detector(id=id, name=name, network=model, weights_sha256=sha256_of(path), **fed)


def _load_file(path: Path) -> Detector:
    """A checkpoint file by its path: called the published one only where its hash is that one's."""
    for entry in ENTRIES.values():
        if entry.sha256 and path.stat().st_size == entry.bytes and sha256_of(path) == entry.sha256:
            return load_checkpoint(path, entry.id, entry.name)
    id = path.name if is_named(path.stem) else path.stem
    return _tried(load_checkpoint(path, id, path.name))


def _load_classifier(
    where: str, id: str, labels: Mapping[str, str] | None, *, local_only: bool
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
    digest = sha256_of(weights) if weights.is_file() else _state_sha256(model)
    return Detector(id=id, name=where, network=model, weights_sha256=digest)


def _state_sha256(model: Any) -> str:
    """Hash of a network's tensors, for weights whose file is out of reach."""
    import hashlib

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _what_is_wrong(entry: Entry) -> str:
    """Why the weights in their place cannot be used, in a sentence; empty where they can."""
    if not entry.path.is_file():
        return _put_in_place(entry)
    try:
        if entry.sha256:
            checked_sha256(entry.path, entry.sha256)
        else:
            _check_published(entry)
    except _Unwritten:  # the file is the right one; fetching it again would not help
        raise
    except DetectorError as error:
        return str(error)
    return ""


def _put_in_place(entry: Entry) -> str:
    home = entry.url or f"the model hub repository {entry.home}"
    return (
        f"The weights of '{entry.id}' are not on this machine. Fetch {entry.file} ({entry.size}) "
        f"from {home} and put it at {entry.path}."
    )


def _write(path: Path, content: bytes) -> None:
    """Write aside, then rename: nobody ever sees half a file.

    Raises
    ------
    DetectorError
        If the disk does not take it; nothing is left behind then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise _unwritten(path.parent, error) from error


class _Unwritten(DetectorError):
    """The disk does not take what is to be kept."""


def _unwritten(folder: Path, error: OSError) -> _Unwritten:
    return _Unwritten(
        f"What was fetched cannot be kept in {folder}: {error.strerror or error}. Make room there, "
        "or name another folder in SPOOFSCOPE_MODELS."
    )


def _fetch_pinned(entry: Entry, progress: Progress | None) -> None:
    """Fetch weights whose hash is known beforehand; anything else is not kept."""
    import hashlib
    from http.client import HTTPException
    from urllib.request import urlopen

    content = b""
    try:
        with urlopen(entry.url, timeout=30) as answer:
            while len(content) <= entry.bytes and (block := answer.read(1 << 16)):
                content += block
                if progress is not None:
                    progress(min(1.0, len(content) / entry.bytes))
    except (OSError, HTTPException) as error:
        raise DetectorError(f"{entry.url} could not be read. {_put_in_place(entry)}") from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DetectorError(
            f"What arrived from {entry.url} is not the published {entry.file}, so it was not "
            "kept. Try again."
        )
    _write(entry.path, content)


def _fetch(entry: Entry, progress: Progress | None) -> None:
    """Fetch weights from their home, check them against what the home announces, keep the hash."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from tqdm.auto import tqdm

    class Bar(tqdm):
        def update(self, n: float | None = 1) -> bool | None:
            done = super().update(n)
            if progress is not None and self.total:
                progress(min(1.0, self.n / self.total))
            return done

    folder = entry.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        announced = get_hf_file_metadata(hf_hub_url(entry.home, entry.file), timeout=10)
        if announced.size != entry.bytes:
            raise DetectorError(
                f"{entry.home} now offers another {entry.file} than the published one "
                f"({announced.size} bytes, expected {entry.bytes}), so it was not fetched."
            )
        got = Path(
            hf_hub_download(
                entry.home,
                entry.file,
                revision=announced.commit_hash,
                local_dir=folder / "partial",
                tqdm_class=Bar,
            )
        )
    except DetectorError:
        raise
    except Exception as error:  # a connection that breaks has many names, not all of them OSError
        if isinstance(error, OSError) and error.errno in _DISK:
            raise _unwritten(folder, error) from error
        raise DetectorError(f"The hub could not be reached. {_put_in_place(entry)}") from error
    digest = sha256_of(got)
    if digest != announced.etag:
        got.unlink()
        raise DetectorError(f"{entry.file} arrived damaged and was removed. Try again.")
    pin = {"sha256": digest, "revision": announced.commit_hash}
    _write(folder / "pin.json", json.dumps(pin).encode())
    try:
        got.replace(entry.path)
    except OSError as error:
        raise _unwritten(folder, error) from error


def _pinned(pin: Path) -> object:
    try:
        return dict(json.loads(pin.read_text("utf-8"))).get("sha256")
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _check_published(entry: Entry) -> None:
    """Size as published, and the hash that was pinned when the file was first seen here."""
    size = entry.path.stat().st_size
    if size != entry.bytes:
        raise DetectorError(
            f"{entry.path} has {size} bytes; the published file has {entry.bytes}. Fetch it "
            "again, or put the right one in place."
        )
    pin = entry.path.parent / "pin.json"
    digest = sha256_of(entry.path)
    if not pin.is_file():
        _write(pin, json.dumps({"sha256": digest, "revision": None}).encode())
    elif _pinned(pin) != digest:
        raise DetectorError(
            f"{entry.path} has changed since it was first used here. Fetch it again, or put "
            f"the right one in place and remove {pin.name} beside it."
        )
