"""No file makes the decoder open another one or call anybody."""

import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.fuzz.seeds import REFERRING, referring
from core.audio.clip import AudioError
from core.audio.decoding import decode
from core.audio.isolated import decode_safely


class Ear:
    """A socket that listens, and a file that nobody may open."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.opened: list[str] = []
        self.port = self.listener.getsockname()[1]

    def names(self) -> list[bytes]:
        at = f"127.0.0.1:{self.port}"
        path = str(self.canary)
        names = [
            path,
            self.canary.name,
            f"file:{path}",
            f"file://{path}",
            f"subfile,,start,0,end,0,,:{path}",
        ]
        names += [
            f"{scheme}://{at}/a.wav" for scheme in ("http", "https", "rtsp", "tcp", "ftp", "rtmp")
        ]
        names += [f"concat:{path}|{path}", f"crypto+file:{path}", f"/{path}%d.wav"]
        names += [f"async:http://{at}/a", f"cache:http://{at}/a", f"hls+http://{at}/a.m3u8"]
        return [name.encode() for name in names]

    def heard_nothing(self) -> None:
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        assert str(self.canary) not in self.opened


EARS: list[Ear] = []


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and EARS:
        EARS[-1].opened.append(str(arguments[0]))


sys.addaudithook(_listen)


def tone(hertz: float, length: int) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(length) / 16_000).astype(np.float32)


@pytest.fixture
def ear(tmp_path: Path, make_sound) -> Iterator[Ear]:
    canary = tmp_path / "canary-4711.wav"
    canary.write_bytes(make_sound("WAV", "PCM_16", 0.9 * tone(1_000, 32_000)))
    found = Ear(canary)
    EARS.append(found)
    yield found
    EARS.remove(found)
    found.listener.close()


def test_the_ear_hears(ear: Ear) -> None:
    ear.heard_nothing()
    ear.canary.read_bytes()
    assert ear.opened
    with socket.create_connection(("127.0.0.1", ear.port)):
        ear.listener.setblocking(True)
        ear.listener.accept()[0].close()


def refused(data: bytes, ear: Ear) -> None:
    """Refused in process and apart, without a look at the canary's sound."""
    for how in (decode, decode_safely):
        with pytest.raises(AudioError):
            how(data)
    ear.heard_nothing()


@pytest.mark.parametrize("kind", REFERRING)
def test_texts_that_name_a_file_or_an_address(kind: str, ear: Ear) -> None:
    for name in ear.names():
        with pytest.raises(AudioError):
            decode(referring(name)[kind])
        ear.heard_nothing()
    refused(referring(str(ear.canary).encode())[kind], ear)


def test_an_address_in_place_of_a_path(ear: Ear) -> None:
    for name in ear.names()[2:]:
        for how in (decode, decode_safely):
            with pytest.raises(AudioError):
                how(name.decode())
    ear.heard_nothing()


def movie(entry: bytes, make_media) -> bytes:
    """A movie of quiet sound whose track names ``entry`` as the place where its sound lies."""
    data = bytearray(make_media("mov", "pcm_s16le", 0.01 * tone(1_000, 8_000)))
    at = data.find(b"url ", data.find(b"dref"))
    grown = len(entry) + 4 - 12
    data[at - 4 : at + 8] = struct.pack(">I", len(entry) + 4) + entry
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = data.rfind(box, 0, at) - 4
        size = struct.unpack(">I", data[place : place + 4])[0]
        data[place : place + 4] = struct.pack(">I", size + grown)
    return bytes(data)


def alias(path: str, levels: int) -> bytes:
    """A Macintosh alias to a file: from so many folders up, or by its whole path where -1."""
    name = Path(path).name.encode()
    return b"".join(
        (
            *(b"alis", bytes(14), b"\x06", b"volume".ljust(27, b"\0"), bytes(12)),
            *(bytes([len(name)]), name.ljust(63, b"\0"), bytes(16)),
            *(struct.pack(">hh", levels, levels), bytes(16)),
            *(struct.pack(">HH", 2, len(path)), path.encode(), b"\0" * (len(path) % 2)),
            struct.pack(">hH", -1, 0),
        )
    )


def without_the_canary(given: bytes | Path, ear: Ear, how=decode) -> None:
    """Refused, or sound that is not the canary's, which is loud where the movie's is quiet."""
    try:
        found = np.abs(how(given).samples).max()
    except AudioError:
        found = 0.0
    assert found < 0.1
    ear.heard_nothing()


@pytest.mark.parametrize("kind", [b"url ", b"alis", b"rsrc"])
def test_a_movie_whose_sound_lies_elsewhere(kind: bytes, ear: Ear, make_media) -> None:
    for name in ear.names():
        without_the_canary(movie(kind + bytes(4) + name + b"\0", make_media), ear)


@pytest.mark.parametrize("levels", [1, -1])
def test_a_movie_with_an_alias_does_not_play_the_file_although_ffmpeg_could(
    levels: int, ear: Ear, tmp_path: Path, make_media, monkeypatch
) -> None:
    data = movie(alias(str(ear.canary), levels), make_media)
    file = tmp_path / "movie.mov"
    file.write_bytes(data)
    follow = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(file), options=follow) as unguarded:
        heard = np.concatenate([f.to_ndarray().ravel() for f in unguarded.decode(audio=0)])
    assert np.abs(heard / 32_768).max() > 0.8  # the canary, so the movie does name it
    for given in (data, file):
        for how in (decode, decode_safely):
            without_the_canary(given, ear, how)
    # Not by FFmpeg's default alone: told to follow aliases, it still may open no file.
    guarded = av.open

    def told(*args: Any, options: dict[str, str], **kwargs: Any) -> Any:
        return guarded(*args, options={**options, **follow}, **kwargs)

    monkeypatch.setattr(av, "open", told)
    for given in (data, file):
        without_the_canary(given, ear)


def test_a_playlist_inside_a_sound_file(ear: Ear, speech: np.ndarray, make_sound) -> None:
    """A file that is sound and, read in another way, a playlist: heard as sound, or refused."""
    text = referring(str(ear.canary).encode())["m3u8"]
    whole = make_sound("WAV", "PCM_16", speech)
    assert len(decode(whole + text).samples) == len(speech)
    refused(text + whole, ear)
    tags = b"ID3\x04\0\0\0\0" + bytes([len(text) // 128, len(text) % 128]) + text
    refused(tags + text, ear)
    ear.heard_nothing()
