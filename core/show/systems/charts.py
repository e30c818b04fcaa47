"""Systems on corpora as Altair charts: pure builders that know no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from core.evaluate.arena import SEEN
from core.evaluate.tables import FRONT_ENDS
from core.show.benchmark_charts import PICK, AnyChart
from core.show.benchmark_charts.marks import titled
from core.show.theme import LIGHT, Palette

BOUNDS = (1, 2, 3, 5, 8, 12, 20, 30, 40)
"""EERs in percent between the ten colours of the heat map: finer where systems are good."""

COLUMN, ROW = 32, 22
"""Width and height of a cell in pixels: they are kept, so that its figure can be read anywhere."""

_BANDS = (
    f"under {BOUNDS[0]}",
    *(f"{low} to {high}" for low, high in pairwise(BOUNDS)),
    f"{BOUNDS[-1]} or more",
)
_INKS = ("#000000", "#FFFFFF")
_HATCH = "M-1,-0.2L-0.2,-1M-1,0.6L0.6,-1M-0.6,1L1,-0.6M0.2,1L1,0.2"
_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "triangle-right")
_SYMBOL: dict[str, Any] = {"symbolSize": 110, "symbolOpacity": 1, "symbolStrokeWidth": 0}
"""Of legends: the outline that marks have would eat their symbols."""
_NOT_STATED = "not stated"
_TICKS = [0, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60]


def heat(
    cells: pd.DataFrame,
    title: str,
    *,
    systems: Sequence[str],
    corpora: Sequence[str],
    palette: Palette = LIGHT,
) -> AnyChart:
    """Systems by corpora: one coloured cell a figure, hatched where the corpus was in training.

    Parameters
    ----------
    cells : pandas.DataFrame
        As `core.evaluate.arena.cells` gives them; a click picks ``benchmark``.
    title : str
        What is shown.
    systems, corpora : sequence of str
        Rows from top to bottom, columns from left to right.
    """
    data = cells[cells["system"].isin(systems) & cells["benchmark"].isin(corpora)].copy()
    data["band"] = data["value"].map(lambda v: _BANDS[_step(v)])
    data["ink"] = [_ink(palette.sequential[_step(v)]) for v in data["value"]]
    data["shown"] = data["value"].map("{:.1f}".format)
    data["exact"] = data["value"].map("{:g} %".format)
    data["cell"] = data["system"] + " on " + data["benchmark"] + ": " + data["exact"]
    for column in ("crop", "pooling", "subset"):
        data[column] = data[column].where(data[column] != "", "not stated")
    have = set(zip(data["system"], data["benchmark"], strict=True))
    empty = pd.DataFrame(
        [(s, b, "not reported") for s in systems for b in corpora if (s, b) not in have],
        columns=["system", "benchmark", "exact"],
    )
    x = alt.X(
        "benchmark:N",
        title=None,
        sort=list(corpora),
        scale=alt.Scale(domain=list(corpora)),
        axis=alt.Axis(orient="top", labelAngle=-60, labelLimit=190, labelOverlap=False, grid=False),
    )
    y = alt.Y(
        "system:N",
        title=None,
        sort=list(systems),
        scale=alt.Scale(domain=list(systems)),
        axis=alt.Axis(
            labelLimit=230, labelOverlap=False, labelBound=False, labelFlush=False, grid=False
        ),
    )
    words = {
        "system": "System",
        "benchmark": "Corpus",
        "exact": "EER",
        "kind": "Kind",
        "reported_by": "Reported by",
        "all_figures": "All figures",
        "seen": "The corpus was",
        "subset": "Part of it",
        "crop": "Heard of a clip",
        "pooling": "Pooled by",
        "source": "Source",
    }
    pick = alt.selection_point(name=PICK, fields=["benchmark"], on="click", empty=False)
    base = alt.Chart(data).encode(x=x, y=y)
    # As bands with names: a legend of thresholds would crowd where colours are finest.
    coloured = base.mark_rect(stroke=palette.background, aria=False).encode(
        color=alt.Color(
            "band:N",
            title="EER (%)",
            scale=alt.Scale(domain=list(_BANDS), range=list(palette.sequential)),
            legend=alt.Legend(orient="bottom", symbolType="square", columns=5, **_SYMBOL),
        )
    )
    ink = alt.condition(f"datum.ink === '{_INKS[0]}'", *map(alt.value, _INKS))
    hatches = (
        base.transform_filter(alt.datum.seen == SEEN)
        .mark_point(
            shape=_HATCH, size=ROW**2 * 1.1, strokeWidth=1, opacity=0.35, filled=False, aria=False
        )
        .encode(color=ink)
    )
    figures = base.mark_text(fontSize=11, aria=False).encode(text="shown:N", color=ink)
    # What is clicked and read out lies over hatches and figures, which would catch the pointer.
    covers = base.mark_rect(fillOpacity=0, cursor="pointer").encode(
        tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in words.items()],
        description="cell:N",
    )
    gaps = (
        alt.Chart(empty)
        .mark_rect(fill=palette.surface, stroke=palette.background, aria=False)
        .encode(
            x=x,
            y=y,
            tooltip=[alt.Tooltip(f"{c}:N", title=words[c]) for c in empty],
        )
    )
    layers = [coloured, hatches, figures, covers.add_params(pick)]
    layered = alt.layer(*([gaps] if len(empty) else []), *layers)
    chart: Any = titled(layered, title, 0, palette, legend_rows=2)
    return chart.properties(
        width=COLUMN * len(corpora),
        height=ROW * len(systems),
        autosize=alt.AutoSizeParams(type="pad", contains="content"),
        # So many marks would else become one picture, without a word for who cannot see it.
        usermeta={"dark": palette is not LIGHT, "embedOptions": {"renderer": "svg"}},
    )


def generalisation(
    points: pd.DataFrame,
    title: str,
    *,
    seen_on: str,
    unseen_on: str,
    by_year: bool = False,
    palette: Palette = LIGHT,
) -> AnyChart:
    """Error on a corpus that was not in training against one that was, or against the year.

    Parameters
    ----------
    points : pandas.DataFrame
        As `core.evaluate.arena.in_and_out` gives them; at least one.
    title : str
        Finding or quantity.
    seen_on, unseen_on : str
        The two corpora, for the axes.
    by_year : bool
        Whether the horizontal axis is the year; systems of no known year are left out.
    """
    data = points[points["year"].notna()].copy() if by_year else points.copy()
    data["front_end_family"] = data["front_end_family"].where(
        data["front_end_family"] != "", _NOT_STATED
    )
    data["size"] = data["parameters"].map(_size)
    data["parameters_shown"] = data["parameters"].map(_count)
    data["year_shown"] = data["year"].map(lambda y: _NOT_STATED if pd.isna(y) else f"{y:.0f}")
    order = [*FRONT_ENDS, _NOT_STATED]
    present = [f for f in order if f in set(data["front_end_family"])]
    # One colour a front end whatever is left out; what is not stated has that of no verdict.
    colours = dict(zip(order, (*palette.series, palette.neutral), strict=True))
    shapes = dict(zip(order, (*_SHAPES, "triangle-left", "wedge"), strict=True))
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=260, **_SYMBOL)
    scale = alt.Scale(type="sqrt", nice=False, padding=14)
    axis = alt.Axis(values=_TICKS, format="~g")
    y = alt.Y("outside:Q", title=f"EER (%) on {unseen_on}", scale=scale, axis=axis)
    x = (
        alt.X("year_shown:O", title="Year", axis=alt.Axis(labelAngle=0))
        if by_year
        else alt.X("inside:Q", title=f"EER (%) on {seen_on}, in training", scale=scale, axis=axis)
    )
    words = {
        "system": "System",
        "inside": f"EER on {seen_on}",
        "outside": f"EER on {unseen_on}",
        "front_end": "Front end",
        "parameters_shown": "Parameters",
        "year_shown": "Year",
        "trained_on": "Trained on",
        "source_inside": "Source, in training",
        "source_outside": "Source, not in training",
    }
    domain: dict[str, Any] = {"domain": present}
    dots = (
        alt.Chart(data)
        .mark_point(filled=True, opacity=0.85, stroke=palette.background, strokeWidth=0.8)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "front_end_family:N",
                title=None,
                scale=alt.Scale(**domain, range=[colours[f] for f in present]),
                legend=legend,
            ),
            shape=alt.Shape(
                "front_end_family:N",
                title=None,
                scale=alt.Scale(**domain, range=[shapes[f] for f in present]),
                legend=legend,
            ),
            size=alt.Size("size:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in words.items()],
        )
    )
    if by_year:
        return titled(dots, title, 380, palette, legend_rows=len(present))
    top = float(min(data["inside"].max(), data["outside"].max()))
    same = (
        alt.Chart(pd.DataFrame({"inside": [i * top / 40 for i in range(41)]}))
        .mark_line(color=palette.neutral, strokeDash=[3, 4], strokeWidth=1.5)
        .encode(x=x, y=alt.Y("inside:Q", title=f"EER (%) on {unseen_on}", scale=scale, axis=axis))
    )
    return titled(alt.layer(same, dots), title, 380, palette, legend_rows=len(present))


def contradictions(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """What different reporters say of one cell: a point each, joined by a line.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `core.evaluate.arena.contradictions` gives them; at least two rows.
    """
    data = frame.copy()
    data["place"] = data["system"] + "\n" + data["benchmark"]
    data["exact"] = data["value"].map("{:g} %".format)
    data["heard"] = data["crop"].where(data["crop"] != "", "not stated")
    order = list(dict.fromkeys(data["place"]))
    reporters = sorted(data["reported_by"].unique())
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(reporters))]
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=260)
    y = alt.Y(
        "place:N",
        title=None,
        sort=order,
        axis=alt.Axis(labelLimit=190, labelOverlap=False, labelExpr="split(datum.label, '\\n')"),
    )
    x = alt.X(
        "value:Q",
        title="EER (%)",
        scale=alt.Scale(type="sqrt", nice=False, padding=12),
        axis=alt.Axis(values=_TICKS, format="~g"),
    )
    base = alt.Chart(data)
    lines = base.mark_line(color=palette.neutral, strokeWidth=1.5).encode(
        x=x, y=y, detail="place:N"
    )
    tooltip = {
        "system": "System",
        "benchmark": "Corpus",
        "exact": "EER",
        "reported_by": "Reported by",
        "kind": "Kind",
        "heard": "Heard of a clip",
        "note": "Note",
        "source": "Source",
    }
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color(
            "reported_by:N",
            title=None,
            legend=legend,
            scale=alt.Scale(domain=reporters, range=list(palette.series[: len(reporters)])),
        ),
        shape=alt.Shape(
            "reported_by:N",
            title=None,
            legend=legend,
            scale=alt.Scale(domain=reporters, range=shapes),
        ),
        tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in tooltip.items()],
    )
    height = 38 * len(order) + 12
    return titled(alt.layer(lines, dots), title, height, palette, legend_rows=len(reporters))


def _step(value: float) -> int:
    """Which of the ten colours a figure has."""
    return sum(value >= bound for bound in BOUNDS)


def _ink(background: str) -> str:
    """The ink that stands out more from a colour (WCAG 2.2)."""
    return max(_INKS, key=lambda ink: contrast(ink, background))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, as WCAG 2.2 defines it; 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _size(parameters: float) -> float:
    """Area of a point: a step for every factor of ten; the smallest where it is not known."""
    if pd.isna(parameters):
        return 60.0
    digits = len(f"{parameters:.0f}")
    return 60.0 + 45.0 * max(1, digits - 4)


def _count(parameters: float) -> str:
    if pd.isna(parameters):
        return "not stated"
    for unit, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if parameters >= unit:
            return f"{parameters / unit:.3g} {word}"
    return f"{parameters:.0f}"
