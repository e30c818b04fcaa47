"""Names of trials in two files, subsets, directions, and what is said of all three."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import analysis
from core.evaluate import trials as tr

CLASS = ("bonafide", "spoof")


def scores(names):
    rows = "".join(f"{name}\t{3 * (i % 2) + i / 100}\n" for i, name in enumerate(names))
    return tr.read_scores(f"trial\tscore\n{rows}".encode(), "s.tsv")


def key(names, more=""):
    rows = "".join(f"{name}\t{CLASS[i % 2]}{more}\n" for i, name in enumerate(names))
    head = "trial\tlabel" + ("\tsubset" if more else "")
    return tr.read_scores(f"{head}\n{rows}".encode(), "key.tsv")


FOUR = ["LA_1", "LA_2", "LA_3", "LA_4"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("{}.flac", "{}"),
        ("{}", "{}.WAV"),
        ("flac/{}.flac", "{}"),
        ("{}", "/a/b/{}.flac"),
        ("b/{}.flac", "/a/b/{}.flac"),
        ("a\\b\\{}", "b/{}"),
        ("./{}.mp3", "{}.mp3"),
    ],
)
def test_a_name_that_says_less_is_the_same_name_and_that_is_said(mine, theirs):
    joined = tr.attach(scores(map(mine.format, FOUR)), key(map(theirs.format, FOUR)))
    assert joined.table["label"].tolist() == ["bonafide", "spoof"] * 2
    assert [p.sentence for p in joined.problems] == [
        "4 trials have another name in the protocol and are joined by its stem: "
        f"{mine.format('LA_1')} and {theirs.format('LA_1')}."
    ]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("{}.wav", "{}.flac"), ("real/{}.wav", "fake/{}.wav"), ("ab/{}", "b/{}"), ("/x/{}", "/y/{}")],
)
def test_names_that_contradict_each_other_are_joined_when_asked(mine, theirs):
    ours, known = scores(map(mine.format, FOUR)), key(map(theirs.format, FOUR))
    with pytest.raises(tr.TrialsError, match="No trial of the score file") as refused:
        tr.attach(ours, known)
    (problem,) = refused.value.problems
    assert problem.by_stem and "4 trials differ from the protocol in folder or suffix" in str(
        problem.sentence
    )
    assert len(tr.attach(ours, known, by_stem=True).table) == 4


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (["a.wav", "b.wav"], ["a", "b", "x/b"]),  # two of theirs
        (["a.wav", "b.wav", "b.flac"], ["a", "b"]),  # two of mine
        (["a.wav", "b", "x/b"], ["a", "b.wav"]),
    ],
)
@pytest.mark.parametrize("by_stem", [False, True])
def test_a_stem_that_is_not_unique_joins_nothing(mine, theirs, by_stem):
    found = tr.match(pd.Series(mine), pd.Series(theirs), "the key", by_stem)
    assert found.place[0] == 0 and set(found.place[1:]) <= {-1, *[
        theirs.index(m) for m in mine if m in theirs
    ]}  # fmt: skip
    assert any("which is not unique" in p.sentence for p in found.problems)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("ab_1. ", min_size=1, max_size=6), min_size=1, max_size=8, unique=True),
    st.permutations(range(8)),
)
def test_every_name_finds_itself_and_no_other(names, order):
    others = [names[i] for i in order if i < len(names)]
    place = tr.match(pd.Series(names), pd.Series(others), "the key", True).place
    assert [others[i] for i in place] == names


def test_a_second_file_is_joined_in_the_same_way():
    rows = [(f"t{i}", CLASS[i % 2], 3 * (i % 2) + i / 100) for i in range(40)]
    table = pd.DataFrame(rows, columns=["trial", "label", "score"])
    other = table.assign(trial=table["trial"] + ".wav")
    found = analysis.compare(analysis.prepare(tr.Trials(table), "spoof"), tr.Trials(other), "spoof")
    assert found.n == 40 and "40 trials have another name" in found.problems[0].sentence


def test_subsets_are_kept_apart():
    names = [f"t{i}" for i in range(12)]
    parts = [
        key(names[i : i + 4], f"\t{s}").table
        for i, s in ((0, "progress"), (4, "eval"), (8, "hidden"))
    ]
    every = tr.Trials(pd.concat(parts, ignore_index=True).assign(score=1.0))
    for wanted, count in ((None, 4), ("progress", 4), ("all", 12)):
        chosen = tr.of_subset(every, wanted)
        assert len(chosen.table) == count
        assert "eval (4)" in chosen.problems[0].sentence
    assert set(tr.of_subset(every).table["subset"]) == {"eval"}
    with pytest.raises(tr.TrialsError, match=r"no subset dev; there are .*hidden \(4\)"):
        tr.of_subset(every, "dev")
    alone = tr.of_subset(every, "hidden")
    assert tr.of_subset(alone, "hidden") == alone
    with pytest.raises(tr.TrialsError, match="the trials have no subsets"):
        tr.of_subset(scores(names), "eval")
    other = tr.Trials(every.table.replace({"subset": {"eval": "test"}}))
    assert len(tr.of_subset(other).table) == 12  # nobody says which counts


def run(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


@pytest.fixture
def files(tmp_path):
    """Score files and keys by name, as somebody may have them."""
    worse = [f"t{i} {CLASS[i % 2]} {i % 5 + 2 * (i % 2)}.1" for i in range(40)]
    made = {
        "worse.txt": "\n".join(worse),
        "good.txt": "\n".join(f"t{i} {CLASS[i % 2]} {i % 5 - 9 * (i % 2)}.1" for i in range(40)),
        "bare.txt": "\n".join(f"t{i}.wav {i % 5}.{i}" for i in range(40)),
        "flags.csv": "clip,truth,f1,f2\n"
        + "\n".join(f"t{i},{i % 2},{i % 5 - 9 * (i % 2)},{i}" for i in range(40)),
        "key.csv": "file,spoken by,kind\n"
        + "\n".join(f"t{i}.{'flac' if i % 2 else 'wav'},p{i % 3},{i % 2}" for i in range(40)),
    }
    for name, text in made.items():
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_the_first_line_says_columns_and_direction(files, capsys):
    status, out, _ = run(capsys, files / "worse.txt")
    assert status == 0
    assert out[0] == (
        "worse.txt (scores with labels): by what they hold trial = column 1, label = column 2, "
        "score = column 3; a higher score means spoofed speech, taken from the labels."
    )
    assert out[1].startswith("Caution: The direction was taken from the labels")
    assert out[1].endswith("--higher states it.")


def test_a_stated_direction_counts_for_both_files_and_is_shown_as_it_is(files, capsys):
    worse, good = files / "worse.txt", files / "good.txt"
    status, out, _ = run(capsys, worse, "--higher", "bonafide", "--compare", good, "--json")
    report = json.loads("\n".join(out))
    assert status == 0 and report["figures"][0]["value"] > 50
    assert "worse than chance" in report["caution"]
    (compared,) = report["comparisons"]
    assert (report["higher"], compared["higher"]) == ("bonafide", "bonafide")
    assert compared["higher_found"] == "stated" and not compared["caution"]
    _, out, _ = run(
        capsys, good, "--higher", "bonafide", "--compare", worse, "--compare-higher", "spoof"
    )
    assert any(line.endswith("means spoofed speech, as stated.") for line in out)
    assert not [line for line in out if "Caution" in line]


def test_columns_are_named_by_options(files, capsys):
    flags = files / "flags.csv"
    status, _, err = run(capsys, flags)
    assert status == 2 and "f1 or f2" in err[-1]
    assert err[-1].endswith(
        "--score COLUMN names it. --spoof-label VALUE says which labels mean spoofed."
    )
    status, out, _ = run(capsys, flags, "--score", "F1", "--label", "2", "--spoof-label", "1")
    assert status == 0
    assert out[0].startswith(
        "flags.csv (table with a header): as stated label = truth, score = f1; by what they hold "
        "trial = clip; 1 means spoofed; a higher score means bona fide"
    )
    both = ("--label", "truth", "--spoof-label", "1", "--compare", flags)
    for scores_of, column in ((["f1"], "f1"), (["scores:f1", "compare:f2"], "f2")):
        named = [word for name in scores_of for word in ("--score", name)]
        _, out, _ = run(capsys, flags, *named, *both)
        assert any(f"score = {column}" in line for line in out[1:])
    status, _, err = run(capsys, flags, "--score", "f1", "--score", "compare:f9", *both)
    assert status == 2 and "no column f9" in err[0]
    status, _, err = run(capsys, flags, "--score", "f9")
    assert status == 2 and err == ["flags.csv has no column f9; it has: clip, truth, f1, f2."]
    status, _, err = run(capsys, flags, "--score", "f1", "--label", "truth", "--spoof-label", "y")
    assert status == 2 and "No label of flags.csv is y; there are: 0 and 1." in err[-1]


def test_columns_of_a_protocol_are_named_by_options_and_reasons_come_first(files, capsys):
    given_ = (files / "bare.txt", "--protocol", files / "key.csv")
    status, _, err = run(capsys, *given_)
    assert status == 2 and "key.csv: Does kind, of two values, hold labels?" in err[0]
    assert "--label COLUMN names it" in err[0] and "--protocol" not in err[0]
    stated = ("--label", "kind", "--spoof-label", "1", "--speaker", "protocol:spoken by")
    status, _, err = run(capsys, *given_, *stated)
    assert status == 2
    assert err[0].startswith("20 trials differ from the protocol in folder or suffix")
    assert err[0].endswith("(--join-by-stem)")
    assert err[-1].startswith("There is no spoofed trial")
    status, out, _ = run(capsys, *given_, *stated, "--join-by-stem")
    assert status == 0 and "speaker = spoken by" in out[1]
    assert any(line.startswith("20 trials have another name in the protocol") for line in out)
    status, _, err = run(capsys, *given_, *stated, "--trial", "protocol:nothing")
    assert status == 2 and "key.csv has no column nothing" in err[0]


KINDS = ("target", "nontarget", "spoof")


def verification(i):
    attack = "A07" if i % 3 == 2 else "bonafide"
    return f"{attack} {KINDS[i % 3]}", f"{3 * (i % 3 == 0) + i % 7 / 3}"


LA21 = [
    f"LA_1-x LA_E_{i}-x alaw x {k} notrim {('eval', 'hidden')[i // 3 % 2]} {v}"
    for i, (k, v) in enumerate(map(verification, range(90)))
]
PA21 = [
    f"PA_1 PA_E_{i} R1 M1 D1 r1 m1 s2 c2 {k.split()[1]} notrim eval {v}"
    for i, (k, v) in enumerate(map(verification, range(90)))
]
LA19 = [" ".join(verification(i)) for i in range(90)]


@pytest.mark.parametrize("rows", [LA19, LA21, PA21], ids=["2019", "LA 2021", "PA 2021"])
def test_scores_of_verification_systems_are_read(rows):
    found = tr.AsvScores.of("\n".join(rows).encode(), "asv.txt", "all")
    old = tr.AsvScores.of("\n".join(LA19).encode(), "asv.txt")
    assert found.constants() == old.constants()
    assert list(found.spoof) == (["-"] if rows is PA21 else ["A07"])
    assert "30 target, 30 nontarget and 30 spoofed trials" in found.problems[-1].sentence


def test_the_subset_of_a_verification_systems_scores_is_that_of_the_trials():
    data = "\n".join(LA21).encode()
    found = tr.AsvScores.of(data, "asv.txt")
    assert len(found.target) == 15 and "only the subset eval counts; 45" in str(found.problems)
    assert len(tr.AsvScores.of(data, "asv.txt", "hidden").nontarget) == 15


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["LA_1 LA_E_1 0.5", "LA_1 LA_E_2 0.7"], "need their key: each line of trial_metadata"),
        ([f"A07 {k} x" for k in KINDS], "one column of scores that are numbers; it has none"),
        ([f"1 {k} 2" for k in KINDS], "it has several: column 1 and column 3"),
        (["A07 target 1", "A07 nontarget 2"], "no usable line of the class spoof"),
        (["- target 1", "- nontarget 0", "- spoof -9"], "accepts no fake"),
    ],
)
def test_other_files_of_verification_systems_are_refused(rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        tr.AsvScores.of("\n".join(rows * 5).encode(), "asv.txt").constants()


def test_reversed_scores_of_a_verification_system_are_suspected():
    rows = [r.rsplit(" ", 1) for r in LA19]
    data = "\n".join(f"{r} -{v}" for r, v in rows).encode()
    assert "run the other way?" in tr.AsvScores.of(data, "asv.txt").problems[-1].sentence


@pytest.mark.parametrize(("part", "said"), [("progress", 1), ("eval", 0)])
def test_trials_that_are_all_of_another_subset_than_eval_are_said_to_be(part, said):
    given = tr.attach(scores(FOUR), key(FOUR, f"\t{part}"))
    sentences = [p.sentence for p in tr.of_subset(given).problems]
    assert sentences.count("All scored trials are of the subset progress.") == said


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_labels_that_contradict_the_protocol_are_counted_and_do_not_count(wrong):
    rows = [f"{n}\t{CLASS[(i + (i < wrong)) % 2]}\t{i}.5\n" for i, n in enumerate(FOUR)]
    own = tr.read_scores(b"trial\tlabel\tscore\n" + "".join(rows).encode(), "s.tsv")
    given = tr.attach(own, key(FOUR))
    assert list(given.table["label"]) == [CLASS[i % 2] for i in range(4)]
    said = [p for p in given.problems if "another label" in p.sentence]
    assert [p.count for p in said] == ([wrong] if wrong else [])
