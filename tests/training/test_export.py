"""From trained weights to a detector and its figures."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from core.audio.clip import Clip
from core.audio.decoding import decode
from core.audio.quality import Quality
from core.detect.detection import Detection
from core.detect.familiarity import load
from core.detect.model_directory import load_directory
from core.detect.networks import build
from core.detect.registry import EMBEDDED, ROOT
from core.evaluate.calibrating import COVERAGE, fit_band
from core.evaluate.tables import COLUMNS
from tests.training.conftest import TINY_NETWORK
from training.benchmark import against, run_benchmark, update_results
from training.calibrate import calibrate_codec, calibrate_engine
from training.export import _between, add_families, export_model
from training.familiarity import fit
from training.figures import _tally, figures, of_mean, within_source

RECIPE = {"architecture": "spectral-transformer", "network": TINY_NETWORK, "training": {}}


@pytest.fixture
def everything_is_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buzzes are no speech to a voice activity detector."""

    def measure(clip: object) -> Quality:
        n = len(clip.samples) / 16_000  # type: ignore[attr-defined]
        return Quality(n, n, ((0.0, n),), -20.0, 0.5, 0.0, 0.0, 8000.0)

    monkeypatch.setattr("core.audio.quality.measure", measure)


def test_export_makes_a_calibrated_detector(
    tiny_index: Path, tmp_path: Path, everything_is_speech: None
) -> None:
    import torch

    torch.manual_seed(0)
    save_file(build("spectral-transformer", TINY_NETWORK).state_dict(), tmp_path / "w.safetensors")
    config = export_model(tmp_path / "w.safetensors", RECIPE, [tiny_index], tmp_path / "model")
    assert config["calibration"]["llr_limit"] == pytest.approx(math.log(4))
    assert config["training_families"] == ["Vocoder1", "Vocoder3"]
    files = (tmp_path / "model").iterdir()
    assert {f.name for f in files if not f.stat().st_mode & 0o004} == set()  # for a server's user
    detector = load_directory(tmp_path / "model")
    assert detector.calibration is not None and detector.familiarity is not None

    save_file(build("spectral-transformer", TINY_NETWORK).state_dict(), tmp_path / "x.safetensors")
    with pytest.MonkeyPatch.context() as patch:  # other weights are there, and then it stops
        patch.setattr("training.export.fit_calibration", _never)
        with pytest.raises(AssertionError):
            export_model(tmp_path / "x.safetensors", RECIPE, [tiny_index], tmp_path / "model")
    assert load_directory(tmp_path / "model").weights_sha256 == detector.weights_sha256

    table = run_benchmark(detector, tiny_index, split="dev", trials_to=tmp_path)
    assert list(table.columns) == list(COLUMNS)
    again = run_benchmark(detector, tiny_index, split="dev")
    pd.testing.assert_frame_equal(table, again)
    trials = pd.read_csv(next(tmp_path.glob("embedded-*-dev-none.csv")))
    assert len(trials) == 8
    assert trials["score"].abs().max() <= math.log(4) + 1e-9
    narrow = run_benchmark(detector, tiny_index, split="dev", codecs=["g711-alaw"])
    assert set(narrow["condition"]) == {"g711-alaw"}
    with pytest.raises(ValueError, match="no codec 'gms'"):  # before anything is scored
        run_benchmark(detector, tiny_index, codecs=["none", "gms"], progress=_never)


def test_calibration_belongs_to_the_engine_that_runs_by_default(
    everything_is_speech: None, tiny_index: Path, tmp_path: Path
) -> None:
    import torch

    torch.manual_seed(0)
    save_file(build("spectral-transformer", TINY_NETWORK).state_dict(), tmp_path / "w.safetensors")
    noise = np.random.default_rng(0).normal(0, 0.1, 144_000).astype(np.float32)
    model = tmp_path / "model"
    config = export_model(
        tmp_path / "w.safetensors", RECIPE, [tiny_index], model, int8=True, speech=[noise]
    )
    assert config["default_engine"] == "int8" and set(config["engines"]) == {"onnx", "int8"}
    assert config["engines"]["int8"]["raw_away"]["windows"] == 3
    again = calibrate_engine(model, [tiny_index], "int8")
    assert again == config["calibration"]
    assert load_directory(model).id == "embedded"
    other = calibrate_engine(model, [tiny_index], "onnx")
    assert other["scale"] != again["scale"]
    single = load_directory(model)
    assert single.calibration.scale == other["scale"] and single.caution is None
    assert load_directory(model, "int8").id == "embedded-int8"


