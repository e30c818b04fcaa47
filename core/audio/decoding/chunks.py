"""Formats of chunks (WAV, AIFF, CAF, W64): what of a file is its sound."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from core.audio.decoding.notes import described_again, other_form, sound_in_chunks
from core.audio.decoding.pieces import LOOK, OTHERS, Piece, Read, begins, first, of_pieces
from core.audio.decoding.source import Reader

_FILES = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"riff", b"caff", b"fLaC", b"OggS", b"#!AM", b".snd")


class Form(NamedTuple):
    """How a format lays out its chunks, and where in one the sound is."""

    first: int  # offset of the first chunk
    name: int  # bytes of a chunk's name, of which four say it
    length: str  # form of its length
    counts_head: bool  # whether that counts name and length too
    align: int
    sound: bytes
    skip: int  # bytes in the chunk before the sound
    format: bytes

    @property
    def head(self) -> int:
        return self.name + struct.calcsize(self.length)


class Chunk(NamedTuple):
    name: bytes
    at: int
    start: int  # of what it holds
    end: int
    open: bool  # whether its length was never filled in
    length: int  # that its head counts, however much is there


def form_of(head: bytes) -> Form | None:
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order = "<I" if head[:4] == b"RIFF" else ">I"
        return Form(12, 4, order, False, 2, b"data", 0, b"fmt ")
    if head[:4] == b"RF64" and head[8:12] == b"WAVE":
        return Form(12, 4, "<I", False, 2, b"data", 0, b"fmt ")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Form(12, 4, ">I", False, 2, b"SSND", 8, b"COMM")
    if head[:4] == b"caff":
        return Form(8, 4, ">q", False, 1, b"data", 4, b"desc")
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return Form(40, 16, "<q", True, 8, b"data", 0, b"fmt ")
    return None


def chunks(file: Reader, size: int, form: Form) -> Iterator[Chunk]:
    """Chunks to the file's end, or to where there is none; the last may be cut short."""
    at = form.first
    empty = False
    for _ in range(10_000):
        head = file.at(at, form.head)
        if len(head) < form.head or not all(32 <= byte < 127 for byte in head[:4]):
            return
        (length,) = struct.unpack(form.length, head[form.name :])
        length -= form.head * form.counts_head
        if head[:4] == b"data" and length == 0xFFFFFFFF and file.at(0, 4) == b"RF64":
            (length,) = struct.unpack("<q", file.at(28, 8))
        sound = head[:4] == form.sound
        unfilled = sound and (length <= form.skip or 0x7FFFF000 <= length <= 0xFFFFFFFF)
        if unfilled and 0 <= length <= form.skip and at + form.head + length < size:
            empty = empty or ends_in_chunks(file, at + form.head + length, size, form)
            unfilled = not empty
        if length < 0 and not unfilled:
            return
        start = at + form.head
        end = size if unfilled else min(size, start + length)
        yield Chunk(head[:4], at, start, end, unfilled, length)
        at = end + -(end - at) % form.align if form.align > 1 else end
        if at >= size:
            return
        if sound and not unfilled and form.align == 2 and (end - start) % 2:
            following = file.at(end, 4)  # the byte between is often left out
            if OTHERS.match(file.at(end, LOOK)) or following in (form.sound, b"LIST", b"id3 "):
                at = end


def ends_in_chunks(file: Reader, at: int, size: int, form: Form) -> bool:
    """Whether nothing but whole chunks follows, so that one before them is truly empty."""
    for _ in range(10_000):
        head = file.at(at, form.head)
        if len(head) < form.head or not all(32 <= byte < 127 for byte in head[:4]):
            return size - at < form.head
        (length,) = struct.unpack(form.length, head[form.name :])
        length += 0 if form.counts_head else form.head
        if length < form.head or at + length > size:
            return False
        at += length + -length % form.align
        if at >= size:
            return True
    return False


