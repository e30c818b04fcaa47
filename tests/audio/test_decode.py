"""Every format gives back the sound that was put in."""

import hashlib
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding import Limits, clip_from_samples, decode
from core.audio.decoding.output import OVERSCALE, Output

# format, subtype, container, codec, rate, least signal-to-noise ratio in dB
SOUND_FORMATS = [
    ("WAV", "PCM_U8", "wav", "pcm_u8", 16_000, 20),
    ("WAV", "PCM_16", "wav", "pcm_s16le", 44_100, 50),
    ("WAV", "PCM_24", "wav", "pcm_s24le", 48_000, 50),
    ("WAV", "PCM_32", "wav", "pcm_s32le", 22_050, 50),
    ("WAV", "FLOAT", "wav", "pcm_f32le", 16_000, 100),
    ("WAV", "DOUBLE", "wav", "pcm_f64le", 16_000, 100),
    ("WAV", "ULAW", "wav", "pcm_mulaw", 16_000, 25),
    ("WAV", "ALAW", "wav", "pcm_alaw", 16_000, 25),
    ("WAV", "IMA_ADPCM", "wav", "ima_adpcm", 16_000, 10),
    ("WAVEX", "PCM_16", "wav", "pcm_s16le", 16_000, 50),
    ("RF64", "PCM_16", "rf64", "pcm_s16le", 16_000, 50),
    ("AIFF", "PCM_16", "aiff", "pcm_s16be", 32_000, 50),
    ("AU", "ULAW", "au", "pcm_mulaw", 16_000, 25),
    ("CAF", "PCM_16", "caf", "pcm_s16be", 16_000, 50),
    ("FLAC", "PCM_16", "flac", "flac", 16_000, 80),
    ("FLAC", "PCM_24", "flac", "flac", 48_000, 50),
    ("OGG", "VORBIS", "ogg", "vorbis", 16_000, 5),
    ("OGG", "OPUS", "ogg", "opus", 48_000, 5),
]

# format, encoder, container, codec, rate, picture, longest shift in samples at 16 kHz, least
# correlation; without an edit list nothing says how far a codec delays
MEDIA_FORMATS = [
    ("ipod", "aac", "m4a", "aac", 44_100, False, 2, 0.98),
    ("ipod", "alac", "m4a", "alac", 48_000, False, 0, 0.999),
    ("mp4", "aac", "mp4", "aac", 48_000, True, 2, 0.98),
    ("mov", "pcm_s16le", "mov", "pcm_s16le", 48_000, True, 0, 0.999),
    ("matroska", "libopus", "matroska", "opus", 48_000, True, 2, 0.95),
    ("matroska", "flac", "matroska", "flac", 48_000, True, 0, 0.999),
    ("webm", "libopus", "webm", "opus", 48_000, False, 2, 0.95),
    ("adts", "aac", "aac", "aac", 48_000, False, 400, 0.98),
    ("mpegts", "aac", "mpegts", "aac", 48_000, True, 400, 0.98),
    ("amr", "libopencore_amrnb", "amr", "amrnb", 8_000, False, 160, 0.75),
    ("3gp", "libopencore_amrnb", "3gp", "amrnb", 8_000, False, 160, 0.75),
    ("wav", "g722", "wav", "g722", 16_000, False, 30, 0.95),
    ("mp3", "libmp3lame", "mp3", "mp3", 48_000, False, 2, 0.98),
    ("ogg", "libopus", "ogg", "opus", 48_000, False, 2, 0.95),
]


def snr(heard: np.ndarray, original: np.ndarray) -> float:
    """Signal-to-noise ratio in dB over the common length."""
    n = min(len(heard), len(original))
    noise = heard[:n] - original[:n]
    return float(10 * np.log10((original[:n] ** 2).sum() / max((noise**2).sum(), 1e-20)))


