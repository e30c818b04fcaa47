"""Several detectors, priors and costs on Detect, with detectors whose scores are given."""

import dataclasses
from pathlib import Path

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from core.detect.agreement import disagreements
from core.detect.detector import DetectorError
from core.detect.registry import classes_of, load_detector
from core.evaluate import arena
from core.evaluate.tables.loading import load as load_table
from core.show import cache
from core.show.figures.track_record import in_brief, track_record
from core.show.opinions import view as opinions_view
from core.show.opinions.charts import DISAGREE, stacked
from core.show.theme import DARK, LIGHT
from tests.builders import SCORES, HandDetector, clip
from tests.pages.conftest import forget
from tests.pages.test_detect import PAGE, download, headings, upload, words


@pytest.fixture
def two(monkeypatch, tmp_path):
    """The embedded detector, and an AASIST that says the opposite of it, uncalibrated."""
    forget()
    against = {
        hertz: [None if s is None else -s for s in scores] for hertz, scores in SCORES.items()
    }
    second = HandDetector(against, calibrated=False)
    second.id = "aasist"
    made = {"embedded": HandDetector(SCORES), "aasist": second}
    monkeypatch.setattr("core.detect.registry.load_detector", lambda id, **_: made[id])
    monkeypatch.setattr("core.detect.registry.Entry.ready", property(lambda self: True))
    monkeypatch.setattr("core.show.cache.EXAMPLES", tmp_path)
    yield made
    forget()


@pytest.fixture
def page(two) -> AppTest:
    return AppTest.from_file(PAGE, default_timeout=60).run()


def test_one_detector_is_compared_with_nothing(page):
    upload(page, "synthetic.wav")
    assert "Second opinions" not in headings(page)


def test_two_detectors_that_disagree_are_shown_apart_and_never_averaged(page, two):
    page.multiselect(key="detect-detectors").set_value(["embedded", "aasist"]).run()
    text = words(upload(page, "synthetic.wav"))
    assert "Second opinions" in headings(page)
    assert "**1 of 2: likely synthetic; 1 of 2: likely authentic.**" in text
    assert "They disagree, so neither side is shown." in text
    assert "never averaged" in text
    table = next(d.value for d in page.dataframe if "Verdict" in d.value)
    assert [v.split(" ", 1)[1] for v in table["Verdict"]] == [
        "Likely synthetic",
        "Likely authentic",
    ]
    assert table["Score"].iloc[0] == -table["Score"].iloc[1]
    assert list(table["What the score is"]) == [
        "calibrated log-likelihood ratio",
        "uncalibrated log-odds",
    ]
    record = next(c.value for c in page.caption if "AASIST" in c.value and "known:" in c.value)
    assert "Public samples" in record
    assert "ASVspoof 2019 LA eval, published" in record
    calls = len(two["aasist"].calls)
    page.slider(key="detect-prior").set_value(90).run()
    assert len(two["aasist"].calls) == calls  # another prior scores nothing again


def test_costs_move_the_verdict_and_not_the_evidence(page, two):
    text = words(upload(page, "unsure.wav"))
    assert "Inconclusive" in headings(page)[0]
    page.number_input(key="detect-cost_missed_fake").set_value(100.0).run()
    assert not page.exception
    assert "Likely synthetic" in headings(page)[0]
    moved = words(page)
    assert "With the costs you set" in moved
    assert "1 % on" in moved
    assert len(two["embedded"].calls) == 1
    page.number_input(key="detect-cost_missed_fake").set_value(1.0).run()
    page.number_input(key="detect-cost_false_accusation").set_value(100.0).run()
    assert "Likely authentic" in headings(page)[0]
    assert "Inconclusive" in text


def test_a_clip_without_speech_gets_no_timeline_from_anyone(page):
    page.multiselect(key="detect-detectors").set_value(["embedded", "aasist"]).run()
    upload(page, "silent.wav")
    assert not page.get("vega_lite_chart")
    assert "do not contradict" in words(page)


def test_disagreement_is_where_the_sides_differ():
    first = HandDetector({220.0: [3.0, 3.0, -3.0]}).detect(clip(8.0))
    second = HandDetector({220.0: [3.0, -3.0, -3.0]}).detect(clip(8.0))
    from core.detect.spans import cells

    lines = {"a": cells(first), "b": cells(second)}
    assert disagreements(lines) == [(lines["a"][1].start_s, lines["a"][1].end_s)]
    assert disagreements({"a": lines["a"], "c": lines["a"]}) == []
    for palette in (LIGHT, DARK):
        made = stacked({"a": first, "b": second}, {"a": (0, 0), "b": (0, 0)}, palette).to_dict()
        rows = next(iter(made["datasets"].values()))
        assert next(r for r in rows if r["detector"] == DISAGREE)["start"] == 3.0
        assert len(rows) == 7


def test_a_stranger_cannot_name_hub_models_or_folders_of_the_server(page, monkeypatch):
    assert not page.text_input
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    assert page.run().text_input(key="detect-another")


def test_another_detector_is_added_without_a_warning_in_the_log(page, monkeypatch, caplog):
    monkeypatch.setattr("streamlit.elements.lib.policies._shown_default_value_warning", False)
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    page.run().text_input(key="detect-another").set_value("embedded-fp32").run()
    page.button(key="detect-add").click().run()
    assert page.multiselect(key="detect-detectors").value == ["embedded", "embedded-fp32"]
    assert "default value" not in caplog.text


