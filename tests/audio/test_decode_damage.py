"""Files with a piece destroyed, cut off, or of another kind: the sound keeps its place, or the loss
is said."""

import io
import re
import struct

import av
import numpy as np
import pytest

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding import decode
from core.audio.decoding.flac import flac_behind
from tests.audio.conftest import SPEECH

COUNTED = [
    *(("AU", "PCM_16"), ("CAF", "PCM_16"), ("W64", "PCM_16"), ("RF64", "PCM_16")),
    *(("WAV", "FLOAT"), ("AIFF", "PCM_24")),
]
PROMISED = [("tta", "tta"), ("wv", "wavpack"), ("avi", "mp3"), ("flv", "aac"), ("flac", "flac")]


@pytest.fixture(scope="module")
def sound(speech: np.ndarray) -> np.ndarray:
    return np.tile(speech, 3)


def pages(ogg: bytes) -> list[int]:
    return [found.start() for found in re.finditer(rb"OggS\0", ogg)]


@pytest.mark.parametrize("how", ["gone", "zeros"])
@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_the_last_page_behind_lost_ones_keeps_its_place(codec, how, sound, make_media) -> None:
    sound = sound[: round(7.7 * SAMPLE_RATE)]
    data = make_media("ogg", codec, sound, 16_000)
    *_, first, _, last = pages(data)
    lost = b"" if how == "gone" else data[first : first + 40] + bytes(last - first - 40)
    clip = decode(data[:first] + lost + data[last:])
    notes = " ".join(clip.source.notes)
    assert "end mark" not in notes
    if codec != "libopus":
        assert "the sound of that page stands in their place" in notes
        return
    assert clip.duration_s == pytest.approx(7.7, abs=0.1)
    ((start, end),) = clip.source.missing
    assert 1.5 < end - start < 2.3
    assert end == pytest.approx(7.0, abs=0.05)
    tails = [c.samples[-10_000:] for c in (clip, decode(data))]  # a decoder needs a while to settle
    assert np.std(tails[0]) == pytest.approx(np.std(tails[1]), rel=0.2)


