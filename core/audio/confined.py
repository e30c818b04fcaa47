"""What a process that reads files of strangers takes from itself before the first of them comes."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

REFUSED = ("open", "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "ctypes.")
"""Beginnings of the names of audit events that end in an error."""


def serve(
    work: Callable[[BinaryIO, dict[str, Any], int], None],
    rehearse: Callable[[], None],
    refused: tuple[str, ...] = REFUSED,
) -> None:
    """Work on one file after another until the parent is gone; see `core.audio.processes`.

    Parameters
    ----------
    work : callable
        Given a file, the parent's order and the descriptor for answers.
    rehearse : callable
        Loads all that the work may need.
    refused : tuple of str
        As in `shut`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    asked = io.BufferedReader(io.FileIO(os.dup(0)), 1 << 16)
    answers = os.dup(1)
    held = io.BufferedReader(io.FileIO(int(sys.argv[1])), 1 << 16) if len(sys.argv) > 1 else None
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # a library may print
    os.close(nowhere)
    try:
        rehearse()
        shut(refused)
    except BaseException:
        answer(answers, b"F", traceback.format_exc()[-4000:].encode())
        raise
    answer(answers, b"R", b"")
    while head := asked.read(12):
        n_words, size = struct.unpack("<IQ", head)
        order = json.loads(asked.read(n_words))
        signal.setitimer(signal.ITIMER_REAL, order["alarm_s"])  # should the parent be gone
        limit_memory(order["memory_bytes"])
        work(held or io.BytesIO(asked.read(size)), order, answers)
        limit_memory(None)
        signal.setitimer(signal.ITIMER_REAL, 0)


def load_pyav() -> None:
    """Load every module of PyAV, which loads some only for a track of their kind."""
    import av

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


def shut(refused: tuple[str, ...] = REFUSED) -> None:
    """Let this process open nothing more and write nothing: the system refuses it every further
    file descriptor."""
    import resource

    for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(what, (0, 0))

    def refuse(event: str, arguments: Any) -> None:
        if event.startswith(refused):
            raise PermissionError(f"a worker that decodes may not do this ({event})")

    sys.addaudithook(refuse)


def limit_memory(most: int | None) -> None:
    """Limit the address space; macOS does not heed it, so there only time is limited."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (hard if most is None else most, hard))


def answer(answers: int, kind: bytes, body: bytes | memoryview) -> None:
    """Write a letter, a length and a body to a descriptor."""
    for part in (struct.pack("<cQ", kind, len(body)), body):
        left = memoryview(part)
        while len(left):
            left = left[os.write(answers, left) :]
