"""FLAC: where its frames begin, and where the last one ends."""

from __future__ import annotations

from core.audio.decoding.source import Reader


def flac_frames(file: Reader, size: int) -> int:
    """Where a FLAC's frames begin: behind its blocks of metadata, which may hold headers."""
    at = 4
    for _ in range(10_000):
        head = file.at(at, 4)
        if len(head) < 4:
            return size
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    return min(at, size)


def flac_behind(frame: bytes) -> int:
    """Bytes behind a frame, by the checksum (CRC-16) at its end; at least so many.

    Parameters
    ----------
    frame : bytes
        What is taken for the frame: all that no other frame follows.
    """
    rest, end = 0, 0
    for at, byte in enumerate(frame[:_MOST_FRAME], 1):
        rest = (rest << 8 & 0xFF00) ^ _CRC_16[rest >> 8 ^ byte]
        if not rest:
            end = at
    return len(frame) - end if rest and end else 0


def flac_end(file: Reader, end: int, samples: int) -> int | None:
    """Where the frame ends that holds a FLAC's last sample, or later; None where it is not found.

    Parameters
    ----------
    end : int
        Where the decoder has read to.
    samples : int
        How many there are a channel.
    """
    start = max(0, end - _MOST_FRAME)
    block = file.at(start, end - start)
    usual = int.from_bytes(file.at(8, 2), "big")
    at = len(block)
    while (at := block.rfind(b"\xff", 0, at)) >= 0:
        if _last_sample(block[at : at + 16], usual) == samples:
            return end - flac_behind(block[at:])
    return None


def _last_sample(head: bytes, usual: int) -> int:
    """Up to which sample a frame lasts by its header; 0 where none stands there.

    Parameters
    ----------
    head : bytes
        Sixteen.
    usual : int
        Samples of every frame but the last, where frames are counted and not samples.
    """
    if len(head) < 16 or head[1] & 0xFE != 0xF8 or head[2] < 16 or head[3] & 1 or head[4] > 0xFE:
        return 0
    code, rate = head[2] >> 4, head[2] & 15
    n = max(1, 8 - (head[4] ^ 0xFF).bit_length())  # as long as a character in UTF-8
    number = head[4] & (0x7F if n == 1 else 0x7F >> n)
    for byte in head[5 : 4 + n]:
        number = number << 6 | byte & 0x3F
    behind = 4 + n + max(0, code - 5) * (code < 8)
    if code in (6, 7):
        size = 1 + int.from_bytes(head[4 + n : behind], "big")
    else:
        size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    behind += (rate > 11) + (rate > 12)
    rest = 0
    for byte in head[:behind]:
        rest = _CRC_8[rest ^ byte]
    whole = rate < 15 and rest == head[behind]
    return (number if head[1] & 1 else number * usual) + size if whole else 0


def _crc_8(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1) ^ (0x107 if byte & 0x80 else 0)
    return byte


def _crc_16(byte: int) -> int:
    rest = byte << 8
    for _ in range(8):
        rest = (rest << 1) ^ (0x8005 if rest & 0x8000 else 0)
    return rest & 0xFFFF


_CRC_16 = [_crc_16(byte) for byte in range(256)]
_CRC_8 = [_crc_8(byte) for byte in range(256)]
_MOST_FRAME = 1 << 20
