"""Protocols from anywhere: rows, or a sentence that names the line; no way out of the folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.damage import TAG, elsewhere, mutated, opened
from training.clips import read_index
from training.protocols import COLUMNS, LONGEST_LINE, read_corpus

LA19 = "ASVspoof2019_LA_cm_protocols"
WHOLE: dict[str, dict[str, bytes]] = {
    "asvspoof2019-la": {
        f"{LA19}/ASVspoof2019.LA.cm.train.trn.txt": b"LA_0079 LA_T_1 - - bonafide\n",
        f"{LA19}/ASVspoof2019.LA.cm.dev.trl.txt": b"LA_0069 LA_D_1 - A03 spoof\n",
        f"{LA19}/ASVspoof2019.LA.cm.eval.trl.txt": b"LA_0001 LA_E_1 - A19 spoof\n",
    },
    "asvspoof2021-la": {
        "keys/LA/CM/trial_metadata.txt": b"LA_0009 LA_E_1 alaw ita_tx A07 spoof notrim eval\n"
        b"LA_0009 LA_E_2 none - bonafide bonafide notrim eval\n"
    },
    "asvspoof2021-df": {
        "keys/DF/CM/trial_metadata.txt": b"LA_0023 DF_E_1 low_mp3 asvspoof A14 spoof notrim eval "
        b"traditional_vocoder - - - -\n"
    },
    "asvspoof5": {
        "ASVspoof5.train.tsv": b"T_4850 T_0 F - - - AC3 A05 spoof -\n"
        b"T_1 T_2 M - - - - bonafide bonafide -\n"
    },
    "in-the-wild": {"meta.csv": b"file,speaker,label\n0.wav,A,spoof\n1.wav,B,bona-fide\n"},
}
"""Every parser with its files, whole; the last of them is the one that is damaged."""

EVERY = pytest.mark.parametrize("corpus", WHOLE)
OUTSIDE = ["../../canary", "/etc/passwd", "..", "a/../../canary", "..\\canary", "flac/../x", "./x"]


def laid_out(folder: Path, corpus: str, damaged: bytes | None = None) -> Path:
    """The corpus's folder, its last file with other bytes; the path of that file."""
    for name, content in WHOLE[corpus].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if damaged is not None:
        path.write_bytes(damaged)
    return path


def outcome(folder: Path, corpus: str, damaged: bytes) -> pd.DataFrame | str:
    """Rows whose files lie in the folder, or the sentence."""
    path = laid_out(folder, corpus, damaged)
    with opened() as seen:
        try:
            table = read_corpus(f"{corpus}:{folder}")
        except ValueError as error:
            assert not isinstance(error, UnicodeError)
            assert str(error).endswith(".") and str(folder) in str(error)
            assert len(str(error)) < 1_000
            found: pd.DataFrame | str = str(error)
        else:
            assert list(table) == list(COLUMNS)
            assert set(table["label"]) <= {"bonafide", "spoof"}
            for file in table["file"]:
                assert ".." not in Path(file).parts and "\0" not in file
                assert Path(file).is_relative_to(folder)
            found = table
    assert str(path) in seen
    assert not elsewhere(seen, folder)
    return found


@contextmanager
def empty() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@EVERY
@settings(max_examples=60, deadline=10_000)
@given(data=st.data())
def test_a_damaged_protocol_gives_rows_or_names_its_line(corpus, data):
    *_, whole = WHOLE[corpus].values()
    damaged = data.draw(
        mutated(whole) | st.binary(max_size=200) | st.text(max_size=100).map(str.encode)
    )
    with empty() as folder:
        found = outcome(folder, corpus, damaged)
    if isinstance(found, str):
        assert ", line " in found or "holds no trial" in found


@EVERY
@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_folder(tmp_path, corpus, name):
    folder = tmp_path / "deep" / "corpus"
    (tmp_path / "canary").write_text("secret")
    *_, whole = WHOLE[corpus].values()
    first = {"asvspoof5": b"T_0", "in-the-wild": b"0.wav", "asvspoof2021-df": b"DF_E_1"}
    found = outcome(folder, corpus, whole.replace(first.get(corpus, b"LA_E_1"), name.encode(), 1))
    assert isinstance(found, str) and ", line " in found
    assert "way to another folder" in found and "secret" not in found


