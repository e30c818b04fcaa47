"""AASIST: known answers of the published network, its weights files, and how it hears clips.

The expected logits were computed once with the authors' code (clovaai/aasist).
"""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from core.detect import registry
from core.detect.detector import DetectorError
from core.detect.networks import aasist
from core.detect.registry import AASIST, AASIST_L, load_detector

TINY = {
    "taps": 33,
    "channels": (4, 4, 6, 6, 6, 6),
    "dims": (6, 5),
    "keep": (0.5, 0.7, 0.4),
    "temperatures": (0.5, 0.7, 0.6),
}
PUBLISHED_LOGITS = {
    "aasist": [
        [-3.008208, 1.443553],
        [7.601770, -7.732808],
        [2.455035, -2.652393],
        [-0.632056, 0.473862],
        [0.935586, -1.721134],
    ],
    "aasist-l": [
        [0.235378, 0.251812],
        [8.952699, -7.773213],
        [4.707415, -4.167866],
        [-4.830883, 5.850458],
        [6.382683, -5.741723],
    ],
}
HERE = {entry.id: entry.path for entry in (AASIST, AASIST_L)}
VARIANTS = pytest.mark.parametrize("entry", [AASIST, AASIST_L], ids=lambda entry: entry.id)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))


def fixed_state(shapes):
    """Weights by name and shape alone, such that nearly all of them decide what comes out."""
    rng = np.random.default_rng(1)
    state = {}
    for name in sorted(shapes):
        values = rng.standard_normal(shapes[name])
        if values.ndim > 1 and not name.startswith(("pos", "master")) and "att_weight" not in name:
            values = values / np.sqrt(np.prod(values.shape[1:]))
        if name.endswith("running_var"):
            values = 0.2 + np.abs(values)
        if name == "first_bn.weight":
            values = 5 + values
        state[name] = torch.as_tensor(values, dtype=torch.float32)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
    return state


@pytest.fixture
def model():
    network = aasist.Aasist(**TINY)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(fixed_state(shapes))
    return network.eval()


@pytest.fixture
def weights(model, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture
def published(weights, monkeypatch):
    """The tiny network in the place of the published one."""
    entry = dataclasses.replace(
        AASIST, bytes=weights.stat().st_size, url=weights.as_uri(), sha256=sha256(weights)
    )
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    monkeypatch.setattr(aasist, "NETWORKS", {entry.id: TINY})
    return entry


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def signals(n):
    t = np.arange(n) / 16_000
    pulses = np.zeros(n)
    pulses[::160] = 0.8
    waves = [
        np.zeros(n),
        0.5 * np.sin(2 * np.pi * 440 * t),
        np.random.default_rng(0).standard_normal(n) * 0.1,
        0.5 * np.sin(2 * np.pi * (50 * t + 0.5 * 900 * t**2)),
        pulses,
    ]
    return torch.from_numpy(np.stack(waves).astype(np.float32))


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(0, 0.1, n).astype(np.float32)


@torch.inference_mode()
def logits(network, waves):
    """Of spoof and bona fide."""
    return network.out_layer(network(waves)[1]).tolist()


def test_known_answers_of_a_tiny_network(model):
    expected = [
        [-8.774384, -10.226183],
        [-9.102881, -10.209572],
        [-8.680904, -9.977223],
        [-8.994408, -9.623688],
        [-8.415518, -9.739386],
    ]
    np.testing.assert_allclose(logits(model, signals(16_000)), expected, atol=1e-4)


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(
            variant,
            marks=pytest.mark.skipif(
                not path.is_file(), reason=f"the weights of {variant} are not on this machine"
            ),
        )
        for variant, path in HERE.items()
    ],
)
def test_published_weights_give_the_published_logits(variant):
    network = load_detector(HERE[variant]).engine.network
    found = logits(network, signals(64_600))
    np.testing.assert_allclose(found, PUBLISHED_LOGITS[variant], atol=1e-3)


def test_raw_score_is_the_logit_of_spoof_minus_that_of_bona_fide(model):
    with torch.inference_mode():
        raw, embedding = model(signals(16_000))
        both = model.out_layer(embedding)
    assert embedding.shape == (5, 25)
    torch.testing.assert_close(raw, both[:, 0] - both[:, 1])


@pytest.mark.parametrize(("variant", "count"), [("aasist", 297_866), ("aasist-l", 85_306)])
def test_published_parameter_counts(variant, count):
    network = aasist.Aasist(**aasist.NETWORKS[variant])
    assert sum(p.numel() for p in network.parameters()) == count


def test_filters_pass_their_own_band_alone():
    bank = aasist.band_pass(70, 129)
    spectrum = np.abs(np.fft.rfft(bank, 1600))  # bins of 10 Hz
    assert bank.shape == (70, 129)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-7)
    assert (np.diff(spectrum.argmax(1)) >= 0).all()
    # Evenly spaced on the mel scale: the 35th edge of 70 lies at half of 2840 mel.
    assert abs(10 * (spectrum[34].argmax() + spectrum[35].argmax()) / 2 - 1768) < 60
    # Side by side the filters pass everything between the first edge and the last alike.
    together = np.abs(np.fft.rfft(bank.sum(0), 1600))
    np.testing.assert_allclose(together[20:780], 1.0, atol=0.01)


