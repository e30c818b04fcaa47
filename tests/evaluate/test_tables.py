"""The tables in data/results hold to their schemas, and broken ones are refused in a sentence."""

import pandas as pd
import pytest

from core.evaluate import tables as t
from tests.evaluate.schemas import strict_schema

EXISTING = [name for name in t.TABLES if (t.RESULTS / f"{name}.csv").exists()]


@pytest.mark.parametrize("name", EXISTING)
def test_every_table_holds_to_its_schema(name):
    frame = t.load(name)
    assert len(frame)
    if name != "embedded":
        strict_schema(name).validate(frame)


def test_every_file_in_the_folder_is_described():
    assert {path.stem for path in t.RESULTS.glob("*.csv")} <= set(t.TABLES)


def test_all_figures_have_a_source_and_no_two_share_a_key():
    figures = t.load_figures()
    assert (figures["source"].str.len() > 5).all()
    assert not figures.duplicated(list(t.FIGURES.key)).any()
    assert set(figures["kind"]) <= set(t.KINDS)


def test_measured_rows_name_the_command_that_makes_them():
    measured = t.load("measured")
    assert (measured["kind"] == "measured").all()
    assert measured["source"].str.endswith("python -m training published").all()


def test_figures_of_the_published_system():
    figures = t.load_figures()
    mine = figures[
        (figures["system"] == "wav2vec2-base stage 2 (published)") & (figures["metric"] == "eer")
    ].set_index(["benchmark", "condition"])["value"]
    assert mine["ASVspoof 2019 LA dev", "all"] == 0.69
    assert mine["ASVspoof 2019 LA eval", "all"] == 5.55
    assert mine["ASVspoof 2021 LA eval", "gsm"] == 11.53
    assert mine["WaveFake", "ljspeech_hifiGAN"] == 33.23
    published = t.load("published_eer")
    rates = published[published["metric"] == "eer"]
    assert rates["system"].str.startswith("wav2vec2").sum() == 52
    official = rates["system"].eq("LFCC-GMM (official)") & rates["benchmark"].str.contains("21 LA")
    assert official.sum() == 14 * 8


def test_grid_of_attacks_and_codecs_is_complete():
    figures = t.described(t.load_figures())
    grid = figures[figures["breakdown"] == "attack-codec"]
    for metric in ("eer", "min_tdcf"):
        part = grid[grid["metric"] == metric]
        assert part.groupby("attack")["codec"].nunique().tolist() == [7] * 13
    attacks, codecs = t.load("attacks"), t.load("codecs")
    assert set(grid["attack"]) == set(attacks.loc[attacks["partition"] == "eval", "attack"])
    assert set(grid["codec"]) == set(codecs["codec"])
    assert codecs["n_trials"].sum() == 14_816 + 133_359


def test_described_figures_know_their_attack_codec_and_bandwidth():
    figures = t.described(t.load_figures())
    cell = figures[figures["condition"] == "A19/alaw"].iloc[0]
    assert (cell["attack"], cell["codec"]) == ("A19", "alaw")
    assert cell["training"] == "same algorithm as a seen one"
    assert cell["bandwidth"] == "8 kHz audio"
    overall = figures[figures["breakdown"] == "overall"]
    assert (overall[["attack", "codec", "vocoder", "training", "bandwidth"]] == "").all().all()


def test_corrections_give_claim_right_value_and_evidence():
    wrong = t.load("corrections").set_index("id")
    assert (wrong.loc["lfcc-gmm-2021", ["claimed", "value"]] == [25.56, 19.30]).all()
    figures = t.load_figures()
    right = figures[figures["kind"] == "corrected"].set_index(["system", "benchmark"])["value"]
    assert right["LFCC-GMM (official)", "ASVspoof 2021 LA eval"] == 19.30
    assert right["CQCC-GMM (official)", "ASVspoof 2021 DF eval"] == 25.56


def test_eleven_attacks_are_unseen_and_two_reuse_training_algorithms():
    attacks = t.load("attacks").set_index("attack")
    assert (attacks["seen"] == "unseen").sum() == 11
    assert attacks.loc[["A16", "A19"], "same_as"].tolist() == ["A04", "A06"]


