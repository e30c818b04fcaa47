"""Mains hum: its lines, and where its phase jumps.

Source: C. Grigoras, "Digital audio recording analysis: the electric network frequency criterion",
International Journal of Speech, Language and the Law 12, 2005; D. P. N. Rodriguez, J. A. Apolinario
and L. W. P. Biscainho, "Audio authenticity: detecting ENF discontinuity with high precision phase
analysis", IEEE Transactions on Information Forensics and Security 5, 2010.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.provenance.filtering import filtered
from core.provenance.found import Sign
from core.provenance.native import Native

HUM_DB, ALONE_DB = 12.0, 25.0
"""Least height of two mains lines above their surroundings, and of one that stands alone."""

PHASE_DB = 20.0
"""Least height of a line whose phase is followed."""

SLOW = 2000
"""About so many samples a second suffice."""

STEP_S, HEARD_S, SIDE_S, GUARD_S = 0.05, 0.6, 1.5, 0.35
"""Of the line's phase: from value to value, what each hears; what is fitted on either side of a
place, and what is left out beside it, in seconds."""

DRIFT_HZ = 0.3
"""Most that mains are off their frequency."""

JUMP, REST = 0.7, 0.2
"""Least jump of the phase, and most that is left of it behind a straight line, in radians."""


def mains(sound: Native) -> Iterator[Sign]:
    """A hum, and the places at which its phase jumps."""
    factor = max(1, sound.rate // SLOW)
    n = len(sound.samples) // factor * factor
    slow = sound.samples[:n].reshape(-1, factor).mean(axis=1)
    rate = sound.rate / factor
    lines = _lines(slow, rate)
    if lines is None:
        return
    hertz, heights = lines
    several = sum(height >= HUM_DB for height in heights) >= 2
    about = {"hertz": hertz, "height_db": round(max(heights), 1)}
    yield Sign("hum", about) if several else Sign("hum-line", about)
    if max(heights) < PHASE_DB:
        return
    times = int(np.argmax(heights)) + 1
    jumps = _jumps(slow, rate, hertz * times)
    if jumps:
        most = max(abs(jump) for _, jump in jumps)
        yield Sign(
            "hum-jumps",
            {"hertz": hertz * times, "jumps": len(jumps), "most_degrees": round(np.degrees(most))},
            tuple((round(at - GUARD_S / 2, 3), round(at + GUARD_S / 2, 3)) for at, _ in jumps),
        )


def _lines(slow: np.ndarray, rate: float) -> tuple[int, list[float]] | None:
    """The mains whose lines stand highest, and how high those at its first multiples do, in dB."""
    size = round(4 * rate)
    if len(slow) < size // 2:
        return None
    starts = range(0, max(1, len(slow) - size + 1), size // 2)
    window = np.hanning(min(size, len(slow)))
    spectra = [np.abs(np.fft.rfft(slow[s : s + len(window)] * window, size)) ** 2 for s in starts]
    # The median over time: a voice passes through a line's place, hum stays in it.
    level = 10 * np.log10(np.median(spectra, axis=0) + 1e-14)
    found = []
    for hertz in (50, 60):
        heights = [_height(level, size / rate, hertz * k) for k in (1, 2, 3)]
        if sum(h >= HUM_DB for h in heights) >= 2 or heights[0] >= ALONE_DB:
            found.append((hertz, heights))
    return max(found, key=lambda one: max(one[1])) if found else None


def _height(level: np.ndarray, bins_per_hz: float, hertz: float) -> float:
    """A line's height above the median of its surroundings in dB."""
    at = round(hertz * bins_per_hz)
    near, far = round(2 * bins_per_hz), round(9 * bins_per_hz)
    if at + far >= len(level):
        return 0.0
    around = np.concatenate([level[at - far : at - near], level[at + near : at + far]])
    return float(level[at - 1 : at + 2].max() - np.median(around))


def _jumps(slow: np.ndarray, rate: float, hertz: float) -> list[tuple[float, float]]:
    """Seconds and radians where straight lines through a line's phase on both sides do not meet."""
    step, heard = round(STEP_S * rate), round(HEARD_S * rate)
    turned = slow * np.exp(-2j * np.pi * hertz / rate * np.arange(len(slow)))
    around = filtered(turned, np.hanning(heard) / heard)[::step]
    side, guard = round(SIDE_S / STEP_S), round(GUARD_S / STEP_S)
    if len(around) < 2 * (side + guard):
        return []
    phase, size = np.unwrap(np.angle(around)), np.abs(around)
    at = np.arange(side + guard, len(phase) - side - guard + 1)
    ahead, drift, rest, level = _fits(phase, size, side)
    left, right = at - guard - side, at + guard  # where the stretches on both sides begin
    middle = (side - 1) / 2
    jump = (ahead[right] - drift[right] * (right + middle - at)) - (
        ahead[left] + drift[left] * (at - left - middle)
    )
    jump = (jump + np.pi) % (2 * np.pi) - np.pi
    most = 2 * np.pi * DRIFT_HZ * STEP_S
    holds = (np.abs(jump) >= JUMP) & (rest[left] <= REST) & (rest[right] <= REST)
    holds &= (np.abs(drift[left]) <= most) & (np.abs(drift[right]) <= most)
    holds &= np.abs(np.log(level[left] / level[right])) <= np.log(4)
    found = []
    places = np.flatnonzero(holds)
    for group in np.split(places, np.flatnonzero(np.diff(places) > guard) + 1):
        if len(group):
            best = group[np.argmin((rest[left] + rest[right])[group])]
            second = (at[group].mean() * step + heard / 2) / rate
            found.append((float(second), float(jump[best])))
    return found


def _fits(
    phase: np.ndarray, size: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every stretch: mean phase, its drift a step, what a line leaves of it, and mean level."""
    windows = np.lib.stride_tricks.sliding_window_view(phase, side)
    t = np.arange(side) - (side - 1) / 2
    mean = windows.mean(axis=1)
    drift = windows @ t / (t @ t)
    rest = windows - mean[:, None] - drift[:, None] * t
    levels = np.lib.stride_tricks.sliding_window_view(size, side).mean(axis=1)
    return mean, drift, np.sqrt((rest**2).mean(axis=1)), levels + 1e-12
