"""Processes that do one kind of work on files of strangers, and may break over it.

Each is started when it is first needed, kept, and replaced when it dies, hangs, or has served long
enough. Files go in and answers come out by pipes: a letter, a length (uint64, little-endian), and
a body.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from core.audio.clip import AudioError
from core.audio.decoding.errors import unreadable
from core.audio.decoding.source import Reader
from core.files import CODE

TRANSFER = 20e6
"""Bytes a second that any machine moves through a pipe."""

NOT_STARTED = (
    "No process could be started that reads the file: this machine is too busy, or has no memory "
    "left. Try again when it has less to do."
)

CROWDED_S = 300.0
"""Most by which a limit of time is extended because other work kept the process from every core."""

_START_S = 60.0  # libraries load in under a second, but a disk may be cold and cores busy
_CHUNK = 1 << 20
_WORDS_BYTES = 1 << 20  # longest answer in words


class Broken(Exception):
    """The process is gone, or says what it never should."""


class Late(Exception):
    """The time is up."""


class Process:
    """One process, and the conversation with it.

    Parameters
    ----------
    command : sequence of str
        What starts it.
    held : int, optional
        Descriptor of the one file that it is to read, where that is not sent to it.
    **how
        As for `subprocess.Popen`, where that is to be other than for files of strangers.

    Attributes
    ----------
    served : int
        Files that it was given.
    usable : bool
        Whether it may be given another.
    """

    def __init__(self, command: Sequence[str], held: int | None = None, **how: Any) -> None:
        paths = [str(CODE), *(p for p in sys.path if p)]
        kept = {k: v for k in ("PATH", "LD_LIBRARY_PATH", "LANG") if (v := os.environ.get(k))}
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
        self.held = held is not None
        confined: dict[str, Any] = {"stderr": subprocess.DEVNULL, "cwd": CODE, "env": kept | one}
        how = confined | how
        self._process = subprocess.Popen(
            [*command, *([] if held is None else [str(held)])],
            pass_fds=() if held is None else (held,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **how | {"env": how["env"] | {"PYTHONPATH": os.pathsep.join(paths)}},
        )
        assert self._process.stdin and self._process.stdout
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._ready = False
        self._stood_s = 0.0  # when it was asked last
        self.served = 0
        self.usable = True

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it may be given another file."""
        return self.usable and self._process.poll() is None

    def stop(self) -> None:
        """End the process, whatever it does, and leave nothing of it."""
        self.usable = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            with contextlib.suppress(OSError):
                pipe.close()

    def await_ready(self) -> None:
        """Wait until its libraries are loaded.

        Raises
        ------
        RuntimeError
            If it cannot start.
        """
        if self._ready:
            return
        try:
            kind, length = self.head(time.monotonic() + _START_S)
            if kind != b"R":
                raise RuntimeError(self.body(length, time.monotonic() + 1).decode())
        except (Broken, Late) as error:
            raise RuntimeError(NOT_STARTED) from error
        self._ready = True

    def ask(self, order: dict[str, Any], file: Reader, size: int, until: float) -> None:
        """Send words, and a file unless it holds that itself.

        Raises
        ------
        Broken, Late, AudioError
        """
        sent = 0 if self.held else size
        self._stood_s = stood_ready_s(self.pid)
        words = json.dumps(order).encode()
        file.rewound()  # first: a descriptor that the process holds has one place for both
        self._send(memoryview(struct.pack("<IQ", len(words), sent) + words), until)
        self._send_file(file, sent, until)

    def _send_file(self, file: Reader, size: int, until: float) -> None:
        left = size
        while left:
            try:
                chunk = file.read(min(left, _CHUNK))
            except OSError as error:
                self.stop()
                raise unreadable(error) from error
            if not chunk:
                self.stop()
                raise AudioError("The file became shorter while it was read.", "unreadable")
            self._send(memoryview(chunk), until)
            left -= len(chunk)

    def _send(self, data: memoryview, until: float) -> None:
        while len(data):
            self._wait(self._in, select.POLLOUT, until)
            try:
                data = data[os.write(self._in, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Broken from error

    def head(self, until: float) -> tuple[bytes, int]:
        """Letter and length of the next answer."""
        head = bytearray(9)
        self.fill(memoryview(head), until)
        kind, length = struct.unpack("<cQ", head)
        return kind, length

    def body(self, length: int, until: float) -> bytearray:
        """An answer in words."""
        if length > _WORDS_BYTES:
            raise Broken
        body = bytearray(length)
        self.fill(memoryview(body), until)
        return body

    def fill(self, room: memoryview, until: float) -> None:
        """An answer of known length, into this room."""
        while len(room):
            self._wait(self._out, select.POLLIN, until)
            try:
                got = os.readv(self._out, [room])
            except BlockingIOError:
                continue
            except OSError as error:
                raise Broken from error
            if not got:
                raise Broken
            room = room[got:]

    def _wait(self, descriptor: int, event: int, until: float) -> None:
        """Until a pipe is ready; what the process itself waits for a core does not count."""
        poll = select.poll()
        poll.register(descriptor, event)
        left = until - time.monotonic()
        while not poll.poll(max(0.0, left) * 1000):
            crowded = min(stood_ready_s(self.pid) - self._stood_s, CROWDED_S)
            left = until + crowded - time.monotonic()
            if left <= 0:
                raise Late


def stood_ready_s(pid: int) -> float:
    """Seconds that a process has stood ready and got no core (Linux; 0 elsewhere)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


_Kind = TypeVar("_Kind", bound=Process)


class Pool(Generic[_Kind]):
    """Idle processes of one kind, and how many may work at a time.

    Parameters
    ----------
    start : callable
        Starts one.
    """

    def __init__(self, start: Callable[[], _Kind]) -> None:
        self._start = start
        self._idle: list[_Kind] = []
        self._lock = threading.Lock()
        self._free = threading.Condition(self._lock)
        self._working = 0

    @contextlib.contextmanager
    def slots(self, processes: int) -> Iterator[None]:
        """Wait until fewer than so many work."""
        with self._free:
            self._free.wait_for(lambda: self._working < processes)
            self._working += 1
        try:
            yield
        finally:
            with self._free:
                self._working -= 1
                self._free.notify_all()  # those who wait may wait for other numbers

    def take(self) -> _Kind:
        """An idle process, or a new one."""
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive():
                    return worker
                worker.stop()
        return self._start()

    def prepare(self) -> None:
        """Start one beside other work."""
        with self._lock:
            if not self._idle:
                self._idle.append(self._start())

    def give(self, worker: _Kind, files: int) -> None:
        """Take one back; it is replaced if it is spent or served so many files."""
        if not worker.alive() or worker.served >= files:
            worker.stop()
            try:
                worker = self._start()  # starts while nobody waits for it
            except OSError:  # the next file will ask again, and say so
                return
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End all that are idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().stop()
