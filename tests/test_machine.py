"""The memory of the machine, or of the container that this runs in."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from core.machine import ARENAS, memory_bytes, share_arenas

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
V2, V1 = "memory.max", "memory.limit_in_bytes"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("", {}, PHYSICAL),
        ("0::/", {V2: "1000000"}, 1_000_000),
        ("0::/", {V2: "max"}, PHYSICAL),
        ("0::/a/b", {f"a/b/{V2}": "max", f"a/{V2}": "2000000", V2: "max"}, 2_000_000),
        ("5:cpu:/x\n4:memory:/m", {f"memory/m/{V1}": "3000000"}, 3_000_000),
        ("4:memory:/m", {f"memory/{V1}": "4000000"}, 4_000_000),
        ("4:memory:/m", {f"memory/m/{V1}": str(2**63 - 4096)}, PHYSICAL),
        ("4:cpu,memory:/m", {f"cpu/m/{V2}": "5", V2: "nonsense"}, PHYSICAL),
        ("nonsense", {V2: "6000000"}, 6_000_000),
    ],
)
def test_the_least_of_all_limits_holds(tmp_path, groups, limits, expected):
    if groups:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups + "\n")
    for name, value in limits.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")
    assert memory_bytes(tmp_path) == expected


def test_this_machine_has_some():
    assert 0 < memory_bytes() <= PHYSICAL


THREADS = """
import ctypes, threading
from core import machine
{call}
libc = ctypes.CDLL(None)
every = threading.Barrier(6)

def take():
    libc.malloc(1000)
    every.wait()  # a thread that ends leaves its arena to the next

threads = [threading.Thread(target=take) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def test_threads_share_their_memory_where_glibc_has_arenas():
    if platform.libc_ver()[0] != "glibc":
        share_arenas()  # there is nothing to set, and nothing fails
        return

    def arenas(call: str) -> int:
        line = [sys.executable, "-c", THREADS.format(call=call)]
        root = Path(__file__).resolve().parents[1]
        return subprocess.run(line, cwd=root, capture_output=True, text=True).stdout.count("<heap")

    assert arenas("machine.share_arenas()") <= ARENAS < arenas("")
