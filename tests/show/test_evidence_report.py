"""The evidence report: complete, escaped, self-contained, the same whenever it is made again."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2

from core.cli import main
from core.detect.detection import Detection
from core.detect.stress import stress
from core.show.evidence_report import Case, evidence_html, evidence_pdf
from tests.show.builders import BAND, SCORES, HandDetector, clip

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def case(hertz: float = 220.0, name: str = "clip.wav", **more) -> Case:
    detection = HandDetector(SCORES).detect(clip(9.0, hertz=hertz))
    return Case(replace(detection, source=replace(detection.source, name=name)), BAND, **more)


def data_of(page: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


def test_a_report_has_everything_and_needs_nothing():
    tested = stress(HandDetector(SCORES), clip(9.0), 0.5, ["g711-mulaw", "mp3-32"])
    one = case(test=tested, record="12.3 % on a benchmark")
    page = evidence_html([one], made=NOON).decode()
    d = one.detection
    for part in (
        "2026-01-02 12:00:00 UTC", d.source.sha256, d.weights_sha256, "Likely synthetic",
        "12.3 % on a benchmark", "python -m core report clip.wav", "--stress", "Python 3.",
        "<svg", "Spans towards synthetic", "Does the verdict hold?", tested.summary(),
        "This is a lead, not proof.", "default-src 'none'",
    ):  # fmt: skip
        assert part in page, part
    assert not re.search(r"(?:src|href)\s*=|url\((?!#)|<script(?! type=\"application/json\")", page)
    held = data_of(page)
    assert Detection.from_dict(held["detections"][0]) == replace(d, elapsed_ms=0.0)
    assert len(held["stress_tests"]) == 1


def test_names_are_text_and_never_markup():
    name = "</script><script>alert(1)</script>.wav"
    page = evidence_html([case(name=name)], [("<img src=x>", "No <b>sound</b>.")], NOON).decode()
    assert "<script>alert" not in page
    assert "<img" not in page and "<b>" not in page
    assert data_of(page)["detections"][0]["source"]["name"] == name


def test_a_clip_without_speech_gets_no_number():
    page = evidence_html([case(550.0)], made=NOON).decode()
    assert "Not judged" in page
    assert "Chance of synthetic afterwards" not in page
    assert "<svg" not in page


def test_several_clips_start_with_a_table():
    page = evidence_html([case(), case(330.0, "other.wav")], made=NOON).decode()
    assert "At a glance" in page
    assert "never averaged" in page
    assert page.count("Where the evidence lies") == 2


def test_the_command_makes_the_same_report_again(tmp_path, capsys):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nothing")
    clips = [str(next(EXAMPLES.glob("1-*"))), str(broken)]
    pages = []
    for number in range(2):
        out = tmp_path / f"{number}.html"
        assert main(["report", *clips, "--out", str(out), "--prior", "0.1"]) == 2
        pages.append(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "", out.read_text("utf-8")))
    assert pages[0] == pages[1]
    assert "broken.wav: " in pages[0]
    assert "--prior 0.1" in pages[0]
    assert "10 % synthetic" in pages[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.html", "1.html", "broken.wav"]
    capsys.readouterr()
    assert main(["report", clips[0], "--out", str(tmp_path / "x.html"), "--prior", "2"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err
    assert main(["report", clips[0], "--out", str(tmp_path / "no" / "x.html")]) == 2


def test_the_pdf_says_the_same_and_is_the_same_again():
    first = case(name="Ωmega \u4f60 & <b>.wav")
    made = evidence_pdf([first], [("lost.wav", "Not a sound.")], NOON)
    assert made == evidence_pdf([first], [("lost.wav", "Not a sound.")], NOON)
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(made))
    flat = re.sub(r"\s+", "", text)
    d = first.detection
    for part in (d.source.sha256, d.weights_sha256, f"{d.llr:+.4f}", "Likelysynthetic",
                 "lost.wav:Notasound.", "<b>.wav", "2026-01-0212:00:00UTC"):  # fmt: skip
        assert part in flat, part
