"""What of a file the decoders read: one recording, and only its sound.

Files are joined end to end, sound lies in several chunks of one file, tags and padding stand
between frames. Players and libraries differ in what they make of it. Here each file's structure is
followed to its end: what belongs together is read as one, what is another file is named.
"""

from __future__ import annotations

import struct

from core.audio.decoding.chain import chain
from core.audio.decoding.chunks import chunked, form_of
from core.audio.decoding.ends import (
    ape_end,
    asf_end,
    avi_end,
    flv_end,
    matroska_end,
    mp4_end,
    ps_end,
    ts_end,
    tta_end,
)
from core.audio.decoding.flac import flac_frames
from core.audio.decoding.framing import STREAMS
from core.audio.decoding.pieces import LOOK, OTHERS, Read, first, follows, of_pieces, without_tags
from core.audio.decoding.source import Reader
from core.audio.decoding.streams import stream


def what_to_read(file: Reader) -> Read:
    """Follow a file's structure to its end.

    Parameters
    ----------
    file : Reader
        Any file, sound or not.
    """
    size = file.size()
    head = file.at(0, LOOK)
    if head[:3] == b"ID3":  # players pass over it whatever follows
        at = size - follows(file, 0)
        at -= 3 if file.at(at + 1, 4) == b"ftyp" else 0  # it begins with zeros itself
        padded = at >= 4 and not any(file.at(at - 4, 4))
        if 0 < at < size and (padded or OTHERS.match(file.at(at, LOOK))):
            return what_to_read(of_pieces(file, [(at, size)]))
    if head[:4] == b"OggS":
        return chain(file, size)
    if form := form_of(head):
        return chunked(file, size, form)
    for magic, at, ends in _ENDS:
        if head[at : at + len(magic)] == magic:
            return first(file, size, *ends(file, size))
    if head[:4] == b".snd" and len(head) >= 24:
        start, length = struct.unpack(">II", head[4:12])
        return first(file, size, size if length == 0xFFFFFFFF else start + length)
    if head[:4] == b"fLaC":
        return _untagged(file, first(file, size, flac_frames(file, size)))
    for begins, length_of, magic in STREAMS:
        tagged = head[:3] == b"ID3" and not magic
        if (begins(head) or tagged) and (found := stream(file, size, length_of, magic)):
            return found
    return Read((file,))


_ENDS = (
    (b"\x1aE\xdf\xa3", 0, matroska_end),
    (b"ftyp", 4, mp4_end),
    (b"FLV\x01", 0, flv_end),
    (b"AVI ", 8, avi_end),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, asf_end),
    (b"\x47", 188, ts_end),
    (b"\0\0\1\xba", 0, ps_end),
    (b"TTA1", 0, tta_end),
    (b"MAC ", 0, ape_end),
)


def _untagged(file: Reader, read: Read) -> Read:
    size = read.files[0].size()
    end = without_tags(file, size)
    return read if end == size else Read((of_pieces(file, [(0, end)]),), read.notes)
