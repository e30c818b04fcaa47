"""The evidence report: complete, escaped, self-contained, the same whenever it is made again."""

import argparse
import contextlib
import copy
import html
import io
import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import version
from core.cli import main
from core.cli.report import add_parser
from core.detect.decision import EVEN, Stance
from core.detect.detection import Detection, Reason
from core.detect.saved import CHANGED, UNKNOWN, UNSEALED, open_saved
from core.detect.stress import CONDITIONS, stress
from core.plain import printable
from core.provenance.found import Provenance, Sign
from core.show.clip.words import facts
from core.show.documents import pdf as report_pdf
from core.show.evidence import commands as report_commands
from core.show.evidence import pictures as report_pictures
from core.show.evidence import tables as report_tables
from core.show.evidence.case import Case, Filing
from core.show.evidence.report import FROM_FILE, evidence_html, evidence_pdf
from core.show.figures.known_detectors import name_of
from tests.builders import BAND, SCORES, HandDetector, clip, tone, track, wav
from tests.damage import HOSTILE, NAMES, TAG

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
pytestmark = pytest.mark.usefixtures("looked_once")

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def case(hertz: float = 220.0, name: str = "clip.wav", **more) -> Case:
    detection = HandDetector(SCORES).detect(clip(9.0, hertz=hertz))
    return Case(replace(detection, source=replace(detection.source, name=name)), BAND, **more)


