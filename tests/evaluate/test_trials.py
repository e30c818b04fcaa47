"""Score files and protocols of the field, read, judged and joined; bad ones named."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate import trials as tr

SCORES_2019 = b"""LA_E_1 - bonafide 2.5
LA_E_2 A07 spoof -1.5
LA_E_3 A19 spoof -0.5
LA_E_4 - bonafide 1.5
"""
PROTOCOL_2019 = b"""LA_0001 LA_E_1 - - bonafide
LA_0002 LA_E_2 - A07 spoof
LA_0002 LA_E_3 - A19 spoof
LA_0001 LA_E_4 - - bonafide
"""
SCORES_2021 = b"LA_E_1 2.5\nLA_E_2 -1.5\nLA_E_3 -0.5\nLA_E_4 1.5\n"
KEY_2021 = b"""LA_0001 LA_E_1 alaw ita_tx bonafide bonafide notrim eval
LA_0002 LA_E_2 gsm sin_tx A07 spoof notrim eval
LA_0002 LA_E_3 none - A19 spoof notrim progress
LA_0001 LA_E_4 opus loc_tx bonafide bonafide notrim eval
"""
SCORES_5 = b"filename\tcm-score\nE_1\t2.5\nE_2\t-1.5\nE_3\t0.5\n"
WITH_HEADER = (
    b"file_name,label,score,system\na.wav,real,0.1,-\nb.wav,fake,0.9,VITS\nc.wav,fake,0.7,X\n"
)


def test_2019_scores():
    trials = tr.read_scores(SCORES_2019)
    assert list(trials.table) == ["trial", "label", "score", "attack"]
    assert trials.table["label"].tolist() == ["bonafide", "spoof", "spoof", "bonafide"]
    assert trials.table["attack"].tolist()[1:3] == ["A07", "A19"]
    assert trials.table["attack"].isna().tolist() == [True, False, False, True]
    assert trials.problems == ()
    assert tr.guess_layout(tr.read_table(SCORES_2019)).format.startswith("ASVspoof 2019")


def test_2019_scores_with_a00_for_bona_fide():
    trials = tr.read_scores(SCORES_2019.replace(b" - bona", b" A00 bona"))
    assert trials.table["attack"].isna().tolist() == [True, False, False, True]


def test_2019_scores_with_an_empty_column():
    lines = b"LA_E_1 - - bonafide 2.5\nLA_E_2 - A07 spoof -1.5\nLA_E_3 - A19 spoof -0.5\n"
    trials = tr.read_scores(lines)
    assert trials.table["score"].tolist() == [2.5, -1.5, -0.5]
    assert trials.table["label"].tolist() == ["bonafide", "spoof", "spoof"]


def test_2019_protocol_joins_2021_scores():
    scores, key = tr.read_scores(SCORES_2021), tr.read_scores(PROTOCOL_2019)
    assert list(key.table) == ["trial", "label", "attack", "speaker"]
    joined = tr.attach(scores, key)
    assert joined.table["speaker"].tolist() == ["LA_0001", "LA_0002", "LA_0002", "LA_0001"]
    assert joined.problems == ()
    bona, spoof = joined.split()
    assert (bona.tolist(), spoof.tolist()) == ([2.5, 1.5], [-1.5, -0.5])


def test_2021_key_gives_codec_and_attack():
    key = tr.read_scores(KEY_2021)
    assert key.table["codec"].tolist() == ["alaw", "gsm", "none", "opus"]
    assert key.table["attack"].tolist()[1:3] == ["A07", "A19"]
    assert tr.attach(tr.read_scores(SCORES_2021), key).table["codec"].tolist()[1] == "gsm"


def test_asvspoof5_scores_and_a_table_with_a_header():
    assert tr.read_scores(SCORES_5).table["score"].tolist() == [2.5, -1.5, 0.5]
    trials = tr.read_scores(WITH_HEADER)
    assert trials.table["label"].tolist() == ["bonafide", "spoof", "spoof"]
    assert trials.table["attack"].tolist()[1:] == ["VITS", "X"]


@pytest.mark.parametrize("pack", ["plain", "gzip", "zip", "parquet", "utf-16", "crlf", "bom"])
def test_packings_and_encodings(pack):
    data = WITH_HEADER
    if pack == "gzip":
        data = gzip.compress(data)
    elif pack == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("scores.csv", data)
        data = buffer.getvalue()
    elif pack == "parquet":
        buffer = io.BytesIO()
        pd.read_csv(io.BytesIO(data)).to_parquet(buffer)
        data = buffer.getvalue()
    elif pack == "utf-16":
        data = data.decode().encode("utf-16")
    elif pack == "crlf":
        data = data.replace(b"\n", b"\r\n")
    elif pack == "bom":
        data = b"\xef\xbb\xbf" + data
    trials = tr.read_scores(data)
    assert trials.table["trial"].tolist() == ["a.wav", "b.wav", "c.wav"]
    assert trials.table["score"].tolist() == [0.1, 0.9, 0.7]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=30, unique=True),
    st.sampled_from([" ", "\t", ",", ";"]),
)
def test_scores_come_back_as_written(scores, separator):
    text = "\n".join(f"T{i}{separator}{s!r}" for i, s in enumerate(scores))
    assert tr.read_scores(text.encode()).table["score"].tolist() == scores


def test_direction_is_told_not_flipped():
    trials = tr.read_scores(SCORES_2019)
    found = tr.direction(trials)
    assert (found.higher, found.auc, found.sure) == ("bonafide", 0, True)
    assert found.how == "labels" and "would not be seen" in found.caution()
    assert trials.table["score"].tolist() == [2.5, -1.5, -0.5, 1.5]
    assert tr.direction(tr.read_scores(WITH_HEADER)).higher == "spoof"


def test_rows_that_cannot_be_used_are_left_out_and_counted():
    rows = [f"T{i} A07 spoof {i}.5" for i in range(20)] + [f"B{i} - bonafide 0" for i in range(20)]
    rows[3], rows[5], rows[8] = "T3 A07 spoof much", "T5 A07 spoof inf", "T0 A07 spoof 1"
    trials = tr.read_scores("\n".join(rows).encode(), "s.txt")
    assert len(trials.table) == 38
    assert trials.table["score"].max() == float("inf")
    sentences = [p.sentence for p in trials.problems]
    assert sentences == [
        "1 row of s.txt has a score that is no number (line 4).",
        "1 row of s.txt has a score that is infinite or beyond 1e+100, which is ranked first or "
        "last (line 6).",
        "1 row of s.txt lists a trial that was listed before (line 9).",
    ]


def test_unknown_labels_and_a_label_a_person_explains():
    data = b"id,truth,score\n" + b"".join(b"t%d,%d,%d.5\n" % (i, i % 2, i) for i in range(10))
    frame = tr.read_table(data)
    layout = tr.guess_layout(frame)
    assert not layout.sure
    explained = tr.guess_layout(frame, spoofed=["1"])
    assert explained.sure
    assert tr.tidy(frame, explained).table["label"].value_counts()["spoof"] == 5
    with pytest.raises(tr.TrialsError, match=r"no usable row.*neither bona fide nor spoof"):
        tr.tidy(frame, layout)
    with pytest.raises(tr.TrialsError, match="Which label in truth means spoofed: 0 or 1"):
        tr.read_scores(data)


def test_trials_missing_on_either_side_are_counted():
    scores = tr.read_scores(SCORES_2021 + b"LA_E_9 0\n")
    joined = tr.attach(scores, tr.read_scores(PROTOCOL_2019 + b"LA_0001 LA_E_5 - - bonafide\n"))
    assert len(joined.table) == 4
    assert [p.count for p in joined.problems] == [1, 1]
    assert "LA_E_9" in joined.problems[0].sentence
    with pytest.raises(tr.TrialsError, match="same benchmark"):
        tr.attach(tr.read_scores(SCORES_5), tr.read_scores(PROTOCOL_2019))


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, SCORES_2019)
    return buffer.getvalue()


def patched(name, local, central, value):
    """A zip file with one 16-bit field changed in both of its headers."""
    data = bytearray(zipped(name))
    for magic, at in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = data.index(magic) + at
        data[start : start + 2] = value.to_bytes(2, "little")
    return bytes(data)


def compressed_by(name, method):
    return patched(name, 8, 10, method)


def marked_encrypted(name):
    return patched(name, 6, 8, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"\x00\x01\x02\x03" * 10, "is not a text file"),
        (gzip.compress(SCORES_2019)[:-12], "damaged gzip"),
        (zipped("a", "b"), "holds 2 files"),
        (zipped("a")[:40], "damaged zip"),
        (compressed_by("a", 99), "packed in a way"),
        (marked_encrypted("a"), "is encrypted"),
        (b"PAR1 nothing", "looks like Parquet"),
        (b"score,score,trial\n1,2,a\n", "two columns of the same name"),
        (b"1 2 3\n1 3 4\n1 2 5\n", "Which column has the scores.*column 2 or column 3"),
    ],
)
def test_bad_files_are_named(data, message):
    with pytest.raises(tr.TrialsError, match=message):
        tr.read_scores(data)


@pytest.mark.parametrize(
    ("separator", "header"),
    [(" ", ""), (",", ""), ("\t", "trial\tscore\n"), (",", "trial,score\n")],
)
def test_lines_with_too_many_columns_are_left_out_and_told(separator, header):
    lines = [f"t{i}{separator}{i}.5" for i in range(80)]
    for wrong in (2, 70):
        lines[wrong] += f"{separator}7{separator}8"
    trials = tr.read_scores((header + "\n".join(lines) + "\n").encode(), "s.txt")
    assert len(trials.table) == 78 and "t2" not in set(trials.table["trial"])
    at = (3 + bool(header), 71 + bool(header))
    assert trials.problems[0].lines == at
    assert trials.problems[0].sentence == (
        f"2 rows of s.txt have more than the 2 columns of the others (lines {at[0]}, {at[1]})."
    )
    assert trials.table.index[-1] == 80 + bool(header)


def test_another_encoding_is_read_as_far_as_it_goes_and_told():
    trials = tr.read_scores("T1 1\nT\xe92 2\nT3 3\n".encode("latin-1"), "s.txt")
    assert trials.table["score"].tolist() == [1, 2, 3]
    assert trials.problems[0].lines == (2,)
    assert "1 row of s.txt cannot be read as UTF-8 text" in trials.problems[0].sentence


def test_one_class_only_and_no_labels_are_named():
    with pytest.raises(tr.TrialsError, match="no bona fide trial"):
        tr.read_scores(b"a A07 spoof 1\nb A07 spoof 2\nc A08 spoof 3\n").split()
    with pytest.raises(tr.TrialsError, match="which trials are spoofed"):
        tr.read_scores(SCORES_2021).split()
    with pytest.raises(tr.TrialsError, match="has scores"):
        tr.read_scores(PROTOCOL_2019).split()


def test_a_hundred_thousand_rows_are_quick():
    import time

    rng = np.random.default_rng(0)
    lines = [
        f"LA_E_{i} A{7 + i % 13:02d} spoof {s:.6f}" for i, s in enumerate(rng.normal(size=10**5))
    ]
    data = "\n".join(lines).encode()
    start = time.perf_counter()
    assert len(tr.read_scores(data).table) == 10**5
    assert time.perf_counter() - start < 5
