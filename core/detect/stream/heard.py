"""What was heard of a take so far: its quality, summed up from the latest seconds."""

from __future__ import annotations

from collections import deque

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.quality import Quality

CONTEXT_S = 15.0
"""Voice activity and quality are measured on at least this much of the latest sound."""


_SETTLED_S = 1.0  # speech older than this no longer changes with what follows


class Heard:
    """Speech and quality of a take that grows, from measurements of its latest stretch."""

    def __init__(self) -> None:
        self._edge = 0.0  # speech before this second is settled
        self._settled: deque[tuple[float, float]] = deque()
        self._loose: list[tuple[float, float]] = []
        self._past: deque[tuple[float, Quality]] = deque()  # by where their stretch ends
        self._now: tuple[float, Quality] | None = None

    def wanted_from(self) -> int:
        """First sample that the next measurement has to reach back to."""
        return max(0, round((self._edge - 2 * _SETTLED_S) * SAMPLE_RATE))

    def add(self, quality: Quality, first: int, end: int, kept_from: int) -> None:
        """Take in the measurement of samples ``first`` to ``end`` of the take."""
        from_s, end_s = first / SAMPLE_RATE, end / SAMPLE_RATE
        spans = [(a + from_s, b + from_s) for a, b in quality.speech if b + from_s > self._edge]
        edge = max(self._edge, end_s - _SETTLED_S)
        for a, b in spans:
            self._settle(max(a, self._edge), min(b, edge))
        self._loose = [(max(a, edge), b) for a, b in spans if b > edge]
        self._edge = edge
        self._now = (end_s, quality)
        if not self._past or end_s - self._past[-1][0] >= CONTEXT_S:
            self._past.append(self._now)
        kept_s = kept_from / SAMPLE_RATE
        while self._past and self._past[0][0] <= kept_s:
            self._past.popleft()
        while self._settled and self._settled[0][1] <= kept_s:
            self._settled.popleft()

    def _settle(self, a: float, b: float) -> None:
        if b <= a:
            return
        if self._settled and a - self._settled[-1][1] < 1e-6:
            a = self._settled.pop()[0]
        self._settled.append((a, b))

    def _spans(self, kept_from_s: float) -> list[tuple[float, float]]:
        return [(max(a, kept_from_s), b) for a, b in (*self._settled, *self._loose)]

    def speech_s(self, kept_from_s: float) -> float:
        """Seconds of speech behind a moment of the take."""
        return float(sum(b - a for a, b in self._spans(kept_from_s)))

    def quality(self, start: int, end: int) -> Quality:
        """Quality of the kept part, samples ``start`` to ``end`` of the take.

        Measurements count by the speech in them; the widest bandwidth stands for all.
        """
        assert self._now is not None
        parts = [q for _, q in self._past] + [self._now[1]]
        spoken = [q for q in parts if q.speech_s > 0] or parts
        weights = np.array([q.speech_s or 1.0 for q in spoken])
        powers = np.array(
            [0.0 if q.level_dbfs is None else 10 ** (q.level_dbfs / 10) for q in spoken]
        )
        power = float(np.average(powers, weights=weights))
        return Quality(
            duration_s=(end - start) / SAMPLE_RATE,
            speech_s=self.speech_s(start / SAMPLE_RATE),
            speech=tuple(self._spans(start / SAMPLE_RATE)),
            level_dbfs=10 * float(np.log10(power)) if power > 0 else None,
            peak=max(q.peak for q in parts),
            clipped_share=float(np.average([q.clipped_share for q in spoken], weights=weights)),
            zero_share=float(np.mean([q.zero_share for q in parts])),
            bandwidth_hz=max(q.bandwidth_hz for q in spoken),
        )


CONTEXT = round(CONTEXT_S * SAMPLE_RATE)
