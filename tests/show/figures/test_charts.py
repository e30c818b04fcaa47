"""Benchmark charts: valid Vega-Lite that says what it should, in both themes."""

import json
from functools import cache

import altair as alt
import pandas as pd
import pytest

from core.evaluate import tables
from core.evaluate.analysis import MOST_SYSTEMS
from core.show.figures import charts
from core.show.figures.charts import curves, marks
from core.show.figures.view import colours_of
from core.show.theme import DARK, LIGHT, contrast, system_colours

FIGURES = tables.described(tables.load_figures())
SYSTEMS = list(colours_of(FIGURES, LIGHT))
EVAL = "ASVspoof 2019 LA eval"


def test_no_two_systems_of_a_chart_share_a_colour():
    """Nor that of a visitor's scores beside all others."""
    most = max(len(SYSTEMS), MOST_SYSTEMS) + 1
    for palette in (LIGHT, DARK):
        assert len(set(palette.systems)) == len(palette.systems) >= most


def rows(**wanted):
    part = FIGURES[FIGURES["metric"] == wanted.pop("metric", "eer")]
    for column, value in wanted.items():
        part = part[part[column] == value]
    return part


STAIRS = rows(breakdown="overall", benchmark=EVAL).head(3)


@cache
def everything(palette):
    """One chart of every builder."""
    colours = system_colours(SYSTEMS, palette)
    attacks = rows(breakdown="attack", benchmark=EVAL)
    one = attacks[attacks["system"] == "AASIST"]
    overall = rows(breakdown="overall", benchmark=EVAL)
    det, paired = tables.load("det"), tables.load("paired")
    band = det[det["curve"] == "band"]
    marks = pd.DataFrame(
        [(band["system"].iloc[0], 0.01, 0.02, "lowest cost", "0.03")],
        columns=["system", "p_fa", "p_miss", "point", "cost"],
    )
    pair = paired[
        (paired["first"] == paired["first"].iloc[0])
        & (paired["second"] == paired["second"].iloc[0])
        & (paired["metric"] == "eer")
    ]
    stairs = STAIRS.assign(label=["First step", "The second step of all", "It's third"])
    history = tables.load("training_history")
    drift = rows(metric="eer_threshold")
    grid = rows(breakdown="attack-codec")
    codecs = list(tables.load("codecs")["codec"])
    names = ["RawGAT-ST mul", "AASIST", "LFCC-ResNet18 Softmax"]
    side = attacks[attacks["system"].isin(names)].sort_values("attack")
    first = side[side["system"] == names[0]].set_index("attack")["value"]
    side = side.assign(difference=side["value"] - side["attack"].map(first))
    compared = {"systems": names, "palette": palette}
    return {
        "points": charts.ranked(attacks, "eer", "Points", colours, by="attack", palette=palette),
        "bars": charts.ranked(
            one, "eer", "Bars", colours, by="attack", chosen={"attack": ["A10"]}, palette=palette
        ),
        "systems": charts.ranked(overall, "eer", "By system", colours, by="system"),
        "single": charts.ranked(one.head(1), "eer", "One row", colours, palette=palette),
        "heat": charts.heat(grid, "eer", "Heat", columns=codecs, palette=palette),
        "picked": charts.heat(
            *(grid, "eer", "Heat"),
            columns=codecs,
            chosen={"attack": ["A10"], "codec": ["gsm"]},
            palette=palette,
        ),
        "compared": charts.compared(side, "eer", "Side", differences=False, **compared),
        "differences map": charts.compared(side, "eer", "Side", differences=True, **compared),
        "det": charts.det(band, marks, "DET", colours, palette=palette),
        "differences": charts.differences(pair, "eer", "Differences", palette=palette),
        "staircase": charts.staircase(stairs, "Staircase", palette=palette),
        "legs": charts.legs(tables.load("embedded_training"), "Legs", palette=palette),
        "training": charts.training(history, "dev_eer", "Training", palette=palette),
        "thresholds": charts.thresholds(drift, "Thresholds", palette=palette),
        "two_classes": charts.two_classes(3.0, 0.5, "A drawing", palette=palette),
    }


