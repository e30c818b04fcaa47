"""Which column is what: known by name, format or contents, and asked where it is not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import analysis
from core.evaluate import trials as tr
from core.evaluate.trials import limits

TWENTY = range(20)
CLASS = ("bonafide", "spoof")


def lines(row, head=""):
    return (head + "".join(row(i) + "\n" for i in TWENTY)).encode()


def layout(data, **options):
    return tr.guess_layout(tr.read_table(data), **options)


def asked(data, **options):
    return [d.role for d in layout(data, **options).doubts]


SURE = {
    "2019 scores": (lambda i: f"LA_E_{i} {'-A'[i % 2]}{'07' * (i % 2)} {CLASS[i % 2]} {i}.5", ""),
    "2021 scores": (lambda i: f"LA_E_{i} {i}.5", ""),
    "numbered trials": (lambda i: f"{i} {i % 3}.5", ""),
    "two distinct scores": (lambda i: f"u{i} {CLASS[i % 2]} {i % 2}.0", ""),
    "labels in capitals": (lambda i: f"u{i} {CLASS[i % 2].upper()} {i}.5", ""),
    "a constant column": (lambda i: f"u{i} 0 {CLASS[i % 2]} {i}.5", ""),
    "decimal commas": (lambda i: f"u{i} {CLASS[i % 2]} {i},5", ""),
    "decimal commas, semicolons": (lambda i: f"u{i};{CLASS[i % 2]};{i},5", "id;label;score\n"),
    "bars": (lambda i: f"u{i} | {CLASS[i % 2]} | {i}.5", "utt | label | score\n"),
    "flags that say what they mean": (lambda i: f"u{i},{i % 2},{i}.5", "utt,is_spoof,score\n"),
    "the reverse": (lambda i: f"u{i},{i % 2 == 0},{i}.5", "utt,bonafide,score\n"),
    "one named probability": (lambda i: f"u{i},{i},{i / 20}", "utt,duration,p_fake\n"),
    "JSON lines": (
        lambda i: json.dumps({"utt": f"u{i}", "label": CLASS[i % 2], "score": i + 0.5}),
        "",
    ),
}


@pytest.mark.parametrize("kind", SURE)
def test_what_names_formats_and_contents_say_is_sure(kind):
    data = lines(*SURE[kind])
    trials = tr.read_scores(data)
    assert len(trials.table) == 20
    assert trials.table["score"].nunique() > 1
    named = layout(data).in_words()
    assert named and all(c in named for c in layout(data).columns.values())
    if "label" in trials.table:
        assert trials.table["label"].tolist() == [CLASS[i % 2] for i in TWENTY]


def test_json_in_one_list_and_its_problems():
    rows = [{"utt": f"u{i}", "score": i, "more": {"a": 1}} for i in range(4)]
    for text in (json.dumps(rows, indent=1), "\n".join(map(json.dumps, rows)) + "\nno object\n"):
        frame = tr.read_table(text.encode())
        assert frame["utt"].tolist() == ["u0", "u1", "u2", "u3"] and list(frame) == ["utt", "score"]
        assert "left out: more" in frame.attrs["problems"][-1].sentence
    assert "no JSON object (line 5)" in frame.attrs["problems"][0].sentence
    with pytest.raises(tr.TrialsError, match="no line that is an object"):
        tr.read_table(b'{"a": \n1')


DOUBTFUL = {
    "two probabilities": (lambda i: f"u{i},{i},{20 - i}", "utt,p_fake,p_real\n", ["score"]),
    "two scores": (lambda i: f"u{i},{i},{20 - i}", "utt,score,cm_score\n", ["score"]),
    "a score of no known name": (lambda i: f"u{i},{i}.5", "utt,duration\n", ["score"]),
    "two columns of numbers": (lambda i: f"u{i} {i}.5 {i}.25", "", ["score"]),
    "two columns of classes": (lambda i: f"u{i} {CLASS[i % 2]} spoof {i}.5", "", ["label"]),
    "a class of no known name": (
        lambda i: f"u{i},{CLASS[i % 2]},{i}",
        "utt,seen,score\n",
        ["label"],
    ),
    "0 and 1": (lambda i: f"u{i} {i % 2} {i}.5", "", ["spoof"]),
    "True and False": (lambda i: f"u{i},{i % 2 > 0},{i}.5", "utt,label,score\n", ["spoof"]),
    "target and nontarget": (
        lambda i: f"u{i} {('target', 'nontarget')[i % 2]} {i}.5",
        "",
        ["spoof"],
    ),
    "labels or decisions": (lambda i: f"u{i} {i % 2}", "", ["label", "score"]),
    "two names of trials": (lambda i: f"u{i} v{i} {i}.5", "", ["trial"]),
    "no name of trials": (lambda i: f"x y {i}.5", "", ["trial"]),
    "a verification system": (
        lambda i: f"u{i} {('target', 'nontarget', 'spoof')[i % 3]} {i}.5",
        "",
        ["asv"],
    ),
}


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_what_they_leave_open_is_asked_and_refused(kind, tmp_path, capsys):
    *made, roles = DOUBTFUL[kind]
    data = lines(*made)
    assert asked(data) == roles
    with pytest.raises(tr.TrialsError, match="Its columns, with their first line"):
        tr.read_scores(data)
    path = tmp_path / "s.txt"
    path.write_bytes(data)
    assert main(["evaluate", str(path)]) == 2
    said = capsys.readouterr().err
    option = {"spoof": "--spoof-label"}.get(roles[0], f"--{roles[0]}")
    assert option in said and f"{tr.read_table(data).columns[-1]} (" in said


def test_a_detectors_opinion_is_no_label():
    data = lines(lambda i: f"u{i},{CLASS[i % 2]},{i}.5", "utt,verdict,score\n")
    assert "label" not in layout(data).columns and not asked(data)


@given(st.sampled_from(["p_{}", "{}_score", "P({})", "prob {}", "is_{}", "{}", "score.{}"]))
def test_a_name_with_one_class_says_what_high_means(pattern):
    for word, label in tr.LABELS.items():
        found = layout(lines(lambda i: f"u{i}\t{i}.5", f"utt\t{pattern.format(word)}\n"))
        assert found.higher == label and found.sure
    for word in ("fake_or_real", "realism", "fakeness", "duration"):
        assert layout(lines(lambda i: f"u{i}\t{i}.5", f"utt\t{word}\n")).higher is None


@pytest.mark.parametrize(
    ("labels", "spoofed", "expected", "left"),
    [
        (["1", "0", "1", "0"], ["1"], "sbsb", 0),
        (["1.0", "0.0", "1.0", "0.0"], ["0"], "bsbs", 0),
        (["True", "False", "true", "FALSE"], ["false"], "bsbs", 0),
        (["target", "nontarget", "target", "nontarget"], ["nontarget"], "bsbs", 0),
        (["0", "1", "x", "0"], ["1"], "bsb", 1),
        (["0", "1", "", "0"], ["1"], "bsb", 1),
        (["tts", "vc", "real", "real"], ["tts", "VC"], "ssbb", 0),
        (["A", "B", "A", "B"], ["b"], "bsbs", 0),
    ],
)
def test_labels_mean_what_was_said_and_nothing_else(labels, spoofed, expected, left):
    rows = "".join(f"u{i},{v},{i}.5\n" for i, v in enumerate(labels))
    frame = tr.read_table(f"utt,label,score\n{rows}".encode())
    trials = tr.tidy(frame, layout_of(frame, spoofed))
    assert "".join(v[0] for v in trials.table["label"]) == expected
    assert sum(p.count for p in trials.problems) == left


def layout_of(frame, spoofed):
    return tr.guess_layout(
        frame, {"trial": "utt", "label": "label", "score": "score"}, spoofed=spoofed
    )


@pytest.mark.parametrize(
    ("labels", "spoofed", "sentence"),
    [
        ("abc", ["a"], "Besides a, labels of The file are b and c"),
        ("010", ["2"], "No label of The file is 2; there are: 0 and 1"),
    ],
)
def test_labels_that_leave_the_other_class_open_are_refused(labels, spoofed, sentence):
    rows = "".join(f"u{i},{v},{i}.5\n" for i, v in enumerate(labels))
    frame = tr.read_table(f"utt,label,score\n{rows}".encode())
    with pytest.raises(tr.TrialsError, match=sentence):
        tr.tidy(frame, layout_of(frame, spoofed))


def test_points_and_commas_in_one_column_are_not_both_decimal():
    rows = ["u0;0,5", "u1;1,5", "u2;-2,25e1", "u3;3"]
    trials = tr.read_scores("\n".join(rows).encode(), "s.csv")
    assert trials.table["score"].tolist() == [0.5, 1.5, -22.5, 3]
    assert trials.problems[0].sentence == "Scores of s.csv have decimal commas: 0,5 is read as 0.5."
    mixed = tr.read_scores("\n".join([*rows, "u4;4.5"]).encode(), "s.csv")
    assert mixed.table["score"].tolist() == [3, 4.5]
    assert "3 rows of s.csv have a score that is no number" in mixed.problems[0].sentence


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.decimals(-1000, 1000, places=3), min_size=3, max_size=20, unique=True),
    st.sampled_from([" ", "\t", ";", "|", ';"', "\t "]),
)
def test_decimal_commas_are_read_as_points(values, separator):
    rows = [f"t{i}{separator}{str(v).replace('.', ',')}" for i, v in enumerate(values)]
    rows = [f'{r}"' if '"' in separator else r for r in rows]
    assert tr.read_scores("\n".join(rows).encode()).table["score"].tolist() == list(
        map(float, values)
    )


PA21 = lines(
    lambda i: (
        f"PA_0010 PA_E_{i} R{i % 9 + 1} M3 D4 "
        f"{('- - - -', 'r1 m1 s4 c4')[i % 2]} {CLASS[i % 2]} {('notrim', 'trim')[i // 2 % 2]} "
        f"{('eval', 'hidden')[i // 4 % 2]}"
    )
)
PA19 = lines(
    lambda i: f"PA_00{i % 4} PA_E_{i} aa{'abc'[i % 3]} {('-', 'AB')[i % 2]} {CLASS[i % 2]}"
)


def test_codes_of_physical_access_are_known():
    key = tr.read_scores(PA21)
    assert layout(PA21).format == "ASVspoof 2021 PA key"
    assert key.table.loc[2, ["room", "attack room", "attack distance"]].tolist() == [
        *("R2", "r1", "s4")
    ]
    assert set(key.table["subset"]) == {"eval", "hidden1", "hidden2"}
    old = tr.read_scores(PA19).table
    assert layout(PA19).format == "ASVspoof 2019 PA protocol"
    assert old["attack"].dropna().unique().tolist() == ["AB"]
    assert set(old["environment"]) == {"aaa", "aab", "aac"}


DF21 = lines(
    lambda i: (
        f"LA_1 DF_E_{i} {('nocodec', 'mp3m4a')[i // 2 % 2]} asvspoof {('bonafide', 'A14')[i % 2]} "
        f"{CLASS[i % 2]} notrim eval {('bonafide', 'neural')[i % 2]} - - - - {i % 2}.{i}"
    )
)


@pytest.mark.parametrize("column", ["attack", "family", "codec"])
def test_no_condition_is_called_bona_fide(column):
    data = analysis.prepare(tr.read_scores(DF21), "spoof")
    rows = analysis.by_column(data, column)
    assert "bonafide" not in set(rows["condition"]) and rows["value"].notna().all()


@pytest.mark.parametrize("role", ["label", "score"])
def test_what_is_asked_has_the_only_candidate_chosen_already(role):
    kind = {"label": "a class of no known name", "score": "a score of no known name"}[role]
    found = layout(lines(*DOUBTFUL[kind][:2]))
    assert (found.columns[role],) == found.doubts[0].candidates
    assert role not in found.needing("trial").columns  # and let go where it does not matter


@pytest.mark.parametrize("form", ["text", "JSON"])
def test_a_table_that_is_mostly_empty_is_not_laid_out(form, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_TABLE_MB", "1")
    text = ",".join(f"c{i}" for i in range(400)) + "\n" + "t,1\n" * 400
    rows = "\n".join(json.dumps({f"c{i}": 1}) for i in range(400))
    with pytest.raises(tr.TrialsError, match="more than 1 MB of cells"):
        tr.read_table((text if form == "text" else rows).encode(), "s")


@pytest.mark.parametrize("period", [2, 40, 1000])
def test_no_period_and_no_rarity_hides_what_a_column_holds(period):
    """Only some rows of a large file are looked at; a fake every so often is still a fake."""
    rows = 40 * limits.SAMPLE
    fake = [i % period == period - 1 for i in range(rows)]
    text = (f"u{i} {'A07' if f else '-'} {CLASS[f]} {i % 977}.5" for i, f in enumerate(fake))
    assert layout("\n".join(text).encode()).columns["attack"] == "column 2"
    flags = [f"u{i},{int(f)},{i % 977}.5" for i, f in enumerate(fake)]
    found = layout("\n".join(["utt,is_spoof,llr", *flags]).encode())
    assert found.columns["label"] == "is_spoof" and not found.doubts
    (doubt,) = layout("\n".join(flags).encode()).doubts
    assert (doubt.role, doubt.candidates) == (tr.SPOOFED, ("0", "1"))