def eer_interval(eer: float, n_bonafide: int, n_spoof: int) -> tuple[float, float]:
    """Both error rates as independent binomials (Bengio and Mariethoz 2004, "A statistical
    significance test for person authentication"). Too narrow where few speakers made many trials.
    """
    half = 1.96 * (eer * (1 - eer) * (1 / n_bonafide + 1 / n_spoof) / 4) ** 0.5
    return max(0.0, eer - half), min(1.0, eer + half)


def test_intervals_of_published_rates_follow_from_their_counts():
    rows = t.load("published_eer")
    known = rows[(rows["metric"] == "eer") & rows["low"].notna()]
    assert len(known) > 30
    assert [round(100 * x, 2) for x in eer_interval(0.0909, 14_816, 133_359)] == [8.85, 9.33]
    for row in known.itertuples():
        low, high = eer_interval(row.value / 100, int(row.n_bonafide), int(row.n_spoof))
        assert (row.low, row.high) == (round(100 * low, 2), round(100 * high, 2))


def test_every_system_of_the_figures_is_described():
    systems = set(t.load("systems")["system"])
    published = pd.concat([t.load("published_eer"), t.load("measured")])
    assert set(published["system"]) <= systems
    assert set(published["benchmark"]) <= set(t.load("benchmarks")["benchmark"])


GOOD = {
    "system": "a",
    "benchmark": "b",
    "subset": "",
    "breakdown": "overall",
    "condition": "all",
    "metric": "eer",
    "value": "5",
    "low": "",
    "high": "",
    "n_bonafide": "",
    "n_spoof": "",
    "kind": "measured",
    "source": "here",
    "note": "",
}


def write(folder, rows, name="measured"):
    pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "101"}, "line 2: value is out"),
        ({"value": "-1"}, "out of its metric"),
        ({"value": "much"}, "value holds something that is no number"),
        ({"value": ""}, "value is empty"),
        ({"source": ""}, "source is empty"),
        ({"kind": "guessed"}, "kind is not one of its values"),
        ({"n_spoof": "1.5"}, "n_spoof is not a count"),
        ({"low": "6", "high": "4"}, "low lies above high"),
    ],
)
def test_a_broken_row_is_named(tmp_path, change, message):
    write(tmp_path, [{**GOOD, **change}])
    with pytest.raises(t.TableError, match=message):
        t.load("measured", tmp_path)


def test_repeated_rows_missing_columns_and_missing_files_are_named(tmp_path):
    write(tmp_path, [GOOD, GOOD])
    with pytest.raises(t.TableError, match=r"line 3: .* repeat an earlier row"):
        t.load("measured", tmp_path)
    write(tmp_path, [{k: v for k, v in GOOD.items() if k != "source"}])
    with pytest.raises(t.TableError, match="lacks the columns source"):
        t.load("measured", tmp_path)
    with pytest.raises(t.TableError, match=r"det\.csv is missing"):
        t.load("det", tmp_path)


def test_the_embedded_table_is_optional_and_speaks_its_own_dialect(tmp_path):
    write(tmp_path, [GOOD], "published_eer")
    write(tmp_path, [{**GOOD, "system": "c"}])
    assert set(t.load_figures(tmp_path)["system"]) == {"a", "c"}
    own = {**GOOD, "system": "e", "breakdown": "pooled", "condition": "none"}
    write(tmp_path, [{**own, "metric": "eer_percent"}], "embedded")
    row = t.load_figures(tmp_path).set_index("system").loc["e"]
    assert row[["breakdown", "condition", "metric"]].tolist() == ["overall", "all", "eer"]


def test_figures_are_read_again_once_their_table_has_changed(tmp_path):
    for systems in (["a"], ["a", "b"]):
        write(tmp_path, [{**GOOD, "system": s} for s in systems])
        for _ in range(2):
            assert [row.system for row in t.figures_in("measured", tmp_path)] == systems