@pytest.mark.parametrize("text", [TAG, "=1+1", "@SUM(A1)", "[x](http://example.org)"])
@pytest.mark.parametrize(
    ("corpus", "word", "column"),
    [
        ("asvspoof2019-la", "A19", "family"),
        ("asvspoof2021-la", "A07", "family"),
        ("asvspoof2021-df", "A14", "family"),
        ("asvspoof5", "A05", "family"),
        ("in-the-wild", "A", "speaker"),
    ],
)
def test_markup_and_formulas_come_through_as_text(tmp_path, corpus, word, column, text):
    *_, whole = WHOLE[corpus].values()
    found = outcome(tmp_path, corpus, whole.replace(word.encode(), text.encode(), 1))
    assert not isinstance(found, str)
    assert text in set(found[column])


@EVERY
@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (b"\xff\xfe\x00", "line 1: it "),
        (b"a\0b c d e f g h i j\n", "line 1: it holds a NUL"),
        (b"x" * (3 * LONGEST_LINE), "line 1: it is longer"),
        (b"\n\n" + b"y" * LONGEST_LINE, "line 3: it is longer"),
        (b"one two\n", "line 1: 2 columns|line 2: |holds no trial"),
        (TAG.encode() + b"\n", "line 1: 1 columns|holds no trial"),
        (b"", "holds no trial"),
    ],
)
def test_every_fault_names_its_line(tmp_path, corpus, damaged, says):
    found = outcome(tmp_path, corpus, damaged)
    if corpus == "asvspoof2019-la" and not damaged:
        assert not isinstance(found, str)  # the other two parts are whole
    else:
        assert isinstance(found, str) and re.search(says, found), found


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        (b"file,speaker\n0.wav,A\n", "line 2: a column is missing"),
        (b"file,speaker,label\n0.wav\n", "line 2: a column is missing"),
        (b"file,speaker,label\n0.wav,A,fake\n", "line 2: the key is 'fake'"),
        (b'file,speaker,label\n"0.wav,A,spoof\n' + b"x,y,z\n" * 100_000, r"line \d+: field larger"),
    ],
)
def test_tables_of_in_the_wild_are_read_with_care(tmp_path, meta, says):
    (tmp_path / "meta.csv").write_bytes(meta)
    with pytest.raises(ValueError, match=says):
        read_corpus(f"in-the-wild:{tmp_path}")


INDEX = b"clip,path,label,family,speaker,split\nc,clips/c.flac,spoof,X,s,test\n"


@settings(max_examples=60, deadline=10_000)
@given(damaged=mutated(INDEX) | st.binary(max_size=100))
def test_a_damaged_index_gives_rows_in_its_folder_or_a_sentence(damaged):
    with empty() as folder:
        (folder / "index.csv").write_bytes(damaged)
        with opened() as seen:
            try:
                table = read_corpus(str(folder))
            except ValueError as error:
                assert not isinstance(error, UnicodeError)
                assert str(folder) in str(error)
            else:
                assert all(Path(f).is_relative_to(folder) for f in table["file"])
                assert not any(".." in Path(f).parts for f in table["file"])
        assert not elsewhere(seen, folder)


@pytest.mark.parametrize("name", ["../c.flac", "/etc/passwd", "clips/../../c.flac", ""])
def test_an_index_names_clips_of_its_folder_alone(tmp_path, name):
    (tmp_path / "index.csv").write_bytes(INDEX.replace(b"clips/c.flac", name.encode()))
    with pytest.raises(ValueError, match=r"row 2: .* does not lead to a clip"):
        read_index(tmp_path)


def test_a_corpus_that_is_none_is_named(tmp_path):
    with pytest.raises(ValueError, match="There is no index"):
        read_corpus(f"no-such-corpus:{tmp_path}")
    (tmp_path / "index.csv").write_bytes(INDEX)
    (tmp_path / "quality.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(ValueError, match="lacks the columns clip and mos"):
        read_index(tmp_path)