def classifier(folder: Path, labels: dict[int, str]) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_stride=(10, 8), conv_kernel=(10, 8), num_feat_extract_layers=2,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, classifier_proj_size=8,
        id2label=labels, label2id={v: k for k, v in labels.items()},
    )  # fmt: skip
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_classes_must_be_clear_before_anything_is_judged(page, monkeypatch, tmp_path):
    folder = classifier(tmp_path / "model", {0: "LABEL_0", 1: "<b>fake</b>"})
    assert classes_of(str(folder)) == {"LABEL_0": None, "<b>fake</b>": None}
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    page.run().text_input(key="detect-another").set_value(str(folder)).run()
    button = page.button(key="detect-add")
    assert button.disabled
    page.selectbox(key=f"detect-class-{folder}-LABEL_0").set_value("bonafide").run()
    page.selectbox(key=f"detect-class-{folder}-<b>fake</b>").set_value("bonafide").run()
    assert page.button(key="detect-add").disabled  # both human: no side is left
    page.selectbox(key=f"detect-class-{folder}-<b>fake</b>").set_value("spoof").run()
    page.button(key="detect-add").click().run()
    assert not page.exception
    assert page.multiselect(key="detect-detectors").value == ["embedded", str(folder)]
    labels = page.session_state["spoofscope.others"][str(folder)]
    assert labels == {"LABEL_0": "bonafide", "<b>fake</b>": "spoof"}
    loaded = load_detector(str(folder), labels=labels, fetch=False)
    assert loaded.detect(clip(5.0)).calibrated is False


def test_names_that_say_so_are_guessed_and_odd_ids_refused(tmp_path, monkeypatch):
    folder = classifier(tmp_path / "model", {0: "Bona-Fide", 1: "spoofed"})
    assert classes_of(str(folder)) == {"Bona-Fide": "bonafide", "spoofed": "spoof"}
    for odd in ("hub:no-owner", "hub:a/b/c", "hub:../../etc", "hub:a/<script>"):
        with pytest.raises(DetectorError, match="OWNER/NAME"):
            classes_of(odd)
    with pytest.raises(DetectorError, match="could be found"):
        classes_of(str(tmp_path / "nothing"))

    def unreachable(*_args, **_kwargs):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", unreachable)
    with pytest.raises(DetectorError, match="could not be found on the hub"):
        classes_of("hub:owner/name")
    monkeypatch.setattr(
        "huggingface_hub.get_hf_file_metadata",
        lambda *_a, **_k: type("Big", (), {"size": 3_000_000_000})(),
    )
    with pytest.raises(DetectorError, match="too large"):
        classes_of("hub:owner/name")


def test_large_weights_are_offered_where_they_are_or_to_the_servers_owner(monkeypatch, tmp_path):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path))
    small = ["embedded", "wav2vec2-base-asvspoof2019", "aasist", "aasist-l"]
    assert opinions_view.offered() == small
    entry = opinions_view.ENTRIES["spectra-0"]
    entry.path.parent.mkdir()
    entry.path.write_bytes(b"w")
    assert opinions_view.offered() == [*small, "spectra-0"]
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    mine = opinions_view.offered()
    assert {"spectra-aasist", "antideepfake-xls-r-2b", "xlsr-conformer-tcm"} < set(mine)
    assert not any(id.startswith("df-arena") for id in mine)


def test_error_rates_of_the_field_are_those_on_corpora_that_a_system_has_not_seen():
    rows = arena.joined(*map(load_table, ("arena", "arena_systems", "arena_corpora")))
    own = arena.cells(rows[(rows["system"] == "Nes2Net-X") & (rows["metric"] == "eer")])
    new = own[own["seen"] == arena.UNSEEN]["value"]
    assert 0 < len(new) < len(own)
    said = track_record("nes2net-x", None, None)
    assert (
        f"{new.min():.2f} to {new.max():.2f} % on {len(new)} corpora that it has not seen" in said
    )
    assert "nobody says" in track_record("spectra-0", None, None)
    assert track_record("antideepfake-xls-r-1b", None, None) == "not measured"
    span = f"EER {new.min():.2f} to {new.max():.2f} % on {len(new)} corpora that it has not seen"
    assert in_brief("nes2net-x", None) == span
    assert in_brief("own:x", None) == "error rates not measured"


def test_at_a_glance_is_a_chip_a_detector_and_what_they_say_is_taken_away(page, two):
    page.multiselect(key="detect-detectors").set_value(["embedded", "aasist"]).run()
    upload(page, "synthetic.wav")
    chips = next(h.value for h in page.html if 'role="listitem"' in h.value and "AASIST" in h.value)
    assert chips.count('role="listitem"') == 2
    assert "Likely synthetic" in chips and "Likely authentic" in chips and "no chance" in chips
    figures = load_table("embedded")
    for id in two:
        assert in_brief(id, figures) in chips and "% on Public samples" in in_brief(id, figures)
    assert download(page, "All opinions as JSON")


def test_a_large_detector_says_how_long_a_clip_takes_before_it_starts(page, two, monkeypatch):
    said = []
    entry = dataclasses.replace(opinions_view.ENTRIES["aasist"], bytes=1_300_000_000)
    monkeypatch.setitem(opinions_view.ENTRIES, "aasist", entry)
    monkeypatch.setattr(cache, "pace", lambda shared, progress: 7.0)
    heard = two["aasist"].detect

    def listen(clip, **options):
        options["progress"](0.0)
        return heard(clip, **options)

    monkeypatch.setattr(two["aasist"], "detect", listen)
    shown = DeltaGenerator.progress
    monkeypatch.setattr(
        DeltaGenerator, "progress", lambda *a, text="", **k: said.append(text) or shown(*a, **k)
    )
    page.multiselect(key="detect-detectors").set_value(["embedded", "aasist"]).run()
    upload(page, "synthetic.wav")
    assert not page.exception
    lines = [text for text in said if "about" in text]
    assert lines and all("listens, about 28 s" in text for text in lines)  # four windows
    assert not any("Listening" in text and "about" in text for text in said)
