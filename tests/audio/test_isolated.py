"""Decoding apart gives the same, and whatever happens to a worker happens to that file alone."""

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.audio import isolated, processes, worker
from core.audio.clip import AudioError
from core.audio.decoding import Limits, decode
from core.audio.isolated import Costs, decode_safely

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "data" / "speech.flac"


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[isolated._Pool]:
    """A pool of this test's own; tests that only decode share that of all."""
    own = isolated._Pool()
    monkeypatch.setattr(isolated, "_POOL", own)
    yield own
    own.close()


def gone(pid: int) -> bool:
    """Whether a process is gone and has been waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wav_of(seconds: float, rate: int = 8_000) -> bytes:
    """Silence in 8 bits."""
    n = int(seconds * rate)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + n)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
        + b"data"
        + struct.pack("<I", n)
        + b"\x80" * n
    )


@pytest.mark.parametrize("kind", ["bytes", "path", "file", "stream"])
def test_the_same_clip_as_in_process(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_disk(*arguments: object, **options: object) -> None:
        raise AssertionError("a clip went to disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", on_disk)
    here = decode(SPEECH)
    if kind == "stream":
        read, write = os.pipe()
        with ThreadPoolExecutor() as one, open(read, "rb") as stream:
            one.submit(lambda: [os.write(write, SPEECH.read_bytes()), os.close(write)])
            there = decode_safely(stream, name="speech.flac")
    elif kind == "file":
        with SPEECH.open("rb") as file:
            file.seek(7)
            there = decode_safely(file)
            assert file.tell() == 7
    else:
        source = SPEECH if kind == "path" else SPEECH.read_bytes()
        there = decode_safely(source, name="speech.flac")
    assert there.source == here.source
    assert np.array_equal(there.samples, here.samples)
    assert there.samples.flags.writeable


def test_a_large_file_is_read_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool, tmp_path: Path
) -> None:
    here = decode(SPEECH)
    monkeypatch.setattr(isolated, "_LARGE_BYTES", 1_000)
    sent: list[int] = []
    send = isolated._Worker._send_file
    monkeypatch.setattr(
        isolated._Worker,
        "_send_file",
        lambda self, file, size, until: (sent.append(size), send(self, file, size, until)),
    )
    before = len(os.listdir("/dev/fd"))
    there = decode_safely(SPEECH)
    assert there.source == here.source
    assert np.array_equal(there.samples, here.samples)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(SPEECH.read_bytes()[:2_000])
    with pytest.raises(AudioError) as words:
        decode(cut)
    with pytest.raises(AudioError) as same:
        decode_safely(cut)
    assert str(same.value) == str(words.value)
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", READY + "os._exit(1)"])
    with pytest.raises(AudioError, match="died over this file, and again"):
        decode_safely(SPEECH)
    assert sent == [0, 0, 0, 0]
    assert not pool._idle and not pool._working
    assert len(os.listdir("/dev/fd")) == before


def test_a_file_that_a_worker_holds_is_left_alone_once_it_reads(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    done: list[str] = []

    def told(owner: type, name: str) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda self, *args: (done.append(name), real(self, *args))[1]
        )

    monkeypatch.setattr(isolated, "_LARGE_BYTES", 1_000)
    told(isolated.Reader, "rewound")
    told(isolated._Worker, "_send")
    decode_safely(SPEECH)
    assert "rewound" in done and "rewound" not in done[done.index("_send") :]


def test_a_worker_can_be_started_beforehand(pool: isolated._Pool) -> None:
    isolated.prepare()
    isolated.prepare()
    (worker,) = pool._idle
    decode_safely(SPEECH)
    assert pool._idle == [worker]


def test_the_same_words_as_in_process(speech: np.ndarray, make_sound, make_media) -> None:
    whole = make_sound("FLAC", "PCM_16", np.tile(speech, 4))
    for data in (
        b"",
        b"x",
        b"%PDF-1.7\n" + bytes(999),
        wav_of(1)[:44],
        whole[: len(whole) // 3],
        make_media("mp4", None, speech, video=True),
    ):
        with pytest.raises(AudioError) as here:
            decode(data)
        with pytest.raises(AudioError) as there:
            decode_safely(data)
        assert (there.value.code, str(there.value)) == (here.value.code, str(here.value))


def test_limits_travel() -> None:
    with pytest.raises(AudioError) as caught:
        decode_safely(wav_of(3), limits=Limits(max_duration_s=2))
    assert caught.value.code == "too_long"
    with pytest.raises(AudioError) as caught:
        decode_safely(wav_of(3), limits=Limits(max_bytes=100))
    assert caught.value.code == "too_large"


def test_one_worker_serves_many_files_and_is_replaced_in_time(pool: isolated._Pool) -> None:
    used = []
    for _ in range(5):
        decode_safely(SPEECH, costs=Costs(files=3))
        used.append(pool._idle[0].pid)
    assert used[0] == used[1] != used[2] == used[3] == used[4]  # [2]: the next one waits already
    assert gone(used[0])


def test_a_crash_is_a_sentence_and_the_next_file_is_decoded(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    original = isolated._Worker.decode
    died: list[int] = []

    def dying(self: isolated._Worker, *arguments: Any) -> Any:
        self.await_ready()
        died.append(self.pid)
        os.kill(self.pid, signal.SIGSEGV)
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(isolated._Worker, "decode", dying)
        with pytest.raises(AudioError) as caught:
            decode_safely(SPEECH)
    assert caught.value.code == "unreadable"
    assert "and again" in str(caught.value)
    assert gone(died[0])
    assert decode_safely(SPEECH).source.codec == "flac"
    assert pool._idle[0].pid != died[0]


def test_a_worker_that_dies_once_is_replaced_without_a_word(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    original = isolated._Worker._send_file
    died: list[int] = []

    def dying(self: isolated._Worker, *arguments: Any) -> None:
        if not died:
            died.append(self.pid)
            os.kill(self.pid, signal.SIGKILL)
        original(self, *arguments)

    monkeypatch.setattr(isolated._Worker, "_send_file", dying)
    clip = decode_safely(SPEECH)
    assert np.array_equal(clip.samples, decode(SPEECH).samples)
    assert gone(died[0]) and pool._idle[0].pid != died[0]


def test_a_hang_is_a_sentence_and_the_next_file_is_decoded(pool: isolated._Pool) -> None:
    decode_safely(SPEECH)
    hung = pool._idle[0].pid
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(AudioError) as caught:
        decode_safely(SPEECH, costs=Costs(time_s=0.2))
    assert caught.value.code == "unreadable"
    assert "given up" in str(caught.value)
    assert gone(hung)
    assert decode_safely(SPEECH).source.codec == "flac"


def test_a_flood_of_memory_is_a_sentence(
    speech: np.ndarray, make_sound, pool: isolated._Pool
) -> None:
    decode_safely(SPEECH)
    used = pool._idle[0].pid
    promise = bytearray(make_sound("FLAC", "PCM_16", speech))
    promise[21:26] = bytes([promise[21] & 0xF0]) + (2 * 3600 * 16_000).to_bytes(4, "big")
    with pytest.raises(AudioError) as caught:
        decode_safely(bytes(promise), costs=Costs(memory_bytes=500_000_000))
    assert caught.value.code == "too_large"
    assert "memory" in str(caught.value)
    assert gone(used)
    with pytest.raises(AudioError) as caught:
        decode_safely(bytes(promise))  # room enough to find out that it lies
    assert caught.value.code == "truncated"


class Abandoned(BaseException):
    """As a page's own exceptions: no `Exception`."""


