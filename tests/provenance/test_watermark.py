"""Resemble's watermark: found where it is, not where it is not, and never a guess."""

import numpy as np
import pytest
import soundfile

from core.audio.decoding import decode
from core.cli import main
from core.evaluate.tables import load
from core.files import ROOT
from core.provenance import watermark
from core.provenance.found import Provenance, Sign
from core.provenance.watermark import FOUND, SIGN, WatermarkError, look_for_perth, with_watermark
from training.watermark import mark, passed

HUMAN = ROOT / "examples" / "5-hardest-switchboard-menu.flac"


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Three seconds of a human at 16 kHz."""
    return decode(HUMAN).samples[:48_000]


@pytest.mark.parametrize(
    ("rate", "answer"), [(16_000, 0.11902), (24_000, 0.14403), (44_100, 0.17061)]
)
def test_answers_are_those_of_its_makers(rate, answer):
    """Known answers: ``PerthImplicitWatermarker.get_watermark`` of resemble-perth 1.0.1."""
    t = np.arange(3 * rate) / rate
    voiced = 0.2 * np.sin(2 * np.pi * (150 + 30 * np.sin(3 * t)) * t) * (1 + np.sin(9 * t))
    noise = 0.01 * np.random.default_rng(5).standard_normal(132_300)[: len(t)]
    assert look_for_perth((voiced + noise).astype(np.float32), rate) == pytest.approx(
        answer, abs=2e-4
    )


def test_a_marked_voice_is_found_also_through_a_codec(voice):
    marked = mark(voice, 16_000)
    assert len(marked) == len(voice) and 0 < np.abs(marked - voice).max() < 0.2
    assert look_for_perth(voice, 16_000) < FOUND < look_for_perth(marked, 16_000)
    assert look_for_perth(passed(marked, "opus-64", 0), 16_000) > FOUND


@pytest.mark.parametrize("sound", [np.zeros(32_000), np.ones(15_000), np.zeros(0)])
def test_too_little_sound_gets_a_sentence_and_no_answer(sound):
    found = with_watermark(Provenance(), sound.astype(np.float32), 16_000)
    assert found.signs == () and "1 s and more" in found.notes[0]


def test_other_weights_are_refused_and_missing_ones_named(monkeypatch, voice):
    watermark.weights.cache_clear()
    watermark.missing.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(watermark, "SHA256", "0" * 64)
        with pytest.raises(WatermarkError, match="not those that were measured"):
            look_for_perth(voice, 16_000)
        patch.setattr(watermark, "FILE", "perth/none.tar")
        with pytest.raises(WatermarkError, match="not installed"):
            look_for_perth(voice, 16_000)
    watermark.missing.cache_clear()
    assert watermark.missing() == ""


def test_the_answer_stands_first_and_once():
    signs = (Sign("hum", {"hertz": 50, "height_db": 20.0}), Sign(SIGN, {"found": False}))
    rng = np.random.default_rng(0)
    found = with_watermark(Provenance(signs=signs), rng.standard_normal(20_000), 16_000)
    assert [s.code for s in found.signs] == [SIGN, "hum"]
    assert Provenance.from_dict(found.to_dict()) == found


def test_the_command_looks_where_it_is_asked(tmp_path, voice, capsys):
    file = tmp_path / "marked.wav"
    soundfile.write(file, mark(voice, 16_000), 16_000)
    assert main(["inspect", "--watermark", str(file)]) == 0
    said = capsys.readouterr().out
    assert "The sound carries PerTh" in said and "Found in" in said
    assert main(["inspect", str(file)]) == 0
    assert "PerTh" not in capsys.readouterr().out


def test_what_was_measured_allows_the_words():
    """The line on the card needs: found in its makers' own clips, nearly never elsewhere."""
    table = load("watermark").set_index(["clips", "condition"])
    assert table.loc[("Resemble", "none"), "share"] == 1
    assert table.loc[("marked here", "none"), "low"] > 0.9
    unmarked = table.loc[["human", "other synthetic"]]
    assert unmarked.loc[unmarked["n"] > 400, "high"].max() < 0.01