def best_match(heard: np.ndarray, original: np.ndarray) -> tuple[int, float]:
    """Lag in samples at which two signals agree best, and their correlation there."""
    size = 1 << (len(heard) + len(original)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(original, size)), size)
    lag = int(np.argmax(cross))
    lag -= size if lag > size // 2 else 0
    a, b = heard[max(0, lag) :], original[max(0, -lag) :]
    n = min(len(a), len(b))
    return lag, float(np.corrcoef(a[:n], b[:n])[0, 1])


@pytest.mark.parametrize("case", SOUND_FORMATS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_sound_files(case: tuple, voice: np.ndarray, make_sound) -> None:
    format_, subtype, container, codec, rate, least = case
    sound = soxr.resample(voice, SAMPLE_RATE, rate)
    clip = decode(make_sound(format_, subtype, sound, rate))
    assert (clip.source.container, clip.source.codec) == (container, codec)
    assert clip.source.decoder == ("ffmpeg" if format_ == "OGG" else "soundfile")
    assert clip.source.sample_rate == rate
    assert clip.source.channels == 1
    assert clip.source.notes == ()
    assert clip.samples.dtype == np.float32
    assert clip.duration_s == pytest.approx(len(voice) / SAMPLE_RATE, abs=0.04)
    assert snr(clip.samples, voice) > least


@pytest.mark.parametrize("case", MEDIA_FORMATS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_media_files(case: tuple, speech: np.ndarray, make_media) -> None:
    format_, encoder, container, codec, rate, video, shift, least = case
    clip = decode(make_media(format_, encoder, speech, rate, video=video))
    assert (clip.source.container, clip.source.codec) == (container, codec)
    assert clip.source.sample_rate == rate
    assert clip.source.notes == ()
    assert clip.duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.06)
    lag, correlation = best_match(clip.samples, speech)
    assert abs(lag) <= shift
    assert correlation > least


def test_path_bytes_and_file_objects_give_the_same_clip(
    tmp_path: Path, speech: np.ndarray, make_sound
) -> None:
    data = make_sound("FLAC", "PCM_16", speech)
    path = tmp_path / "voice.flac"
    path.write_bytes(data)
    opened = io.BytesIO(data)
    opened.seek(100)

    class Pipe(io.RawIOBase):
        """A stream that cannot seek."""

        def __init__(self) -> None:
            self.inner = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(size)

    clips = [decode(s) for s in (path, str(path), data, bytearray(data), opened, Pipe())]
    assert all(np.array_equal(c.samples, clips[0].samples) for c in clips)
    assert {c.source.sha256 for c in clips} == {hashlib.sha256(data).hexdigest()}
    assert opened.tell() == 100  # left as it was
    assert not opened.closed
    assert clips[0].source.name == "voice.flac"
    assert decode(data, name="C/folder/take 1.flac").source.name == "take 1.flac"


@pytest.mark.parametrize("extension", ["wav", "mp3", "raw", "m3u8", "txt"])
def test_extension_is_ignored(
    extension: str, tmp_path: Path, speech: np.ndarray, make_sound, make_media
) -> None:
    for data, container in (
        (make_sound("FLAC", "PCM_16", speech), "flac"),
        (make_media("ipod", "aac", speech), "m4a"),
    ):
        path = tmp_path / f"voice.{extension}"
        path.write_bytes(data)
        assert decode(path).source.container == container
        with path.open("rb") as file:
            assert decode(file).source.container == container


@pytest.mark.parametrize(("format_", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16")])
def test_channels_are_averaged(format_: str, subtype: str, speech: np.ndarray, make_sound) -> None:
    three = np.stack([speech, 0.5 * speech, 0.25 * speech], axis=1)
    clip = decode(make_sound(format_, subtype, three))
    assert (clip.source.channels, clip.source.channel, clip.apart) == (3, None, ())
    assert np.allclose(clip.samples, speech * (1.75 / 3), atol=1e-4)


def test_of_eight_planar_channels_the_one_with_sound_is_taken(voice: np.ndarray) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as container:
        track = container.add_stream("aac", rate=SAMPLE_RATE, layout="7.1")
        track.bit_rate = 512_000
        channels = np.zeros((len(voice), 8), np.float32)
        channels[:, 1] = voice
        frame = av.AudioFrame.from_ndarray(channels.reshape(1, -1), "flt", "7.1")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    clip = decode(file.getvalue())
    assert clip.source.channels == 8
    lag, correlation = best_match(clip.samples, voice)
    assert abs(lag) <= 2
    assert correlation > 0.98
    assert clip.source.channel == 2
    level = np.sqrt((clip.samples**2).mean() / (voice**2).mean())
    assert level == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_resampling_keeps_level_and_length(rate: int) -> None:
    t = np.arange(3 * rate) / rate
    clip = clip_from_samples((0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32), rate, "tone")
    assert len(clip.samples) == 48_000
    middle = clip.samples[4_000:-4_000]
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / SAMPLE_RATE)[4_000:-4_000]
    assert np.abs(middle - expected).max() < 1e-3


@pytest.mark.parametrize("hertz", [8_500, 9_000, 12_000, 16_000, 20_000])
def test_resampling_kills_what_would_alias(hertz: int) -> None:
    t = np.arange(3 * 48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)
    clip = clip_from_samples(tone, 48_000, "tone")
    assert np.abs(clip.samples[2_000:-2_000]).max() < 0.5 * 10 ** (-80 / 20)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(8, 300_000),
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000]),
    seed=st.integers(0, 9),
)
def test_blockwise_equals_at_once(n: int, rate: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)
    clip = clip_from_samples(samples, rate, "noise")
    whole = samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE, "HQ")
    assert len(clip.samples) == len(whole)
    assert np.allclose(clip.samples, whole, atol=1e-6)