def test_a_wave_scores_the_same_in_any_company(model):
    waves = signals(16_000)[1:]
    with torch.inference_mode():
        together = model(waves)[0]
        alone = torch.cat([model(wave[None])[0] for wave in waves])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_detector_hears_windows_as_published(model, published):
    detector = load_detector(published.id)
    assert detector.window == 64_600
    assert detector.calibration is None
    short = noise(40_000)
    given = np.concatenate([short, short[:24_600]])
    with torch.inference_mode():
        repeated, cut = model(torch.from_numpy(np.stack([given, noise(64_600)])))[0].tolist()
        padded = float(model(torch.from_numpy(np.pad(short, (0, 24_600)))[None])[0])
    found, _ = detector.raw_scores(short, [(0, 40_000)])
    assert found[0] == pytest.approx(repeated, abs=1e-5)
    assert abs(found[0] - padded) > 1e-3
    found, _ = detector.raw_scores(noise(64_600), [(0, 64_600)])
    assert found[0] == pytest.approx(cut, abs=1e-5)


def test_fetched_weights_are_kept_and_used(published, weights):
    with pytest.raises(DetectorError, match="not on this machine") as error:
        load_detector(published.id, fetch=False)
    assert published.url in str(error.value) and str(published.path) in str(error.value)
    shares = []
    assert load_detector(published.id, progress=shares.append).weights_sha256 == published.sha256
    assert shares[-1] == 1.0
    weights.unlink()
    assert load_detector(published.id, fetch=False).id == "aasist"


@pytest.mark.parametrize("arrives", [b"", b"less", b"more" * 100_000])
def test_nothing_but_the_published_file_is_kept(published, weights, arrives):
    weights.write_bytes(arrives)
    with pytest.raises(DetectorError, match=r"not the published AASIST\.pth"):
        load_detector(published.id)
    assert not published.path.parent.exists()


def test_home_out_of_reach(published, weights):
    weights.unlink()
    with pytest.raises(DetectorError, match="could not be read") as error:
        load_detector(published.id)
    assert str(published.path) in str(error.value)


def test_weights_given_as_a_file_of_any_name(published, weights):
    detector = load_detector(weights)
    assert (detector.id, detector.window) == ("aasist", 64_600)


@VARIANTS
def test_wrong_or_partial_file_is_refused_in_the_place_of_the_published_one(entry, weights):
    for content in (weights.read_bytes(), weights.read_bytes()[:1000], b""):
        entry.path.parent.mkdir(parents=True, exist_ok=True)
        entry.path.write_bytes(content)
        with pytest.raises(DetectorError, match="not the file this detector was published"):
            load_detector(entry.id, fetch=False)


@VARIANTS
def test_weights_trained_again_load_under_any_name_and_are_not_called_published(
    entry, tmp_path, monkeypatch
):
    assert aasist.WINDOW == 64_600
    monkeypatch.setattr(aasist, "WINDOW", 8_000)  # takes an eighth of the time
    network = aasist.Aasist(**aasist.NETWORKS[entry.id])
    network.load_state_dict(
        fixed_state({k: tuple(v.shape) for k, v in network.state_dict().items()})
    )
    with torch.inference_mode():
        expected = network.eval()(signals(8_000)[2:3])[0].item()
    for name in (entry.file, f"{entry.id}.pt", "epoch_7.pth"):
        torch.save(network.state_dict(), tmp_path / name)
        detector = load_detector(tmp_path / name, fetch=False)
        assert detector.id not in registry.ENTRIES and detector.name == name
        found, _ = detector.raw_scores(signals(8_000)[2].numpy(), [(0, 8_000)])
        assert found[0] == pytest.approx(expected, abs=1e-3)
    assert (detector.window, detector.feed.short, detector.calibration) == (8_000, "repeated", None)


@pytest.mark.parametrize("change", [lambda d: d[:1000], lambda d: b"", lambda d: d[:-1] + b"x"])
def test_a_wrong_file_in_place_is_replaced_where_fetching_is_allowed(published, weights, change):
    published.path.parent.mkdir(parents=True)
    published.path.write_bytes(change(weights.read_bytes()))
    assert load_detector(published.id).weights_sha256 == published.sha256
    assert published.path.read_bytes() == weights.read_bytes()
    assert [p.name for p in published.path.parent.iterdir()] == [published.file]


def test_a_wrong_file_stays_where_nothing_better_arrives(published, weights):
    published.path.parent.mkdir(parents=True)
    published.path.write_bytes(b"partial")
    assert not published.ready
    weights.write_bytes(b"damaged on its way")
    with pytest.raises(DetectorError, match="was not kept"):
        load_detector(published.id)
    assert published.path.read_bytes() == b"partial"
    with pytest.raises(DetectorError, match="not the file this detector was published"):
        load_detector(published.id, fetch=False)


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch pwned",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a checkpoint", "read safely"),
        (Evil(), "more than weights"),
        (torch.zeros(3), "no named tensors"),
        ({"first_bn.weight": torch.zeros(1)}, "another kind"),
        ({"pos_S": torch.zeros(1)}, "lacks 'GAT_layer_S.att_proj.bias'"),
    ],
)
def test_files_of_the_right_hash_are_still_read_with_care(
    published, tmp_path, content, says, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / published.file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    entry = dataclasses.replace(published, bytes=path.stat().st_size, sha256=sha256(path))
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    with pytest.raises(DetectorError, match=says):
        load_detector(path)
    assert not (tmp_path / "pwned").exists()


def test_weights_must_fit_to_the_last_tensor(model, published, monkeypatch):
    state = model.state_dict()
    with pytest.raises(ValueError, match="another network"):
        aasist.with_weights({**state, "ssl_model.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="sizes of neither"):
        aasist.with_weights({**state, "pos_S": torch.zeros(1, 23, 7)})
    state.pop("out_layer.bias")
    with pytest.raises(ValueError, match=r"lacks 'out_layer\.bias'"):
        aasist.with_weights(state)
