"""The file to decode as one seekable reader without a name, and what it may cost."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from core.audio.clip import AudioError
from core.audio.decoding.errors import TOO_LARGE, unreadable
from core.settings import settings

_CHUNK = 1 << 20  # bytes hashed or copied at a time


@dataclass(frozen=True)
class Limits:
    """What a file may cost, checked while decoding: a small file can unpack into a flood.

    The defaults are those of `core.settings`.

    Attributes
    ----------
    max_duration_s : float
        Longest clip in seconds.
    max_bytes : int
        Largest file in bytes.
    max_samples : int
        Most decoded samples over all channels at the original rate.
    """

    max_duration_s: float = field(default_factory=lambda: settings().max_clip_s)
    max_bytes: int = field(default_factory=lambda: settings().max_file_mb << 20)
    max_samples: int = field(default_factory=lambda: settings().max_samples)


class Reader(io.RawIOBase):
    """A read-only view of a file without its name, so that no library can go by the extension.

    Attributes
    ----------
    replaced : tuple of (int, bytes)
        What is read at which offsets in place of the file's own bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.replaced: tuple[tuple[int, bytes], ...] = ()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        start = self._file.tell() if self.replaced else 0
        data = self._file.read(size)
        for at, new in self.replaced:
            first, last = max(start, at), min(start + len(data), at + len(new))
            if first < last:
                data = data[: first - start] + new[first - at : last - at] + data[last - start :]
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # A damaged file can send libsndfile anywhere; it finds out by where it is told to be.
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OverflowError, OSError):
            return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on, as they are in the file."""
        self._file.seek(offset)
        return self._file.read(size)

    def rewound(self) -> Reader:
        """This file at its beginning."""
        self._file.seek(0)
        return self

    def fileno(self) -> int:
        return self._file.fileno()

    def size(self) -> int:
        """Bytes in the file."""
        return self._file.seek(0, os.SEEK_END)


def name_of(source: str | Path | bytes | BinaryIO) -> str:
    """A path's or file object's own name; ``audio`` where there is none."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    own = getattr(source, "name", None)
    return own if isinstance(own, str) else "audio"


@contextmanager
def opened(source: str | Path | bytes | BinaryIO, limits: Limits) -> Iterator[Reader]:
    """Open a path, bytes, or a file object; what cannot seek is copied to a temporary file."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield Reader(io.BytesIO(source))
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if os.path.isdir(path):  # no error for a name too long: opening it says so
            closed = not os.access(path, os.R_OK | os.X_OK)
            what = " that you have no permission to search" if closed else ", not a file"
            raise AudioError(f"This is a folder{what}.", "unreadable")
        if os.path.exists(path) and not os.path.isfile(path):
            raise AudioError("This is not an ordinary file.", "unreadable")  # a pipe could hang
        try:
            file = path.open("rb")
        except (OSError, ValueError) as error:
            reason = _why(error)
            raise AudioError(f"The file cannot be opened: {reason}.", "unreadable") from error
        with file:
            yield Reader(file)
    elif getattr(source, "seekable", lambda: False)():
        position = source.tell()
        try:
            yield Reader(source)
        finally:
            source.seek(position)
    else:  # a stream: both decoders need to seek
        with tempfile.TemporaryFile() as spooled:
            try:
                _spool(source, spooled, limits)
            except OSError as error:
                raise unreadable(error) from error
            yield Reader(cast(BinaryIO, spooled))


def _why(error: Exception) -> str:
    """Why a path cannot be opened, without the path and its number of error."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "you have no permission to read it"
    return str(getattr(error, "strerror", None) or error)


def _spool(source: BinaryIO, spooled: Any, limits: Limits) -> None:
    left = limits.max_bytes
    while data := source.read(_CHUNK):
        left -= len(data)
        if left < 0:
            raise AudioError(TOO_LARGE, "too_large")
        spooled.write(data)


def checked_size(file: Reader, limits: Limits) -> int:
    """Bytes in a file, or AudioError where there are none or too many."""
    size = file.size()
    if size == 0:
        raise AudioError("This file is empty: it holds no bytes at all.", "empty")
    if size > limits.max_bytes:
        raise AudioError(TOO_LARGE, "too_large")
    return size


def sha256_of(file: Reader, limits: Limits) -> str:
    """Hash of a file's bytes, read in pieces."""
    checked_size(file, limits)
    digest = hashlib.sha256()
    file.rewound()
    try:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    except OSError as error:
        raise unreadable(error) from error
    return digest.hexdigest()
