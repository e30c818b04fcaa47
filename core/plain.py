"""Text from outside, made inert: what is not seen is shown as a symbol, and CSV runs and splits
nothing. Every name, note and label that leaves the program goes through here."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pandas as pd

_CONTROLS = "\x00-\x1f\x7f-\x9f"
_IGNORED = (  # what Unicode calls default-ignorable: marks of direction, of no width, of variants
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_CONTROLS}{_IGNORED}\u2028\u2029\u2800\ud800-\udfff]")
_UNSEEN_IN_LINES = re.compile(_UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_UNSEEN_IN_JSON = re.compile(_UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")


def printable(text: str) -> str:
    r"""Text in which everything is seen: of a name, a note, a label, one line.

    Control characters become their pictures (``\x1b`` is ␛), bytes that are no UTF-8 ``\xff``,
    and marks of direction, of no width and the like ``\u{202e}``: none of them can reorder, hide,
    colour or break what stands around it.
    """
    return _UNSEEN.sub(_symbol, text)


def printable_lines(text: str) -> str:
    """The same of text in several lines, which stay lines."""
    return _UNSEEN_IN_LINES.sub(_symbol, text)


def printable_in(value: Any) -> Any:
    """The same of every text in what JSON can hold, names of fields left out."""
    if isinstance(value, dict):
        return {key: printable_in(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable_in(item) for item in value]
    return printable(value) if isinstance(value, str) else value


def printable_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose texts are `printable`, heads included; numbers stay as they are."""
    from pandas.api.types import is_numeric_dtype

    def seen(cell: Any) -> Any:
        return printable(cell) if isinstance(cell, str) else cell

    shown = frame.copy(deep=False)
    for column in frame.columns:
        texts = frame[column]
        if not is_numeric_dtype(texts) and _may_hide(texts):
            shown[column] = texts.map(seen)
    shown.columns = [seen(column) for column in frame.columns]
    return shown


def _may_hide(texts: pd.Series) -> bool:
    """Whether some cell has what is not seen; where all is ASCII, without a look at each."""
    import numpy as np
    import pandas as pd

    if isinstance(texts.dtype, pd.StringDtype) and texts.dtype.storage == "pyarrow":
        for chunk in texts.array.__arrow_array__().chunks:
            letters = np.frombuffer(chunk.buffers()[-1] or b"", np.uint8)
            plain = not len(letters) or (letters.min() >= 0x20 and letters.max() < 0x7F)
            if not plain and _UNSEEN.search(letters.tobytes().decode(errors="replace")):
                return True
        return False
    cells = texts.cat.categories if isinstance(texts.dtype, pd.CategoricalDtype) else texts
    return _UNSEEN.search("".join(cell for cell in cells if isinstance(cell, str))) is not None


def json_text(value: Any, indent: int | None = 2) -> str:
    r"""JSON that a program reads as it was and a person sees whole: ``\u202e`` for what hides."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return _UNSEEN_IN_JSON.sub(_escape, text)


def plain_cell(cell: object) -> object:
    """Printable text that no spreadsheet runs: a formula gets a leading quote, a number does not.

    A lone ``-``, which the field writes where there is nothing, is no formula.
    """
    if not isinstance(cell, str):
        return cell
    shown = printable(cell)
    return f"'{shown}" if _may_run(cell) and not _NUMBER.fullmatch(cell) else shown


def csv_text(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV for people: every text is quoted and a `plain_cell`; nothing where it is None.

    Quotes keep a text whole where another separator is usual than the comma. Without heads there
    is no line of them.
    """
    names = list(map(str, head))
    lines = itertools.chain([names] if names else [], rows)
    return "".join(",".join(map(_csv_cell, line)) + "\n" for line in lines)


def csv_of(frame: pd.DataFrame) -> str:
    """The same of a DataFrame, without its index."""
    return csv_text(frame.columns, frame.itertuples(index=False, name=None))


def write_own_csv(frame: pd.DataFrame, file: Path | TextIO) -> None:
    """A table of the program's own, which it reads again as it was: nothing is guarded."""
    frame.to_csv(file, index=False, lineterminator="\n")


def find_printed(name: str) -> str:
    """The file that is meant by a name as `printable` shows it; the name itself where it is one.

    So a command that was copied from a report opens the file that it is about, whatever is in its
    name. Where several files of a folder are shown alike, none is meant.
    """
    path = Path(name)
    try:
        if not path.exists() and "\0" not in name:
            alike = [p for p in path.parent.iterdir() if printable(p.name) == path.name]
            if len(alike) == 1:
                return str(alike[0])
    except (OSError, ValueError):  # no such folder, or a name that none can have
        pass
    return name


class OutputError(Exception):
    """The output of a command cannot be written; no `OSError`, since no file is at fault."""


class Inert:
    """A text stream that writes what is given as `printable_lines`.

    A carriage return stays, since lines of progress begin with one. Where nobody reads any more it
    raises `BrokenPipeError`, where nothing can be written `OutputError`; what is not ``needed``, as
    notes beside the output, is lost instead.
    """

    def __init__(self, stream: TextIO, needed: bool = True) -> None:
        self._stream = stream
        self._needed = needed

    def write(self, text: str) -> int:
        """As a stream's."""
        parts = text.split("\r") if "\r" in text else [text]
        with self._told():
            self._stream.write("\r".join(map(printable_lines, parts)))
        return len(text)

    def flush(self) -> None:
        """As a stream's."""
        with self._told():
            self._stream.flush()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._needed:
                return
            if isinstance(error, BrokenPipeError):
                raise
            raise OutputError(f"The output cannot be written: {error.strerror}.") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x80 else json.dumps(found[0])[1:-1]


def _symbol(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20 or code == 0x7F:
        return chr(0x2421 if code == 0x7F else 0x2400 + code)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in names of files
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{{{code:x}}}"


def _csv_cell(cell: object) -> str:
    if isinstance(cell, str):
        return '"' + str(plain_cell(cell)).replace('"', '""') + '"'
    text = "" if cell is None else str(cell)
    return "" if text in ("nan", "<NA>", "NaT") else text


def _may_run(cell: str) -> bool:
    """Whether what is seen first begins a formula, or a break could begin another cell."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    first = next((c for c in cell if not _unseen(c)), "")
    # Wide and small forms of these characters are taken for them.
    return cell != "-" and unicodedata.normalize("NFKC", first)[:1] in {"=", "+", "-", "@", "|"}


def _unseen(character: str) -> bool:
    """Spaces, controls, marks without a letter: a spreadsheet may drop them before it looks."""
    return unicodedata.category(character)[0] in "CZM" or bool(_UNSEEN.match(character))
