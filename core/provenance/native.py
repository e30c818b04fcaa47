"""The first minutes of a file's sound at its own rate, for traces that vanish in a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from core.audio.decoding.frames import frame_samples, to_float

MOST_S = 300.0
"""Seconds that are looked at; what follows is not."""

_MOST_SAMPLES = 15_000_000  # of one channel
_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape")


@dataclass(frozen=True, eq=False)
class Native:
    """Sound of one channel as its file holds it.

    Attributes
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, full scale 1: the loudest channel.
    exact : numpy.ndarray or None
        The same as integers as they are stored, left-aligned in int32; None for codecs that lose.
    bits : int
        Bits of a sample that the file provides for; 0 for codecs that lose.
    floating : bool
        Whether the file stores floating point.
    rate, channels : int
        In hertz, and how many.
    codec : str
        As FFmpeg names it.
    whole : bool
        Whether this is all of it.
    joint : int
        Samples of the first decoded frame: where the second begins.
    """

    samples: np.ndarray
    exact: np.ndarray | None
    bits: int
    floating: bool
    rate: int
    channels: int
    codec: str
    whole: bool
    joint: int = 0

    @property
    def lossless(self) -> bool:
        """Whether the samples are those that were stored."""
        return self.codec.startswith(_LOSSLESS) and self.codec not in ("pcm_alaw", "pcm_mulaw")


def read_native(file: BinaryIO) -> Native | None:
    """The sound of the track that players choose; None where there is none to be had.

    Parameters
    ----------
    file : binary file object
        Seekable.
    """
    import av

    file.seek(0)
    try:
        with av.open(file, metadata_errors="replace") as container:
            if not container.streams.audio:
                return None
            stream = container.streams.best("audio") or container.streams.audio[0]
            codec = str(stream.codec_context.name)
            blocks: list[np.ndarray] = []
            rate, held, whole = 0, 0, True
            for frame in _frames(container, stream):
                native = frame_samples(frame)
                if blocks and (
                    frame.sample_rate != rate or native.shape[1:] != blocks[0].shape[1:]
                ):
                    whole = False
                    break
                rate = frame.sample_rate
                blocks.append(native)
                held += len(native)
                if held >= min(MOST_S * rate, _MOST_SAMPLES):
                    whole = False
                    break
    except (av.FFmpegError, ValueError, OSError, RuntimeError, IndexError):
        return None
    if not blocks or not rate:
        return None
    joint = len(blocks[0])
    return replace(_native(blocks, rate, codec, _bits(file, codec), whole), joint=joint)


def _bits(file: BinaryIO, codec: str) -> int:
    """Bits of a sample by the codec's name or FLAC's header; 0 where neither says."""
    if pcm := re.match(r"pcm_[suf](\d+)", codec):
        return int(pcm[1])
    file.seek(0)
    head = file.read(22)
    if head[:4] == b"fLaC" and len(head) == 22:
        return ((head[20] & 1) << 4 | head[21] >> 4) + 1
    return 0


def _native(blocks: list[np.ndarray], rate: int, codec: str, bits: int, whole: bool) -> Native:
    sound = np.concatenate(blocks)
    blocks.clear()
    sound = sound.reshape(len(sound), -1)
    loudest = int(np.argmax(np.abs(to_float(sound[:: max(1, len(sound) // 100_000)])).sum(axis=0)))
    one = np.ascontiguousarray(sound[:, loudest])
    floats = np.asarray(to_float(one[:, None]), np.float32)[:, 0]
    floats = np.nan_to_num(floats, nan=0.0, posinf=1.0, neginf=-1.0)
    made = Native(floats, None, 0, False, rate, sound.shape[1], codec, whole)
    if not made.lossless:
        return made
    floating = one.dtype.kind == "f"
    if floating:
        exact = np.clip(np.round(floats.astype(np.float64) * 2**31), -(2**31), 2**31 - 1)
        exact = exact.astype(np.int32)
    else:
        exact = _left_aligned(one)
    width = 8 * one.dtype.itemsize
    return Native(floats, exact, bits or width, floating, rate, sound.shape[1], codec, whole)


def _left_aligned(one: np.ndarray) -> np.ndarray:
    if one.dtype == np.uint8:
        return (one.astype(np.int32) - 128) << 24
    if one.dtype == np.int16:
        return one.astype(np.int32) << 16
    return one.astype(np.int32, copy=False)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Frames as long as they come; a packet that cannot be decoded is passed over."""
    import av

    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except (av.FFmpegError, OSError, IndexError):
            return
        if packet is None:
            return
        try:
            yield from (frame for frame in packet.decode() if frame.samples)
        except (av.FFmpegError, ValueError):
            continue