def test_arrays_of_integers_and_channels() -> None:
    ramp = np.arange(-32768, 32768, 8, dtype=np.int16)
    clip = clip_from_samples(ramp, SAMPLE_RATE, "ramp")
    assert np.allclose(clip.samples, ramp / 32768)
    assert clip.source.decoder == "samples"
    assert clip.source.sha256 == hashlib.sha256(clip.samples.tobytes()).hexdigest()
    stereo = np.stack([ramp, np.zeros_like(ramp)], axis=1)
    assert np.allclose(clip_from_samples(stereo, SAMPLE_RATE, "s").samples, ramp / 32768)


def test_rate_and_channels_may_change_within_a_file() -> None:
    out = Output(Limits())
    tone = np.sin(2 * np.pi * 500 * np.arange(8_000) / 8_000).astype(np.float32)
    out.push(tone[:, None], 8_000)
    tone = np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000).astype(np.float32)
    out.push(np.stack([tone, tone], axis=1), 48_000)
    samples = out.samples()
    assert len(samples) == 32_000
    expected = np.sin(2 * np.pi * 500 * np.arange(32_000) / SAMPLE_RATE)
    for part in (slice(1_000, 15_000), slice(17_000, 31_000)):
        assert np.abs(samples[part] - expected[part]).max() < 1e-2


def with_odd_framing(flac: bytes) -> bytes:
    """A FLAC file with bytes between two frames: libsndfile loses sync, FFmpeg skips them."""
    with av.open(io.BytesIO(flac)) as container:
        second = [packet.pos for packet in container.demux(audio=0) if packet.size][1]
    assert second is not None
    return flac[:second] + b"between frames " * 20 + flac[second:]


def test_flac_that_libsndfile_breaks_off_is_whole_by_its_checksum(
    speech: np.ndarray, make_sound
) -> None:
    good = make_sound("FLAC", "PCM_16", np.tile(speech, 3))
    odd = with_odd_framing(good)
    with pytest.raises(soundfile.LibsndfileError, match="lost sync"):
        soundfile.read(io.BytesIO(odd))
    clip = decode(odd)
    assert clip.source.decoder == "ffmpeg"
    assert np.array_equal(clip.samples, decode(good).samples)
    assert len(clip.source.notes) == 1
    assert "checksum agrees" in clip.source.notes[0]