def test_a_share_of_the_first_weights_is_kept() -> None:
    import torch

    ours = {"a": torch.tensor([1.0, 2.0]), "n": torch.tensor(3)}
    first = {"a": torch.tensor([0.0, 4.0]), "n": torch.tensor(7), "other": torch.zeros(1)}
    found = _between(ours, first, 0.25)
    assert found["a"].tolist() == [0.75, 2.5] and found["n"] == 3 and set(found) == {"a", "n"}


def test_the_band_spares_the_human_first() -> None:
    human, fake = [-3.0, -2.0, 0.5], [-0.62, 2.0, 3.0]
    spoof = np.array([False] * 3 + [True] * 3)
    assert fit_band(np.array(human + fake), spoof) == (0.0, 0.55)  # room for one, not for both
    assert fit_band(np.array([-1.0, 1.0]), np.array([False, True])) == (0.0, 0.0)


@given(st.integers(0, 2**32 - 1), st.floats(-2, 3))
def test_the_band_leaves_verdicts_to_enough_clips(seed: int, apart: float) -> None:
    spoof = np.arange(60) % 3 == 0
    llr = np.random.default_rng(seed).normal(apart * (spoof - 0.5), 1.0)
    low, high = fit_band(llr, spoof)
    judged = (llr <= low) | (llr >= high)
    assert low <= 0 <= high
    assert np.mean([judged[spoof].mean(), judged[~spoof].mean()]) >= COVERAGE - 1e-9


def test_a_codec_gets_a_calibration_of_its_own(everything_is_speech, tiny_index, tmp_path) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "model")
    found = calibrate_codec(tmp_path / "model", [tiny_index], "opus")
    detector = load_directory(tmp_path / "model")
    assert detector.calibration_of("opus").scale == found["scale"]
    assert detector.calibration_of("opus-24") == detector.calibration_of("opus")
    assert detector.calibration_of("mp3") == detector.calibration != detector.calibration_of("opus")
    clip = decode(next((ROOT / "examples").glob("1-*")))
    clip = Clip(clip.samples, replace(clip.source, codec="opus"))
    heard = detector.detect(clip)
    raw = detector.listen(clip).raw.mean()
    assert heard.llr == pytest.approx(detector.calibration_of("opus").llr(float(raw)))
    assert "codec_calibration" in {reason.code for reason in heard.reasons}
    with pytest.raises(ValueError, match="no settings for 'gsm'"):
        calibrate_codec(tmp_path / "model", [tiny_index], "gsm")


def test_nearest_families_are_those_of_the_training_data(
    everything_is_speech, tiny_index, tmp_path
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "model")
    names = add_families(tmp_path / "model", [tiny_index])
    detector = load_directory(tmp_path / "model")
    vectors = detector.familiarity.families @ np.linalg.pinv(detector.familiarity.whiten)
    for name, vector in zip(names, vectors + detector.familiarity.mean, strict=True):
        assert detector.familiarity(vector).nearest[0] == name
    shipped = load_directory(EMBEDDED)
    assert set(shipped.familiarity.family_names) <= set(shipped.config["training_families"])
    found = shipped.detect(decode(next((ROOT / "examples").glob("1-*"))))
    assert len(found.familiarity.nearest) == 3
    assert Detection.from_dict(found.to_dict()) == found


def _never(*_: object) -> None:
    raise AssertionError("a clip was scored")


def trials(rng: np.random.Generator, n: int = 300, apart: float = 2.0) -> pd.DataFrame:
    label = np.where(np.arange(n) % 2, "spoof", "bonafide")
    score = rng.normal(size=n) + apart * (label == "spoof") - apart / 2
    return pd.DataFrame(
        {
            "trial": [f"t{i}" for i in range(n)],
            "label": label,
            "score": score,
            "source": np.where(np.arange(n) % 4 < 2, "o/a", "o/b"),
            "family": np.where(label == "spoof", "V", "human"),
            "material": np.where(label == "spoof", "synthesis", "human"),
            "speaker": [f"s{i % 30}" for i in range(n)],
            "bandwidth_hz": 8000.0,
            "mos": np.nan,
            "familiarity": np.nan,
            "spread": np.abs(score),
            "verdict": np.where(score > 0, "synthetic", "authentic"),
        }
    )


def test_figures_of_known_gaussians() -> None:
    # N(-1, 1) against N(1, 1): EER is the normal tail beyond 1, and the scores are halved LLRs.
    table = figures(trials(np.random.default_rng(0), 4000), "s", "b", "test", "command")
    pooled = table[table["breakdown"] == "pooled"].set_index("metric")
    assert pooled.loc["eer_percent", "value"] == pytest.approx(15.87, abs=1.5)
    assert pooled.loc["eer_percent", "low"] < 15.87 < pooled.loc["eer_percent", "high"]
    assert pooled.loc["min_cllr", "value"] <= pooled.loc["cllr", "value"]
    risk = table[table["breakdown"] == "risk_coverage"]["value"].to_numpy()
    assert risk[0] < risk[4] < risk[-1] == pytest.approx(15.87, abs=1.5)
    families = table[table["breakdown"] == "family"]
    assert families["condition"].tolist() == ["V"]
    assert (table["kind"] == "measured").all() and (table["source"] == "command").all()


