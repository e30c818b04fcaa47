"""The index of a corpus on disk: one row per clip, as training and benchmarks read it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from core.audio.clip import Clip

INDEX_COLUMNS = (
    "clip",
    "path",
    "label",
    "family",
    "system",
    "material",
    "speaker",
    "pair",
    "split",
    "licence",
    "source",
    "duration_s",
    "sha256",
)
"""Columns of an index; ``path`` is relative to the index, ``sha256`` is of the FLAC file."""


def read_index(path: str | Path) -> pd.DataFrame:
    """Load an index written by `build_corpus`, with absolute audio paths in ``file``.

    Parameters
    ----------
    path : path-like
        ``index.csv`` or the folder that holds it.

    Returns
    -------
    pandas.DataFrame
        `INDEX_COLUMNS` as text, plus ``file`` and ``mos`` (predicted sound quality, 1 to 5, NaN
        where ``quality.csv`` beside the index does not tell); ``duration_s`` is a float.

    Raises
    ------
    ValueError
        If the file is no index, or names a clip outside of its folder or one that is not there.
    """
    path = Path(path)
    path = path / "index.csv" if path.is_dir() else path
    if not path.is_file():
        raise ValueError(f"There is no index {path}.")
    table = _read(path)
    needed = {"clip", "path", "label", "family", "speaker", "split"}
    if not needed <= set(table.columns):
        lacks = ", ".join(sorted(needed - set(table.columns)))
        raise ValueError(f"{path} is no index: it lacks {lacks}.")
    for column in INDEX_COLUMNS:
        if column not in table.columns:
            table[column] = ""
    table["duration_s"] = pd.to_numeric(table["duration_s"], errors="coerce")
    for number, name in enumerate(table["path"], 2):
        if not name or "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(
                f"{path}, row {number}: {name[:80]!r} does not lead to a clip in the folder of "
                "the index."
            )
    table["file"] = [str(path.parent / p) for p in table["path"]]
    quality = path.parent / "quality.csv"
    table["mos"] = float("nan")
    if quality.is_file():
        rated = _read(quality)
        if not {"clip", "mos"} <= set(rated.columns):
            raise ValueError(f"{quality} lacks the columns clip and mos.")
        rated = rated.drop_duplicates("clip").set_index("clip")["mos"]
        table["mos"] = pd.to_numeric(table["clip"].map(rated), errors="coerce")
    for number, file in enumerate(table["file"], 2):  # not after hours of work on the others
        if not os.path.isfile(file):
            raise ValueError(f"{path}, row {number}: there is no clip {file}.")
    return table


def decoded(file: str | Path) -> Clip:
    """A clip of a corpus.

    Raises
    ------
    AudioError
        With the file's name, since many are read in a row.
    """
    from core.audio.clip import AudioError
    from core.audio.decoding import decode

    try:
        return decode(file)
    except AudioError as error:
        raise AudioError(f"{file}: {error}", error.code) from error


def _read(path: Path) -> pd.DataFrame:
    """A CSV file, all text.

    Raises
    ------
    ValueError
        With a sentence, if it is none.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # what is no table raises kinds of ValueError
        raise ValueError(f"{path} cannot be read as CSV: {error}") from error


def read_all(indexes: Sequence[str | Path]) -> pd.DataFrame:
    """Several indexes as one.

    Parameters
    ----------
    indexes : sequence of path-like
        As for `read_index`, whose errors it raises.
    """
    return pd.concat([read_index(i) for i in indexes], ignore_index=True)
