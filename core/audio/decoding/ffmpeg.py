"""Decoding by FFmpeg, through PyAV: packets to frames, frames to their place in time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from core.audio.clip import AudioError
from core.audio.decoding.container import (
    codec_name,
    container_name,
    has_clock,
    joinable,
    open_container,
    promised_end,
    zero_of,
)
from core.audio.decoding.edits import Edits, edits
from core.audio.decoding.ends import mp4_cut
from core.audio.decoding.errors import (
    announced,
    not_audio,
    not_opened,
    too_damaged,
)
from core.audio.decoding.flac import flac_behind
from core.audio.decoding.frames import flac_bytes, frame_samples, to_float
from core.audio.decoding.headers import Header
from core.audio.decoding.notes import (
    FLAC_DIFFERS,
    LEEWAY_S,
    another_codec,
    broken_off,
    check_promise,
    clock_notes,
    not_read_on,
    piece_not_read,
    read_on,
)
from core.audio.decoding.output import BLOCK, OVERSCALE, Decoded, Output, Refusal
from core.audio.decoding.packets import Packets
from core.audio.decoding.source import Limits, Reader
from core.audio.decoding.timeline import Timeline
from core.audio.decoding.tracks import choose, listed

LOST_SHARE = 0.5
"""A file in which more than this share of the packets cannot be decoded is refused."""


def with_ffmpeg(
    files: tuple[Reader, ...],
    header: Header,
    refusal: Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
    track: int | None,
    channel: int | None,
) -> Decoded:
    """Decode one track, of several files one behind the other, or say why it cannot be.

    Raises
    ------
    AudioError
        If there is no such track, it is damaged beyond use, or it exceeds a limit.
    """
    first = _decoded(files[0], header, refusal, limits, progress, track, channel)
    notes, codec = list(first.notes), first.codec
    for number, file in enumerate(files[1:], 2):
        start_s = first.out.finished()
        try:
            more = _decoded(file, header, refusal, limits, progress, track, channel, first.out)
        except AudioError as error:
            if error.code in ("too_long", "not_finite"):
                raise
            notes.append(piece_not_read(number, len(files), file.size(), str(error)))
        else:
            if more.codec != codec:
                notes.append(another_codec(start_s, codec, more.codec))
                codec = more.codec
            notes += [f"Piece {number} of {len(files)}: {note}" for note in more.notes]
    return replace(first, notes=notes)


def _decoded(
    file: Reader,
    header: Header,
    refusal: Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
    track: int | None,
    channel: int | None,
    behind: Output | None = None,
) -> Decoded:
    """Decode one track of one file, by itself or behind what is there."""
    container, listed_edits = _opened(file, track, refusal)
    with container:
        stream, number = choose(container, track)
        stamped = has_clock(container, stream)
        begins_s = listed_edits.begins_s
        promised_s = refusal.promised_s or promised_end(container, stream, begins_s)
        compressed = not stream.codec_context.name.startswith("pcm_")
        out = behind or Output(
            limits, promised_s, OVERSCALE if compressed else 0.0, progress, channel
        )
        taken, missing = out.taken, len(out.missing)
        clock = Timeline(
            zero_of(container),
            float(stream.time_base or 0),
            limits.max_duration_s,
            joinable(container),
            out.finished(),
        )
        pour = _Pour(out, clock, header, stamped)
        packets = Packets(container, stream, joinable(container), stamped, listed_edits.hides)
        pour.all_of(packets)
        if out.taken == taken:
            if packets.bad:
                raise too_damaged()
            check_promise(0.0 if header.kind else promised_s, 0.0)  # their headers were checked
            raise AudioError(
                "This file has a sound track, but nothing is recorded in it.", "no_samples"
            )
        if packets.bad > LOST_SHARE * packets.count:
            known = refusal.known or announced(file.rewound().read(16))
            raise too_damaged() if known else not_audio()
        ends_s = clock.clock_s
        damaged = not stamped and (packets.bad > 0 or container.format.name == "avi")
        notes = check_promise(max(promised_s, ends_s / header.present_share), ends_s, damaged)
        more_s = ends_s - promised_s if header.kind == "flac" and promised_s else 0.0
        notes += listed_edits.notes
        notes += [read_on(promised_s, more_s)] if more_s > LEEWAY_S else []
        behind_it = flac_behind(bytes(packets.last)) if header.kind == "flac" else 0
        notes += [not_read_on(behind_it, "or more ")] if behind_it else []
        if packets.broken_at is not None and not notes:
            notes += broken_off(ends_s, file.size() - packets.broken_at)
        notes += pour.damage(packets, refusal.promised_s > 0 and not notes)
        notes += clock_notes(
            out.missing[missing:],
            clock.closed,
            clock.overlaps_s,
            packets.repeated,
            packets.page_s,
            packets.moved,
        )
        return Decoded(
            out,
            container_name(container, file),
            codec_name(stream),
            "ffmpeg",
            notes,
            listed(container, begins_s),
            number,
        )


def _opened(file: Reader, track: int | None, refusal: Refusal) -> tuple[Any, Edits]:
    """The container, without its edit list where that is not followed, and what the list says.

    Raises
    ------
    AudioError
        If it cannot be opened, or has no such track.
    """
    import av

    listed_edits = Edits()
    try:
        container = open_container(file)
        _, number = choose(container, track)
        listed_edits = edits(file, number)
        if not listed_edits.followed:
            container.close()
            container = open_container(file, edited=False)
    except AudioError as error:
        container.close()
        if error.code in ("no_audio_track", "unreadable") and mp4_cut(file, file.size()):
            raise not_opened(file.at(0, 256), file.size(), refusal.known) from error
        raise
    except (av.FFmpegError, ValueError, OSError, RuntimeError) as error:
        head = file.rewound().read(256)
        raise not_opened(head, file.size(), refusal.known) from error
    return container, listed_edits


class _Pour:
    """Frames into the output, gathered into blocks, each at its place in time."""

    def __init__(self, out: Output, clock: Timeline, header: Header, stamped: bool) -> None:
        self._out, self._clock, self._header, self._stamped = out, clock, header, stamped
        self._checksum = hashlib.md5(usedforsecurity=False) if header.flac_md5 else None
        self._pending: list[np.ndarray] = []
        self._rate = self._held = self._bad = 0

    def all_of(self, packets: Packets) -> None:
        """Decode every packet, and what the decoder holds at the end."""
        before: Any = None
        for frame in self._frames(packets):
            if before is not None:
                self._take(before, self._stamp(frame))
            before = frame
        if before is not None:
            self._take(before, None)
        self._flush()

    def _frames(self, packets: Packets) -> Iterator[Any]:
        import av

        for packet in packets:
            try:
                yield from (frame for frame in packet.decode() if frame.samples)
                packets.last = packet if packet.size else packets.last
            except av.EOFError:
                pass
            except (av.FFmpegError, ValueError):
                packets.bad += packet.size > 0
        with suppress(av.FFmpegError, ValueError):
            yield from (frame for frame in packets.context.decode(None) if frame.samples)

    def damage(self, packets: Packets, odd: bool) -> list[str]:
        """Notes on what could not be decoded, or whose checksum does not fit, or does for once."""
        agrees = self._checksum is not None and self._checksum.digest() == self._header.flac_md5
        if agrees and odd:
            return [
                "The file's framing is unusual, but all of its sound is there: the checksum agrees."
            ]
        if packets.bad + self._bad:
            return [
                f"Parts of the file are damaged: {packets.bad + self._bad:,} of "
                f"{packets.count:,} packets could not be decoded in full and were left out or "
                "concealed." + ("" if self._stamped else " Times behind them may be early.")
            ]
        return [FLAC_DIFFERS] if self._checksum is not None and not agrees else []

    def _stamp(self, frame: Any) -> float | None:
        stamped = self._stamped and frame.pts is not None
        return float(frame.pts * frame.time_base) if stamped else None

    def _take(self, frame: Any, next_s: float | None) -> None:
        native = frame_samples(frame)
        if self._checksum is not None:
            self._checksum.update(flac_bytes(native, self._header.flac_bits))
        length = frame.samples / frame.sample_rate
        gap = self._clock.gap_before(self._stamp(frame), length, next_s)
        changed = self._pending and (
            frame.sample_rate != self._rate or self._pending[-1].shape[1] != native.shape[1]
        )
        if gap or changed:
            self._flush()
        if gap:
            self._out.silence(self._clock.due_s - length)
        self._rate = frame.sample_rate
        self._pending.append(to_float(native))
        self._held += native.size
        self._bad += bool(frame.is_corrupt)
        if self._held >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            whole = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
            self._out.push(whole, self._rate)
            self._pending.clear()
            self._held = 0