@pytest.mark.parametrize(("format_", "subtype"), COUNTED)
def test_a_file_that_counts_more_than_is_there_ends_early(format_, subtype, sound, make_sound):
    data = make_sound(format_, subtype, sound)
    whole = decode(data)
    assert not whole.source.notes
    (note,) = decode(data[: len(data) * 2 // 3]).source.notes
    assert note.startswith("The file ends early")


@pytest.mark.parametrize(("format_", "codec"), PROMISED)
def test_a_header_that_promises_more_is_said(format_, codec, sound, make_media) -> None:
    data = make_media(format_, codec, sound, 44_100)
    assert not decode(data).source.notes
    try:
        said = " ".join(decode(data[: len(data) * 2 // 3]).source.notes)
    except AudioError as error:
        assert error.code == "truncated"
    else:
        assert "ends early" in said or "are there: the rest is lost" in said


@pytest.mark.parametrize(("format_", "codec"), [("tta", "tta"), ("wv", "wavpack")])
def test_what_fails_its_checksum_is_missing_and_no_noise(format_, codec, sound, make_media) -> None:
    data = bytearray(make_media(format_, codec, sound, 16_000))
    middle = len(data) // 2
    data[middle : middle + 500] = bytes(500)
    try:
        clip = decode(bytes(data))
    except AudioError as error:
        assert error.code == "unreadable" and "damaged" in str(error)
        return
    assert clip.source.missing and "damaged" in " ".join(clip.source.notes)
    assert len(clip.samples) == pytest.approx(len(sound), abs=1600)
    assert np.abs(clip.samples).max() < 1.1 * np.abs(sound).max()


def test_an_flv_goes_on_behind_damage(sound, make_media) -> None:
    data = make_media("flv", "aac", sound, 44_100)
    cut = data[: len(data) // 2] + data[len(data) // 2 + len(data) // 10 :]
    clip = decode(cut)
    assert clip.source.missing
    assert clip.duration_s == pytest.approx(decode(data).duration_s, abs=0.1)


@pytest.mark.parametrize("behind", [2_000, 8_192])
def test_what_is_behind_a_flac_without_a_total_is_named(behind: int, sound, make_sound) -> None:
    data = bytearray(make_sound("FLAC", "PCM_16", sound))
    data[21] &= 0xF0
    data[22:26] = bytes(4)  # the total of samples
    assert not decode(bytes(data)).source.notes
    junk = np.random.default_rng(behind).bytes(behind)
    (note,) = decode(bytes(data) + junk).source.notes
    assert re.search(r"[\d,]+ bytes or more follow", note)


@pytest.mark.parametrize(
    ("format_", "codec"),
    [("amr", "libopencore_amrnb"), ("wv", "wavpack"), ("adts", "aac"), ("mp3", "libmp3lame")],
)
@pytest.mark.parametrize("lost", ["gone", "zeros", "noise"])
def test_frames_go_on_behind_damage(format_, codec, lost, sound, make_media) -> None:
    data = make_media(format_, codec, sound, 8_000 if format_ == "amr" else 48_000)
    at, n = len(data) // 2, len(data) // 10
    between = {"gone": b"", "zeros": bytes(n), "noise": np.random.default_rng(5).bytes(n)}[lost]
    clip, whole = decode(data[:at] + between + data[at + n :]), decode(data)
    tail = whole.samples[-SAMPLE_RATE:]
    found = np.correlate(clip.samples[-2 * SAMPLE_RATE :], tail, "valid").max()
    assert found > 0.9 * np.dot(tail, tail)
    assert any("damaged" in note for note in clip.source.notes)
    if not clip.source.missing:
        assert any("early" in note or "count without" in note for note in clip.source.notes)


def test_an_mp4_that_ends_within_its_index_is_cut_short(sound, make_media) -> None:
    data = make_media("ipod", "aac", sound)
    begins = data.find(b"moov")
    for end in range(begins + 4, len(data) - 1, 97):
        try:
            decode(data[:end])
        except AudioError as error:
            assert error.code == "truncated", str(error)


def ogg_checksum(page: bytes) -> int:
    rest = 0
    for byte in page:
        rest ^= byte << 24
        for _ in range(8):
            rest = (rest << 1 ^ (0x104C11DB7 if rest & 1 << 31 else 0)) & 0xFFFFFFFF
    return rest


@pytest.mark.parametrize("page", [3, 5])
def test_what_lies_behind_a_break_in_the_structure_is_named(page: int, sound, make_media) -> None:
    """A page that ends packets and says that it ends none stops FFmpeg for good."""
    data = make_media("ogg", "libopus", np.tile(sound, 3))
    at, end = pages(data)[page : page + 2]
    changed = data[at : at + 6] + b"\xff" * 8 + data[at + 14 : at + 22] + bytes(4)
    changed += data[at + 26 : end]
    changed = changed[:22] + struct.pack("<I", ogg_checksum(changed)) + changed[26:]
    clip = decode(data[:at] + changed + data[end:])
    (note, _) = clip.source.notes
    said = int(re.search(r"the ([\d,]+) bytes that follow", note)[1].replace(",", ""))
    assert 0.5 * (len(data) - at) < said < len(data)
    assert f"{clip.duration_s:.1f} s" in note


def test_a_flac_frame_ends_with_its_checksum() -> None:
    frame = b"\xff\xf8 a frame, whose CRC-16 is that of the format"
    rest = 0
    for byte in frame:
        rest ^= byte << 8
        for _ in range(8):
            rest = (rest << 1 ^ (0x8005 if rest & 0x8000 else 0)) & 0xFFFF
    whole = frame + rest.to_bytes(2, "big")
    assert flac_behind(whole) == 0
    assert flac_behind(whole + b"behind") == 6


@pytest.mark.parametrize(("endian", "codec"), [("BIG", "pcm_s16be"), ("LITTLE", "pcm_s16le")])
@pytest.mark.parametrize("format_", ["CAF", "AIFF", "WAV"])
def test_the_order_of_bytes_is_that_of_the_file(format_, endian, codec, speech) -> None:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, speech, SAMPLE_RATE, format=format_, subtype="PCM_16", endian=endian)
    assert decode(file.getvalue()).source.codec == codec


def mp3(channels: np.ndarray, rate: int) -> bytes:
    """Samples ``[n, channels]`` of that rate."""
    file = io.BytesIO()
    layout = "mono" if channels.shape[1] == 1 else "stereo"
    with av.open(file, "w", format="mp3", options={"write_xing": "0"}) as container:
        track = container.add_stream("libmp3lame", rate=rate, layout=layout)
        track.bit_rate = 192_000
        planes = np.ascontiguousarray(channels.T, np.float32)
        frame = av.AudioFrame.from_ndarray(planes, "fltp", layout)
        frame.sample_rate = rate
        for packet in [*track.encode(frame), *track.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def test_channels_that_come_midway_are_compared_too_and_the_change_is_said(speech) -> None:
    mono = mp3(speech[:, None], SAMPLE_RATE)
    opposite = mp3(np.stack([speech, -speech], axis=1), SAMPLE_RATE)
    for data, change in (
        (mono + opposite, "1 channel to 16,000 Hz, 2 channels"),
        (opposite + mono, "2 channels to 16,000 Hz, 1 channel"),
    ):
        clip = decode(data)
        assert any(change in note for note in clip.source.notes)
        assert len(clip.apart) == 2
        for part in clip.apart:
            half = len(part.samples) // 2
            assert np.std(part.samples[half:]) > 0.5 * np.std(speech)
        assert decode(data, channel=2).source.channel == 2
    assert not any("changes" in note for note in decode(mono + mono).source.notes)
    faster = mp3(speech[:, None], 44_100)
    assert any("to 44,100 Hz" in note for note in decode(mono + faster).source.notes)


def test_a_chain_that_changes_its_codec_says_so(speech, make_media) -> None:
    both = make_media("ogg", "flac", speech) + make_media("ogg", "libopus", speech)
    assert any("another codec: opus, not flac" in note for note in decode(both).source.notes)


def test_bytes_like_the_head_of_a_frame_behind_a_flac_are_no_error():
    like = b"\xff\xf8\x7d\x00\xff" + bytes(11)  # the longest head that these bits can announce
    flac = SPEECH.read_bytes()
    assert np.array_equal(decode(flac + like).samples, decode(flac).samples)
