"""Time stamps to places: where on the file's own clock a decoded frame belongs.

Packets that were lost or never sent leave gaps, and a track may begin late: the sound keeps its
place, and silence stands where there is none. No sound is left out, moved forward, or laid over
another, and time stamps that were only rounded move nothing.
"""

from __future__ import annotations

LONGEST_GAP_S = 1_800.0
"""A longer gap, or a later start, is closed and said: only a clock that was set anew makes it."""

SHORTEST_LEAD_S = 0.1
"""A track that begins less than this late begins at once: codecs and containers round by that."""

DRIFT_S = 0.1
"""Time stamps and samples may drift apart by this much before silence makes up for it."""

RESTART_S = 1.0
"""Time stamps that go back by more begin again, where files of the format can be joined."""

WRAP_S = 2**33 / 90_000
"""Time stamps of MPEG begin again after this long: FFmpeg takes a jump back for one that far on."""

_TICKS = 3  # of the time stamps' unit, by which rounding can shift them


class Timeline:
    """The file's clock, and how much of it has been filled.

    Parameters
    ----------
    zero_s : float
        Time stamp of the clip's second 0.
    tick_s : float
        Unit of the time stamps in seconds.
    longest_s : float
        Length that no gap may stretch the clip beyond.
    joinable : bool
        Whether files of the format are joined by putting one behind the other.
    from_s : float
        Second of the clip from which on this clock runs.

    Attributes
    ----------
    due_s : float
        Second of the clip at which the next frame begins if none is missing.
    closed : list of (float, float)
        Where gaps were closed, in the clip's seconds, and how long they were.
    overlaps_s : float or None
        Where time stamps first ran back over what was there.
    """

    def __init__(
        self,
        zero_s: float,
        tick_s: float,
        longest_s: float,
        joinable: bool,
        from_s: float = 0.0,
    ) -> None:
        self.due_s = from_s
        self.closed: list[tuple[float, float]] = []
        self.overlaps_s: float | None = None
        self._zero_s = zero_s - from_s
        self._from_s = from_s
        self._tick_s = tick_s
        self._longest_s = longest_s
        self._joinable = joinable
        self._late_s = 0.0  # of the latest frame, against where it was put
        self._begun = False

    @property
    def clock_s(self) -> float:
        """The second that the file's own clock shows where `due_s` is."""
        return self.due_s + sum(length for _, length in self.closed)

    def gap_before(
        self, stamp_s: float | None, length_s: float, next_s: float | None = None
    ) -> float:
        """Silence in seconds that belongs before a frame; it is taken to follow.

        Parameters
        ----------
        stamp_s : float or None
            The frame's time stamp, None where it has none.
        length_s : float
            Its length.
        next_s : float, optional
            The time stamp of the frame that follows. Where that one fits without a gap, this one's
            stamp was wrong: FFmpeg guesses it for the first packet on some pages of Vorbis.
        """
        if stamp_s is not None and next_s is not None and self._fits(next_s - length_s):
            stamp_s = min(stamp_s, next_s - length_s)
        gap = 0.0 if stamp_s is None else self._gap(stamp_s, length_s)
        self.due_s += gap + length_s
        self._begun = True
        return gap

    def _fits(self, stamp_s: float) -> bool:
        late = stamp_s - self._zero_s - self.due_s
        return self._begun and abs(late - self._late_s) <= _TICKS * self._tick_s

    def _gap(self, stamp_s: float, length_s: float) -> float:
        if not self._begun:
            self._zero_s = min(self._zero_s, stamp_s - self._from_s)
        late = stamp_s - self._zero_s - self.due_s
        jump = late - self._late_s
        rounding = max(length_s / 2, _TICKS * self._tick_s)
        again = min(late, jump) > WRAP_S / 2 or max(late, jump) < -RESTART_S
        if again and self._joinable:
            self._zero_s += late
            late = 0.0
        elif late < -DRIFT_S and jump < -rounding:
            self.overlaps_s = self.due_s if self.overlaps_s is None else self.overlaps_s
        gap = late >= SHORTEST_LEAD_S if not self._begun else late > 0 and jump >= rounding
        if gap or late >= DRIFT_S:
            if late > LONGEST_GAP_S or self.due_s + late + length_s > self._longest_s:
                self.closed.append((self.due_s, late))
                self._zero_s += late
                late = 0.0
            self._late_s = 0.0
            return late
        self._late_s = late
        return 0.0