def data_of(page: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


def test_a_report_has_everything_and_needs_nothing():
    tested = stress(HandDetector(SCORES), clip(9.0), EVEN, ["g711-mulaw", "mp3-32"])
    one = case(tests=(tested,), record="12.3 % on a benchmark", clip=clip(9.0))
    page = evidence_html([one], made=NOON).decode()
    d = one.detection
    for part in (
        "2026-01-02 12:00:00 UTC", d.source.sha256, d.weights_sha256, "Likely synthetic",
        "12.3 % on a benchmark", "python -m core report clip.wav", "--stress", "Python 3.",
        "<svg", "Spans towards synthetic", "Does the verdict hold?", tested.summary(),
        "This is a lead, not proof.", "default-src 'none'",
    ):  # fmt: skip
        assert part in page, part
    outside = r"(?:src|href)\s*=(?!\"data:image/png;base64,)|url\((?!#)"
    assert not re.search(outside + r"|<script(?! type=\"application/json\")", page)
    held = data_of(page)
    assert Detection.from_dict(held["detections"][0]) == replace(d, elapsed_ms=0.0)
    assert len(held["stress_tests"]) == 1


@pytest.mark.usefixtures("undrawn")
def test_names_are_text_and_never_markup():
    name = "</script><script>alert(1)</script>.wav"
    page = evidence_html([case(name=name)], [("<img src=x>", "No <b>sound</b>.")], NOON).decode()
    assert "<script>alert" not in page
    assert "<img" not in page and "<b>" not in page
    assert data_of(page)["detections"][0]["source"]["name"] == name


def test_any_name_can_be_reported_in_both_forms():
    names = [*NAMES, "x" * 4_999, "\x1b[31m\x00\u202e.wav", "a\nb"]
    cases = []
    for name in names:
        one = case(220.0 if name == TAG else 550.0, name)  # one with a picture
        source = replace(one.detection.source, codec=name, container=name, notes=(name,))
        reasons = (Reason("odd", name, "caution"),)
        named = replace(one.detection, detector=name, source=source, reasons=reasons)
        cases.append(replace(one, detection=named))
    errors = [(name, name) for name in names]
    page = evidence_html(cases, errors, NOON).decode()
    assert not re.search(r"<(?:img|a|b)\b|<script(?! type=\"application/json\")", page)
    made = evidence_pdf(cases, errors, NOON)
    text = "".join(p.get_textpage().get_text_range() for p in pypdfium2.PdfDocument(made))
    printed = re.sub(r"\W+", "", text)
    for name in names:
        assert html.escape(printable(name)) in page
        shown = re.sub(r"\W+", "", html.unescape(report_pdf._printable(name)))
        assert shown[:20].removesuffix("png") in printed
    assert b"/URI" not in made and b"/JavaScript" not in made


@given(letters=st.lists(st.characters(), min_size=1, max_size=5, unique=True))
@example(letters=["\x1b", "\x00", "\x7f"])
@example(letters=["\u4e2d", "\u0434", "\u03b1"])
def test_letters_that_the_font_lacks_are_told_apart(letters):
    report_pdf._styles()
    shown = [html.unescape(report_pdf._printable(letter)) for letter in letters]
    assert len(set(shown)) == len(letters)
    assert "?" not in "".join(shown) or "?" in letters
    for letter, text in zip(letters, shown, strict=True):
        name = {"\x1b": "<ESC>", "\x00": "<NUL>", "\x7f": "<DEL>"}.get(letter, text)
        assert text == name


def test_a_report_draws_as_many_windows_as_can_be_told_apart():
    """A chart of over 5,000 rows is refused by its library; three hours have 5,400 windows."""
    one = case().detection
    windows = [
        replace(one.windows[0], start_s=2.0 * i, end_s=2.0 * i + 4, llr=5.9 if i == 3_000 else 0.1)
        for i in range(5_400)
    ]
    page = evidence_html([Case(replace(one, windows=tuple(windows)), BAND)], made=NOON).decode()
    assert "There are 5,400 windows: of every 6 the highest is drawn." in page
    assert page.count("<td class=text>+0.100</td>") == 5_399  # all are in the table
    few, _ = report_tables.few_windows(replace(one, windows=tuple(windows)))
    assert len(few.windows) == 900 and max(w.llr for w in few.windows) == 5.9
    assert report_tables.few_windows(one) == (one, "")


def test_a_clip_without_speech_gets_no_number():
    page = evidence_html([case(550.0)], made=NOON).decode()
    assert "Not judged" in page
    assert "Chance of synthetic afterwards" not in page
    assert "<svg" not in page


@pytest.mark.usefixtures("undrawn")
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


@pytest.fixture
def short_pictures(monkeypatch):
    """Pictures of at most 20 s, so that a long clip need not be long."""
    monkeypatch.setattr(report_pictures, "LONGEST_S", 20.0)


def test_a_long_clip_is_cut_into_pictures_of_a_minute_or_more():
    cut = [(round(a, 1), round(b, 1)) for a, b in report_pictures.stretches(130.0)]
    assert cut == [(0.0, 43.3), (43.3, 86.7), (86.7, 130.0)]
    assert report_pictures.stretches(10_800.0)[-1] == (9_900.0, 10_800.0)


def test_a_report_shows_the_sound_over_the_scores_stretch_by_stretch(short_pictures):
    long = clip(45.0)
    detection = HandDetector(SCORES).detect(long)
    page = evidence_html([Case(detection, BAND, clip=long)], made=NOON).decode()
    for stretch in ("0.0 to 15.0 s", "15.0 to 30.0 s", "30.0 to 45.0 s"):
        assert f"<h2>Spectrogram and scores, {stretch}</h2>" in page
    assert page.count("<svg") == page.count('href="data:image/png;base64,') == 3
    made = evidence_pdf([Case(detection, BAND, clip=long)], made=NOON)
    assert sum(b"/Subtype /Image" in part for part in made.split(b"endobj")) >= 3


@pytest.mark.parametrize("gaps", [((1.0, 2.0),), ((0.0, 1.6), (17.0, 24.0)), ((22.4, 45.0),)])
def test_what_is_missing_is_marked_in_every_picture_of_it(short_pictures, gaps):
    bare = clip(45.0)
    long = replace(bare, source=replace(bare.source, missing=gaps))
    detection = HandDetector(SCORES).detect(long)
    assert report_pictures.both(long, detection, BAND, 0.0, 14.0).to_dict()  # which validates
    drawn = report_pictures.pictures(long, detection, BAND)
    for (start, end), (_, picture) in zip(report_pictures.stretches(45.0), drawn, strict=True):
        lacks = sum(a < end and b > start for a, b in gaps)
        assert picture.count(b'stroke-dasharray="4,3"') == 2 * lacks  # in either chart
        assert picture.count(b">missing<") <= 2 * lacks
    assert b">missing<" in b"".join(svg for _, svg in drawn) or gaps[0] == (1.0, 2.0)


def test_a_report_says_what_the_marks_of_missing_sound_are():
    bare = clip(9.0)
    lacking = replace(bare, source=replace(bare.source, missing=((2.0, 5.0),)))
    detection = HandDetector(SCORES).detect(lacking)
    page = evidence_html([Case(detection, BAND, clip=lacking)], made=NOON).decode()
    assert "Dashed: missing from the file." in page


@pytest.mark.usefixtures("undrawn")
def test_case_and_notes_stand_first_and_are_text():
    filing = Filing("<b>K-17</b>", f"Received by mail.\n\n<img src=x> {HOSTILE}")
    page = evidence_html([case()], made=NOON, filing=filing).decode()
    rows = re.findall(r"<tr><th>(.*?)</th><td class=text>(.*?)</td>", page)
    assert rows[:2] == [("Case", "&lt;b&gt;K-17&lt;/b&gt;"), ("Notes", "Received by mail.")]
    assert rows[2][1] == html.escape(printable(f"<img src=x> {HOSTILE}"))
    assert rows[3][0] == "Made"
    made = evidence_pdf([case()], made=NOON, filing=Filing("K-17", "Second copy."))
    text = pypdfium2.PdfDocument(made)[0].get_textpage().get_text_range()
    assert "K-17" in text and "Second copy." in text


@pytest.mark.usefixtures("undrawn")
def test_a_report_says_which_version_judged_and_none_of_a_saved_file():
    page = evidence_html([case()], made=NOON).decode()
    assert version.in_words() in page
    d = case().detection
    old = Case(d, saved=True, doubts=("it was changed",), again="Judged here again: x.")
    page = evidence_html([old], made=NOON).decode()
    body = page.split("</style>")[1]
    assert re.sub("<[^>]+>", "", body).strip().splitlines()[0] == FROM_FILE
    assert "This detection is doubtful: it was changed." in page and "Judged here again: x." in page
    assert version.in_words() not in page and "Python 3." not in page
    made = evidence_pdf([old], made=NOON)
    text = pypdfium2.PdfDocument(made)[0].get_textpage().get_text_range()
    assert text.splitlines()[0].strip() == FROM_FILE


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
@example("-x.wav")
@example("--out")
@example("a b'\"$(id)`id`\n.wav")
@example(HOSTILE)
def test_a_command_names_its_file_and_nothing_else(name):
    """For the shell, for the parser, and on the disk."""
    d = case(name=name).detection
    (line,) = report_commands.commands([Case(replace(d, detector="-d $(x)"))])
    words = shlex.split(line)
    assert words[:4] == ["python", "-m", "core", "report"]
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    options = parser.parse_args(words[3:])
    assert options.detector == ["-d $(x)"]
    (file,) = options.files
    assert Path(file) == Path(printable(name))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", " ".join(words))


SPANS = st.lists(
    st.none() | st.tuples(st.floats(0, 20), st.floats(1, 20)).map(lambda s: (s[0], s[0] + s[1])),
    max_size=3,
    unique=True,
)


@cache
def untested():
    """A detection, and a stress test of it without a condition."""
    detector = HandDetector(SCORES)
    return detector.detect(clip(41.1)), stress(detector, clip(41.1), EVEN, [])


@given(asked=st.lists(SPANS, min_size=1, max_size=3))
def test_the_commands_test_the_same_parts_again(asked):
    detection, tested = untested()
    cases = [
        Case(
            replace(detection, source=replace(detection.source, name=f"{n}.wav")),
            tests=tuple(replace(tested, asked=span) for span in spans),
        )
        for n, spans in enumerate(asked)
    ]
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    said: dict[str, list] = {}
    outs = []
    for line in report_commands.commands(cases):
        options = parser.parse_args(shlex.split(line)[3:])
        outs.append(options.out)
        for file in options.files:
            said[file] = (options.span or [None]) if options.stress else []
    assert len(set(outs)) == len(outs)
    for case, spans in zip(cases, asked, strict=True):
        again = said[case.detection.source.name]
        assert len(again) == len(spans)
        for span, other in zip(spans, again, strict=True):
            if span is None and other is not None:
                assert other == [0.0, 41.1]  # which is the clip
            else:
                assert other == pytest.approx(span)


@pytest.mark.usefixtures("undrawn")
def test_chosen_parts_are_tested_in_the_report(tmp_path, monkeypatch, capsys):
    few = {name: CONDITIONS[name] for name in ("gain-20", "gain+6")}
    monkeypatch.setattr("core.detect.stress.run.CONDITIONS", few)
    monkeypatch.setattr(
        "core.detect.registry.load_detector", lambda *args, **kwargs: HandDetector(SCORES)
    )
    file, out = tmp_path / "clip.wav", tmp_path / "r.html"
    file.write_bytes(wav(tone(9.0)))
    parts = ["--span", "0", "9", "--span", "2", "8"]
    assert main(["report", str(file), "--out", str(out), "--stress", *parts]) == 0
    page = out.read_text("utf-8")
    assert "Tested from 0 to 9 s. A verdict" in page
    assert "Tested from 2 to 8 s, and compared with the verdict on that part alone." in page
    assert "--stress --span 0 9 --span 2 8" in page
    assert [test["asked"] for test in data_of(page)["stress_tests"]] == [[0.0, 9.0], [2.0, 8.0]]
    before = out.read_bytes()
    assert main(["report", str(file), "--out", str(out), *parts]) == 2
    assert "give both" in capsys.readouterr().err
    assert main(["report", str(file), "--out", str(out), "--stress", "--span", "5", "99"]) == 2
    assert "clip.wav: 5 to 99 s is no part" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.fixture(scope="module")
def judged() -> tuple[str, dict]:
    """An example, and what the embedded detector saved of it."""
    clip = str(next(EXAMPLES.glob("1-*")))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["detect", clip, "--json"]) == 0
    (item,) = json.loads(out.getvalue())
    return clip, item


