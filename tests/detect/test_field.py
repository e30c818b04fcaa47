"""The field's detectors by name: what is said of them, and how their weights come here."""

import dataclasses
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from core.detect import registry
from core.detect.detector import DetectorError
from core.detect.feeds import FEEDS
from core.detect.networks import encoder
from core.detect.registry import ENTRIES, load_detector
from core.detect.registry.field import DF_ARENA, FIELD
from core.evaluate.tables.loading import load as load_table
from tests.detect.hub import Hub, served
from tests.detect.over_encoders import TINY, head, network, official
from tests.detect.test_aasist import noise

CHECKED = [entry for entry in FIELD if entry.network]
IDS = [entry.id for entry in CHECKED]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setitem(encoder.HEADS, TINY["width"], 2)


@pytest.fixture
def spectra(tmp_path, monkeypatch):
    """Spectra-0 with small random weights, and the bytes of its file."""
    torch.manual_seed(0)
    above, below = official("spectra-0", network("spectra-0"), "transformers")
    file = tmp_path / "published.safetensors"
    save_file({k: v.contiguous() for k, v in (above | below).items()}, file)
    entry = dataclasses.replace(ENTRIES["spectra-0"], bytes=file.stat().st_size)
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    return entry, file.read_bytes()


def test_entries_say_what_they_are_and_join_the_tables():
    systems = load_table("arena_systems").set_index("system")
    figures = load_table("arena")
    assert len({entry.id for entry in ENTRIES.values()}) == len(ENTRIES) >= 17
    for entry in FIELD:
        assert entry.home and entry.licence and entry.summary and entry.tested, entry.id
        assert entry.commercial != any(
            word in entry.licence for word in ("NC", "non-commercial")
        ), entry.id
        assert ("forbids commercial use" in entry.terms) != entry.commercial
        if entry.arena:
            assert entry.arena in systems.index and (figures["system"] == entry.arena).any()
            stated = systems["licence"][entry.arena]
            known = pd.notna(stated) and "none" not in stated
            assert not known or stated in entry.licence or stated == entry.licence, entry.id
    assert {entry.network for entry in CHECKED} == set(FEEDS)


def test_no_entry_claims_that_its_weights_were_tried():
    for entry in FIELD:
        assert "never ran here" in entry.tested or "Nothing of it was tested" in entry.tested


@pytest.mark.parametrize("entry", CHECKED, ids=IDS)
def test_parameters_are_those_of_the_network_in_its_published_size(entry):
    """Where authors print a count, it is this one; what only pretraining uses is part of it."""
    from transformers import Wav2Vec2Config

    width, layers, ff, final = {
        "antideepfake-w2v-small": (768, 12, 3072, 256),
        "antideepfake-xls-r-1b": (1280, 48, 5120, 1024),
        "antideepfake-mms-1b": (1280, 48, 5120, 1024),
        "antideepfake-xls-r-2b": (1920, 48, 7680, 1024),
    }.get(entry.id, (1024, 24, 4096, 768))
    layered = width > 768
    config = Wav2Vec2Config(
        hidden_size=width, num_hidden_layers=layers, intermediate_size=ff, num_attention_heads=16,
        conv_bias=layered, feat_extract_norm="layer" if layered else "group",
        do_stable_layer_norm=layered, mask_time_prob=0.0,
    )  # fmt: skip
    if width == 768:
        config.num_attention_heads = 12
    below = encoder.without_memory(config)
    with torch.device("meta"):
        above = head(entry.network, width)
    count = sum(p.numel() for part in (below, above) for p in part.parameters())
    if not entry.network.startswith("spectra"):  # of fairseq, which keeps what pretraining used
        count += width + 640 * final // 2 + 640 * 513 + final * (final + 1) + final * (width + 1)
    assert entry.parameters == count
    published = load_table("arena_systems").set_index("system")["parameters"].get(entry.arena)
    if published is not None and pd.notna(published):
        assert count == pytest.approx(published, rel=0.1)
    if entry.bytes:
        assert 0 < entry.bytes - 4 * count < 100_000  # a header comes first


