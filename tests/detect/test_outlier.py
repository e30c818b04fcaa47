"""Stretches that score unlike the rest: known answers, and what must never move them."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.decision import Stance
from core.detect.detection import Detection, Stretch, Trace, Window
from core.detect.outlier import (
    FEWEST,
    FEWEST_SHORT,
    MOST,
    UNCALIBRATED_RULE,
    USUAL,
    Excess,
    Rule,
    _share,
    exceeding,
    heaviest,
    in_words,
    stretches,
    time_ranges,
)
from tests.builders import SCORES, HandDetector, clip


def windows(llrs, hop_s: float = 2.0) -> list[Window]:
    return [
        Window(hop_s * i, hop_s * i + 4.0, x, None if x is None else 0.5, 3.0)
        for i, x in enumerate(llrs)
    ]


def found(llrs, **rule):
    return stretches(windows(llrs), 4.0, 2.0, Rule(**rule))


DETECTION = HandDetector(SCORES).detect(clip(66.0))


def said(found, llrs) -> list[str]:
    made = replace(DETECTION, stands_out=tuple(found), windows=tuple(windows(llrs)))
    return [in_words(stretch, made) for stretch in found]


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-2.0, 0.5, n)


def test_a_part_in_the_middle_is_found_where_it_is():
    llrs = noise(40)
    llrs[17:22] += 5.0
    (stretch,) = found(llrs)
    assert (stretch.start_s, stretch.end_s) == (35.0, 45.0)
    assert stretch.llr == pytest.approx(llrs[17:22].mean())
    assert stretch.rest_llr == pytest.approx(np.delete(llrs, slice(17, 22)).mean())
    assert (
        "35.0 to 45.0 s scores unlike the rest, more towards synthetic" in said([stretch], llrs)[0]
    )
    assert time_ranges([stretch]) == "35.0-45.0"


def test_parts_at_the_edges_reach_to_the_clips_edges():
    llrs = noise(40)
    llrs[:4] += 5.0
    llrs[-4:] -= 5.0
    first, last = found(llrs)
    assert (first.start_s, last.end_s) == (0.0, 82.0)
    assert first.score > 0 > last.score
    assert first.rest_llr == last.rest_llr == pytest.approx(llrs[4:-4].mean())
    for sentence, towards in zip(said([first, last], llrs), ("synthetic", "human"), strict=True):
        assert f"more towards {towards}" in sentence
        assert f"{first.rest_llr:+.1f} outside the parts that stand out." in sentence


@given(
    scored=st.lists(st.booleans(), min_size=8, max_size=30),
    start=st.floats(0.0, 3.0),
    length=st.floats(0.6, 9.0),
)
def test_what_was_not_scored_of_a_place_is_said(scored, start, length):
    llrs = [1.0 if here else None for here in scored]
    end = min(start + length, 0.5 * len(llrs) + 0.5)
    stretch = Stretch(start, end, 4.0, -2.0, 9.0)
    made = replace(DETECTION, stands_out=(stretch,), trace=Trace(1.0, 0.5, tuple(llrs)))
    told = re.findall(r"([\d.]+) to ([\d.]+) s", in_words(stretch, made).split("elsewhere.")[1])
    at = np.arange(start, end, 0.01)
    scored_at = [(w.start_s, w.end_s) for w in made.trace.windows if w.llr is not None]
    heard, gap, edges = (
        sum(((a + by <= at) & (at <= b - by) for a, b in spans), np.zeros(len(at), bool))
        for spans, by in (
            (scored_at, 0.0),
            ([(float(a), float(b)) for a, b in told], 0.06),  # a tenth of a second is shown
            ([(float(a), float(b)) for a, b in told], -0.06),
        )
    )
    assert not (heard & gap).any()
    silent = "".join(" x"[int(quiet)] for quiet in ~(heard | edges))
    assert max(map(len, silent.split(" "))) <= 51


@given(
    llrs=st.lists(st.none() | st.floats(-6, 6), max_size=60),
    shift=st.floats(-3, 3),
)
def test_only_differences_count_and_both_sides_alike(llrs, shift):
    here = found(llrs)
    assert len(here) <= MOST
    assert all(a.end_s <= b.start_s for a, b in pairwise(here))
    assert all(s.start_s < s.end_s for s in here)
    if sum(x is not None for x in llrs) < FEWEST:
        assert not here
    mirrored = found([None if x is None else -x for x in llrs])
    assert time_ranges(mirrored) == time_ranges(here)
    moved = found([None if x is None else x + shift for x in llrs])
    close = [abs(abs(s.score) - 4.5) < 1e-6 or abs(abs(s.llr - s.rest_llr) - 1.5) < 1e-6
             for s in here + moved]  # fmt: skip
    assert any(close) or len(moved) == len(here)


@pytest.mark.parametrize("n", [FEWEST, 15, 30, 60, 2_000])
def test_nothing_stands_out_where_all_is_alike(n):
    assert not found([-2.0] * n)
    assert sum(bool(found(noise(n, seed))) for seed in range(20)) <= 1


def test_a_difference_too_small_to_matter_is_not_named():
    llrs = np.full(60, -2.0) + 0.01 * np.arange(60) % 0.03
    llrs[20:25] += 1.0
    assert found(llrs, score=2.0, difference=0.5)
    assert not found(llrs, score=2.0)


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_variance_of_a_mean_of_windows_that_overlap(overlap, count):
    """Against the covariance matrix of moving averages of white noise."""
    lags = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    covariance = np.maximum(0.0, 1.0 - lags * (1.0 - overlap))
    assert _share(count, overlap) == pytest.approx(covariance.mean())


LLRS = [-2.0] * 16 + [4.0] * 5 + [-2.0] * 16


def test_a_detection_keeps_what_stands_out_and_reads_files_without_it():
    made = HandDetector({220.0: LLRS}).detect(clip(76.0))
    (stretch,) = made.stands_out
    assert (stretch.start_s, stretch.end_s) == (33.0, 43.0)
    saved = made.to_dict()
    assert saved["stands_out"][0]["start_s"] == 33.0
    assert Detection.from_dict(saved) == made
    del saved["stands_out"]
    assert Detection.from_dict(saved) == replace(made, stands_out=())


@pytest.mark.parametrize("prior", [0.05, 0.5, 0.95])
def test_the_stance_moves_no_stretch_and_no_stretch_moves_the_verdict(prior):
    detector, stance = HandDetector({220.0: LLRS}), Stance(prior)
    made = detector.with_stance(detector.detect(clip(76.0)), stance)
    assert made.stands_out == detector.detect(clip(76.0)).stands_out
    assert detector.with_stance(replace(made, stands_out=()), stance).verdict == made.verdict


def short(llrs) -> list[Window]:
    return [Window(0.5 * i, 0.5 * i + 1.0, x, None, 1.0) for i, x in enumerate(llrs)]


def exceed(llrs, shift=2.0, score=8.0, growth=0.0):
    return exceeding(short(llrs), 1.0, 0.5, Excess(shift, score, growth))


def test_a_short_part_is_found_to_half_a_second_by_short_windows():
    llrs = noise(120)
    llrs[41:48] += 6.0
    (stretch,) = exceed(llrs)
    assert (stretch.start_s, stretch.end_s) == (20.75, 24.25)
    due = np.sum(llrs[41:48] - np.median(llrs) - 2.0)
    assert stretch.score == pytest.approx(due)
    assert stretch.llr == pytest.approx(llrs[41:48].mean())
    assert stretch.rest_llr == pytest.approx(np.delete(llrs, slice(41, 48)).mean())
    assert not exceed(llrs, score=due + 0.01) and not exceed(llrs, shift=7.0)


def test_parts_to_both_sides_and_at_the_edges_are_found():
    llrs = noise(120)
    llrs[:8] += 5.0
    llrs[-6:] -= 6.0
    first, last = exceed(llrs)
    assert (first.start_s, last.end_s) == (0.0, 60.5)
    assert first.score > 0 > last.score


@given(
    llrs=st.lists(st.none() | st.floats(-6, 6), max_size=90),
    move=st.floats(-3, 3),
    score=st.floats(0.5, 20.0),
)
def test_short_stretches_keep_apart_and_only_differences_count(llrs, move, score):
    here = exceed(llrs, score=score)
    assert len(here) <= MOST
    assert all(a.end_s <= b.start_s for a, b in pairwise(here))
    assert all(s.start_s < s.end_s and s.score * (s.llr - s.rest_llr) > 0 for s in here)
    heard = [x for x in llrs if x is not None]
    if len(heard) < FEWEST_SHORT:
        assert not here
        return
    moved = heaviest(np.array(heard) + move, 2.0)
    assert moved[2] == pytest.approx(heaviest(np.array(heard), 2.0)[2], abs=1e-9)
    assert abs(heaviest(-np.array(heard), 2.0)[2]) == pytest.approx(abs(moved[2]), abs=1e-9)


@given(values=st.lists(st.floats(-6, 6), min_size=1, max_size=25), shift=st.floats(0, 4))
def test_the_heaviest_run_is_the_heaviest_of_all(values, shift):
    away = np.array(values) - np.median(values)
    every = [
        side * float(np.sum(side * away[i:j] - shift))
        for side in (1, -1)
        for i in range(len(values))
        for j in range(i + 1, len(values) + 1)
        if np.sum(side * away[i:j] - shift) > 0
    ]
    first, end, total = heaviest(np.array(values), shift)
    assert abs(total) == pytest.approx(max(map(abs, every), default=0.0), abs=1e-9)
    if total:
        side = np.sign(total)
        assert np.sum(side * away[first:end] - shift) == pytest.approx(abs(total), abs=1e-9)


def test_the_least_sum_grows_with_the_number_of_windows_and_never_falls():
    rule = Excess(2.0, 8.0, 1.5)
    assert rule.least(10) == rule.least(USUAL) == 8.0
    assert rule.least(round(USUAL * np.e)) == pytest.approx(9.5, abs=0.02)
    long = noise(240)
    long[41:48] += 6.0
    assert exceed(long) and not exceed(long, growth=20.0)


def test_short_stretches_beside_each_other_have_a_window_between_them():
    llrs = noise(120)
    llrs[41:48] += 6.0
    llrs[48:55] -= 6.0
    first, second = exceed(llrs)
    assert (first.end_s, second.start_s) == (24.25, 24.75)


def test_a_short_stretch_that_lies_below_the_rest_is_not_named_for_lying_above_the_median():
    llrs = [3.9] * 10 + [-7.5] * 30 + [2.5] * 40 + [-7.5] * 30 + [3.9] * 10 + [0.0]
    assert [s.llr for s in exceed(llrs)] == [-7.5, -7.5]


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40))
@pytest.mark.filterwarnings("error")
def test_hard_decisions_give_numbers(llrs):
    for stretch in stretches(windows(llrs), 4.0, 2.0, UNCALIBRATED_RULE):
        assert np.isfinite(stretch.score)


def test_a_run_of_other_hard_decisions_stands_out():
    (stretch,) = stretches(
        windows([0.0] * 20 + [1.0] * 5 + [0.0] * 20), 4.0, 2.0, UNCALIBRATED_RULE
    )
    assert (stretch.llr, stretch.rest_llr) == (1.0, 0.0)
