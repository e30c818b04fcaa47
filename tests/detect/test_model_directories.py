"""Model directories from anywhere: a detector that works, or a sentence; nothing run or read."""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from core.detect.detector import DetectorError
from core.detect.model_directory import load_directory
from core.detect.networks.wav2vec2 import MeanPooledWav2Vec2
from core.detect.registry import EMBEDDED, classes_of, load_checkpoint, load_detector
from core.detect.weights import sha256_of
from tests.damage import NAMES, TAG, elsewhere, mutated, opened
from tests.detect.test_contrast import made as contrast
from tests.detect.test_engine import TINY_WAV2VEC2, model_directory, noise
from tests.pages.test_opinions import classifier
from training.contrast import write
from training.onnx_export import export_engines

ARRAYS = ["model.safetensors", "familiarity.safetensors", "contrast.safetensors"]
REAL = json.loads((EMBEDDED / "config.json").read_text("utf-8"))
Change = Callable[[dict[str, Any]], None]


def examples(most: int) -> settings:
    """So many, each with a folder that is written anew and a network that is built."""
    return settings(
        max_examples=most,
        deadline=20_000,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A small model with everything that the embedded one has."""
    folder = model_directory(tmp_path_factory.mktemp("whole"))
    export_engines(folder, int8=True, clips=[noise()])
    rng = np.random.default_rng(0)
    arrays = {
        "mean": rng.normal(size=32), "whiten": rng.normal(size=(32, 4)),
        "centres": rng.normal(size=(3, 4)), "usual": np.sort(rng.random(9)),
        "families": rng.normal(size=(2, 4)),
    }  # fmt: skip
    single = {k: v.astype(np.float32) for k, v in arrays.items()}
    save_file(single, folder / "familiarity.safetensors")
    made = json.loads((folder / "config.json").read_text())
    real = copy.deepcopy(REAL)
    measure = {**real["familiarity"], "families": ["A", "B"]}
    measure["sha256"] = sha256_of(folder / "familiarity.safetensors")
    config = {**real, **made, "calibration": real["calibration"], "familiarity": measure}
    (folder / "config.json").write_text(json.dumps(config | {"default_engine": "int8"}))
    write(folder, contrast(d=32), "by hand")
    return folder


@pytest.fixture
def directory(whole, tmp_path) -> Path:
    """A copy of it that a test may change, two folders deep."""
    return Path(shutil.copytree(whole, tmp_path / "deep" / "model"))


def change(directory: Path, how: Change) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text())
    how(config)
    path.write_text(json.dumps(config))


def rehashed(directory: Path) -> None:
    """Hashes as somebody would write them who has changed the files."""

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("file"), str) and (directory / value["file"]).is_file():
                value["sha256"] = sha256_of(directory / value["file"])
            for inner in value.values():
                walk(inner)

    change(directory, walk)


def proper(error: DetectorError) -> str:
    """What a refusal says."""
    text = str(error)
    text.encode()
    assert text.endswith(".") and len(text) < 1_000 and "\n" not in text, text
    return text


def sentence(load: Callable[[], object]) -> str:
    """What the refusal says that there must be."""
    with pytest.raises(DetectorError) as refused:
        load()
    return proper(refused.value)


def told(load: Callable[[], object]) -> str:
    """What a refusal says, empty where there is none."""
    try:
        load()
    except DetectorError as error:
        return proper(error)
    return ""


def outcome(directory: Path, engine: str | None = None) -> str:
    """The refusal's sentence, empty where the detector works; nothing outside is opened."""
    with opened() as seen:
        found = told(lambda: load_detector(directory, engine=engine, fetch=False))
    strange = elsewhere(seen, directory)
    assert not [name for name in strange if "canary" in name or name.startswith("/etc")], strange
    return found


def test_the_small_model_is_whole(directory):
    for engine in ("int8", "onnx", "torch"):
        assert outcome(directory, engine) == ""


# --- config.json ------------------------------------------------------------------------------


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2])
    found = [here] if here else []
    for key, part in inner:
        nested = isinstance(part, (dict, list))
        found += places(part, (*here, key)) if nested else [(*here, key)]
    return found


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([10**400, 10**12, -1, 0, 2**63, "\ud800", "a\0b", "x" * 3_000, "..", "/"])
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@examples(80)
@given(data=st.data())
def test_a_configuration_of_any_kind_is_refused_or_works(directory, whole, data):
    config = json.loads((whole / "config.json").read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from(places(config)))
        place = config
        for key in where[:-1]:
            place = place[key]
        if data.draw(st.booleans()) or where == ("format",):
            place[where[-1]] = data.draw(JSON) if where != ("format",) else place[where[-1]]
        elif isinstance(place, dict):
            del place[where[-1]]
    (directory / "config.json").write_text(json.dumps(config))
    if config.get("format") == REAL["format"]:
        for engine in (None, "torch"):
            outcome(directory, engine)