def test_what_cannot_be_run_says_why_and_fetches_nothing():
    for entry in DF_ARENA:
        assert not entry.ready and not entry.fetchable and entry.state == "cannot be run"
        with pytest.raises(DetectorError, match="code of its own, which is never run here"):
            load_detector(entry.id)


def test_sizes_are_said_as_exactly_as_they_are_known():
    assert ENTRIES["antideepfake-mms-300m"].state == "needs 1.3 GB"
    assert ENTRIES["antideepfake-w2v-small"].state == "needs 380 MB"
    assert ENTRIES["spectra-0"].state == "needs about 1.3 GB"


def test_weights_put_in_place_are_taken_from_there(spectra):
    entry, content = spectra
    with pytest.raises(DetectorError, match="commit 3d1d981") as error:
        load_detector(entry.id, fetch=False)
    assert str(entry.path) in str(error.value)
    entry.path.parent.mkdir(parents=True)
    entry.path.write_bytes(content)
    assert entry.state == "on this machine"
    detector = load_detector(entry.id, fetch=False)
    assert (detector.id, detector.name) == (entry.id, entry.name)
    assert np.isfinite(detector.raw_scores(noise(64_600), [(0, 64_600)])[0]).all()
    assert json.loads((entry.path.parent / "pin.json").read_text())["revision"] is None


def test_weights_of_another_network_go_by_no_name_that_is_not_theirs(spectra):
    _, content = spectra
    other = registry.ENTRIES["spectra-aasist"]
    other.path.parent.mkdir(parents=True)
    other.path.write_bytes(content)
    with pytest.raises(
        DetectorError, match=r"holds another network \(spectra-0\) than that of Spectra-AASIST"
    ):
        load_detector(other.id)


def test_weights_larger_than_the_memory_are_refused_before_they_are_read(spectra, monkeypatch):
    entry, content = spectra
    entry.path.parent.mkdir(parents=True)
    entry.path.write_bytes(content)
    monkeypatch.setattr("core.detect.registry.loading.memory_bytes", lambda: len(content) - 1)
    monkeypatch.setattr("core.detect.registry.loading.load_checkpoint", None)
    with pytest.raises(DetectorError, match="Take a smaller detector"):
        load_detector(entry.id)


def test_one_without_a_hub_says_where_its_authors_keep_it():
    with pytest.raises(DetectorError, match="cannot fetch them") as error:
        load_detector("xlsr-conformer-tcm")
    assert "github.com/ductuantruong/tcm_add" in str(error.value)


def test_a_fetch_that_breaks_off_goes_on_where_it_was(spectra, monkeypatch):
    entry, content = spectra
    shares = []
    with served(Hub({entry.file: content}), monkeypatch) as hub:
        hub.breaks = 1000
        with pytest.raises(DetectorError, match="broke off; what has arrived is kept"):
            load_detector(entry.id, progress=shares.append)
        assert not entry.ready
        hub.breaks, hub.asked = 0, []
        assert load_detector(entry.id, progress=shares.append).id == entry.id
        ranges = [wanted for method, _, wanted in hub.asked if method == "GET"]
        assert len(ranges) == 1 and int(ranges[0].removeprefix("bytes=").split("-")[0]) > 0
        assert entry.path.read_bytes() == content and shares[-1] == 1.0
        pin = json.loads((entry.path.parent / "pin.json").read_text())
        assert pin == {"sha256": registry.fetching.sha256_of(entry.path), "revision": "c" * 40}
        assert sorted(p.name for p in entry.path.parent.iterdir()) == [entry.file, "pin.json"]
        hub.asked = []
        load_detector(entry.id)
        assert not hub.asked


def test_what_is_not_what_was_announced_is_removed(spectra, monkeypatch):
    entry, content = spectra
    with served(Hub({entry.file: content}), monkeypatch) as hub:
        hub.lies = True
        with pytest.raises(DetectorError, match="arrived damaged and was removed"):
            load_detector(entry.id)
        assert not entry.path.exists()
        assert not list(entry.path.parent.glob("partial/*"))
        hub.lies = False
        assert load_detector(entry.id).id == entry.id