def test_another_detector_is_compared_on_the_same_trials() -> None:
    rng = np.random.default_rng(2)
    good, poor = trials(rng, 600, apart=4.0), trials(rng, 600, apart=0.5)
    poor.loc[:9, "score"] = np.nan  # not judged by one of the two
    rows = against(good, poor, ("good", "poor"), "b", "test", "command")
    value = rows.set_index("condition")["value"]
    n = rows["n_bonafide"] + rows["n_spoof"]
    assert (n == 590).all() and set(rows["system"]) == {"poor", "poor minus good"}
    expected = 100 * (eer_of(poor.iloc[10:]) - eer_of(good.iloc[10:]))
    assert value["pooled, paired"] == pytest.approx(expected)
    low = rows.set_index("condition")["low"]
    assert 0 < low["pooled, paired"] < value["pooled, paired"]
    with pytest.raises(ValueError, match="No clip was judged by both"):
        against(good, poor.assign(trial="x"), ("good", "poor"), "b", "test", "command")


def eer_of(table: pd.DataFrame) -> float:
    return _tally(table).eer().rate


def test_new_rows_replace_the_old_ones_of_their_breakdown(tmp_path: Path) -> None:
    def table(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
        columns = ["system", "breakdown", "condition", "value"]
        plain = dict.fromkeys(COLUMNS, "") | {"low": np.nan, "high": np.nan}
        made = pd.DataFrame(rows, columns=columns).assign(metric="eer_percent", low=np.nan)
        return made.assign(**{k: v for k, v in plain.items() if k not in made})[list(COLUMNS)]

    path = tmp_path / "results.csv"
    update_results(
        path,
        table(
            ("a", "family", "X", 1.0),
            ("a", "family", "Y", 2.0),
            ("b", "family", "X", 3.0),
            ("a", "codec", "gsm", 4.0),
        ),
    )
    update_results(path, table(("a", "family", "X", 5.123456), ("a", "codec", "mp3-32", 6.0)))
    update_results(path, table(("a", "family", "Z", 7.0)).assign(benchmark="another"))
    found = pd.read_csv(path).set_index(["system", "breakdown", "condition"])["value"].to_dict()
    assert found == {
        ("b", "family", "X"): 3.0,
        ("a", "codec", "gsm"): 4.0,
        ("a", "family", "X"): 5.1235,
        ("a", "codec", "mp3-32"): 6.0,
        ("a", "family", "Z"): 7.0,
    }


def test_within_source_ignores_shifts_between_sources() -> None:
    table = trials(np.random.default_rng(1), 1800, apart=4.0)
    table["source"] = [f"o/{i // 2 % 6}" for i in range(len(table))]
    table.loc[table["source"] == "o/1", "score"] += 100
    value, low, high = within_source(table)
    assert low < 2.28 < high < 6 and low < value < high
    few = table[table["source"].isin(["o/0", "o/1"])]
    assert np.isnan(within_source(few)[1:]).all()  # two do not tell of others
    assert _tally(table).eer().rate > 0.1


def test_the_mean_of_groups_needs_groups() -> None:
    mean, low, high = of_mean([0.1, 0.2, 0.1, 0.2, 0.15])
    assert mean == pytest.approx(0.15) and low < 0.11 and high > 0.19
    assert np.isnan(of_mean([0.1, 0.2])[1:]).all()


def test_familiarity_tells_the_strange_from_the_known(tmp_path: Path) -> None:
    from safetensors.numpy import save_file as save_arrays

    rng = np.random.default_rng(0)
    train = rng.normal(size=(400, 6)) * [1, 2, 3, 1, 1, 1]
    label = np.arange(400) % 2
    train[label == 1] += 4
    usual = rng.normal(size=(200, 6)) * [1, 2, 3, 1, 1, 1]
    measure = fit(train, label, usual, dimensions=6, centres=2)
    assert measure(usual[0]).level in {"familiar", "edge"}
    assert measure(np.full(6, 50.0)).level == "unfamiliar"
    levels = [measure(x).level for x in usual]
    assert 0.9 <= levels.count("familiar") / 200 <= 0.96
    arrays = {k: np.ascontiguousarray(getattr(measure, k)) for k in
              ("mean", "whiten", "centres", "usual")}  # fmt: skip
    save_arrays(arrays, tmp_path / "f.safetensors")
    again = load(tmp_path, {"file": "f.safetensors"})
    assert again(usual[3]) == measure(usual[3])
