"""Weights from their public home, checked before they are used."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from core.detect.detector import DetectorError
from core.detect.registry.entry import Entry
from core.detect.weights import checked_sha256, sha256_of
from core.files import atomic_write
from core.settings import settings

Progress = Callable[[float], None]


MOST_WORDS = 10_000_000
"""Bytes of a configuration whose size was not announced."""

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


def weights_problem(entry: Entry) -> str:
    """Why the weights in their place cannot be used, in a sentence; empty where they can."""
    if not os.path.isfile(entry.path):
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
    if not entry.fetchable:
        return (
            f"The weights of '{entry.id}' are not on this machine, and this program cannot fetch "
            f"them. Take the checkpoint ({entry.size}) from {entry.home} and put it at "
            f"{entry.path}."
        )
    beside = " with its config.json and preprocessor_config.json" if entry.classifier else ""
    at = f", commit {entry.revision}" if entry.revision else ""
    home = entry.url or f"the model hub repository {entry.home}{at}"
    return (
        f"The weights of '{entry.id}' are not on this machine. Fetch {entry.file} ({entry.size})"
        f"{beside} from {home} and put it at {entry.path}."
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
        atomic_write(path, content)
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


def fetch_entry(entry: Entry, progress: Progress | None) -> None:
    """Fetch an entry's weights from where they are at home.

    Raises
    ------
    DetectorError
        If they cannot be fetched, are not what was announced, or cannot be kept.
    """
    if not entry.fetchable:
        raise DetectorError(_put_in_place(entry))
    (fetch_pinned if entry.sha256 else fetch_weights)(entry, progress)


def fetch_weights(entry: Entry, progress: Progress | None) -> None:
    """Fetch weights from the model hub, check them against what it announces, keep the hash.

    What has arrived of a file stays where a connection breaks off, and the next try goes on there.
    """
    folder = entry.path.parent
    files = (entry.file, *(("config.json", "preprocessor_config.json") if entry.classifier else ()))
    for file in files:
        got, announced = _from_hub(entry, file, progress if file == entry.file else None)
        if got is None:
            continue
        if file == entry.file:
            pin = {"sha256": sha256_of(got), "revision": announced.commit_hash}
            _write(folder / "pin.json", json.dumps(pin).encode())
        try:
            got.replace(folder / file)
        except OSError as error:
            raise _unwritten(folder, error) from error
    shutil.rmtree(folder / "partial", ignore_errors=True)


def _from_hub(entry: Entry, file: str, progress: Progress | None) -> tuple[Path | None, Any]:
    """One file of a hub repository as announced, and what was announced; none if it has no such."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    folder = entry.path.parent
    whole = entry.revision if len(entry.revision) == 40 else None
    part = folder / "partial" / file
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        announced = get_hf_file_metadata(hf_hub_url(entry.home, file, revision=whole), timeout=10)
        if file == entry.file:
            _check_announced(entry, announced.size)
        # Named by its hash, so that what arrived of another version is not continued.
        part = part.with_name(f"{file}.{str(announced.etag)[:16]}")
        _continue(part, announced, progress)
    except DetectorError:
        raise
    except Exception as error:  # a connection that breaks has many names, not all of them OSError
        if isinstance(error, EntryNotFoundError) and file != entry.file:
            return None, None
        if isinstance(error, OSError) and error.errno in _DISK:
            raise _unwritten(folder, error) from error
        kept = os.path.isfile(part) and part.stat().st_size
        what = "broke off; what has arrived is kept, and the next try goes on there"
        raise DetectorError(
            f"The hub {what if kept else 'could not be reached'}. {_put_in_place(entry)}"
        ) from error
    if not _is_announced(part, announced.etag):
        part.unlink()
        raise DetectorError(f"{file} arrived damaged and was removed. Try again.")
    return part, announced


def _continue(part: Path, announced: Any, progress: Progress | None) -> None:
    """Fetch what is not there yet of a file that was announced.

    A token of the user's is for the hub alone, not for the store to which it may send on.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    most = MOST_WORDS if announced.size is None else announced.size

    class Count:
        """In the place of the library's bar: tells how far it is, and ends what has no end."""

        def __init__(self, initial: int = 0, **_: object) -> None:
            self.done = initial

        def __enter__(self) -> Count:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, n: int) -> None:
            self.done += n
            if self.done > most:
                part.unlink(missing_ok=True)
                raise DetectorError(
                    f"More arrived of {part.name.rsplit('.', 1)[0]} than the {most:,} bytes that "
                    "were announced, so it was removed. Try again."
                )
            if progress is not None:
                progress(self.done / most)

    at_hub = urlsplit(announced.location).netloc == urlsplit(constants.ENDPOINT).netloc
    with part.open("ab") as out:
        _alone(part, out)
        if out.tell() > most:
            out.truncate(0)
        http_get(
            announced.location,
            out,
            resume_size=out.seek(0, os.SEEK_END),
            headers=build_hf_headers(token=None if at_hub else False),
            expected_size=announced.size,
            tqdm_class=cast(Any, Count),
        )
    if progress is not None:
        progress(1.0)


def _alone(part: Path, out: BinaryIO) -> None:
    """Hold a file that is being fetched, so that no other program writes into it.

    Raises
    ------
    DetectorError
        If another one does.
    """
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(part.stat(), os.fstat(out.fileno()))
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:
        raise DetectorError(
            "Another program, or another page, is fetching these weights now. Wait until it has "
            "them, and try again."
        )


def _check_announced(entry: Entry, size: int | None) -> None:
    """Refuse another file than the published one, and one for which there is no room."""
    if size is None:
        raise DetectorError(
            f"{entry.home} does not say how large its {entry.file} is, so it was not fetched. "
            f"{_put_in_place(entry)}"
        )
    if entry.bytes and size != entry.bytes:
        raise DetectorError(
            f"{entry.home} now offers another {entry.file} than the published one "
            f"({size} bytes, expected {entry.bytes}), so it was not fetched."
        )
    free = shutil.disk_usage(entry.path.parent).free
    if size > free:
        raise DetectorError(
            f"{entry.file} has {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in "
            f"{entry.path.parent}. Make room there, or name another folder in SPOOFSCOPE_MODELS."
        )


def _is_announced(path: Path, etag: str | None) -> bool:
    """Whether a file has the hash that the hub announces: SHA-256 of large ones, else git's."""
    if etag is None or len(etag) == 64:
        return sha256_of(path) == etag
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == etag


def hash_here(entry: Entry) -> str:
    """Hash of the weights in place, as known beforehand or pinned; empty where neither is so."""
    known = entry.sha256 or _pinned(entry.path.parent / "pin.json")
    return known if isinstance(known, str) else ""


def _pinned(pin: Path) -> object:
    try:
        return dict(json.loads(pin.read_text("utf-8"))).get("sha256")
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _check_published(entry: Entry) -> None:
    """Size as published, and the hash that was pinned when the file was first seen here."""
    size = entry.path.stat().st_size
    if entry.bytes and size != entry.bytes:
        raise DetectorError(
            f"{entry.path} has {size} bytes; the published file has {entry.bytes}. Fetch it "
            "again, or put the right one in place."
        )
    pin = entry.path.parent / "pin.json"
    digest = sha256_of(entry.path)
    if not os.path.isfile(pin):
        _write(pin, json.dumps({"sha256": digest, "revision": None}).encode())
    elif _pinned(pin) != digest:
        raise DetectorError(
            f"{entry.path} has changed since it was first used here. Fetch it again, or put "
            f"the right one in place and remove {pin.name} beside it."
        )
