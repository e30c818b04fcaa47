"""What is finished, on disk: one checked line per file, so that a kill costs only work in hand."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
import zlib
from pathlib import Path
from typing import Any

from core.score.manifest import ArchiveError

SYNC_S = 1.0
"""Most seconds between two syncs to the disk. A killed process loses nothing all the same."""


class Journal:
    """Finished rows beside the output, in ``OUT.part``.

    Parameters
    ----------
    out : pathlib.Path
        The output that the rows are for.
    settings : dict
        All that a row depends on beside its file; plain JSON.
    fresh : bool
        Whether to forget what an earlier run left.

    Attributes
    ----------
    places : dict of str to int
        Where the rows of each finished id begin in the file.
    stamps : dict of str to (list of int or None)
        Size and time of change of its file then.

    Raises
    ------
    ArchiveError
        If another run is at work there, or an earlier one had other settings.
    """

    def __init__(self, out: Path, settings: dict[str, Any], fresh: bool = False) -> None:
        self.folder = out.with_name(out.name + ".part")
        self.places: dict[str, int] = {}
        self.stamps: dict[str, list[int] | None] = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = (self.folder / "rows.jsonl").open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ArchiveError(f"Another run is writing to {out}. Wait for it.") from error
        if fresh:
            self._file.truncate(0)
        try:
            self._recover(settings)
        except ArchiveError:
            self._file.close()
            raise
        self._synced = time.monotonic()

    def _recover(self, settings: dict[str, Any]) -> None:
        self._file.seek(0)
        end = 0
        for line in self._file:
            entry = _checked(line)
            if entry is None:
                break  # torn by a kill: this line and what may follow are done again
            if end == 0:
                changed = sorted(k for k in {*settings, *entry} if settings.get(k) != entry.get(k))
                if changed:
                    raise ArchiveError(
                        f"{self.folder} holds rows made with other settings "
                        f"({', '.join(changed)}). Go on with those, or start over with --fresh."
                    )
            else:
                self.places[entry["id"]] = end
                self.stamps[entry["id"]] = entry["stamp"]
            end += len(line)
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)
        self._end = end
        if end == 0:
            self._write(settings)

    def add(self, id: str, stamp: list[int] | None, rows: list[dict[str, Any]]) -> None:
        """Keep a file's finished rows, all or none; they outlive this process once this returns."""
        self.places[id] = self._end
        self.stamps[id] = stamp
        self._write({"id": id, "stamp": stamp, "rows": rows})
        if time.monotonic() - self._synced > SYNC_S:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def _write(self, entry: dict[str, Any]) -> None:
        text = json.dumps(entry, ensure_ascii=False, allow_nan=False)
        body = text.encode("utf-8", "backslashreplace")  # half a character as JSON escapes it
        line = b"%08x %s\n" % (zlib.crc32(body), body)
        self._file.write(line)
        self._file.flush()
        self._end += len(line)

    def rows(self, id: str) -> list[dict[str, Any]]:
        """The rows of a finished id, at least one."""
        self._file.seek(self.places[id])
        entry = _checked(self._file.readline())
        if entry is None or entry["id"] != id:
            raise ArchiveError(f"{self.folder} was changed while it was read. Run it again.")
        return list(entry["rows"])

    def close(self, remove: bool = False) -> None:
        """Let go of the file; remove it once the output stands."""
        os.fsync(self._file.fileno())
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._file.close()


def _checked(line: bytes) -> dict[str, Any] | None:
    mark, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or mark != b"%08x" % zlib.crc32(body):
        return None
    return dict(json.loads(body))
