"""Windows as one timeline: cells without gaps or overlaps, and the spans above a threshold."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import window_ranges
from core.detect.calibration import UNCALIBRATED, logit, posterior
from core.detect.decision import PRIORS, Stance, StanceError
from core.detect.detection import Detection, Window
from core.detect.spans import (
    band_in_llr,
    band_in_probability,
    cell_at,
    cells,
    kind_of,
    synthetic_spans,
)
from tests.builders import SCORES, HandDetector, clip


def detection_of(llrs: list[float | None], samples: int, hop: int) -> Detection:
    base = HandDetector(SCORES).detect(clip(5.0))
    ranges = window_ranges(samples, 64_000, hop)
    windows = tuple(
        Window(a / SAMPLE_RATE, b / SAMPLE_RATE, x, None if x is None else posterior(x), 3.0)
        for (a, b), x in zip(ranges, llrs, strict=False)
    )
    return replace(base, windows=windows, hop_s=hop / SAMPLE_RATE)


def test_a_cell_is_the_middle_of_its_window():
    found = cells(detection_of([1.0, -1.0, 2.0], 128_000, 32_000))
    assert [(c.start_s, c.end_s) for c in found] == [(0.0, 3.0), (3.0, 5.0), (5.0, 8.0)]
    assert [(c.heard_from_s, c.heard_to_s) for c in found] == [(0, 4), (2, 6), (4, 8)]


@given(
    samples=st.integers(1, 900_000),
    hop=st.sampled_from([4_000, 8_000, 16_000, 32_000, 64_000]),
)
def test_cells_tile_the_clip(samples, hop):
    count = len(window_ranges(samples, 64_000, hop))
    found = cells(detection_of([0.5] * count, samples, hop))
    assert found[0].start_s == 0.0
    assert found[-1].end_s == pytest.approx(samples / SAMPLE_RATE)
    assert all(a.end_s == b.start_s for a, b in pairwise(found))
    assert all(c.end_s > c.start_s for c in found)


def test_spans_join_neighbours_and_break_at_silence_and_within_the_band():
    llrs = [2.0, 3.0, None, 1.0, 0.9, 4.0]
    found = synthetic_spans(cells(detection_of(llrs, 64_000 + 5 * 32_000, 32_000), (-1.0, 1.0)))
    assert [(s.start_s, s.end_s) for s in found] == [(0.0, 5.0), (7.0, 9.0), (11.0, 14.0)]
    assert [s.windows for s in found] == [2, 1, 1]
    first = found[0]
    assert first.peak_llr == 3.0
    assert first.peak_p == posterior(3.0)
    assert first.mean_p == pytest.approx((3 * posterior(2.0) + 2 * posterior(3.0)) / 5)


@given(
    llrs=st.lists(st.none() | st.floats(-6, 6), min_size=1, max_size=12),
    prior=st.floats(0.05, 0.95),
    costs=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)),
)
def test_spans_are_what_is_called_synthetic_and_nothing_else(llrs, prior, costs):
    """Prior and costs move spans as they move the verdict, and never below the band."""
    found = detection_of(llrs, 64_000 + (len(llrs) - 1) * 32_000, 32_000)
    timeline = cells(replace(found, stance=Stance(prior, *costs)), (-1.0, 1.0))
    inside = [s for s in synthetic_spans(timeline) for _ in range(s.windows)]
    assert len(inside) == sum(c.kind == "synthetic" for c in timeline)
    for cell in timeline:
        covered = any(s.start_s <= cell.start_s < s.end_s for s in inside)
        assert covered == (cell.kind == "synthetic")
    assert synthetic_spans([]) == []


@pytest.mark.parametrize(
    ("llr", "prior", "kind"),
    [
        (None, 0.5, "no speech"),
        (0.0, 0.5, "inconclusive"),
        (0.9, 0.5, "inconclusive"),
        (1.0, 0.5, "synthetic"),
        (-1.0, 0.5, "authentic"),
        (3.0, 0.05, "inconclusive"),
        (3.0, 0.01, "authentic"),
    ],
)
def test_what_a_score_says_depends_on_prior_and_band(llr, prior, kind):
    assert kind_of(llr, Stance(prior), (-1.0, 1.0)) == kind


@given(prior=st.floats(0.01, 0.99), offset=st.floats(0.01, 5.0))
def test_the_threshold_is_where_the_posterior_is_one_half(prior, offset):
    low, threshold, high = band_in_llr(Stance(prior), (-offset, offset))
    assert posterior(threshold, prior) == pytest.approx(0.5)
    assert low < threshold < high


def test_a_moment_belongs_to_one_cell():
    timeline = cells(detection_of([1.0, -1.0, 2.0], 128_000, 32_000))
    assert [cell_at(timeline, s).window for s in (0.0, 2.99, 3.0, 8.0)] == [0, 0, 1, 2]
    assert cell_at(timeline, 8.01) is None
    assert cell_at([], 0.0) is None


@given(
    llr=st.floats(-12, 12),
    prior=st.floats(0.001, 0.999),
    missed=st.floats(0.01, 100),
    accused=st.floats(0.01, 100),
)
def test_the_verdict_is_the_one_that_costs_least(llr, prior, missed, accused):
    stance = Stance(prior, missed, accused)
    p = stance.posterior(llr)
    human, synthetic = p * missed, (1 - p) * accused  # expected cost of saying so
    assume(abs(math.log(human / synthetic)) > 1e-9)
    expected = "synthetic" if synthetic < human else "authentic"
    assert kind_of(llr, stance) == expected
    low, middle, high = band_in_probability((-0.5, 0.5), stance.threshold)
    assert low < middle < high
    assert middle == pytest.approx(stance.threshold_chance)
    low, middle, high = band_in_llr(stance, (-0.5, 0.5))
    assert middle == pytest.approx(math.log(accused / missed) - logit(prior))
    assert kind_of(middle + 0.4, stance, (-0.5, 0.5)) == "inconclusive"


@pytest.mark.parametrize(
    ("stance", "says"),
    [
        *(((prior,), "prior is out of range") for prior in (0.0, 1.0, -0.1, 2, math.nan, 10**400)),
        *(((prior,), "prior is out of range") for prior in (1e-320, 1e-12, 1 - 1e-16)),
        *(((0.5, cost), "missed fake is out of range") for cost in (0, -1.0, math.inf, math.nan)),
        *(((0.5, 1, cost), "false accusation is out of range") for cost in (0.0, 1e-300, 10**400)),
    ],
)
def test_a_stance_that_means_nothing_is_refused(stance, says):
    with pytest.raises(StanceError, match=says):
        Stance(*stance)


@pytest.mark.parametrize("prior", PRIORS)
def test_no_chance_is_certain(prior):
    """What is saved with a chance of 0 or 1 is refused when it is opened."""
    most = UNCALIBRATED.llr_limit
    assert all(0 < Stance(prior).posterior(llr) < 1 for llr in (-most, most))


@pytest.mark.parametrize("stance", [("0.5",), (True,), (0.5, None), (0.5, 1.0, [])])
def test_a_stance_that_is_no_number_is_refused(stance):
    with pytest.raises(TypeError, match="is no number"):
        Stance(*stance)
