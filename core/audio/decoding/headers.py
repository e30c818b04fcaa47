"""What the header of a WAV, AIFF, CAF, W64, AU, FLAC or MP3 says, read without a library."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.audio.clip import AudioError
from core.audio.decoding.chunks import chunks, form_of
from core.audio.decoding.errors import check_header
from core.audio.decoding.source import Reader


@dataclass(frozen=True)
class Header:
    """What a header says."""

    kind: str = ""
    present_share: float = 1.0  # sound bytes that are there, of those promised
    flac_md5: bytes = b""
    flac_bits: int = 0
    ffmpeg_only: bool = False  # libsndfile would stop before the end


def read_header(file: Reader) -> Header:
    """Check what a header counts against the file; read a FLAC's checksum.

    Both libraries silently shorten a file that promises more than is there.
    """
    size = file.size()
    head = file.rewound().read(42)
    if head[:4] == b"fLaC" and len(head) == 42 and head[4] & 0x7F == 0:
        bits = ((head[20] & 1) << 4 | head[21] >> 4) + 1
        return Header("flac", 1.0, head[26:42] if any(head[26:42]) else b"", bits)
    if head[:3] == b"ID3":
        return Header("mp3", _mp3_share(file, head, size), ffmpeg_only=True)
    if head[:1] == b"\xff":  # perhaps an MPEG frame; nothing that libsndfile knows besides
        return Header("", _mp3_share(file, head, size), ffmpeg_only=True)
    if head[:4] == b"OggS":
        return Header("ogg", ffmpeg_only=True)
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order, sound, tag = ("<" if head[3:4] == b"F" else ">"), b"data", "wav"
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        order, sound, tag = ">", b"SSND", "aiff"
    else:
        return Header(present_share=_counted_share(file, size))
    position = 12
    for _ in range(1000):
        file.seek(position)
        chunk = file.read(8 + 16)
        if len(chunk) < 8:
            break
        length = struct.unpack(order + "I", chunk[4:8])[0]
        if chunk[:4] == b"fmt " and len(chunk) == 24:
            channels, rate = struct.unpack(order + "HI", chunk[10:16])
            check_header(rate, channels)
        if chunk[:4] == sound:
            there = size - position - 8
            # Recorders that write to a pipe cannot know the length: 0, or nearly 2 or 4 GB.
            if length == 0 or length >= 0x7FFFF000:
                return Header(tag)
            if there <= 0:
                raise AudioError(
                    "The file is cut short: it ends before the sound begins.", "truncated"
                )
            return Header(tag, min(1.0, there / length))
        position += 8 + length + (length & 1)
    return Header(tag)


def _counted_share(file: Reader, size: int) -> float:
    """Bytes of sound that are there, of those that a CAF, W64, RF64, AU or AVI counts."""
    head = file.at(0, 64)
    if head[:4] == b".snd" and len(head) >= 12:
        start, length = struct.unpack(">II", head[4:12])
        counted = 0 if length >= 0x7FFFF000 else length
        return min(1.0, max(1, size - start) / counted) if counted else 1.0
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        counted = 8 + int.from_bytes(head[4:8], "little")
        return min(1.0, size / counted) if counted > 100 else 1.0  # a live one leaves it open
    form = form_of(head)
    for chunk in chunks(file, size, form) if form else ():
        if form and chunk.name == form.sound:
            counted = 0 if chunk.open else chunk.length
            return min(1.0, max(1, size - chunk.start) / counted) if counted > 0 else 1.0
    return 1.0


def _mp3_share(file: Reader, head: bytes, size: int) -> float:
    """Bytes that are there, of those that an MP3's Xing or Info frame counts."""
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        a, b, c, d = head[6:10]
        start = 10 + (a << 21 | b << 14 | c << 7 | d)  # seven bits a byte
    file.seek(start)
    first = file.read(256)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 16:
        return 1.0
    flags, *counts = struct.unpack(">IIII", first[at + 4 : at + 20].ljust(16, b"\0"))
    promised = counts[flags & 1] if flags & 2 else 0  # the frame count comes first, if any
    return min(1.0, max(1, size - start) / promised) if promised else 1.0
