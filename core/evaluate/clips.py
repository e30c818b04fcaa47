"""The index of a corpus on disk: one row a clip, as training and benchmarks read it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

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
        If the file is no index.
    """
    path = Path(path)
    path = path / "index.csv" if path.is_dir() else path
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    needed = {"clip", "path", "label", "family", "speaker", "split"}
    if not needed <= set(table.columns):
        raise ValueError(f"{path} is no index: it lacks {', '.join(needed - set(table.columns))}.")
    for column in INDEX_COLUMNS:
        if column not in table.columns:
            table[column] = ""
    table["duration_s"] = pd.to_numeric(table["duration_s"], errors="coerce")
    table["file"] = [str(path.parent / p) for p in table["path"]]
    quality = path.parent / "quality.csv"
    table["mos"] = float("nan")
    if quality.is_file():
        rated = pd.read_csv(quality).drop_duplicates("clip").set_index("clip")["mos"]
        table["mos"] = table["clip"].map(rated)
    return table
