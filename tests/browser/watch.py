"""A server watched from within: what it writes, and whom it asks."""

import os
import shutil
from pathlib import Path

import psutil


class Watch:
    """Notes of `tests.browser.watched`, which runs in every Python that gets `environment`."""

    def __init__(self, folder: Path) -> None:
        self.notes: list[str] = []
        folder.mkdir()
        shutil.copy(Path(__file__).with_name("watched.py"), folder / "sitecustomize.py")
        own = [a.address for known in psutil.net_if_addrs().values() for a in known]
        (folder / "own").write_text("\n".join(address.split("%")[0] for address in own))
        os.mkfifo(folder / "watched")
        self._pipe = os.open(folder / "watched", os.O_RDWR | os.O_NONBLOCK)
        self.environment = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def look(self) -> None:
        """Add to the notes what was noted since the last look."""
        found = b""
        while True:
            try:
                found += os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                self.notes += found.decode().splitlines()
                return

    def close(self) -> None:
        os.close(self._pipe)
