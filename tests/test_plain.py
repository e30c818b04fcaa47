"""Text from outside is inert wherever it leaves the program."""

import csv
import io
import json
import os
import re
import unicodedata

import pandas as pd
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.plain import (
    Inert,
    csv_of,
    csv_text,
    find_printed,
    json_text,
    plain_cell,
    printable,
    printable_frame,
    printable_lines,
)
from tests.damage import HOSTILE

TEXTS = st.text(st.characters() | st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs"]))
ARABIC_SIGNS = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Format characters that are seen; those of other scripts lie above U+FFFF."""


def unseen(text: str) -> set[str]:
    kinds = ("Cc", "Cf", "Zl", "Zp", "Cs")
    return {c for c in text if unicodedata.category(c) in kinds and c < "\U00010000"} - ARABIC_SIGNS


@given(TEXTS)
@example(HOSTILE)
@example("\x7f\x85\u2028\ufe0f\U000e0041\udcff\ud800")
def test_everything_in_a_printable_text_is_seen(text):
    shown = printable(text)
    assert not unseen(shown) and not re.search(
        "[\ufe00-\ufe0f\u034f\u3164\U000e0000-\U000e0fff]", shown
    )
    assert printable(shown) == shown
    shown.encode()
    assert printable_lines(text).replace("\n", "").replace("\t", "") in shown.replace(
        "␊", ""
    ).replace("␉", "")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "Mc"])))
def test_what_is_seen_stays_as_it_is(text):
    assume(not re.search("[\u115f\u1160\u2800\u3164\uffa0]", text))
    assert printable(text) == text


def test_symbols_say_what_was_there():
    assert printable("a\x1b[31m\x00\n\x7f") == "a␛[31m␀␊␡"
    assert printable("a\u202eb\u200b\x9b") == r"a\u{202e}b\u{200b}\u{9b}"
    assert printable("\udcff\ud800") == r"\xff\u{d800}"


@given(st.dictionaries(TEXTS, TEXTS | st.integers() | st.lists(TEXTS)))
def test_json_is_read_as_it_was_and_hides_nothing(value):
    text = json_text(value)
    assert not unseen(text) - {"\n"}
    assert json.loads(text) == json.loads(json.dumps(value))


@given(st.lists(st.tuples(TEXTS, st.floats(allow_nan=False), st.none(), st.integers())))
def test_a_csv_comes_back_with_every_text_quoted(rows):
    text = csv_text(["name;x", "score", "none", "n"], rows)
    held = list(csv.reader(io.StringIO(text, newline="")))
    assert held[0] == ["name;x", "score", "none", "n"]
    assert held[1:] == [[plain_cell(a), str(b), "", str(d)] for a, b, _, d in rows]
    assert all(line.startswith('"') for line in text.splitlines())
    assert not unseen(text) - {"\n"}
    for separator in ";\t":  # a text is one cell whatever the locale's separator is
        outside = re.sub(r'"(?:[^"]|"")*"', "", text)
        assert separator not in outside


def test_frames_are_written_alike():
    frame = pd.DataFrame({"a": ["=1", HOSTILE, None], "b": [1.5, float("nan"), 2.0]})
    assert csv_of(frame) == csv_text("ab", [["=1", 1.5], [HOSTILE, None], [None, 2.0]])
    shown = printable_frame(
        frame.assign(c=frame["a"].astype("category")).rename(columns={"b": HOSTILE})
    )
    assert shown["a"].tolist()[:2] == shown["c"].tolist()[:2] == ["=1", printable(HOSTILE)]
    assert list(shown) == ["a", printable(HOSTILE), "c"]


def test_a_stream_shows_what_would_move_the_cursor():
    out = io.StringIO()
    print("10 %", HOSTILE, end="\r", file=Inert(out))
    assert out.getvalue() == f"10 % {printable_lines(HOSTILE)}\r"
    assert not Inert(out).isatty()


@given(st.binary(min_size=1, max_size=20).filter(lambda name: not set(b"/\0") & set(name)))
@example(b"-x.wav")
@example(b"\xff\n\x1b.wav")
def test_a_name_as_it_is_shown_finds_its_file(tmp_path_factory, name):
    assume(name not in (b".", b".."))
    folder = tmp_path_factory.mktemp("names")
    path = os.fsdecode(os.fsencode(folder) + b"/" + name)
    with open(path, "wb"):
        pass
    assert find_printed(str(folder / printable(os.path.basename(path)))) == path


def test_a_name_that_could_be_two_files_is_none(tmp_path):
    for name in ("a\x1b", "a␛"):
        (tmp_path / name).touch()
    assert find_printed(str(tmp_path / "a␛")) == str(tmp_path / "a␛")  # is one itself
    (tmp_path / "b\u202e").touch()
    assert find_printed(str(tmp_path / "b")) == str(tmp_path / "b")
    assert find_printed(str(tmp_path / "no" / "b")) == str(tmp_path / "no" / "b")
    assert find_printed("\0") == "\0" and find_printed("a" * 5000) == "a" * 5000


@given(
    start=st.sampled_from(["=", "+", "-", "@", "\t=", "\r", "\n=", " =", "|", "＝", ""]),
    rest=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)
def test_no_cell_is_a_formula(start: str, rest: str):
    name = start + rest
    text = csv_text(["file"], [[name, name]])
    cells_ = next(csv.reader(io.StringIO(text.split("\n", 1)[1], newline="")))
    for cell in cells_:
        number = re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", cell, re.ASCII)
        assert (
            number or cell == "-" or not cell.lstrip().startswith(("=", "+", "-", "@", "|", "＝"))
        )
        assert cell.removeprefix("'") == printable(name)


UNSEEN = [
    *(
        "\ufeff",
        "\0",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u2060",
        "\u00ad",
        "\u00a0",
        "\u3000",
        "\u2028",
    ),
    *("\u202e", "\u200e", "\u2066", "\u061c", "\x1b", "\x7f", "\x85", "\u180e", "\u034f", "\ufe0f"),
    *("\u115f", "\u3164", "\u2800", "\U000e0001", "\ue000", "\u0301", "\ufff9", " ", "\v", "\f"),
]


@given(
    before=st.text(st.sampled_from(UNSEEN), max_size=4),
    sign=st.sampled_from("=+-@|\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b"),
    rest=st.text(max_size=8),
)
def test_what_is_not_seen_hides_no_formula(before, sign, rest):
    cell = f"{before}{sign}{rest}x"
    assert plain_cell(cell) == f"'{printable(cell)}"


@given(st.text(st.characters(categories=["L", "N"]), min_size=1), st.text())
def test_text_that_begins_with_a_letter_or_a_digit_is_left_alone(first, rest):
    assume(first[0] not in "\u115f\u1160\u3164\uffa0")
    text = printable(first + rest)
    assert plain_cell(first + rest) == text or not first[0].isascii()
    assert plain_cell("a" + rest) == "a" + printable(rest)


def test_numbers_stay_numbers():
    assert [plain_cell(x) for x in ("-1.24", "+3", "1e-05", -2.5)] == [
        *("-1.24", "+3", "1e-05"),
        -2.5,
    ]
    assert plain_cell("-2+3+cmd|' /C calc'!A0") == "'-2+3+cmd|' /C calc'!A0"
