"""What a process that reads files of strangers takes from itself before the first of them comes."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from typing import Any

REFUSED = ("open", "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "ctypes.")
"""Beginnings of the names of audit events that end in an error."""


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
