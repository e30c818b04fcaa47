"""The sound itself, measured before any model hears it, and what it says against a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip, Source
from core.audio.speech import FRAME, speech_probabilities, speech_spans

MIN_JUDGED_S = 1.0
"""With less speech than this a score says more of the padding than of the voice."""


SILENCE_DBFS = -70.0
"""Below this level a 16-bit recording has fewer than ten steps left to describe a voice."""


CLIPPED_CAUTION, CLIPPED_EXTREME = 0.01, 0.10
"""Share of speech in flat tops. Of 200 unclipped clips none exceeded 0.002; clipping 9 dB and
18 dB below the peak gives medians of 0.02 and 0.15."""


NARROW_HZ, MUFFLED_HZ = 4_600.0, 2_500.0
"""Telephone speech ends at 3.4 to 4 kHz, and 600 Hz above that in the slope of FFmpeg's resampler;
of 2,400 other clips none ended between 4 and 5.5 kHz. Below 2.5 kHz most consonants, and with them
most traces of synthesis, are gone."""


BANDWIDTH_FLOOR_DB = -60.0
"""Energy this far below the strongest band counts as none: wideband speech keeps its upper
bands above -51 dB, resampled telephone speech lies below -69 dB (medians -32 and -91 dB)."""


_FEW, _FOLLOWS = 15, 0.5
"""Frames (half a second) over which a band is held against its mirror image, and the squared
coherence from which it is that: 15 frames of other sound reach it once in 16,000 times."""


_MAX_FRAMES = 20_000  # most frames (640 s) from which spectrum and amplitudes are estimated


@dataclass(frozen=True)
class Reason:
    """Why a verdict is withheld, or what weakens it.

    Attributes
    ----------
    code : str
        A stable word for programs, for example ``no_speech``.
    text : str
        One sentence for people.
    effect : str
        ``not judged`` (no verdict is possible), ``inconclusive`` (the score is withheld as a
        verdict) or ``caution`` (the verdict stands, with less weight).
    """

    code: str
    text: str
    effect: Literal["not judged", "inconclusive", "caution"]


@dataclass(frozen=True)
class Quality:
    """What was measured of the sound itself before any detector ran.

    Attributes
    ----------
    duration_s, speech_s : float
        Seconds in all, and of speech found by the voice activity detector.
    speech : tuple of (float, float)
        Spans of speech in seconds, in order and apart.
    level_dbfs : float or None
        RMS level over the speech (over everything where there is none), dB full scale; None for
        digital silence.
    peak : float
        Largest magnitude.
    clipped_share : float
        Share of the speech's samples that sit in flat tops, 0-1, estimated from amplitudes.
    zero_share : float
        Share of samples that are exactly zero, 0-1.
    bandwidth_hz : float
        Highest frequency that carries energy of its own, in hertz: what a resampler mirrors from
        below 4 kHz to above it is none.
    """

    duration_s: float
    speech_s: float
    speech: tuple[tuple[float, float], ...]
    level_dbfs: float | None
    peak: float
    clipped_share: float
    zero_share: float
    bandwidth_hz: float


def measure(clip: Clip) -> Quality:
    """Measure a clip: speech spans, level, clipping and bandwidth; of what is there, not missing.

    Takes about 2 ms for a second of sound and a bounded amount of memory beside the clip.

    Parameters
    ----------
    clip : Clip
        At least one sample.
    """
    x = clip.samples
    missing = [(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in clip.source.missing]
    there = _without([(0, len(x))], missing) or [(0, len(x))]
    spans = _without(speech_spans(speech_probabilities(x), len(x)), missing)
    frames, odd = _frames(x, spans or there)
    return Quality(
        duration_s=clip.duration_s,
        speech_s=float(sum(end - start for start, end in spans)) / SAMPLE_RATE,
        speech=tuple((start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in spans),
        level_dbfs=_level(x, spans or there),
        peak=float(max(x.max(), -x.min())),
        clipped_share=_clipped_share(frames),
        zero_share=1.0 - int(np.count_nonzero(x)) / sum(b - a for a, b in there),
        bandwidth_hz=_bandwidth(frames, odd),
    )


def gate(quality: Quality, source: Source | None = None) -> tuple[Reason, ...]:
    """Reasons not to judge a clip, or to trust its score less.

    Parameters
    ----------
    quality : Quality
        From `measure`.
    source : Source, optional
        Where the clip came from: of one channel nothing is said of the whole recording.

    Returns
    -------
    tuple of Reason
        Empty if nothing stands against a verdict. A reason ``not judged`` stands alone: where
        there is no speech, its quality is no matter.
    """
    q = quality
    here = source.part if source else ""
    what = here.capitalize() or "The recording"
    here = here or "this recording"
    missing_s = source.missing_s() if source else 0.0
    lacks = f" {missing_s:.1f} s of it are missing from the file." if missing_s >= 0.1 else ""
    if q.level_dbfs is None or q.level_dbfs < SILENCE_DBFS:
        level = "" if q.level_dbfs is None else f" (level {q.level_dbfs:.0f} dB)"
        return (
            Reason(
                "silence",
                f"{what} is silent or nearly so{level}, so there is nothing to judge.{lacks}",
                "not judged",
            ),
        )
    if q.speech_s == 0:
        return (
            Reason(
                "no_speech",
                f"No speech was found in {here}. The detector knows voices only: music, "
                f"noise and tones are not judged.{lacks}",
                "not judged",
            ),
        )
    if q.speech_s < MIN_JUDGED_S:
        return (
            Reason(
                "too_short",
                f"Only {q.speech_s:.1f} s of speech was found; at least {MIN_JUDGED_S:g} s is "
                f"needed, and 4 s or more is better.{lacks}",
                "not judged",
            ),
        )
    reasons = []
    if source is not None and source.lacks(0.0, q.duration_s):
        reasons.append(
            Reason(
                "missing",
                f"Of {q.duration_s:.1f} s, {source.missing_s():.1f} s are missing from the file: "
                "only what is there was judged.",
                "caution",
            )
        )
    if q.clipped_share >= CLIPPED_CAUTION:
        extreme = q.clipped_share >= CLIPPED_EXTREME
        reasons.append(
            Reason(
                "clipping",
                f"The recording is overdriven: about {100 * q.clipped_share:.0f} % of the speech "
                "is cut flat, which distorts the voice"
                + (" beyond what can be judged." if extreme else "."),
                "inconclusive" if extreme else "caution",
            )
        )
    if q.bandwidth_hz < MUFFLED_HZ:
        reasons.append(
            Reason(
                "low_bandwidth",
                f"There is no sound above {q.bandwidth_hz / 1000:.1f} kHz: the frequencies that "
                "give synthetic speech away are missing.",
                "inconclusive",
            )
        )
    elif q.bandwidth_hz < NARROW_HZ:
        reasons.append(
            Reason(
                "narrow_band",
                f"The sound ends at {q.bandwidth_hz / 1000:.1f} kHz, as over a telephone: part of "
                "the evidence is missing.",
                "caution",
            )
        )
    return tuple(reasons)


def speech_in(spans: Iterable[tuple[float, float]], start_s: float, end_s: float) -> float:
    """Seconds of speech between two times.

    Parameters
    ----------
    spans : iterable of (float, float)
        As `Quality.speech`.
    start_s, end_s : float
        In seconds.

    Returns
    -------
    float
        Between 0 and ``end_s - start_s``.
    """
    return float(sum(max(0.0, min(end, end_s) - max(start, start_s)) for start, end in spans))


def band_and_clipping(samples: np.ndarray, spans: list[tuple[int, int]]) -> tuple[float, float]:
    """The bandwidth in hertz and the clipped share of spans of samples, as `measure` has them."""
    frames, odd = _frames(samples, spans)
    return _bandwidth(frames, odd), _clipped_share(frames)


def _without(spans: list[tuple[int, int]], gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without what lies in gaps; both in order and apart."""
    left: list[tuple[int, int]] = []
    first = 0
    for start, end in spans:
        while first < len(gaps) and gaps[first][1] <= start:
            first += 1
        at = first
        while at < len(gaps) and gaps[at][0] < end:
            if gaps[at][0] > start:
                left.append((start, gaps[at][0]))
            start = max(start, gaps[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left


def _frames(x: np.ndarray, spans: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Frames of speech (of anything where there is none), float32 ``[m, 512]``, evenly chosen; and
    which of them start at an odd sample."""
    starts = np.concatenate([np.arange(a, b - FRAME + 1, FRAME) for a, b in spans or [(0, len(x))]])
    if not len(starts):  # none is as long as a frame
        x = np.concatenate([x[a:b] for a, b in spans] or [x])
        x = x[: _MAX_FRAMES * FRAME]
        shreds = np.pad(x, (0, -len(x) % FRAME)).reshape(-1, FRAME)
        return shreds, np.zeros(len(shreds), bool)
    if len(starts) > _MAX_FRAMES:
        starts = starts[np.linspace(0, len(starts) - 1, _MAX_FRAMES).astype(int)]
    return np.lib.stride_tricks.sliding_window_view(x, FRAME)[starts], starts % 2 == 1


def _level(x: np.ndarray, spans: list[tuple[int, int]]) -> float | None:
    energy = sum(
        float(np.dot(part, part))
        for a, b in spans
        for part in (x[i : min(b, i + SAMPLE_RATE)] for i in range(a, b, SAMPLE_RATE))
    )
    if energy == 0:
        return None
    return float(10 * np.log10(energy / sum(b - a for a, b in spans)))


def _clipped_share(frames: np.ndarray) -> float:
    """Share of samples piled up in flat tops.

    Amplitudes of speech thin out towards the top; clipping piles them up there. Resampling makes
    flat tops ripple and overshoot by up to a quarter, so exact equality would miss them: the
    surplus of a band over the equally likely or likelier one below is counted, near the top for
    ordinary clipping and further down for extreme clipping, where ripples form the top.
    """
    magnitudes = np.sort(np.abs(frames), axis=None)
    top = magnitudes[min(len(magnitudes) - 1, int(0.999 * len(magnitudes)))]
    if top == 0:
        return 0.0

    def surplus(low: float, high: float) -> float:
        a, b = np.searchsorted(magnitudes, [low * top, high * top])
        return float((len(magnitudes) - b) - (b - a)) / len(magnitudes)

    return max(0.0, surplus(0.70, 0.85), surplus(0.40, 0.65))


def _bandwidth(frames: np.ndarray, odd: np.ndarray) -> float:
    """Highest frequency whose average power of its own lies above the floor, in hertz.

    Raised from 8 kHz without a steep filter, sound has mirror images above 4 kHz: held samples or
    zeros between them give them exactly, and a filter scales them. So a band that follows its
    mirror image in phase is none of its own. Speech has no such band.
    """
    window = np.hanning(FRAME).astype(np.float32)
    fold = FRAME // 4  # the bin at 4 kHz
    power, follows = np.zeros(FRAME // 2 + 1), []
    for i in range(0, len(frames), _FEW):
        spectra = np.fft.rfft(frames[i : i + _FEW] * window, axis=1)
        energy = np.abs(spectra) ** 2
        power += energy.sum(axis=0)
        if len(spectra) < _FEW:
            break
        whole = energy.sum(axis=1)  # what is loud once counts as one frame of several
        weight = (1.0 / np.maximum(whole, max(float(np.median(whole)), 1e-30)))[:, None]
        sign = np.where(odd[i : i + _FEW], -1.0, 1.0)[:, None]  # half a turn a sample at 8 kHz
        along = (sign * weight * spectra[:, fold:] * spectra[:, fold::-1]).sum(axis=0)
        both = (weight * energy[:, fold:]).sum(axis=0) * (weight * energy[:, fold::-1]).sum(axis=0)
        follows.append(np.abs(along) ** 2 / np.maximum(both, 1e-30))
    if follows:  # of half a second each, since a cut by one sample turns the image
        power[fold:][np.median(follows, axis=0) > _FOLLOWS] = 0.0
    # A median over nine bins (281 Hz): a lone whistle is no bandwidth.
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(power, 4, "edge"), 9), 1)
    if smooth.max() <= 0:
        return 0.0
    loud = np.flatnonzero(smooth >= smooth.max() * 10 ** (BANDWIDTH_FLOOR_DB / 10))
    return float(loud[-1]) * SAMPLE_RATE / FRAME
