"""a-DCF and t-EER against answers by hand and against a slow sweep of all thresholds."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import metrics as m
from core.evaluate.spoof_aware import SpoofAware
from core.evaluate.trials import (
    SPOOF_AWARE_FORMS,
    TrialsError,
    read_spoof_aware,
    read_table,
)

scores = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=8)
PRIORS = m.AdcfCosts(0.5, 0.25, 0.25, 1, 1, 2)
PACK = m.AdcfCosts()


def sweep(target, nontarget, spoof):
    """Rates, as fractions, for every threshold "accept from here on", by counting."""
    for t in [*sorted({*target, *nontarget, *spoof}), float("inf")]:
        yield (
            t,
            Fraction(sum(s < t for s in target), len(target)),
            Fraction(sum(s >= t for s in nontarget), len(nontarget)),
            Fraction(sum(s >= t for s in spoof), len(spoof)),
        )


def cm_sweep(bona, spoof):
    """Rates of "spoof where the score exceeds the threshold"."""
    for t in [-float("inf"), *sorted({*bona, *spoof})]:
        yield (
            Fraction(sum(s > t for s in bona), len(bona)),
            Fraction(sum(s <= t for s in spoof), len(spoof)),
        )


def pairs(asv, cm):
    """Misses and both false alarms of the tandem at every pair of thresholds."""
    return [
        (1 - (1 - m_cm) * (1 - m_asv), (1 - m_cm) * n, f_cm * s)
        for _, m_asv, n, s in sweep(*asv)
        for m_cm, f_cm in cm_sweep(*cm)
    ]


def cost(rates, costs):
    parts = costs.c_miss * costs.p_target, costs.c_fa * costs.p_nontarget
    parts = (*parts, costs.c_fa_spoof * costs.p_spoof)
    total = sum(part * float(rate) for part, rate in zip(parts, rates, strict=True))
    return total / min(parts[0], parts[1] + parts[2])


def tandem(asv, cm):
    return m.Tandem(m.spoof_aware_curve(*asv), m.Tally.of(*cm).det())


def min_adcf(target, nontarget, spoof, costs=m.ADCF_ASVSPOOF5):
    return m.cheapest_adcf(m.spoof_aware_curve(target, nontarget, spoof), costs)


def test_adcf_by_hand():
    # Accepting from 1 on lets one fake of two pass: 10 * 0.05 / 2; accepting all costs 0.595.
    found = min_adcf([3, 2, 1], [0, -1], [2.5, -2])
    assert found == (pytest.approx(0.25 / 0.595), 1)
    assert min_adcf([1, 2], [0], [-1]) == (0, 1)
    # Fakes that no threshold parts from targets, where they are dear: rejecting everybody is best.
    dear = m.AdcfCosts(0.9, 0.05, 0.05, 1, 10, 20)
    assert min_adcf([1], [0], [1], dear) == (1, np.inf)
    # The other way round here: accepting everybody costs 0.75, rejecting 0.5; a miss is 1.
    assert min_adcf([1, 3], [2], [0], PRIORS).cost == pytest.approx(0.5)


def test_teer_by_hand():
    # Fakes look like targets to the verification system, and the countermeasure errs on one of
    # four in each class; it errs on nobody else: only 1/4 * 1 fakes and 1/4 misses meet.
    asv = [2, 2, 2, 2], [1, 1, 1, 1], [2, 2, 2, 2]
    cm = [0, 0, 0, 3], [1, 4, 4, -1]
    rate, place = tandem(asv, cm).path(1)
    assert np.nanmin(rate) == pytest.approx(0.25)
    assert place[-1] == -1  # rejecting everybody cannot be mended
    # Both systems err on one in four where they are tuned alone, and only one is needed.
    asv = [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]
    cm = [0, 0], [1, 1]
    assert tandem(asv, cm).path(0)[0][1] == pytest.approx(0.25)


def test_no_concurrent_point_where_fakes_are_the_easier_impostors():
    # A countermeasure that says nothing, and fakes that verification rejects before other speakers.
    found = tandem(([2, 3, 4, 5], [0, 1, 2, 3], [-3, -2, -1, 0]), ([0, 0], [0, 0]))
    assert found.concurrent_eer() is None


@given(scores, scores, scores)
def test_min_adcf_is_that_of_a_slow_sweep(target, nontarget, spoof):
    for costs in (PACK, PRIORS):
        found = min_adcf(target, nontarget, spoof, costs)
        every = {t: cost(rates, costs) for t, *rates in sweep(target, nontarget, spoof)}
        assert found.cost == pytest.approx(min(every.values()))
        assert every[found.threshold] == pytest.approx(found.cost)
        assert 0 <= found.cost <= 1 + 1e-12


@given(scores, scores, scores, scores, scores)
@settings(max_examples=40, deadline=None)
def test_a_tandem_is_that_of_a_slow_sweep(target, nontarget, spoof, bona, fakes):
    asv, cm = (target, nontarget, spoof), (bona, fakes)
    found, every = tandem(asv, cm), pairs(asv, cm)
    for costs in (PACK, PRIORS):
        least = min(cost(rates, costs) for rates in every)
        assert found.min_adcf(costs).value == pytest.approx(least, abs=1e-12)
    for share in (Fraction(0), Fraction(1, 2), Fraction(1)):
        rates, _ = found.path(float(share))
        width = len(list(cm_sweep(*cm)))
        for at, rate in enumerate(rates):
            row = every[at * width : (at + 1) * width]
            fa = [(1 - share) * n + share * s for _, n, s in row]
            near = min(abs(r[0] - f) for r, f in zip(row, fa, strict=True))
            reachable = row[-1][0] <= fa[-1]
            assert np.isnan(rate) == (not reachable)
            if reachable:
                assert any(
                    abs(r[0] - f) == near and abs(rate - float(r[0] + f) / 2) < 1e-12
                    for r, f in zip(row, fa, strict=True)
                )
    concurrent = found.concurrent_eer()
    if concurrent is not None:
        nearest = min((max(r) - min(r), (max(r) + min(r)) / 2) for r in every)
        assert concurrent.value == pytest.approx(float(nearest[1]), abs=1e-12)


def test_all_prevalences_meet_in_the_concurrent_point():
    rng = np.random.default_rng(0)
    asv = rng.normal(3, 1, 3000), rng.normal(0, 1, 3000), rng.normal(2.5, 1, 3000)
    cm = rng.normal(0, 1, 3000), rng.normal(3, 1, 3000)
    both = tandem(asv, cm)
    point = both.concurrent_eer()
    at = int(np.searchsorted(both.asv.threshold, point.asv_threshold))
    for share in (0, 0.3, 1):
        assert both.path(share)[0][at] == pytest.approx(point.value, abs=2e-3)


def test_scores_far_apart_cost_nothing_and_infinite_ones_count():
    assert min_adcf([np.inf, 5], [-np.inf], [0]).cost == 0
    with pytest.raises(ValueError, match="no nontarget"):
        min_adcf([1], [], [1])
    with pytest.raises(ValueError, match="sum to 1"):
        m.AdcfCosts(0.9, 0.9, 0.9)


def lines(header="", *, label=True, count=40):
    """Trials of four claimed speakers as in ASVspoof 5, track 2: every other impostor a fake."""
    rng = np.random.default_rng(5)
    rows = [header] if header else []
    for i in range(count):
        kind = ("target", "nontarget", "spoof", "spoof")[i % 4]
        asv = rng.normal({"target": 3, "nontarget": 0, "spoof": 3}[kind])
        cm = rng.normal(-2 if kind == "spoof" else 2)
        scores = f"{cm:.6f}\t{asv:.6f}\t{min(asv, cm):.6f}"
        rows.append(f"E_{i:04d}\tS_{i % 4}\t{scores}" + f"\t{kind}" * label)
    return "\n".join(rows).encode()


HEAD = "filename\tspk\tcm-score\tasv-score\tsasv-score"


def test_the_figures_of_a_file_are_those_of_its_scores():
    trials = read_spoof_aware(lines(f"{HEAD}\tasv-label"), "a.tsv")
    found = SpoofAware(trials).figures.set_index("metric")
    of = trials.of("sasv")
    assert found.loc["min_adcf", "value"] == min_adcf(*of.values()).cost
    assert found.loc["spf_eer", "value"] == pytest.approx(
        100 * m.Tally.of(of["target"], of["spoof"], higher="bonafide").eer().rate
    )
    asv, cm = trials.of("asv"), trials.of("cm")
    bona = np.concatenate((cm["target"], cm["nontarget"]))
    both = m.Tandem(m.spoof_aware_curve(*asv.values()), m.Tally.of(-bona, -cm["spoof"]).det())
    assert found.loc["teer", "value"] == pytest.approx(100 * both.concurrent_eer().value)
    assert found.loc["min_adcf_tandem", "value"] == both.min_adcf().value
    assert (found.loc[found["low"].isna(), "note"].str.contains("No")).all()
    assert found.loc["cm_eer", ["n_target", "n_nontarget", "n_spoof"]].tolist() == [10, 10, 20]


def test_kinds_come_from_a_key_by_speaker_and_trial():
    whole = read_spoof_aware(lines(f"{HEAD}\tasv-label"), "a.tsv")
    key = b"filename\tspk\tcm-label\tasv-label\tattack\n" + b"\n".join(
        b"E_%04d\tS_%d\t%s\t%s\t%s" % (i, i % 4, cm, kind, attack)
        for i in range(39)  # one short
        for cm, kind, attack in [
            [(b"bonafide", b"target", b"-"), (b"bonafide", b"nontarget", b"-")][i % 4]
            if i % 4 < 2
            else (b"spoof", b"spoof", b"A%02d" % (17 + i % 4))
        ]
    )
    parted = read_spoof_aware(
        lines(HEAD, label=False), "a.tsv", read_table(key, "key.tsv"), {"sasv": "sasv-score"}
    )
    assert len(parted.table) == 39
    assert any("no entry in the key" in p.sentence for p in parted.problems)
    assert list(parted.of("sasv")["target"]) == list(whole.of("sasv")["target"])
    figures = SpoofAware(parted).figures
    assert set(figures["condition"]) == {"all", "A19", "A20"}


def test_a_file_of_sasv_without_a_header_is_read():
    rows = b"\n".join(
        b"\t".join(line.split(b"\t")[k] for k in (1, 0, 4, 5)) for line in lines().split(b"\n")
    )
    trials = read_spoof_aware(rows, "sasv.txt")
    assert SpoofAware(trials).single and not SpoofAware(trials).paired
    assert len(trials.table) == 40


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a b 1 bonafide\nc d 2 spoof\n", "no column of target, nontarget and spoof"),
        (lines(), "in doubt which column"),
        (b"e 1 target\ne 0 nontarget\ne -1 spoof\n" * 9 + b"e x spoof\n", "no usable score"),
    ],
)
def test_what_cannot_be_read_is_said(data, words):
    try:
        said = [p.sentence for p in read_spoof_aware(data, "a.txt").problems]
    except TrialsError as error:
        said = [str(error)]
    assert any(words in s for s in said)


def test_scores_that_run_the_other_way_are_pointed_at():
    trials = read_spoof_aware(lines(f"{HEAD}\tasv-label"), "a.tsv")
    assert not SpoofAware(trials).suspicions()
    for role in ("sasv", "asv", "cm"):
        turned = trials.table.assign(**{role: -trials.table[role]})
        (said,) = SpoofAware(type(trials)(turned, trials.columns)).suspicions()
        assert trials.columns[role] in said.sentence


def test_the_command_prints_what_the_library_says(tmp_path, capsys):
    path = tmp_path / "a.tsv"
    path.write_bytes(lines(f"{HEAD}\tasv-label"))
    assert main(["sasv", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = SpoofAware(read_spoof_aware(path, path.name)).figures
    assert [r["metric"] for r in report["figures"]] == list(found["metric"])
    assert report["figures"][0]["value"] == found["value"].iloc[0]
    assert main(["sasv", str(path), "--p-target", "2"]) == 2
    assert "sum to 1" in capsys.readouterr().err
    path.write_bytes(lines(HEAD, label=False))
    assert main(["sasv", str(path)]) == 2
    assert "--key FILE" in capsys.readouterr().err


def test_a_countermeasure_with_a_verification_file_gets_its_teer(tmp_path, capsys):
    cm, asv = tmp_path / "cm.txt", tmp_path / "asv.txt"
    cells = [line.split(b"\t") for line in lines().split(b"\n")]
    bona = {b"target": b"bonafide", b"nontarget": b"bonafide", b"spoof": b"spoof"}
    cm.write_bytes(b"\n".join(b"%s - %s %s" % (c[0], bona[c[5]], c[2]) for c in cells))
    asv.write_bytes(b"\n".join(b"%s %s %s" % (b"x", c[5], c[3]) for c in cells))
    assert main(["evaluate", str(cm), "--asv", str(asv), "--higher", "bonafide", "--json"]) == 0
    figures = {r["metric"]: r for r in json.loads(capsys.readouterr().out)["figures"]}
    trials = read_spoof_aware(lines(f"{HEAD}\tasv-label"), "a.tsv")
    whole = SpoofAware(trials).figures.set_index("metric")
    for metric in ("teer", "min_adcf_tandem"):
        assert figures[metric]["value"] == pytest.approx(whole.loc[metric, "value"])
        assert figures[metric]["threshold"] == pytest.approx(whole.loc[metric, "cm_threshold"])


@pytest.mark.parametrize(
    ("data", "command"),
    [(lines(f"{HEAD}\tasv-label"), "sasv"), (b"file,start,end,score\na,0,1,2.5\n" * 3, "segments")],
)
def test_evaluate_names_the_command_for_files_of_another_kind(data, command, tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert main(["evaluate", str(path)]) == 2
    assert f"python -m core {command}" in capsys.readouterr().err


@pytest.mark.parametrize("form", SPOOF_AWARE_FORMS)
def test_scores_in_the_forms_of_challenges_read_back_the_same(form, tmp_path, capsys):
    path = tmp_path / "a.tsv"
    path.write_bytes(lines(f"{HEAD}\tasv-label"))
    assert main(["sasv", str(path), "--to", form]) == 0
    written = capsys.readouterr().out.encode()
    given = read_spoof_aware(path, path.name).table
    key = read_table(lines(f"{HEAD}\tasv-label"), "key.tsv")[["filename", "spk", "asv-label"]]
    back = read_spoof_aware(written, "b", None if form == "sasv" else key).table
    for column in ("trial", "speaker", "kind", "sasv"):
        assert list(back[column]) == list(given[column])


def test_infinite_scores_count_and_a_trial_counts_once():
    header = f"{HEAD}\tasv-label".encode()
    rows = lines(header.decode()).split(b"\n")[1:]
    cells = [row.split(b"\t") for row in rows]
    endless = [[*c[:4], b"inf" if c[5] == b"target" else b"-inf", c[5]] for c in cells]
    table = [header, *(b"\t".join(c) for c in endless)]
    trials = read_spoof_aware(b"\n".join([*table, table[1]]), "a.tsv")
    assert len(trials.table) == 40
    said = " ".join(p.sentence for p in trials.problems)
    assert "listed before" in said and "infinite" in said
    found = SpoofAware(trials).figures.set_index("metric")
    assert found.loc["min_adcf", "value"] == 0 < found.loc["min_adcf", "high"]
    turned = [[*c[:4], b"-inf" if c[5] == b"target" else b"inf", c[5]] for c in cells]
    table = [header, *(b"\t".join(c) for c in turned)]
    found = SpoofAware(read_spoof_aware(b"\n".join(table), "a.tsv")).figures.set_index("metric")
    assert found.loc["min_adcf", "value"] == 1
