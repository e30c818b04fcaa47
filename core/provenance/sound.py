"""Traces of its history in a file's samples. What each means stands beside the words for it.

Each function measures one thing, and gives a `Sign` or None. Thresholds were set on training clips
of data/benchmarks; how often each sign is met in test clips stands in data/results/provenance.csv.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.fft import next_fast_len
from scipy.linalg import solve_toeplitz

from core.provenance.filtering import filtered
from core.provenance.found import Sign
from core.provenance.frames import codecs_before
from core.provenance.hum import mains
from core.provenance.native import Native
from core.provenance.spectrum import spectrum_ends

MOST_PLACES = 30
"""Places that one sign names."""

ZEROS_S, REPEAT_S = 0.02, 0.05
"""Shortest run of exact zeros, and shortest exact repeat, in seconds."""

ORDER, BLOCK = 64, 1 << 18
"""Of the filter that whitens the sound; samples that are filtered at a time."""

CLICK_TIMES, CLICK_LEAST = 15.0, 1e-4
"""A jump behind that filter: so many times the highest around it, or of that least level."""

FRAME_S, FLOOR_LEAST, FLOOR_MOST = 0.02, 75, 150
"""Frames on each side of a step of the noise floor, and how long one is, in seconds."""

FLOOR_DB = 8.0
"""Least step of the noise floor."""


def look(sound: Native) -> Iterator[Sign]:
    """All signs in a file's sound, in the order in which they are told."""
    if len(sound.samples) < sound.rate // 4 or not np.any(sound.samples):
        return
    yield from codecs_before(sound)
    for measure in (
        spectrum_ends,
        length_in_hops,
        digital_silence,
        exact_repeats,
        clicks,
        noise_floor_steps,
        bit_depth,
        dc_offset,
        clipping,
    ):
        if (sign := measure(sound)) is not None:
            yield sign
    yield from mains(sound)


