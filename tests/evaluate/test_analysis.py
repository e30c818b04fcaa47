"""Whole evaluations: known answers, intervals, breakdowns, comparisons, suspicions."""

import json

import numpy as np
import pandas as pd
import pytest

from core.cli import main
from core.evaluate import analysis as an
from core.evaluate import trials as tr
from core.evaluate.example_scores import SEPARATION, example, known_eer
from core.evaluate.intervals import paired
from core.evaluate.metrics import ASVSPOOF5, AsvRates, Costs, Tally, tandem_constants

KNOWN = [
    # bona fide, spoof (higher = bona fide), EER, min DCF, actual DCF, Cllr by the official code
    ([1, 2, 3], [-3, -2, -1], 0, 0, 0, 0.23505207544333684),
    ([-0.5, 1, 2, 3], [-3, -2, -1, 0.5], 0.25, 0.25, 0.25, 0.5276130652126819),
    ([0.2, 1.5, 2.5, 4], [-4, -3, -2, -1, -0.5, 0, 0.5, 3], 0.25, 0.25, 0.5, 0.6753615346568068),
    ([-1, -2, -3], [1, 2, 3], 1, 1, 2.9, 3.1204421572212637),
]


def prepared(bona, spoof, higher="bonafide", **columns):
    labels = ["bonafide"] * len(bona) + ["spoof"] * len(spoof)
    table = pd.DataFrame(
        {
            "trial": [f"T{i}" for i in range(len(labels))],
            "label": labels,
            "score": np.concatenate((bona, spoof)).astype(float),
            **columns,
        }
    )
    table.index += 1
    return an.prepare(tr.Trials(table), higher)


def value(figures, metric, **where):
    rows = figures[figures["metric"] == metric]
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    return rows.iloc[0]


@pytest.fixture(scope="module")
def pair():
    first, second = (tr.read_scores(example(i), f"{i}.csv") for i in (0, 1))
    return an.prepare(first, "bonafide"), second


@pytest.mark.parametrize(("bona", "spoof", "eer", "least", "actual", "cllr"), KNOWN)
def test_the_official_codes_answers(bona, spoof, eer, least, actual, cllr):
    figures = an.overall(prepared(bona, spoof)).figures
    expected = {"eer": 100 * eer, "min_dcf": least, "act_dcf": actual, "cllr": cllr}
    for metric, wanted in expected.items():
        assert value(figures, metric)["value"] == pytest.approx(wanted, abs=1e-9)


def test_the_examples_cells_have_the_rates_of_their_formula(pair):
    data, _ = pair
    rows = an.by_column(data, ["attack", "codec"])
    for attack, codec in SEPARATION:
        row = value(rows, "eer", condition=f"{attack}/{codec}")
        assert row["value"] == pytest.approx(100 * known_eer(attack, codec), abs=0.15)
        assert row["low"] < row["value"] < row["high"]
        assert (row["n_bonafide"], row["n_spoof"]) == (1000, 500)
    by_attack = an.by_column(data, "attack")
    assert set(by_attack["n_bonafide"]) == {2000}  # an attack is held against all of them


def test_your_own_costs_and_tandem_costs_come_beside_the_official_ones(pair):
    data, _ = pair
    constants = tandem_constants(AsvRates(0.0246, 0.0246, 0.8))
    own = Costs(0.5, 1, 1)
    figures = an.overall(data, an.Settings(own, constants)).figures
    tally = Tally.of(-data.scores[~data.is_spoof], -data.scores[data.is_spoof], higher="bonafide")
    assert value(figures, "min_dcf_own")["value"] == tally.min_dcf(own).cost
    assert value(figures, "min_dcf")["value"] == tally.min_dcf(ASVSPOOF5).cost
    assert value(figures, "min_tdcf")["value"] == tally.min_tdcf(constants).cost
    assert value(figures, "eer")["threshold"] == tally.eer().threshold


def test_ties_are_grouped_and_the_official_answer_is_told():
    whole = an.overall(prepared([1, 1, 1], [1, 1]))
    assert whole.eer.rate == 0.5
    assert whole.official_eer.rate in (0.0, 1.0)
    assert whole.tied == 5
    data = prepared([3, 2.5, 1], [2, 0, -1])
    assert an.official_eer(data).rate == pytest.approx(an.overall(data).eer.rate)


