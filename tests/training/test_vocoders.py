"""Neural vocoders of the project's own, sound quality, and pairs that sound alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from training.clips import read_index
from training.copysynth import build_copies
from training.data import Mix, Pairs
from training.figures import figures, speaker_groups
from training.quality import mean_opinion, quality_model, rate_corpus
from training.vocoders import KINDS, NeuralCopies, network, spectral_loss, train_vocoder


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocoder_learns_and_keeps_length(kind: str, tiny_index: Path, tmp_path: Path) -> None:
    import torch

    files = read_index(tiny_index)["file"].tolist()
    said: list[str] = []
    train_vocoder(kind, files, tmp_path, minutes=5, steps=8, batch=1, report=said.append)
    assert len(list(tmp_path.glob(f"{kind}-*.safetensors"))) == 3
    samples, _ = soundfile.read(files[0], dtype="float32")
    waves = torch.from_numpy(samples[:16_000])[None]
    torch.manual_seed(0)
    fresh = network(kind).eval()
    trained = NeuralCopies(tmp_path)._model(f"{kind}-3")
    with torch.inference_mode():
        before, after = fresh(waves), trained(waves)
        assert after.shape == waves.shape
        if kind == "neural-codec":
            assert trained.error < fresh.error
        else:
            assert spectral_loss(after, waves) < spectral_loss(before, waves)


def test_an_unknown_vocoder_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no vocoder"):
        network("wavenet")
    with pytest.raises(ValueError, match="no trained vocoder"):
        NeuralCopies(tmp_path)


def test_vocoders_make_copies_beside_the_classic_ones(tiny_index: Path, tmp_path: Path) -> None:
    index = read_index(tiny_index)
    index = index[(index["split"] == "train") & (index["label"] == "bonafide")].head(2)
    train_vocoder(KINDS[0], index["file"].tolist(), tmp_path / "v", steps=2, batch=1, report=len)
    made = read_index(
        build_copies(index, tmp_path / "c", count=1, workers=1, vocoders=tmp_path / "v")
    )
    assert (made["family"] == f"copy:{KINDS[0]}").sum() == 2
    for _, part in made.groupby("pair"):
        lengths = {soundfile.info(f).frames for f in part["file"]}
        assert len(lengths) == 1 and len(part) == 3


def test_mean_opinion_follows_the_published_head(tmp_path: Path) -> None:
    """The MOS head is a linear map of the attentive mean, through a sigmoid to 1..5."""
    import torch

    from core.detect.networks import build

    torch.manual_seed(1)
    model = build("spectral-transformer", {})
    state = distillmos_state(model)
    torch.save({"model": state}, tmp_path / "distill.pt")
    rated = quality_model(tmp_path / "distill.pt")
    waves = torch.randn(2, 16_000)
    with torch.inference_mode():
        _, embedding = rated.encode(rated.front(waves / waves.abs().amax(1, keepdim=True)))
        last = state["transformer_pool_attn.pool.linear3.weight"][0]
        expected = 1 + 4 * torch.sigmoid(embedding[:, :200] @ last + 0.25)
    np.testing.assert_allclose(mean_opinion(rated, waves), expected, atol=0.02)


def distillmos_state(model: object) -> dict[str, object]:
    """A checkpoint in DistillMOS's layout from a network of ours."""
    import torch

    names = (
        ("front.cnn.", "cnn.cnn."),
        ("project.", "transformer_pool_attn.transformer.linear_proj."),
        ("encoder.layers.", "transformer_pool_attn.transformer.transformer_encoder.layers."),
        ("norm_encoder.", "transformer_pool_attn.norm_trans."),
        ("pool.", "transformer_pool_attn.pool."),
        ("norm_features.", "transformer_pool_attn.norm_input."),
    )
    state: dict[str, object] = {}
    for key, value in model.state_dict().items():  # type: ignore[attr-defined]
        for ours, theirs in names:
            if key.startswith(ours):
                state[theirs + key.removeprefix(ours)] = value.clone()
            if key.startswith("norm_features.") and ours == "norm_features.":
                second = "transformer_pool_attn.transformer.norm."
                state[second + key.removeprefix(ours)] = value.clone()
    last = "transformer_pool_attn.pool.linear3."
    state[last + "weight"], state[last + "bias"] = torch.randn(1, 200), torch.tensor([0.25])
    return state


