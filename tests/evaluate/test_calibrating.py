"""A calibration from labelled scores: known answers, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.calibrating import FOLDS, LEAST, CalibrationError, _parts, fit
from core.evaluate.metrics import Tally
from core.evaluate.tables import load

ROOT = Path(__file__).resolve().parents[2]


def gaussian(n, distance=3.0, scale=1.0, offset=0.0, seed=0):
    """Scores that are ``(llr - offset) / scale`` of two normal classes, and the truth."""
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * n) >= n
    x = rng.normal(np.where(truth, distance / 2, -distance / 2))
    return (distance * x - offset) / scale, truth


def test_the_map_that_made_the_scores_is_found_again():
    raw, truth = gaussian(4_000, scale=0.25, offset=-2.0)
    made = fit(raw, truth, raw)
    assert made.scale == pytest.approx(0.25, rel=0.05)
    assert made.offset == pytest.approx(-2.0, abs=0.15)
    assert made.llr_limit == pytest.approx(np.log(4_000))
    assert made.before.value == pytest.approx(Tally.of(raw[~truth], raw[truth]).cllr())
    right = 0.25 * raw - 2.0
    assert made.after.value == pytest.approx(
        Tally.of(right[~truth], right[truth]).cllr(), abs=0.005
    )
    assert made.gain.value == pytest.approx(made.before.value - made.after.value)
    assert made.gain.low > 0 and made.after.low < made.after.value < made.after.high
    assert made.band[0] <= 0 <= made.band[1]


def test_what_it_is_worth_is_measured_on_clips_that_it_has_not_seen():
    """Scores that say nothing of the labels would look learnable to a map that has seen them."""
    refused = 0
    for seed in range(20):
        truth = np.arange(2 * LEAST) >= LEAST
        raw = np.random.default_rng(seed).normal(size=len(truth))
        try:
            assert fit(raw, truth, raw).after.high > 1
        except CalibrationError:
            refused += 1
    assert refused >= 15


@pytest.mark.parametrize(("human", "fake"), [(0, 50), (LEAST - 1, 50), (50, LEAST - 1)])
def test_too_few_clips_are_refused_with_their_numbers(human, fake):
    truth = np.arange(human + fake) >= human
    with pytest.raises(
        CalibrationError, match=rf"{human} human and {fake} synthetic .* {LEAST} of"
    ):
        fit(truth.astype(float), truth, truth.astype(float))
    raw, truth = gaussian(LEAST)
    assert fit(raw, truth, raw).n_bonafide == LEAST


def test_scores_the_wrong_way_round_are_refused():
    raw, truth = gaussian(100)
    with pytest.raises(CalibrationError, match=r"higher in 9. % of cases.* the other way"):
        fit(-3 * raw, truth, raw)
    with pytest.raises(CalibrationError, match=r"higher in 50 % of cases.* next to nothing"):
        fit(np.arange(200) // 2 % 2, np.arange(200) % 2, raw)
    with pytest.raises(CalibrationError, match=r"Every clip has the same score \(3\)"):
        fit(np.full(200, 3.0), truth, raw)


def test_that_nothing_lies_between_the_classes_is_known():
    raw, truth = gaussian(100)
    assert not fit(raw, truth, raw).apart
    assert fit(raw + 100 * truth, truth, raw).apart


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=60, max_size=200),
)
def test_no_voice_is_in_two_parts(drawn):
    speakers = np.unique([s for s, _ in drawn], return_inverse=True)[1]
    parts = _parts(speakers, np.array([t for _, t in drawn]))
    assert set(parts.tolist()) <= set(range(FOLDS))
    assert all(len(set(parts[speakers == s])) == 1 for s in set(speakers.tolist()))


def test_speakers_widen_the_intervals_and_are_named_as_their_unit():
    rng = np.random.default_rng(0)
    voices = np.repeat(np.arange(40), 10)
    truth = voices >= 20
    raw = np.where(truth, 2.0, -2.0) + rng.normal(size=40)[voices] * 2 + rng.normal(size=400) * 0.2
    alone = fit(raw, truth, raw)
    known = fit(raw, truth, raw, [f"v{v}" for v in voices])
    assert (alone.after.unit, known.after.unit) == ("trial", "speaker")
    assert known.after.high - known.after.low > 1.5 * (alone.after.high - alone.after.low)


def test_the_least_number_costs_what_the_document_says_of_the_table():
    rows = load("calibration_counts")
    few = rows[rows["clips"] == LEAST]
    assert len(few) == 3 and few["excess_bits"].max() < 0.08
    assert (rows[rows["clips"] == 10]["excess_bits"].to_numpy() > few["excess_bits"]).all()
    document = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    for row in rows.itertuples():
        assert f"{row.excess_bits:.3f}, {row.excess_bits_95:.3f}" in document
    assert f"asks for {LEAST} of each class" in document