def test_a_comparison_finds_what_differs_and_agrees_with_the_plain_one(pair):
    data, second = pair
    found = an.compare(data, second, "bonafide", ["attack"])
    rows = found.figures[found.figures["metric"] == "eer"].set_index("condition")
    assert found.n == 5000
    assert rows.loc["X01", "difference"] < 0 < rows.loc["X03", "difference"]
    assert (rows["p_holm"] >= rows["p_value"]).all()
    other = -second.table["score"].to_numpy()
    plain = paired(data.scores, other, data.is_spoof, speakers=list(data.table["speaker"]))["eer"]
    assert rows.loc["all", "difference"] == pytest.approx(100 * plain.value)
    assert rows.loc["all", "low"] == pytest.approx(100 * plain.low)
    assert rows.loc["all", "p_value"] == pytest.approx(plain.p_value)


def test_a_system_does_not_differ_from_itself(pair):
    data, _ = pair
    same = an.compare(data, tr.Trials(data.table), "bonafide").figures
    assert (same["difference"] == 0).all()
    assert (same["p_value"] == 1).all()


def test_files_of_other_trials_are_not_compared(pair):
    data, second = pair
    half = tr.Trials(second.table.iloc[::2])
    assert (
        "2,500 trials are in the first file only"
        in an.compare(data, half, "bonafide").problems[0].sentence
    )
    strange = tr.Trials(second.table.assign(trial="x" + second.table["trial"].astype(str)))
    with pytest.raises(tr.TrialsError, match="share no trial"):
        an.compare(data, strange, "bonafide")


def test_joined_systems_and_fooled_detectors_are_suspected():
    rng = np.random.default_rng(0)
    bona, spoof = rng.normal(2, 1, 400), rng.normal(-2, 1, 400)
    label = np.tile(["bonafide", "spoof"], 400)
    score = np.empty(800)
    score[0::2], score[1::2] = bona, spoof
    score[640:] *= -1
    table = pd.DataFrame({"trial": range(800), "label": label, "score": score})
    data = an.prepare(tr.Trials(table), "bonafide")
    assert "run the other way" in an.suspicions(data)[0].sentence
    assert an.suspicions(data)[0].count == 160
    attack = [None] * 400 + ["A"] * 300 + ["B"] * 100
    spoof[300:] = rng.normal(6, 1, 100)
    fooled = an.suspicions(prepared(bona, spoof, attack=attack))
    assert any("attack B" in p.sentence for p in fooled)
    likely = an.suspicions(prepared([0.9, 0.8, 0.95], [0.1, 0.2, 0.3]))
    assert "between 0 and 1" in likely[0].sentence


def test_reliability_of_true_ratios_lies_on_the_diagonal():
    rng = np.random.default_rng(1)
    llr = rng.normal(2, 2, 20_000), rng.normal(-2, 2, 20_000)  # N(+-m, 2m) are true ratios
    frame = an.reliability(prepared(*llr), 0.3)
    given_ = frame[(frame["scores"] == "as given") & (frame["trials"] > 500)]
    assert (given_["stated"] - given_["observed"]).abs().max() < 0.05


def test_histogram_and_worst_trials(pair):
    data, _ = pair
    frame = an.histogram(data)
    assert frame.groupby("label")["share"].sum().tolist() == pytest.approx([1, 1])
    bad = an.worst(data, 5)
    assert len(bad) == 10
    assert (bad["margin"].diff().dropna() <= 0).all()
    line = int(bad["line"].iloc[0])
    assert example().split()[line - 1].startswith(bad["trial"].iloc[0].encode())


def test_few_speakers_are_told_and_not_tested():
    rng = np.random.default_rng(4)
    speaker = [f"S{i % 3}" for i in range(600)]
    attack = [None] * 300 + ["A"] * 150 + ["B"] * 150
    data = prepared(rng.normal(1, 1, 300), rng.normal(-1, 1, 300), speaker=speaker, attack=attack)
    assert data.unit == "trial"
    assert "Only 3 speakers" in data.about_intervals
    rows = an.by_column(data, "attack")
    assert rows["note"].str.contains("Few speakers").all() and rows["low"].notna().all()
    other = tr.Trials(data.table.assign(score=data.table["score"] + rng.normal(0, 1, 600)))
    found = an.compare(data, other, "bonafide").figures
    assert found["p_value"].isna().all() and found["p_holm"].isna().all()
    assert found["low"].notna().all()


