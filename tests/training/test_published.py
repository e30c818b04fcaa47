"""The command that makes the measured rows, run on small score files."""

import numpy as np
import pandas as pd
import pytest

from core.evaluate import metrics as m
from core.evaluate import tables as t
from tests.evaluate.schemas import strict_schema
from training import published as p
from training.commands import main

ATTACKS = ("A07", "A08")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Score files of six systems over 240 trials of 12 speakers, in the published formats."""
    where = tmp_path_factory.mktemp("scores")
    rng = np.random.default_rng(5)
    rows = [(f"S{i % 12}", f"E{i}", "-", "bonafide") for i in range(80)]
    rows += [(f"S{i % 12}", f"E{i}", ATTACKS[i % 2], "spoof") for i in range(80, 240)]
    (where / p.PROTOCOL).write_text("".join(f"{s} {n} - {a} {y}\n" for s, n, a, y in rows))
    spoof = np.array([y == "spoof" for *_, y in rows])
    for k, file in enumerate(p.SCORE_FILES):
        scores = rng.normal(np.where(spoof, 1.0, -1.0) * (0.5 + 0.4 * k), 1)
        scores = scores if file.higher == "spoof" else -scores
        # In another order than the protocol, as one of the public files is.
        lines = [
            f"{r[1]} {r[2]} {r[3]} {v!r}\n" for r, v in zip(rows, scores.tolist(), strict=True)
        ]
        (where / file.name).write_text("".join(rng.permutation(lines)))
    with (where / p.ASV_SCORES).open("w") as asv:
        for key, group, mean in (("target", "bonafide", 4), ("nontarget", "bonafide", -4)):
            asv.writelines(f"{group} {key} {v}\n" for v in rng.normal(mean, 2, 200))
        for attack in ATTACKS:
            asv.writelines(f"{attack} spoof {v}\n" for v in rng.normal(1, 3, 200))
    return where


@pytest.fixture(scope="module")
def tables(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    assert main(["published", "--scores", str(folder), "--out", str(out)]) == 0
    return {name: t.load(name, out) for name in ("measured", "det", "paired")}


def test_rows_are_complete_and_hold_to_their_schemas(tables):
    for name, frame in tables.items():
        strict_schema(name).validate(frame)
    measured = tables["measured"]
    assert measured["system"].nunique() == 6
    # Seven pooled metrics, five for each of two attacks.
    assert len(measured) == 6 * (7 + 2 * 5)
    assert len(tables["paired"]) == 15 * (2 + 2)


def test_figures_equal_the_metrics(tables, folder):
    file = p.SCORE_FILES[0]
    bona, spoof = p.read(folder, file).split()
    rows = tables["measured"].set_index(["system", "condition", "metric"])
    row = rows.loc[file.system, "all", "eer"]
    assert row["value"] == pytest.approx(100 * m.Tally.of(bona, spoof).eer().rate, abs=5e-4)
    assert row["low"] < row["value"] < row["high"]
    assert (row["n_bonafide"], row["n_spoof"]) == (80, 160)
    assert rows.loc[(file.system, "all", "min_cllr"), "value"] == pytest.approx(
        m.Tally.of(bona, spoof).min_cllr(), abs=5e-6
    )


def test_scores_run_towards_spoof_whatever_the_file(folder):
    for file in p.SCORE_FILES:
        bona, spoof = p.read(folder, file).split()
        assert m.Tally.of(bona, spoof).auc() > 0.6


def test_lowest_cost_on_the_hull_is_exact_for_any_prior(tables, folder):
    file = p.SCORE_FILES[1]
    bona, spoof = p.read(folder, file).split()
    hull = tables["det"].query("system == @file.system and curve == 'hull'")
    assert len(hull) < 40
    for prior in (0.01, 0.05, 0.5, 0.95):
        costs = m.Costs(prior, 1, 10)
        cost, p_fa, p_miss = m.cheapest_point(hull["p_fa"], hull["p_miss"], costs)
        assert cost == pytest.approx(m.Tally.of(bona, spoof).min_dcf(costs).cost, abs=1e-6)
        assert 0 <= p_fa <= 1 and 0 <= p_miss <= 1


def test_bands_lie_on_a_probit_grid_around_the_curve(tables):
    band = tables["det"][tables["det"]["curve"] == "band"]
    assert band.groupby("system").size().tolist() == [p.GRID_POINTS] * 6
    known = band.dropna(subset=["low"])  # the lowest rates are too low for so few fakes
    assert len(known) > len(band) / 2 and (known["low"] <= known["high"]).all()


def test_pairs_are_adjusted_and_signed(tables):
    pair = tables["paired"]
    assert (pair["p_holm"] >= pair["p_value"]).all()
    values = tables["measured"].query("condition == 'all' and metric == 'eer'")
    of = values.set_index("system")["value"]
    pooled = pair.query("condition == 'all' and metric == 'eer'")
    for row in pooled.itertuples():
        assert row.difference == pytest.approx(of[row.first] - of[row.second], abs=2e-3)


def test_running_again_gives_the_same_files(folder, tmp_path, tables):
    p.write(folder, tmp_path)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(frame, t.load(name, tmp_path))


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main(["published", "--scores", str(tmp_path)]) == 2
    assert "has neither ASVspoof2019.LA.cm.eval.trl.txt nor" in capsys.readouterr().err
