"""Where detectors come from, and what is said when they are not there."""

import dataclasses

import pytest

from core.detect import registry
from core.detect.detector import DetectorError
from core.detect.registry import PUBLISHED, fetching, list_detectors, load_detector
from core.detect.weights import sha256_of


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path))
    return tmp_path


def test_embedded_is_first_and_ready():
    first = list_detectors()[0]
    assert first.id == "embedded"
    assert first.ready
    assert not PUBLISHED.ready


def test_unknown_detector_names_the_known_ones():
    with pytest.raises(DetectorError, match="embedded, wav2vec2-base-asvspoof2019"):
        load_detector("no-such-detector")


def test_a_name_longer_than_any_path_is_a_sentence():
    with pytest.raises(DetectorError, match="There is no detector"):
        load_detector("/" + "a" * 5000)
    with pytest.raises(DetectorError, match="could be found"):
        registry.classes_of("/" + "a" * 5000)


def test_missing_weights_say_where_to_put_them():
    with pytest.raises(DetectorError, match=r"stage2_best\.pt") as error:
        load_detector(PUBLISHED.id, fetch=False)
    assert str(PUBLISHED.path) in str(error.value)


def test_offline_the_hub_is_said_to_be_out_of_reach(monkeypatch):
    import huggingface_hub

    def offline(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", offline)
    with pytest.raises(DetectorError, match="could not be reached") as error:
        load_detector(PUBLISHED.id)
    assert str(PUBLISHED.path) in str(error.value)


def fake_hub(monkeypatch, content, size=None, etag=None):
    import hashlib
    import types

    import huggingface_hub

    meta = types.SimpleNamespace(
        size=len(content) if size is None else size,
        etag=etag or hashlib.sha256(content).hexdigest(),
        commit_hash="c" * 40,
        location="https://hub/file",
    )
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: meta)

    def http_get(url, out, *, resume_size, headers, expected_size, tqdm_class):
        assert (url, resume_size, expected_size) == (meta.location, 0, meta.size)
        bar = tqdm_class(total=len(content), disable=False, file=open("/dev/null", "w"))  # noqa: SIM115
        bar.update(len(content))
        out.write(content)

    monkeypatch.setattr("huggingface_hub.file_download.http_get", http_get)


def test_fetched_weights_are_pinned_and_changes_noticed(monkeypatch):
    content = b"w" * 1000
    entry = dataclasses.replace(PUBLISHED, bytes=len(content))
    fake_hub(monkeypatch, content)
    shares = []
    fetching.fetch_weights(entry, shares.append)
    assert shares[-1] == 1.0
    assert entry.path.read_bytes() == content
    fetching._check_published(entry)
    entry.path.write_bytes(b"x" * 1000)
    with pytest.raises(DetectorError, match="has changed"):
        fetching._check_published(entry)
    entry.path.write_bytes(b"x" * 999)
    with pytest.raises(DetectorError, match="999 bytes"):
        fetching._check_published(entry)


def test_damaged_download_is_removed(monkeypatch):
    content = b"w" * 1000
    entry = dataclasses.replace(PUBLISHED, bytes=len(content))
    fake_hub(monkeypatch, content, etag="0" * 64)
    with pytest.raises(DetectorError, match="damaged"):
        fetching.fetch_weights(entry, None)
    assert not entry.path.exists()


@pytest.mark.parametrize("wrong", [b"x" * 999, b"", b"x" * 1000])
def test_a_wrong_file_is_fetched_again_once_where_that_is_allowed(monkeypatch, wrong):
    content = b"w" * 1000
    entry = dataclasses.replace(PUBLISHED, bytes=len(content))
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    monkeypatch.setattr(
        "core.detect.registry.loading.load_checkpoint", lambda path, *_, **__: path.read_bytes()
    )
    fake_hub(monkeypatch, content)
    assert load_detector(entry.id, kept=False) == content
    entry.path.write_bytes(wrong)
    with pytest.raises(DetectorError, match="Fetch it again"):
        load_detector(entry.id, fetch=False, kept=False)
    assert entry.path.read_bytes() == wrong
    assert load_detector(entry.id, kept=False) == content
    fake_hub(monkeypatch, b"another")
    assert load_detector(entry.id, kept=False) == content  # nothing is fetched any more
    entry.path.write_bytes(wrong)
    fake_hub(monkeypatch, content, etag="0" * 64)
    with pytest.raises(DetectorError, match="damaged"):
        load_detector(entry.id, kept=False)
    assert entry.path.read_bytes() == wrong  # what is no better replaces nothing


def test_a_disk_that_takes_no_pin_fetches_nothing(monkeypatch):
    entry = dataclasses.replace(PUBLISHED, bytes=4)
    entry.path.parent.mkdir(parents=True)
    entry.path.write_bytes(b"mine")
    (entry.path.parent / ".pin.part.json").mkdir()
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    monkeypatch.setattr(
        "core.detect.registry.loading.fetch_entry", lambda *_: pytest.fail("it was fetched")
    )
    with pytest.raises(DetectorError, match="cannot be kept"):
        load_detector(entry.id)


def test_another_file_than_the_published_one_is_not_fetched(monkeypatch):
    fake_hub(monkeypatch, b"w" * 10)
    with pytest.raises(DetectorError, match="was not fetched"):
        fetching.fetch_weights(PUBLISHED, None)
    assert not PUBLISHED.path.exists()


class Trap:
    """Something that would run when a careless reader unpickles it."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.parametrize("name", ["stage2_best.pt", "AASIST.pth"])
def test_weights_that_carry_a_program_are_refused_and_not_run(tmp_path, monkeypatch, name):
    import torch

    file, mark = tmp_path / name, tmp_path / "ran"
    torch.save({"model_state_dict": Trap(mark)}, file)
    digest = sha256_of(file)
    monkeypatch.setattr(
        "core.detect.registry.fetching.checked_sha256", lambda path, expected: digest
    )  # as if pinned
    with pytest.raises(DetectorError):
        load_detector(file)
    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.exists()  # the trap works where a reader is careless