def test_no_errors_and_infinite_scores_have_honest_intervals():
    figures = an.overall(prepared([5, 6, 7, np.inf] * 20, [1, 2, 3, -np.inf] * 50)).figures
    row = value(figures, "eer")
    assert (row["value"], row["low"]) == (0, 0)
    assert row["high"] == pytest.approx(100 * (1 - 0.025 ** (1 / 80)))
    wrong = an.overall(prepared([5, 6, -np.inf] * 20, [1, 2, 3, 4] * 50)).figures
    assert value(wrong, "eer")["value"] > 0
    assert value(wrong, "cllr")["value"] == np.inf
    assert "No interval: it is infinite" in value(wrong, "cllr")["note"]
    data = prepared([5, 6, -np.inf] * 20, [1, 2, 3, np.inf, -np.inf] * 50)
    assert an.histogram(data).groupby("label")["share"].sum().tolist() == pytest.approx([1, 1])
    assert np.isfinite(an.reliability(data)[["stated", "observed"]].to_numpy()).all()
    assert np.isfinite(an.histogram(data)[["low", "high"]].to_numpy()).all()
    assert an.worst(data, 3)["score"].iloc[0] in (np.inf, -np.inf)
    everything = prepared([np.inf] * 5, [-np.inf] * 5)
    assert value(an.overall(everything).figures, "eer")["value"] == 0
    assert len(an.histogram(everything)) and len(an.reliability(everything))


@pytest.fixture
def score_file(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_bytes(example())
    return path


def test_the_command_prints_json_and_text(score_file, tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_bytes(example(1))
    command = ["evaluate", str(score_file), "--by", "attack,codec", "--compare", str(other)]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["higher"], report["unit"]) == ("bonafide", "speaker")
    assert {r["breakdown"] for r in report["figures"]} == {"overall", "attack", "codec"}
    assert report["comparisons"][0]["differences"][0]["condition"] == "all"
    assert main(command) == 0
    assert "attack X03" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--by", "nothing"], "no column 'nothing'"),
        (["--prior", "2"], "between 0 and 1"),
        (["--protocol", "missing.txt"], "missing.txt"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, sentence, score_file, capsys):
    assert main(["evaluate", str(score_file), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_formats_of_later_benchmarks_are_known():
    key = b"E_1 T_1 F C05 3 T_9 AC3 A11 spoof -\nE_2 T_2 M - - - - bonafide bonafide -\n"
    table = tr.read_scores(key).table
    assert table["attack"].tolist()[0] == "A11"
    assert table["codec"].tolist() == ["C05", "-"]
    df = (
        b"LA_1 DF_1 nocodec asvspoof A14 spoof notrim eval traditional_vocoder - - - -\n"
        b"LA_2 DF_2 mp3m4a asvspoof bonafide bonafide notrim eval bonafide - - - -\n"
    )
    table = tr.read_scores(df).table
    assert table["family"].tolist()[0] == "traditional_vocoder"
    assert table["family"].isna().tolist() == [False, True]
    arena = tr.read_scores(b"file_name,score\n/a/1.wav,0.5\n/a/2.wav,-0.5\n/a/3.wav,0.25\n")
    assert arena.table["trial"].tolist()[0] == "/a/1.wav"


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";"])
def test_regular_and_irregular_files_read_the_same(separator):
    rows = [
        ["T1", "A07", "spoof", "1.5"],
        ["T2", "-", "bonafide", "2.5"],
        ["T3", "A08", "spoof", "0"],
    ]
    regular = "\n".join(separator.join(r) for r in rows).encode() + b"\n"
    irregular = regular.replace(b"T2", b'"T2"')
    one, two = (tr.read_scores(data).table for data in (regular, irregular))
    assert one.astype(object).equals(two.astype(object))
