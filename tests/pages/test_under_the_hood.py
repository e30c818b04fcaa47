"""Under the hood: diagrams, recipe, model card, versions and citations."""

import json
from functools import cache as kept
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import version
from core.detect.registry import ENTRIES, added, load_detector
from core.evaluate import arena, tables
from core.show import cache
from core.show.figures.known_detectors import described, known, name_of
from core.show.navigation.choices import names_of
from tests.detect.test_own import written
from tests.pages.words import assert_plain

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Under_the_Hood.py")


def run(**asked):
    at = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in asked.items():
        at.query_params[name.replace("_", "-")] = value
    at.run()
    assert not at.exception
    return at


@kept
def seen():
    """The page as it is opened, for tests that only read it."""
    return run()


def text(at):
    return " ".join(m.value for m in at.markdown)


def test_both_architectures_the_recipe_and_the_layer_norm():
    at = seen()
    assert_plain(at)
    assert len(at.get("graphviz_chart")) == 2
    recipe = at.table[0].value
    assert recipe.loc["Trained parameters", "Stage 2"] == "14,178,818 (15.02 %)"
    assert "**before the first** transformer layer" in text(at)
    assert "**10.09 %**" in text(at) and "**0.69 %**" in text(at)


def test_detectors_by_name_say_what_they_need_and_what_was_tested(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path))
    at = run()
    listed = next(d.value for d in at.dataframe if "here" in d.value).set_index("detector")
    assert listed.loc["Spectra-AASIST", "here"] == "needs about 1.3 GB"
    assert listed.loc["DF Arena 1B", "here"] == "cannot be run"
    assert "see its model card" in listed.loc["Embedded detector", "trained on"]
    assert listed.loc["AASIST, ASVspoof 2019 LA (published)", "parameters"] == "297,866"
    at.selectbox(key="hood-detector").set_value("xlsr-sls").run()
    assert not at.exception
    words = text(at)
    assert "64,600 samples" in words and "never ran here" in words and "1e-05" not in words
    figures = next(d.value for d in at.dataframe if "EER, %" in d.value)
    rows = tables.load("arena")
    own = rows[(rows["system"] == "XLSR-SLS") & (rows["metric"] == "eer")]
    assert set(figures["benchmark"]) == set(own["benchmark"])
    assert "python -m core detectors xlsr-sls --fetch" in at.code[0].value


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A detector of one's own beside those of the registry."""
    monkeypatch.setenv("SPOOFSCOPE_DETECTORS", written(tmp_path))
    for entry in added.added():
        monkeypatch.setitem(ENTRIES, entry.id, entry)


def test_an_address_opens_any_detector_by_its_id_or_its_name(own):
    known = names_of(list(ENTRIES), name_of)
    for entry in ENTRIES.values():
        meant = [known[asked.casefold()] for asked in (entry.id, entry.id.upper(), entry.name)]
        assert meant == [entry.name] * 3
    for asked, id in (("own:flatness", "own:flatness"), ("AASIST-l", "aasist-l")):
        at = run(hood_detector=asked)
        assert at.selectbox(key="hood-detector").value == id
        assert at.session_state["hood"] == "Detectors by name"
        assert not [i for i in at.info if "The address names" in i.value]


def test_an_address_that_names_no_detector_here_says_so_and_shows_the_first():
    at = run(hood_detector="own:*gone*")
    said = next(i.value for i in at.info).replace("\\", "").replace("\N{WORD JOINER}", "")
    assert "The address names **own:*gone***: there is no such choice here" in said
    assert at.selectbox(key="hood-detector").value == "embedded"


def test_every_entry_says_all_that_is_asked_of_one(own):
    """Where nobody knows, that is said."""
    rows = tables.load("arena")
    for entry in ENTRIES.values():
        facts = known(entry)
        said = dict(described(entry, facts))
        assert {"Here", "Home", "Licence", "Parameters", "Trained on", "Tested"} <= set(said)
        assert all(text.strip() and "nan" not in text for text in said.values()), said
        assert ("Size" in said) == (not entry.code)
        assert ("Revision" in said) == (bool(entry.home) and not entry.code)
        assert ("no commercial use" in said["Licence"]) != entry.commercial
        printed = rows[(rows["system"] == entry.arena) & (rows["metric"] == "eer")]
        assert set(facts.figures["benchmark"]) == set(printed["benchmark"])
        if len(facts.figures):
            assert set(facts.figures["seen"]) <= {arena.SEEN, arena.UNSEEN, arena.UNSTATED}
        if entry.network:
            assert "Parity" in said and "published weights never ran here" in said["Tested"]
    assert f"{int(said_of('embedded')['Parameters'].replace(',', '')) / 1e6:.1f} million" in (
        cache.MODELS / "embedded" / "MODEL_CARD.md"
    ).read_text("utf-8")
    assert "Voices of today" in said_of("embedded")["Measured"]


def said_of(id):
    return dict(described(ENTRIES[id], known(ENTRIES[id])))


