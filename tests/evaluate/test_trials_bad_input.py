"""Score files from anywhere: trials, or a sentence, within seconds."""

from __future__ import annotations

import csv
import gzip
import html
import io
import re
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow.parquet import encryption

from core.cli.evaluate import records
from core.evaluate import analysis
from core.evaluate import trials as tr
from core.evaluate.parquet_pages import unpacked_size
from core.plain import printable
from core.score.manifest import ArchiveError, read_manifest
from core.show.documents.report import Report, as_csv, as_html
from tests.damage import NAMES, mutated

ROWS = [
    ("trial", "attack", "label", "score"),
    *((f"LA_E_{i}", "-", "bonafide", f"{1 + i / 7:.3f}") for i in range(12)),
    *((f"LA_F_{i}", f"A{7 + i % 3:02}", "spoof", f"{-1 - i / 5:.3f}") for i in range(12)),
]


def text(separator: str, rows: list[tuple[str, ...]] = ROWS) -> bytes:
    return "".join(separator.join(row) + "\n" for row in rows).encode()


def packed(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("scores.csv", data)
    return out.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


FRAME = pd.DataFrame(ROWS[1:], columns=ROWS[0]).astype({"score": float})
FORMS: dict[str, bytes] = {
    "space": text(" ", ROWS[1:]),
    "tab": text("\t"),
    "comma": text(","),
    "semicolon": text(";"),
    "quoted": text(",", [tuple(f'"{c}"' for c in row) for row in ROWS]),
    "crlf": text(",").replace(b"\n", b"\r\n"),
    "utf-16": text(",").decode().encode("utf-16"),
    "gzip": gzip.compress(text(","), mtime=0),
    "zip": packed(text(",")),
    "stored zip": packed(text(","), zipfile.ZIP_STORED),
    "bzip2 zip": packed(text(","), zipfile.ZIP_BZIP2),
    "lzma zip": packed(text(","), zipfile.ZIP_LZMA),
    "parquet": parquet(FRAME),
}
"""The same trials in every form that is read."""


def outcome(data: bytes) -> tr.Trials | str:
    """Trials whose columns are of their kinds, or the sentence."""
    try:
        trials = tr.read_scores(data, "s")
    except tr.TrialsError as error:
        assert str(error).endswith((".", "?")) and len(str(error)) < 2_000
        return str(error)
    table = trials.table
    assert len(table) and table["trial"].map(type).eq(str).all() and table["trial"].is_unique
    if "score" in table:
        assert table["score"].notna().all()
    if "label" in table:
        assert set(table["label"]) <= {"bonafide", "spoof"}
    assert all(p.sentence.endswith(".") for p in trials.problems)
    return trials


def figures(trials: tr.Trials) -> None:
    """All that the page computes, or its sentence."""
    try:
        higher = tr.direction(trials).higher
        data = analysis.prepare(trials, higher)
    except tr.TrialsError as error:
        assert str(error).endswith(".")
        return
    with np.errstate(all="ignore"):
        whole = analysis.overall(data)
        shares = analysis.histogram(data)
        stated = analysis.reliability(data, 0.05)
    assert whole.figures["value"].notna().all()
    assert np.isfinite(shares[["low", "high", "share"]].to_numpy()).all()
    assert np.isfinite(stated[["stated", "observed"]].to_numpy()).all()
    for column in analysis.attributes(data)[:2]:
        analysis.by_column(data, column)
    analysis.worst(data, 5)
    analysis.suspicions(data)
    records(whole.figures)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    trials = outcome(FORMS[form])
    assert not isinstance(trials, str)
    assert len(trials.table) == 24 and not trials.problems
    figures(trials)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_give_trials_or_a_sentence(form, data):
    outcome(data.draw(mutated(FORMS[form])))


def test_a_column_whose_figures_end_pyarrows_process_is_a_sentence():
    optional, required = b"\x25\x02\x18\x05label", b"\x25\x00\x18\x05label"
    assert FORMS["parquet"].count(optional) == 1
    said = outcome(FORMS["parquet"].replace(optional, required))
    assert "looks like Parquet but cannot be read" in said


@settings(max_examples=50, deadline=10_000)
@given(
    data=st.binary(max_size=300)
    | st.text(max_size=200).map(str.encode)
    | st.lists(st.text("ab01.,;\t \"'\n-+e=<\0\r\x1c\x85", max_size=30), max_size=12).map(
        lambda lines: "\n".join(lines).encode()
    )
)
def test_any_bytes_give_trials_or_a_sentence(data):
    outcome(data)


@settings(max_examples=30, deadline=10_000)
@given(
    scores=st.lists(
        st.floats() | st.sampled_from([1e308, -1e308, 1e-320, 0.0, -0.0, 2.0**1023]),
        min_size=4,
        max_size=24,
    ),
)
def test_any_scores_give_figures_or_a_sentence(scores):
    rows = [(f"t{i}", "-", "spoof" if i % 2 else "bonafide", repr(s)) for i, s in enumerate(scores)]
    trials = outcome(text(",", [ROWS[0], *rows]))
    if not isinstance(trials, str):
        figures(trials)


def nested() -> bytes:
    frame = FRAME.assign(
        attack=[["a"]] * 24, codec=[{"a": 1}] * 24, speaker=pd.Timestamp("2026-01-01")
    )
    return parquet(frame)


def twice_named() -> bytes:
    out = io.BytesIO()
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["trial", "trial"])
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def lying_zip(method: int) -> bytes:
    data = bytearray(packed(text(","), method))
    at = 30 + len("scores.csv")
    data[at + 6 : at + 40] = b"\xaa" * 34
    return bytes(data)


CRAFTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "only a header": (lambda: b"trial,score\n", "no line below"),
    "a quoted cell without end": (
        lambda: b"a,1\n" * 60 + b'"' + b"x,y," * 100_000 + b"\nb,2\n",
        "cannot be read as a table|.",
    ),
    "too many columns": (lambda: b",".join([b"a"] * 5_000) + b"\n", "columns"),
    "columns of lists": (nested, ""),
    "Parquet with a name twice": (twice_named, "two columns of the same name"),
    "damaged LZMA in a zip": (lambda: lying_zip(zipfile.ZIP_LZMA), "damaged zip"),
    "damaged bzip2 in a zip": (lambda: lying_zip(zipfile.ZIP_BZIP2), "damaged zip"),
    "NUL late in the file": (lambda: text(",") * 9 + b"\0\0,\0\n" * 2_000, ""),
    "one endless line": (lambda: b"x" * 5_000_000, ""),
    "a million commas": (lambda: b"," * 1_000_000, "columns"),
    "deep brackets": (lambda: b"[" * 200_000, ""),
}


@pytest.mark.parametrize("mark", "\x0b\x0c\x1c\x85\u2028")
@pytest.mark.filterwarnings("error")
def test_what_ends_a_line_elsewhere_ends_none_here(mark):
    """Two rows that such a mark joins have too many cells, and none of them is lost unsaid."""
    rows = [f"u{i},spoof,{i}" for i in range(9)]
    rows[4] += f"{mark}v,spoof,2"
    frame = tr.read_table(("trial,label,score\n" + "\n".join([*rows, '"x",spoof,1'])).encode(), "t")
    (problem,) = frame.attrs["problems"]
    assert problem.lines == (6,) and "more than the 3 columns" in problem.sentence
    assert (len(frame), frame.index[-1]) == (9, 11)


@pytest.mark.parametrize("kind", CRAFTED)
def test_crafted_files_end_in_a_sentence_or_in_trials(kind):
    make, says = CRAFTED[kind]
    found = outcome(make())
    if isinstance(found, str):
        assert re.search(says, found), found
    else:
        assert not says or says.endswith("|.")
        figures(found)


