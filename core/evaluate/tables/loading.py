"""Tables of data/results, loaded and checked."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.evaluate.names import METRICS, benchmark_name, condition_name, system_name
from core.evaluate.tables.column import Table
from core.evaluate.tables.figures import COLUMNS, FIGURES, Figure
from core.evaluate.tables.schema import ARENA, TABLES
from core.files import ROOT

if TYPE_CHECKING:
    import pandas as pd


RESULTS = ROOT / "data" / "results"


class TableError(ValueError):
    """A result table that breaks its schema; the message names the file, row and column."""


def load(name: str, folder: Path = RESULTS) -> pd.DataFrame:
    """Read and check ``<folder>/<name>.csv``.

    Text columns hold "" where a value is missing, number columns NaN.

    Raises
    ------
    TableError
        If the file is missing or breaks its schema.
    """
    import pandas as pd

    table = TABLES[name]
    path = folder / f"{name}.csv"
    texts = {c: str for c, column in table.columns.items() if column.type == "text"}
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=_empty(table))
    except FileNotFoundError:
        raise TableError(f"The table data/results/{name}.csv is missing.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"The table data/results/{name}.csv cannot be read: {error}.") from error
    check(frame, name)
    return frame


def figures_in(name: str, folder: Path | None = None, **wanted: str) -> Iterator[Figure]:
    """Rows of a table of figures, in file order; read without pandas, so that a page opens soon.

    Parameters
    ----------
    name : str
        File name without suffix.
    folder : Path, optional
        By default `RESULTS`.
    **wanted : str
        Values of columns that must match exactly.

    Yields
    ------
    Figure
        Nothing where the table is missing.
    """
    path = (folder or RESULTS) / f"{name}.csv"
    if not path.is_file():
        return
    numbers = [c for c in COLUMNS if FIGURES.columns[c].type != "text"]
    state = path.stat()
    for row in _rows(path, (state.st_mtime_ns, state.st_size)):
        if wanted.items() <= row.items():
            said: dict[str, Any] = {c: row.get(c) or "" for c in COLUMNS}
            yield Figure(**said | {c: float(said[c]) if said[c] else nan for c in numbers})


@functools.lru_cache(maxsize=4)
def _rows(path: Path, state: tuple[int, int]) -> list[dict[str, str]]:
    """A table as it is written, read again once it has changed; a page asks for many figures."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load_figures(folder: Path = RESULTS) -> pd.DataFrame:
    """Every table of figures in one, in the order published, measured, embedded.

    The embedded detector's table is left out where it does not exist yet.

    Raises
    ------
    TableError
        As in `load`.
    """
    import pandas as pd

    names = [name for name, table in TABLES.items() if table is FIGURES]
    frames = [load(n, folder) for n in names if n != "embedded" or (folder / f"{n}.csv").exists()]
    figures = pd.concat(frames, ignore_index=True)
    # The benchmark of the embedded detector has its own words for the same things.
    figures["metric"] = figures["metric"].replace("eer_percent", "eer")
    pooled = figures["breakdown"] == "pooled"
    figures.loc[pooled, ["breakdown", "condition"]] = ["overall", "all"]
    return figures


def described(figures: pd.DataFrame, folder: Path = RESULTS) -> pd.DataFrame:
    """Figures under the names that pages use, with columns for what their condition stands for.

    Added, and "" where they do not apply, are ``attack``, ``codec``, ``vocoder``, ``training``
    (whether the attack's algorithm was in the training set of ASVspoof 2019) and ``bandwidth`` (of
    the codec's audio).

    Raises
    ------
    TableError
        As in `load`.
    """
    seen = load("attacks", folder).set_index("attack")["seen"]
    rate = load("codecs", folder).set_index("codec")["sample_rate_khz"]
    out = figures.copy()
    parts = out["condition"].str.partition("/")
    grid = out["breakdown"] == "attack-codec"
    of = {name: out["breakdown"] == name for name in ("attack", "codec", "vocoder")}
    out["attack"] = parts[0].where(of["attack"] | grid, "")
    out["codec"] = parts[2].where(grid, out["condition"].where(of["codec"], ""))
    out["vocoder"] = out["condition"].where(of["vocoder"], "")
    out["training"] = out["attack"].map(seen).fillna("")
    out["bandwidth"] = out["codec"].map(rate.map("{:g} kHz audio".format)).fillna("")
    out["system"] = out["system"].map(system_name)
    out["benchmark"] = out["benchmark"].map(benchmark_name)
    # The codes of ASVspoof stay: they are names of the field, and parts of addresses.
    named = of["codec"] & ~out["codec"].isin(rate.index)
    for column in ("condition", "codec"):
        out.loc[named, column] = out.loc[named, column].map(condition_name)
    return out


def check(frame: pd.DataFrame, name: str) -> None:
    """Cheap checks of a table against its schema.

    Raises
    ------
    TableError
        At the first column that breaks it.
    """
    table = TABLES[name]

    def fail(column: str, bad: Any, what: str) -> None:
        if bad.any():
            row = int(bad.to_numpy().argmax()) + 2
            raise TableError(f"data/results/{name}.csv, line {row}: {column} {what}.")

    missing = [c for c in table.columns if c not in frame]
    if missing:
        raise TableError(f"data/results/{name}.csv lacks the columns {', '.join(missing)}.")
    for label, column in table.columns.items():
        values = frame[label]
        text = column.type == "text"
        if not text and values.dtype.kind not in "iuf":
            raise TableError(f"data/results/{name}.csv: {label} holds something that is no number.")
        absent = (values == "") if text else values.isna()
        if column.required:
            fail(label, absent, "is empty")
        if column.choices:
            fail(label, ~(values.isin(column.choices) | absent), "is not one of its values")
        if column.type == "count":
            fail(label, ~absent & ((values < 0) | (values % 1 != 0)), "is not a count")
        if column.low is not None:
            fail(label, values < column.low, f"is below {column.low:g}")
        if column.high is not None:
            fail(label, values > column.high, f"is above {column.high:g}")
    fail(" and ".join(table.key), frame.duplicated(list(table.key)), "repeat an earlier row")
    if table is FIGURES or table is ARENA:
        top = frame["metric"].map({m: high for m, (_, _, high) in METRICS.items()})
        over = frame["value"] > top + 1e-6  # a rate of 1 may come out a rounding error higher
        fail("value", (frame["value"] < 0) | over, "is out of its metric's range")
        fail("low", frame["low"] > frame["high"], "lies above high")


def _empty(table: Table) -> dict[str, list[str]]:
    """In number columns alone an empty cell is a missing value; "none" is a codec's name."""
    return {c: [""] for c, column in table.columns.items() if column.type in ("number", "count")}
