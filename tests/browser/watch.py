"""A server watched from within and from outside: what it writes, and whom it asks."""

import os
import shutil
from pathlib import Path

import psutil

TOOLS = {".git", ".hypothesis", ".venv", "__pycache__"}
TOOLS |= {f".{tool}_cache" for tool in ("pytest", "ruff", "mypy")}


def files(folder: Path) -> set[tuple[str, int, int]]:
    """Every file below, with size and time of change; what tools keep for themselves left out."""
    found = set()
    for at, folders, names in os.walk(folder):
        folders[:] = set(folders) - TOOLS
        for path in (os.path.join(at, name) for name in set(names) - TOOLS):
            about = os.stat(path)
            found.add((path, about.st_size, about.st_mtime_ns))
    return found


class Processes:
    """A server and whatever it has started, looked at from outside every now and then."""

    def __init__(self, port: int) -> None:
        self._server = next(
            child
            for child in psutil.Process().children()
            if any(s.laddr.port == port for s in child.net_connections() if s.status == "LISTEN")
        )
        self.pids: set[int] = set()
        self.reached: set[str] = set()
        self.written: set[str] = set()

    def look(self) -> None:
        """Hosts beyond this machine that they have a socket to, files that they hold to write."""
        own = {a.address for known in psutil.net_if_addrs().values() for a in known}
        for process in [self._server, *self._server.children(recursive=True)]:
            try:
                self.pids.add(process.pid)
                remote = {s.raddr.ip for s in process.net_connections() if s.raddr}
                held = {file.path for file in process.open_files() if file.mode != "r"}
            except psutil.Error:
                continue
            self.reached |= {ip for ip in remote - own if not ip.startswith("127.")}
            self.written |= held


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
