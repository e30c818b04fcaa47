"""What a WAV, AIFF, FLAC, MP3 or Ogg header says, read without either library."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.audio.clip import AudioError
from core.audio.decoding.errors import check_header
from core.audio.decoding.source import Reader

_NO_END = "The file has no end mark: it may have been cut short."


@dataclass(frozen=True)
class Header:
    """What a WAV, AIFF or FLAC header says, read without either library."""

    kind: str = ""
    present_share: float = 1.0  # sound bytes that are there, of those promised
    flac_md5: bytes = b""
    flac_bits: int = 0
    notes: tuple[str, ...] = ()
    ffmpeg_only: bool = False  # libsndfile would stop before the end


def read_header(file: Reader) -> Header:
    """Check a WAV or AIFF header against the file; read a FLAC's checksum and an Ogg's end.

    libsndfile silently shortens a file that promises more than is there.
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
        return Header("ogg", notes=() if _ogg_ended(file) else (_NO_END,), ffmpeg_only=True)
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order, sound, tag = ("<" if head[3:4] == b"F" else ">"), b"data", "wav"
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        order, sound, tag = ">", b"SSND", "aiff"
    else:
        return Header()
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


def _ogg_ended(file: Reader) -> bool:
    """Whether an Ogg file's last page is marked as the last."""
    position = flags = 0
    while True:
        file.seek(position)
        page = file.read(27 + 255)
        if len(page) < 27 or page[:4] != b"OggS" or len(page) < 27 + page[26]:
            return bool(flags & 4)
        flags = page[5]
        position += 27 + page[26] + sum(page[27 : 27 + page[26]])


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