@pytest.mark.parametrize("form", ["gzip", "zip", "parquet"])
def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch, form):
    monkeypatch.setenv("SPOOFSCOPE_MAX_TABLE_MB", "1")
    rows = [ROWS[0], *((f"t{i}", "-", "spoof", "1") for i in range(150_000))]
    frame = pd.DataFrame({"trial": ["t"] * 150_000, "score": 1.0})
    data = {
        "gzip": lambda: gzip.compress(text(",", rows)),
        "zip": lambda: packed(text(",", rows)),
        "parquet": lambda: parquet(frame),
    }[form]()
    assert len(data) < 1 << 20
    with pytest.raises(tr.TrialsError, match="has more than 1 MB, unpacked"):
        tr.read_scores(data)


def stored(table: pa.Table, **how: object) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, **how)
    return out.getvalue()


@pytest.mark.parametrize("form", ["text", "carriage returns", "parquet"])
def test_a_table_of_too_many_lines_is_not_read(form, monkeypatch):
    monkeypatch.setattr("core.evaluate.trials.limits.MOST_ROWS", 23)
    data = {
        "text": text(","),
        "carriage returns": text(",").replace(b"\n", b"\r"),
        "parquet": parquet(FRAME),
    }[form]
    with pytest.raises(tr.TrialsError, match=r"lines; at most 23 are read\.$"):
        tr.read_table(data)


LONG = "x" * 25_000
DELTA = {"use_dictionary": False, "column_encoding": {"trial": "DELTA_BYTE_ARRAY"}}
BOMBS: dict[str, Callable[[], bytes]] = {
    "text": lambda: stored(pa.table({"trial": [LONG] * 2_000, "score": [1.0] * 2_000})),
    "groups": lambda: stored(pa.table({"trial": [LONG] * 2_000}), row_group_size=40),
    "bytes": lambda: stored(pa.table({"trial": [LONG.encode()] * 2_000})),
    "categories": lambda: stored(pa.table({"trial": pa.array([LONG] * 2_000).dictionary_encode()})),
    "large text": lambda: stored(pa.table({"trial": pa.array([LONG] * 2_000, pa.large_string())})),
    "fixed size": lambda: stored(
        pa.table({"t": pa.array([LONG.encode()] * 2_000, pa.binary(len(LONG)))})
    ),
    "prefixes": lambda: stored(pa.table({"trial": [LONG] * 2_000}), **DELTA),
    "list": lambda: stored(pa.table({"trial": ["a"] * 2_000, "list": [[LONG]] * 2_000})),
    "structure": lambda: stored(pa.table({"trial": ["a"] * 2_000, "s": [{"x": LONG}] * 2_000})),
}
"""Small Parquet whose cells have 50 MB, by what they are."""
ARROW = pa.default_memory_pool()
POOL = pa.proxy_memory_pool(ARROW)  # counts; it must outlive every buffer that it gave


