"""Charts of systems on corpora: every drawn cell is a row, and its figure can be read."""

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.evaluate import arena, tables
from core.show.systems import charts, generalisation
from core.show.theme import DARK, LIGHT, contrast, ink

FIGURES = arena.joined(
    tables.load("arena"), tables.load("arena_systems"), tables.load("arena_corpora")
)
CELLS = arena.cells(FIGURES)
SYSTEMS, CORPORA = sorted(CELLS["system"].unique()), sorted(CELLS["benchmark"].unique())
POINTS = arena.inside_and_outside(CELLS)
SIDES = {"outside_on": "on one", "inside_on": "on the other", "marked": POINTS["system"].iloc[0]}


def data(chart) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a heat map draws: its cells, and its gaps; another test holds it to the schema."""
    tables = [pd.DataFrame(rows) for rows in chart.to_dict(validate=False)["datasets"].values()]
    gaps = [t for t in tables if "value" not in t]
    return next(t for t in tables if "value" in t), gaps[0] if gaps else pd.DataFrame()


@settings(max_examples=8, deadline=None)
@given(
    st.sets(st.sampled_from(SYSTEMS), min_size=1, max_size=12),
    st.sets(st.sampled_from(CORPORA), min_size=1, max_size=8),
)
def test_every_drawn_cell_is_a_row_and_the_rest_is_not_reported(systems, corpora):
    assume((CELLS["system"].isin(systems) & CELLS["benchmark"].isin(corpora)).any())
    chart = charts.heat(CELLS, "t", systems=sorted(systems), corpora=sorted(corpora))
    known = {(r.system, r.benchmark, r.value, r.source) for r in FIGURES.itertuples()}
    cells, gaps = data(chart)
    assert {(r.system, r.benchmark, r.value, r.source) for r in cells.itertuples()} <= known
    places = [(r.system, r.benchmark) for r in cells.itertuples()]
    places += [(r.system, r.benchmark) for r in gaps.itertuples()]
    assert sorted(places) == sorted((s, c) for s in systems for c in corpora)
    assert gaps.empty or set(gaps["exact"]) == {"not reported"}


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_figures_stand_out_from_every_colour(palette):
    for colour in palette.sequential:
        assert contrast(ink(colour), colour) >= 4.5


@pytest.mark.parametrize(
    ("value", "band"),
    [(0, "under 1"), (0.99, "under 1"), (1, "1 to 2"), (39.9, "30 to 40"), (100, "40 or more")],
)
def test_a_figure_has_the_colour_of_its_band(value, band):
    cells = CELLS.head(1).assign(value=value)
    row = cells.iloc[0]
    chart = charts.heat(cells, "t", systems=[row["system"]], corpora=[row["benchmark"]])
    assert data(chart)[0]["band"].tolist() == [band]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_every_cell_is_read_out_once(palette):
    spec = charts.heat(
        CELLS, "t", systems=SYSTEMS, corpora=CORPORA, palette=palette
    ).to_dict(validate=False)  # fmt: skip
    said = [layer for layer in spec["layer"] if layer["mark"].get("aria", True)]
    assert [layer["encoding"]["description"]["field"] for layer in said] == ["cell"]
    assert spec["usermeta"]["embedOptions"] == {"renderer": "svg"}
    assert spec["usermeta"]["dark"] == (palette is DARK)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_charts_are_valid_and_no_colour_stands_for_two(palette):
    made = [
        charts.heat(CELLS, "t", systems=SYSTEMS, corpora=CORPORA, palette=palette),
        generalisation.ways(POINTS, "t", marked=SIDES["marked"], palette=palette),
        *(
            generalisation.along(POINTS, "t", by=by, **SIDES, palette=palette)
            for by in generalisation.ALONG
        ),
        charts.contradictions(arena.contradictions(FIGURES), "t", palette=palette),
    ]
    specs = [chart.to_dict() for chart in made]
    layers = [layer for spec in specs for layer in spec.get("layer", [spec])]
    scales = [layer["encoding"].get("color", {}).get("scale") or {} for layer in layers]
    scales = [scale for scale in scales if "range" in scale]
    assert len(scales) >= len(made) - 1
    for scale in scales:
        assert len(set(scale["range"])) == len(scale["range"]) >= len(scale["domain"])


def test_points_grow_with_parameters_and_the_unknown_are_the_smallest():
    sizes = [generalisation.size(p) for p in (float("nan"), 85_306, 297_866, 3e8, 8e9)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1]
    assert generalisation.count(85_306) == "85.3 thousand"
    assert generalisation.count(float("nan")) == "not stated"


@pytest.mark.parametrize("by", generalisation.ALONG)
def test_a_system_of_which_a_place_is_not_known_is_left_out(by):
    chart = generalisation.along(POINTS, "t", by=by, **SIDES)
    drawn = max(map(len, chart.to_dict(validate=False)["datasets"].values()))
    assert drawn >= POINTS[by].notna().sum() > 10