def test_an_abandoned_file_leaves_nothing(pool: isolated._Pool) -> None:
    seen: list[int] = []
    decode_safely(SPEECH)
    pid = pool._idle[0].pid
    before = len(os.listdir("/dev/fd"))

    def leave(seconds: float) -> None:
        seen.append(pid)
        raise Abandoned

    with pytest.raises(Abandoned):
        decode_safely(wav_of(600), progress=leave)
    assert seen == [pid]
    assert gone(pid)
    assert not pool._idle and not pool._working
    assert len(os.listdir("/dev/fd")) < before
    decode_safely(SPEECH)
    assert len(os.listdir("/dev/fd")) == before


def test_a_long_file_may_take_longer_than_a_bad_one(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    slow = (
        "import time; say(b'P', struct.pack('<d', 3600.0)); time.sleep(2.5)\n"
        f"say(b'C', b'{SOURCE}'); say(b'S', bytes(4000)); say(b'D', b'')"
    )
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", READY + slow])
    assert len(decode_safely(wav_of(0.1), costs=Costs(time_s=2.0, speed=20)).samples) == 1000
    pool.close()  # that one serves once
    with pytest.raises(AudioError) as caught:
        decode_safely(wav_of(0.1), costs=Costs(time_s=0.1, speed=10_000))
    assert "given up" in str(caught.value)


def test_on_crowded_cores_only_the_time_that_a_process_had_counts(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    slow = (
        f"import time; time.sleep(1.5); say(b'C', b'{SOURCE}'); say(b'S', bytes(4000)); "
        "say(b'D', b'')"
    )
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", READY + slow])
    monkeypatch.setattr(processes, "stood_ready_s", lambda pid: 0.9 * time.monotonic())
    assert len(decode_safely(wav_of(0.1), costs=Costs(time_s=0.3)).samples) == 1000
    pool.close()
    monkeypatch.setattr(processes, "CROWDED_S", 0.5)
    with pytest.raises(AudioError, match="given up"):
        decode_safely(wav_of(0.1), costs=Costs(time_s=0.3))


def test_a_process_that_shares_its_core_stands_ready() -> None:
    spin = "import os, time; os.sched_setaffinity(0, {%d}); print(1, flush=True)\nwhile 1: pass"
    core = min(os.sched_getaffinity(0))
    several = [
        subprocess.Popen([sys.executable, "-c", spin % core], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    try:
        for each in several:
            assert each.stdout and each.stdout.readline()
        before = processes.stood_ready_s(several[0].pid)
        time.sleep(0.6)
        assert processes.stood_ready_s(several[0].pid) - before > 0.2
    finally:
        for each in several:
            each.kill()
            each.communicate()
    assert processes.stood_ready_s(several[0].pid) == 0.0  # it is gone


def test_progress_is_told() -> None:
    told: list[float] = []
    start = time.monotonic()
    decode_safely(wav_of(600), progress=told.append)
    assert 0 < len(told) <= 2 + (time.monotonic() - start) / worker.PROGRESS_S
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 600


def test_many_at_a_time_use_few_processes(
    monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    most = 0
    original = isolated._Worker.decode

    def counted(self: isolated._Worker, *arguments: Any) -> Any:
        nonlocal most
        most = max(most, pool._working)
        return original(self, *arguments)

    monkeypatch.setattr(isolated._Worker, "decode", counted)
    with ThreadPoolExecutor(8) as threads:
        clips = list(threads.map(lambda _: decode_safely(SPEECH), range(24)))
    assert 1 <= most <= Costs().processes
    assert len(pool._idle) <= Costs().processes
    assert all(np.array_equal(c.samples, clips[0].samples) for c in clips)


ANSWER = "import os, struct; say = lambda k, b: os.write(1, struct.pack('<cQ', k, len(b)) + b)\n"
READY = ANSWER + "say(b'R', b''); os.read(0, 1 << 20)\n"
SOURCE = (
    '{"name": "x", "container": "wav", "codec": "x", "sample_rate": 1, "channels": 1,'
    ' "duration_s": 1, "sha256": "", "decoder": "x", "notes": []}'
)


@pytest.mark.parametrize(
    "script",
    [
        READY,
        READY + "say(b'?', b'')",
        READY + "say(b'C', b'{')",
        READY + "say(b'C', b'{\"notes\": []}')",
        READY + "say(b'E', b'[]')",
        READY + "os.write(1, struct.pack('<cQ', b'E', 1 << 60))",
        READY + f"say(b'C', b'{SOURCE}'); os.write(1, struct.pack('<cQ', b'S', 1 << 50))",
        READY + f"say(b'C', b'{SOURCE}'); say(b'S', b'abc')",
        READY + f"say(b'C', b'{SOURCE}'); os.write(1, struct.pack('<cQ', b'S', 4000) + b'abcd')",
        READY + "say(b'P', b'abc')",
    ],
)
def test_a_worker_that_was_taken_over_is_not_believed(
    script: str, monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", script])
    with pytest.raises(AudioError) as caught:
        decode_safely(SPEECH)
    assert "and again" in str(caught.value)


@pytest.mark.parametrize("script", ["", ANSWER + "say(b'F', b'no library')"])
def test_an_installation_without_a_worker_is_not_the_file_s_fault(
    script: str, monkeypatch: pytest.MonkeyPatch, pool: isolated._Pool
) -> None:
    monkeypatch.setattr(isolated, "COMMAND", [sys.executable, "-c", script])
    with pytest.raises(RuntimeError):
        decode_safely(SPEECH)


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_worker_loads_no_more_than_it_needs() -> None:
    loaded = run(
        "import sys\n"
        "from core.audio import confined, worker\n"
        "worker._rehearse()\n"
        "print(*{n.partition('.')[0] for n in sys.modules})\n"
    ).split()
    assert {"av", "soundfile", "soxr"} <= set(loaded)
    assert not {"torch", "streamlit", "pandas", "scipy", "onnxruntime", "altair"} & set(loaded)


def test_a_worker_can_open_and_write_nothing() -> None:
    said = run(
        "import os, socket, subprocess\n"
        "from core.audio import confined, worker\n"
        "from core.audio.decoding import decode\n"
        "data = open('tests/data/speech.flac', 'rb').read()\n"
        "worker._rehearse(); confined.shut()\n"
        "for what in (lambda: open('LICENSE'), lambda: os.open('LICENSE', os.O_RDONLY),\n"
        "             lambda: open('/dev/shm/x', 'w'), os.pipe, socket.socket, os.fork,\n"
        "             lambda: subprocess.run(['true']), lambda: os.memfd_create('x'),\n"
        "             lambda: __import__('wave')):\n"
        "    try: what()\n"
        "    except (OSError, AttributeError) as error: print(type(error).__name__)\n"
        "print(decode(data).source.codec)\n"
    ).split()
    assert len(said) == 10
    assert said[-1] == "flac"


def test_two_kilobytes_that_claim_a_tag_of_two_gigabytes(pool: isolated._Pool) -> None:
    """FFmpeg makes room for the tag before it looks whether it is there."""
    body = b"WAVEfmt " + struct.pack("<IHHIIHHH", 18, 1, 1, 16_000, 32_000, 2, 16, 0)
    body += b"LIST" + struct.pack("<I", 0x74736C65) + b"INFOISFT" + struct.pack("<I", 0x74736C00)
    body += bytes(2_000)
    decode_safely(SPEECH)
    worker = pool._idle[0]
    with pytest.raises(AudioError):
        decode_safely(b"RIFF" + struct.pack("<I", len(body)) + body)
    status = Path(f"/proc/{worker.pid}/status")
    if status.exists():  # it still serves, and never took what was claimed
        peak = next(s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
        assert int(peak.split()[1]) < 1 << 20
    assert decode_safely(SPEECH).source.codec == "flac"


def test_a_slot_that_is_free_is_taken_though_another_waits_for_more(pool: isolated._Pool) -> None:
    def waits(processes: int) -> None:
        with pool.slots(processes):
            pass

    def asleep(n: int) -> bool:
        until = time.monotonic() + 10
        while len(pool._free._waiters) < n and time.monotonic() < until:
            time.sleep(0.01)
        return len(pool._free._waiters) == n

    with ThreadPoolExecutor(2) as others, pool.slots(3):
        with pool.slots(3):
            alone = others.submit(waits, 1)
            assert asleep(1)
            second = others.submit(waits, 2)
            assert asleep(2)
        second.result(timeout=10)
        assert not alone.done()
    alone.result(timeout=10)
