"""Segment and range EER: answers by hand, a slow count of instants, and properties."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import metrics as m
from core.evaluate import segments as sg
from core.evaluate.trials import TrialsError, read_reference, read_scored_spans


def scored(rows, header="file,start,end,llr\n"):
    return read_scored_spans((header + "".join(rows)).encode(), "scores.csv")


def named(text):
    return read_reference(text.encode(), "spans.csv")


def rates(scores, reference, resolutions=sg.RESOLUTIONS):
    frame = sg.figures(sg.pieces(scores, reference, "spoof"), resolutions)
    return {
        (r.measure, r.resolution_s if r.measure == "segment" else 0): r.value
        for r in frame.itertuples()
    }


FAKES = "file,start,end\na,1,2\n"


def test_by_hand():
    # Four seconds; the fake is the second one. What scores 2 is half of it; 1 is a human second.
    rows = ["a,0,1,0\n", "a,1,1.5,2\n", "a,1.5,2,0.5\n", "a,2,3,1\n", "a,3,4,0\n"]
    found = rates(scored(rows), named(FAKES), [1, 2])
    # At 2: no miss of three seconds, half a second of one passes. At 1: 1/3 against 1/2; nearest
    # is 0.5: 1/3 against 0, at 1: 1/3 against 1/2.
    assert found["range", 0] == pytest.approx(100 * (1 / 3 + 1 / 2) / 2)
    # The fake second's highest score is 2, above all others.
    assert found["segment", 1] == 0
    assert found["segment", 2] == 0


def test_a_segment_is_fake_if_any_of_it_is_and_scores_as_its_worst_part():
    found = sg.pieces(
        scored(["a,0,1,3\n", "a,1,3,-1\n"]), named("file,start,end\na,2.9,3\n"), "spoof"
    )
    file, score, fake = found.segments(2)
    assert (list(file), list(score), list(fake)) == ([0, 0], [3, -1], [False, True])
    assert list(found.segments(0.5)[2]) == [False] * 5 + [True]


def test_overlapping_windows_score_as_their_mean():
    found = sg.pieces(scored(["a,0,4,1\n", "a,2,6,3\n"]), named("file,start,end\na,4,6\n"), "spoof")
    assert list(found.score) == [1, 2, 3]
    assert list(found.end - found.start) == [20_000, 20_000, 20_000]


cells = st.lists(
    st.tuples(st.integers(1, 5), st.integers(-3, 3), st.booleans()), min_size=2, max_size=12
)


def laid(cells):
    """Stretches of so many tenths of a second, one after another: scores and a full reference."""
    at, scores, spans = 0, [], []
    for length, score, fake in cells:
        scores.append(f"a,{at / 10},{(at + length) / 10},{score}\n")
        spans.append(f"a,{at / 10},{(at + length) / 10},{'spoof' if fake else 'bonafide'}\n")
        at += length
    return scores, "file,start,end,label\n" + "".join(spans)


@given(cells)
@settings(max_examples=25, deadline=None)
def test_the_range_eer_is_that_of_instants_counted_one_by_one(cells):
    instants = [(score, fake) for length, score, fake in cells for _ in range(length)]
    bona, fakes = ([s for s, f in instants if f == want] for want in (False, True))
    scores, reference = laid(cells)
    if not bona or not fakes:
        with pytest.raises(TrialsError, match="both classes"):
            rates(scored(scores), named(reference))
        return
    found = rates(scored(scores), named(reference), [0.1])
    assert found["range", 0] == pytest.approx(100 * m.Tally.of(bona, fakes).eer().rate)
    assert found["segment", 0.1] == pytest.approx(found["range", 0])
    # Cutting a stretch in two changes nothing; nor does the form of the reference.
    first, rest = cells[0], cells[1:]
    if first[0] > 1:
        halves = [(1, *first[1:]), (first[0] - 1, *first[1:]), *rest]
        assert rates(scored(laid(halves)[0]), named(reference), [0.1]) == pytest.approx(found)
    of_fakes = "\n".join(line for line in reference.splitlines() if "bonafide" not in line)
    assert rates(scored(scores), named(of_fakes), [0.1]) == pytest.approx(found)


RTTM = "SPEAKER a 1 0 1 <NA> <NA> bonafide <NA> <NA>\nSPEAKER a 1 1 1 <NA> <NA> spoof <NA> <NA>\n"


@pytest.mark.parametrize(
    "reference",
    [
        RTTM,
        "file,start,end,label\na,0,1,bonafide\na,1,2,spoof\n",
        "utt\tonset\tduration\tlabel\na\t0\t1\tgenuine\na\t1\t1\tfake\n",
        "a 2.0 spoof 0.00-1.00-bonafide 1.00-2.00-spoof\n",
        "a 0.00-1.00-T/1.00-2.00-F 0\n",
        "a.wav,1,2\nb,0.5,1\n",
    ],
)
def test_references_in_the_forms_of_the_field_say_the_same(reference):
    found = sg.pieces(scored(["a.wav,0,1,-1\n", "a.wav,1,2,1\n"]), named(reference), "spoof")
    assert [(p, q) for p, q in zip(found.start, found.end, strict=True)] == [
        (0, 10_000),
        (10_000, 20_000),
    ]
    assert list(found.is_spoof) == [False, True]


def test_time_that_a_full_reference_does_not_name_counts_for_nothing():
    rows = ["a,0,3,0\n", "b,0,1,0\n"]
    found = sg.pieces(scored(rows), named(RTTM), "spoof")
    assert found.end.max() == 20_000
    assert any("b" in p.sentence and "do not count" in p.sentence for p in found.problems)
    fakes_alone = sg.pieces(scored(rows), named(FAKES), "spoof")
    assert len(np.unique(fakes_alone.file)) == 2
    assert any("human throughout" in p.sentence for p in fakes_alone.problems)


def test_rows_without_times_follow_each_other():
    found = read_scored_spans(b"a 0 0.1\na 1 0.2\nb 0 0.3\n", "s.txt", hop=0.02)
    assert list(found.table["start"]) == pytest.approx([0, 0.02, 0])
    assert list(found.table["score"]) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("scores", "reference", "words"),
    [
        ("a,0,1,x\n", FAKES, "no row that can be used"),
        ("a,1,0,2\n", FAKES, "no row that can be used"),
        ("a,0,1,2\n", "file,start,end\nz,0,1\n", "no file in common"),
        ("a,0,1,2\n", FAKES, "No scored time is fake"),
        ("a,0,1,2\n", "file,start,end,label\na,0,1,Anna\n", "Anna"),
        ("a,0,1,2\n", "x\n1\n", "no column for"),
    ],
)
def test_what_cannot_be_used_is_said(scores, reference, words):
    with pytest.raises(TrialsError, match=words):
        sg.pieces(scored([scores]), named(reference), "spoof")


def test_segments_of_one_file_count_together():
    rng = np.random.default_rng(2)
    rows = [f"f{i},{k},{k + 1},{rng.normal(1.5 * (k % 2))}\n" for i in range(20) for k in range(10)]
    spans = "file,start,end\n" + "".join(
        f"f{i},{k},{k + 1}\n" for i in range(20) for k in (1, 3, 5, 7, 9)
    )
    frame = sg.figures(sg.pieces(scored(rows), named(spans), "spoof"), [1]).set_index("measure")
    assert (
        frame.loc["segment", "low"] < frame.loc["segment", "value"] < frame.loc["segment", "high"]
    )
    # Of stretches as long as the segments, both count the same files.
    ends = frame[["low", "value", "high"]]
    assert list(ends.loc["range"]) == pytest.approx(list(ends.loc["segment"]), rel=1e-4)
    assert frame.loc["range", "value"] == pytest.approx(frame.loc["segment", "value"])


def test_the_command_prints_what_the_library_says(tmp_path, capsys):
    scores, spans = tmp_path / "s.csv", tmp_path / "r.csv"
    scores.write_text("file,start,end,score\na,0,1,-1\na,1,2,1\nb,0,2,0\n")
    spans.write_text(FAKES)
    given = ["segments", str(scores), "--reference", str(spans), "--resolution", "0.5,1"]
    assert main(given) == 2
    assert "--higher" in capsys.readouterr().err
    assert main([*given, "--higher", "bonafide", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [r["resolution_s"] for r in report["figures"]] == [None, 0.5, 1, None]
    assert report["figures"][0]["value"] == 100
    assert main([*given, "--higher", "spoof"]) == 0
    assert "range EER" in capsys.readouterr().out


def test_a_direction_in_which_fakes_score_low_is_pointed_at():
    rows, spans = laid([(3, 0, False), (2, 1, True), (1, 0, False)])
    for higher, count in (("spoof", 0), ("bonafide", 1)):
        problems = sg.pieces(scored(rows), named(spans), higher).problems
        assert sum("worse than chance" in p.sentence for p in problems) == count


def test_infinite_scores_are_ranked_and_said():
    found = scored(["a,0,1,-inf\n", "a,1,2,inf\n", "a,2,3,0\n", "a,2,4,nan\n"])
    assert any("infinite" in p.sentence for p in found.problems)
    assert rates(found, named(FAKES))["range", 0] == 0
    both = scored(["a,0,2,-inf\n", "a,0,2,inf\n", "a,2,3,1\n"])
    assert np.isfinite(sg.pieces(both, named(FAKES), "spoof").score).all()


@pytest.mark.parametrize("given", ["x", "nan", "inf", "-1", ""])
def test_lengths_that_are_none_get_a_sentence(given, tmp_path, capsys):
    for name, text in (("s.csv", "file,start,end,llr\na,0,1,0\na,1,2,3\n"), ("r.csv", FAKES)):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / "s.csv"), "--reference", str(tmp_path / "r.csv")]
    assert main(["segments", *files, "--higher", "spoof", f"--resolution={given}"]) == 2
    assert "--resolution takes" in capsys.readouterr().err


REFERENCES = {
    "RTTM": "SPEAKER a 1 1 1 <NA> <NA> spoof <NA> <NA>\nSPEAKER é 1 0 2 <NA> <NA> bonafide <NA>\n",
    "spans in a line": "a 1-2-F\né 0-2-T\n",
    "a table": "file,start,end,label\na,1,2,spoof\né,0,2,bonafide\n",
}


@pytest.mark.parametrize("form", REFERENCES)
def test_a_reference_is_the_same_however_it_is_written(form):
    """A mark at the start would hide a first line, whose span then counted as human."""
    text = REFERENCES[form]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("spans", text)
    written = [text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")]
    written += [text.replace("\n", end).encode() for end in ("\r\n", "\r", "\n\n")]
    written += [gzip.compress(text.encode()), zipped.getvalue()]
    for data in written:
        found = read_reference(data, "spans")
        rows = found.table[["file", "start", "end", "is_spoof"]].to_numpy().tolist()
        assert rows == [["a", 1, 2, True], ["é", 0, 2, False]] and not found.problems


def test_lines_of_a_reference_that_cannot_be_read_are_named():
    (problem,) = named("SPEAKER a 1 1 1 <NA> <NA> spoof\nSPEAKER a 1 3\n").problems
    assert problem.sentence == "1 row of spans.csv has fewer cells than a line of RTTM (line 2)."
    (problem,) = named("a 1-2-F\nb 1..2\nc\n").problems
    assert problem.count == 2 and "no span as start-end-label" in problem.sentence
    (problem,) = named("file,start,end\na,1,2\nb,1,2,3,4\n").problems
    assert "more than the 3 columns" in problem.sentence


@pytest.mark.parametrize("hop", [0, -1, float("nan"), float("inf")])
def test_a_hop_that_is_none_gets_a_sentence(hop):
    with pytest.raises(TrialsError, match="hop must be a time"):
        read_scored_spans(b"file,start,end,llr\na,0,1,0\n", "s.csv", hop)