def test_more_than_was_announced_is_not_kept_and_no_size_is_not_asked_for(spectra, monkeypatch):
    entry, content = spectra
    with served(Hub({entry.file: content}), monkeypatch) as hub:
        hub.adds = 50_000
        with pytest.raises(DetectorError, match=r"More arrived of model.safetensors than the 1"):
            load_detector(entry.id)
        assert not list(entry.path.parent.glob("partial/*"))
        hub.adds, hub.sizes, hub.asked = 0, False, []
        with pytest.raises(DetectorError, match="does not say how large its model"):
            load_detector(entry.id)
        assert all(method == "HEAD" for method, _, _ in hub.asked)


@pytest.mark.parametrize("size", [0, 1, 10**6])
def test_whatever_an_earlier_try_left_the_next_one_ends_well(spectra, monkeypatch, size):
    entry, content = spectra
    digest = hashlib.sha256(content).hexdigest()
    part = entry.path.parent / "partial" / f"{entry.file}.{digest[:16]}"
    part.parent.mkdir(parents=True)
    part.write_bytes((content + bytes(10**6))[:size])
    with served(Hub({entry.file: content}), monkeypatch):
        load_detector(entry.id)
    assert entry.path.read_bytes() == content


def test_two_at_once_do_not_write_into_one_file(spectra, monkeypatch):
    entry, content = spectra
    told = []

    def again(share: float) -> None:
        if not told:
            told.append("")
            with pytest.raises(DetectorError) as error:
                load_detector(entry.id)
            told[0] = str(error.value)

    with served(Hub({entry.file: content}), monkeypatch):
        load_detector(entry.id, progress=again)
    assert told[0].startswith("Another program, or another page, is fetching these weights")
    assert entry.path.read_bytes() == content


def test_a_whole_commit_is_asked_for_and_no_other(spectra, monkeypatch):
    entry, content = spectra
    fixed = dataclasses.replace(entry, revision="d" * 40)
    monkeypatch.setitem(registry.ENTRIES, entry.id, fixed)
    with served(Hub({entry.file: content}, commit="d" * 40), monkeypatch) as hub:
        load_detector(entry.id)
        assert {path.split("/")[-2] for _, path, _ in hub.asked} == {"d" * 40}


def test_a_users_token_goes_to_the_hub_and_not_to_where_it_sends_on(spectra, monkeypatch):
    entry, content = spectra
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with served(Hub({entry.file: content}), monkeypatch) as hub:
        hub.sends_on = True
        load_detector(entry.id)
    assert {host for host, _ in hub.tokens} == {"127.0.0.1", "localhost"}
    assert all("secret" in token for host, token in hub.tokens if host == "127.0.0.1")
    assert not any(token for host, token in hub.tokens if host == "localhost")


def test_no_room_for_weights_is_said_before_they_are_fetched(spectra, monkeypatch):
    entry, content = spectra
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("core.detect.registry.fetching.shutil.disk_usage", lambda _: usage)
    with served(Hub({entry.file: content}), monkeypatch) as hub:
        with pytest.raises(DetectorError, match="Make room there"):
            load_detector(entry.id)
        assert all(method == "HEAD" for method, _, _ in hub.asked)


def test_a_classifier_comes_with_its_configuration_and_without_code(tmp_path, monkeypatch):
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=[8] * 7, id2label={0: "real", 1: "fake"}, label2id={"real": 0, "fake": 1},
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "made")
    files = {name: (tmp_path / "made" / name).read_bytes() for name in
             ("model.safetensors", "config.json")}  # fmt: skip
    with served(Hub(files | {"modeling.py": b"raise SystemExit"}), monkeypatch) as hub:
        detector = load_detector("stafford-wav2vec2")
        assert not any("modeling" in path for _, path, _ in hub.asked)
    assert detector.name == ENTRIES["stafford-wav2vec2"].name
    assert np.isfinite(detector.raw_scores(noise(64_000), [(0, 64_000)])[0]).all()
