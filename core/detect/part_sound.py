"""What the sound of a stretch itself says against a verdict on it.

A clip's own measurements are of all its speech, so they show nothing of a short part that came
over a telephone or was overdriven. Human speech of such a kind scores as synthetic too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.quality import NARROW_HZ, band_and_clipping, speech_in
from core.detect.detection import Stretch

PIECE_S, STEP_S = 1.0, 0.5
"""A stretch is measured piece by piece, and the median counts: its ends reach into the rest."""

LEAST_SPEECH = 0.5
"""Share of a piece that must be speech for it to count."""

CLIPPED_HARD = 0.02
"""Share of a stretch's speech in flat tops from which it is not judged. Of 314 stretches of 1.5 and
4 s none exceeded 0.002; most of those cut 12 dB below their peak reach it, all cut 18 dB below."""


def sounding(
    clip: Clip, stretches: Sequence[Stretch], speech: Sequence[tuple[float, float]]
) -> tuple[Stretch, ...]:
    """Stretches of a clip with what was measured of their own sound.

    Parameters
    ----------
    clip : Clip
        In which they lie.
    stretches : sequence of Stretch
        In seconds of the clip.
    speech : sequence of (float, float)
        Spans of speech in seconds, as `Quality.speech`.
    """
    return tuple(_measured(clip.samples, stretch, speech) for stretch in stretches)


def _measured(
    samples: np.ndarray, stretch: Stretch, speech: Sequence[tuple[float, float]]
) -> Stretch:
    count = max(1, int((stretch.end_s - stretch.start_s - PIECE_S) / STEP_S + 1e-6) + 1)
    pieces = [
        (start, min(stretch.end_s, start + PIECE_S))
        for start in (stretch.start_s + i * STEP_S for i in range(count))
    ]
    shares = [speech_in(speech, a, b) / (b - a) for a, b in pieces]
    least = min(LEAST_SPEECH, max(shares))
    found = []
    for (a, b), share in zip(pieces, shares, strict=True):
        if share < least:
            continue
        first, last = round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)
        cut = [
            (max(first, round(x * SAMPLE_RATE)), min(last, round(y * SAMPLE_RATE)))
            for x, y in speech
        ]
        spans = [(x, y) for x, y in cut if x < y]
        found.append(band_and_clipping(samples, spans or [(first, last)]))
    # Of two in the middle the one that speaks against a verdict: one may reach into the rest.
    bands, shares_cut = zip(*found, strict=True)
    band = np.quantile(bands, 0.5, method="lower")
    clipped = np.quantile(shares_cut, 0.5, method="higher")
    return replace(stretch, bandwidth_hz=float(band), clipped_share=float(clipped))


def unjudged(stretch: Stretch) -> str:
    """Why a stretch earns no verdict by its own sound, as a sentence; empty where it may.

    A stretch of which nothing was measured may.
    """
    band, clipped = stretch.bandwidth_hz, stretch.clipped_share
    if band is not None and band < NARROW_HZ:
        return (
            f"Its own sound ends at {band / 1000:.1f} kHz, as over a telephone, so it was not "
            "judged by itself."
        )
    if clipped is not None and clipped >= CLIPPED_HARD:
        return (
            f"About {100 * clipped:.0f} % of its speech is cut flat, so it was not judged by "
            "itself."
        )
    return ""
