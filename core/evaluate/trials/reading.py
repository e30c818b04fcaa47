"""Score files and protocols in the field's formats -> one table of text and numbers."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from core.evaluate.trials.json_lines import read_json
from core.evaluate.trials.limits import check_names, check_rows, check_size
from core.evaluate.trials.parquet import is_parquet, read_parquet
from core.evaluate.trials.problems import Problem, TrialsError, in_a_sentence
from core.evaluate.trials.separators import cells, has_header, separator_of
from core.files import check_ordinary
from core.plain import printable
from core.settings import settings

if TYPE_CHECKING:
    import pandas as pd


def read_table(source: Path | bytes, name: str = "") -> pd.DataFrame:
    """Read a text table, JSON lines or Parquet, or any of these in gzip or zip.

    Cells of text stand apart by spaces, tabs, ``,``, ``;`` or ``|``.

    Parameters
    ----------
    name : str
        File name for messages, if bytes are given.

    Returns
    -------
    pandas.DataFrame
        All columns as text except in Parquet; named from the header, else ``column 1``...; the
        index holds line numbers from 1.

    Raises
    ------
    TrialsError
        If it is empty, binary, encrypted or too large.
    OSError
        If it cannot be opened, or is no ordinary file.
    """
    import pandas as pd

    if isinstance(source, Path):
        check_ordinary(source)
        name, data = name or source.name, source.read_bytes()
    else:
        data = source
    name = name or "The file"
    data = _unpack(data, name)
    if is_parquet(data):
        frame = read_parquet(data, name)
        frame.columns = [printable(str(column)) for column in frame.columns]
        return frame
    data, problems = _utf8(data, name)
    lines = max(data.count(b"\n"), data.count(b"\r"))
    check_rows(lines, name)
    start = data[:65536].decode("utf-8", "ignore")
    head = [line for line in start.splitlines()[:50] if line.strip()]
    if not head:
        raise TrialsError(f"{name} is empty.")
    if head[0].lstrip()[:1] == "{" or re.match(r"\s*\[\s*\{", start):
        frame = read_json(data.decode(), name)
        frame.attrs["problems"] += problems
        return frame
    separator = separator_of(head)
    rows = [cells(line, separator) for line in head]
    header = has_header(rows)
    if header and len(rows) == 1:
        raise TrialsError(f"{name} has names of columns and no line below them.")
    width = Counter(len(row) for row in (rows[1:] if header else rows)).most_common(1)[0][0]
    check_size(lines + 1, len(rows[0]) if header else width, name)
    names = (
        [printable(c.strip().lstrip("\ufeff")) or f"column {i + 1}" for i, c in enumerate(rows[0])]
        if header
        else [f"column {i + 1}" for i in range(width)]
    )
    check_names(names, name)
    frame = _read_regular(data, separator, names, header)
    if frame is not None:
        frame.attrs["problems"] = problems
        return frame
    data, wide = _without_wide(data, separator, len(names), name)
    problems += wide
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            sep=r"\s+" if separator == " " else separator,
            names=names,
            header=0 if header else None,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            skipinitialspace=True,
            engine="c",
            quotechar='"',
        )
    except pd.errors.ParserError as error:
        raise TrialsError(
            f"{name} cannot be read as a table: a quote has no end, or a cell is too long."
        ) from error
    frame.index = pd.RangeIndex(2 if header else 1, len(frame) + (2 if header else 1))
    frame = frame.dropna(how="all")
    if separator != " ":
        for column in frame.columns:
            frame[column] = frame[column].astype("str").str.strip().where(frame[column].notna())
    frame.attrs["problems"] = problems
    return frame


def as_text(data: bytes, name: str) -> tuple[bytes, tuple[Problem, ...]]:
    """A file unpacked, as UTF-8 without a mark at its start, and what became of odd characters.

    Parquet stays as it is.

    Raises
    ------
    TrialsError
        As `read_table`.
    """
    data = _unpack(data, name)
    return (data, ()) if is_parquet(data) else _utf8(data, name)


_ENCRYPTED = 1  # of a zip member's flags


def _unpack(data: bytes, name: str) -> bytes:
    most = settings().max_table_mb << 20
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise TrialsError(f"{name} is a damaged gzip file.") from error
    elif data[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [m for m in archive.infolist() if not m.is_dir() and m.file_size]
                members = [m for m in members if "__MACOSX" not in m.filename]
                if len(members) != 1:
                    raise TrialsError(
                        f"{name} holds {len(members)} files; make it one file, or unpack it first."
                    )
                if members[0].flag_bits & _ENCRYPTED:
                    raise TrialsError(f"{name} is encrypted; unpack it first.")
                with archive.open(members[0]) as file:
                    data = file.read(most + 1)
        except RuntimeError as error:
            raise TrialsError(
                f"{name} is packed in a way that is not supported; unpack it first."
            ) from error
        except TrialsError:
            raise
        except Exception as error:  # each way of packing has errors of its own
            raise TrialsError(f"{name} is a damaged zip file.") from error
    if len(data) > most:
        raise TrialsError(f"{name} has more than {most >> 20:,} MB, unpacked.")
    return data


def _utf8(data: bytes, name: str) -> tuple[bytes, tuple[Problem, ...]]:
    """The text as UTF-8 without a mark at its start; what is no UTF-8 is replaced and reported."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16").encode(), ()
        except UnicodeDecodeError as error:
            line = data[: error.start].decode("utf-16", "replace").count("\n") + 1
            raise TrialsError(f"{name}, line {line}, is damaged; save it as UTF-8.") from error
    if b"\x00" in data[:4096]:
        raise TrialsError(f"{name} is not a text file, nor Parquet, gzip or zip.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        if not data.isascii():
            data.decode()
        return data, ()
    except UnicodeDecodeError:
        pass
    wrong = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        try:
            raw.decode()
        except UnicodeDecodeError:
            wrong.append(number)
    lines = tuple(wrong[:5])
    what = "cannot be read as UTF-8 text; odd characters became \N{REPLACEMENT CHARACTER}"
    problem = Problem(in_a_sentence(name, len(wrong), what, lines), len(wrong), lines)
    return data.decode(errors="replace").encode(), (problem,)


def _without_wide(
    data: bytes, separator: str, width: int, name: str
) -> tuple[bytes, tuple[Problem, ...]]:
    """The text with lines of more than ``width`` cells emptied, so that line numbers stay."""
    lines = re.split("\r\n|\n|\r", data.decode())  # as pandas, which takes no other mark for an end
    wrong = []
    for number, line in enumerate(lines, 1):
        if separator == " ":
            cells = len(line.split())
        elif '"' in line:
            try:
                cells = len(next(csv.reader([line], delimiter=separator), []))
            except csv.Error:  # a quoted cell without end
                cells = width + 1
        else:
            cells = line.count(separator) + 1
        if cells > width:
            wrong.append(number)
            lines[number - 1] = ""
    if not wrong:
        return data, ()
    first = tuple(wrong[:5])
    what = f"have more than the {width} columns of the others"
    problem = Problem(in_a_sentence(name, len(wrong), what, first), len(wrong), first)
    return ("\n".join(lines) + "\n").encode(), (problem,)


def _read_regular(
    data: bytes, separator: str, names: list[str], header: bool
) -> pd.DataFrame | None:
    """Read the usual file, one separator and as many cells in every line, many times faster.

    None where the file is not that regular; the careful reader then says what is wrong.
    """
    import pandas as pd

    odd = [b'"', *((b"\r\n\r\n", b"\r\r") if b"\r" in data else ())]
    odd += (b"| ", b" |") if b"|" in data else ()
    odd += [mark + b" " for mark in (b",", b";") if mark in data]
    if separator == " ":
        odd.append(b"\t")
    if data[:1] in b" \n\r" or any(mark in data for mark in odd) or _two_blanks(data):
        return None
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow
    except ImportError:
        return None
    text = pa.large_string()  # as pandas keeps it
    try:
        table = arrow.read_csv(
            pa.BufferReader(data),
            arrow.ReadOptions(column_names=names, skip_rows=int(header)),
            arrow.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(names, text), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    frame: pd.DataFrame = table.to_pandas()
    frame.index = pd.RangeIndex(1 + header, len(frame) + 1 + header)
    return frame


def give_back() -> None:
    """Give the system back what pyarrow keeps of tables that were dropped."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _two_blanks(data: bytes, piece: int = 1 << 22) -> bool:
    r"""Whether two blanks meet (space, ``\n``, ``\r``, tab before space), not ``\r\n``."""
    import numpy as np

    letters = np.frombuffer(data, np.uint8)
    for start in range(0, len(letters), piece):
        part = letters[start : start + piece + 1]
        blank = (part == 0x20) | (part == 0x0A) | (part == 0x0D)
        pairs = np.flatnonzero(blank[1:] & (blank[:-1] | (part[:-1] == 0x09)))
        first, second = part[pairs], part[pairs + 1]
        usual = ((first == 0x0D) & (second == 0x0A)) | ((first == 0x09) & (second != 0x20))
        if not usual.all():
            return True
    return False