def chunked(file: Reader, size: int, form: Form) -> Read:
    """Sound chunks of one file as one chunk, as the first description says; what follows the file
    is left out."""
    sound: list[Chunk] = []
    described = b""
    others: list[tuple[int, bytes]] = []  # descriptions that differ, since the latest sound
    end = form.first
    for chunk in chunks(file, size, form):
        if chunk.name in _FILES and begins(file, chunk.at):
            end = chunk.at
            break
        if chunk.name == form.format:
            other = file.at(chunk.start, max(0, min(chunk.end - chunk.start, 64)))
            if described and not (other.startswith(described) or described.startswith(other)):
                others.append((chunk.at, other))
            described = described or other
        if chunk.name == form.sound:
            if others and sound:
                return _cut(file, others[0][0], other_form(size - others[0][0]))
            if others:
                break
            if chunk.open and sound:
                chunk = chunk._replace(end=size)
            sound.append(chunk)
        end = chunk.end
    if others:
        alone = of_pieces(file, _without([at for at, _ in others], size))
        again = described_again(_in_words(form, described), _in_words(form, others[0][1]))
        read = chunked(alone, size, form)
        return Read(read.files, (again, *read.notes))
    read = first(file, size, sound[-1].start if sound and sound[-1].open else end)
    held = [chunk for chunk in sound if chunk.end > chunk.start + form.skip]
    if sound and not held:  # nothing was recorded: what follows is no sound either
        return Read((of_pieces(file, [(0, sound[0].start + form.skip)]),), read.notes)
    if len(sound) < 2:
        return read
    # Where what follows is another file, the last chunk ends with this one.
    last = min(held[-1].end, read.files[0].size() if read.notes else size)
    held[-1] = held[-1]._replace(end=last)
    begin = sound[0].start + form.skip
    lengths = [c.end - c.start - form.skip for c in held]
    pieces: list[Piece] = []
    at = 0
    for place, counts in sorted(counting(file, form, sound[0], sum(lengths))):
        pieces += [(at, place), counts]
        at = place + len(counts)
    pieces += [(at, begin), *((c.start + form.skip, c.end) for c in held)]
    joined = of_pieces(file, pieces)
    note = [sound_in_chunks(lengths, _byte_rate(form, described))] * (len(held) > 1)
    return Read((joined,), (*note, *read.notes))


def _without(places: list[int], size: int) -> list[Piece]:
    """A file in which chunks have the name of what nobody reads."""
    pieces: list[Piece] = []
    at = 0
    for place in places:
        pieces += [(at, place), b"free"]
        at = place + 4
    return [*pieces, (at, size)]


def _cut(file: Reader, at: int, note: str) -> Read:
    return Read((of_pieces(file, [(0, at)]),), (note,))


def counting(file: Reader, form: Form, chunk: Chunk, n: int) -> tuple[tuple[int, bytes], ...]:
    """What to read in place of the lengths in a header, so that they count ``n`` bytes of sound."""
    length = n + form.skip + form.head * form.counts_head
    most = 0xFFFFFFFF if form.length[1] == "I" else 1 << 62
    made = [(chunk.at + form.name, struct.pack(form.length, min(length, most)))]
    if file.at(0, 4) == b"RF64":
        made = [(28, struct.pack("<q", n)), (chunk.at + 4, b"\xff" * 4)]
    if form.format == b"COMM":
        common = [c.start for c in chunks(file, file.size(), form) if c.name == b"COMM"]
        made = [*made, (common[0] + 2, b"\xff" * 4)] if common else []
    return tuple(made)


def _byte_rate(form: Form, described: bytes) -> float:
    """Bytes a second of what is not packed; 0 where it is not known."""
    described = described.ljust(32, b"\0")
    if form.format == b"fmt ":
        order = ">" if form.length[0] == ">" else "<"
        return float(struct.unpack(order + "I", described[8:12])[0])
    if form.format == b"desc":
        rate, packet, frames = (
            *struct.unpack(">d", described[:8]),
            *struct.unpack(">II", described[16:24]),
        )
        return rate * packet / frames if frames and 1e3 < rate < 1e6 else 0.0
    channels, rate, bits = _common(described)
    return rate * channels * -(-bits // 8)


def _common(described: bytes) -> tuple[int, float, int]:
    """Channels, rate and bits of an AIFF, whose rate has 80 bits."""
    channels, _, bits, exponent, mantissa = struct.unpack(">HIHHQ", described[:18])
    return channels, mantissa * 2.0 ** min(exponent - 16446, 0), bits


def _in_words(form: Form, described: bytes) -> str:
    """Rate, channels and bits that a description says."""
    described = described.ljust(32, b"\0")
    if form.format == b"fmt ":
        order = ">" if form.length[0] == ">" else "<"
        _, channels, rate, _, _, bits = struct.unpack(order + "HHIIHH", described[:16])
    elif form.format == b"desc":
        rate, _, channels, bits = struct.unpack(">d16sII", described)
    else:
        channels, rate, bits = _common(described)
    return f"{rate:,.0f} Hz, {channels:,} channel{'s' * (channels != 1)}, {bits:,} bits"
