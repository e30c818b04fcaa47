"""The charts of a stress test say what the test says, and only figures that were measured."""

import math

import altair as alt
import pandas as pd
import pytest

from core.detect.decision import EVEN, Stance
from core.detect.stress import StressRow, StressTest
from core.evaluate import tables
from core.show.stress import charts
from core.show.theme import DARK, LIGHT

BAND = (-0.5, 0.5)
REASON = "The installed FFmpeg cannot encode AMR-WB 12.65 kbit/s."


def row(condition, llr, verdict, outcome, reason=None, note=""):
    p = None if llr is None else 1 / (1 + math.exp(-llr))
    return StressRow(
        condition, f"Label of {condition}", "file", reason, llr, p, verdict, outcome, note
    )


ROWS = (
    row("opus-16", 2.5, "synthetic", "holds"),
    row("gsm", 1.5, "inconclusive", "undecided", note="Telephone."),
    row("amr-wb", None, None, None, REASON),
    row("noise-10", -1.2, "authentic", "turns"),
    row("room", None, "not judged", "undecided", note="No speech."),
)
TEST = StressTest(
    *("embedded", "0" * 64, True, EVEN, "clip.wav", "1" * 64, 0.0, 9.0, True),
    *(3.0, 0.95, "synthetic", ROWS, 12.0),
)


def figure(condition, value, breakdown="codec", **others):
    return {
        **dict(system="embedded", benchmark="corpus", subset="test", breakdown=breakdown),
        **dict(condition=condition, metric="eer_percent", value=value, low=value - 5),
        **dict(high=value + 5, n_bonafide=40, n_spoof=60, kind="measured", source="x", note=""),
        **others,
    }


FIGURES = pd.DataFrame(
    [
        figure("none", 20.0, "pooled"),
        figure("none, 1 window", 22.0),
        figure("opus-16, 1 window", 31.0),
        figure("gsm, 1 window", 45.0),
        figure("gsm, 1 window", 0.4, metric="auc"),
        figure("gsm, 1 window", 12.0, system="another"),
        figure("opus-16", 50.0, "codec_within"),
    ]
)


def data(chart):
    """Rows of the chart's largest data set, and the specification."""
    made = chart.to_dict()  # validates against the schema
    return max(made["datasets"].values(), key=len), made


def layers(made, mark):
    return [layer for layer in made["layer"] if layer["mark"]["type"] == mark]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_scores_are_those_of_the_test_against_the_clips_own(palette):
    rows, made = data(charts.scores(TEST, BAND, palette))
    assert [r["llr"] for r in rows] == [2.5, 1.5, None, -1.2, None]
    assert {r["own"] for r in rows} == {3.0}
    assert [r["happens"] for r in rows] == [
        *("✓ holds", "◆ becomes inconclusive", "– not available here"),
        *("✕ turns into the opposite", "◆ can no longer be judged"),
    ]
    (points,) = layers(made, "point")
    colours = points["encoding"]["color"]["scale"]
    assert dict(zip(colours["domain"], colours["range"], strict=True)) == {
        "Likely synthetic": palette.synthetic,
        "Likely synthetic in part": palette.synthetic,
        "Likely authentic": palette.authentic,
        "Inconclusive": palette.neutral,
        "Not judged": palette.neutral,
    }
    assert len(set(points["encoding"]["shape"]["scale"]["range"])) == 3  # never by colour alone


def test_what_cannot_be_made_is_greyed_with_its_reason():
    rows, made = data(charts.scores(TEST, BAND))
    missing = [r["missing"] for r in rows]
    assert missing[2].replace("\n", " ") == REASON
    assert [m for m in missing if m] == [missing[2], "not judged"]
    for text in layers(made, "text"):
        assert text["encoding"]["x"]["datum"] < -1.2
    pale = made["layer"][-1]["encoding"]["y"]["axis"]["labelOpacity"]["condition"]
    assert "Label of amr-wb" in pale["test"]
    assert "Label of gsm" not in pale["test"]
    assert pale["value"] < 1


