"""Whatever is given, the answer is a clip or a sentence."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding import Limits, clip_from_samples, decode

CODES = {
    "empty",
    "not_audio",
    "no_audio_track",
    "no_channel",
    "truncated",
    "no_samples",
    "not_finite",
    "bad_header",
    "encrypted",
    "too_long",
    "too_large",
    "unreadable",
}


def wav(rate: int = 16_000, channels: int = 1, promised: int = 800, present: int = 800) -> bytes:
    """A 16-bit WAV whose header can say anything."""
    block = 2 * channels
    return (
        b"RIFF"
        + struct.pack("<I", 36 + promised)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * block % 2**32, block % 2**16, 16)
        + b"data"
        + struct.pack("<I", promised)
        + bytes(present)
    )


def refusal(source: object, **arguments: object) -> AudioError:
    """The error of a source that must be refused, checked for its form."""
    with pytest.raises(AudioError) as caught:
        decode(source, **arguments)  # type: ignore[arg-type]
    error = caught.value
    message = str(error)
    assert error.code in CODES
    assert message[0].isupper()
    assert message.endswith(".")
    assert len(message) > 20
    assert "Error" not in message
    assert "Traceback" not in message
    return error


BAD = {
    "nothing": (b"", "empty"),
    "one byte": (b"x", "not_audio"),
    "text": (b"Call me Ishmael. " * 400, "not_audio"),
    "web page": (b"<!DOCTYPE html><html><body>404</body></html>" * 20, "not_audio"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not_audio"),
    "document": (b"%PDF-1.7\n" + bytes(range(256)) * 20, "not_audio"),
    "archive": (b"PK\x03\x04" + bytes(range(256)) * 20, "not_audio"),
    "MIDI": (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk" + bytes(200), "not_audio"),
    "zeros": (bytes(50_000), "not_audio"),
    "noise": (np.random.default_rng(1).bytes(50_000), "not_audio"),
    "RIFF alone": (b"RIFF", "truncated"),
    "WAV header alone": (wav()[:44], "truncated"),
    "WAV without samples": (wav(promised=0, present=0), "no_samples"),
    "0 Hz": (wav(rate=0), "bad_header"),
    "a billion Hz": (wav(rate=10**9), "bad_header"),
    "4 GHz": (wav(rate=2**32 - 1), "bad_header"),
    "no channels": (wav(channels=0), "bad_header"),
    "65,535 channels": (wav(channels=65_535), "bad_header"),
    "ten hours in 1 kB": (wav(promised=36_000 * 32_000, present=1_000), "truncated"),
    "a third of a file": (wav(promised=90_000, present=30_000), "truncated"),
    "FLAC header alone": (b"fLaC\x00\x00\x00\x22" + bytes(34), "truncated"),
    "AMR header alone": (b"#!AMR\n", "no_samples"),
    "Ogg header alone": (b"OggS" + bytes(20), "truncated"),
    "MP4 without an index": (b"\x00\x00\x00\x18ftypM4A " + bytes(5_000), "truncated"),
    "WebM header alone": (b"\x1aE\xdf\xa3" + bytes(100), "truncated"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_a_sentence(name: str) -> None:
    data, code = BAD[name]
    assert refusal(data).code == code


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_no_numbers(
    bad: float, subtype: str, channels: int, speech: np.ndarray, make_sound
) -> None:
    samples = np.repeat(speech[:, None], channels, axis=1).copy()
    samples[len(samples) // 2, 0] = bad
    assert refusal(make_sound("WAV", subtype, samples)).code == "not_finite"


def test_numbers_beyond_float32(make_sound) -> None:
    samples = np.zeros(2_000)
    samples[1_000] = 1e300
    assert refusal(make_sound("WAV", "DOUBLE", samples)).code == "not_finite"


@pytest.mark.parametrize("format_", ["mp4", "matroska", "mov", "avi"])
def test_video_without_sound(format_: str, speech: np.ndarray, make_media) -> None:
    error = refusal(make_media(format_, None, speech, video=True))
    assert error.code == "no_audio_track"
    assert "video" in str(error)


def test_encrypted_track(speech: np.ndarray, make_media) -> None:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "00112233445566778899aabbccddeeff",
        "encryption_kid": "ffeeddccbbaa99887766554433221100",
    }
    assert refusal(make_media("mp4", "aac", speech, options=options)).code == "encrypted"


@pytest.mark.parametrize(
    ("format_", "encoder"), [("ipod", "aac"), ("webm", "libopus"), ("mov", "pcm_s16le")]
)
def test_cut_to_a_third(format_: str, encoder: str, speech: np.ndarray, make_media) -> None:
    data = make_media(format_, encoder, speech)
    assert refusal(data[: len(data) // 3]).code == "truncated"


@pytest.mark.parametrize(
    ("format_", "subtype"),
    [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"), ("WAV", "ULAW")],
)
def test_sound_cut_to_a_third(format_: str, subtype: str, speech: np.ndarray, make_sound) -> None:
    data = make_sound(format_, subtype, np.tile(speech, 4))
    assert refusal(data[: len(data) // 3]).code == "truncated"


def test_flac_that_promises_ten_hours(speech: np.ndarray, make_sound) -> None:
    data = bytearray(make_sound("FLAC", "PCM_16", speech))
    data[21:26] = bytes([data[21] & 0xF0]) + (36_000 * SAMPLE_RATE).to_bytes(4, "big")
    assert refusal(bytes(data)).code == "truncated"


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for source, word in (
        (tmp_path, "folder"),
        (tmp_path / "missing.wav", "no such file"),
        (str(tmp_path / "missing.wav"), "no such file"),
        ("/dev/zero", "ordinary"),
        ("http://example.org/voice.wav", "no such file"),
        ("file:///etc/hostname", "no such file"),
        ("name\0with zero.wav", "cannot be opened"),
    ):
        error = refusal(source)
        assert error.code == "unreadable"
        assert word in str(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [(PermissionError(13, "Permission denied"), "no permission"), (OSError(5, "I/O error"), "I/O")],
)
def test_a_path_that_cannot_be_opened_says_why_in_words(error, said, tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.wav"
    path.touch()

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    assert said in str(refusal(path))
    assert "Errno" not in str(refusal(path)) and str(path) not in str(refusal(path))


def playlists(target: Path) -> dict[str, bytes]:
    """Files that ask the decoder to open another one."""
    name = str(target).encode()
    return {
        "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n" + name + b"\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile '" + name + b"'\n",
        "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=audio 5004 RTP/AVP 0\r\n",
        "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>'
        + name
        + b"</BaseURL></MPD>",
        "image sequence": b"P5\n2 2\n255\n" + name,
    }


@pytest.mark.parametrize("kind", ["hls", "concat", "sdp", "dash", "image sequence"])
def test_no_other_file_is_opened(
    kind: str, tmp_path: Path, speech: np.ndarray, make_sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "secret.wav"
    target.write_bytes(make_sound("WAV", "PCM_16", speech))
    data = playlists(target)[kind]
    assert refusal(data).code == "not_audio"
    on_disk = tmp_path / f"list.{kind}"
    on_disk.write_bytes(data)
    assert refusal(on_disk).code == "not_audio"


def test_a_movie_may_not_refer_to_another_file(
    tmp_path: Path, speech: np.ndarray, make_media
) -> None:
    # QuickTime tracks can lie in another file: a data reference whose flag "in this file" is off.
    data = bytearray(make_media("mov", "pcm_s16le", speech))
    at = data.find(b"dref")
    assert at > 0
    url = data.find(b"url ", at)
    assert data[url + 4 : url + 8] == b"\0\0\0\1"
    data[url : url + 8] = b"alis\0\0\0\0"
    opened: list[str] = []
    original = av.open

    def spying(*arguments: object, **options: object) -> object:
        inner = options["io_open"]

        def io_open(name: str, *rest: object) -> object:
            opened.append(name)
            return inner(name, *rest)  # type: ignore[operator]

        return original(*arguments, **{**options, "io_open": io_open})

    av.open, saved = spying, av.open
    try:
        decode(bytes(data))
    except AudioError as error:
        assert error.code in CODES
    finally:
        av.open = saved
    assert opened == []


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=3_000))
def test_random_bytes_are_no_sound(data: bytes) -> None:
    refusal(data)


@pytest.mark.parametrize(
    "magic",
    [
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"\xff\xfb\x90\x64Xing\0\0\0\x0f",
        b"OggS\0\x02" + b"\0" * 20 + b"\xff",
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0",
        b"FORM\xff\xff\xff\xffAIFFSSND\0\0\0\x08",
        b"fLaC\0\0\0\x22" + b"\x01" * 34,
        b"\0\0\0\x20ftypM4A \0\0\0\0",
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81",
        b"#!AMR\n\x3c",
    ],
    ids=["id3", "mpeg", "ogg", "riff", "form", "flac", "mp4", "matroska", "amr"],
)
def test_a_header_cut_anywhere_is_refused_in_words(magic: bytes) -> None:
    for length in range(len(magic) + 1):
        refusal(magic[:length])


@pytest.fixture(scope="module")
def whole_files(speech: np.ndarray, make_sound, make_media) -> list[bytes]:
    short = speech[:16_000]
    return [
        make_sound("WAV", "PCM_16", short),
        make_sound("FLAC", "PCM_16", short),
        make_sound("OGG", "VORBIS", short),
        make_sound("MP3", "MPEG_LAYER_III", short),
        make_sound("AIFF", "PCM_16", short),
        make_media("ipod", "aac", short),
        make_media("webm", "libopus", short),
        make_media("amr", "libopencore_amrnb", short, 8_000),
    ]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=150, deadline=None)
@given(
    which=st.integers(0, 7),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=12),
)
def test_damaged_files_give_finite_sound_or_a_sentence(
    which: int, cut: float, flips: list[tuple[float, int]], whole_files: list[bytes]
) -> None:
    data = bytearray(whole_files[which][: int(cut * len(whole_files[which]))])
    for at, change in flips:
        if data:
            data[int(at * len(data))] ^= change
    try:
        clip = decode(bytes(data))
    except AudioError as error:
        assert error.code in CODES
        assert str(error).endswith(".")
    else:
        assert len(clip.samples)
        assert np.isfinite(clip.samples).all()
        assert clip.samples.dtype == np.float32


@pytest.mark.parametrize(
    ("samples", "rate", "code"),
    [
        (np.zeros(0, np.float32), 16_000, "no_samples"),
        (np.zeros((0, 2), np.float32), 16_000, "no_samples"),
        (np.zeros((4, 4, 4), np.float32), 16_000, "bad_header"),
        (np.zeros((100, 65), np.float32), 16_000, "bad_header"),
        (np.zeros(100, np.float32), 0, "bad_header"),
        (np.zeros(100, np.float32), 10**9, "bad_header"),
        (np.full(100, np.nan, np.float32), 16_000, "not_finite"),
        (np.full(100, np.inf), 48_000, "not_finite"),
        (np.array(["a", "b"]), 16_000, "not_audio"),
        (np.zeros(100, complex), 16_000, "not_audio"),
        (np.zeros(16_000 * 3 * 3600 + 1, np.int8), 16_000, "too_long"),
    ],
)
def test_bad_arrays(samples: np.ndarray, rate: int, code: str) -> None:
    with pytest.raises(AudioError) as caught:
        clip_from_samples(samples, rate, "array")
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_a_stream_that_fails_while_read() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk is gone")

    error = refusal(Broken())
    assert error.code == "unreadable"
    assert "disk is gone" in str(error)


@pytest.mark.parametrize("value", [1e11, 3e38, -3e38])
def test_finite_samples_that_would_overflow_a_filter(
    value: float, speech: np.ndarray, make_sound
) -> None:
    samples = speech.copy()
    samples[500:900] = value * np.sign(samples[500:900])
    assert refusal(make_sound("WAV", "FLOAT", samples, 44_100)).code == "not_finite"


def test_integers_that_were_never_scaled_are_sound(speech: np.ndarray, make_sound) -> None:
    samples = speech * np.float32(2**31)
    clip = decode(make_sound("WAV", "FLOAT", samples, 44_100))
    assert np.isfinite(clip.samples).all()
    assert "without scaling" in clip.source.notes[0]


def test_no_decoder_of_pictures_is_opened(speech: np.ndarray, make_media) -> None:
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture() as logs:
            assert decode(make_media("mp4", "aac", speech, video=True)).source.codec == "aac"
    finally:
        av.logging.set_level(None)
    assert any("mpeg4" in text and "not on whitelist" in text for _, _, text in logs)


def test_extremes_that_are_sound() -> None:
    assert len(decode(wav(promised=2, present=2)).samples) == 1
    fast = decode(wav(rate=384_000, promised=768_000, present=768_000))
    assert (fast.source.sample_rate, len(fast.samples)) == (384_000, 16_000)
    wide = decode(wav(channels=64, promised=128_000, present=128_000))
    assert (wide.source.channels, len(wide.samples)) == (64, 1_000)
    assert refusal(wav(channels=65, promised=1_300, present=1_300)).code == "bad_header"
    assert refusal(wav(rate=768_001)).code == "bad_header"


def test_a_small_file_that_unpacks_into_a_long_one(make_sound) -> None:
    data = make_sound("FLAC", "PCM_16", np.zeros(600 * 8_000, np.float32), 8_000)
    assert len(data) < 300_000
    assert refusal(data, limits=Limits(max_duration_s=60)).code == "too_long"
    assert refusal(data, limits=Limits(max_samples=10**6)).code == "too_long"


def test_ten_hours_that_only_a_movie_s_headers_claim(speech: np.ndarray, make_media) -> None:
    """Its index of packets says what is there, and nothing is missing."""
    data = bytearray(make_media("ipod", "aac", speech))
    for box in (b"mvhd", b"mdhd"):
        place = data.find(box)
        scale = struct.unpack(">I", data[place + 16 : place + 20])[0]
        data[place + 20 : place + 24] = struct.pack(">I", 36_000 * scale)
    assert decode(bytes(data)).duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.2)
