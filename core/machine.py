"""What this machine gives to the process."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

ARENAS = 2
"""Where many threads take memory in turn, each arena keeps what it held at most."""

_M_ARENA_MAX = -8


def share_arenas() -> None:
    """Let all threads of this process share `ARENAS` arenas, where the system's malloc has them.

    glibc gives every thread up to eight a core, and each page runs in a thread of its own.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_ARENA_MAX, ARENAS)


def memory_bytes(root: Path = Path("/")) -> int:
    """Memory that this process may use: the machine's, or less where a container has a limit.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are found; for tests.

    Returns
    -------
    int
        The least of physical memory and of every limit of the control groups (version 2 or 1)
        that this process is in.
    """
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _limits(root):
        try:
            found.append(int(file.read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(n for n in found if n > 0)


def _limits(root: Path) -> list[Path]:
    """Files that may hold a limit: a group is bound by every group that it lies in."""
    groups = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    files = []
    for line in ["0::/", "0:memory:/", *lines]:
        kinds, _, path = line.partition(":")[2].partition(":")
        if kinds and "memory" not in kinds.split(","):
            continue
        base = groups / "memory" if kinds else groups
        name = "memory.limit_in_bytes" if kinds else "memory.max"
        inside = Path(path.lstrip("/"))
        files += [base / part / name for part in (inside, *inside.parents)]
    return files
