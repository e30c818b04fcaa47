"""The tracks of a file: all are named, one is decoded, and another can be asked for."""

import io

import av
import numpy as np
import pytest
from av.stream import Disposition

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding import decode
from core.audio.isolated import decode_safely


def of_tracks(format_: str, codec: str, tracks: list[tuple[np.ndarray, str, str, bool]]) -> bytes:
    """Samples, language, title, and whether players are to choose it, for each track."""
    file = io.BytesIO()
    with av.open(file, "w", format=format_) as container:
        made = []
        for _, language, title, default in tracks:
            stream = container.add_stream(codec, rate=48_000, layout="mono")
            stream.metadata.update({"language": language, "title": title, "handler_name": title})
            stream.disposition = Disposition.default if default else Disposition(0)
            made.append(stream)
        for stream, (samples, *_) in zip(made, tracks, strict=True):
            whole = np.repeat(samples, 3)[None]
            frame = av.AudioFrame.from_ndarray(
                np.round(whole * 32_767).astype(np.int16), "s16", "mono"
            )
            frame.sample_rate, frame.pts = 48_000, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module", params=[("mp4", "aac"), ("matroska", "libopus"), ("mpegts", "mp2")])
def film(request, speech: np.ndarray) -> tuple[str, bytes]:
    format_, codec = request.param
    quiet = 0.1 * speech[::-1]
    tracks = [(speech, "eng", "Interview", False), (quiet, "deu", "Gespräch", True)]
    return format_, of_tracks(format_, codec, tracks)


def test_tracks_are_named_and_players_choice_is_decoded(film, speech: np.ndarray) -> None:
    format_, data = film
    clip = decode(data)
    one, two = clip.source.tracks
    assert (one.number, two.number) == (1, 2)
    assert (one.language, two.language) == ("eng", "deu")
    if format_ != "mpegts":  # has no titles and no default
        assert (one.title, two.title) == ("Interview", "Gespräch")
        assert (one.default, two.default, clip.source.track) == (False, True, 2)
    else:
        assert (one.default, two.default, clip.source.track) == (True, False, 1)
    assert one.level_db - two.level_db == pytest.approx(20, abs=1)
    assert (one.sample_rate, one.channels) == (48_000, 1)
    if format_ != "mpegts":
        assert one.duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.1)


@pytest.mark.parametrize("how", [decode, decode_safely])
def test_another_track_can_be_asked_for(how, film, speech: np.ndarray) -> None:
    for track, expected in ((1, speech), (2, 0.1 * speech[::-1])):
        clip = how(film[1], track=track)
        assert clip.source.track == track
        assert clip.source.tracks == decode(film[1]).source.tracks
        power = np.sqrt((clip.samples**2).mean() / (expected**2).mean())
        assert power == pytest.approx(1, rel=0.15)
    for track in (0, 3):
        with pytest.raises(AudioError, match=f"no audio track {track}") as caught:
            how(film[1], track=track)
        assert caught.value.code == "no_audio_track"


def test_formats_of_one_track(speech: np.ndarray, make_sound, make_media) -> None:
    for data in (make_sound("WAV", "PCM_16", speech), make_media("mp3", "libmp3lame", speech)):
        assert (decode(data).source.tracks, decode(data, track=1).source.track) == ((), 1)
        with pytest.raises(AudioError, match="no audio track 2"):
            decode(data, track=2)
