"""Score files and protocols in the formats of the field -> one tidy table of trials.

Reading goes in steps that a page can show one by one: `read_table` (bytes to a raw table),
`guess_layout` (which column is what), `tidy` (checked trials), `attach` (labels and attributes
from a protocol). What is wrong is told in sentences with line numbers, and what can be used still
is. The direction of the scores is reported by `direction`, never flipped silently.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.evaluate.metrics import Higher, auc
from core.evaluate.parquet_pages import unpacked_size
from core.plain import printable, printable_frame
from core.settings import settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Label = Literal["bonafide", "spoof"]

LABELS: dict[str, Label] = {
    **dict.fromkeys(("bonafide", "bona-fide", "bona fide", "genuine", "human", "real"), "bonafide"),
    **dict.fromkeys(("spoof", "fake", "deepfake", "synthetic", "spoofed"), "spoof"),
}
"""Words for the two classes, lower case."""

ROLES = (
    *("trial", "label", "score", "attack", "codec", "speaker", "channel", "vocoder", "family"),
    *("gender", "source", "subset", "trim", "language"),
)
"""Columns of a tidy table; all but the first three are optional."""

_NAMES = {
    "trial": "trial trial_id utt utt_id utterance filename file_name file flac_file_name id path",
    "label": "label key cm-label cm_label class truth target",
    "score": "score scores cm-score cm_score cm_scores prediction",
    "attack": "attack attack_id attack_label attack_type system system_id",
    "codec": "codec compression",
    "speaker": "speaker speaker_id spk",
    "vocoder": "vocoder",
    "channel": "channel transmission",
    "family": "family",
    "gender": "gender",
    "language": "language lang",
    "subset": "subset phase split",
    "source": "source corpus",
}
_ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class _Key:
    """A key file without a header whose columns have fixed places, from 1."""

    format: str
    places: dict[str, int]


_LA21 = {"speaker": 1, "trial": 2, "codec": 3, "channel": 4, "attack": 5, "trim": 7, "subset": 8}
_DF21 = {"speaker": 1, "trial": 2, "codec": 3, "source": 4, "attack": 5, "trim": 7, "subset": 8}
_V5 = {"speaker": 1, "trial": 2, "gender": 3, "codec": 4, "attack": 8}
_KEYS = {
    (8, "column 6"): _Key("ASVspoof 2021 LA key", _LA21),
    (13, "column 6"): _Key("ASVspoof 2021 DF key", {**_DF21, "family": 9}),
    (10, "column 9"): _Key("ASVspoof 5 protocol", _V5),
}
"""By the number of columns and the one that holds the labels."""

FORMULA = r"[=@]|[+-][^\d.\s]"
"""How a cell begins that a spreadsheet takes for a formula (the field's lone "-" is none)."""

_CODECS = set("none nocodec alaw ulaw pstn g722 gsm opus".split())  # noqa: SIM905
_ATTACK = re.compile(r"^(A\d{2}|AC\d)$")


LARGEST = 1e100
"""Largest magnitude of a score."""

MOST_ROWS = 10_000_000
"""Lines of a table; the largest set of the field has about a million trials."""

MOST_COLUMNS = 1_000
"""Columns of a table; those of the field have at most thirteen."""


class TrialsError(ValueError):
    """A file that cannot be used; the message is a sentence for the person who gave it."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with some rows, which were left out unless the sentence says otherwise.

    Attributes
    ----------
    sentence : str
        What is wrong, with the count and the first lines.
    count : int
        How many rows.
    lines : tuple of int
        The first few line numbers, from 1.
    """

    sentence: str
    count: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Which column of a raw table holds what.

    Attributes
    ----------
    columns : dict of str to str
        Role (one of `ROLES`, or any other name for a further attribute) to column of the raw table.
    format : str
        Name for people.
    sure : bool
        False where a person should confirm.
    spoof_value : str or None
        Value of the label column that means spoof, where it is no word in `LABELS`.
    """

    columns: dict[str, str]
    format: str
    sure: bool = True
    spoof_value: str | None = None


@dataclass(frozen=True)
class Trials:
    """Checked trials.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a trial: ``trial`` and any other of `ROLES` that is known; ``score`` as given.
    problems : tuple of Problem
        What was left out, and why.
    """

    table: pd.DataFrame
    problems: tuple[Problem, ...] = field(default=())

    def split(self) -> tuple[pd.Series, pd.Series]:
        """Scores of the bona fide and of the spoofed trials.

        Raises
        ------
        TrialsError
            If labels or scores are missing, or only one class is there.
        """
        for role, what in (("label", "says which trials are spoofed"), ("score", "has scores")):
            if role not in self.table:
                raise TrialsError(f"No column {what}; name it, or add a protocol file.")
        spoof = self.table["label"] == "spoof"
        for present, name in ((~spoof, "bona fide"), (spoof, "spoofed")):
            if not present.any():
                raise TrialsError(f"There is no {name} trial; both classes are needed.")
        return self.table.loc[~spoof, "score"], self.table.loc[spoof, "score"]


@dataclass(frozen=True)
class Direction:
    """Which way the scores run, judged by their ranking of the classes.

    Attributes
    ----------
    higher : {"spoof", "bonafide"}
        What a higher score seems to speak for.
    auc : float
        Probability that a spoofed trial has the higher score.
    sure : bool
        False within 0.1 of chance, where a weak system and a wrong sign look alike.
    """

    higher: Higher
    auc: float
    sure: bool


def read_table(source: Path | bytes, name: str = "") -> pd.DataFrame:
    """Read a text table (space, tab, comma or semicolon), Parquet, or either in gzip or zip.

    Parameters
    ----------
    source : path or bytes
        The file.
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
    """
    import pandas as pd

    if isinstance(source, Path):
        name, data = name or source.name, source.read_bytes()
    else:
        data = source
    name = name or "The file"
    data = _unpack(data, name)
    if data[:4] == b"PAR1":
        frame = _read_parquet(data, name)
        frame.columns = [printable(str(column)) for column in frame.columns]
        return frame
    data, problems = _utf8(data, name)
    _check_rows(max(data.count(b"\n"), data.count(b"\r")), name)
    start = data[:65536].decode("utf-8", "ignore")
    head = [line for line in start.splitlines()[:50] if line.strip()]
    if not head:
        raise TrialsError(f"{name} is empty.")
    separator = _separator(head)
    rows = [_cells(line, separator) for line in head]
    header = _has_header(rows)
    if header and len(rows) == 1:
        raise TrialsError(f"{name} has names of columns and no line below them.")
    width = Counter(len(row) for row in (rows[1:] if header else rows)).most_common(1)[0][0]
    names = (
        [printable(c.strip().lstrip("\ufeff")) or f"column {i + 1}" for i, c in enumerate(rows[0])]
        if header
        else [f"column {i + 1}" for i in range(width)]
    )
    _check_names(names, name)
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
        raise TrialsError(f"{name} cannot be read as a table: {error}.") from error
    frame.index = pd.RangeIndex(2 if header else 1, len(frame) + (2 if header else 1))
    frame = frame.dropna(how="all")
    frame.attrs["problems"] = problems
    return frame


def guess_layout(frame: pd.DataFrame) -> Layout:
    """Which column is what, from the header's names and, without one, from the contents."""
    named = not all(re.fullmatch(r"column \d+", c) for c in frame.columns)
    columns: dict[str, str] = {}
    if named:
        for column in frame.columns:
            role = _ROLE_OF.get(column.strip().lower())
            if role and role not in columns:
                columns[role] = column
    sample = frame.iloc[:: max(1, len(frame) // 2000)].head(2000)
    free = [c for c in frame.columns if c not in columns.values()]
    texts = {c: sample[c].dropna().astype(str).str.strip() for c in frame.columns}

    def take(role: str, share: float, test: Callable[[str], bool]) -> None:
        if role in columns:
            return
        for column in free:
            values = texts[column]
            if len(values) and values.map(test).mean() >= share:
                columns[role] = column
                free.remove(column)
                return

    take("label", 0.95, lambda v: v.lower() in LABELS)
    known = None if named else _KEYS.get((len(frame.columns), columns.get("label", "")))
    if known:
        places = {role: f"column {i}" for role, i in known.places.items()}
        return Layout({**places, **columns}, known.format)
    take("codec", 0.99, lambda v: v.lower() in _CODECS)
    if "attack" not in columns:
        for column in free:
            marks = texts[column].map(lambda v: bool(_ATTACK.match(v)))
            rest = texts[column][~marks].str.lower().isin(["-", "bonafide", "a00"])
            if marks.any() and (marks.sum() + rest.sum()) == len(marks):
                columns["attack"] = column
                free.remove(column)
                break
    if "score" not in columns:
        numbers = [c for c in free if _share_of_numbers(texts[c]) >= 0.9 and texts[c].nunique() > 2]
        if numbers:
            columns["score"] = numbers[-1]
            free.remove(numbers[-1])
    if "trial" not in columns and free:
        # The column that names the trials is the one whose values do not repeat.
        unique = max(free, key=lambda c: (texts[c].nunique(), -free.index(c)))
        if texts[unique].nunique() >= 0.9 * len(sample):
            columns["trial"] = unique
            free.remove(unique)
    if "speaker" not in columns and "trial" in columns and free and not named:
        first = frame.columns[0]
        if first in free and texts[first].nunique() > 1:
            columns["speaker"] = first
    label = columns.get("label")
    words = label is None or bool(texts[label].str.lower().isin(LABELS).mean() >= 0.95)
    sure = "trial" in columns and ("score" in columns or "label" in columns) and words
    if named and "score" not in {_ROLE_OF.get(c.strip().lower()) for c in frame.columns}:
        sure = sure and "score" not in columns
    return Layout(columns, _format(columns, named, len(frame.columns)), sure)


def tidy(frame: pd.DataFrame, layout: Layout, name: str = "The file") -> Trials:
    """Name the columns, turn scores into numbers and labels into the field's words.

    Texts are taken as `core.plain.printable` shows them.
    Rows that cannot be used are left out and reported: no trial name, a score that is no finite
    number or beyond `LARGEST`, an unknown label, a trial that is listed again.

    Raises
    ------
    TrialsError
        If no column names the trials, a chosen column does not exist, or no row is left.
    """
    import pandas as pd

    if "trial" not in layout.columns:
        raise TrialsError(f"No column of {name} names the trials; choose one.")
    missing = [c for c in layout.columns.values() if c not in frame]
    if missing:
        raise TrialsError(f"{name} has no column {missing[0]!r}.")
    table = pd.DataFrame({role: frame[layout.columns[role]] for role in _ordered(layout.columns)})
    problems: list[Problem] = [*frame.attrs.get("problems", ())]
    problems += _formulas(table, name)

    def leave_out(bad: pd.Series, what: str) -> None:
        nonlocal table
        count = int(bad.sum())
        if count:
            lines = tuple(int(i) for i in table.index[bad.to_numpy()][:5])
            problems.append(Problem(_sentence(name, count, what, lines), count, lines))
            table = table[~bad]

    leave_out(table["trial"].isna(), "name no trial")
    table["trial"] = table["trial"].astype(str).str.strip()
    if "score" in table:
        numbers = pd.to_numeric(table["score"], errors="coerce").astype("float64")
        table["score"] = numbers
        leave_out(numbers.isna(), "have a score that is no number")
        leave_out(~np.isfinite(table["score"]), "have an infinite score")
        # Differences and powers of scores must stay numbers; no system gives such scores.
        leave_out(table["score"].abs() > LARGEST, f"have a score beyond {LARGEST:g}")
    if "label" in table:
        given = table["label"].astype(str).str.strip()
        if layout.spoof_value is None:
            table["label"] = given.str.lower().map(LABELS)
            leave_out(table["label"].isna(), "have a label that is neither bona fide nor spoof")
        else:
            table["label"] = np.where(given == layout.spoof_value, "spoof", "bonafide")
    leave_out(table["trial"].duplicated(), "list a trial that was listed before")
    for role in table.columns.difference(["trial", "score", "label"]):
        table[role] = table[role].astype("category")
    if "attack" in table and "label" in table:
        table["attack"] = table["attack"].where(table["label"] == "spoof")
    table = printable_frame(table)
    if table.empty:
        why = " ".join(p.sentence for p in problems)
        raise TrialsError(f"{name} has no usable row. {why}".rstrip())
    return Trials(table, tuple(problems))


def attach(scores: Trials, protocol: Trials) -> Trials:
    """Add the protocol's label, attack, codec, speaker... to scored trials, by trial name.

    Raises
    ------
    TrialsError
        If no scored trial is in the protocol.
    """
    import pandas as pd

    names = pd.Index(protocol.table["trial"])
    key = protocol.table.drop(columns=["trial", "score"], errors="ignore")
    mine = scores.table.drop(columns=[c for c in key.columns if c in scores.table])
    place = names.get_indexer(mine["trial"])
    known = place >= 0
    problems = [*scores.problems, *protocol.problems]
    if not known.any():
        raise TrialsError(
            "No trial of the score file is in the protocol; do they belong to the same benchmark? "
            f"The first are {mine['trial'].iloc[0]} and {names[0]}."
        )
    if not known.all():
        count = int((~known).sum())
        first = ", ".join(mine["trial"][~known].head(3))
        lines, listed = _lines(mine.index[~known], count)
        what = f"{count:,} scored trials are not in the protocol, such as {first} ({listed})."
        problems.append(Problem(what, count, lines))
    unscored = len(key) - int(known.sum())
    if unscored:
        without = np.ones(len(key), dtype=bool)
        without[place[known]] = False
        lines, listed = _lines(key.index[without], unscored)
        what = f"{unscored:,} trials of the protocol have no score and are left out ({listed})."
        problems.append(Problem(what, unscored, lines))
    mine = mine[known]
    found = key.take(place[known]).set_axis(mine.index)
    joined = pd.concat([mine, found], axis=1)
    return Trials(joined[_ordered(joined)], tuple(problems))


def direction(trials: Trials) -> Direction:
    """Judge from the ranking which way the scores run.

    Raises
    ------
    TrialsError
        As in `Trials.split`.
    """
    bona, spoof = trials.split()
    area = auc(bona.to_numpy(), spoof.to_numpy())
    return Direction("spoof" if area >= 0.5 else "bonafide", area, abs(area - 0.5) >= 0.1)


def read_scores(source: Path | bytes, name: str = "", layout: Layout | None = None) -> Trials:
    """`read_table`, `guess_layout` (unless a layout is given) and `tidy` in one.

    Raises
    ------
    TrialsError
        As in those.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    frame = read_table(source, name)
    return tidy(frame, layout or guess_layout(frame), name)


def with_columns(layout: Layout, **columns: str) -> Layout:
    """The layout with some columns chosen by a person."""
    return replace(layout, columns={**layout.columns, **columns}, sure=True)


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
                with archive.open(members[0]) as file:
                    data = file.read(most + 1)
        except NotImplementedError as error:  # before RuntimeError, its parent
            raise TrialsError(
                f"{name} is packed in a way that is not supported; unpack it first."
            ) from error
        except RuntimeError as error:
            raise TrialsError(f"{name} is encrypted; unpack it first.") from error
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
    problem = Problem(_sentence(name, len(wrong), what, lines), len(wrong), lines)
    return data.decode(errors="replace").encode(), (problem,)


def _without_wide(
    data: bytes, separator: str, width: int, name: str
) -> tuple[bytes, tuple[Problem, ...]]:
    """The text with lines of more than ``width`` cells emptied, so that line numbers stay."""
    lines = data.decode().splitlines()
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
    problem = Problem(_sentence(name, len(wrong), what, first), len(wrong), first)
    return ("\n".join(lines) + "\n").encode(), (problem,)


def _read_parquet(data: bytes, name: str) -> pd.DataFrame:
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
        _check_names(schema.names, name)
        nested = [f.name for f in schema if pa.types.is_nested(f.type)]
        flat = [f for f in schema if f.name not in nested]
        flat = [f for f in flat if not re.fullmatch(r"__index_level_\d+__", f.name)]
        texts = [f.name for f in flat if _is_text(f.type)]
        width = sum(8 if f.name in texts else _width(f.type) for f in flat)
        groups = range(about.num_row_groups)
        rows = max(about.num_rows, sum(abs(about.row_group(i).num_rows) for i in groups))
        _check_rows(rows, name)
        if max(width * rows, unpacked_size(data, about)) > most:
            raise too_much
        file = ParquetFile(io.BytesIO(data), read_dictionary=texts)
        tables, unpacked = [], 0
        for i in groups:
            tables.append(file.read_row_group(i, columns=[f.name for f in flat]))
            unpacked += sum(_length(tables[-1][text]) for text in texts)
            if unpacked > most:
                raise too_much
        cells = {f.name: [c for table in tables for c in table[f.name].chunks] for f in flat}
        tables.clear()  # each column is let go of once it is laid out
        frame = pd.DataFrame({column: _laid_out(cells.pop(column)) for column in list(cells)})
    except TrialsError:
        raise
    except Exception as error:
        if "DeltaByteArray" in str(error):  # not as a dictionary; a few bytes unpack to any amount
            raise TrialsError(
                f"{name} holds texts in the encoding DELTA_BYTE_ARRAY, which is not read; write it "
                "with dictionaries, as most programs do."
            ) from error
        raise TrialsError(
            f"{name} looks like Parquet but cannot be read: {str(error)[:300]}."
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


def _check_rows(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise TrialsError(f"{name} has {count:,} lines; at most {MOST_ROWS:,} are read.")


def _check_names(names: list[str], name: str) -> None:
    if len(set(names)) < len(names):
        raise TrialsError(f"{name} has two columns of the same name in its first line.")
    if len(names) > MOST_COLUMNS:
        raise TrialsError(f"{name} has {len(names):,} columns; a score file has a few.")


def _read_regular(
    data: bytes, separator: str, names: list[str], header: bool
) -> pd.DataFrame | None:
    """Read the usual file, one separator and as many cells in every line, many times faster.

    None where the file is not that regular; the careful reader then says what is wrong.
    """
    import pandas as pd

    odd: tuple[bytes, ...] = (
        b"\n\n",
        b"\r\n\r\n",
        b"\r\r",
        b'"',
        b" \n",
        b" \r",
        b"\n ",
        b"\t ",
        b", ",
        b"; ",
    )
    if separator == " ":
        odd += (b"  ", b"\t")
    if data[:1] in b" \n\r" or any(mark in data for mark in odd):
        return None
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow
    except ImportError:
        return None
    text = pa.string() if len(data) < 2**31 else pa.large_string()
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


def _separator(lines: list[str]) -> str:
    for separator in ("\t", ",", ";"):
        counts = {line.count(separator) for line in lines}
        if min(counts) > 0:
            return separator
    return " "


def _cells(line: str, separator: str) -> list[str]:
    cells = line.split() if separator == " " else line.split(separator)
    return [cell.strip().strip('"') for cell in cells]


def _has_header(rows: list[list[str]]) -> bool:
    first = rows[0]
    if any(_number(cell) for cell in first) or any(c.lower() in LABELS for c in first):
        return False
    known = sum(cell.lower() in _ROLE_OF for cell in first)
    if known >= 2 or (known and len(first) <= 2):
        return True
    # No known name, but numbers start below: still a header.
    return len(rows) > 1 and any(_number(cell) for cell in rows[1])


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _share_of_numbers(values: pd.Series) -> float:
    return float(values.map(_number).mean()) if len(values) else 0.0


def _format(columns: dict[str, str], named: bool, width: int) -> str:
    if named:
        return "table with a header"
    if "score" in columns and "label" in columns:
        return "ASVspoof 2019 scores (trial, attack, label, score)"
    if "score" in columns:
        return "ASVspoof 2021 scores (trial, score)" if width == 2 else "scores without labels"
    if "label" in columns:
        if width == 5:
            return "ASVspoof 2019 protocol"
        return "ASVspoof 2021 key" if "codec" in columns or width >= 8 else "protocol"
    return "unknown"


def _ordered(columns: Iterable[str]) -> list[str]:
    """The roles among these names in their order, then the others."""
    present = list(columns)
    return [r for r in ROLES if r in present] + [c for c in present if c not in ROLES]


def _formulas(table: pd.DataFrame, name: str) -> list[Problem]:
    """Cells that a spreadsheet would run; here they are text, but a reader should know."""
    bad = None
    for column in table.columns.difference(["score", "label"]):
        cells = table[column].astype("str")
        found = cells.str.match(FORMULA).fillna(False).astype(bool)
        bad = found if bad is None else bad | found
    count = 0 if bad is None else int(bad.sum())
    if bad is None or not count:
        return []
    lines = tuple(int(i) for i in table.index[bad.to_numpy()][:5])
    verb = (
        "starts like a spreadsheet formula and is"
        if count == 1
        else ("start like a spreadsheet formula and are")
    )
    return [Problem(_sentence(name, count, f"{verb} kept as plain text", lines), count, lines)]


def _lines(index: pd.Index, count: int) -> tuple[tuple[int, ...], str]:
    lines = tuple(int(i) for i in index[:5])
    more = ", ..." if count > len(lines) else ""
    return lines, f"line{'s' if count > 1 else ''} {', '.join(map(str, lines))}{more}"


def _sentence(name: str, count: int, what: str, lines: tuple[int, ...]) -> str:
    listed = ", ".join(str(line) for line in lines) + (", ..." if count > len(lines) else "")
    if count == 1:
        verbs = what.replace("have ", "has ", 1).replace("name no", "names no", 1)
        return f"1 row of {name} {verbs.replace('list a', 'lists a', 1)} (line {listed})."
    return f"{count:,} rows of {name} {what} (lines {listed})."
