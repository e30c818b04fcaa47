"""MP4 and MOV: which pieces of a track's sound players play, which they hide; a second index."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from core.audio.decoding.notes import EDITS_NOT_FOLLOWED, INDEX_AGAIN, edited
from core.audio.decoding.source import Reader

_HIDDEN_S = 0.25
"""Less than this that is left out is what an encoder puts before and behind the sound."""

_INDEX_BYTES = 1 << 24  # of an index that are compared
_MOST = 10_000  # boxes or edits that are looked at


class Edits(NamedTuple):
    """Whether FFmpeg can follow a track's edit list, what there is to say of it, and whether it
    hides sound or has several pieces: before each FFmpeg hands out packets that only prepare the
    decoder. Of a fragmented file also the second at which its media's 0 is played: FFmpeg's
    duration counts from there."""

    followed: bool = True
    notes: tuple[str, ...] = ()
    hides: bool = False
    begins_s: float | None = None


def edits(file: Reader, track: int) -> Edits:
    """The edit list of an audio track, by its number from 1.

    FFmpeg follows pieces one behind the other, perhaps after a delay; with pauses between them or
    another speed it puts sound into wrong places, so that such a list is not followed.
    """
    place = file.tell()  # an open container reads on there
    try:
        if file.at(4, 4) not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return Edits()
        media, listed = _listed(file, track)
        begins_s = 0.0
        while listed and listed[0].at_s < 0:  # a delay, which has its own note
            begins_s += listed.pop(0).length_s
        found = _edits(file, media, listed) if listed else Edits()
        if not found.followed:
            begins_s = 0.0
        elif listed:
            begins_s -= listed[0].at_s
        fragmented = _find(file, (0, file.size()), b"moof") is not None
        return found._replace(
            notes=(*found.notes, *_another_index(file)), begins_s=begins_s if fragmented else None
        )
    finally:
        file.seek(place)


def _another_index(file: Reader) -> list[str]:
    """A note where the file has two that differ."""
    boxes = (box for name, box in _boxes(file, (0, file.size())) if name == b"moov")
    held = (file.at(start, min(end - start, _INDEX_BYTES)) for start, end in boxes)
    first = next(held, b"")
    return [INDEX_AGAIN] if any(other != first for other in held) else []


class _Edit(NamedTuple):
    """One edit: its length, where in the media it begins (below 0 for a pause), and its speed."""

    length_s: float
    at_s: float
    speed: float


def _listed(file: Reader, track: int) -> tuple[tuple[int, int], list[_Edit]]:
    """Where a track's media are described, and its edits."""
    moov = _find(file, (0, file.size()), b"moov")
    mvhd = moov and _find(file, moov, b"mvhd")
    if not moov or not mvhd:
        return (0, 0), []
    sound = [
        (media, _find(file, trak, b"edts"))
        for name, trak in _boxes(file, moov)
        if name == b"trak" and (media := _find(file, trak, b"mdia"))
        and (handler := _find(file, media, b"hdlr")) and file.at(handler[0] + 8, 4) == b"soun"
    ]  # fmt: skip
    if not 0 < track <= len(sound):
        return (0, 0), []
    media, edts = sound[track - 1]
    mdhd, elst = _find(file, media, b"mdhd"), edts and _find(file, edts, b"elst")
    if not mdhd or not elst:
        return media, []
    movie_per_s, _ = _clock(file, mvhd)
    per_s, _ = _clock(file, mdhd)
    if not movie_per_s or not per_s:
        return media, []
    return media, [
        _Edit(n / movie_per_s, at if at < 0 else at / per_s, r) for n, at, r in _list(file, elst)
    ]


def _edits(file: Reader, media: tuple[int, int], listed: list[_Edit]) -> Edits:
    """What edits make of a track, without a delay before them."""
    mdhd = _find(file, media, b"mdhd")
    per_s, whole_s = _clock(file, mdhd) if mdhd else (0, 0.0)
    if not whole_s:  # fragments alone
        return Edits()
    whole_s = _held(file, media) / per_s or whole_s  # headers may say anything
    played = [(at, min(at + n, whole_s) if n else whole_s) for n, at, _ in listed if at >= 0]
    if any(at < 0 or speed != 1 for _, at, speed in listed):
        return Edits(False, (EDITS_NOT_FOLLOWED,))
    held_s = end = 0.0
    for a, b in sorted(played):
        held_s += max(0.0, b - max(a, end))
        end = max(end, b)
    pieces = sum(abs(a - b) > _HIDDEN_S for (_, b), (a, _) in pairwise(played))
    if not played or (whole_s - held_s <= _HIDDEN_S and not pieces):
        return Edits(hides=len(played) > 1)
    note = edited(sum(b - a for a, b in played), held_s, whole_s, pieces + 1)
    return Edits(True, (note,), hides=True)


def _boxes(file: Reader, within: tuple[int, int]) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name, and first and last offset of what they hold, of the boxes in a stretch."""
    at, end = within
    for _ in range(_MOST):
        head = file.at(at, 16)
        if at + 8 > end or len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head[:8])
        skip = 8
        if length == 1 and len(head) == 16:
            (length,), skip = struct.unpack(">Q", head[8:]), 16
        length = length or end - at
        if length < skip:
            return
        yield name, (at + skip, min(end, at + length))
        at += length


def _find(file: Reader, within: tuple[int, int], name: bytes) -> tuple[int, int] | None:
    return next((box for found, box in _boxes(file, within) if found == name), None)


def _clock(file: Reader, box: tuple[int, int]) -> tuple[int, float]:
    """Units a second and duration in seconds of a header of a movie or of media."""
    head = file.at(box[0], 32).ljust(32, b"\0")
    form, at = (">IQ", 20) if head[0] else (">II", 12)
    per_s, n = struct.unpack_from(form, head, at)
    unknown = n in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return per_s, 0.0 if unknown or not per_s else n / per_s


def _held(file: Reader, media: tuple[int, int]) -> int:
    """Units that the track's samples last; 0 where they are listed elsewhere."""
    table: tuple[int, int] | None = media
    for name in (b"minf", b"stbl", b"stts"):
        table = table and _find(file, table, name)
    if not table:
        return 0
    data = file.at(table[0] + 8, min(table[1] - table[0] - 8, 8 * _MOST))
    return sum(n * each for n, each in struct.iter_unpack(">II", data[: len(data) // 8 * 8]))


def _list(file: Reader, elst: tuple[int, int]) -> list[tuple[int, int, float]]:
    """Length, first unit of the media (below 0 for none) and speed of each edit."""
    version, count = struct.unpack(">B3xI", file.at(elst[0], 8).ljust(8, b"\0"))
    entry = struct.Struct(">QqI" if version else ">IiI")
    held = min(count, _MOST, (elst[1] - elst[0] - 8) // entry.size)
    data = file.at(elst[0] + 8, held * entry.size)
    data = data[: len(data) // entry.size * entry.size]
    return [(n, at, rate / 65_536) for n, at, rate in entry.iter_unpack(data)]
