"""Charts of a live take: the form never changes, only the data does."""

import json

import pytest

from core.detect.calibration import posterior
from core.detect.decision import Stance
from core.detect.stream import LiveWindow
from core.show.live.charts import COLUMNS, ROLLING_S, cells, drawn, timeline
from core.show.theme import DARK, LIGHT

WINDOWS = [
    LiveWindow(0, 1, 3.0, 1.0, False),
    LiveWindow(0, 2, 3.0, 2.0, False),
    LiveWindow(0, 3, None, 0.1, False),
    LiveWindow(0, 4, -3.0, 3.0, True),
    LiveWindow(2, 6, 0.1, 3.0, True),
]


def spans(frame):
    return [tuple(row) for row in frame[["start", "end"]].iloc[1:].round(3).itertuples(index=False)]


def test_cells_lie_side_by_side_around_the_middles_of_their_windows():
    frame = cells(WINDOWS, 6.5, rolling=False)
    assert tuple(frame.columns) == COLUMNS
    assert spans(frame) == [(0, 0.75), (0.75, 1.25), (1.25, 1.75), (1.75, 3), (3, 6)]
    assert tuple(frame[["start", "end"]].iloc[0]) == (0, 6.5)  # the axis reaches the present


def test_cells_grow_from_the_threshold_and_silence_is_a_grey_column():
    frame = cells(WINDOWS, 6.5, band=(-0.25, 0.25), rolling=False).iloc[1:]
    high = posterior(3.0)
    assert list(frame["low"].round(4)) == [0.5, 0.5, 0, round(1 - high, 4), 0.5]
    assert list(frame["high"].round(4))[:4] == [round(high, 4)] * 2 + [1, 0.5]
    assert list(frame["says"]) == [
        *("Towards synthetic", "Towards synthetic", "Too little speech"),
        *("Towards human", "Inconclusive"),
    ]
    assert frame["score"].isna().tolist() == [False, False, True, False, False]


def test_the_prior_moves_scores_and_a_wide_band_greys_them_all():
    shifted = cells(WINDOWS, 6.5, stance=Stance(0.9), rolling=False).iloc[1:]
    assert list(shifted["says"])[-1] == "Towards synthetic"
    grey = cells(WINDOWS, 6.5, band=(-20, 20), rolling=False).iloc[1:]
    assert set(grey["says"]) == {"Inconclusive", "Too little speech"}


def test_a_skipped_window_leaves_a_hole():
    apart = [LiveWindow(0, 4, 1.0, 4.0, True), LiveWindow(20, 24, 1.0, 4.0, True)]
    assert spans(cells(apart, 25, rolling=False)) == [(0, 4), (20, 24)]


def test_the_rolling_view_counts_back_from_now_and_cuts_at_its_edge():
    long = [LiveWindow(n, n + 4, 1.0, 4.0, True) for n in range(0, 100, 2)]
    frame = cells(long, 102.0)
    assert frame["start"].min() == -ROLLING_S and frame["end"].max() == 0
    assert len(frame) == 1 + 15


def test_the_whole_take_begins_where_it_is_kept():
    frame = cells(WINDOWS, 6.5, from_s=2.0, rolling=False)
    assert frame["start"].min() == 2.0


def test_the_browser_draws_anew_what_changed_and_only_that():
    def drawing(*arguments, **options):
        (number,) = set(cells(*arguments, **options)["drawing"])
        return number

    same = drawing(WINDOWS, 6.5)
    assert drawing(list(WINDOWS), 6.5) == same
    others = [
        drawing(WINDOWS[:-1], 6.5),
        drawing(WINDOWS, 6.6),
        drawing(WINDOWS, 6.5, band=(-9, 9)),
    ]
    assert len({same, *others}) == 4


def test_an_empty_take_still_has_its_axis():
    frame = cells([], 0.0)
    assert len(frame) == 1 and frame["score"].dtype == "float64"


@pytest.mark.parametrize("rolling", [True, False])
@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_form_holds_no_data_and_the_colours_of_the_theme(palette, rolling):
    form = json.dumps(timeline(palette, (-0.2, 0.2), rolling).to_dict())
    assert '"datasets"' not in form and form.count('"data"') == form.count('"name": "take"') > 0
    assert form == json.dumps(timeline(palette, (-0.2, 0.2), rolling).to_dict())
    for colour in (palette.synthetic, palette.authentic, palette.neutral, palette.band):
        assert colour in form
    assert (f"[{-ROLLING_S}, 0]" in form) is rolling


def test_the_data_goes_along_by_name():
    frame = cells(WINDOWS, 6.5)
    whole = drawn(timeline().to_dict(), frame)
    assert whole["datasets"] == {"take": frame}
    assert whole["data"] == {"name": "take"}


def test_belt_and_threshold_are_drawn_once_however_many_windows_there_are():
    belt, *_, rule = timeline(band=(-0.2, 0.2)).to_dict()["layer"]
    for layer in (belt, rule):
        assert layer["transform"] == [{"aggregate": [{"op": "count", "as": "rows"}]}]


def test_without_a_band_there_is_no_belt():
    assert len(timeline().to_dict()["layer"]) == 3
    assert len(timeline(band=(-0.2, 0.2)).to_dict()["layer"]) == 4
