"""What the official packages say of the same scores; they were run apart from this project.

ASVspoof 5: asvspoof-challenge/asvspoof5, evaluation-package, fe23d30. a-DCF: shimhz/a_DCF 0560623.
PartialSpoof: nii-yamagishilab/PartialSpoof, metric/SegmentEER.py and, with pyannote.metrics 4.2.0,
metric/RangeEER.py, 847347a. LlamaPartialSpoof: hieuthi/partialspoof-metrics, metrics/mseer.py,
d97ec34.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.evaluate import metrics as m
from core.evaluate import segments as sg
from core.evaluate.trials import read_reference, read_scored_spans

FEW, MANY = (200, 500, 400), (2_000, 5_000, 4_000)
KINDS = np.repeat(["target", "nontarget", "spoof"], FEW)
ATTACKS = np.repeat(["-", "A17", "A18"], [700, 200, 200])


def verification(seed=0, counts=FEW, decimals=16):
    """Scores of a verification system, a countermeasure and both, by kind; higher is human."""
    rng = np.random.default_rng(seed)
    asv, cm = (
        [np.round(rng.normal(mean, 1, n), decimals) for mean, n in zip(means, counts, strict=True)]
        for means in ((3, 0, 2), (2, 2, -0.5))
    )
    return asv, cm, [np.minimum(a, c) for a, c in zip(asv, cm, strict=True)]


ASV, CM, SASV = verification()
BONA = np.concatenate(CM[:2])


def test_track_1_of_asvspoof_5():
    assert m.Tally.of(BONA, CM[2], higher="bonafide").eer().rate == pytest.approx(
        0.11732142857142858
    )
    assert m.Tally.of(BONA, CM[2], higher="bonafide").min_dcf().cost == pytest.approx(
        0.28671428571428564
    )
    assert m.Tally.of(BONA, CM[2], higher="bonafide").act_dcf().cost == pytest.approx(
        0.5258571428571429
    )
    assert m.Tally.of(BONA, CM[2], higher="bonafide").cllr() == pytest.approx(0.5410389364439814)


def test_track_2_of_asvspoof_5():
    assert m.cheapest_adcf(m.spoof_aware_curve(*SASV)).cost == pytest.approx(0.2306134453781513)
    # Of its own verification system, whose rates the package states.
    rates = m.AsvRates(0.01880141010575793, 0.01881016557566423, 0.4607082907604729)
    found = m.Tally.of(BONA, CM[2], higher="bonafide").min_tdcf(m.tandem_constants(rates))
    assert found.cost == pytest.approx(0.42499044861410673)


def test_the_adcf_of_its_authors():
    costs = m.AdcfCosts(0.9, 0.05, 0.05, 1, 10, 20)
    found = m.cheapest_adcf(m.spoof_aware_curve(*SASV), costs)
    assert found.cost == pytest.approx(0.2911111111111111)


def tandem(asv, cm):
    return m.Tandem(m.spoof_aware_curve(*asv), m.Tally.of(-np.concatenate(cm[:2]), -cm[2]).det())


def test_the_fakes_rate_of_the_teer_is_the_official_one():
    both = tandem(ASV, CM)
    point = both.concurrent_eer()
    i, k = both.asv.threshold == point.asv_threshold, both.cm.threshold == point.cm_threshold
    _, _, fakes = both.rates(np.flatnonzero(i), np.flatnonzero(k))
    assert 100 * fakes[0] == pytest.approx(11.615625)


# fmt: off
TEERS = {
    (FEW, 16): [
        11.6156, 11.0344, 12.1619, 10.5, 9.75, 11.275, 9.75, 11.4413, 11.2219, 11.8369, 11.0344,
        10.4288, 12.1875, 13.0762, 11.2375, 10.0406, 11.4125, 10.4688, 12.2381, 10.2356,
    ],
    (FEW, 1): [
        12.5812, 11.3781, 12.9038, 11.3825, 10.2263, 11.3781, 10.25, 12.1481, 11.685, 11.8631,
        11.515, 11.3825, 12.5006, 13.1219, 12.0375, 10.595, 12.0056, 10.75, 12.865, 10.6662,
    ],
    (MANY, 16): [10.8488, 10.752, 11.1647],
}
# fmt: on


def test_the_teer_is_as_near_to_the_official_one_as_the_document_says():
    most = {}
    for (counts, decimals), known in TEERS.items():
        found = []
        for seed in range(len(known)):
            asv, cm, _ = verification(seed, counts, decimals)
            found.append(100 * tandem(asv, cm).concurrent_eer().value)
        apart = np.array(known) - found
        most[counts, decimals] = float(np.abs(apart).max())
        assert decimals > 1 or (apart > 0).all()
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert f"differed by {most[FEW, 16]:.2f} points at most in 20 draws" in text
    assert most[MANY, 16] < 0.01 and "by less than 0.01 in three of 11,000" in text
    assert f"its t-EER was up to {most[FEW, 1]:.2f} points higher" in text


def test_tdcf_per_attack(tmp_path, capsys):
    # compute_tDCF and compute_tDCF_legacy under the error rates of obtain_asv_error_rates.
    known = {
        ("all", "min_tdcf"): 0.41973750132307797,
        ("all", "min_tdcf_2019"): 0.32871918367346936,
        ("A17", "min_tdcf"): 0.4044998275298159,
        ("A17", "min_tdcf_2019"): 0.31512339157245634,
        ("A18", "min_tdcf"): 0.4296489970377785,
        ("A18", "min_tdcf_2019"): 0.33595874015748034,
    }
    cm, asv = tmp_path / "cm.txt", tmp_path / "asv.txt"
    rows = list(zip(KINDS, ATTACKS, np.concatenate(ASV), np.concatenate(CM), strict=True))
    label = {"target": "bonafide", "nontarget": "bonafide", "spoof": "spoof"}
    cm.write_text("".join(f"E_{i} {a} {label[k]} {c}\n" for i, (k, a, _, c) in enumerate(rows)))
    asv.write_text("".join(f"{a} {k} {s}\n" for k, a, s, _ in rows))
    given = ["evaluate", str(cm), "--asv", str(asv), "--higher", "bonafide", "--by", "attack"]
    assert main([*given, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    found = {(r["condition"], r["metric"]): r for r in figures}
    assert {k: found[k]["value"] for k in known} == pytest.approx(known)
    a17 = found["A17", "min_tdcf"]
    assert a17["low"] < a17["value"] < a17["high"]


def within():
    """Frames of 20 ms of eight files, of which four have a fake stretch; low is fake."""
    rng = np.random.default_rng(1)
    rows, spans = [], []
    for i in range(8):
        n = int(rng.integers(60, 150))
        score, length = np.round(rng.normal(1, 1, n), 6), round(0.02 * n, 3)
        edges = [0.0, length]
        if i % 2 == 0:
            edges[1:1] = sorted(np.round(rng.uniform(0.1, length - 0.1, 2), 3).tolist())
            middle = 0.02 * (np.arange(n) + 0.5)
            score[(middle > edges[1]) & (middle < edges[2])] -= 2
        for k, value in enumerate(np.round(score, 6)):
            rows.append(f"{i},{0.02 * k:.2f},{0.02 * (k + 1):.2f},{value}\n")
        for part, (start, end) in enumerate(pairwise(edges)):
            spans.append(f"{i},{start},{end},{('bonafide', 'spoof')[part == 1]}\n")
    return (
        read_scored_spans(("file,start,end,score\n" + "".join(rows)).encode(), "scores.csv"),
        read_reference(("file,start,end,label\n" + "".join(spans)).encode(), "spans.csv"),
    )


def test_segment_and_range_eer():
    figures = sg.figures(sg.pieces(*within(), "bonafide"))
    known = [14.72669704, 7.75207316, 8.72648552, 10.31366295, 9.54545455, 12.25]
    of = figures.set_index("measure")["value"]
    assert list(of.loc["segment"]) == pytest.approx(known, abs=1e-7)
    assert of.loc["range"] == pytest.approx(14.746647386138327, abs=1e-11)  # of PartialSpoof
    assert of.loc["range"] == pytest.approx(14.746647386138289, abs=1e-9)
    assert of.loc["file"] == 25
