"""What is done to a clip before it is judged again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.audio import acoustics, codecs

RT60_S, DIRECT_DB = 0.5, 0.0
"""A furnished living room, heard from where its reverberation is as loud as the voice itself."""


Kind = Literal["telephone", "internet", "file", "noise", "room", "speed", "level"]


Change = Callable[[np.ndarray, float], tuple[np.ndarray, str]]


@dataclass(frozen=True)
class Condition:
    """One thing that may happen to a clip.

    Attributes
    ----------
    id, label : str
        For programs and for people.
    kind : str
        ``telephone``, ``internet`` or ``file`` (codecs), ``noise``, ``room``, ``speed``, ``level``.
    change : callable
        From samples, float32 ``[n]``, and the RMS of their speech to changed samples, float32
        ``[m]``, and a note for people, which may be empty.
    """

    id: str
    label: str
    kind: Kind
    change: Change


def _coded(codec: str) -> Change:
    def change(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
        sent = codecs.coded(samples, codec)
        note = f"Encoded at {sent.bit_rate / 1000:.1f} kbit/s." if sent.bit_rate else ""
        return sent.samples, note

    return change


def _noisy(snr_db: float) -> Change:
    def change(samples: np.ndarray, speech_rms: float) -> tuple[np.ndarray, str]:
        noisy = acoustics.add_noise(samples, snr_db, speech_rms, np.random.default_rng(1))
        return acoustics.within_full_scale(noisy), ""

    return change


def _roomy(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
    response = acoustics.room_response(RT60_S, DIRECT_DB, np.random.default_rng(2))
    return acoustics.within_full_scale(acoustics.in_room(samples, response)), ""


def _sped(factor: float) -> Change:
    return lambda samples, _: (acoustics.at_speed(samples, factor), "")


def _louder(db: float) -> Change:
    def change(samples: np.ndarray, _: float) -> tuple[np.ndarray, str]:
        loud, cut = acoustics.gain(samples, db)
        return loud, f"{100 * cut:.2g} % of the samples were cut flat." if cut else ""

    return change


CONDITIONS: dict[str, Condition] = {
    condition.id: condition
    for condition in (
        *(Condition(name, c.label, c.family, _coded(name)) for name, c in codecs.CODECS.items()),
        *(
            Condition(f"noise-{snr}", f"Noise at {snr} dB SNR", "noise", _noisy(snr))
            for snr in (30, 20, 10)
        ),
        Condition("room", f"Room, rings {RT60_S:g} s", "room", _roomy),
        Condition("speed-0.9", "Speed × 0.9", "speed", _sped(0.9)),
        Condition("speed-1.1", "Speed × 1.1", "speed", _sped(1.1)),
        Condition("gain-20", "20 dB quieter", "level", _louder(-20)),
        Condition("gain+6", "6 dB louder", "level", _louder(6)),
    )
}
"""Every condition by its id."""


def known_condition(id: str) -> Condition:
    if id not in CONDITIONS:
        raise ValueError(f"There is no condition {id!r}; there are {', '.join(CONDITIONS)}.")
    return CONDITIONS[id]