@pytest.mark.usefixtures("undrawn")
def test_a_saved_file_is_held_against_its_clip(tmp_path, capsys, judged):
    clip, item = judged
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps([item]), "utf-8")
    out = tmp_path / "r.html"
    assert main(["report", str(saved), clip, "--out", str(out), "--case", "K-17"]) == 0
    assert "and the result agrees" in capsys.readouterr().out
    page = out.read_text("utf-8")
    assert FROM_FILE in page and "and the result agrees" in page and "K-17" in page
    assert "doubtful" not in page  # the embedded detector is known, and the check sum fits
    assert main(["report", str(saved), "--out", str(out)]) == 0
    assert "name the recording too" in capsys.readouterr().out
    saved.write_text(saved.read_text("utf-8").replace("synthetic", "authentic"), "utf-8")
    assert main(["report", str(saved), "--out", str(out)]) == 2
    assert "does not follow from its score" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("detector",), "other", "is not installed here"),
        (("source", "track"), 2, "try --track 2"),
        (("source", "channel"), 1, "try --track 1 --channel 1"),
        (("source", "codec"), "opus", "the sound came as opus, and the recording here is mp3"),
    ],
)
def test_a_saved_file_hides_no_recording_that_is_named(tmp_path, capsys, judged, path, value, says):
    """What it says cannot be held against the recording: that is judged like any other."""
    clip, before = judged
    place = item = copy.deepcopy(before)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    saved, out = tmp_path / "saved.json", tmp_path / "r.html"
    saved.write_text(json.dumps(item), "utf-8")
    assert main(["report", str(saved), clip, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert says in said and "2 judgements" in said
    told = data_of(out.read_text("utf-8"))["detections"]
    assert [d["detector"] for d in told if d["source"] == before["source"]].count("embedded") == 1


def test_a_folder_is_no_saved_file(tmp_path, capsys):
    (tmp_path / "folder.json").mkdir()
    names = [str(tmp_path / name) for name in ("folder.json", "absent.json")]
    assert main(["report", *names, "--out", str(tmp_path / "r.html")]) == 2
    said = capsys.readouterr().err
    assert "Is a directory." in said and "No such file or directory." in said
    assert "Errno" not in said


@pytest.mark.usefixtures("undrawn")
def test_a_report_says_what_detectors_say_together():
    against = {h: [None if x is None else -x for x in given] for h, given in SCORES.items()}
    second = HandDetector(against).detect(clip(9.0))
    source = case().detection.source
    two = [case(), Case(replace(second, detector="aasist", source=source), BAND)]
    page = evidence_html(two, made=NOON).decode()
    assert "clip.wav: 1 of 2: likely synthetic; 1 of 2: likely authentic." in page
    assert "They disagree, so neither side is shown." in page
    assert "of 2: " not in evidence_html([case(), case(330.0, "b.wav")], made=NOON).decode()


def asked_by(lines: list[str]) -> set[tuple[object, ...]]:
    """Every judgement that command lines ask for."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    found = set()
    for line in lines:
        o = parser.parse_args(shlex.split(line)[3:])
        for file, detector in product(o.files, o.detector):
            found.add((file, o.track, o.channel, o.through, o.prior, detector))
    return found


def of_part(name: str, detector: str = "embedded", prior: float = 0.5, **source) -> Case:
    d = case(name=name).detection
    source = replace(d.source, sha256=name[0] * 64, **source)
    return Case(replace(d, detector=detector, source=source, stance=Stance(prior)), BAND)


TRACKS = tuple(track(n, default=n == 1) for n in (1, 2))


@pytest.mark.parametrize(
    ("cases", "asked"),
    [
        (  # a second opinion on one of two clips
            [of_part("a"), of_part("a", "aasist"), of_part("b")],
            {("a", "embedded"), ("a", "aasist"), ("b", "embedded")},
        ),
        (  # another track of one of two clips
            [of_part("a", tracks=TRACKS, track=2, channels=2), of_part("b")],
            {("a", "embedded", ("track", 2)), ("b", "embedded")},
        ),
        (  # channels that are apart, and one of them with a second opinion
            [*(of_part("a", channel=n, channels=2) for n in (1, 2)), of_part("b")],
            {("a", "embedded"), ("b", "embedded")},
        ),
        (
            [
                *(of_part("a", channel=n, channels=2) for n in (1, 2)),
                of_part("a", "aasist", channel=2, channels=2),
            ],
            {
                ("a", "embedded", ("channel", 1)),
                ("a", "embedded", ("channel", 2)),
                ("a", "aasist", ("channel", 2)),
            },
        ),
        (  # a take, which came through Opus, beside a file
            [of_part("a", codec="opus"), of_part("b"), of_part("c", codec="opus", container="ogg")],
            {("a", "embedded", ("through", "opus")), ("b", "embedded"), ("c", "embedded")},
        ),
        (  # saved under other assumptions
            [of_part("a", prior=0.1), of_part("b", prior=0.9)],
            {("a", "embedded", ("prior", 0.1)), ("b", "embedded", ("prior", 0.9))},
        ),
    ],
)
def test_commands_ask_for_what_the_report_holds_and_for_nothing_else(cases, asked):
    default = {"track": None, "channel": None, "through": None, "prior": 0.5}
    due = {
        (file, *({**default, **dict(more)}.values()), detector) for file, detector, *more in asked
    }
    assert asked_by(report_commands.commands(cases)) == due


def test_a_part_that_was_tested_beside_the_whole_is_no_longer_than_its_clip():
    """Two clips of other lengths: the whole of one is no part of the other."""
    _, tested = untested()
    cases = []
    for name, seconds in (("a.wav", 9.0), ("b.wav", 41.1)):
        d = HandDetector(SCORES).detect(clip(seconds, name))
        tests = tuple(replace(tested, asked=span) for span in (None, (2.0, 8.0)))
        cases.append(Case(d, tests=tests))
    lines = report_commands.commands(cases)
    assert [re.findall(r"\w\.wav|--span [\d. ]*\d", line) for line in lines] == [
        ["a.wav", "--span 0 9", "--span 2 8"], ["b.wav", "--span 0 41.1", "--span 2 8"]
    ]  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_tags_that_name_people_are_asked_for_where_the_report_holds_them():
    named = case(origin=Provenance(personal=(("artist", "Somebody"),)))
    for personal in (True, False):
        page = evidence_html([named], made=NOON, filing=Filing(personal=personal)).decode()
        assert (" --personal" in page) == personal == ("Somebody" in page)


@pytest.mark.usefixtures("undrawn")
def test_two_files_of_one_name_are_told_apart():
    cases = [of_part("a"), of_part("a", "aasist"), of_part("b")]
    other = cases[2].detection
    cases[2] = Case(replace(other, source=replace(other.source, name="a")), BAND)
    page = evidence_html(cases, made=NOON).decode()
    assert "<h1>Evidence report: 2 clips</h1>" in page
    for sha256 in ("aaaaaaaa", "bbbbbbbb"):
        assert f"<h2>a (SHA-256 {sha256}…): Likely synthetic" in page
        assert f"<td class=text>a (SHA-256 {sha256}…)</td>" in page
    assert "(SHA-256" not in evidence_html(cases[:2], made=NOON).decode()


@pytest.mark.usefixtures("undrawn")
def test_what_speaks_against_a_file_is_said_for_every_detector():
    said = Provenance(signs=(Sign("declares-source", {"source_type": "algorithmicMedia"}),))
    human = case(330.0, origin=said)
    first, second = (
        replace(one, detection=replace(one.detection, source=human.detection.source, detector=id))
        for one, id in ((case(origin=said), "embedded"), (human, "aasist"))
    )
    against = "The file is called synthetic by its tags, and scored human."
    for cases in ([first, second], [second, first]):
        page = evidence_html(cases, made=NOON).decode()
        assert page.count(f"clip.wav, {name_of('aasist')}: {against}") == page.count(against) == 1
    assert f" {against}" in evidence_html([second], made=NOON).decode()


@pytest.mark.usefixtures("undrawn")
def test_a_doubtful_file_has_no_voice_beside_detectors():
    """Nor has one that was judged under other assumptions."""
    here = case()
    source = here.detection.source
    said = replace(case(330.0).detection, detector="aasist", source=source)
    sound = Case(said, BAND, saved=True)
    prior = replace(sound, detection=replace(said, stance=Stance(0.1)))
    for other, counted in ((sound, True), (replace(sound, doubts=(CHANGED,)), False),
                           (prior, False)):  # fmt: skip
        page = evidence_html([here, other], made=NOON).decode()
        assert ("1 of 2: likely synthetic" in page) == counted


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("container", "came"),
    [("wav", True), ("aiff", True), ("mp3", True), ("ogg", False), ("mp4", False)],
)
def test_the_wav_of_a_take_is_not_called_opus(container, came):
    """Its file holds sound of another kind; what that came through is another matter."""
    one = of_part("a", container=container, codec="opus")
    page = evidence_html([one], made=NOON).decode()
    held = "sound that came through Opus" if came else "opus"
    assert f"<td class=text>{container}, {held}, 16,000 Hz, 1 channel</td>" in page
    assert ("came through Opus, 16 kHz" in facts(one.detection)) == came


@pytest.mark.usefixtures("undrawn")
def test_a_report_on_a_changed_file_holds_no_check_sum_that_fits():
    """Otherwise its JSON would open without a doubt."""
    d = case().detection
    for doubts in ((CHANGED,), (UNSEALED,), (UNKNOWN, CHANGED)):
        page = evidence_html([Case(d, saved=True, doubts=doubts)], made=NOON)
        (again,) = open_saved(json.dumps(data_of(page.decode())).encode())
        assert UNSEALED in again.doubts
    page = evidence_html([Case(d, saved=True)], made=NOON).decode()
    assert UNSEALED not in open_saved(json.dumps(data_of(page)).encode())[0].doubts


@pytest.mark.usefixtures("undrawn")
def test_opinions_stand_with_their_records_and_code_of_ones_own_with_how_to_name_it():
    first = replace(case(), record="1.0 % on A; 2.0 % on B; 3.0 % on C")
    own = replace(first.detection, detector="own:mine")
    page = evidence_html([first, Case(own)], made=NOON).decode()
    assert "1.0 % on A; 2.0 % on B. Equal error rates known of own:mine: not measured." in page
    assert "own:mine: code of whoever made this" in page
    assert "code of whoever made this" not in evidence_html([first], made=NOON).decode()
