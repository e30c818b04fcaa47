"""Weights from their public home, checked before they are used."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

from core.detect.detector import DetectorError
from core.detect.registry.entries import Entry
from core.detect.weights import checked_sha256, sha256_of
from core.files import write_whole
from core.settings import settings

Progress = Callable[[float], None]


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


def check_hub_size(name: str) -> None:
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


def what_is_wrong(entry: Entry) -> str:
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


def fetch_pinned(entry: Entry, progress: Progress | None) -> None:
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


def fetch_weights(entry: Entry, progress: Progress | None) -> None:
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
