"""The window chart says what the Detection says."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.detect.calibration import posterior
from core.detect.decision import COSTS, PRIORS, Stance
from core.detect.detection import Window
from core.show.clip.charts import LEGEND, PICK, percent, prior_curve, window_timeline
from core.show.documents.chart import make_spec
from core.show.theme import DARK, LIGHT
from tests.builders import BAND, SCORES, HandDetector, clip


def spec(hertz: float = 220.0, prior: float = 0.5, **kwargs):
    detection = HandDetector(SCORES).detect(clip(13.0, hertz=hertz), stance=Stance(prior))
    made = window_timeline(detection, BAND, **kwargs).to_dict()
    return made, [row for rows in made["datasets"].values() for row in rows]


def windows(rows):
    return sorted((r for r in rows if "window" in r), key=lambda r: r["window"])


def test_one_bar_a_window_from_the_threshold():
    _, rows = spec()
    found = windows(rows)
    assert [(r["start"], r["end"]) for r in found] == [
        (0, 3), (3, 5), (5, 7), (7, 9), (9, 11), (11, 13)
    ]  # fmt: skip
    assert found[0]["score"] == pytest.approx(posterior(3.2))
    assert found[2]["score"] is None
    assert [r["says"] for r in found] == [
        *("Towards synthetic", "Towards synthetic", "Too little speech"),
        *("Towards synthetic", "Inconclusive", "Inconclusive"),
    ]
    assert {r["threshold"] for r in found} == {0.5}


def test_the_threshold_of_likelihood_ratios_moves_with_the_prior():
    _, rows = spec(prior=0.1, scale="llr")
    found = windows(rows)
    assert found[0]["score"] == 3.2
    assert found[0]["threshold"] == pytest.approx(2.1972245773)  # ln 9
    band = next(r for r in rows if "low" in r)
    assert (band["low"], band["high"]) == pytest.approx((1.1972245773, 3.1972245773))


def test_a_click_yields_the_window_and_every_layer_is_described():
    made, _ = spec()
    assert [p["name"] for p in made["params"]] == [PICK]
    assert made["params"][0]["select"]["fields"] == ["window"]
    tooltips = [layer for layer in made["layer"] if layer["encoding"].get("tooltip")]
    assert {t["title"] for t in tooltips[-1]["encoding"]["tooltip"]} >= {"Window", "Heard", "Says"}


def test_colours_are_the_palettes_and_the_legend_names_each():
    made, _ = spec()
    scale = next(
        layer["encoding"]["color"]["scale"]
        for layer in made["layer"]
        if "color" in layer["encoding"]
    )
    assert scale["range"][:2] == [LIGHT.synthetic, LIGHT.authentic]
    for word in ("synthetic", "human", "inconclusive", "too little speech"):
        assert word in LEGEND


@pytest.mark.parametrize(
    ("p", "words"),
    [(None, "not scored"), (0.0, "under 1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.999, "over 99 %")],
)
def test_no_probability_is_certain(p, words):
    assert percent(p) == words


def test_the_prior_curve_is_bayes_rule_and_marks_the_stated_prior():
    made = prior_curve(2.0, Stance(0.2)).to_dict()
    rows = [row for rows in made["datasets"].values() for row in rows if "prior" in row]
    assert all(r["posterior"] == pytest.approx(posterior(2.0, r["prior"])) for r in rows)
    assert len([r for r in rows if r["prior"] == 0.2]) == 2


@settings(max_examples=8, deadline=None)
@given(
    llrs=st.lists(st.none() | st.floats(-12, 12), min_size=1, max_size=5),
    prior=st.sampled_from(PRIORS) | st.floats(0.01, 0.99),
    costs=st.sampled_from([(1.0, 1.0), COSTS, COSTS[::-1]]),
    missing=st.sampled_from([(), ((0.0, 1.0),), ((0.0, 60.0),), ((0.5, 0.501), (0.502, 0.503))]),
    scale=st.sampled_from(["probability", "llr"]),
    palette=st.sampled_from([LIGHT, DARK]),
)
def test_every_clip_makes_charts_that_the_schema_allows(
    llrs, prior, costs, missing, scale, palette
):
    stance = Stance(prior, *costs)
    bare = HandDetector(SCORES).detect(clip(13.0), stance=stance)
    windows = tuple(
        Window(2.0 * i, 2.0 * i + 4, llr, None if llr is None else stance.posterior(llr), 1.0)
        for i, llr in enumerate(llrs)
    )
    made = replace(bare, windows=windows, source=replace(bare.source, missing=missing))
    json.dumps(
        window_timeline(made, BAND, scale, palette).to_dict(), allow_nan=False
    )  # held to the schema, unlike `make_spec`
    json.dumps(prior_curve(llrs[0] or 0.0, stance, palette).to_dict(), allow_nan=False)


def test_three_hours_are_drawn_whole():
    one = HandDetector(SCORES).detect(clip(13.0))
    windows = [replace(one.windows[0], start_s=2.0 * i, end_s=2.0 * i + 4) for i in range(5_400)]
    made = make_spec(window_timeline, replace(one, windows=tuple(windows)), BAND)
    assert max(map(len, made["datasets"].values())) == 5_400
