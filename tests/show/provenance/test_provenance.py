"""What a file itself says, in words: never more than was checked, or was measured."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.detect.saved import open_saved
from core.evaluate.tables import TableError, load
from core.provenance.found import Credentials, Manifest, Provenance, Sign
from core.provenance.native import MOST_S
from core.provenance.tags import PROGRAMS
from core.show.documents.exports import detection_json
from core.show.evidence.case import Case, Filing
from core.show.evidence.report import evidence, evidence_html
from core.show.provenance import history, signed
from tests.builders import SCORES, HandDetector, clip
from training.provenance import IN_SOUND_AND_TAGS

ROOT = Path(__file__).resolve().parents[3]
MADE = Manifest("Voice Works", "Signer", "2026-03-02T10:00:00Z", "Tool",
                ("trainedAlgorithmicMedia",), (("c2pa.created", "TTS 2", ""),))  # fmt: skip
FITS = Credentials((MADE,), "fits", "fits", "fits", trust="listed")
SPOKEN = replace(FITS, manifests=(replace(MADE, source_types=("digitalCapture",)),))


def line(**changes) -> signed.Line:
    said = signed.line(Provenance(replace(FITS, **changes)))
    assert said is not None
    return said


def test_a_signature_that_fits_is_told_in_one_line():
    assert line() == signed.Line(
        "synthetic",
        "Signed by Voice Works as made by a trained algorithm, 2026-03-02; the signature and the "
        "sound fit.",
        vouched=True,
    )
    assert signed.line(Provenance(SPOKEN)).kind == "recorded"
    assert signed.line(Provenance()) is None


@pytest.mark.parametrize("trust", ["unknown", "no list"])
def test_an_unknown_signer_is_said_to_be_unknown(trust):
    text = line(trust=trust).text
    assert "unknown signer that calls itself “Voice Works”" in text
    assert "Anyone can make such a certificate" in text and "Signed by Voice Works" not in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sound": "differs"}, "changed after Voice Works signed it"),
        (
            {"sound": "differs", "trust": "unknown"},
            "changed after an unknown signer that calls itself “Voice Works” signed it",
        ),
        (
            {"expired": True, "problems": ("x",), "trust": "no list"},
            "Signed by an unknown signer that calls itself “Voice Works”",
        ),
        ({"claims": "differs"}, "were altered"),
        ({"signature": "differs"}, "were altered"),
        ({"expired": True, "problems": ("claimSignature.outsideValidity",)}, "had run out"),
        ({"problems": ("something.new",)}, "do not pass all checks"),
        ({"signature": "not checked"}, "do not pass all checks"),
        ({"damaged": True, "manifests": ()}, "damaged"),
    ],
)
def test_what_does_not_fit_is_a_warning_and_proves_nothing(changes, says):
    said = line(**changes)
    assert said.kind == "warning" and says in said.text
    assert "sound fit" not in said.text
    found = Provenance(replace(FITS, **changes))
    assert signed.contradiction(found, "authentic") == ""


def test_credentials_elsewhere_and_changed_parents_are_said():
    said = line(remote="https://example.org/x.c2pa", manifests=())
    assert said.kind == "neutral" and "kept at example.org" in said.text
    assert "earlier version" in line(earlier_fit=False).text


MARKED = Sign("watermark-perth", {"found": True, "answer": 0.99})
UNMARKED = Sign("watermark-perth", {"found": False, "answer": 0.01})


def test_a_watermark_is_the_line_where_nothing_is_signed():
    said = signed.line(Provenance(signs=(MARKED,)))
    assert said.kind == "synthetic" and "can mark any sound" in said.text
    assert signed.line(Provenance(signs=(UNMARKED,))) is None
    assert signed.line(Provenance(FITS, (MARKED,))).text.startswith("Signed by Voice Works")
    assert "scored human" in signed.contradiction(Provenance(signs=(MARKED,)), "authentic")


def test_a_signed_recording_with_a_watermark_is_a_contradiction():
    assert "watermark of a synthesiser" in signed.contradiction(
        Provenance(SPOKEN, (MARKED,)), "authentic"
    )
    assert signed.contradiction(Provenance(SPOKEN, (UNMARKED,)), "authentic") == ""


def test_a_watermark_stands_with_what_was_measured():
    table = load("watermark").set_index(["clips", "condition"])
    told = history.told(MARKED)
    for kind in ("Resemble", "marked here", "human", "other synthetic"):
        row = table.loc[(kind, "none")]
        assert f"{row['found']:,} of {row['n']:,}" in told.seen
    assert "not found" in history.told(UNMARKED).found


def test_synthetic_in_an_earlier_version_counts():
    edited = replace(MADE, signer="Desk", source_types=("humanEdits",))
    said = line(manifests=(edited, MADE))
    assert said.kind == "synthetic"
    assert said.text.startswith("Signed by Desk, 2026")  # Desk did not say so
    assert "signed as made by a trained algorithm by a signer that calls itself “Voice" in said.text


def test_an_earlier_version_that_was_changed_says_nothing():
    edited = replace(MADE, signer="Desk", source_types=("humanEdits",))
    said = line(manifests=(edited, MADE), earlier_fit=False)
    assert said.kind == "neutral" and "Voice Works" not in said.text


def test_work_by_people_says_nothing_of_what_they_worked_on():
    edited = replace(MADE, signer="Desk", source_types=("minorHumanEdits",))
    said = line(manifests=(edited,))
    assert said.kind == "neutral" and "Signed by Desk as edited a little by people" in said.text
    found = Provenance(replace(FITS, manifests=(edited,)))
    assert not any(signed.contradiction(found, v) for v in ("synthetic", "authentic"))
    recorded = replace(MADE, source_types=("digitalCapture",))
    assert line(manifests=(edited, recorded)).kind == "recorded"


def test_nothing_looks_vouched_for_but_by_a_listed_signer():
    tag = Sign("declares-aigc", {"label": "1"})
    lines = [line(trust="unknown"), line(trust="no list"), line(sound="differs")]
    lines += [signed.line(Provenance(signs=(sign,))) for sign in (MARKED, tag)]
    assert not any(said.vouched for said in lines) and line().vouched


def test_statements_and_verdicts_that_contradict_each_other_are_said():
    recorded, made = Provenance(SPOKEN), Provenance(FITS)
    assert "signed as a recording, and scored synthetic" in signed.contradiction(
        recorded, "synthetic"
    )
    assert "signed as synthetic, and scored human" in signed.contradiction(made, "authentic")
    for found, verdict in ((recorded, "authentic"), (made, "synthetic"), (made, "inconclusive")):
        assert signed.contradiction(found, verdict) == ""


def declared(*kinds: str) -> tuple[Sign, ...]:
    return tuple(Sign("declares-source", {"source_type": kind}) for kind in kinds)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Provenance(SPOKEN, (Sign("declares-aigc", {"label": "1"}),)), "signed as a recording"),
        (Provenance(FITS, declared("digitalCapture")), "called a recording by its tags"),
        (
            Provenance(signs=declared("digitalCapture", "trainedAlgorithmicMedia")),
            "called a recording by its tags, and called synthetic by its tags",
        ),
        (Provenance(signs=(MARKED, *declared("digitalCapture"))), "watermark of a synthesiser"),
    ],
)
def test_a_file_that_contradicts_itself_says_so_whatever_the_verdict(found, says):
    for verdict in ("synthetic", "authentic", "inconclusive", "not judged"):
        said = signed.contradiction(found, verdict)
        assert said.startswith("The file contradicts itself") and says in said


def test_statements_that_do_not_hold_contradict_nothing():
    broken = replace(SPOKEN, sound="differs", problems=("x",))
    assert signed.contradiction(Provenance(broken), "synthetic") == ""
    assert signed.contradiction(Provenance(signs=declared("digitalCapture")), "synthetic") == ""


def test_one_of_several_sources_that_is_synthetic_is_the_line():
    said = signed.line(Provenance(signs=declared("digitalCapture", "compositeSynthetic")))
    assert said is not None and said.kind == "synthetic"


def test_tags_are_told_as_unsigned():
    for sign in (
        Sign("declares-source", {"source_type": "trainedAlgorithmicMedia"}),
        Sign("declares-aigc", {"label": "1"}),
        Sign("synthesiser-named", {"program": "x", "tag": "comment", "says": "ElevenLabs"}),
    ):
        said = signed.line(Provenance(signs=(sign,)))
        assert said is not None and "No signature covers that" in said.text
    recorded = Sign("declares-source", {"source_type": "digitalCapture"})
    assert signed.line(Provenance(signs=(recorded,))) is None


@pytest.mark.parametrize("changes", [{"claims": "differs"}, {"sound": "differs"}])
def test_a_signature_that_fits_is_not_said_to_misfit(changes):
    held = replace(FITS, **changes)
    assert ("Signature", "fits") in signed.facts(held)
    assert "signature does not fit" not in signed.line(Provenance(held)).text


def test_an_end_of_the_spectrum_may_be_that_of_a_rate():
    told = history.told(Sign("codec-cut", {"edge_hz": 15_445, "rate": 48_000, "fall_db": 56.0}))
    assert "most likely" not in told.meaning.lower() and "32 or 40 kHz" in told.meaning


@pytest.mark.parametrize("code", history.AROUND)
def test_what_lies_somewhere_in_a_place_is_told_at_its_middle(code):
    values = {"hertz": 50, "jumps": 1, "most_degrees": 90, "steps": 1, "most_db": 9.0}
    told = history.told(Sign(code, values, ((5.85, 6.2),)))
    assert told.found_at.endswith("(about 6.0 s).")


def test_every_sign_that_can_be_found_has_words():
    sources = (ROOT / "core" / "provenance").glob("*.py")
    text = "\n".join(path.read_text("utf-8") for path in sources)
    codes = set(re.findall(r'Sign\(\s*"([\w-]+)"', text))
    codes |= set(re.findall(r'"((?:ends|codec)-\w+)"', text))
    assert len(codes) > 12
    assert codes == set(history._WORDS) == set(history._NAMES) - {history.WATERMARK}
    assert {code.split("-")[0] for code in PROGRAMS} == set(history._FAMILIES)
    assert set(history.ON_TIMELINE) <= codes


def test_rates_are_those_of_the_table():
    table = load("provenance").set_index("sign")
    for code, row in table.drop("any").iterrows():
        assert row["seen_bonafide"] <= row["n_bonafide"] == table.loc["any", "n_bonafide"]
        for label in ("bonafide", "spoof"):
            share = row[f"seen_{label}"] / row[f"n_{label}"]
            assert row[f"share_{label}"] == pytest.approx(share, abs=1e-4)
            assert row[f"low_{label}"] <= share + 1e-4 and share <= row[f"high_{label}"] + 1e-4
        shown = [float(x) for x in re.findall(r"([\d.]+) %", history.seen(str(code)))]
        due = [100 * row["share_bonafide"], 100 * row["share_spoof"]]
        if any(due):
            assert shown == pytest.approx(due, abs=0.51)
        else:
            assert f"none of {row['n_bonafide']:,} human" in history.seen(str(code))


def test_a_sign_that_was_not_measured_is_told_nowhere(monkeypatch):
    held = {code: row for code, row in history.rates().items() if code != "clicks"}
    monkeypatch.setattr(history, "rates", lambda: held)
    assert [told.code for told in history.history(ORIGIN)] == ["watermark-perth", "hum"]
    assert history.marks(ORIGIN) == []


def test_a_table_that_is_missing_is_said_beside_each_sign(monkeypatch):
    def missing():
        raise TableError("The table data/results/provenance.csv is missing.")

    monkeypatch.setattr(history, "rates", missing)
    assert "is missing" in history.told(HUM).seen


def test_a_sign_suggests_only_what_its_rates_surely_show():
    row = {"low_spoof": 0.2, "high_spoof": 0.3, "low_bonafide": 0.001, "high_bonafide": 0.02,
           "sources_spoof": 5, "sources_bonafide": 1}  # fmt: skip
    assert history.suggests(row) == "synthetic"
    assert history.suggests(row | {"sources_spoof": 4}) == ""
    assert history.suggests(row | {"high_bonafide": 0.021}) == ""
    assert "suggests" not in "".join(map(history.seen, history.rates()))


def test_the_document_names_the_limits_that_hold():
    text = (ROOT / "docs" / "provenance.md").read_text("utf-8")
    assert (MOST_S, history.SUGGESTS_TIMES, history.SUGGESTS_SOURCES) == (300, 10, 5)
    assert "first five minutes" in text and "ten times apart" in text
    assert "met in five collections" in text


def test_marks_are_in_order_and_named():
    found = Provenance(
        signs=(Sign("clicks", {}, ((2.0, 2.1), (0.5, 0.6))), Sign("zeros", {}, ((1.0, 1.2),)))
    )
    assert history.marks(found) == [
        (0.5, 0.6, "click"), (1.0, 1.2, "digital silence"), (2.0, 2.1, "click")
    ]  # fmt: skip
    assert history.marks(None) == []


HUM = Sign("hum", {"hertz": 50, "height_db": 20.0})
CLICK = Sign("clicks", {"clicks": 9}, tuple((float(t), t + 0.1) for t in range(9)))
ORIGIN = Provenance(FITS, (MARKED, HUM, CLICK), (("artist", "Ada"),))


def test_reports_hold_names_only_where_asked():
    case = Case(HandDetector(SCORES).detect(clip()), origin=ORIGIN)
    plain, full = (evidence_html([case], filing=Filing(personal=p)).decode() for p in (False, True))
    assert "Ada" not in plain and "Ada" in full
    assert "Signed by Voice Works" in plain and "A hum of 50 Hz" in plain
    assert "PerTh was found" in plain
    assert "9 jumps within one sample (at 0.00, 1.00, 2.00, 3.00, 4.00, 5.00, 6.00, 7.00 s" in plain
    assert "7.00 s and 1 more)." in plain
    sections = [heading for heading, *_ in evidence([case, case]).sections]
    assert sum("what the file itself says" in heading for heading in sections) == 1


def test_json_holds_it_beside_a_detection_that_can_still_be_opened():
    found = HandDetector(SCORES).detect(clip())
    text = detection_json(found, {found.source.sha256: ORIGIN})
    assert json.loads(text)["provenance"]["credentials"]["manifests"][0]["signer"] == "Voice Works"
    assert "Ada" not in text
    assert open_saved(text.encode(), lambda id: None)[0].detection.llr == found.llr
    assert "provenance" not in json.loads(detection_json(found, {}))


def test_every_sign_has_words():
    assert set(history._WORDS) == set(IN_SOUND_AND_TAGS)
