"""What the player is given to draw, and which part of a clip that is."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.segments import segments
from core.detect.spans import band_in_probability, cells, synthetic_spans
from core.show.navigation import address
from core.show.timeline import player
from tests.builders import BAND, FINDING, SCORES, HandDetector, clip


def test_the_player_gets_the_whole_clip_and_its_part_in_seconds_of_the_file():
    whole = clip(13.0)
    detection = HandDetector(SCORES).detect(whole)
    timeline = cells(detection, BAND)
    data = player.player_data(
        whole,
        player.overview_wave(whole),
        timeline,
        synthetic_spans(timeline),
        (4.0, 8.0),
        band_in_probability(BAND),
        "data:,",
        "sound",
    )
    assert json.loads(json.dumps(data)) == data
    assert (data["from"], data["to"]) == (4.0, 8.0)
    assert [c["start"] for c in data["cells"]] == [3.0, 5.0, 7.0]
    assert [c["says"] for c in data["cells"]][1] == "too little speech"
    assert data["spans"] == [{"start": 0.0, "end": 5.0}, {"start": 7.0, "end": 9.0}]
    assert data["low"] < data["middle"] < data["high"]
    assert max(data["highs"]) == pytest.approx(400, abs=2)  # thousandths of full scale
    assert data["whole"]["seconds"] == 13.0
    assert len(data["whole"]["kinds"]) == len(data["whole"]["lows"]) == player.OVERVIEW_COLUMNS


def test_the_line_follows_the_segments_of_the_part():
    whole = clip(13.0)
    detection = HandDetector(SCORES, finding=FINDING).detect(whole)
    finer = segments(detection, BAND)
    line = player.player_data(
        whole, player.overview_wave(whole), cells(detection), [], (4.0, 8.0), (0, 0.5, 1), "", "",
        finer=finer,
    )["finer"]  # fmt: skip
    assert [(s["start"], s["end"]) for s in line] == [(k / 2, k / 2 + 0.5) for k in range(8, 16)]
    assert [(s["p"], s["kind"]) for s in line] == [(s.p_spoof, s.kind) for s in finer[8:16]]
    assert {s["kind"] for s in line} >= {"synthetic"}


def test_an_overview_shows_a_short_span_of_a_long_clip():
    short = HandDetector(SCORES).detect(clip(13.0))
    windows = []
    for i in range(999):
        llr = 3.0 if i == 700 else -3.0
        at = {"start_s": 2.0 * i, "end_s": 2.0 * i + 4, "llr": llr}
        windows.append(replace(short.windows[0], **at, p_spoof=short.stance.posterior(llr)))
    found = cells(replace(short, windows=tuple(windows)), BAND)
    kinds = player.column_kinds(found, 2_000.0, 600)
    assert kinds.count("synthetic") in (1, 2)
    assert kinds.index("synthetic") == pytest.approx(600 * 1_402 / 2_000, abs=1)


@given(
    start=st.floats(-10, 5_000),
    end=st.floats(-10, 5_000),
    duration=st.floats(0.1, 4_000),
)
def test_every_part_lies_in_its_clip_and_has_a_length(start, end, duration):
    first, last = address.fitted(start, end, duration)
    assert 0 <= first < last <= duration
    length = last - first
    assert min(address.LEAST_S, duration) - 1e-6 <= length <= address.LONGEST_S + 1e-6
    assert address.fitted(first, last, duration) == pytest.approx((first, last), abs=0.01)


@pytest.mark.parametrize("edge", [math.nan, math.inf, -math.inf])
def test_a_part_without_an_edge_is_refused(edge):
    with pytest.raises(ValueError, match="finite"):
        address.fitted(0.0, edge, 10.0)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"from": "2", "to": "5"}, (2.0, 5.0)),
        ({"from": "5", "to": "2"}, (2.0, 5.0)),
        ({"from": "8", "to": "99"}, (8.0, 10.0)),
        ({"from": "2"}, None),
        ({"from": "x", "to": "5"}, None),
        ({"from": "nan", "to": "inf"}, None),
        ({"from": "50", "to": "60"}, None),
        ({}, None),
    ],
)
def test_an_address_asks_for_a_part_or_for_nothing(asked, shown):
    assert address.asked_part({end: [at] for end, at in asked.items()}, 10.0) == shown
