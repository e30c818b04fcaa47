"""One recording for all audio tests, and media files made from it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

SPEECH = Path(__file__).parents[1] / "data" / "speech.flac"


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """2.7 s of real speech, float32, 16 kHz."""
    return decode(SPEECH).samples


@pytest.fixture(scope="session")
def voice(speech: np.ndarray) -> np.ndarray:
    """The same without what lies above 6.4 kHz, so that changes of rate lose nothing."""
    down = soxr.resample(speech, SAMPLE_RATE, 14_000, "VHQ")
    return soxr.resample(down, 14_000, SAMPLE_RATE, "VHQ")


@pytest.fixture(scope="session")
def make_media():
    """A function that encodes samples with FFmpeg: ``make(format, codec, samples, rate=48000)``."""
    return _make_media


@pytest.fixture(scope="session")
def make_sound():
    """A function that writes samples with libsndfile: ``make(format, subtype, samples, rate)``."""
    return _make_sound


@pytest.fixture(scope="session")
def remux():
    """A function that copies packets into a new file, without some, later, or twice."""
    return _remux


def _make_sound(format_: str, subtype: str, samples: np.ndarray, rate: int = SAMPLE_RATE) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format_, subtype=subtype)
    return file.getvalue()


def _make_media(
    format_: str,
    codec: str | None,
    samples: np.ndarray,
    rate: int = 48_000,
    *,
    video: bool = False,
    options: dict[str, str] | None = None,
    bit_rate: int = 0,
) -> bytes:
    """16 kHz samples in any container; ``codec`` None leaves the sound out."""
    import av

    sound = soxr.resample(samples, SAMPLE_RATE, rate) if rate != SAMPLE_RATE else samples
    file = io.BytesIO()
    container = av.open(file, "w", format=format_, options=options or {})
    picture = track = None
    if video:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
    if codec:
        track = container.add_stream(codec, rate=rate, layout="mono")
        if bit_rate:
            track.bit_rate = bit_rate
    if picture is not None:
        for _ in range(25 * len(samples) // SAMPLE_RATE):
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            container.mux(picture.encode(image))
        container.mux(picture.encode(None))
    if track is not None:
        integers = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
        for start in range(0, len(integers), 1 << 16):
            block = np.ascontiguousarray(integers[None, start : start + (1 << 16)])
            frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    container.close()
    return file.getvalue()


def _remux(
    data: bytes,
    format_: str,
    keep: Callable[[float], bool] = lambda second: True,
    *,
    later_s: float = 0.0,
    pace: float = 1.0,
    twice: bool = False,
) -> bytes:
    """The packets of the first audio track whose second of the sound is kept, time stamps moved."""
    import av

    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(file, "w", format=format_) as made:
        stream = given.streams.audio[0]
        zero = float(stream.start_time * stream.time_base) if format_ == "mpegts" else 0.0
        track = made.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if not packet.size or not keep(float(packet.pts * packet.time_base) - zero):
                continue
            for _ in range(1 + twice):
                again = av.Packet(bytes(packet))
                again.time_base, again.duration = packet.time_base, packet.duration
                again.pts = round(packet.pts * pace + later_s / float(packet.time_base))
                again.dts, again.stream = again.pts, track
                made.mux(again)
    return file.getvalue()
