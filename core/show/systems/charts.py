"""Systems on corpora as Altair charts: pure builders that know no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, pairwise

import altair as alt
import pandas as pd

from core.evaluate.arena import SEEN
from core.show.figures.charts import PICK, AnyChart
from core.show.figures.charts.marks import by_name, titled
from core.show.systems.generalisation import SYMBOL, TICKS, count
from core.show.theme import INKS, LIGHT, Palette, ink

BOUNDS = (1, 2, 3, 5, 8, 12, 20, 30, 40)
"""EERs in percent between the ten colours of the heat map: finer where systems are good."""

COLUMN, ROW = 32, 22
"""Width and height of a cell in pixels: they are kept, so that its figure can be read anywhere."""

_BANDS = (
    f"under {BOUNDS[0]}",
    *(f"{low} to {high}" for low, high in pairwise(BOUNDS)),
    f"{BOUNDS[-1]} or more",
)
_HATCH = "M-1,-0.2L-0.2,-1M-1,0.6L0.6,-1M-0.6,1L1,-0.6M0.2,1L1,0.2"
_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "triangle-right")

_TOLD = {
    "system": "System",
    "benchmark": "Corpus",
    "exact": "EER",
    "kind": "Kind",
    "reported_by": "Reported by",
    "all_figures": "All figures",
    "seen": "The corpus was",
    "subset": "Part of it",
    "crop": "Part of clip used",
    "pooling": "Pooled by",
    "front_end": "Front end",
    "size": "Parameters",
    "trained_on": "Trained on",
    "year_shown": "Year",
    "licence": "Licence",
    "weights": "Weights",
    "source": "Source",
}
"""What is told of a cell under the pointer, and how it is called."""


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
    wanted = cells["system"].isin(systems) & cells["benchmark"].isin(corpora)
    data = _in_words(cells[wanted], palette)
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
    pick = alt.selection_point(name=PICK, fields=["benchmark"], on="click", empty=False)
    base = alt.Chart().encode(x=x, y=y)
    # As bands with names: a legend of thresholds would crowd where colours are finest.
    coloured = base.mark_rect(stroke=palette.background, aria=False).encode(
        color=by_name(
            alt.Color,
            "band",
            dict(zip(_BANDS, palette.sequential, strict=True)),
            alt.Legend(orient="bottom", symbolType="square", columns=5, **SYMBOL),
            "EER (%)",
        )
    )
    first, second = INKS
    inked = alt.ColorValue(second, condition={"test": f"datum.ink === '{first}'", "value": first})
    hatches = (
        base.transform_filter(alt.datum.seen == SEEN)
        .mark_point(
            shape=_HATCH, size=ROW**2 * 1.1, strokeWidth=1, opacity=0.35, filled=False, aria=False
        )
        .encode(color=inked)
    )
    figures = base.mark_text(fontSize=11, aria=False).encode(text=alt.Text("shown:N"), color=inked)
    # What is clicked and read out lies over hatches and figures, which would catch the pointer.
    covers = base.mark_rect(fillOpacity=0, cursor="pointer").encode(
        tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in _TOLD.items()],
        description=alt.Description("cell:N"),
    )
    gaps = (
        alt.Chart(empty)
        .mark_rect(fill=palette.surface, stroke=palette.background, aria=False)
        .encode(
            x=x,
            y=y,
            tooltip=[alt.Tooltip(f"{c}:N", title=_TOLD[c]) for c in empty],
        )
    )
    layers = [coloured, hatches, figures, covers.add_params(pick)]
    layered = alt.layer(*([gaps] if len(empty) else []), *layers, data=data)
    chart = titled(layered, title, 0, palette, legend_rows=2)
    chart.width, chart.height = COLUMN * len(corpora), ROW * len(systems)
    chart.autosize = alt.AutoSizeParams(type="pad", contains="content")
    # So many marks would else become one picture, without a word for who cannot see it.
    chart.usermeta = {"dark": palette is not LIGHT, "embedOptions": {"renderer": "svg"}}
    return chart


def _in_words(cells: pd.DataFrame, palette: Palette) -> pd.DataFrame:
    """Cells with their colour's band, and everything that is told of them as text."""
    data = cells.copy()
    data["band"] = data["value"].map(lambda v: _BANDS[_step(v)])
    data["ink"] = [ink(palette.sequential[_step(v)]) for v in data["value"]]
    data["shown"] = data["value"].map("{:.1f}".format)
    data["exact"] = data["value"].map("{:g} %".format)
    data["cell"] = data["system"] + " on " + data["benchmark"] + ": " + data["exact"]
    data["size"] = data["parameters"].map(count)
    data["year_shown"] = data["year"].map(lambda y: "not stated" if pd.isna(y) else f"{y:.0f}")
    for column in ("crop", "pooling", "subset", "front_end", "trained_on", "licence", "weights"):
        data[column] = data[column].where(data[column] != "", "not stated")
    return data


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
    colours = dict(zip(reporters, cycle(palette.systems), strict=False))
    shapes = dict(zip(reporters, cycle(_SHAPES), strict=False))
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
        axis=alt.Axis(values=list(TICKS), format="~g"),
    )
    base = alt.Chart(data)
    lines = base.mark_line(color=palette.neutral, strokeWidth=1.5).encode(
        x=x, y=y, detail=alt.Detail("place:N")
    )
    tooltip = {
        "system": "System",
        "benchmark": "Corpus",
        "exact": "EER",
        "reported_by": "Reported by",
        "kind": "Kind",
        "heard": "Part of clip used",
        "note": "Note",
        "source": "Source",
    }
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        y=y,
        color=by_name(alt.Color, "reported_by", colours, legend),
        shape=by_name(alt.Shape, "reported_by", shapes, legend),
        tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in tooltip.items()],
    )
    height = 38 * len(order) + 12
    return titled(alt.layer(lines, dots), title, height, palette, legend_rows=len(reporters))


def _step(value: float) -> int:
    """Which of the ten colours a figure has."""
    return sum(value >= bound for bound in BOUNDS)