NAMES = (
    *("points", "bars", "systems", "single", "heat", "picked", "compared", "differences map"),
    *("det", "differences", "staircase", "legs", "training", "thresholds", "two_classes"),
)


def test_every_chart_has_a_name_here():
    assert tuple(everything(LIGHT)) == NAMES
    assert all(isinstance(c, alt.LayerChart | alt.FacetChart) for c in everything(LIGHT).values())


@cache
def spec_of(name, palette=LIGHT):
    """A chart, validated against the schema."""
    return everything(palette)[name].to_dict()


def encodings(spec):
    for layer in spec.get("layer", [spec]):
        yield from layer["encoding"].items()


@pytest.mark.parametrize("name", NAMES)
def test_charts_are_valid_and_titled_with_axis_units_and_description(name):
    spec = spec_of(name)
    assert spec["title"]["text"]
    assert spec["description"]
    assert all(len(line) <= 44 for line in spec["title"]["text"])
    titles = [str(e.get("title")) for channel, e in encodings(spec) if channel in ("x", "color")]
    assert any(title and title != "None" for title in titles)


@pytest.mark.parametrize("name", NAMES)
def test_dark_charts_use_the_dark_palette(name):
    light, dark = spec_of(name), spec_of(name, DARK)
    if name != "systems":
        assert light["title"]["color"] == LIGHT.text
        assert dark["title"]["color"] == DARK.text
        assert dark["usermeta"] == {"dark": True}


def data_of(spec):
    return pd.DataFrame(next(iter(spec["datasets"].values())))


def test_bars_are_ordered_by_the_worst_and_keep_their_values():
    spec = spec_of("bars")
    order = spec["layer"][0]["encoding"]["y"]["sort"]
    data = data_of(spec_of("bars")).set_index("name")
    assert order == data.sort_values("value", ascending=False).index.tolist()
    assert data.loc["A18", "value"] == 3.40
    assert data.loc["A18", "shown"] == "3.40"


def test_what_is_not_picked_fades_and_clicks_have_a_name():
    data = data_of(spec_of("bars")).set_index("name")
    assert not data.loc["A10", "faded"]
    assert data.drop("A10")["faded"].all()
    assert not data_of(spec_of("points"))["faded"].any()
    for name in ("bars", "points", "heat"):
        assert [p["name"] for p in spec_of(name)["params"]] == [charts.PICK]
    picked = data_of(spec_of("picked"))
    assert picked.loc[~picked["faded"], ["attack", "codec"]].to_numpy().tolist() == [["A10", "gsm"]]


