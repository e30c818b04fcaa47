"""Scores of half seconds from the windows of 1 s around them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.detection import Trace
from core.detect.segments import REACH_S, segments
from core.detect.spans import kind_of
from tests.builders import BAND, HandDetector, clip

LLR = st.none() | st.floats(-6, 6)


BARE = HandDetector({220.0: [1.0]}).detect(clip(9.0))


def of(llrs: list[float | None]):
    """Segments of a clip whose windows of 1 s every half second scored so."""
    quality = replace(BARE.quality, duration_s=len(llrs) / 2 + 0.7)
    return segments(replace(BARE, quality=quality, trace=Trace(1.0, 0.5, tuple(llrs))), BAND)


@given(st.lists(LLR, min_size=1, max_size=30))
def test_a_segment_weighs_the_windows_around_it_and_needs_one_over_it(llrs):
    found = of(llrs)
    assert len(found) == len(llrs) + 1
    assert [s.start_s for s in found] == [k / 2 for k in range(len(found))]
    assert [s.end_s for s in found[:-1]] == [s.start_s for s in found[1:]]
    for k, segment in enumerate(found):
        known = [(i, llr) for i, llr in enumerate(llrs) if llr is not None]
        over = [i for i, _ in known if i in (k - 1, k)]
        weights = [max(0.0, REACH_S - abs(i / 2 + 0.5 - (k / 2 + 0.25))) for i, _ in known]
        if not over:
            assert (segment.llr, segment.p_spoof, segment.kind) == (None, None, "no speech")
        else:
            mean = np.average([llr for _, llr in known], weights=weights)
            assert segment.llr == pytest.approx(mean, abs=1e-9)
            assert segment.kind == kind_of(segment.llr, BARE.stance, BAND)


@given(
    window=st.sampled_from([0.5, 0.8, 1.0, 2.0, 6.0]),
    hop=st.sampled_from([0.1, 0.25, 0.3, 0.4, 0.5]),
    scored=st.lists(st.booleans(), min_size=1, max_size=12),
    more=st.floats(0.0, 0.999),
)
def test_segments_of_any_grid_cover_the_clip_and_say_all_that_was_scored(window, hop, scored, more):
    trace = Trace(window, hop, tuple(2.0 if one else None for one in scored))
    length = trace.windows[-1].end_s + more * hop
    quality = replace(BARE.quality, duration_s=length)
    found = segments(replace(BARE, quality=quality, trace=trace), BAND)
    edges = [s.start_s for s in found] + [found[-1].end_s]
    assert edges[0] == 0 and edges[-1] == length
    assert [s.end_s for s in found] == edges[1:] and np.diff(edges).min() >= hop - 1e-9
    for segment, start in zip(found, edges, strict=False):
        over = [
            w.llr for w in trace.windows
            if w.start_s <= start + 1e-9 and start + hop <= w.end_s + 1e-9
            and abs(w.start_s + window / 2 - start - hop / 2) < REACH_S - 1e-9
        ]  # fmt: skip
        assert over or window > REACH_S
        assert segment.llr in (None, pytest.approx(2.0))
        assert (segment.llr is not None) == any(llr is not None for llr in over)


def test_a_short_part_stands_where_it_is():
    found = of([-3.0] * 20 + [3.0] * 8 + [-3.0] * 20)
    above = [s for s in found if (s.p_spoof or 0) > 0.5]
    assert above[0].start_s == pytest.approx(10.5, abs=0.5)
    assert above[-1].end_s == pytest.approx(14.0, abs=0.5)


def test_without_shorter_windows_there_are_no_segments():
    assert segments(BARE) == []