@pytest.mark.parametrize("kind", BOMBS)
def test_a_text_that_parquet_repeats_is_not_laid_out(kind, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_TABLE_MB", "20")
    data = BOMBS[kind]()
    assert len(data) < 1 << 20
    pa.set_memory_pool(POOL)
    try:
        frame = tr.read_table(data)
    except tr.TrialsError as error:
        wanted = "DELTA_BYTE_ARRAY" if kind == "prefixes" else "has more than 20 MB, unpacked"
        assert wanted in str(error)
        assert kind not in ("list", "structure")
    else:
        assert kind in ("list", "structure")
        assert list(frame.columns) == ["trial"]
        assert "columns of lists or structures" in frame.attrs["problems"][0].sentence
    finally:
        pa.set_memory_pool(ARROW)
    assert POOL.max_memory() < 20 << 20
    assert POOL.max_memory() or kind == "fixed size"  # refused before anything is read


def lying(size: int) -> bytes:
    """Parquet with a page of many equal letters, and a footer that says that it has 1,000 bytes."""
    table = pa.table({"trial": ["x" * (size // 30)] * 30})
    whole = stored(table, compression="zstd", use_dictionary=False, write_statistics=False)
    foot = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    group = pyarrow.parquet.ParquetFile(io.BytesIO(whole)).metadata.row_group(0)
    footer = whole[foot:]
    for said in {group.total_byte_size, group.column(0).total_uncompressed_size}:
        true, false = (
            bytes([(v << 1 >> s) & 127 | 128 for s in (0, 7, 14)]) for v in (said, 1_000)
        )
        true += bytes([(said << 1 >> s) & 127 | 128 for s in (21,) if said << 1 >> 28])
        last = said << 1 >> 7 * len(true)
        assert 0 < last < 128 and true + bytes([last]) in footer
        false += bytes([128] * (len(true) - len(false)) + [0])
        footer = footer.replace(true + bytes([last]), false)
    return whole[:foot] + footer


def test_a_footer_that_lies_is_not_believed(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_TABLE_MB", "20")
    data = lying(100_000_000)
    about = pyarrow.parquet.ParquetFile(io.BytesIO(data)).metadata
    assert about.row_group(0).total_byte_size == 1_000
    pa.set_memory_pool(POOL)
    try:
        with pytest.raises(tr.TrialsError, match="has more than 20 MB, unpacked"):
            tr.read_table(data)
    finally:
        pa.set_memory_pool(ARROW)
    assert POOL.max_memory() < 20 << 20


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_a_whole_file_in_an_encoding_that_is_not_read_is_not_called_damaged(encoding):
    data = stored(
        pa.table({"trial": ["a", "b"]}), use_dictionary=False, column_encoding={"trial": encoding}
    )
    with pytest.raises(tr.TrialsError, match=f"encoding {encoding}, which is not read"):
        tr.read_table(data)


class NoSecret(encryption.KmsClient):
    def __init__(self, *_: object) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return key


@pytest.mark.parametrize(("plain_footer", "mark"), [(True, b"PAR1"), (False, b"PARE")])
def test_a_file_that_is_encrypted_is_not_called_damaged(tmp_path, plain_footer, mark):
    keys = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["score"]}, plaintext_footer=plain_footer
    )
    factory = encryption.CryptoFactory(NoSecret)
    how = factory.file_encryption_properties(encryption.KmsConnectionConfig(), keys)
    data = stored(pa.table({"trial": ["a"], "score": [0.5]}), encryption_properties=how)
    assert data[-4:] == mark
    with pytest.raises(tr.TrialsError, match=r"is encrypted, and no key .* without encryption"):
        tr.read_table(data)
    (tmp_path / "m.parquet").write_bytes(data)
    with pytest.raises(ArchiveError, match="it is encrypted; save it without encryption"):
        read_manifest(tmp_path / "m.parquet")


def test_a_text_that_begins_with_the_mark_of_an_encrypted_file_is_read():
    assert list(tr.read_table(b"PARE 0.5\nb 0.7\n").iloc[:, 0]) == ["PARE", "b"]


@pytest.mark.parametrize("kind", [3, 5, 6, 9, 12])
def test_a_list_of_something_else_than_the_format_says_is_refused(kind):
    """The reader would take its elements for what they should be, and find other columns."""
    whole = stored(pa.table({"score": [0.5]}))
    names = b"\x19\x18\x05score"  # of one text
    assert whole.count(names) == 1 and unpacked_size(whole)
    with pytest.raises(ValueError, match="holds something else"):
        unpacked_size(whole.replace(names, bytes([0x19, 0x10 | kind]) + names[2:]))


def test_a_footer_of_lists_in_lists_is_refused():
    footer = b"\x99" + b"\x19" * 5_000
    with pytest.raises(ValueError, match="too many fields"):
        unpacked_size(footer + len(footer).to_bytes(4, "little") + b"PAR1")


def test_a_page_whose_size_has_more_than_32_bits_is_refused():
    """The reader drops the upper ones and goes on to pages that would not have been counted."""
    numbers = pa.table({"score": [0.5] * 2_000})
    whole = stored(numbers, compression="none", use_dictionary=False, data_page_size=800)
    size = re.search(rb"\x15\x00\x15(.[\x80-\xff]?.)\x15\1", whole)[1]
    long = bytes([*size[:-1], size[-1] | 128, *[128] * (4 - len(size)), 16])
    head = b"\x15\x00\x15" + size + b"\x15"
    data = whole.replace(head + size, head + long, 1)
    assert len(data) == len(whole) + 5 - len(size)
    with pytest.raises(ValueError, match="has no size"):
        unpacked_size(data)


@given(
    rows=st.integers(0, 300),
    group=st.integers(1, 200),
    codec=st.sampled_from(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
    version=st.sampled_from(["1.0", "2.0"]),
    dictionary=st.booleans(),
)
@example(rows=0, group=1, codec="none", version="1.0", dictionary=True)
def test_the_pages_say_what_an_honest_footer_says(rows, group, codec, version, dictionary):
    table = pa.table({"trial": [f"t{i % 7}" for i in range(rows)], "score": [0.5] * rows})
    data = stored(
        table,
        row_group_size=group,
        compression=codec,
        data_page_version=version,
        use_dictionary=dictionary,
        data_page_size=100,
        write_page_checksum=True,
    )
    about = pyarrow.parquet.ParquetFile(io.BytesIO(data)).metadata
    said = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    found = unpacked_size(data)
    assert found <= said <= found + 200 * (rows + 1) * 2
    assert len(tr.read_table(data)) == rows


@given(
    texts=st.lists(st.none() | st.text(max_size=4), min_size=1, max_size=30),
    group=st.integers(1, 30),
    plain=st.booleans(),
    kind=st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
)
def test_texts_come_back_whatever_way_parquet_holds_them(texts, group, plain, kind):
    table = pa.table({"trial": pa.array(texts, kind), "score": pa.array(range(len(texts)))})
    frame = tr.read_table(stored(table, row_group_size=group, use_dictionary=not plain))
    assert [None if pd.isna(cell) else cell for cell in frame["trial"]] == texts
    assert frame["score"].tolist() == list(range(len(texts)))
    assert frame.index.tolist() == list(range(1, len(texts) + 1))


def runs(cell: str) -> bool:
    return (
        cell.lstrip().startswith(("=", "+", "-", "@", "|"))
        and cell.strip("-").strip("0123456789.e") != ""
    )


@pytest.mark.parametrize("name", NAMES)
def test_names_come_through_as_text_and_leave_as_text(name):
    """As a trial's name, an attack's, a column's: nothing runs in a sheet, nothing marks up."""
    rows = [
        (*(name if c == "attack" else c for c in ROWS[0]), name + "2"),
        *((t, name if a == "A07" else a, w, s, f"{i % 2}") for i, (t, a, w, s) in
          enumerate(ROWS[1:])),
    ]  # fmt: skip
    rows[13] = (name, *rows[13][1:])
    data = text("\t", rows)
    frame = tr.read_table(data, name)
    roles = ("trial", "score", "label")
    stated = dict(zip(roles, roles, strict=True)) | {"attack": name, name + "2": name + "2"}
    layout = tr.guess_layout(frame, stated)
    trials = tr.tidy(frame, layout, name)
    assert name in set(trials.table["trial"]) and name in set(trials.table["attack"].dropna())
    prepared = analysis.prepare(trials, "bonafide")
    tables = [
        analysis.worst(prepared, 50),
        analysis.by_column(prepared, "attack"),
        trials.table,
    ]
    for table in tables:
        lines = list(csv.reader(io.StringIO(as_csv(table).decode())))
        assert any(name in cell for line in lines for cell in line)
        assert not [cell for line in lines for cell in line if runs(cell)]
    problems = [p.sentence for p in trials.problems]
    page = as_html(
        Report(name, [("File", name)], [*problems, name], [(name, name, t, None) for t in tables])
    ).decode()
    assert not re.search(r"<(script|img|a)\b", page)
    assert html.escape(printable(name)) in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)


@settings(deadline=10_000)
@given(
    data=mutated(b"".join(b"s%d target %d.5\n" % (i, i) for i in range(4)) + b"x nontarget 0\n")
    | st.binary(max_size=60)
)
def test_scores_of_a_verification_system_give_constants_or_a_sentence(data):
    try:
        tr.AsvScores.of(data, "asv.txt").constants()
    except ValueError as error:
        assert str(error)
