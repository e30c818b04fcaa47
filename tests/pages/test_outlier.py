"""Whatever says something of a clip says that a part of it scores unlike the rest."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.cli import detect as cli
from core.show.clip.outlier import how_often
from core.show.documents import exports
from core.show.evidence.case import Case
from core.show.evidence.report import evidence_html, evidence_pdf
from tests.builders import BAND, FINDING, SCORES, HandDetector, clip, tone, wav

ROOT = Path(__file__).resolve().parents[2]
WORDS = "33.0 to 49.0 s scores unlike the rest"


@pytest.fixture(scope="module")
def made():
    return HandDetector(SCORES).detect(clip(66.0, hertz=660.0))


def written(write, made) -> str:
    out = io.StringIO()
    write([(Path("clip.wav"), made)], out)
    return out.getvalue()


def test_every_way_out_names_the_stretch(made, undrawn):
    assert made.verdict == "inconclusive"
    assert WORDS in written(cli.write_table, made)
    assert "33.0-49.0" in written(cli.write_csv, made).splitlines()[1]
    assert "33.0-49.0" in exports.clips_csv([made], [("x", "y")]).splitlines()[1]
    assert json.loads(exports.detection_json(made))["stands_out"][0]["end_s"] == 49.0
    page = evidence_html([Case(made, BAND)]).decode()
    assert WORDS in page and "longer or cleaner" not in page
    assert evidence_pdf([Case(made, BAND)]).startswith(b"%PDF")


def text(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(m.value.replace("\\", "") for m in [*page.markdown, *page.caption])


def button(page: AppTest, label: str):
    return next(b for b in page.button if label in b.label)


def shown(page: AppTest) -> list[float]:
    return [n.value for n in page.number_input if n.key.startswith("timeline-")]


def test_the_card_names_it_lets_it_be_heard_and_opens_it(detector, unseen):
    page = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60).run()
    page.switch_page("pages/Detect.py").run()
    page.file_uploader[0].upload("clip.wav", wav(tone(66.0, 660.0))).run()
    assert WORDS in text(page) and "longer or cleaner" not in text(page)
    heard = len(page.get("audio"))
    button(page, "Hear 33.0 to 49.0 s").click().run()
    assert len(page.get("audio")) == heard + 1
    button(page, "Open it in Timeline").click().run()
    assert WORDS in text(page)
    assert shown(page) == [28.0, 54.0]
    page.switch_page("pages/Timeline.py").run()  # where AppTest does not know that it is
    assert shown(page) == [28.0, 54.0]
    button(page, "Whole clip").click().run()
    assert shown(page) == [0.0, 66.0]
    button(page, "Show it").click().run()
    assert shown(page) == [28.0, 54.0]


def test_a_clip_that_is_synthetic_in_part_says_so_on_every_page(detector, unseen):
    detector.finding = FINDING
    verdict = "Likely synthetic in part: 30.2 to 34.2 s"
    page = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60).run()
    page.switch_page("pages/Detect.py").run()
    page.file_uploader[0].upload("a.wav", wav(tone(66.0, 770.0)))
    page.file_uploader[0].upload("b.wav", wav(tone(9.0))).run()
    assert any(verdict in header.value for header in page.header)
    assert f"△ {verdict}" in list(page.dataframe[0].value["Verdict"])
    assert "30.2 to 34.2 s scores like machine-made speech" in text(page)
    assert "another voice, room or codec, or synthetic; this alone" not in text(page)
    button(page, "Open it in Timeline").click().run()
    assert verdict in text(page) and "In brackets: called synthetic." in text(page)


def test_how_often_it_is_said_comes_from_the_table():
    row = {"system": "embedded", "breakdown": "stands_out", "condition": "whole human clips",
           "value": 4.2, "n_bonafide": 24, "n_spoof": 0}  # fmt: skip
    assert "named in 4 % of 24 whole human clips." in how_often(pd.DataFrame([row]), "embedded")
    kinds = [("8 s of synthetic speech", 87.5), ("0.5 s of synthetic speech", 0.0),
             ("4 s of synthetic speech", 69.0), ("8 s of another human speaker", 6.0)]  # fmt: skip
    rows = [row, *(row | {"condition": f"with {w} in them", "value": v} for w, v in kinds)]
    assert how_often(pd.DataFrame(rows), "embedded").endswith(
        "whole human clips; with 0.5, 4 and 8 s of synthetic speech in them in 0, 69 and 88 %; "
        "with 8 s of another human speaker in them in 6 %."
    )
    for figures in (None, pd.DataFrame([row | {"system": "other"}])):
        assert "has not been measured" in how_often(figures, "embedded")
