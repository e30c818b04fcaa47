"""Frames one behind the other (MP3, AAC, AC-3, AMR, WavPack), and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.audio.decoding.framing import mpeg, runs, wavpack, wavpack_begins
from core.audio.decoding.notes import another_file, bytes_left_out, not_read_on
from core.audio.decoding.pieces import (
    BLOCK,
    LOOK,
    MOST_TAGS,
    OTHERS,
    Piece,
    Read,
    another,
    begins,
    blocks,
    follows,
    of_pieces,
    padding,
    tag,
)
from core.audio.decoding.source import Reader

_MOST_BREAKS = 2_000  # in a file that is followed
_MOST_TRIES = 100_000  # places at which a frame is looked for
AMR_FRAME_S = 0.02
_FEW = 16  # bytes behind the last frame that are not worth a word


def stream(file: Reader, size: int, length_of: Callable[[bytes], int], magic: bytes) -> Read | None:
    """Frames without the tags, padding and headers between them, up to another file.

    None where the file is no such stream. What is neither stays, and FFmpeg finds it damaged.
    """
    at = len(magic)
    if not magic:
        at = size - follows(file, 0)
    if not runs(file, at, length_of, 1 if length_of is wavpack else 3):
        return None
    pieces: list[Piece] = []
    begun, first, block, base = 0, True, b"", 0
    notes: tuple[str, ...] = ()
    frames, lost = 0, list[tuple[float, int]]()
    breaks, tries = 0, iter(range(_MOST_TRIES))
    while at < size:
        past = at > base + len(block) - 64 and base + len(block) < size
        if past or at < base:
            base, block = at, file.at(at, BLOCK)
        head = block[at - base : at - base + 64]
        # Nearly every byte can begin a frame of AMR, and another WavPack is framed as the first.
        joined = (magic and OTHERS.match(head)) or (not first and wavpack_begins(head))
        if not joined and (n := length_of(head[:16])):
            if not first and length_of is mpeg and _counts(head):
                pieces.append((begun, at))
                begun = at + n
            first = False
            at += n
            frames += 1
            continue
        breaks += 1
        if breaks > _MOST_BREAKS:
            return Read((file,))
        if magic and head.startswith(magic):
            skip = len(magic)
        elif joined or OTHERS.match(head) or (head[:1] == b"\x1a" and begins(file, at)):
            kind = begins(file, at)
            notes = (another_file(kind, size - at),)
            size = at
            break
        else:
            skip = _between(file, at, size, length_of)
        if skip:
            pieces.append((begun, at))
            at = begun = at + skip
            continue
        resumes = _next_frame(file, at + 1, size, length_of, tries, magic)
        if resumes is None:
            return Read((file,))
        if (magic or length_of is wavpack) and resumes < size:
            # FFmpeg would decode any bytes as AMR, and end at what is no block of WavPack.
            pieces.append((begun, at))
            begun = resumes
            lost += [(frames * AMR_FRAME_S, resumes - at)] if magic else []
        if resumes >= size:
            notes = (not_read_on(size - at),) if size - at >= _FEW else ()
            size = at
        at = resumes
    pieces.append((begun, size))
    notes = (*([bytes_left_out(lost)] if lost else []), *notes)
    whole = len(pieces) == 1 and size == file.size()
    return Read((file if whole else of_pieces(file, pieces),), notes)


def _between(file: Reader, at: int, size: int, length_of: Callable[[bytes], int]) -> int:
    """Bytes of tags and padding at an offset, up to the end, a tag, or a file's first frame."""
    start = tagged = at
    for _ in range(MOST_TAGS):
        if skip := tag(file, at):
            tagged = at + skip
        else:
            skip = padding(file, at, size)
        at += skip
        if not skip or at >= size:
            break
    if at >= size or OTHERS.match(file.at(at, LOOK)):
        return min(at, size) - start
    joined = length_of(file.at(at, 16)) and (tagged > start or _counts(file.at(at, 64)))
    return (at if joined else tagged) - start  # zeros within a file are sound that was lost


def _next_frame(
    file: Reader,
    at: int,
    size: int,
    length_of: Callable[[bytes], int],
    tries: Iterator[int],
    magic: bytes,
) -> int | None:
    """Where frames follow each other, or a tag or another file begins, or the end.

    Three of them, or of AMR, where one byte in eight may begin one, eight. None where that would
    take too long to find.
    """
    known, least = (_AMR, 8) if magic else (_KNOWN, 3)
    end = size
    for begin, block in blocks(file, at, size, LOOK):
        for found in known.finditer(block):
            place = begin + found.start()
            if next(tries, None) is None:
                return None
            if tag(file, place) or runs(file, place, length_of, least):
                end = place
                break
        if end < size:
            break
    return another(file, at, end)[0]


_AMR = re.compile(rb"[\x04\x0c\x14\x1c\x24\x2c\x34\x3c\x44\x4c\x54\x5c\x64\x6c\x74\x7c]")
_KNOWN = re.compile(rb"\xff[\xe0-\xff]|\x0b\x77|wvpk|ID3|APETAGEX")


def _counts(frame: bytes) -> bool:
    """Whether an MPEG frame holds no sound but counts those that follow (Xing, Info, VBRI)."""
    if len(frame) < 48 or frame[0] != 0xFF or frame[1] >> 1 & 3 != 1:
        return False
    one, mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
    at = 4 + ((17 if mono else 32) if one else (9 if mono else 17))
    return frame[at : at + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"
