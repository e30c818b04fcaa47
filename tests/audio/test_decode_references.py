"""No file makes the decoder open another one or call anybody."""

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz.seeds import REFERRING, referring
from core.audio.clip import AudioError
from core.audio.decode import decode
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


@pytest.fixture
def ear(tmp_path: Path, speech: np.ndarray, make_sound) -> Iterator[Ear]:
    canary = tmp_path / "canary-4711.wav"
    canary.write_bytes(make_sound("WAV", "PCM_16", speech))
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


@pytest.mark.parametrize("kind", [b"url ", b"alis", b"rsrc"])
def test_a_movie_whose_sound_lies_elsewhere(
    kind: bytes, ear: Ear, speech: np.ndarray, make_media
) -> None:
    for name in ear.names():
        data = bytearray(make_media("mov", "pcm_s16le", speech[:4_000]))
        at = data.find(b"url ", data.find(b"dref"))
        # The entry becomes one that says "not in this file", and names another in its place.
        entry = kind + bytes(4) + name + b"\0"
        grown = len(entry) + 4 - 12
        data[at - 4 : at + 8] = struct.pack(">I", len(entry) + 4) + entry
        for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
            place = data.rfind(box, 0, at) - 4
            size = struct.unpack(">I", data[place : place + 4])[0]
            data[place : place + 4] = struct.pack(">I", size + grown)
        with suppress(AudioError):
            decode(bytes(data))
        ear.heard_nothing()


def test_a_playlist_inside_a_sound_file(ear: Ear, speech: np.ndarray, make_sound) -> None:
    """A file that is sound and, read in another way, a playlist: heard as sound, or refused."""
    text = referring(str(ear.canary).encode())["m3u8"]
    whole = make_sound("WAV", "PCM_16", speech)
    assert len(decode(whole + text).samples) == len(speech)
    refused(text + whole, ear)
    tags = b"ID3\x04\0\0\0\0" + bytes([len(text) // 128, len(text) % 128]) + text
    refused(tags + text, ear)
    ear.heard_nothing()
