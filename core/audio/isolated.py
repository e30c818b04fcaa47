"""Decoding in a process of its own: whatever a file does to a codec, the server stays up.

`decode_safely` is `decode` for files of strangers. A few worker processes (`core.audio.worker`)
decode; each is started when it is first needed, kept, and replaced when it dies, hangs, takes too
much memory, or has served long enough. File and samples travel through pipes, never through a
file on disk; what a worker says is read as numbers and JSON, never as objects.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip, Source
from core.audio.decoding.build import APART_S
from core.audio.decoding.channels import MOST_CHANNELS
from core.audio.decoding.errors import unreadable
from core.audio.decoding.source import (
    TOO_LARGE,
    Limits,
    Reader,
    checked_size,
    name_of,
    opened,
)
from core.audio.processes import CROWDED_S, TRANSFER, Broken, Late, Pool, Process
from core.settings import settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Costs:
    """What decoding one file may cost; the defaults are those of `core.settings`.

    Attributes
    ----------
    time_s : float
        Seconds of wall time for a file that gives no sound, or next to none; those in which other
        work kept the process from every core do not count (Linux), up to `CROWDED_S`.
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

_LARGE_BYTES = 32 << 20  # a file beyond it is read where it lies, not held in memory


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
            except Broken:
                logger.info("a decoding process died over a file; the file is tried anew")
            try:
                return _once(asked, held)
            except Broken as error:
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
    except (AudioError, Broken):
        _POOL.give(worker, asked.costs.files)
        raise
    except BaseException:  # the page was abandoned, perhaps: so is what it asked for
        worker.stop()
        raise
    _POOL.give(worker, asked.costs.files)
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


class _Worker(Process):
    """A process that decodes."""

    def __init__(self, held: int | None = None) -> None:
        super().__init__(COMMAND, held)

    def decode(self, asked: _Asked) -> Clip:
        """One file. After an `AudioError`, ``usable`` says whether the worker still is.

        Raises
        ------
        AudioError
            What is wrong with the file.
        Broken
            If the process died, or said what it never should; it has been ended.
        """
        self.await_ready()
        self.served += 1
        size, limits, costs = asked.size, asked.limits, asked.costs
        start = time.monotonic()
        until = start + costs.time_s + size / TRANSFER
        most_s = limits.max_duration_s + APART_S
        sent = 0 if self.held else size
        order = {
            "name": asked.name,
            "limits": asdict(limits),
            "track": asked.track,
            "channel": asked.channel,
            "memory_bytes": costs.memory_bytes + sent,
            "alarm_s": costs.time_s + size / TRANSFER + most_s / costs.speed + CROWDED_S + 5,
        }
        try:
            self.ask(order, asked.file, size, until)
            clips: list[Clip] = []
            while True:
                kind, length = self.head(until)
                if kind == b"P":
                    seconds = float(struct.unpack("<d", self.body(length, until))[0])
                    seconds = min(max(seconds, 0.0), most_s)
                    until = start + costs.time_s + size / TRANSFER + seconds / costs.speed
                    if asked.progress:
                        asked.progress(min(seconds, limits.max_duration_s))
                elif kind == b"E":
                    raise self._error(json.loads(self.body(length, until)), costs)
                elif kind == b"C" and len(clips) <= MOST_CHANNELS:
                    clips.append(self._clip(json.loads(self.body(length, until)), limits, until))
                elif kind == b"D" and clips:
                    return replace(clips[0], apart=tuple(clips[1:]))
                else:
                    raise Broken
        except Late:
            self.stop()
            logger.info("a file was given up after %.0f s", time.monotonic() - start)
            logger.debug("it was %s", asked.name)
            raise AudioError(
                f"This file was given up: {time.monotonic() - start:.0f} s were not enough to "
                "decode it. It is damaged, or made to take long; export it again as WAV or FLAC.",
                "unreadable",
            ) from None
        except (Broken, ValueError, KeyError, TypeError, struct.error) as error:
            if isinstance(error, AudioError):
                raise
            self.stop()
            raise Broken from error

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
        kind, length = self.head(until)
        longest = 4 * int(limits.max_duration_s * SAMPLE_RATE + SAMPLE_RATE)
        if kind != b"S" or not 0 < length <= longest or length % 4:
            raise Broken
        samples = np.empty(length // 4, np.float32)
        self.fill(
            memoryview(samples.view(np.uint8).data), time.monotonic() + 10 + length / TRANSFER
        )
        return Clip(samples, source)


class _Pool(Pool[_Worker]):
    def __init__(self) -> None:
        super().__init__(_Worker)


_POOL = _Pool()
atexit.register(_POOL.close)
