"""Packets of one track of a container: each once, in the order of their time stamps."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

from core.audio.decoding.errors import encrypted_sound
from core.audio.decoding.timeline import RESTART_S

LATEST_S = 30.0
"""A packet that comes later than this behind its place is not waited for."""

_MOST_WAITING = 2_000  # packets

_TICKS = 3  # of the time stamps' unit, by which rounding can shift them

_CHECKED = frozenset(["ape", "tak", "tta", "wavpack"])
"""Codecs whose packets have a checksum that FFmpeg heeds only when asked."""

_TRIM = "skip_samples"

_REMEMBERED = 1_024  # packets among which one that comes twice is found


class Packets:
    """Packets of one track, each once and in order, until the container breaks off.

    Parameters
    ----------
    container, stream
        PyAV's.
    joined : bool
        Whether files of the format are joined by putting one behind the other.
    stamped : bool
        Whether time stamps are in the file.
    hides : bool
        Whether an edit list hides sound or has pieces, so that FFmpeg leaves packets out by right.

    Attributes
    ----------
    count, bad, repeated, moved : int
        Packets, those that could not be decoded, that came twice, and that came too late.
    page_s : float
        Longest page of an Ogg: only its end has a time stamp.
    broken_at : int or None
        Offset behind the last packet, where the container breaks off before its end.
    """

    def __init__(
        self, container: Any, stream: Any, joined: bool, stamped: bool, hides: bool = False
    ) -> None:
        self.count = self.bad = self.repeated = self.moved = 0
        self.broken_at: int | None = None
        self.page_s = 0.0
        self._page = (-1, 0.0)  # of Ogg: where the latest began, and the sound in it
        self._paged = container.format.name == "ogg"
        self.context = stream.codec_context
        if self.context.name in _CHECKED:
            self.context.options = {"err_detect": "crccheck+explode"}
        self.last: Any = None  # that could be decoded
        self._first: Any = None  # that stands in the file
        self._demuxed = container.demux(stream)
        self._tick_s = float(stream.time_base or 0)
        self._joined, self._hides = joined, hides
        # Where a file may be joined to another, a stamp that goes back is no sign of disorder.
        self._ordered = stamped and not joined

    def __iter__(self) -> Iterator[Any]:
        return self._from_start() if self._ordered else self._each()

    def _from_start(self) -> Iterator[Any]:
        """In order, and what trims a track's beginning with the packet at its beginning: FFmpeg
        hands it out with the one that stands first."""
        for number, packet in enumerate(self._in_order()):
            if number == 0 and packet is not self._first:
                _hand_on_trim(self._first, packet)
            yield packet

    def _in_order(self) -> Iterator[Any]:
        """Packets by their time stamps: behind a gap they wait for what may fill it."""
        waiting: list[tuple[int, int, Any]] = []
        due, latest = 0.0, -float("inf")
        for number, packet in enumerate(self._each()):
            leeway = (packet.duration or 0) / 2 + _TICKS
            if number == len(waiting) and packet.pts is not None:  # all that came wait
                due = min(due, packet.pts)
            if packet.pts is None or packet.pts < due - leeway:  # this is not what they wait for
                while waiting:
                    yield heappop(waiting)[2]
                due = _behind(packet, due)
                yield packet
                continue
            if waiting and packet.pts < latest:
                self.moved += 1
                packet = _kept(packet)
            latest = max(latest, packet.pts)
            heappush(waiting, (packet.pts, number, packet))
            while waiting and (
                waiting[0][0] <= due + leeway
                or len(waiting) > _MOST_WAITING
                or (latest - waiting[0][0]) * self._tick_s > LATEST_S
            ):
                first = heappop(waiting)[2]
                due = _behind(first, due)
                yield first
        while waiting:
            yield heappop(waiting)[2]

    def _each(self) -> Iterator[Any]:
        import av

        latest = -float("inf")
        order: deque[tuple[int, int]] = deque()
        seen: set[tuple[int, int]] = set()
        read_to = 0
        while True:
            try:
                packet = next(self._demuxed, None)
            except (av.FFmpegError, OSError):  # the container itself breaks off here
                self.broken_at = read_to
                self.bad += 1
                self.count += 1
                return
            except IndexError:  # PyAV stumbles over tracks that appear midway, at the end
                return
            if packet is None:
                return
            if packet.has_sidedata("encryption_info"):
                raise encrypted_sound()
            self.count += packet.size > 0
            self._first = packet if self._first is None else self._first
            read_to = max(read_to, (packet.pos or 0) + packet.size)
            if self._paged and packet.size and packet.pos is not None:
                at, held_s = self._page
                more_s = (packet.duration or 0) * self._tick_s
                self._page = (packet.pos, more_s + held_s * (packet.pos == at))
                self.page_s = max(self.page_s, self._page[1])
            if packet.size and packet.pts is not None:
                if self._joined and (packet.pts - latest) * self._tick_s < -RESTART_S:
                    seen.clear()
                    order.clear()
                    latest = -float("inf")
                key = (packet.pts, zlib.crc32(packet))
                if packet.pts <= latest and key in seen:
                    self.repeated += 1
                    continue
                if packet.pts <= latest and not self._hides:
                    packet = _kept(packet)
                latest = max(latest, packet.pts)
                seen.add(key)
                order.append(key)
                if len(order) > _REMEMBERED:
                    seen.discard(order.popleft())
            yield packet


def _kept(packet: Any) -> Any:
    """The same packet, to be decoded though FFmpeg would leave it out: a fragment of an MP4 that
    stands behind a later one."""
    import av

    if not packet.is_discard:
        return packet
    kept = av.Packet(bytes(packet))
    kept.stream, kept.time_base = packet.stream, packet.time_base
    kept.pts, kept.dts, kept.duration = packet.pts, packet.dts, packet.duration
    return kept


def _hand_on_trim(stands_first: Any, comes_first: Any) -> None:
    trim = stands_first.get_sidedata(_TRIM)
    if trim:
        comes_first.set_sidedata(trim)
        trim.update(bytes(trim.data_size))
        stands_first.set_sidedata(trim)


def _behind(packet: Any, due: float) -> float:
    """Where the packet that follows one begins."""
    return due if packet.pts is None else packet.pts + (packet.duration or 0)