def test_ratings_are_stored_beside_the_index(tiny_index: Path, tmp_path: Path) -> None:
    import shutil

    import torch

    from core.detect.networks import build

    corpus = shutil.copytree(tiny_index.parent, tmp_path / "corpus")
    model = build("spectral-transformer", {})
    torch.save({"model": distillmos_state(model)}, tmp_path / "distill.pt")
    index = read_index(corpus)
    assert index["mos"].isna().all()
    rate_corpus(index.head(3), corpus, tmp_path / "distill.pt", batch=2)
    again = read_index(corpus)
    assert again["mos"].head(3).between(1, 5).all() and again["mos"][3:].isna().all()


def test_pairs_that_should_sound_alike_do(tiny_index: Path) -> None:
    index = read_index(tiny_index)
    index = index[index["split"] == "train"].reset_index(drop=True)
    spoof = index["label"] == "spoof"
    index["mos"] = 1.5
    index.loc[index.index[spoof][::2], "mos"] = 4.5
    index.loc[index.index[~spoof][::2], "mos"] = 4.5
    mos = index["mos"].to_numpy()

    def apart(chance: float) -> float:
        mix = Mix(copies=0.0, same_source=0.5, same_quality=chance, seconds=0.5)
        made = Pairs(index, 30, 3, mix)
        pairs = [made[i]["clips"] for i in range(30)]
        return float(np.mean([abs(mos[h] - mos[s]) for h, s in pairs]))

    assert apart(1.0) < 0.2 < apart(0.0)


def test_speakers_are_known_by_sex_and_language() -> None:
    groups = speaker_groups("public_samples")
    assert groups["sex"]["vctk:p225"] == "female" and groups["sex"]["vctk:p326"] == "male"
    assert groups["language"]["MLS-PT:11995"] == "Portuguese"
    assert speaker_groups("another") == {}


def test_figures_by_group_quality_and_stated_chance() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    spoof = np.arange(n) % 2 == 1
    llr = rng.normal(np.where(spoof, 1.0, -1.0), np.sqrt(2.0))  # calibrated: variance = 2 x mean
    trials = pd.DataFrame(
        {
            "trial": [f"t{i}" for i in range(n)],
            "label": np.where(spoof, "spoof", "bonafide"),
            "score": llr,
            "source": "one",
            "family": np.where(spoof, "F", "human"),
            "material": np.where(spoof, "synthesis", "human"),
            "speaker": np.where(np.arange(n) < 2000, "vctk:p225", "vctk:p326"),
            "bandwidth_hz": 8000.0,
            "familiarity": rng.random(n),
            "spread": np.where((llr > 0) == spoof, 0.1, 1.0),
            "mos": np.where(np.arange(n) < 2000, 2.0, 4.5),
            "verdict": np.where(
                np.abs(llr) < 0.5, "inconclusive", np.where(llr > 0, "synthetic", "authentic")
            ),
        }
    )
    table = figures(trials, "s", "public_samples", "test", "command")
    assert set(table.loc[table["breakdown"] == "sex", "condition"]) == {"female", "male"}
    assert set(table.loc[table["breakdown"] == "quality", "condition"]) == {
        "predicted MOS below 2.5",
        "predicted MOS from 4.2",
    }
    stated = table[table["breakdown"] == "reliability"]
    at = stated["condition"].str.extract(r"([\d.]+)")[0].astype(float)
    assert np.abs(stated["value"] - at).max() < 15
    assert (stated["n_bonafide"] + stated["n_spoof"]).sum() == n
    kept = table[table["breakdown"] == "abstention_measure"].set_index("condition")["value"]
    assert kept["windows disagree"] < kept["LLR near zero"] < kept["all clips"]
    assert kept["far from the training data"] == pytest.approx(kept["all clips"], abs=3)
    abstention = table[table["breakdown"] == "abstention"]
    given = abstention[abstention["condition"] == "verdict given"].set_index("metric")["value"]
    assert given["share_percent"] == pytest.approx(100 * (np.abs(llr) >= 0.5).mean())
    wrong = (llr > 0) != spoof
    kept = np.abs(llr) >= 0.5
    expected = 100 * np.mean([wrong[kept & spoof].mean(), wrong[kept & ~spoof].mean()])
    assert given["balanced_error_percent"] == pytest.approx(expected)
    for condition, of in (
        ("human clips called synthetic", ~spoof),
        ("synthetic clips called authentic", spoof),
    ):
        found = abstention[abstention["condition"] == condition].iloc[0]
        assert found["metric"] == "wrong_percent"
        assert found["value"] == pytest.approx(100 * wrong[kept & of].mean())
        assert found["n_bonafide"] + found["n_spoof"] == (kept & of).sum()
        assert found["n_spoof" if of is spoof else "n_bonafide"] == (kept & of).sum()
