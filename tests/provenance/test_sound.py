"""Traces in samples: what was done to a file is found, and where; what was not done is not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from core.provenance.found import Sign
from core.provenance.native import read_native
from core.provenance.sound import look

SPEECH, RATE = soundfile.read(Path(__file__).parents[1] / "data" / "speech.flac")


@pytest.fixture(scope="module", autouse=True)
def without_codecs():
    """Those by their frames, whose search is dear, are tested in `test_frames`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.provenance.sound.codecs_before", lambda sound: ())
        yield


def found(x: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", form: str = "WAV"):
    file = io.BytesIO()
    soundfile.write(file, x, rate, subtype, format=form)
    sound = read_native(file)
    assert sound is not None
    return {sign.code: sign for sign in look(sound)}


def noise(seconds: float, rate: int = RATE, level: float = 0.05) -> np.ndarray:
    return level * np.random.default_rng(3).standard_normal(round(seconds * rate))


def near(sign: Sign, second: float, by: float = 0.15) -> bool:
    return any(a - by <= second <= b + by for a, b in sign.places)


@pytest.mark.parametrize(
    ("made_at", "code"), [(8_000, "ends-4k"), (16_000, "ends-8k"), (22_050, "ends-11k"),
                          (24_000, "ends-12k")]
)  # fmt: skip
def test_a_lower_rate_shows_in_a_file_of_48_khz(made_at: int, code: str) -> None:
    x = soxr.resample(noise(3.0, made_at), made_at, 48_000)
    signs = found(x, 48_000)
    assert code in signs and signs[code].values["rate"] == 48_000
    assert not any(c.startswith("ends") for c in found(noise(3.0, 48_000), 48_000))
    assert not any(c.startswith("ends") for c in found(noise(3.0, made_at), made_at))


def test_a_codec_shows_in_a_lossless_file() -> None:
    mp3 = io.BytesIO()
    soundfile.write(mp3, noise(3.0, 44_100), 44_100, format="MP3", bitrate_mode="CONSTANT",
                    compression_level=0.9)  # fmt: skip
    mp3.seek(0)
    x, rate = soundfile.read(mp3)
    assert "codec-cut" in found(x, rate)
    assert "codec-cut" not in found(noise(3.0, 44_100), 44_100)


def test_digital_silence_is_found_between_sounds_alone() -> None:
    x = noise(3.0)
    gap = x.copy()
    gap[RATE : RATE + RATE // 10] = 0
    sign = found(gap)["zeros"]
    assert sign.places == ((1.0, 1.1),) and sign.values["runs"] == 1
    ends = x.copy()
    ends[:RATE], ends[-RATE:] = 0, 0
    assert "zeros" not in found(ends) and "zeros" not in found(x)


@settings(deadline=None, max_examples=6)
@given(st.floats(0.2, 1.0), st.floats(1.6, 2.6), st.floats(0.1, 0.4))
def test_a_copied_stretch_is_found_where_it_is(source: float, target: float, length: float) -> None:
    x = noise(3.2)
    a, b, n = (round(t * RATE) for t in (source, target, length))
    x[b : b + n] = x[a : a + n]
    sign = found(x)["repeats"]
    assert sign.values["repeats"] == 1
    (first, _), (second, _) = sign.places
    assert abs(first - a / RATE) < 0.02 and abs(second - b / RATE) < 0.02


def test_speech_noise_and_tones_do_not_repeat() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
    for x in (SPEECH, noise(3.0), np.round(tone * 8) / 8):
        assert "repeats" not in found(x)


def test_a_click_is_found_where_it_is() -> None:
    x = noise(3.0, level=0.001)
    x[RATE:] += 0.2
    x[2 * RATE :] -= 0.2
    sign = found(x)["clicks"]
    assert near(sign, 1.0) and near(sign, 2.0) and sign.values["clicks"] == 2
    assert "clicks" not in found(noise(3.0)) and "clicks" not in found(SPEECH)


def test_a_step_of_the_noise_floor_is_found_where_it_is() -> None:
    x = noise(6.0, level=0.001)
    x[3 * RATE :] *= 10
    sign = found(x)["floor-steps"]
    assert near(sign, 3.0, 0.3) and abs(sign.values["most_db"] - 20) < 3
    assert "floor-steps" not in found(noise(6.0, level=0.001))


def test_bits_that_are_not_used_are_counted() -> None:
    x = np.round(noise(1.0) * 2**15) / 2**15
    assert found(x, subtype="PCM_24")["bits-unused"].values["used"] == 16
    assert found(x, subtype="FLOAT")["bits-unused"].values["used"] == 16
    assert found(x, subtype="PCM_24", form="FLAC")["bits-unused"].values["provided"] == 24
    assert "bits-unused" not in found(x)
    assert "bits-unused" not in found(noise(1.0), subtype="PCM_24")


def test_offset_clipping_and_hum_are_measured() -> None:
    x = noise(4.0)
    t = np.arange(len(x)) / RATE
    assert abs(found(x + 0.01)["dc-offset"].values["offset"] - 0.01) < 0.001
    assert "clipped" in found(np.clip(x * 20, -1, 0.9999))
    for hertz in (50, 60):
        hum = sum(0.01 * np.sin(2 * np.pi * hertz * k * t) for k in (1, 2, 3))
        assert found(0.1 * x + hum)["hum"].values["hertz"] == hertz
    assert not {"dc-offset", "clipped", "hum"} & set(found(x))


def humming(seconds: float, hertz: float, phase: float = 0.0) -> np.ndarray:
    return 0.02 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE + phase)


@pytest.mark.parametrize("hertz", [50.0, 59.96, 120.0])
def test_the_phase_of_a_hum_jumps_where_it_was_cut_and_nowhere_else(hertz: float) -> None:
    x = 0.02 * noise(10.0) + humming(10.0, hertz) + (hertz == 120) * 0.3 * humming(10.0, 60.0)
    assert {"hum", "hum-line"} & set(found(x)) and "hum-jumps" not in found(x)
    cut = np.concatenate([x[: 5 * RATE], x[round((6 + 0.4 / hertz) * RATE) :]])
    sign = found(cut)["hum-jumps"]
    assert near(sign, 5.0, 0.1) and sign.values["jumps"] == 1
    # 0.4 periods of what was cut at, which is fewer of the line below it.
    assert abs(sign.values["most_degrees"] - 144 * sign.values["hertz"] / hertz) < 15


def test_one_strong_line_of_the_mains_is_a_hum() -> None:
    assert found(0.02 * noise(6.0) + humming(6.0, 50.0))["hum-line"].values["hertz"] == 50
    both = 0.02 * noise(6.0) + humming(6.0, 50.0) + 0.2 * humming(6.0, 60.0)
    assert found(both)["hum-line"].values["hertz"] == 50


def test_a_long_copy_is_one_however_it_is_found() -> None:
    x = noise(9.0)
    sign = found(np.concatenate([x, x[2 * RATE : 5 * RATE]]))["repeats"]
    assert sign.values == {"repeats": 1, "seconds": 3.0}
    assert sign.places == ((2.0, 5.0), (9.0, 12.0))


def test_rounding_of_what_is_almost_silent_is_no_digital_silence() -> None:
    x = noise(3.0)
    x[RATE : 2 * RATE] = 2.0**-15 * (np.arange(RATE) % 1000 < 10)
    x[2 * RATE - 800 : 2 * RATE] = 2.0**-15
    assert "zeros" not in found(x[RATE:])


def test_a_length_in_blocks_is_no_round_number_of_seconds() -> None:
    assert "length-256" in found(noise(1.0)[: 256 * 61])
    assert "length-256" not in found(noise(8.0)[: 16_000 * 8])
    assert "length-256" not in found(noise(1.0)[: 256 * 61 + 1])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2_000), st.sampled_from(["zeros", "noise", "square"]))
def test_short_and_empty_sounds_give_no_error(samples: int, kind: str) -> None:
    x = {"zeros": np.zeros(samples), "noise": noise(1.0)[:samples],
         "square": np.sign(np.sin(np.arange(samples)))}[kind]  # fmt: skip
    if samples:
        assert isinstance(found(x), dict)
