"""Traces of a codec that loses: the grid of frames on which it rounded a sound's spectrum.

Such a codec cuts sound into frames, transforms each, and rounds; many lines become nothing. Whoever
transforms the decoded sound with the same frames finds these holes again; a sample beside the grid
they are filled.

Source: J. Herre and M. Schug, "Analysis of Decompressed Audio - The Inverse Decoder", 109th AES
Convention, 2000; ISO/IEC 11172-3 and 14496-3 for the transforms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.fft import dct

from core.provenance.found import Sign
from core.provenance.native import Native

SCANNED, CHECKED, LEAST_FRAMES = 12, 40, 24
"""Frames over which every place of the grid is tried, others on which the best are checked, and how
many there must be together."""

BEST, BESIDE = 2, 20
"""Places that are checked, each against those up to so many samples away."""

DEEP = 7.0
"""Least depth of a place on the grid, in deviations of those beside it."""

WORTH = 3.0
"""The same over the frames that are scanned, for a place to be checked."""

LEAST_VALUES = 64
"""Of different samples, for all of them to be those of G.711."""

_TOGETHER = 4
"""Places of a grid that are transformed at a time: the calls cost as much as their work."""

_FLOOR = 0.1  # of a line's energy, in squared steps of 16 bits: what rounding leaves in a hole


Lines = Callable[[np.ndarray, list[int], int], Iterator[np.ndarray]]
"""Sound, places of a grid, how many frames -> energies ``[frames, lines]`` for each place."""


@dataclass(frozen=True)
class Frames:
    """How codecs cut sound into frames.

    Attributes
    ----------
    hop, reach : int
        Samples from frame to frame, and those that a frame hears.
    own : tuple of str
        FFmpeg's decoders whose sound lies on such a grid by itself.
    scan : callable
        `Lines` by which the place is looked for.
    codecs : tuple of Codec
        Those that do.
    """

    hop: int
    reach: int
    own: tuple[str, ...]
    scan: Lines
    codecs: tuple[Codec, ...]


@dataclass(frozen=True)
class Codec:
    """One that cuts sound into such frames.

    Attributes
    ----------
    code : str
        Of its sign.
    lines : callable
        Its own `Lines`.
    step : int
        What its grid moves by where short frames come between; 0 for one that stays.
    shapes : tuple of callable
        `Lines` of all shapes that its frames may have, where those are several.
    """

    code: str
    lines: Lines
    step: int = 0
    shapes: tuple[Lines, ...] = ()


def codecs_before(sound: Native) -> Iterator[Sign]:
    """Codecs through which the sound went before it came into this file."""
    if (companded := g711(sound)) is not None:
        yield companded
    for frames in _grids(sound):
        if (found := grid(sound, frames)) is not None:
            yield Sign(found[0], {"lossless": sound.lossless, "again": sound.codec in frames.own})


def grid(sound: Native, frames: Frames) -> tuple[str, int] | None:
    """Whose frames lie in a sound, and where modulo their hop; None for none but the file's own."""
    held = (len(sound.samples) - frames.reach) // frames.hop - 1
    if held < LEAST_FRAMES or sound.codec == "vorbis":  # whose frames are of two lengths
        return None
    scanning = min(SCANNED, held // 3)
    checking = min(CHECKED, held - scanning)
    need = frames.hop * (scanning + checking + 1) + frames.reach
    start = _loudest(sound.samples, need)
    x = np.ascontiguousarray(sound.samples[start : start + need]) * np.float32(2**15)
    scanned = _levels(frames.scan, x, list(range(frames.hop)), scanning)
    if sound.codec in frames.own:
        own = (sound.joint - start) % frames.hop
        scanned[(own + np.arange(-BESIDE // 2, BESIDE // 2 + 1)) % frames.hop] = np.inf
    x = x[frames.hop * scanning :]
    found: list[tuple[float, str, int]] = []
    for codec in frames.codecs:
        step = codec.step or frames.hop
        depths = _depths(scanned, step)
        for place in map(int, np.argsort(depths)[:BEST]):
            # Beside a file's own grid all is low, but nothing stands out.
            beside = [(place + k) % step for k in range(-BESIDE, BESIDE + 1) if abs(k) > 1]
            beside = [at for at in beside if np.isfinite(depths[at])]
            if _stands_out(depths[[place, *beside]]) < WORTH:
                continue
            moved = [at + k for k in range(0, frames.hop, step) for at in (place, *beside)]
            checked = _levels(codec.lines, x, moved, checking)
            if _stands_out(_depths(checked, 1 + len(beside))) >= DEEP:
                found.append(_closest(frames, x, place, checking))
    if not found:
        return None
    _, code, place = min(found)
    return code, (start + place) % frames.hop


def _stands_out(depths: np.ndarray) -> float:
    """How far the first lies below the others, in their deviations."""
    here, usual = float(depths[0]), depths[1:]
    middle = float(np.median(usual))
    return (middle - here) / (1.4826 * float(np.median(np.abs(usual - middle))) + 1e-3)


def _closest(frames: Frames, x: np.ndarray, place: int, checking: int) -> tuple[float, str, int]:
    """Whose frames leave least there: windows are so alike that one finds another's grid."""
    step = min(codec.step or frames.hop for codec in frames.codecs)
    same = [(place + k) % frames.hop for k in range(0, frames.hop, step)]
    left = []
    for codec in frames.codecs:
        shapes = codec.shapes or (codec.lines,)
        lowest = np.min([_levels(shape, x, same, checking) for shape in shapes], axis=0)
        left.append((float(_depths(lowest, 1)[0]), codec.code, place))
    return min(left)


def _levels(lines: Lines, x: np.ndarray, places: list[int], frames: int) -> np.ndarray:
    """Mean logarithm of every frame's lines, ``[places, frames]``: low where there are holes."""
    ordered = sorted(set(places), key=lambda at: (at % 32, at))
    made = {
        at: np.log(energy + _FLOOR).mean(axis=1)
        for at, energy in zip(ordered, lines(x, ordered, frames), strict=True)
    }
    return np.array([made[at] for at in places])


def _depths(levels: np.ndarray, step: int) -> np.ndarray:
    """Mean over frames for each place of a grid, each frame where it is lowest of those so far
    apart."""
    moved = levels.reshape(-1, step, levels.shape[1]).min(axis=0)
    return np.asarray(moved.mean(axis=1))


def _loudest(x: np.ndarray, need: int) -> int:
    """Where the stretch of most energy begins."""
    if len(x) <= need:
        return 0
    energy = np.concatenate([[0.0], np.cumsum(x.astype(np.float64) ** 2)])
    starts = np.arange(0, len(x) - need + 1, 256)
    return int(starts[np.argmax(energy[starts + need] - energy[starts])])


def _framed(x: np.ndarray, start: int, count: int, length: int, hop: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x[start:], length)
    return windows[: (count - 1) * hop + 1 : hop]


def _cosine(window: np.ndarray) -> Lines:
    """Frames of one transform, as AAC's and Vorbis's."""

    def lines(x: np.ndarray, places: list[int], frames: int) -> Iterator[np.ndarray]:
        hop = len(window) // 2
        heard = np.lib.stride_tricks.sliding_window_view(x, 2 * hop)
        for first in range(0, len(places), _TOGETHER):
            starts = np.add.outer(places[first : first + _TOGETHER], hop * np.arange(frames))
            a, b, c, d = np.split(heard[starts] * window, 4, axis=2)
            folded = np.concatenate([-c[..., ::-1] - d, a - b[..., ::-1]], axis=2)
            made = dct(folded, type=4, axis=2, norm="ortho", overwrite_x=True)
            yield from made[..., hop // 32 : -hop // 8] ** 2

    return lines


def _mp3(x: np.ndarray, places: list[int], frames: int) -> Iterator[np.ndarray]:
    """MP3's bank of 32 filters, a transform of 18 lines in each, and what cancels its aliases."""
    bank = _bank()
    n, k = np.arange(36)[:, None], np.arange(18)[None]
    even = np.sin(np.pi / 36 * (n + 0.5)) * np.cos(np.pi / 72 * (2 * n + 19) * (2 * k + 1)) / 3
    even = even.astype(np.float32)
    odd = even * np.where(n % 2, -1, 1).astype(np.float32)  # where spectra stand on their heads
    c = np.array([-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037], np.float32)
    keep, cross = 1 / np.sqrt(1 + c * c), c / np.sqrt(1 + c * c)
    at_phase, bands = -1, np.empty(0)
    for at in places:
        if at % 32 != at_phase:
            at_phase = at % 32
            bands = _framed(x, at_phase, 18 * (frames + 2), 512, 32) @ bank.T
        steps = _framed_rows(bands[at // 32 :], frames)
        made = np.empty((frames, 32, 18), np.float32)
        made[:, 0::2] = np.matmul(steps[:, 0::2], even)
        made[:, 1::2] = np.matmul(steps[:, 1::2], odd)
        low, high = made[:, :-1, 17:9:-1].copy(), made[:, 1:, :8].copy()
        made[:, :-1, 17:9:-1] = low * keep + high * cross
        made[:, 1:, :8] = high * keep - low * cross
        yield made.reshape(frames, 576)[:, 20:500] ** 2


def _framed_rows(bands: np.ndarray, frames: int) -> np.ndarray:
    """36 steps of each band for every frame, shape ``[frames, 32, 36]``."""
    windows = np.lib.stride_tricks.sliding_window_view(bands, 36, axis=0)
    return windows[: (frames - 1) * 18 + 1 : 18]


@functools.cache
def _bank() -> np.ndarray:
    """MP3's 32 filters, shape ``[32, 512]``, as FFmpeg's decoder answers to one sample in each.

    Its prototype is a table of the standard that no formula gives; frames of Layer I, which hold
    samples of bands as they are, ask for it.
    """
    import av

    answers = []
    for band in range(32):
        decoder: Any = av.CodecContext.create("mp1float", "r")
        heard = [
            frame.to_ndarray().ravel()
            for number in range(4)
            for frame in decoder.decode(av.Packet(_layer_1(band, number == 1)))
        ]
        answers.append(np.concatenate(heard)[384 : 384 + 512])
    bank = np.stack(answers).astype(np.float32)
    return bank / np.sqrt((bank**2).sum(axis=1, keepdims=True))


def _layer_1(band: int, struck: bool) -> bytes:
    """A frame of MPEG-1 Layer I, 48 kHz, mono, 448 kbit/s: silence, or one sample in a band."""
    fields = [(0xFFFF, 16), (0xE4, 8), (0xC0, 8)]
    fields += [(14 if one == band else 0, 4) for one in range(32)] + [(0, 6)]
    nothing = 2**14 - 1
    fields += [(2**15 - 2 if struck and step == 0 else nothing, 15) for step in range(12)]
    bits = "".join(f"{value:0{width}b}" for value, width in fields).ljust(8 * 448, "0")
    return int(bits, 2).to_bytes(448, "big")


def _kaiser(length: int, alpha: float = 4.0) -> np.ndarray:
    total = np.cumsum(np.kaiser(length // 2 + 1, np.pi * alpha))
    half = np.sqrt(total[:-1] / total[-1])
    return np.concatenate([half, half[::-1]]).astype(np.float32)


def _sine(length: int) -> np.ndarray:
    return np.sin(np.pi / length * (np.arange(length) + 0.5)).astype(np.float32)


def _vorbis(length: int) -> np.ndarray:
    return np.sin(np.pi / 2 * _sine(length) ** 2).astype(np.float32)


def g711(sound: Native) -> Sign | None:
    """Samples of 16 bits that take no other value than the 256 of G.711."""
    if sound.exact is None or sound.bits != 16 or sound.floating:
        return None
    values = np.unique(sound.exact >> 16)
    if not LEAST_VALUES <= len(values) <= 256:
        return None
    for law, table in (("mu-law", _mu_law()), ("A-law", _a_law())):
        if np.isin(values, table).all():
            return Sign("codec-g711", {"law": law, "values": len(values)})
    return None


def _mu_law() -> np.ndarray:
    """Source: ITU-T G.711, table 2, in steps of 16 bits."""
    step, chord = np.arange(16)[None], np.arange(8)[:, None]
    levels = (((2 * step + 33) << chord) - 33) * 4
    return np.concatenate([levels.ravel(), -levels.ravel()])


def _a_law() -> np.ndarray:
    """Source: ITU-T G.711, table 1, in steps of 16 bits."""
    step, chord = np.arange(16)[None], np.arange(1, 8)[:, None]
    levels = np.concatenate([(2 * step + 1) * 8, (2 * step + 33) << (chord + 2)])
    return np.concatenate([levels.ravel(), -levels.ravel()])


_MP3_GRID = Frames(576, 512 + 36 * 32, ("mp3float", "mp3"), _mp3, (Codec("codec-mp3", _mp3),))
_SINE, _KAISER = _sine(2048), _kaiser(2048)
# An encoder may change the shape from frame to frame, each half as its neighbour's.
_SHAPES = tuple(
    _cosine(np.concatenate([rise[:1024], fall[1024:]]))
    for rise in (_SINE, _KAISER)
    for fall in (_SINE, _KAISER)
)
_AAC_GRID = Frames(
    1024, 2048, ("aac",),
    _cosine(_vorbis(2048)),  # which lies between the two windows of AAC
    (
        Codec("codec-aac", _cosine(_SINE), shapes=_SHAPES),
        Codec("codec-aac", _cosine(_KAISER), shapes=_SHAPES),
    ),
)  # fmt: skip


@functools.cache
def _vorbis_grid(long: int, step: int) -> Frames:
    lines = _cosine(_vorbis(long))
    return Frames(long // 2, long, (), lines, (Codec("codec-vorbis", lines, step),))


def _grids(sound: Native) -> tuple[Frames, ...]:
    """Those to look for; Vorbis only where no other codec's frames lie over it.

    Its frames are as long as libvorbis 1.3.7 chooses them for a rate. A run of short ones moves
    the long ones by multiples of a step.
    """
    if not sound.lossless:
        return _MP3_GRID, _AAC_GRID
    if sound.rate < 26_000:
        return _MP3_GRID, _AAC_GRID, _vorbis_grid(1024 if sound.rate >= 15_000 else 512, 256)
    # Where both have the same hop the deeper one counts.
    both = (*_AAC_GRID.codecs, *_vorbis_grid(2048, 128).codecs)
    return _MP3_GRID, replace(_AAC_GRID, codecs=both)
