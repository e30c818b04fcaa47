"""What a reader takes away can be read again."""

import csv
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from core.detect.decision import EVEN
from core.detect.detection import Detection, Reason
from core.detect.spans import Span, cells, synthetic_spans
from core.detect.stress import stress
from core.plain import printable
from core.show.documents import exports
from core.show.documents.report import as_csv
from tests.builders import SCORES, HandDetector, clip
from tests.damage import HOSTILE, NAMES


def detection(hertz: float = 220.0, name: str = "clip.wav") -> Detection:
    return HandDetector(SCORES).detect(clip(13.0, name, hertz))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


SPANS = [Span(0.0, 5.0, 0.98, 0.97, 4.1, 2), Span(7.0, 9.25, 0.9, 0.9, 2.2, 1)]


def test_json_gives_the_same_detection_back():
    made = detection()
    assert Detection.from_dict(json.loads(exports.detection_json(made))) == made
    several = json.loads(exports.detection_json([made, detection(550.0)]))
    assert [d["verdict"] for d in several] == [made.verdict, "not judged"]


def test_windows_csv_has_a_row_a_window_and_nothing_where_nothing_was_scored():
    found = rows(exports.windows_csv(detection()))
    assert [r["window"] for r in found] == ["1", "2", "3", "4", "5", "6"]
    assert (found[0]["start_s"], found[0]["end_s"], found[0]["llr"]) == ("0.0", "4.0", "3.2")
    assert found[2]["llr"] == found[2]["p_spoof"] == ""


def test_clips_csv_holds_judged_and_unreadable_files():
    found = rows(exports.clips_csv([detection(), detection(550.0)], [("x.mp3", "It is empty.")]))
    assert [r["verdict"] for r in found] == ["synthetic", "not judged", "not read"]
    assert found[1]["p_spoof"] == ""
    assert found[1]["reasons"].startswith("No speech was found in this recording.")
    assert found[2]["reasons"] == "It is empty."


def test_a_name_is_not_a_formula():
    found = rows(exports.windows_csv(detection(name="=HYPERLINK(1).wav")))
    assert found[0]["file"] == "'=HYPERLINK(1).wav"


def test_spans_as_csv_audacity_labels_and_rttm():
    found = rows(exports.spans_csv(SPANS, "a b.wav"))
    assert [(r["start_s"], r["end_s"], r["duration_s"]) for r in found] == [
        ("0.0", "5.0", "5.0"),
        ("7.0", "9.25", "2.25"),
    ]
    assert exports.audacity_labels(SPANS).splitlines() == [
        "0.000000\t5.000000\tsynthetic? 98%",
        "7.000000\t9.250000\tsynthetic? 90%",
    ]
    sure = [replace(span, peak_p=p) for span, p in zip(SPANS, (0.9999, 1e-4), strict=True)]
    assert [line.split()[-1] for line in exports.audacity_labels(sure).splitlines()] == [
        ">99%", "<1%"
    ]  # fmt: skip
    records = [line.split() for line in exports.rttm(SPANS, "a b.wav").splitlines()]
    assert all(len(record) == 10 for record in records)
    assert records[1] == (
        "SPEAKER a_b 1 7.000 2.250 <NA> <NA> synthetic 0.9000 <NA>".split()  # noqa: SIM905
    )


def test_no_spans_give_empty_files_with_a_header_where_there_is_one():
    none = synthetic_spans(cells(detection(330.0)))
    assert none == []
    assert exports.audacity_labels(none) == exports.rttm(none, "x") == ""
    assert rows(exports.spans_csv(none, "x")) == []


def test_download_names_are_safe():
    assert exports.safe_stem("../../etc/pass wd.tar.wav") == "etc_pass_wd.tar"
    assert exports.safe_stem("…") == "clip"


def test_names_of_attacks_and_speakers_are_no_formulas_either():
    frame = pd.DataFrame({"attack": ["=1+1", "-2+3+cmd|' /C calc'!A0", "A07", "-1.5"], "eer": 0.5})
    held = as_csv(frame).decode().splitlines()
    assert [line.rsplit(",", 1)[0] for line in held[1:]] == [
        *('"\'=1+1"', "\"'-2+3+cmd|' /C calc'!A0\"", '"A07"', '"-1.5"'),
    ]


@pytest.mark.parametrize("name", [*NAMES, HOSTILE])
def test_no_name_runs_in_any_table(name):
    made = replace(detection(name=name), detector=name)
    made = replace(made, reasons=(Reason(name, name, "caution"),))
    test = replace(stress(HandDetector(SCORES), clip(9.0), EVEN, ["g711-mulaw"]), name=name)
    row = replace(test.rows[0], label=name, note=name, reason=name)
    test = replace(test, detector=name, rows=[row])
    for text in (
        exports.windows_csv(made),
        exports.clips_csv([made], [(name, name)]),
        exports.stress_csv(test),
        exports.spans_csv(SPANS, name),
        as_csv(pd.DataFrame({name: [name], "n": 1})).decode(),
    ):
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert any(printable(name) in cell for cell in cells)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066\ufeff]", text)
        assert not [c for c in cells if c.startswith(tuple("=+-@|")) and not is_number(c)]


def is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", cell) is not None
