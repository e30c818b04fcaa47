"""Which basic blocks of a compiled library run: coverage for libraries as they are shipped.

Needs gcc and objdump, x86-64 Linux.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

_LINE = re.compile(r"^\s+([0-9a-f]+):\t(\S+)\s*([0-9a-f]*)")


def blocks(library: Path) -> np.ndarray:
    """Offsets at which basic blocks of a library's code begin, uint32, ascending.

    These are the targets of direct jumps and calls, and what follows a conditional jump, as
    objdump reads them.
    """
    command = ["objdump", "-d", "-j", ".text", "--no-show-raw-insn", str(library)]
    instructions: list[int] = []
    leaders: set[int] = set()
    follows = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = _LINE.match(line)
            if not found:
                continue
            at, name, target = int(found[1], 16), found[2], found[3]
            instructions.append(at)
            if follows:
                leaders.add(at)
            jumps = name[0] == "j"
            follows = jumps and name not in ("jmp", "jmpq")
            if target and (jumps or name in ("call", "callq")):
                leaders.add(int(target, 16))
    return np.intersect1d(np.array(sorted(leaders), np.uint32), np.array(instructions, np.uint32))


def kept_blocks(library: Path, folder: Path) -> np.ndarray:
    """As `blocks`, kept in a folder from one run to the next."""
    kept = folder / f"{library.name}.blocks.npy"
    if not kept.is_file():
        np.save(kept, blocks(library))
    return np.load(kept)


def watch(library: Path, offsets: np.ndarray, init: ctypes.CDLL) -> tuple[ctypes.CDLL, int]:
    """Watch a library that this process has loaded, and show its blocks to libFuzzer.

    Parameters
    ----------
    library : pathlib.Path
        The file, as it was loaded.
    offsets : numpy.ndarray
        From `blocks`.
    init : ctypes.CDLL
        The module that holds libFuzzer.

    Returns
    -------
    (ctypes.CDLL, int)
        The watching library and the number of blocks.
    """
    watcher = _watcher()
    base = _base(library)
    start, length = _text(library)
    n = len(offsets)
    pcs = np.zeros((n, 2), np.uint64)
    pcs[:, 0] = offsets.astype(np.uint64) + np.uint64(base)
    arrays = (np.ascontiguousarray(offsets), np.zeros(n, np.uint8), np.zeros(n, np.uint8), pcs)
    _KEPT.append(arrays)
    place, original, counters, table = (ctypes.c_void_p(a.ctypes.data) for a in arrays)
    end = ctypes.c_void_p(arrays[2].ctypes.data + n)
    init.__sanitizer_cov_8bit_counters_init(counters, end)
    init.__sanitizer_cov_pcs_init(table, ctypes.c_void_p(pcs.ctypes.data + pcs.nbytes))
    failed = watcher.blocks_watch(
        ctypes.c_void_p(base), ctypes.c_size_t(start), ctypes.c_size_t(length), place, original,
        counters, ctypes.c_size_t(n),
    )  # fmt: skip
    if failed:
        raise OSError(f"{library.name} cannot be watched: its code cannot be written to")
    return watcher, n


_KEPT: list[tuple[np.ndarray, ...]] = []  # what the handler reads must stay
_WATCHER: list[ctypes.CDLL] = []


def _watcher() -> ctypes.CDLL:
    if not _WATCHER:
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "blocks.so"
            source = Path(__file__).with_name("blocks.c")
            subprocess.run(
                ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", built, source], check=True
            )
            _WATCHER.append(ctypes.CDLL(str(built)))
    return _WATCHER[0]


def _base(library: Path) -> int:
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith("/" + library.name):
            span, _, offset = line.split()[:3]
            return int(span.split("-")[0], 16) - int(offset, 16)
    raise OSError(f"{library.name} is not loaded")


def _text(library: Path) -> tuple[int, int]:
    listed = subprocess.run(
        ["objdump", "-h", "-j", ".text", str(library)], capture_output=True, text=True, check=True
    ).stdout
    size, address = re.search(r"\.text\s+([0-9a-f]+)\s+([0-9a-f]+)", listed).groups()  # type: ignore[union-attr]
    return int(address, 16), int(size, 16)
