"""Parquet files as tables, within limits."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from core.evaluate.parquet_pages import ENCRYPTED, is_encrypted, unpacked_size
from core.evaluate.trials.limits import check_names, check_rows
from core.evaluate.trials.problems import Problem, TrialsError
from core.settings import settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def is_parquet(data: bytes) -> bool:
    """Whether a file's marks say so; a text may begin with that of an encrypted one."""
    return data[:4] == b"PAR1" or data[:4] == data[-4:] == ENCRYPTED


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Numbers as numbers, everything else as text; lists and structures are left out.

    A few bytes can stand for any amount of text, so texts are read as what a row group repeats and
    which rows repeat it, and their whole length is known before any of it is laid out.
    """
    import pandas as pd

    most = settings().max_table_mb << 20
    too_much = TrialsError(f"{name} has more than {most >> 20:,} MB, unpacked.")
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(io.BytesIO(data))
        about, schema = file.metadata, file.schema_arrow
        check_names(schema.names, name)
        nested = [f.name for f in schema if pa.types.is_nested(f.type)]
        flat = [f for f in schema if f.name not in nested]
        flat = [f for f in flat if not re.fullmatch(r"__index_level_\d+__", f.name)]
        texts = [f.name for f in flat if _is_text(f.type)]
        width = sum(8 if f.name in texts else _width(f.type) for f in flat)
        groups = range(about.num_row_groups)
        rows = max(about.num_rows, sum(abs(about.row_group(i).num_rows) for i in groups))
        check_rows(rows, name)
        if max(width * rows, unpacked_size(data)) > most:
            raise too_much
        file = ParquetFile(io.BytesIO(data), read_dictionary=texts)
        tables, unpacked = [], 0
        for i in groups:
            tables.append(file.read_row_group(i, columns=[f.name for f in flat]))
            unpacked += sum(_length(tables[-1][text]) for text in texts)
            if unpacked > most:
                raise too_much
        cells = {f.name: [c for table in tables for c in table[f.name].chunks] for f in flat}
        tables.clear()  # each column is freed once it is laid out
        frame = pd.DataFrame({column: _laid_out(cells.pop(column)) for column in list(cells)})
    except TrialsError:
        raise
    except Exception as error:
        if found := re.search("Delta(Length)?ByteArray", str(error)):  # not read as a dictionary;
            length = "LENGTH_" if found[1] else ""  # a few bytes of the other unpack to any amount
            raise TrialsError(
                f"{name} holds texts in the encoding DELTA_{length}BYTE_ARRAY, which is not read; "
                "write it with dictionaries, as most programs do."
            ) from error
        if is_encrypted(data):
            raise TrialsError(
                f"{name} is encrypted, and no key is asked for here: open it with its key, and "
                "save it without encryption."
            ) from error
        raise TrialsError(
            f"{name} looks like Parquet but cannot be read: it is damaged, or not whole."
        ) from error
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    if nested:
        what = ", ".join(text[:60] for text in nested[:5])
        sentence = f"{name} has columns of lists or structures, which are left out: {what}."
        frame.attrs["problems"] = (Problem(sentence, 0),)
    return frame


def _is_text(kind: pa.DataType) -> bool:
    """Whether cells are texts or bytes of any length, or were written as numbers of such."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    of = pa.types
    strings = (of.is_string, of.is_large_string, of.is_string_view)
    binaries = (of.is_binary, of.is_large_binary, of.is_binary_view)
    return any(test(kind) for test in (*strings, *binaries))


def _width(kind: pa.DataType) -> int:
    """Bytes of a cell of a fixed size."""
    try:
        return max(8, kind.bit_width // 8)
    except ValueError:  # a column of nothing
        return 8


def _length(column: pa.ChunkedArray) -> int:
    """Bytes of a column's texts, with each as often as it is repeated."""
    from pyarrow import compute

    found = 0
    for chunk in column.chunks:
        lengths = compute.binary_length(chunk.dictionary)
        found += compute.sum(compute.take(lengths, chunk.indices)).as_py() or 0
    return found


def _laid_out(chunks: list[pa.Array]) -> pd.Series:
    """Numbers as they are, everything else as text."""
    import pandas as pd
    import pyarrow as pa

    plain = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in chunks]
    values: pd.Series = pa.chunked_array(plain).to_pandas() if plain else pd.Series(dtype=object)
    if pd.api.types.is_numeric_dtype(values):
        return values
    values = values.astype(object)
    if not (plain and pa.types.is_string(plain[0].type)):
        return values.map(str).where(values.notna())
    return values.where(values.notna())