def length_in_hops(sound: Native) -> Sign | None:
    """A length of whole blocks of 256 samples, which is no whole number of tenths of a second."""
    n = len(sound.samples)
    if not (sound.lossless and sound.whole) or n % 256 or n * 10 % sound.rate == 0:
        return None
    return Sign("length-256", {"samples": n, "blocks": n // 256})


def digital_silence(sound: Native) -> Sign | None:
    """Runs of exact zeros between sounds; those at the ends are padding and left out."""
    least = round(ZEROS_S * sound.rate)
    runs = _runs(sound.samples == 0, least)
    n = len(sound.samples)
    # What is as quiet as a file's steps is rounded to zero; beside something louder it is not.
    heard = np.abs(sound.samples) >= 3 * _step(sound)
    inside = [
        (a, b)
        for a, b in runs
        if a > 0 and b < n and (heard[max(0, a - least) : a].any() or heard[b : b + least].any())
    ]
    if not inside:
        return None
    seconds = sum(b - a for a, b in inside) / sound.rate
    return Sign(
        "zeros", {"runs": len(inside), "seconds": round(seconds, 3)}, _places(inside, sound.rate)
    )


def exact_repeats(sound: Native) -> Sign | None:
    """Stretches that come twice, bit by bit."""
    x = sound.exact
    if x is None or sound.bits < 16:
        return None
    lasts = round(REPEAT_S * sound.rate)
    pairs = _joined(_twice(x, lasts))
    if not pairs:
        return None
    found = sorted({stretch for pair in pairs for stretch in pair})
    seconds = sum(b - a for (a, b), _ in pairs) / sound.rate
    return Sign(
        "repeats", {"repeats": len(pairs), "seconds": round(seconds, 3)}, _places(found, sound.rate)
    )


Pair = tuple[tuple[int, int], tuple[int, int]]


def _joined(pairs: list[Pair]) -> list[Pair]:
    """Pairs that go on in one another, as one."""
    joined: list[Pair] = []
    for (a, b), (c, d) in pairs:
        if joined and c - a == joined[-1][1][0] - joined[-1][0][0] and a <= joined[-1][0][1]:
            (a, last), (c, _) = joined.pop()
            b = max(b, last)
            d = c + b - a
        joined.append(((a, b), (c, d)))
    return joined


def _twice(x: np.ndarray, least: int) -> list[Pair]:
    """Pairs of equal stretches of at least so many samples, by keys of their content."""
    if len(x) < 2 * least:
        return []
    odd = np.random.default_rng(1).integers(1, 2**63, 16, dtype=np.uint64) | np.uint64(1)
    keys = np.zeros(len(x) - 15, np.uint64)
    for i, factor in enumerate(odd):
        keys += x[i : len(x) - 15 + i].astype(np.int64).view(np.uint64) * factor
    keys ^= keys >> np.uint64(29)
    anchors = np.flatnonzero(keys % np.uint64(128) == 0)
    spread = np.abs(np.diff(x.astype(np.int64)))
    busy = np.concatenate([[0], np.cumsum(spread > 0)])
    anchors = anchors[busy[np.minimum(anchors + 15, len(spread))] - busy[anchors] >= 12]
    chosen = keys[anchors]
    order = np.argsort(chosen, kind="stable")
    same = np.flatnonzero(chosen[order][1:] == chosen[order][:-1])
    found: list[Pair] = []
    ended = -1
    for first, second in sorted((int(anchors[order[i]]), int(anchors[order[i + 1]])) for i in same):
        if first < ended or len(found) >= MOST_PLACES:
            continue
        start, end = _extended(x, first, second, least)
        if end - start >= least and second - first >= end - start and not _periodic(x[start:end]):
            shift = second - first
            found.append(((start, end), (start + shift, end + shift)))
            ended = end
    return found


def _extended(x: np.ndarray, first: int, second: int, least: int) -> tuple[int, int]:
    """The longest equal stretch around two equal places, within a second to each side."""
    reach = max(20 * least, 1)
    right = min(reach, len(x) - second)
    ahead = np.flatnonzero(x[first : first + right] != x[second : second + right])
    left = min(reach, first)
    back = np.flatnonzero(x[first - left : first][::-1] != x[second - left : second][::-1])
    return first - (int(back[0]) if len(back) else left), first + (
        int(ahead[0]) if len(ahead) else right
    )


def _periodic(x: np.ndarray) -> bool:
    """Whether a stretch is a test tone or a constant: equal to itself a little later."""
    values = np.unique(x[:4096])
    return len(values) < 32


def clicks(sound: Native) -> Sign | None:
    """Jumps that the sound's own spectrum does not explain: what a hard cut leaves.

    A matched filter for an impulse in sound of this spectrum, its whitening filter there and back:
    it listens most where the sound is weakest. A jump must stand out of all within 60 ms.
    """
    x, rate = sound.samples, sound.rate
    reach, apart = round(0.06 * rate), 2 * ORDER
    edge = reach + apart
    if len(x) < 4 * edge:
        return None
    whitening = _whitening(x)
    strength = _filtered(x, np.convolve(whitening, whitening[::-1]))
    strength[:apart] = strength[-apart:] = 0  # a file begins and ends with one
    highest = _running_max(np.pad(strength, edge), reach)
    before, after = highest[: len(x)], highest[reach + 2 * apart + 1 :][: len(x)]
    high = strength > CLICK_TIMES * np.maximum(np.maximum(before, after), CLICK_LEAST)
    high[:edge] = high[-edge:] = False
    found = np.flatnonzero(high)
    if not len(found):
        return None
    groups = np.split(found, np.flatnonzero(np.diff(found) > reach) + 1)
    places = [(int(g[0]), int(g[-1]) + 1) for g in groups]
    return Sign("clicks", {"clicks": len(places)}, _places(places, rate))


def _filtered(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Magnitude behind a filter, float32: blocks, so that minutes of sound fit a worker."""
    padded = np.pad(x, len(kernel) // 2)
    made = np.empty(len(x), np.float32)
    for first in range(0, len(x), BLOCK):
        part = padded[first : first + BLOCK + len(kernel) - 1].astype(np.float64)
        made[first : first + BLOCK] = np.abs(filtered(part, kernel))
    return made


def _whitening(x: np.ndarray) -> np.ndarray:
    """Filter that makes sound white: linear prediction over all of it.

    Source: J. Makhoul, "Linear prediction: a tutorial review", Proceedings of the IEEE 63, 1975.
    """
    likeness = np.zeros(ORDER + 1)
    size = next_fast_len(BLOCK + 2 * ORDER, real=True)
    for first in range(0, len(x), BLOCK):
        here = np.fft.rfft(x[first : first + BLOCK].astype(np.float64), size)
        on = np.fft.rfft(x[first : first + BLOCK + ORDER].astype(np.float64), size)
        likeness += np.fft.irfft(here.conj() * on, size)[: ORDER + 1] / len(x)
    likeness[0] += likeness[0] * 1e-9 + 1 / 12 / 2**30  # rounding to 16 bits
    return np.concatenate([[1.0], solve_toeplitz(likeness[:-1], -likeness[1:])])


def _running_max(x: np.ndarray, width: int) -> np.ndarray:
    """The highest of every so many values on end.

    Source: M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and
    octagonal kernels", Pattern Recognition Letters 13, 1992.
    """
    n = len(x)
    blocks = np.pad(x, (0, -n % width)).reshape(-1, width)
    ahead = np.maximum.accumulate(blocks, axis=1).ravel()
    back = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.maximum(back[: n - width + 1], ahead[width - 1 : n])


def noise_floor_steps(sound: Native) -> Sign | None:
    """Steps of the noise floor: from a place on, nothing falls as low as much did before it.

    In ten bands the level that 95 % of the frames of three seconds exceed is held against that
    which 30 % on the other side stay below, and the median of the bands counts.
    """
    levels = _band_levels(sound)
    count = len(levels)
    places = np.arange(FLOOR_LEAST, count - FLOOR_LEAST + 1, 5)
    if not len(places):
        return None
    steps = np.empty(len(places))
    for i, at in enumerate(places):
        before, after = levels[max(0, at - FLOOR_MOST) : at], levels[at : at + FLOOR_MOST]
        (low_before, mid_before), (low_after, mid_after) = (
            np.percentile(side, (5, 30), axis=0) for side in (before, after)
        )
        steps[i] = max(np.median(low_after - mid_before), np.median(low_before - mid_after))
    chosen: list[int] = []
    for i in np.argsort(steps)[::-1]:
        if steps[i] < FLOOR_DB or len(chosen) == 5:
            break
        if all(abs(places[i] - places[other]) > FLOOR_MOST for other in chosen):
            chosen.append(int(i))
    if not chosen:
        return None
    size = round(FRAME_S * sound.rate)
    edges = [(int(places[i] - 5) * size, int(places[i] + 5) * size) for i in sorted(chosen)]
    most = round(float(steps[chosen].max()), 1)
    return Sign("floor-steps", {"steps": len(chosen), "most_db": most}, _places(edges, sound.rate))


def _band_levels(sound: Native) -> np.ndarray:
    """Level in dB of frames in ten bands from 500 Hz to nine tenths of the room there is."""
    size = round(FRAME_S * sound.rate)
    count = len(sound.samples) // size
    frames = sound.samples[: count * size].reshape(count, size)
    window = np.hanning(size).astype(np.float32)
    frequencies = np.fft.rfftfreq(size, 1 / sound.rate)
    edges = np.searchsorted(frequencies, np.linspace(500, 0.45 * sound.rate, 11))
    levels = np.empty((count, 10))
    for first in range(0, count, 1000):
        power = np.abs(np.fft.rfft(frames[first : first + 1000] * window)) ** 2
        for band, (low, high) in enumerate(itertools.pairwise(edges)):
            mean = power[:, low : max(high, low + 1)].mean(axis=1) / size
            levels[first : first + 1000, band] = 10 * np.log10(mean + 1e-11)
    return levels


def bit_depth(sound: Native) -> Sign | None:
    """Fewer bits in use than the file provides for."""
    if sound.exact is None or sound.bits < 16:
        return None
    used = _used(sound.exact)
    provided = 32 if sound.floating else sound.bits
    if used >= min(provided, 24 if sound.floating else provided):
        return None
    return Sign("bits-unused", {"used": used, "provided": provided, "floating": sound.floating})


def _used(exact: np.ndarray) -> int:
    """Bits in use of samples that are left-aligned in 32."""
    return 32 - _trailing_zeros(int(np.bitwise_or.reduce(exact)))


def _step(sound: Native) -> float:
    """The smallest difference between samples; of 16 bits where a codec loses."""
    return 2.0 ** (1 - (16 if sound.exact is None else min(16, _used(sound.exact))))


def _trailing_zeros(value: int) -> int:
    value &= 0xFFFFFFFF
    return (value & -value).bit_length() - 1 if value else 32


def dc_offset(sound: Native) -> Sign | None:
    """A mean that is not zero."""
    mean = float(np.mean(sound.samples, dtype=np.float64))
    return Sign("dc-offset", {"offset": round(mean, 5)}) if abs(mean) > 0.002 else None


def clipping(sound: Native) -> Sign | None:
    """Flat tops: three samples and more at the highest magnitude, and that near full scale."""
    x = np.abs(sound.samples)
    top = float(x.max())
    runs = _runs(x >= top * 0.9995, 3) if top > 0.5 else []
    if len(runs) < 3:
        return None
    return Sign(
        "clipped",
        {"tops": len(runs), "peak": round(top, 4)},
        _places(runs[:MOST_PLACES], sound.rate),
    )


def _runs(held: np.ndarray, least: int) -> list[tuple[int, int]]:
    """Stretches of at least so many samples in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.view(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= least
    return list(zip(starts[long].tolist(), ends[long].tolist(), strict=True))


def _places(stretches: list[tuple[int, int]], rate: int) -> tuple[tuple[float, float], ...]:
    return tuple((round(a / rate, 3), round(b / rate, 3)) for a, b in stretches[:MOST_PLACES])
