"""What is done to training crops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.conftest import voice
from training.augment import Strength, augment, disturb, pad, resampled, speech_range, trim
from training.copysynth import METHODS, copy_synthesis
from training.mel import mel_bands

ALWAYS = Strength(*[1.0] * 9)
NEVER = Strength(*[0.0] * 9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), seconds=st.floats(0.2, 3.0))
def test_every_step_at_once_keeps_length_and_range(seed: int, seconds: float) -> None:
    x = augment(voice(seconds, 1), np.random.default_rng(seed), ALWAYS, 32_000, lambda w, _: w)
    assert x.shape == (32_000,) and x.dtype == np.float32
    assert np.isfinite(x).all() and np.abs(x).max() <= 1
    again = augment(voice(seconds, 1), np.random.default_rng(seed), ALWAYS, 32_000, lambda w, _: w)
    np.testing.assert_array_equal(x, again)


def test_nothing_drawn_changes_the_level_alone() -> None:
    x = voice(1.0, 2)
    y = disturb(x, np.random.default_rng(0), NEVER)
    assert np.corrcoef(x, y)[0, 1] > 0.999999


def test_codecs_are_those_of_the_project() -> None:
    from core.audio.codecs import CODECS as KNOWN
    from training.augment import CODECS

    assert {name for name, _ in CODECS} <= set(KNOWN)


def test_trim_cuts_both_ends_to_a_tenth_of_a_second() -> None:
    x = voice(1.0, 3)
    padded = np.concatenate([np.zeros(16_000, np.float32), x, np.zeros(32_000, np.float32)])
    start, end = speech_range(padded)
    assert 16_000 - 1_600 - 320 <= start <= 16_000 + 320
    assert 32_000 - 320 <= end <= 32_000 + 1_600 + 4_320  # the vowel's last swell is quiet
    assert len(trim(padded)) == end - start
    assert len(trim(np.zeros(16_000, np.float32))) == 16_000


def test_pad_puts_zeros_at_the_end_as_windows_do() -> None:
    x = np.ones(100, np.float32)
    np.testing.assert_array_equal(pad(x, 150), np.concatenate([x, np.zeros(50)]))
    assert len(pad(x, 50)) == 50


def test_resampling_keeps_the_voice_in_place() -> None:
    x = voice(1.0, 4, dull=True)
    for seed in range(5):
        y = resampled(x, np.random.default_rng(seed))
        assert np.corrcoef(x, y)[0, 1] > 0.9


@pytest.mark.parametrize("method", list(METHODS))
def test_copies_keep_length_level_and_spectrum(method: str) -> None:
    x = voice(1.0, 5)
    y = copy_synthesis(x, method, np.random.default_rng(0))
    assert y.shape == x.shape and y.dtype == np.float32
    assert np.sqrt(np.mean(y**2)) == pytest.approx(np.sqrt(np.mean(x**2)), rel=1e-3)

    def coarse(z: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(z[:16_000].reshape(50, 320) * np.hanning(320))) ** 2
        return np.log(power.mean(0)[2:150].reshape(-1, 4).sum(1) + 1e-9)

    assert np.corrcoef(coarse(x), coarse(y))[0, 1] > 0.65
    assert not np.allclose(x, y, atol=1e-3)
    np.testing.assert_array_equal(y, copy_synthesis(x, method, np.random.default_rng(0)))


def test_copies_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="a tenth of a second"):
        copy_synthesis(np.zeros(16_000, np.float32), "world", np.random.default_rng(0))
    with pytest.raises(ValueError, match="no copy-synthesis method"):
        copy_synthesis(voice(1.0, 1), "magic", np.random.default_rng(0))


def test_mel_bands_have_unit_area_and_rising_centres() -> None:
    bands = mel_bands(40, 1024)
    assert bands.shape == (40, 513)
    np.testing.assert_allclose(bands.sum(1), 1)
    assert (np.diff(bands.argmax(1)) > 0).all()


def test_codecs_are_drawn_as_often_as_asked() -> None:
    from training.augment import disturb

    names: list[str] = []

    def codec(x: np.ndarray, name: str) -> np.ndarray:
        names.append(name)
        return x

    speech = np.random.default_rng(0).normal(0, 0.1, 1600).astype(np.float32)
    only = Strength(**{k: float(k == "codec") for k in vars(Strength())})
    for seed in range(200):
        disturb(speech, np.random.default_rng(seed), only, codec, {"gsm": 3, "opus-16": 1})
    assert set(names) == {"gsm", "opus-16"}
    assert 120 < names.count("gsm") < 180
