"""Send sound through a real telephone or internet codec and back, in memory.

The encoders and decoders are FFmpeg's (through PyAV) and libsndfile's. Which of them this
installation has is found out at run time; see `available`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding.frames import frame_samples, to_float


@dataclass(frozen=True)
class Codec:
    """One way that speech travels.

    Attributes
    ----------
    label : str
        Name for people.
    family : str
        ``telephone``, ``internet`` (calls and messengers) or ``file``.
    rate : int
        Sampling rate at which the encoder works, in hertz.
    encoder, decoder : str
        FFmpeg's names; empty for plain resampling, ``sndfile:<subtype>`` for libsndfile's.
    bit_rate : int
        Bits per second; 0 where the codec has only one.
    options : dict of str to str
        Further settings of the encoder.
    """

    label: str
    family: Literal["telephone", "internet", "file"]
    rate: int
    encoder: str
    decoder: str
    bit_rate: int = 0
    options: dict[str, str] = field(default_factory=dict)


_VOIP = {"application": "voip"}

CODECS: dict[str, Codec] = {
    "8k": Codec("8 kHz resampling", "telephone", 8_000, "", ""),
    "g711-mulaw": Codec("G.711 mu-law", "telephone", 8_000, "pcm_mulaw", "pcm_mulaw"),
    "g711-alaw": Codec("G.711 A-law", "telephone", 8_000, "pcm_alaw", "pcm_alaw"),
    "g722": Codec("G.722 64 kbit/s", "telephone", 16_000, "g722", "g722"),
    "gsm": Codec("GSM full rate 13 kbit/s", "telephone", 8_000, "sndfile:GSM610", "sndfile"),
    "amr-nb": Codec("AMR 12.2 kbit/s", "telephone", 8_000, "libopencore_amrnb", "amrnb", 12_200),
    "amr-nb-4.75": Codec(
        "AMR 4.75 kbit/s", "telephone", 8_000, "libopencore_amrnb", "amrnb", 4_750
    ),
    "amr-wb": Codec("AMR-WB 12.65 kbit/s", "telephone", 16_000, "libvo_amrwbenc", "amrwb", 12_650),
    "opus-8": Codec("Opus 8 kbit/s", "internet", 16_000, "libopus", "opus", 8_000, _VOIP),
    "opus-16": Codec("Opus 16 kbit/s", "internet", 16_000, "libopus", "opus", 16_000, _VOIP),
    "opus-24": Codec("Opus 24 kbit/s", "internet", 16_000, "libopus", "opus", 24_000, _VOIP),
    "opus-64": Codec("Opus 64 kbit/s", "internet", 48_000, "libopus", "opus", 64_000),
    "mp3-32": Codec("MP3 32 kbit/s", "file", 16_000, "libmp3lame", "mp3", 32_000),
    "mp3-128": Codec("MP3 128 kbit/s", "file", 44_100, "libmp3lame", "mp3", 128_000),
    "aac-32": Codec("AAC 32 kbit/s", "file", 16_000, "aac", "aac", 32_000),
    "aac-128": Codec("AAC 128 kbit/s", "file", 44_100, "aac", "aac", 128_000),
}
"""Every codec by its id."""

_MAX_DELAY_S = 0.25  # longer than any codec here delays
_BLOCK = 1 << 16  # samples handed to an encoder at a time


@cache
def available() -> dict[str, str | None]:
    """Which codecs this installation can both encode and decode.

    Returns
    -------
    dict of str to (str or None)
        For every id of `CODECS`: None if it works, otherwise a sentence that says what is missing.
    """
    return {name: _missing(codec) for name, codec in CODECS.items()}


def _missing(codec: Codec) -> str | None:
    if codec.encoder.startswith("sndfile:"):
        import soundfile

        if codec.encoder.removeprefix("sndfile:") in soundfile.available_subtypes("WAV"):
            return None
        return f"The installed libsndfile cannot encode {codec.label}."
    if codec.encoder:
        import av

        for name, mode, verb in ((codec.encoder, "w", "encode"), (codec.decoder, "r", "decode")):
            try:
                av.codec.Codec(name, mode)  # type: ignore[arg-type]
            except ValueError:
                return f"The installed FFmpeg cannot {verb} {codec.label}."
    return None


def check(codec: str) -> None:
    """Make sure that a codec can be used here.

    Raises
    ------
    ValueError
        If there is no such codec, or this installation lacks it.
    """
    if codec not in CODECS:
        raise ValueError(f"There is no codec {codec!r}; there are {', '.join(CODECS)}.")
    if reason := available()[codec]:
        raise ValueError(reason)


@dataclass(frozen=True, eq=False)
class Coded:
    """What came out of a trip through a codec.

    Attributes
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, 16 kHz, aligned with the input.
    bit_rate : float
        Bits that the encoder put out for a second of sound, frame headers included; 0 where
        nothing is encoded.
    """

    samples: np.ndarray
    bit_rate: float


def encode_decode(samples: np.ndarray, codec: str) -> np.ndarray:
    """Encode and decode an array.

    The codec's own delay is removed, to within a few milliseconds.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, mono at 16 kHz; what exceeds [-1, 1] is clipped, as codecs do.
    codec : str
        Id in `CODECS`.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``, 16 kHz, aligned with the input.

    Raises
    ------
    ValueError
        If there is no such codec, or this installation lacks it.
    """
    return coded(samples, codec).samples


def coded(samples: np.ndarray, codec: str) -> Coded:
    """As `encode_decode`, with the bit rate that the encoder really had."""
    check(codec)
    if not len(samples):
        return Coded(np.zeros(0, np.float32), 0.0)
    return _aligned(np.asarray(samples, np.float32), CODECS[codec], _delay(codec))


# --- one trip --------------------------------------------------------------------------------


def _aligned(samples: np.ndarray, codec: Codec, delay: int) -> Coded:
    # Silence behind the sound pushes the last of it through the codec.
    padded = np.pad(samples, (0, int(_MAX_DELAY_S * SAMPLE_RATE)))
    heard, rate, size = _trip(padded, codec)
    # Phones and players put out integers: what decoders and resamplers overshoot is cut off.
    out = _resampled(heard[delay:].clip(-1, 1), rate, SAMPLE_RATE)[: len(samples)].clip(-1, 1)
    out = np.pad(out, (0, len(samples) - len(out)))
    return Coded(out, 8 * size * SAMPLE_RATE / len(padded))


def _trip(samples: np.ndarray, codec: Codec) -> tuple[np.ndarray, int, int]:
    """Through the codec, delay and all.

    Returns
    -------
    (numpy.ndarray, int, int)
        The decoder's samples, float32 ``[m]``, their rate in hertz, and the encoded bytes.
    """
    sound = _resampled(samples, SAMPLE_RATE, codec.rate).clip(-1, 1)
    if codec.encoder.startswith("sndfile:"):
        return _through_sndfile(sound, codec)
    if codec.encoder:
        return _through_ffmpeg(sound, codec)
    return sound, codec.rate, 0


def _resampled(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    if rate == to:
        return samples
    import soxr

    return soxr.resample(samples, rate, to, "HQ")


def _through_sndfile(samples: np.ndarray, codec: Codec) -> tuple[np.ndarray, int, int]:
    import soundfile

    file = io.BytesIO()
    subtype = codec.encoder.removeprefix("sndfile:")
    soundfile.write(file, samples, codec.rate, subtype, format="WAV")
    size = len(file.getvalue().partition(b"data")[2]) - 4  # without the header
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0], codec.rate, size


def _through_ffmpeg(samples: np.ndarray, codec: Codec) -> tuple[np.ndarray, int, int]:
    import av

    encoder: Any = av.CodecContext.create(codec.encoder, "w")
    formats = [f.name for f in encoder.codec.audio_formats or ()]
    encoder.format = "s16" if "s16" in formats else formats[0]
    encoder.layout = "mono"
    encoder.sample_rate = codec.rate
    if codec.bit_rate:
        encoder.bit_rate = codec.bit_rate
    encoder.options = dict(codec.options)
    encoder.open()
    decoder: Any = av.CodecContext.create(codec.decoder, "r")
    decoder.layout = "mono"
    decoder.sample_rate = codec.rate
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    blocks: list[np.ndarray] = []
    rate, size = codec.rate, 0

    def hear(packets: list[Any]) -> None:
        nonlocal rate, size
        for packet in packets:
            size += packet.size if packet else 0
            for frame in decoder.decode(packet):
                rate = frame.sample_rate
                blocks.append(to_float(frame_samples(frame)[:, 0]))

    integers = np.round(samples * 32767).astype(np.int16)
    for start in range(0, len(integers), _BLOCK):
        block = integers[None, start : start + _BLOCK]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", "mono")
        frame.sample_rate = codec.rate
        frame.pts = start
        hear(encoder.encode(frame))
    hear(encoder.encode(None))
    hear([None])
    return (np.concatenate(blocks) if blocks else np.zeros(0, np.float32)), rate, size


@cache
def _delay(name: str) -> int:
    """By how many of the decoder's samples a codec delays, measured once with a probe.

    The probe is a train of irregular, voice-like pulses: speech codecs reproduce such a waveform,
    and no two of its parts are alike.
    """
    codec = CODECS[name]
    rng = np.random.default_rng(20)
    n = 2 * SAMPLE_RATE
    probe = np.zeros(n)
    ring = np.arange(400) / SAMPLE_RATE
    at = SAMPLE_RATE // 10
    while at < n - 4000:
        for hertz in (rng.uniform(300, 800), rng.uniform(900, 2200)):
            probe[at : at + 400] += np.exp(-ring * 250) * np.sin(2 * np.pi * hertz * ring)
        at += int(rng.uniform(80, 220))
    probe *= 0.3 / np.abs(probe).max()
    heard, rate, _ = _trip(probe.astype(np.float32), codec)
    probe = _resampled(probe, SAMPLE_RATE, rate)
    size = 1 << (len(probe) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(probe, size))
    correlation = np.fft.irfft(spectrum, size)
    return int(np.argmax(correlation[: int(_MAX_DELAY_S * rate)]))
