"""Atomic writes, and where the project's folder is."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
"""The folder from which ``core`` is imported."""

_INSTALLED = Path(__file__).resolve().parent / "project"

ROOT = _INSTALLED if _INSTALLED.is_dir() else CODE
"""The project's folder; where it is installed as a package, what that carries beside the code."""


@contextlib.contextmanager
def atomic_path(path: str | Path, *, sync: bool = False) -> Iterator[Path]:
    """A temporary path to write to; it replaces ``path`` when the block ends without an error.

    After an error, or a kill, ``path`` is what it was before. The file gets the mode of any new
    file, whatever the library that writes it sets.

    Parameters
    ----------
    path : path-like
        Where the file is to be; its folder exists. A link stays a link; a terminal, a pipe or a
        device is written to directly.
    sync : bool
        Whether to flush the file to the disk before it replaces ``path``.

    Yields
    ------
    pathlib.Path
        In the folder of ``path``, with its suffix.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    part.unlink(missing_ok=True)  # of a run that was killed
    part.touch()
    mode = part.stat().st_mode & 0o777
    try:
        yield part
        part.chmod(mode)
        if sync:
            with part.open("rb") as written:
                os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_ordinary(path: str | Path) -> None:
    """Refuse to read a pipe, a device or a socket as a file: some never end, others give once.

    Parameters
    ----------
    path : path-like
        What is not there, or is a folder, is let pass: whoever opens it says so.

    Raises
    ------
    OSError
        With the file's name.
    """
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        said = "it is not an ordinary file; save what it gives in one, and name that"
        raise OSError(errno.ESPIPE, said, os.fspath(path))


def why_not_written(
    path: str | Path, suffixes: Sequence[str] = (), read: Sequence[str | Path] = ()
) -> str:
    """Why no file can be written there, found out before the work on it.

    Parameters
    ----------
    path : path-like
        Where the file is to be; a terminal, a pipe or a device is let pass.
    suffixes : sequence of str
        Endings that say what is written; any where there are none.
    read : sequence of path-like
        Files that the work reads, none of which is to be replaced.

    Returns
    -------
    str
        A sentence; empty where nothing is known against it.
    """
    name, folder = os.fspath(path), os.path.dirname(os.fspath(path)) or "."
    if not name:
        return "The name of the file to write is empty."
    if not os.path.isdir(folder):
        return f"There is no folder {folder} to write to."
    if os.path.isdir(name):
        return f"{name} is a folder. Name a file in it."
    if os.path.exists(name) and not os.path.isfile(name):
        return ""
    if suffixes and not name.lower().endswith(tuple(suffixes)):
        return f"{name} does not say what to write: its name has to end in {' or '.join(suffixes)}."
    if os.path.exists(name) and any(os.path.exists(r) and os.path.samefile(name, r) for r in read):
        return f"{name} is read here, and would be replaced. Name another file."
    try:
        os.lstat(name)
    except FileNotFoundError:
        pass
    except OSError as error:  # such as a name too long
        return f"{name} cannot be written: {error.strerror or error}."
    try:
        tempfile.TemporaryFile(dir=os.path.dirname(os.path.realpath(name))).close()
    except OSError as error:
        return f"{name} cannot be written: {error.strerror or error}."
    return ""


def atomic_write(path: str | Path, content: str | bytes, *, sync: bool = False) -> None:
    """Write a file atomically, text as UTF-8; see `atomic_path`."""
    with atomic_path(path, sync=sync) as part:
        try:
            part.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:  # a full disk names no file
            error.filename = error.filename or os.fspath(path)
            raise
