"""Content Credentials: what is signed, altered, expired, stripped or elsewhere is told as it is."""

from __future__ import annotations

import io
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import av
import pytest
import soundfile

from core.provenance import isolated
from core.provenance.credentials import read_credentials
from core.provenance.found import Credentials, Provenance
from tests.provenance.signing import Chain, chain, signed, wav


def credentials(data: bytes, anchors: str = "") -> Credentials:
    found = read_credentials(io.BytesIO(data), anchors)
    assert found is not None
    return found


@pytest.fixture(scope="module", autouse=True)
def brief() -> tuple[float, Chain, bytes]:
    """When a certificate ends that is signed with first of all, it, and what it signed."""
    ends = time.time() + 3
    short = chain("Brief", timedelta(seconds=3))  # the library signs with no other
    return ends, short, signed(wav(), short)


def as_form(form: str) -> bytes:
    sound, rate = soundfile.read(io.BytesIO(wav()), dtype="float32")
    made = io.BytesIO()
    if form != "audio/mp4":
        kind = {"audio/mpeg": "MP3", "audio/flac": "FLAC", "audio/wav": "WAV"}[form]
        soundfile.write(made, sound, rate, format=kind)
        return made.getvalue()
    with av.open(made, "w", format="ipod") as container:
        track = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
        frame.sample_rate, frame.pts = rate, 0
        for packet in (*track.encode(frame), *track.encode(None)):
            container.mux(packet)
    return made.getvalue()


@pytest.mark.parametrize("form", ["audio/wav", "audio/mpeg", "audio/flac", "audio/mp4"])
def test_a_valid_signature_is_told_with_all_that_was_signed(form: str, works: Chain) -> None:
    found = credentials(signed(as_form(form), works, form=form), works.root)
    assert found.intact and found.trust == "listed"
    (manifest,) = found.manifests
    assert manifest.signer == "Voice Works"
    assert manifest.source_types == ("trainedAlgorithmicMedia",)
    assert manifest.generator == "Signing Tool 1.0"
    assert manifest.actions == (("c2pa.created", "Voice Works TTS 2.1", "2026-03-02T10:00:00Z"),)


def test_a_signer_is_known_by_the_operators_list_alone(works: Chain) -> None:
    data = signed(wav(), works)
    assert credentials(data).trust == "no list"
    assert credentials(data, chain("Others").root).trust == "unknown"
    assert credentials(data, works.root).trust == "listed"


@pytest.mark.parametrize("form", ["audio/wav", "audio/mpeg", "audio/flac", "audio/mp4"])
def test_one_bit_of_the_sound_is_enough(form: str, works: Chain) -> None:
    data = bytearray(signed(as_form(form), works, form=form))
    places = {"audio/wav": 2000, "audio/mp4": data.find(b"mdat") + 40}
    data[places.get(form, len(data) - 100)] ^= 1
    found = credentials(bytes(data), works.root)
    assert (found.signature, found.sound, found.claims) == ("fits", "differs", "fits")
    assert not found.intact


@pytest.mark.parametrize(
    ("old", "new", "which"),
    [
        (b"trainedAlgorithmicMedia", b"digitalCaptureXXXXXXXXX", "claims"),
        (b"Signing Tool", b"Another Tool", "signature"),
    ],
)
def test_an_altered_statement_is_found(works: Chain, old: bytes, new: bytes, which: str) -> None:
    found = credentials(signed(wav(), works).replace(old, new), works.root)
    assert getattr(found, which) == "differs"
    assert not found.intact


def test_a_statement_with_faults_of_its_own_was_not_altered(works: Chain) -> None:
    found = credentials(signed(wav(), works, action="c2pa.edited"), works.root)
    assert (found.signature, found.sound, found.claims) == ("fits", "fits", "fits")
    assert found.problems == ("assertion.action.malformed",) and not found.intact


def test_a_copy_of_the_sound_alone_has_none(works: Chain) -> None:
    data = signed(wav(), works)
    sound, rate = soundfile.read(io.BytesIO(data))
    copy = io.BytesIO()
    soundfile.write(copy, sound, rate, format="WAV")
    assert read_credentials(copy) is None
    assert read_credentials(io.BytesIO(wav())) is None
    assert read_credentials(io.BytesIO(b"")) is None


def test_what_it_was_made_from_is_told_behind_it(works: Chain) -> None:
    first = signed(wav(), works)
    found = credentials(signed(first, chain("Second Desk"), parent=first), works.root)
    assert found.intact and found.earlier_fit
    assert [m.signer for m in found.manifests] == ["Second Desk", "Voice Works"]
    assert found.manifests[1].source_types == ("trainedAlgorithmicMedia",)


def test_an_altered_parent_is_said_though_the_newest_fits(works: Chain) -> None:
    parent = bytearray(signed(wav(), works))
    parent[2000] ^= 1
    again = signed(bytes(parent), chain("Second Desk"), parent=bytes(parent))
    found = credentials(again, works.root)
    assert found.sound == "fits" and not found.earlier_fit


def test_a_damaged_store_is_no_absence(works: Chain) -> None:
    data = bytearray(signed(wav(), works))
    at = data.index(b"c2pa.signature")
    data[at : at + 60] = bytes(60)
    found = credentials(bytes(data))
    assert not found.intact


class _Counted(socketserver.BaseRequestHandler):
    asked = 0

    def handle(self) -> None:
        _Counted.asked += 1


@pytest.fixture
def server() -> Iterator[str]:
    """A server on this machine that counts who asks."""
    _Counted.asked = 0
    with socketserver.TCPServer(("127.0.0.1", 0), _Counted) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/manifest.c2pa"
        listening.shutdown()


def test_credentials_that_lie_elsewhere_are_named_and_never_fetched(
    works: Chain, server: str
) -> None:
    data = signed(wav(), works, remote=server)
    found = credentials(data, works.root)
    assert found.remote == server and not found.manifests
    assert _Counted.asked == 0
    apart = isolated.look_safely(data, works.root)
    assert apart.credentials == found
    assert _Counted.asked == 0


def test_a_process_of_its_own_says_the_same(works: Chain) -> None:
    data = signed(wav(), works)
    found = isolated.look_safely(data, works.root)
    assert found.credentials == credentials(data, works.root)
    assert Provenance.from_dict(found.to_dict(personal=True)) == found


def test_the_operators_list_is_read_from_a_file(
    works: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isolated.trust_list() == ""
    path = tmp_path / "list.pem"
    monkeypatch.setenv("SPOOFSCOPE_C2PA_TRUST", str(path))
    with pytest.raises(isolated.TrustListError, match="cannot be used"):
        isolated.trust_list()
    path.write_text("no certificates")
    with pytest.raises(isolated.TrustListError, match="cannot be used"):
        isolated.trust_list()
    path.write_text(works.root)
    assert isolated.trust_list() == works.root


def test_an_expired_certificate_is_found(brief: tuple[float, Chain, bytes]) -> None:
    ends, short, data = brief
    time.sleep(max(0.0, ends - time.time() + 1))  # the last test here, so it has mostly ended
    found = credentials(data, short.root)
    assert found.expired and not found.intact
    assert (found.signature, found.sound) == ("fits", "fits")