def test_corrected_values_carry_a_mark():
    spec = charts.ranked(
        rows(breakdown="overall", benchmark="ASVspoof 2021 LA eval"),
        "eer",
        "Baselines",
        system_colours(SYSTEMS),
        by="system",
    )
    shown = data_of(spec.to_dict()).set_index("system")["shown"]
    assert shown["LFCC-GMM (official)"] == "19.30 †"
    assert shown["LFCC-LCNN (official)"] == "9.26"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_there_is_a_colour_for_every_system_and_no_two_share_one(palette):
    assert len(set(palette.systems)) == len(palette.systems) >= len(SYSTEMS)
    assert not [s for s in SYSTEMS if " minus " in s]
    colours = system_colours(SYSTEMS, palette)
    assert len(set(colours.values())) == len(SYSTEMS)
    for name in NAMES:
        for channel, encoding in encodings(spec_of(name, palette)):
            if channel == "color" and encoding.get("scale") and "domain" in encoding["scale"]:
                used = encoding["scale"]["range"]
                assert len(set(used)) == len(used), name


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["heat", "picked", "compared", "differences map"])
def test_figures_on_cells_can_be_read_in_every_state(palette, name):
    data = data_of(spec_of(name, palette))
    assert len(data) > 20
    assert all(contrast(i, f) >= 4.5 for i, f in zip(data["ink"], data["fill"], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_ticks_between_whole_numbers_are_not_rounded(name):
    for channel, encoding in encodings(spec_of(name)):
        axis = (encoding.get("axis") if channel in ("x", "y") else None) or {}
        if any(tick % 1 for tick in axis.get("values", ())):
            assert {"format", "labelExpr"} & set(axis)


def test_figures_that_crowd_are_spread_by_a_root_and_the_axis_says_so():
    def scale(spec):
        axis = dict(encodings(spec))["x"]
        return axis["scale"]["type"], axis["title"]

    assert scale(spec_of("points")) == ("sqrt", "EER (%), square-root scale")
    assert scale(spec_of("bars")) == ("linear", "EER (%)")


def test_ticks_that_are_no_whole_numbers_are_written_as_they_are():
    given = 0
    for name in NAMES:
        for _, encoding in encodings(spec_of(name)):
            axis = (encoding.get("axis") if isinstance(encoding, dict) else None) or {}
            values = [v for v in axis.get("values") or [] if isinstance(v, (int, float))]
            if "labelExpr" not in axis and not all(float(v).is_integer() for v in values):
                assert axis.get("format") == "~g", name
                given += 1
    assert given


def test_differences_name_their_axis_in_every_layer_and_pool_first():
    spec = spec_of("differences")
    titles = [e["title"] for channel, e in encodings(spec) if channel == "x"]
    assert len(titles) == 3 and all(t == titles[0] and t for t in titles)
    assert spec["layer"][1]["encoding"]["y"]["sort"][0] == "all"


def test_det_axes_are_probits_labelled_in_percent():
    spec = spec_of("det")
    axis = spec["layer"][0]["encoding"]["x"]["axis"]
    assert axis["values"][curves._DET_TICKS.index(0.1)] == pytest.approx(-1.2816, abs=1e-4)
    assert "'−1.28': '10'" in axis["labelExpr"]


def test_staircase_labels_survive_quotes_and_say_one_in_n():
    chart = spec_of("staircase")
    expression = chart["layer"][1]["encoding"]["y"]["axis"]["labelExpr"]
    assert '"It\'s third": ["It\'s third"]' in expression
    text = "a'\n\"\u2028\\"
    assert json.loads(marks._quoted(text)) == text and "\n" not in marks._quoted(text)
    assert charts.one_in(0.69) == 145
    assert charts.one_in(20) == 5
    assert [charts.one_in(p) for p in (0, 20.1, 26.33, 100)] == [None] * 4
    for value, said in ((0.69, "0.69 %  (about one in 145)"), (26.33, "26.33 %")):
        step = STAIRS.head(1).assign(label="Step", value=value, low=value, high=value)
        sets = charts.staircase(step, "Staircase").to_dict()["datasets"].values()
        assert {row["shown"] for rows in sets for row in rows if "shown" in row} == {said}


def test_the_staircase_draws_intervals_where_they_are_known():
    spec = spec_of("staircase")
    rule = next(s for s in spec["layer"] if s["encoding"].get("x2"))
    assert (rule["encoding"]["x"]["field"], rule["encoding"]["x2"]["field"]) == ("low", "high")
    assert rule["transform"] == [{"filter": "isValid(datum.low)"}]


def test_shaded_drawing_marks_the_wrong_side_only():
    data = data_of(charts.two_classes(2.0, 0.0, "Drawing").to_dict())
    human = data["class"] == "human speech"
    assert data.loc[human & (data["score"] > 0), "wrong"].all()
    assert not data.loc[human & (data["score"] <= 0), "wrong"].any()
    assert data.loc[~human & (data["score"] < 0), "wrong"].all()
