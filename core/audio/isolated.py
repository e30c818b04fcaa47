"""Decoding in a process of its own: whatever a file does to a codec, the server stays up.

`decode_safely` is `decode` for files of strangers. A few worker processes (`core.audio.worker`)
decode; each is started when it is first needed, kept, and replaced when it dies, hangs, takes too
much memory, or has served long enough. File and samples travel through pipes, never through a
file on disk; what a worker says is read as numbers and JSON, never as objects.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip, Source
from core.audio.decoding.build import APART_S
from core.audio.decoding.channels import MOST_CHANNELS
from core.audio.decoding.messages import unreadable
from core.audio.decoding.source import (
    TOO_LARGE,
    Limits,
    Reader,
    checked_size,
    name_of,
    opened,
)
from core.files import CODE
from core.settings import settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Costs:
    """What decoding one file may cost; the defaults are those of `core.settings`.

    Attributes
    ----------
    time_s : float
        Seconds of wall time for a file that gives no sound, or next to none.
    speed : float
        A file that does give sound has a second more for every ``speed`` seconds of it: a clip of
        three hours has nine minutes at 20.
    memory_bytes : int
        Memory of the worker, its libraries included and the file's own bytes not.
    processes : int
        Files decoded at a time; others wait.
    files : int
        Files after which a worker is replaced: what a codec may have spoilt unseen is not kept.
    """

    time_s: float = field(default_factory=lambda: settings().decode_time_s)
    speed: float = field(default_factory=lambda: settings().decode_speed)
    memory_bytes: int = field(default_factory=lambda: settings().decode_memory_mb << 20)
    processes: int = field(default_factory=lambda: settings().decode_processes)
    files: int = 200


COMMAND = [sys.executable, "-m", "core.audio.worker"]

_START_S = 60.0  # libraries load in under a second, but a disk may be cold and cores busy
_CHUNK = 1 << 20
_WORDS_BYTES = 1 << 20  # longest answer in words
_LARGE_BYTES = 32 << 20  # a file beyond it is read where it lies, not held in memory
_TRANSFER = 20e6  # bytes a second that any machine moves through a pipe


def decode_safely(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    costs: Costs | None = None,
    track: int | None = None,
    channel: int | None = None,
) -> Clip:
    """Decode as `core.audio.decoding.decode` does, in a process that may break.

    A worker that dies is replaced and the file tried once more: something else may have ended it.

    Parameters
    ----------
    source, name, limits, progress, track, channel
        As for `decode`.
    costs : Costs, optional
        By default ``Costs()``.

    Returns
    -------
    Clip
        The same as from `decode`.

    Raises
    ------
    AudioError
        As from `decode`; and where the decoder died twice over the file, the file took too long
        (both with code ``unreadable``) or took too much memory (``too_large``).
    OSError, RuntimeError
        If no worker can be started: this machine has no process or memory left, or the
        installation is at fault.
    """
    limits, costs = limits or Limits(), costs or Costs()
    name = Path(name or name_of(source)).name or "audio"
    if not isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) and not (
        source.seekable()
    ):
        source = _all_of(source, limits)
    with opened(source, limits) as file:
        size = checked_size(file, limits)
        held = size > _LARGE_BYTES and isinstance(source, (str, os.PathLike))
        asked = _Asked(file, size, name, limits, costs, progress, track, channel)
        with _POOL.slots(costs.processes):
            try:
                return _once(asked, held)
            except _Broken:
                logger.info("a decoding process died over a file; the file is tried anew")
            try:
                return _once(asked, held)
            except _Broken as error:
                raise AudioError(
                    "The decoder, a process of its own, died over this file, and again when it was "
                    "tried anew. The file is damaged, or made to do that, or this machine is short "
                    "of memory; export it again as WAV or FLAC.",
                    "unreadable",
                ) from error


@dataclass(frozen=True)
class _Asked:
    """A file to decode, and how."""

    file: Reader
    size: int
    name: str
    limits: Limits
    costs: Costs
    progress: Callable[[float], None] | None
    track: int | None
    channel: int | None


def _once(asked: _Asked, held: bool) -> Clip:
    """Decode by one worker, one of its own for a file that it holds open itself."""
    if held:
        worker = _Worker(asked.file.fileno())
        try:
            return worker.decode(asked)
        finally:
            worker.stop()
    worker = _POOL.take()
    try:
        clip = worker.decode(asked)
    except (AudioError, _Broken):
        _POOL.give(worker, asked.costs)
        raise
    except BaseException:  # the page was abandoned, perhaps: so is what it asked for
        worker.stop()
        raise
    _POOL.give(worker, asked.costs)
    return clip


def prepare() -> None:
    """Start a worker beside other work, so that the first file does not wait for it.

    Raises
    ------
    OSError
        If no process can be started.
    """
    _POOL.prepare()


def _all_of(source: BinaryIO, limits: Limits) -> bytes:
    """What a stream that cannot seek gives; `decode` would put it on disk."""
    try:
        data = source.read(limits.max_bytes + 1)
    except OSError as error:
        raise unreadable(error) from error
    if len(data) > limits.max_bytes:
        raise AudioError(TOO_LARGE, "too_large")
    return data


class _Worker:
    """One process, and the conversation with it.

    Parameters
    ----------
    held : int, optional
        Descriptor of the one file that it is to decode, where that is not sent to it.
    """

    def __init__(self, held: int | None = None) -> None:
        paths = [str(CODE), *(p for p in sys.path if p)]
        kept = {k: v for k in ("PATH", "LD_LIBRARY_PATH", "LANG") if (v := os.environ.get(k))}
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
        self._held = held is not None
        self._process = subprocess.Popen(
            COMMAND if held is None else [*COMMAND, str(held)],
            pass_fds=() if held is None else (held,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=CODE,
            env=kept | one | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self._process.stdin and self._process.stdout
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._ready = False
        self.served = 0
        self.usable = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
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

    def decode(self, asked: _Asked) -> Clip:
        """One file. After an `AudioError`, ``usable`` says whether the worker still is.

        Raises
        ------
        AudioError
            What is wrong with the file.
        _Broken
            If the process died, or said what it never should; it has been ended.
        """
        self._await_ready()
        self.served += 1
        size, limits, costs = asked.size, asked.limits, asked.costs
        start = time.monotonic()
        until = start + costs.time_s + size / _TRANSFER
        most_s = limits.max_duration_s + APART_S
        sent = 0 if self._held else size
        order = {
            "name": asked.name,
            "limits": asdict(limits),
            "track": asked.track,
            "channel": asked.channel,
            "memory_bytes": costs.memory_bytes + sent,
            "alarm_s": costs.time_s + size / _TRANSFER + most_s / costs.speed + 5,
        }
        try:
            words = json.dumps(order).encode()
            self._send(memoryview(struct.pack("<IQ", len(words), sent) + words), until)
            self._send_file(asked.file, sent, until)
            clips: list[Clip] = []
            while True:
                kind, length = self._head(until)
                if kind == b"P":
                    seconds = float(struct.unpack("<d", self._body(length, until))[0])
                    seconds = min(max(seconds, 0.0), most_s)
                    until = start + costs.time_s + size / _TRANSFER + seconds / costs.speed
                    if asked.progress:
                        asked.progress(min(seconds, limits.max_duration_s))
                elif kind == b"E":
                    raise self._error(json.loads(self._body(length, until)), costs)
                elif kind == b"C" and len(clips) <= MOST_CHANNELS:
                    clips.append(self._clip(json.loads(self._body(length, until)), limits, until))
                elif kind == b"D" and clips:
                    return replace(clips[0], apart=tuple(clips[1:]))
                else:
                    raise _Broken
        except _Late:
            self.stop()
            logger.info("a file was given up after %.0f s", time.monotonic() - start)
            logger.debug("it was %s", asked.name)
            raise AudioError(
                f"This file was given up: {time.monotonic() - start:.0f} s were not enough to "
                "decode it. It is damaged, or made to take long; export it again as WAV or FLAC.",
                "unreadable",
            ) from None
        except (_Broken, ValueError, KeyError, TypeError, struct.error) as error:
            if isinstance(error, AudioError):
                raise
            self.stop()
            raise _Broken from error

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            kind, length = self._head(time.monotonic() + _START_S)
            if kind != b"R":
                raise RuntimeError(self._body(length, time.monotonic() + 1).decode())
        except (_Broken, _Late) as error:
            raise RuntimeError("no process for decoding could be started") from error
        self._ready = True

    def _error(self, said: dict[str, Any], costs: Costs) -> AudioError:
        self.usable = not said["spent"]
        if said["code"] == "memory":
            return AudioError(
                "Decoding this file takes more memory than the "
                f"{costs.memory_bytes / 1e9:.1f} GB that is allowed: cut it into parts, or export "
                "it again as WAV or FLAC.",
                "too_large",
            )
        if said["code"] == "fault":
            error = AudioError(
                "This file could not be decoded: it meets a fault of the decoder. Export it again "
                "as WAV or FLAC.",
                "unreadable",
            )
            error.__cause__ = RuntimeError(str(said["message"]))  # for the log
            return error
        return AudioError(str(said["message"]), str(said["code"]))

    def _clip(self, said: dict[str, Any], limits: Limits, until: float) -> Clip:
        source = Source.from_dict(said)
        kind, length = self._head(until)
        longest = 4 * int(limits.max_duration_s * SAMPLE_RATE + SAMPLE_RATE)
        if kind != b"S" or not 0 < length <= longest or length % 4:
            raise _Broken
        samples = np.empty(length // 4, np.float32)
        self._fill(
            memoryview(samples.view(np.uint8).data), time.monotonic() + 10 + length / _TRANSFER
        )
        return Clip(samples, source)

    def _send_file(self, file: Reader, size: int, until: float) -> None:
        file.rewound()
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
            _wait(self._in, select.POLLOUT, until)
            try:
                data = data[os.write(self._in, data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise _Broken from error

    def _head(self, until: float) -> tuple[bytes, int]:
        head = bytearray(9)
        self._fill(memoryview(head), until)
        kind, length = struct.unpack("<cQ", head)
        return kind, length

    def _body(self, length: int, until: float) -> bytearray:
        if length > _WORDS_BYTES:
            raise _Broken
        body = bytearray(length)
        self._fill(memoryview(body), until)
        return body

    def _fill(self, room: memoryview, until: float) -> None:
        while len(room):
            _wait(self._out, select.POLLIN, until)
            try:
                got = os.readv(self._out, [room])
            except BlockingIOError:
                continue
            except OSError as error:
                raise _Broken from error
            if not got:
                raise _Broken
            room = room[got:]


class _Broken(Exception):
    """The worker is gone, or says what it never should."""


class _Late(Exception):
    """The time is up."""


def _wait(descriptor: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise _Late


class _Pool:
    """Idle workers, and how many may work at a time."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._free = threading.Condition(self._lock)
        self._working = 0

    @contextlib.contextmanager
    def slots(self, processes: int) -> Any:
        with self._free:
            self._free.wait_for(lambda: self._working < processes)
            self._working += 1
        try:
            yield
        finally:
            with self._free:
                self._working -= 1
                self._free.notify()

    def take(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive():
                    return worker
                worker.stop()
        return _Worker()

    def prepare(self) -> None:
        with self._lock:
            if not self._idle:
                self._idle.append(_Worker())

    def give(self, worker: _Worker, costs: Costs) -> None:
        if not worker.alive() or worker.served >= costs.files:
            worker.stop()
            try:
                worker = _Worker()  # starts while nobody waits for it
            except OSError:  # the next file will ask again, and say so
                return
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().stop()


_POOL = _Pool()
atexit.register(_POOL.close)
