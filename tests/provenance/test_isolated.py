"""A process that looks into files may die, hang or run out of memory; the server does not."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from core.audio.clip import AudioError
from core.audio.processes import Pool
from core.files import ROOT
from core.provenance import isolated
from core.provenance.isolated import UNHEARD, UNSEEN, look_safely
from tests.provenance.signing import Chain, signed, wav

READY = "import os, sys, struct, time; w = os.write; w(1, b'R' + bytes(8)); "


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    own: Pool = Pool(isolated._Looker)
    monkeypatch.setattr(isolated, "_POOL", own)
    yield own
    own.close()


@pytest.mark.parametrize(
    ("does", "note"),
    [
        ("os._exit(1)", UNSEEN),
        ("w(1, b'A' + struct.pack('<Q', 2) + b'{}'); time.sleep(9)", UNSEEN),
        ("w(1, b'A' + struct.pack('<Q', 1 << 40)); time.sleep(9)", UNSEEN),
        ("time.sleep(30)", UNSEEN),
    ],
)
def test_a_process_that_breaks_ends_in_a_note(
    does: str, note: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", READY + does])
    monkeypatch.setenv("SPOOFSCOPE_DECODE_TIME_S", "1")
    monkeypatch.setattr(isolated, "MOST_S", 0.0)
    found = look_safely(wav())
    assert found.notes == (note,) and found.credentials is None and not found.signs


def test_what_was_found_before_it_broke_is_kept(
    works: Chain, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import core.provenance.look as look, os, resource\n"
        "shut = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 0\n"
        "look.read_native = lambda file: os._exit(1) if shut() else None\n"
        "from core.provenance import worker; worker.main()\n"
    )
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", script])
    found = look_safely(signed(wav(), works), works.root)
    assert found.credentials is not None and found.credentials.intact
    assert found.notes == (UNHEARD,)


def test_damaged_manifests_never_break_it(works: Chain, pool: Pool) -> None:
    """And never say another thing with a signature that fits: some bytes are padding.

    `benchmarks/fuzz/provenance.py` makes ten thousand of them.
    """
    data = signed(wav(0.3), works)
    true = look_safely(data, works.root).credentials
    assert true is not None and true.intact
    start = data.index(b"jumb")
    rng = random.Random(7)
    for _ in range(25):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 3, 30))):
            damaged[rng.randrange(start, len(data))] = rng.randrange(256)
        found = look_safely(bytes(damaged), works.root)
        assert found.notes != (UNSEEN,)
        held = found.credentials
        assert held is None or not held.intact or held.manifests == true.manifests


def test_a_file_that_cannot_be_opened_is_a_sentence(pool: Pool) -> None:
    with pytest.raises(AudioError, match="empty"):
        look_safely(b"")


def test_the_process_can_open_no_file_and_no_connection() -> None:
    script = (
        "from core.audio.confined import shut\n"
        "from core.provenance import worker; worker._rehearse(); shut(worker._REFUSED)\n"
        "import socket, ctypes\n"
        "for tried in (lambda: open('/etc/hostname'), socket.socket, "
        "lambda: ctypes.CDLL('libc.so.6')):\n"
        "    try:\n        tried()\n    except OSError:\n        print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused"] * 3
