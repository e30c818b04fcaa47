"""Score files as challenges take them: read back, they say the same, higher = bona fide."""

import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import metrics as m
from core.evaluate.example_scores import example
from core.evaluate.trials import (
    FORMS,
    SPOOF_AWARE_FORMS,
    TrialsError,
    direction,
    guess_layout,
    in_form,
    in_spoof_aware_form,
    read_spoof_aware,
    read_table,
    tidy,
)


def trials(data, name="scores.txt"):
    frame = read_table(data, name)
    return tidy(frame, guess_layout(frame), name)


# Never two whole numbers alone, which might be labels.
numbers = st.integers(-(10**9), 10**9).map(lambda v: (2 * v + 1) / 7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("higher", ["spoof", "bonafide"])
@given(scores=st.lists(numbers, min_size=3, max_size=6, unique=True))
@settings(max_examples=10, deadline=None)
def test_what_was_written_reads_back_the_same(form, higher, scores):
    rows = [
        f"LA_E_{i:07d},{'bonafide' if i % 2 else 'spoof'},A07,{s!r}" for i, s in enumerate(scores)
    ]
    given = trials("\n".join(["trial,label,attack,score", *rows]).encode(), "a.csv")
    back = trials(in_form(given, higher, form), f"b.{FORMS[form].suffix}")
    sign = -1 if higher == "spoof" else 1
    assert list(back.table["trial"]) == list(given.table["trial"])
    assert list(back.table["score"]) == [sign * s for s in scores]
    if "label" in FORMS[form].columns:
        assert list(back.table["label"]) == list(given.table["label"])


def test_the_official_reader_of_asvspoof5_finds_its_columns():
    written = in_form(trials(example(), "a.csv"), "bonafide", "asvspoof5").decode().splitlines()
    assert written[0] == "filename\tcm-score"
    assert len(written[1].split("\t")) == 2


def test_bona_fide_trials_have_no_attack():
    given = trials(b"trial,label,attack,score\na,bonafide,A07,1\nb,spoof,A07,2\n", "a.csv")
    assert in_form(given, "bonafide", "asvspoof2019") == b"a - bonafide 1.0\nb A07 spoof 2.0\n"


def test_names_that_would_break_a_line_are_refused():
    given = trials(b"trial,label,score\nmy clip,bonafide,1\nb,spoof,2\n", "a.csv")
    with pytest.raises(TrialsError, match="my clip"):
        in_form(given, "bonafide", "asvspoof2021")
    assert in_form(given, "bonafide", "asvspoof5").count(b"\n") == 3


@pytest.mark.parametrize("score", ["1e200", "-1e308", "1e309", "inf", "-Infinity"])
@pytest.mark.parametrize("form", FORMS)
def test_scores_that_are_not_finite_are_refused(form, score):
    """They are ranked here; as ``inf`` in a file they would be for others to guess at."""
    given = trials(f"trial,label,score\na,bonafide,{score}\nb,spoof,2\n".encode(), "a.csv")
    with pytest.raises(TrialsError, match=r"1 score is infinite .*\(first: a\)"):
        in_form(given, "spoof", form)


@pytest.mark.parametrize("form", SPOOF_AWARE_FORMS)
def test_spoof_aware_scores_that_are_not_finite_are_refused(form):
    lines = ["spk,trial,cm,asv,sasv,kind", "s,a,1,2,1e200,target", "s,b,1,2,3,nontarget"]
    lines.append("s,c,1,2,0,spoof")
    given = read_spoof_aware("\n".join(lines).encode(), "a.csv")
    with pytest.raises(TrialsError, match="1 score is infinite or beyond"):
        in_spoof_aware_form(given, form)


def test_a_form_with_labels_wants_them():
    frame = read_table(b"LA_E_0000001 1.5\nLA_E_0000002 2.5\n", "a.txt")
    given = tidy(frame, guess_layout(frame), "a.txt")
    with pytest.raises(TrialsError, match="label"):
        in_form(given, "bonafide", "asvspoof2019")


def test_the_command_turns_scores_round_and_keeps_the_eer(tmp_path, capsys):
    path, out = tmp_path / "a.csv", tmp_path / "out.txt"
    path.write_bytes(example())
    given = trials(example(), "a.csv")
    arguments = ["convert", str(path), "--to", "asvspoof2019", "--higher", "bonafide"]
    assert main([*arguments, "--output", str(out)]) == 0
    back = trials(out.read_bytes(), "out.txt")
    assert direction(back).higher == "bonafide"
    rates = [m.Tally.of(*t.split(), higher="bonafide").eer().rate for t in (given, back)]
    assert rates[0] == rates[1]
    assert main([*arguments[:3], "asvspoof5", "--higher", "spoof"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert float(printed[1].split("\t")[1]) == -given.table["score"].iloc[0]
    path.write_text("x 1\ny 2\n")
    assert main(["convert", str(path), "--to", "asvspoof2021"]) == 2
    assert "--higher" in capsys.readouterr().err


def test_figures_are_printed_as_tables(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_bytes(example())
    arguments = ["evaluate", str(path), "--higher", "bonafide", "--table"]
    assert main([*arguments, "latex"]) == 0
    assert r"EER (\%) &" in capsys.readouterr().out
    assert main([*arguments, "markdown"]) == 0
    assert "| EER " in capsys.readouterr().out
    assert main([*arguments, "csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(table.columns[:4]) == ["breakdown", "condition", "metric", "value"]
    rate = m.Tally.of(*trials(example(), "a.csv").split(), higher="bonafide").eer().rate
    assert table["value"].iloc[0] == pytest.approx(100 * rate)