def test_threshold_and_band_move_with_the_prior():
    from dataclasses import replace

    found = charts.scores(replace(TEST, stance=Stance(0.1)), BAND).to_dict()["datasets"].values()
    lines = next(rows for rows in found if "what" in rows[0])
    assert {r["what"]: r["llr"] for r in lines}["threshold"] == pytest.approx(math.log(9))
    costly = (
        charts.scores(replace(TEST, stance=Stance(cost_false_accusation=4.0)), BAND)
        .to_dict()["datasets"]
        .values()
    )
    lines = next(rows for rows in costly if "what" in rows[0])
    assert {r["what"]: r["llr"] for r in lines}["threshold"] == pytest.approx(math.log(4))
    band = next(rows for rows in found if "low" in rows[0])[0]
    assert (band["low"], band["high"]) == pytest.approx((math.log(9) - 0.5, math.log(9) + 0.5))


def test_errors_stand_in_the_same_rows_and_are_not_invented():
    measured = charts.measured_errors(FIGURES, "embedded")
    rows, made = data(charts.errors(TEST, measured))
    assert [r["condition"] for r in rows] == [r.condition for r in TEST.rows]
    assert [r["value"] for r in rows] == [31.0, 45.0, None, None, None]
    assert [r["missing"] for r in rows] == ["", "", *["not measured"] * 3]
    lines = next(r for r in made["datasets"].values() if "what" in r[0])
    assert lines == [
        {"value": 50.0, "what": "guessing"},
        {"value": 22.0, "what": "clips as they are"},
    ]
    assert made["height"] == charts.scores(TEST).to_dict()["height"]  # rows line up
    sorts = [
        layer["encoding"]["y"]["sort"]
        for chart in (made, charts.scores(TEST).to_dict())
        for layer in chart["layer"]
        if "y" in layer["encoding"]
    ]
    assert all(sort == [r.label for r in TEST.rows] for sort in sorts)


def test_clips_as_they_are_are_compared_on_as_many_windows_only():
    found = charts.measured_errors(FIGURES[FIGURES["condition"] != "none, 1 window"], "embedded")
    assert list(found["condition"]) == ["opus-16", "gsm"]
    whole = pd.DataFrame([figure("none", 20.0, "pooled"), figure("gsm", 40.0)])
    assert list(charts.measured_errors(whole, "embedded")["condition"]) == ["none", "gsm"]


def test_all_windows_are_preferred_to_a_few():
    both = pd.DataFrame([figure("gsm, 1 window", 45.0), figure("gsm", 40.0)])
    (only,) = charts.measured_errors(both, "embedded").itertuples()
    assert (only.value, only.windows) == (40.0, "")


@pytest.mark.parametrize("figures", [None, FIGURES.iloc[:0], FIGURES.iloc[:1]])
def test_nothing_measured_is_an_empty_table(figures):
    assert charts.measured_errors(figures, "embedded").empty
    assert charts.measured_errors(FIGURES, "unheard of").empty


def test_the_shipped_table_is_read():
    table = tables.load("embedded")
    measured = charts.measured_errors(table, "embedded")
    codecs = table[(table["breakdown"] == "codec") & (table["metric"] == "eer_percent")]
    assert len(measured) > 0
    assert set(measured["value"]) <= set(table["value"])
    named = {c.partition(", ")[0] for c in codecs["condition"]}
    assert set(measured["condition"]) - {"none"} == named - {"none"}


def test_charts_render_in_both_themes():
    import vl_convert

    measured = charts.measured_errors(FIGURES, "embedded")
    for palette in (LIGHT, DARK):
        for chart in (charts.scores(TEST, BAND, palette), charts.errors(TEST, measured, palette)):
            assert isinstance(chart, alt.LayerChart)
            svg = vl_convert.vegalite_to_svg(chart.to_dict())
            assert "Label of noise-10" in svg
