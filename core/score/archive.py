"""Score an archive: what is finished already, the rest by an executor, one table at the end."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.detect.decision import EVEN, Stance
from core.files import atomic_path, why_not_written
from core.plain import csv_text
from core.score.journal import Journal
from core.score.judging import EXECUTORS, ROW, WINDOW, identity, stamp
from core.score.manifest import ArchiveError, Item
from core.settings import settings as installed
from core.version import version

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".pq", ".csv")
"""How the name of a table ends, which says what it is."""

GROUP = 10_000
"""Rows in memory while the table is written."""


def score(
    items: Sequence[Item],
    out: str | Path,
    *,
    detector: str = "embedded",
    stance: Stance = EVEN,
    hop_s: float | None = None,
    processes: int | None = 1,
    windows_out: str | Path | None = None,
    fresh: bool = False,
    executor: str = "processes",
    ray_address: str | None = None,
    engine: str | None = None,
    track: int | None = None,
    channel: int | None = None,
) -> dict[str, str]:
    """Score every file and write its rows, in the order of ``items``.

    A file has one row, or one per channel where its channels are judged apart.

    A killed run goes on where it stopped when it is called again in the same way.

    Parameters
    ----------
    items : sequence of Item
        From `core.score.manifest.read_manifest`.
    out : path-like
        The table, CSV or Parquet by its suffix, one of `SUFFIXES`. Written aside, then renamed.
    detector : str
        For `core.detect.registry.load_detector`.
    stance : Stance
        Prior and costs of the two errors.
    hop_s : float, optional
        Seconds between windows; the detector's own by default.
    processes : int, optional
        Workers; None for one per core, of this machine or of Ray's cluster.
    windows_out : path-like, optional
        A second table with one row per window.
    fresh : bool
        Whether to start over.
    executor : str
        What runs the workers, one of `ENGINES`. A run may go on by another one.
    ray_address : str, optional
        Of a running Ray cluster; a Ray of this machine's own by default.
    engine : str, optional
        What runs the network, one of `core.detect.engine.ENGINES`; what ``SPOOFSCOPE_ENGINE``
        says by default, else the detector's own.
    track, channel : int, optional
        What is judged of every file, as for `core.audio.decoding.decode`.

    Returns
    -------
    dict of str to str
        Id to sentence of each file that could not be scored.

    Raises
    ------
    ArchiveError
        If the settings are out of range, or differ from those of the run to go on with.
    DetectorError
        If the detector cannot be loaded.
    """
    from core.detect.registry import load_detector

    out = Path(out)
    if processes is not None and processes < 1:
        raise ArchiveError("At least one process is needed.")
    _check_writable(out, None if windows_out is None else Path(windows_out), items)
    if executor not in EXECUTORS:
        raise ArchiveError(f"There is no executor {executor!r}; there are {', '.join(EXECUTORS)}.")
    engine = engine or installed().engine or None
    loaded = load_detector(detector, engine=engine, code=True)
    if hop_s is not None and not 0.05 <= hop_s <= loaded.window / 16_000:
        raise ArchiveError(f"The hop must be 0.05 to {loaded.window / 16_000:g} seconds.")
    settings: dict[str, Any] = {
        **identity(loaded),
        **asdict(stance),
        "hop_s": hop_s,
        "track": track,
        "channel": channel,
        "rows_a_file": "one a channel, with notes",  # journals before held others
        "windows": windows_out is not None,
        "version": version(),
    }
    del loaded
    journal = Journal(out, settings, fresh)
    try:
        stamps = {item.id: stamp(item.file) for item in items}
        finished = {
            i: it for i, it in stamps.items() if i in journal.places and journal.stamps[i] == it
        }
        unscored = [item for item in items if item.id not in finished]
        bad = {i: error for i in finished if (error := _error(journal.rows(i)))}
        progress = _Progress(len(items), len(items) - len(unscored), len(bad))
        if unscored:
            how = detector, settings, processes, engine
            with contextlib.closing(_run(executor, ray_address, unscored, *how)) as scored:
                for item, rows in scored:
                    journal.add(item.id, stamps[item.id], rows)
                    if error := _error(rows):
                        bad[item.id] = error
                    progress.step(len(bad))
        progress.end()
        if windows_out is not None:
            _write(Path(windows_out), _window_rows(items, journal))
        _write(out, _rows(items, journal))
    except BaseException:
        journal.close()
        raise
    journal.close(remove=True)
    return bad


def _run(
    executor: str,
    ray_address: str | None,
    unscored: Sequence[Item],
    detector: str,
    settings: dict[str, Any],
    processes: int | None,
    engine: str | None,
) -> Generator[tuple[Item, list[dict[str, Any]]], None, None]:
    """Items with their rows, as an executor finishes them."""
    if executor == "ray":
        from core.score import on_ray

        return on_ray.run(unscored, detector, settings, processes, engine, ray_address)
    from core.score import pool

    return pool.run(unscored, detector, settings, processes, engine)


def _check_writable(out: Path, windows_out: Path | None, items: Sequence[Item]) -> None:
    """Find out before hours of work what would end them: tables that cannot be written.

    Raises
    ------
    ArchiveError
        If a folder is missing or takes no file, both tables are one file, or one is an input.
    """
    given = [path for path in (out, windows_out) if path is not None]
    for path in given:
        if problem := why_not_written(path, SUFFIXES):
            raise ArchiveError(problem)
    if windows_out is not None and _one_file(out, windows_out):
        raise ArchiveError(
            f"{out} and {windows_out} are one file. Give the windows a table of their own."
        )
    read = {item.file for item in items}
    for path in given:
        if str(path.resolve()) in read or str(path.absolute()) in read:
            raise ArchiveError(f"{path} is one of the files to score. Name another.")


def _one_file(one: Path, two: Path) -> bool:
    """Whether two names are one file, through links and however the file system takes case."""
    a, b = one.resolve(), two.resolve()
    if a.exists() and b.exists():
        return a.samefile(b)
    if a == b or not a.parent.samefile(b.parent):
        return a == b
    if (
        unicodedata.normalize("NFC", a.name).casefold()
        != unicodedata.normalize("NFC", b.name).casefold()
    ):
        return False
    probe = a.with_name(f".{a.name}.case")  # this file system's own word on it
    try:
        probe.touch(exist_ok=False)
        return b.with_name(f".{b.name}.case").exists()
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)


def _error(rows: list[dict[str, Any]]) -> str:
    """Why a file, or one of its channels, could not be scored; empty where all was."""
    return " ".join(dict.fromkeys(row["error"] for row in rows if row["error"]))


def _rows(items: Sequence[Item], journal: Journal) -> Iterator[pa.Table]:
    import pandas as pd
    import pyarrow as pa

    own = {"id": "string", "path": "string", **ROW}
    further = list(dict.fromkeys(k for item in items for k in item.further))
    names = {k: f"manifest_{k}" if k in own else k for k in further}
    types = {}
    for key in further:
        column = pd.Series([item.further.get(key) for item in items], dtype=object)
        try:
            types[key] = pa.array(column, from_pandas=True).type
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            types[key] = pa.string()
    for begin in range(0, len(items), GROUP):
        part = items[begin : begin + GROUP]
        named = [(i, row) for i in part for row in journal.rows(i.id)]
        rows = [{"id": i.id, "path": i.path, **row} for i, row in named]
        columns = {k: pa.array([r[k] for r in rows], t) for k, t in own.items()}
        for key in further:
            values = [i.further.get(key) for i, _ in named]
            if types[key] == pa.string():
                values = [v if v is None else str(v) for v in values]
            columns[names[key]] = pa.array(values, types[key])
        yield pa.table(columns)


def _window_rows(items: Sequence[Item], journal: Journal) -> Iterator[pa.Table]:
    import pyarrow as pa

    for begin in range(0, len(items), GROUP):
        rows = [
            (item.id, row["track"], row["channel"], *window)
            for item in items[begin : begin + GROUP]
            for row in journal.rows(item.id)
            for window in row.get("window_rows", [])
        ]
        columns = list(zip(*rows, strict=True)) or [()] * (3 + len(WINDOW))
        types = ["string", "int64", "int64"] + ["double"] * len(WINDOW)
        yield pa.table(
            {
                name: pa.array(values, kind)
                for name, values, kind in zip(
                    ("id", "track", "channel", *WINDOW), columns, types, strict=True
                )
            }
        )


def _write(out: Path, tables: Iterator[pa.Table]) -> None:
    """Write aside, then rename: nobody ever sees half a table."""
    from pyarrow.parquet import ParquetWriter

    first = next(tables)
    with atomic_path(out, sync=True) as part, part.open("wb") as file:
        if out.suffix.lower() == ".csv":
            file.write(csv_text(first.column_names, ()).encode())
            for table in itertools.chain([first], tables):
                columns = [column.to_pylist() for column in table.columns]
                file.write(csv_text((), zip(*columns, strict=True)).encode())
            return
        with ParquetWriter(file, first.schema) as writer:
            for table in itertools.chain([first], tables):
                writer.write_table(table)


class _Progress:
    """Files done, rate and remaining time: one line on a terminal, one every 10 s elsewhere."""

    def __init__(self, total: int, done: int, bad: int) -> None:
        self._total, self._done, self._first, self._bad = total, done, done, bad
        self._began = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()
        if done:
            print(f"{done:,} of {total:,} files were finished before.", file=sys.stderr)

    def step(self, bad: int) -> None:
        self._done += 1
        self._bad = bad
        now = time.monotonic()
        if now - self._shown > (0.5 if self._terminal else 10):
            self._shown = now
            print(
                self._line(now), end="\r" if self._terminal else "\n", file=sys.stderr, flush=True
            )

    def end(self) -> None:
        print(self._line(time.monotonic()), file=sys.stderr)

    def _line(self, now: float) -> str:
        new = self._done - self._first
        rate = new / max(now - self._began, 1e-9)
        left = ""
        if new > 0 and self._done < self._total:
            minutes, seconds = divmod(round((self._total - self._done) / rate), 60)
            left = f", {minutes // 60}:{minutes % 60:02}:{seconds:02} left"
        return (
            f"{self._done:,} of {self._total:,} files, {rate:.2f} a second{left}, "
            f"{self._bad:,} bad   "
        )
