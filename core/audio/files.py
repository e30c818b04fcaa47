"""Which files are taken for audio by their names, and those behind names, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.plain import find_printed

AUDIO_SUFFIXES = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".webm", ".amr", ".aif",
    ".aiff", ".mp4", ".mov", ".mkv", ".mka", ".wma", ".3gp", ".au", ".caf",
)  # fmt: skip
"""What folders are searched for and upload fields offer; what a file holds its content says."""


def is_audio(path: Path) -> bool:
    """Whether a file of a folder is taken: by suffix, but no AppleDouble (``._x.mp3``).

    macOS writes those beside a file's copy on other file systems; they hold no sound.
    """
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("._")


def _inside(folder: Path) -> Iterator[Path]:
    """Audio files of a folder, and folders in it that cannot be searched, to be reported so."""
    closed: list[OSError] = []
    for place, _, names in os.walk(folder, onerror=closed.append):
        yield from (path for name in names if is_audio(path := Path(place, name)))
    yield from (Path(error.filename) for error in closed)


def audio_files(patterns: Iterable[str]) -> Iterator[Path]:
    """Files behind names, directories (searched in depth, by suffix) and glob patterns, in order.

    Parameters
    ----------
    patterns : iterable of str
        As given by the user, or as `core.plain.printable` shows them.

    Yields
    ------
    pathlib.Path
        Each file once; a name that matches nothing is passed on, so that its absence is reported.
        A file named by itself is taken whatever its name.
    """
    seen: set[Path] = set()
    for pattern in map(find_printed, patterns):
        path = Path(pattern)
        if os.path.isdir(path):  # no error for a name too long: opening it says so
            found = sorted(_inside(path))
        elif not os.path.exists(path) and glob.has_magic(pattern):
            matches = map(Path, glob.glob(pattern, recursive=True))
            found = sorted(p for p in matches if os.path.isfile(p) and is_audio(p)) or [path]
        else:
            found = [path]
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file
