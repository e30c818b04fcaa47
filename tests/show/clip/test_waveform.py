"""Pictures and slices of a clip."""

import base64
import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.show.clip import waveform
from core.show.theme import DARK, LIGHT
from tests.builders import clip, tone


@given(n=st.integers(1, 50_000), pairs=st.integers(1, 3_000))
def test_extremes_hold_every_sample_within_the_limit(n, pairs):
    samples = np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)
    lows, highs = waveform.extremes(samples, pairs)
    assert len(lows) == len(highs) == min(n, pairs)
    assert lows.min() == samples.min()
    assert highs.max() == samples.max()
    assert (lows <= highs).all()


def test_a_slice_is_the_sound_at_its_own_level():
    whole = clip(3.0)
    samples, rate = soundfile.read(io.BytesIO(waveform.wav_bytes(whole, 1.0, 2.5)), dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(samples, whole.samples[16_000:40_000], atol=1e-4)
    assert len(soundfile.read(io.BytesIO(waveform.wav_bytes(whole)))[0]) == 48_000


@pytest.mark.parametrize("hertz", [500.0, 1_000.0, 3_000.0, 6_000.0])
def test_a_tone_is_a_line_at_its_frequency(hertz):
    level, top = waveform.spectrogram_db(tone(2.0, hertz))
    loudest = level.mean(axis=1).argmax()
    assert (loudest + 0.5) / len(level) * top == pytest.approx(hertz, abs=60.0)
    assert level.max() == pytest.approx(0.0, abs=1e-4)
    assert level.min() >= waveform.FLOOR_DB


@pytest.mark.parametrize("n", [1, 100, 16_000, 16_000 * 120])
def test_spectrograms_are_bounded_and_finite(n):
    for samples in (np.zeros(n, np.float32), tone(n / 16_000)):
        level, _ = waveform.spectrogram_db(samples)
        assert np.isfinite(level).all()
        assert level.shape[1] <= 1_000


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_silence_has_the_colour_of_the_page(palette):
    address = waveform.spectrogram_png(np.zeros(16_000, np.float32), palette)
    image = Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))
    assert "#{:02X}{:02X}{:02X}".format(*image.getpixel((3, 3))) == palette.background
