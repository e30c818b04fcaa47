"""Noise, rooms, speed and level do what their numbers say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio import acoustics
from core.audio.clip import SAMPLE_RATE


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.asarray(x, np.float64) ** 2)))


@pytest.mark.parametrize("snr_db", [30, 20, 10])
def test_noise_has_its_ratio_to_the_speech(snr_db, speech):
    level = rms(speech[8_000:24_000])
    noisy = acoustics.add_noise(speech, snr_db, level, rng())
    noise = noisy.astype(np.float64) - speech
    assert noisy.dtype == np.float32
    assert 20 * np.log10(level / rms(noise)) == pytest.approx(snr_db, abs=0.1)


@given(st.integers(2, 5_000), st.integers(0, 2**32))
def test_pink_noise_of_any_length_has_unit_power(n, seed):
    noise = acoustics.pink_noise(n, np.random.default_rng(seed))
    assert noise.shape == (n,)
    assert rms(noise) == pytest.approx(1.0)
    assert abs(noise.mean()) < 1e-9


def test_pink_noise_has_the_same_power_in_every_octave():
    n = 20 * SAMPLE_RATE
    power = np.abs(np.fft.rfft(acoustics.pink_noise(n, rng()))) ** 2
    hertz = np.fft.rfftfreq(n, 1 / SAMPLE_RATE)
    octaves = [power[(hertz >= f) & (hertz < 2 * f)].sum() for f in (250, 500, 1000, 2000, 4000)]
    assert 10 * np.log10(max(octaves) / min(octaves)) < 0.5


def reverberation_time(response: np.ndarray) -> float:
    """Schroeder's backward integration, from -5 to -35 dB (ISO 3382-1, T30)."""
    decay = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    at = np.flatnonzero((decay <= -5) & (decay >= -35))
    slope = np.polyfit(at / SAMPLE_RATE, decay[at], 1)[0]
    return -60 / slope


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.2])
def test_a_room_rings_for_its_reverberation_time(rt60_s):
    response = acoustics.room_response(rt60_s, 0.0, rng())
    assert reverberation_time(response) == pytest.approx(rt60_s, rel=0.1)


@pytest.mark.parametrize("direct_db", [-6.0, 0.0, 9.0])
def test_a_room_keeps_the_direct_sound_first_and_at_its_ratio(direct_db):
    response = acoustics.room_response(0.5, direct_db, rng())
    assert np.sum(response**2) == pytest.approx(1.0)
    ratio = response[0] ** 2 / np.sum(response[1:] ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(direct_db)


def test_in_a_room_a_click_becomes_the_response(speech):
    response = acoustics.room_response(0.3, 3.0, rng())
    click = np.zeros(9_000, np.float32)
    click[1_000] = 1.0
    heard = acoustics.in_room(click, response)
    np.testing.assert_allclose(heard[1_000 : 1_000 + len(response)], response, atol=1e-6)
    assert np.abs(heard[:1_000]).max() < 1e-6
    assert acoustics.in_room(speech, response).shape == speech.shape


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_changes_length_and_pitch_by_its_factor(factor):
    tone = np.sin(2 * np.pi * 1_000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    heard = acoustics.at_speed(tone, factor)
    assert len(heard) == pytest.approx(len(tone) / factor, abs=2)
    hertz = np.argmax(np.abs(np.fft.rfft(heard))) * SAMPLE_RATE / len(heard)
    assert hertz == pytest.approx(1_000 * factor, abs=1)


def test_gain_is_exact_down_to_the_steps_of_16_bits(speech):
    quiet, cut = acoustics.gain(speech, -20)
    assert cut == 0.0
    assert np.abs(quiet - speech / 10).max() <= 0.5 / 32768 + 1e-9
    assert np.array_equal(quiet * 32768, np.round(quiet * 32768))


def test_gain_beyond_full_scale_is_cut_and_counted():
    x = np.linspace(-1, 1, 2_001, dtype=np.float32)
    loud, cut = acoustics.gain(x, 20 * np.log10(2))
    assert (loud.min(), loud.max()) == (-1.0, 32767 / 32768)
    assert cut == pytest.approx(0.5, abs=0.001)
    kept = np.abs(x) < 0.499
    np.testing.assert_allclose(loud[kept], 2 * x[kept], atol=1 / 32768)


def test_only_what_exceeds_full_scale_is_turned_down():
    calm = np.array([0.5, -1.0], np.float32)
    assert acoustics.within_full_scale(calm) is calm
    np.testing.assert_allclose(
        acoustics.within_full_scale(np.array([0.5, -2.0], np.float32)), [0.25, -1.0]
    )


def test_the_same_seed_gives_the_same_sound(speech):
    for make in (
        lambda g: acoustics.add_noise(speech, 20, 0.1, g),
        lambda g: acoustics.room_response(0.5, 0.0, g),
    ):
        assert np.array_equal(make(rng()), make(rng()))
        assert not np.array_equal(make(rng()), make(np.random.default_rng(8)))


@pytest.mark.parametrize("n", [0, 1])
def test_next_to_nothing_passes_through(n):
    x = np.zeros(n, np.float32)
    assert len(acoustics.add_noise(x, 10, 1.0, rng())) == n
    assert len(acoustics.gain(x, 6)[0]) == n
    assert len(acoustics.within_full_scale(x)) == n
