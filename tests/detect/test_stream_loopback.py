"""A real WebRTC connection inside one process: what is played on one side is heard on the other."""

import asyncio
import threading
from fractions import Fraction

import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from streamlit_webrtc import WebRtcMode
from streamlit_webrtc.sink import AudioSinkTrack
from streamlit_webrtc.webrtc import WebRtcWorker

from core.audio.clip import SAMPLE_RATE
from core.detect.stream import Take
from tests.detect.takes import RATE, QuickDetector, frames, pitch, read, sine, until

SECONDS = 4.0


class Player(MediaStreamTrack):
    """A microphone that plays samples in real time, once."""

    kind = "audio"

    def __init__(self, samples: np.ndarray) -> None:
        super().__init__()
        self._frames = frames(samples)
        self._began: float | None = None
        self._at = 0

    async def recv(self):
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._at / RATE - loop.time()))
        frame = next(self._frames, None)
        if frame is None:
            self.stop()
            raise asyncio.CancelledError
        frame.pts, frame.time_base = self._at, Fraction(1, RATE)
        self._at += frame.samples
        return frame


@pytest.fixture
def loop():
    """An event loop in a thread of its own, as the server's is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def offer_of(client: RTCPeerConnection, samples: np.ndarray) -> RTCSessionDescription:
    client.addTrack(Player(samples))
    await client.setLocalDescription(await client.createOffer())
    return client.localDescription


def worker_of(take: Take, loop: asyncio.AbstractEventLoop, relay: MediaRelay) -> WebRtcWorker:
    """The worker that the page's component makes, with the page's settings."""
    unused = dict.fromkeys(
        [
            *("source_video_track", "source_audio_track", "sink_video_track", "player_factory"),
            *("in_recorder_factory", "out_recorder_factory", "video_frame_callback"),
            *("audio_frame_callback", "queued_video_frames_callback", "on_video_ended"),
            *("queued_audio_frames_callback", "on_audio_ended", "video_processor_factory"),
            "audio_processor_factory",
        ]
    )
    return WebRtcWorker(
        mode=WebRtcMode.SENDONLY,
        rtc_configuration=RTCConfiguration(iceServers=[]),
        sink_audio_track=AudioSinkTrack(take.push),
        async_processing=True,
        video_receiver_size=4,
        audio_receiver_size=4,
        sendback_video=True,
        sendback_audio=True,
        loop=loop,
        relay=relay,
        **unused,
    )


def run(coroutine, loop, seconds: float = 30.0):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(seconds)


async def made(kind, *args):
    """Make something on the loop that it shall belong to."""
    return kind(*args)


def test_a_tone_comes_through_opus_with_its_pitch_and_length(loop, monkeypatch):
    monkeypatch.setattr("streamlit_webrtc.shutdown.get_this_session_info", lambda: None)
    client = run(made(RTCPeerConnection, RTCConfiguration(iceServers=[])), loop)
    relay = run(made(MediaRelay), loop)
    take = Take(QuickDetector)
    offer = run(offer_of(client, sine(SECONDS, 1_000)), loop)
    worker = worker_of(take, loop, relay)
    answer = worker.process_offer(offer.sdp, offer.type, timeout=20)
    try:
        run(client.setRemoteDescription(answer), loop)
        sent = round(SECONDS * 50)
        until(lambda: take.snapshot().frames >= sent - 10, 30)
        take.finish()
        shot = take.snapshot()
        heard = read(take.wav())
    finally:
        worker.stop()
        run(client.close(), loop)
        take.discard()
    assert shot.lost == 0
    assert sent - 10 <= shot.frames <= sent
    assert len(heard) == pytest.approx(shot.frames * SAMPLE_RATE / 50, abs=4)
    assert pitch(heard[SAMPLE_RATE // 2 :]) == pytest.approx(1_000, abs=1)
    # One tone and next to nothing else: no clicks, no gaps.
    middle = heard[SAMPLE_RATE : 3 * SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    near = slice(2_000 - 40, 2_000 + 40)
    assert spectrum[near].sum() > 0.999 * spectrum.sum()