def test_versions_and_citations():
    at = seen()
    assert any("streamlit" in c.value and "Python" in c.value for c in at.caption)
    words = text(at)
    assert version.in_words() in words
    assert all(link in words for link in tables.load("citations")["link"])
    assert "@misc{wang2020asvspoof," in at.code[-1].value


def test_the_model_card_and_the_hash_come_from_the_models_folder(tmp_path, monkeypatch):
    folder = tmp_path / "embedded"
    folder.mkdir()
    monkeypatch.setattr(cache, "MODELS", tmp_path)
    assert any("MODEL_CARD.md" in i.value for i in run().info)
    (folder / "MODEL_CARD.md").write_text("# Card of a test\n\nMade for this test.", "utf-8")
    config = {
        "weights": {"file": "model.safetensors", "sha256": "ab" * 32},
        "calibration": {"scale": 2.0, "offset": 0.5},
        "decision": {"inconclusive_llr": [-1.0, 1.0]},
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    at = run()
    assert "Card of a test" in text(at)
    detectors = next(d.value for d in at.dataframe if "detector" in d.value)
    assert detectors["weights (SHA-256)"].iloc[0] == "ab" * 32
    assert "llr = 2 x score +0.5" in at.get("graphviz_chart")[0].proto.spec


def test_trust_is_told_benchmark_by_benchmark(results):
    assert any("Not measured yet" in i.value for i in run().info)
    row = dict.fromkeys(tables.FIGURES.columns, "")
    row |= {"system": "embedded", "subset": "test", "kind": "measured", "source": "a command"}
    row |= {"n_bonafide": 5, "n_spoof": 5}
    risk = {"breakdown": "risk_coverage", "metric": "balanced_error_percent"}
    rows = [
        {**row, **risk, "benchmark": b, "condition": c, "value": v}
        for b, every in (("public_samples", 20), ("today_samples", 30))
        for c, v in (("80 %", every - 5), ("100 %", every))
    ]
    pd.DataFrame(rows).to_csv(results / "embedded.csv", index=False)
    at = run()
    heads = [s.value for s in at.subheader]
    assert "Public samples, test" in heads and "Voices of today, test" in heads
    specs = " ".join(c.proto.spec for c in at.get("vega_lite_chart"))
    assert "30 % wrong" in specs and "15 %" in specs


def test_the_page_is_short_but_for_the_model_card():
    """What explains the two detectors, without tables, sources and citations."""
    at = seen()
    prose = [m.value for t in at.tabs[:2] for m in t.markdown]
    assert len(" ".join(prose).split()) < 330


def test_the_watermark_stands_with_its_measured_shares():
    shown = next(d.value for d in seen().dataframe if "clips, n" in d.value)
    table = tables.load("watermark")
    assert list(shown["found"]) == list(table["found"])


def test_signs_of_history_stand_with_their_measured_shares():
    shown = next(d.value for d in seen().dataframe if "human, 95 %" in d.value).set_index("sign")
    table = tables.load("provenance").set_index("sign")
    assert len(shown) == len(table) - 1
    row = table.loc["zeros"]
    found = shown.loc["digital silence"]
    assert found["synthetic, %"] == round(100 * row["share_spoof"], 1)
    assert found["collections, human"] == row["sources_bonafide"]


def test_on_ones_own_machine_a_detector_is_calibrated_on_ones_own_clips(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))
    assert not [t for t in run().text_input if t.key == "hood-clips"]
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    detector = load_detector("embedded")
    raw = np.random.default_rng(0).normal([-1.0] * 40 + [1.0] * 40, 1)
    scored = pd.DataFrame({"path": [f"{i}.wav" for i in range(80)], "raw": raw})
    scored = scored.assign(label=["human"] * 40 + ["fake"] * 40)
    scored.assign(weights_sha256=detector.weights_sha256).to_csv(tmp_path / "s.csv", index=False)
    at = run()
    next(b for b in at.button if b.label == "Fit").click().run()
    assert [e.value for e in at.error] == ["Name the folder or the table of your clips."]
    at.text_input(key="hood-clips").set_value(str(tmp_path / "no.csv"))
    next(b for b in at.button if b.label == "Fit").click().run()
    assert "There is no manifest" in at.error[0].value.replace("\\", "")
    at.text_input(key="hood-clips").set_value(str(tmp_path / "s.csv"))
    at.text_input(key="hood-clips-name").set_value("*calls*")
    next(b for b in at.button if b.label == "Fit").click().run()
    assert not at.exception and not at.error
    assert "40 human and 40 synthetic clips" in " ".join(c.value for c in at.caption)
    (drawn,) = [c for c in at.get("vega_lite_chart") if "Cllr in bits" in c.proto.spec]
    assert alt.LayerChart.from_dict(json.loads(drawn.proto.spec))  # which validates
    at.button(key="hood-calibration-keep").click().run()
    assert "Calibrated on 40 human and 40 synthetic clips called '\\*calls\\*'" in text(at)
    assert cache.detector("embedded").own_calibration.clips == "*calls*"
    at.button(key="hood-calibration-forget").click().run()
    assert "Calibrated on 40" not in text(at)
    assert cache.detector("embedded").own_calibration is None