def test_bytes_after_the_end_do_no_harm(speech: np.ndarray, make_sound) -> None:
    for format_, words in (("FLAC", "or more"), ("WAV", "20,000 bytes"), ("AIFF", "20,000 bytes")):
        good = make_sound(format_, "PCM_16", speech)
        clip = decode(good + np.random.default_rng(5).bytes(20_000))
        assert np.array_equal(clip.samples, decode(good).samples)
        (note,) = clip.source.notes
        assert words in note and "not read" in note


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_flac_checksum_at_every_depth(
    subtype: str, channels: int, speech: np.ndarray, make_sound
) -> None:
    sound = np.stack([speech, 0.5 * speech], axis=1)[:, :channels]
    clip = decode(with_odd_framing(make_sound("FLAC", subtype, sound)))
    assert clip.source.decoder == "ffmpeg"
    assert "checksum agrees" in clip.source.notes[0]


def test_concealed_damage_is_said(speech: np.ndarray, make_sound) -> None:
    damaged = bytearray(make_sound("FLAC", "PCM_16", np.tile(speech, 3)))
    middle = len(damaged) // 2
    damaged[middle : middle + 200] = bytes(200)
    clip = decode(bytes(damaged))
    assert clip.source.decoder == "ffmpeg"
    assert any("damage" in note for note in clip.source.notes)


