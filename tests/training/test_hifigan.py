from pathlib import Path

import numpy as np
import pytest

from training import hifigan
from training.copysynth import copy_synthesis


def test_a_tone_lies_in_its_mel_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(22_050) / hifigan.RATE)
    mel = hifigan.log_mel(tone)
    assert mel.shape == (80, 22_050 // 256)
    centres = (np.arange(hifigan.SIZE // 2 + 1) * hifigan.RATE / hifigan.SIZE) @ (
        hifigan.mel_filters() / hifigan.mel_filters().sum(1, keepdims=True)
    ).T
    assert abs(centres[mel[:, 40].argmax()] - 1000) < 60


def test_filters_have_unit_area_in_hertz() -> None:
    # Slaney's filters: the narrow low ones are sampled coarsely, hence the tolerance.
    area = hifigan.mel_filters().sum(1) * hifigan.RATE / hifigan.SIZE
    assert np.allclose(area[40:], 1, atol=0.1)


def test_the_generator_makes_256_samples_a_frame() -> None:
    import torch

    wave = hifigan.generator(16)(torch.zeros(2, 80, 5))
    assert wave.shape == (2, 5 * hifigan.HOP)


def test_weights_are_those_that_were_meant(tmp_path: Path) -> None:
    (tmp_path / "generator_universal.pth.tar").write_bytes(b"something else")
    with pytest.raises(ValueError, match="none of the known"):
        hifigan.load_generator(tmp_path / "generator_universal.pth.tar")
    with pytest.raises(ValueError, match="holds none of"):
        hifigan.HifiganCopies(tmp_path / "nowhere")


def test_copies_keep_length_and_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "generator_universal.pth.tar").touch()
    monkeypatch.setattr(hifigan, "load_generator", lambda _: hifigan.generator(16).eval())
    copy = hifigan.HifiganCopies(tmp_path).methods()["hifigan"]
    speech = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    for seed in range(6):
        made = copy_synthesis(speech, "hifigan", np.random.default_rng(seed), copy)
        assert made.shape == speech.shape
        assert np.isclose(np.sqrt(np.mean(made**2)), np.sqrt(np.mean(speech**2)), rtol=0.01)


def test_spectra_vary_in_half_of_all_copies() -> None:
    mel = np.random.default_rng(0).normal(size=(80, 20))
    varied = [hifigan.varied(mel, np.random.default_rng(seed)) for seed in range(200)]
    assert all(v.shape == mel.shape for v in varied)
    assert 70 < sum(v is mel for v in varied) < 130
