"""Which files an archive holds, and what its manifest says about them."""

from __future__ import annotations

import csv
import os
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.evaluate.parquet_pages import is_encrypted
from core.files import check_ordinary
from core.plain import printable

if TYPE_CHECKING:
    import pandas as pd

PATH_COLUMNS = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "clip",
    "audio",
    "wav",
)
"""Names of the column of paths, the first one found."""

ID_COLUMNS = ("id", "trial", "utterance", "utt")


class ArchiveError(ValueError):
    """An archive that cannot be scored; the message is a sentence for people."""


@dataclass(frozen=True)
class Item:
    """One file of an archive.

    Attributes
    ----------
    id : str
        Unique in the manifest; text, whatever bytes the file's name has.
    path : str
        As the manifest names it.
    file : str
        Where it lies, from the root of the file system on, by its true name.
    further : dict
        The manifest's other columns, carried through.
    """

    id: str
    path: str
    file: str
    further: dict[str, Any] = field(default_factory=dict)


def read_manifest(manifest: str | Path, root: str | Path | None = None) -> list[Item]:
    """The files of a manifest, in its order.

    Parameters
    ----------
    manifest : path-like
        CSV (``,``, ``;``, tab or ``|``) or Parquet with a column of paths, or a directory that is
        searched in depth.
    root : path-like, optional
        What relative paths are relative to; the manifest's folder by default.

    Returns
    -------
    list of Item
        At least one.

    Raises
    ------
    ArchiveError
        If it cannot be read, has no column of paths, no rows, or one id for two files. A row that
        stands twice is taken once.
    """
    from core.audio.files import audio_files

    manifest = Path(manifest)
    if os.path.isdir(manifest):  # False for a name too long, where a path's own would raise
        if not os.access(manifest, os.R_OK | os.X_OK):
            raise ArchiveError(
                f"{manifest} could not be read: you have no permission to search it."
            )
        files = list(audio_files([str(manifest)]))
        names = [printable(file.relative_to(manifest).as_posix()) for file in files]
        items = [Item(n, n, str(f.absolute())) for n, f in zip(names, files, strict=True)]
    else:
        items = _from_table(_read(manifest), manifest, Path(root) if root else manifest.parent)
    if not items:
        raise ArchiveError(f"{manifest} names no audio files.")
    seen: dict[str, Item] = {}
    for item in items:
        if seen.setdefault(item.id, item).file != item.file:
            raise ArchiveError(
                f"The id {item.id!r} stands in {manifest} for two files. Make every id unique, or "
                "leave the column out where the paths are."
            )
    if again := len(items) - len(seen):
        rows = "1 row names" if again == 1 else f"{again:,} rows name"
        print(f"{rows} a file that was named before; it is scored once.", file=sys.stderr)
    return list(seen.values())


def _read(manifest: Path) -> pd.DataFrame:
    import pandas as pd  # which each worker, who only needs an `Item`, would load too

    parquet = manifest.suffix.lower() in {".parquet", ".pq"}
    try:
        check_ordinary(manifest)
        if parquet:
            return pd.read_parquet(manifest)
        with manifest.open(encoding="utf-8-sig") as lines:
            header = next((line for line in lines if line.strip()), "")
        sign = _separator(header)
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=sign), [])]
        if twice := {n for n in (*PATH_COLUMNS, *ID_COLUMNS) if names.count(n) > 1}:
            raise ArchiveError(f"{manifest} has two columns called {min(twice)!r}. Leave one.")
        with warnings.catch_warnings():
            # Of a line with more cells than names, pandas would take the first for its index.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                manifest, sep=sign, dtype=str, keep_default_na=False, encoding="utf-8-sig",
                index_col=False,
            )  # fmt: skip
    except ArchiveError:
        raise
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no manifest {manifest}.") from error
    except OSError as error:
        said = error.strerror or "it is damaged, or not whole"
        if parquet and not error.strerror and is_encrypted(manifest.read_bytes()):
            said = "it is encrypted; save it without encryption"
        raise ArchiveError(f"{manifest} could not be read: {said}.") from error
    except pd.errors.EmptyDataError as error:
        raise ArchiveError(f"{manifest} is empty.") from error
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{manifest} is no text in UTF-8. Save it so, or as Parquet.") from error
    except (ValueError, csv.Error, pd.errors.ParserWarning) as error:  # of every kind, from pandas
        raise ArchiveError(
            f"{manifest} is named as Parquet, and is none that can be read."
            if parquet
            else f"{manifest} is no CSV or TSV: a line has more cells than there are names of "
            "columns, or a quote has no end."
        ) from error


def _separator(header: str) -> str:
    """What stands between the cells of a header: the sign that leaves a known column of paths."""
    for sign in ("\t", ";", "|", ","):
        cells = {cell.strip().strip('"').lower() for cell in header.split(sign)}
        if sign in header and cells & set(PATH_COLUMNS):
            return sign
    return ","


def _from_table(frame: pd.DataFrame, manifest: Path, root: Path) -> list[Item]:
    names = {str(c).strip().lower(): c for c in frame.columns}
    paths = next((names[n] for n in PATH_COLUMNS if n in names), None)
    if paths is None:
        raise ArchiveError(
            f"{manifest} has no column of paths; name one of its columns 'path'. It has: "
            f"{', '.join(map(str, frame.columns))}."
        )
    ids = next((names[n] for n in ID_COLUMNS if n in names), paths)
    if frame[paths].isna().any() or (frame[paths].astype(str).str.strip() == "").any():
        raise ArchiveError(f"A row of {manifest} has no path.")
    if frame[paths].astype(str).str.contains("\0", regex=False).any():
        raise ArchiveError(f"A row of {manifest} has a zero byte in its path.")
    items = []
    for row in frame.to_dict("records"):
        path = str(row.pop(paths))
        name = path if ids == paths else str(row.pop(ids))
        further = {str(k): _plain(v) for k, v in row.items()}
        items.append(Item(name, path, str((root / path).absolute()), further))
    return items


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value != value:
        return None
    return value if isinstance(value, (str, int, float, bool)) else str(value)