def test_damaged_aac_is_decoded_and_said(speech: np.ndarray, make_media) -> None:
    damaged = bytearray(make_media("ipod", "aac", speech))
    for at in np.random.default_rng(1).integers(4_000, len(damaged) // 2, 12):
        damaged[at] ^= 0x55
    clip = decode(bytes(damaged))
    assert any("could not be decoded in full" in note for note in clip.source.notes)
    assert np.abs(clip.samples).max() <= 2 * OVERSCALE


def test_unscaled_float_is_said(speech: np.ndarray, make_sound) -> None:
    clip = decode(make_sound("WAV", "FLOAT", speech * 32768))
    assert any("full scale" in note for note in clip.source.notes)
    assert decode(make_sound("WAV", "FLOAT", speech)).source.notes == ()


def test_file_that_ends_early_is_said(speech: np.ndarray, make_sound, make_media) -> None:
    for data in (
        make_sound("WAV", "PCM_16", speech),
        make_sound("AIFF", "PCM_16", speech),
        make_sound("FLAC", "PCM_16", np.tile(speech, 4)),
        make_media("webm", "libopus", speech),
    ):
        clip = decode(data[: len(data) * 3 // 4])
        assert any("ends early" in note for note in clip.source.notes)
    ogg = make_sound("OGG", "VORBIS", np.tile(speech, 4))
    assert any("no end mark" in n for n in decode(ogg[: len(ogg) * 3 // 4]).source.notes)


def test_joined_files_are_decoded_to_the_end(speech: np.ndarray, make_sound, make_media) -> None:
    plain = {"write_xing": "0", "id3v2_version": "0"}  # MP3 frames alone, no table of contents
    frames = make_media("mp3", "libmp3lame", speech, options=plain)
    tagged = make_media("mp3", "libmp3lame", speech)
    vorbis = make_sound("OGG", "VORBIS", speech)
    opus = make_media("ogg", "libopus", speech)
    for joined in (
        frames + frames,
        tagged + tagged,
        vorbis + vorbis,
        opus + opus,
    ):
        clip = decode(joined)
        assert clip.duration_s == pytest.approx(2 * len(speech) / SAMPLE_RATE, abs=0.15)
        assert clip.source.notes == ()
        half = len(clip.samples) // 2
        for part in (clip.samples[:half], clip.samples[half:]):
            assert best_match(part, speech)[1] > 0.9


def test_mp3_of_changing_bit_rate_is_decoded_to_the_end(speech: np.ndarray, make_media) -> None:
    plain = {"write_xing": "0", "id3v2_version": "0"}
    silence = np.zeros_like(speech)
    low, high = (
        make_media("mp3", "libmp3lame", sound, options=plain, bit_rate=rate)
        for sound, rate in ((silence, 32_000), (speech, 256_000))
    )
    for joined in (low + high * 3, high + low * 3):
        clip = decode(joined)
        assert clip.duration_s == pytest.approx(4 * len(speech) / SAMPLE_RATE, abs=0.3)
        assert clip.source.notes == ()


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_wav_written_to_a_pipe_promises_nothing(
    length: int, speech: np.ndarray, make_sound
) -> None:
    data = bytearray(make_sound("WAV", "PCM_16", speech))
    at = data.find(b"data")
    data[at + 4 : at + 8] = length.to_bytes(4, "little")
    clip = decode(bytes(data))
    assert clip.source.notes == ()
    assert clip.duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.01)


def test_importing_the_decoder_imports_no_codec_library() -> None:
    code = (
        "import sys, core.audio.decoding, core.audio.codecs, core.audio.quality;"
        "print([m for m in ('av','soundfile','soxr','torch','onnxruntime','silero_vad')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


PEAK = """
import resource, sys
from core.audio.decoding import decode
decode(sys.argv[1])  # libraries loaded
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
clip = decode(sys.argv[2])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(clip.duration_s, clip.source.decoder, clip.samples.nbytes, after - before)
"""


@pytest.mark.parametrize("format_", ["wav", "mov"])
def test_a_long_file_is_decoded_in_bounded_memory(format_: str, tmp_path: Path, make_media) -> None:
    seconds, rate = 2_400, 8_000  # of which a second copy would be seen
    short, long = tmp_path / "short", tmp_path / "long"
    second = np.zeros(SAMPLE_RATE, np.float32)
    short.write_bytes(make_media(format_, "pcm_s16le", second, rate))
    if format_ == "wav":  # a hole in the file takes no time to write
        size = 2 * rate * seconds
        header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
        header += struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
        with long.open("wb") as file:
            file.write(header + b"data" + struct.pack("<I", size))
            file.truncate(44 + size)
    else:
        long.write_bytes(make_media(format_, "pcm_s16le", np.zeros(seconds * 16_000, "f4"), rate))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(short), str(long)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    duration, decoder, held, grown = done.stdout.split()
    assert float(duration) == pytest.approx(seconds, abs=0.1)
    assert decoder == {"wav": "soundfile", "mov": "ffmpeg"}[format_]
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(grown) * unit < int(held) + 100e6


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "m4a"])
def test_limits_hold_while_decoding(
    format_: str, speech: np.ndarray, make_sound, make_media
) -> None:
    sound = np.tile(speech, 4)
    data = (
        make_media("ipod", "aac", sound)
        if format_ == "m4a"
        else make_sound(format_, "PCM_16", sound)
    )
    for limits, code in (
        (Limits(max_duration_s=5.0), "too_long"),
        (Limits(max_samples=80_000), "too_long"),
        (Limits(max_bytes=1_000), "too_large"),
    ):
        with pytest.raises(AudioError) as caught:
            decode(data, limits=limits)
        assert caught.value.code == code
        assert str(caught.value).endswith(".")
    assert decode(data, limits=Limits(max_duration_s=11)).duration_s > 10.7


def test_a_stream_is_not_read_past_the_limit() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            Endless.taken += size
            return bytes(size)

    with pytest.raises(AudioError) as caught:
        decode(Endless(), limits=Limits(max_bytes=5_000_000))
    assert caught.value.code == "too_large"
    assert Endless.taken < 10_000_000
