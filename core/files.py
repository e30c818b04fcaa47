"""Atomic writes, and where the project lies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
"""The folder from which ``core`` is imported."""

_INSTALLED = Path(__file__).resolve().parent / "project"

ROOT = _INSTALLED if _INSTALLED.is_dir() else CODE
"""The project's folder; where it is installed as a package, what that carries beside the code."""


@contextlib.contextmanager
def whole(path: str | Path, *, sync: bool = False) -> Iterator[Path]:
    """A name to write to, whose file takes the place of ``path`` once all went well.

    Whatever goes wrong in between, a kill included, leaves what was at ``path`` before. The file
    gets the mode of any new file, whatever the library that writes it prefers.

    Parameters
    ----------
    path : path-like
        Where the file is to be; its folder exists. A link stays one, and what is no file, as a
        terminal or a pipe, is written to as it is.
    sync : bool
        Whether the file is on the disk itself before it takes that place.

    Yields
    ------
    pathlib.Path
        Beside ``path``, with its suffix.

    Raises
    ------
    OSError
        If the folder does not take it.
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


def write_whole(path: str | Path, content: str | bytes, *, sync: bool = False) -> None:
    """Write a file at once, text as UTF-8; see `whole`."""
    with whole(path, sync=sync) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