@examples(80)
@given(data=st.data())
def test_any_bytes_as_configuration_are_refused_or_work(directory, whole, data):
    given_ = mutated((whole / "config.json").read_bytes()) | st.binary(max_size=60)
    (directory / "config.json").write_bytes(data.draw(given_))
    told(lambda: load_directory(directory))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format":' * 100_000, "cannot be read as JSON"),
        ('{"format": "spoofscope.model/1"}' + " " * (16 << 20), "cannot be read as JSON"),
        ('{"format": "spoofscope.model/1", "id": NaN}', "'id' is no name"),
        ('{"format": "spoofscope.model/1", "id": "x"}', "not named with its SHA-256"),
        (b"\xff\xfe\xfa", "cannot be read as JSON"),
    ],
)
def test_configurations_that_are_none_get_their_sentence(directory, text, says):
    (directory / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert says in sentence(lambda: load_directory(directory))


def put(*where: Any, value: Any) -> Change:
    def how(config: dict[str, Any]) -> None:
        place = config
        for key in where[:-1]:
            place = place[key]
        place[where[-1]] = value

    return how


@pytest.mark.parametrize(
    ("how", "engine", "says"),
    [
        (put("window", value=10**12), None, "window or its hop is out of range"),
        (put("hop", value=0), None, "window or its hop is out of range"),
        (put("hop", value=65_000), None, "hop is longer than its window"),
        (put("calibration", value={"scale": 1}), None, "a calibration is damaged"),
        (put("calibration", "llr_limit", value=float("nan")), None, "a calibration is damaged"),
        (put("calibration_by_codec", value=[1]), None, "no list by codec"),
        (put("decision", "inconclusive_llr", value=[1, -1]), None, "upside down"),
        (put("engines", "int8", "graphs", value={"front": {}}), None, "has not the graphs"),
        (put("engines", "int8", "raw_away", "mean", value="x"), None, "out of range"),
        (put("engines", "int8", "samples_per_frame", value=320.5), None, "out of range"),
        (put("default_engine", value="gpu"), None, "no engine called 'gpu'"),
        (put("training_families", value=5), None, "no list of names"),
        (put("network", "dim", value=10**9), "torch", "no setting that a network could have"),
        (put("network", "layers", value=10**7), "torch", "no setting that a network could have"),
        (put("network", "dim", value=60_000), "torch", "has another shape"),
        (put("network", "heads", value=0), "torch", "does not fit its configuration"),
        (put("network", "channels", value=[]), "torch", "does not fit its configuration"),
        (put("architecture", value="wav2vec2-mean"), "torch", "is no setting of a wav2vec2"),
        (put("architecture", value="os.system"), "torch", "no architecture called 'os.system'"),
        (put("id", value="\ud800"), None, "'id' is no name"),
    ],
)
def test_fields_of_another_kind_get_their_sentence(directory, how, engine, says):
    change(directory, how)
    assert says in outcome(directory, engine)


def test_code_cannot_be_named_in_the_settings_of_a_network(directory):
    change(directory, put("architecture", value="wav2vec2-mean"))
    change(directory, put("network", value={"_attn_implementation": "owner/kernel"}))
    assert "is no setting of a wav2vec2 encoder" in outcome(directory, "torch")


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_configuration_are_text(directory, name):
    def how(config: dict[str, Any]) -> None:
        config |= {"id": name, "name": name}
        config["calibration"]["fitted_on"] = name
        config["familiarity"]["families"] = [name, "B"]

    change(directory, how)
    found = load_detector(directory)
    assert (found.id, found.name) == (name, name)


# --- files that it names ----------------------------------------------------------------------

FILES = {
    "weights": ("weights",),
    "familiarity": ("familiarity",),
    "front": ("engines", "int8", "graphs", "front"),
    "encoder": ("engines", "int8", "graphs", "encoder"),
}


def entry_of(directory: Path, where: tuple[str, ...]) -> dict[str, str]:
    value = json.loads((directory / "config.json").read_text())
    for key in where:
        value = value[key]
    return value


@pytest.mark.parametrize("where", FILES.values(), ids=FILES)
@pytest.mark.parametrize("way", ["../canary", "../../canary", "absolute", "link", "folder link"])
def test_no_file_comes_from_outside(directory, tmp_path, where, way):
    entry = entry_of(directory, where)
    file = directory / entry["file"]
    canary = tmp_path / "canary"
    canary.write_bytes(file.read_bytes())  # its hash is right: it is the place that is wrong
    shutil.copy(canary, directory.parent / "canary")
    if way.endswith("link"):
        file.unlink()
        target = canary if way == "link" else tmp_path / "deep"
        file.symlink_to(target)
    else:
        name = str(canary) if way == "absolute" else way
        change(directory, put(*where, "file", value=name))
    says = outcome(directory)
    assert ("lies outside" in says) == way.endswith("link"), says
    assert "is missing from the model directory" in says or way.endswith("link")


@pytest.mark.parametrize("name", ["..", ".", "/", "a\0b", "x" * 300, "", "model.safetensors/.."])
def test_names_that_no_file_has_are_refused(directory, name):
    change(directory, put("weights", "file", value=name))
    assert outcome(directory)


def test_a_configuration_is_no_link_to_elsewhere(directory, tmp_path):
    config = directory / "config.json"
    shutil.move(config, tmp_path / "canary.json")
    config.symlink_to(tmp_path / "canary.json")
    assert "lies outside" in sentence(lambda: load_directory(directory))
    config.unlink()
    config.symlink_to(config)
    assert sentence(lambda: load_directory(directory))
    config.unlink()
    os.mkfifo(config)  # nobody ever writes to it
    assert "There is no config.json" in sentence(lambda: load_directory(directory))


def test_links_within_the_directory_work(directory):
    (directory / "model.safetensors").rename(directory / "blob")
    (directory / "model.safetensors").symlink_to("blob")
    assert outcome(directory, "torch") == ""


def test_a_file_that_may_not_be_read_is_named(directory, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("core.detect.weights.sha256_of", refuse)
    assert "cannot be read" in sentence(lambda: load_directory(directory))


# --- weights ----------------------------------------------------------------------------------


class Trap:
    """Something that would run when a careless reader unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.mark), "w"))


def header(about: Any, data: bytes = b"\0" * 64, length: int | None = None) -> bytes:
    text = about if isinstance(about, bytes) else json.dumps(about).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int, end: int, shape: list[int], kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


LIES = {
    "empty": b"",
    "no header": b"\1\2\3",
    "a header of 2^63 bytes": header({}, length=2**63),
    "a header of 2^64 - 1 bytes": header({}, length=2**64 - 1),
    "a header longer than the file": header({}, length=10_000),
    "a header of another kind": header([1]),
    "a header that is no text": header(b"\xff" * 20),
    "a deep header": header(b'{"a":' * 20_000),
    "overlapping": header({"a": tensor(0, 64, [16]), "b": tensor(32, 64, [8])}),
    "backwards": header({"a": tensor(64, 0, [16])}),
    "beyond the end": header({"a": tensor(0, 2**40, [2**38])}),
    "of overflowing shape": header({"a": tensor(0, 64, [2**62, 2**62])}),
    "of unknown type": header({"a": tensor(0, 64, [16], "OBJECT")}),
    "with holes": header({"a": tensor(0, 16, [4]), "b": tensor(48, 64, [4])}),
    "no tensors": header({}, b""),
}


@pytest.mark.parametrize("file", ARRAYS)
@pytest.mark.parametrize("kind", [*LIES, "a pickle", "a torch file"])
def test_weights_that_lie_about_themselves_are_refused(directory, tmp_path, file, kind):
    mark = tmp_path / "ran"
    path = directory / file
    if kind == "a torch file":
        torch.save({"model_state_dict": Trap(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(mark)) if kind == "a pickle" else LIES[kind])
    rehashed(directory)
    assert outcome(directory, "torch")
    assert not mark.exists()


@examples(30)
@given(data=st.data())
def test_damaged_weights_are_refused_or_work(directory, whole, data):
    file = data.draw(st.sampled_from(ARRAYS))
    given_ = (whole / file).read_bytes()
    length = 8 + struct.unpack("<Q", given_[:8])[0]
    # Of a damaged header more is to be feared than of damaged numbers.
    for other in ARRAYS:
        shutil.copy(whole / other, directory / other)
    start = data.draw(mutated(given_[:length]))
    end = data.draw(st.integers(0, len(given_) - length) | st.just(len(given_) - length))
    (directory / file).write_bytes(start + given_[length : length + end])
    shutil.copy(whole / "config.json", directory / "config.json")
    rehashed(directory)
    outcome(directory, "torch")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("mean", np.zeros(31)), ("whiten", np.zeros((32, 5))), ("centres", np.zeros((0, 4))),
        ("centres", np.zeros(4)), ("usual", np.zeros(0)), ("usual", np.array([np.nan])),
        ("families", np.zeros((9, 4))), ("mean", np.zeros(())), ("whiten", np.zeros((32, 4, 1))),
    ],
)  # fmt: skip
def test_arrays_that_do_not_go_together_are_refused(directory, name, array):
    from safetensors.numpy import load_file

    arrays = load_file(directory / "familiarity.safetensors")
    save_file({**arrays, name: array.astype(np.float32)}, directory / "familiarity.safetensors")
    rehashed(directory)
    assert "familiarity measure" in outcome(directory)


@pytest.mark.parametrize(("file", "other"), [(ARRAYS[1], "whiten"), (ARRAYS[2], "project")])
def test_arrays_of_another_detector_are_found_out(directory, file, other):
    from safetensors.numpy import load_file

    arrays = load_file(directory / file)
    arrays |= {"mean": arrays["mean"][:30], other: arrays[other][:30].copy()}
    save_file({k: v.copy() for k, v in arrays.items()}, directory / file)
    rehashed(directory)
    assert "cannot judge sound" in outcome(directory)


# --- graphs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["front", "encoder"])
@pytest.mark.parametrize("kind", ["half", "a few bytes", "empty", "text", "a pickle", "swapped"])
def test_damaged_graphs_are_refused(directory, tmp_path, part, kind):
    entry = entry_of(directory, FILES[part])
    path = directory / entry["file"]
    data = path.read_bytes()
    other = entry_of(directory, FILES["front" if part == "encoder" else "encoder"])
    path.write_bytes(
        {
            "half": data[: len(data) // 2], "a few bytes": data[:40], "empty": b"",
            "text": TAG.encode(), "a pickle": pickle.dumps(Trap(tmp_path / "ran")),
            "swapped": (directory / other["file"]).read_bytes(),
        }[kind]
    )  # fmt: skip
    rehashed(directory)
    assert outcome(directory)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("way", ["../canary", "absolute", "link", "beside"])
def test_graphs_take_no_weights_from_outside(directory, tmp_path, way):
    """One constant of the encoder lies in a file of its own, whose bytes would change scores."""
    path = directory / entry_of(directory, ("engines", "onnx", "graphs", "encoder"))["file"]
    model = onnx.load(path, load_external_data=False)
    first = next(
        i for i in model.graph.initializer
        if i.data_location == onnx.TensorProto.EXTERNAL and len(i.dims)
    )  # fmt: skip
    count = 4 * int(np.prod(first.dims))
    canary = (directory if way == "beside" else directory.parent) / "canary"
    canary.write_bytes(np.zeros(count // 4, np.float32).tobytes())
    if way == "link":
        (directory / "weights.bin").symlink_to(canary)
    place = {"absolute": str(canary), "link": "weights.bin", "beside": "canary"}.get(way, way)
    del first.external_data[:]
    for key, value in (("location", place), ("offset", "0"), ("length", str(count))):
        first.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    rehashed(directory)
    says = outcome(directory, "onnx")
    if way == "beside":
        assert says == ""  # the graph is sound: it is the place that was refused
    else:
        assert "ONNX Runtime cannot run the graphs" in says


# --- classifiers and checkpoints --------------------------------------------------------------


@pytest.fixture(scope="module")
def plain_classifier(tmp_path_factory) -> Path:
    return classifier(tmp_path_factory.mktemp("hub") / "model", {0: "real", 1: "fake"})


@pytest.fixture
def other(plain_classifier, tmp_path) -> Path:
    return Path(shutil.copytree(plain_classifier, tmp_path / "deep" / "other"))


def test_a_classifier_works(other):
    assert outcome(other) == ""
    assert classes_of(str(other)) == {"real": "bonafide", "fake": "spoof"}


def test_code_beside_a_classifier_is_not_run_nor_offered(other, tmp_path, monkeypatch):
    mark = tmp_path / "ran"
    (other / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    names = {"AutoConfig": "evil.C", "AutoModelForAudioClassification": "evil.M"}
    change(other, lambda c: c.update(auto_map=names, model_type="evil"))
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text="": asked.append(text) or "y")
    assert "No audio classifier" in outcome(other)
    assert "No audio classifier" in sentence(lambda: classes_of(str(other)))
    assert not mark.exists() and not asked


@pytest.mark.parametrize("way", ["index", "named index", "pickle"])
def test_a_classifier_takes_its_weights_from_its_own_file(other, tmp_path, way):
    mark = tmp_path / "ran"
    shutil.move(other / "model.safetensors", tmp_path / "canary.safetensors")
    if way == "pickle":
        torch.save(Trap(mark), other / "pytorch_model.bin")
    else:
        from safetensors import safe_open

        with safe_open(tmp_path / "canary.safetensors", "pt") as held:
            keys = list(held.keys())
        index = {"metadata": {}, "weight_map": dict.fromkeys(keys, "../../canary.safetensors")}
        (other / "model.safetensors.index.json").write_text(json.dumps(index))
    if way == "named index":
        (other / "model.safetensors").write_bytes((tmp_path / "canary.safetensors").read_bytes())
        change(other, lambda c: c.update(transformers_weights="model.safetensors.index.json"))
        (tmp_path / "canary.safetensors").write_bytes(LIES["overlapping"])
        assert outcome(other) == ""  # its own weights, not those that the index names
    else:
        assert "No audio classifier" in outcome(other)
    assert not mark.exists()


@pytest.mark.parametrize("kind", [*LIES, "a pickle"])
def test_weights_of_a_classifier_that_lie_are_refused(other, tmp_path, kind):
    mark = tmp_path / "ran"
    data = pickle.dumps(Trap(mark)) if kind == "a pickle" else LIES[kind]
    (other / "model.safetensors").write_bytes(data)
    assert "No audio classifier" in outcome(other)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_hidden_layers", 10**9), ("hidden_size", 65_536), ("hidden_size", -1),
     ("conv_dim", [1] * 100), ("num_attention_heads", 0), ("id2label", [1]), ("id2label", {}),
     ("model_type", "bert"), ("model_type", 5), ("architectures", 5), ("dtype", "os.system")],
)  # fmt: skip
def test_configurations_of_classifiers_are_refused_or_work(other, key, value):
    change(other, put(key, value=value))
    says = outcome(other)
    assert says or key in ("architectures", "dtype")


@examples(40)
@given(data=st.data())
def test_any_configuration_of_a_classifier_is_refused_or_works(other, plain_classifier, data):
    config = json.loads((plain_classifier / "config.json").read_text())
    config[data.draw(st.sampled_from(sorted(config)))] = data.draw(JSON)
    (other / "config.json").write_text(json.dumps(config))
    outcome(other)
    told(lambda: classes_of(str(other)))


def test_names_of_classes_are_few_and_can_be_shown(other):
    change(other, put("id2label", value={"0": "\ud800", "1": "fake"}))
    assert "No audio classifier" in sentence(lambda: classes_of(str(other)))
    change(other, put("id2label", value={str(i): f"c{i}" for i in range(51)}))
    assert "too many" in sentence(lambda: classes_of(str(other)))
    change(other, put("id2label", value={"0": "x" * 201, "1": "fake"}))
    assert "too long" in sentence(lambda: classes_of(str(other)))


@pytest.mark.parametrize("name", ["hub:../../etc", "hub:..", "hub:../x", "hub:/etc", "hub:./."])
def test_a_hub_id_is_no_path(name):
    assert "OWNER/NAME" in sentence(lambda: load_detector(name, fetch=False))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "small.pt"
    torch.manual_seed(0)
    torch.save({"model_state_dict": MeanPooledWav2Vec2(TINY_WAV2VEC2).state_dict()}, path)
    return path.read_bytes()


@examples(60)
@given(data=st.data())
def test_damaged_checkpoints_are_refused_or_load(tmp_path, checkpoint, data):
    at = checkpoint.index(b"data.pkl") + 64  # most of what a reader interprets lies here
    middle = data.draw(mutated(checkpoint[at : at + 3_000]))
    path = tmp_path / "small.pt"
    path.write_bytes(checkpoint[:at] + middle + checkpoint[at + 3_000 :])
    told(lambda: load_checkpoint(path, "small", "Small", TINY_WAV2VEC2))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40) | mutated(pickle.dumps({"model_state_dict": {1: [2.5, "x"]}})))
def test_any_bytes_as_checkpoint_are_refused(tmp_path, data):
    path = tmp_path / "small.pt"
    path.write_bytes(data)
    sentence(lambda: load_checkpoint(path, "small", "Small", TINY_WAV2VEC2))


def test_a_state_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "small.pt"
    for state in ({1: torch.zeros(1)}, {"backbone.x": 5}, [1], None):
        torch.save({"model_state_dict": state}, path)
        sentence(lambda: load_checkpoint(path, "small", "Small", TINY_WAV2VEC2))
