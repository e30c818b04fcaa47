"""A stress test as Altair charts: pure builders that know no Streamlit."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.detect.detection import IN_PART, Verdict
from core.detect.spans import band_in_llr
from core.detect.stress import StressRow, StressTest
from core.evaluate.names import EER
from core.show.clip.charts import percent
from core.show.theme import LIGHT, VERDICTS, Palette, chart_config

ROW, AROUND = 24, 112
"""Pixels that a condition takes, and the title and axis of a chart."""

OUTCOMES = {
    "holds": ("✓", "holds"),
    "undecided": ("◆", "becomes inconclusive"),
    "turns": ("✕", "turns into the opposite"),
}
"""Mark and words of each outcome."""

LEGEND = (
    ":small[●\u00a0verdict\u00a0holds &emsp; ◆\u00a0no\u00a0verdict &emsp; "
    "✕\u00a0another\u00a0verdict &emsp; :orange[■]\u00a0synthetic &emsp; "
    ":blue[■]\u00a0authentic &emsp; :gray[■]\u00a0inconclusive]"
)
"""What shapes and colours of `scores` mean, in Streamlit's Markdown."""

_COLOURS = {"orange": "synthetic", "blue": "authentic", "gray": "neutral"}
_CROSS = "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z"
_SHAPES = {"as it is": "circle", "holds": "circle", "undecided": "diamond", "turns": _CROSS}


def happens(row: StressRow, own: Verdict | None = None) -> str:
    """What becomes of the clip's ``own`` verdict under one condition, with a mark: never by colour
    alone."""
    if row.reason is not None:
        return "– not available here"
    if row.outcome is not None:
        mark, words = OUTCOMES[row.outcome]
        if row.verdict == "not judged":
            words = "can no longer be judged"
        elif own == IN_PART and row.outcome == "turns":
            words = f"becomes {VERDICTS[row.verdict or 'not judged'].word.lower()}"
        return f"{mark} {words}"
    style = VERDICTS[row.verdict or "not judged"]
    return f"{style.mark} {style.word.lower()}"


def scores(
    test: StressTest, band: tuple[float, float] = (0.0, 0.0), palette: Palette = LIGHT
) -> alt.LayerChart | alt.FacetChart:
    """Score under each condition, drawn from the clip's own; what cannot be made is greyed.

    Parameters
    ----------
    test : StressTest
        With at least one row and a score of its own.
    band : (float, float)
        Posterior log-odds without a verdict, from the detector's `Decision`.
    """
    own = test.llr or 0.0
    frame = _in_words(test, own)
    low, threshold, high = band_in_llr(test.stance, band)
    values = [own, threshold, low, high, *frame["llr"].dropna()]
    room = 0.08 * (max(values) - min(values) or 1.0)
    domain = [min(values) - room, max(values) + room]
    x = alt.X(
        "llr:Q",
        title=["Log-likelihood ratio", "human ← → synthetic"],
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(format="+.1f", tickCount=5),
    )
    y = _rows(test)
    colour = alt.Color(
        "verdict:N",
        scale=alt.Scale(
            domain=[VERDICTS[v].word for v in VERDICTS],
            range=[getattr(palette, _COLOURS[style.colour]) for style in VERDICTS.values()],
        ),
        legend=None,
    )
    shape = alt.Shape(
        "shape:N",
        scale=alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values())),
        legend=None,
    )
    tooltip = [
        alt.Tooltip("label:N", title="Condition"),
        alt.Tooltip("happens:N", title="The verdict"),
        alt.Tooltip("llr:Q", title="Log-likelihood ratio", format="+.2f"),
        alt.Tooltip("own:Q", title="The clip's own", format="+.2f"),
        alt.Tooltip("chance:N", title="Chance of synthetic"),
        alt.Tooltip("why:N", title="Note"),
    ]
    base = alt.Chart()
    heard = base.transform_filter("isValid(datum.llr)")
    lines = pd.DataFrame({"llr": [own, threshold], "what": ["the clip as it is", "threshold"]})
    rules = alt.Chart(lines).mark_rule(color=palette.rule, strokeWidth=1.5)
    layers: list[alt.Chart] = [
        rules.encode(
            x=x,
            tooltip=alt.Tooltip("what:N", title="Line"),
            strokeDash=alt.StrokeDash(
                "what:N",
                scale=alt.Scale(domain=lines["what"].tolist(), range=[[1, 0], [5, 4]]),
                legend=None,
            ),
        ),
        heard.mark_rule(strokeWidth=2, opacity=0.6).encode(
            x=alt.X("own:Q"), x2=alt.X2("llr:Q"), y=y, color=colour
        ),
        heard.mark_point(filled=True, size=90, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
        *_words(base, y, domain[0], palette, tooltip[:2] + tooltip[-1:]),
    ]
    if high > low:
        belt = pd.DataFrame({"low": [low], "high": [high]})
        layers.insert(
            0,
            alt.Chart(belt)
            .mark_rect(color=palette.neutral, opacity=0.18)
            .encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        )
    return alt.layer(
        *layers,
        data=frame,
        height=ROW * len(frame) + AROUND,
        title=_title("Score of this clip"),
        config=chart_config(palette),
    )


def _in_words(test: StressTest, own: float) -> pd.DataFrame:
    """A row a condition: its score beside the clip's own, and what is told of it."""
    return pd.DataFrame(
        {
            "label": [row.label for row in test.rows],
            "llr": pd.Series([row.llr for row in test.rows], dtype="float64"),
            "own": own,
            "verdict": [_word(row.verdict) for row in test.rows],
            "shape": [row.outcome or "as it is" for row in test.rows],
            "happens": [happens(row, test.verdict) for row in test.rows],
            "chance": ["" if row.p_spoof is None else percent(row.p_spoof) for row in test.rows],
            "why": [row.reason or row.note for row in test.rows],
            "missing": ["" if row.llr is not None else _missing(row) for row in test.rows],
        }
    )


def errors(
    test: StressTest, measured: pd.DataFrame, palette: Palette = LIGHT
) -> alt.LayerChart | alt.FacetChart:
    """The detector's measured error under the same conditions, row by row with `scores`.

    Parameters
    ----------
    test : StressTest
        Whose conditions are the rows.
    measured : pandas.DataFrame
        From `measured_errors`.
    """
    frame = pd.DataFrame(
        {"condition": [r.condition for r in test.rows], "label": [r.label for r in test.rows]}
    ).merge(measured, "left", "condition")
    frame["missing"] = frame["value"].isna().map({True: "not measured", False: ""})
    clean = measured.loc[measured["condition"] == "none", "value"].tolist()
    marks = [50.0, *clean]
    names = ["guessing", *["clips as they are" for _ in clean]]
    top = max([55.0, *frame["high"].dropna() + 2])
    x = alt.X(
        "value:Q",
        title=["EER (%), with", "95 % interval"],
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(values=[0, 25, 50]),
    )
    y = _rows(test)
    tooltip = [
        alt.Tooltip("label:N", title="Condition"),
        alt.Tooltip("value:Q", title="Equal error rate (%)", format=".1f"),
        alt.Tooltip("low:Q", title="From", format=".1f"),
        alt.Tooltip("high:Q", title="To", format=".1f"),
        alt.Tooltip("n_bonafide:Q", title="Human clips", format=",.0f"),
        alt.Tooltip("n_spoof:Q", title="Synthetic clips", format=",.0f"),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart()
    known = base.transform_filter("isValid(datum.value)")
    lines = pd.DataFrame({"value": marks, "what": names})
    layers = [
        alt.Chart(lines)
        .mark_rule(color=palette.rule, strokeWidth=1.5)
        .encode(
            x=x,
            tooltip=alt.Tooltip("what:N", title="Line"),
            strokeDash=alt.StrokeDash(
                "what:N",
                scale=alt.Scale(domain=["clips as they are", "guessing"], range=[[1, 0], [5, 4]]),
                legend=None,
            ),
        ),
        known.mark_rule(strokeWidth=2, color=palette.neutral).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y
        ),
        known.mark_point(filled=True, size=80, opacity=1, color=palette.neutral_text).encode(
            x=x, y=y, tooltip=tooltip
        ),
        *_words(base, y, 0.0, palette, tooltip[:1]),
    ]
    return alt.layer(
        *layers,
        data=frame,
        height=ROW * len(frame) + AROUND,
        title=_title("Measured error"),
        config=chart_config(palette),
    )


MEASURED = ("condition", "value", "low", "high", "n_bonafide", "n_spoof", "windows", "source")


def measured_errors(figures: pd.DataFrame | None, system: str) -> pd.DataFrame:
    """Equal error rates of a system by codec, and of the clips as they are, if comparable.

    Parameters
    ----------
    figures : pandas.DataFrame or None
        A table of figures; conditions are like ``gsm`` or ``gsm, 1 window``.
    system : str
        As in the table.

    Returns
    -------
    pandas.DataFrame
        Columns `MEASURED` and ``benchmark``, one row per condition, of the benchmark with the most
        conditions; ``windows`` is how many of each clip were scored, "" for all. The clips as they
        are (``none``) are there only where they were measured on as many windows as the codecs.
    """
    empty = pd.DataFrame(columns=[*MEASURED, "benchmark"])
    if figures is None or figures.empty:
        return empty
    rows = figures[
        (figures["system"] == system)
        & figures["breakdown"].isin(["codec", "pooled"])
        & figures["metric"].isin(EER)
    ]
    if rows.empty:
        return empty
    parts = rows["condition"].str.partition(", ")
    rows = rows.assign(
        condition=parts[0],
        windows=parts[2],
        rank=parts[2].str.extract(r"(\d+)", expand=False).astype(float).fillna(float("inf")),
        benchmark=rows["benchmark"] + ", " + rows["subset"].fillna(""),
    )
    sizes = rows[rows["condition"] != "none"].groupby("benchmark").size()
    if sizes.empty:
        return empty
    rows = rows[rows["benchmark"] == sizes.idxmax()].sort_values("rank", ascending=False)
    coded = rows[rows["condition"] != "none"].drop_duplicates("condition")
    clean = rows[(rows["condition"] == "none") & rows["windows"].isin(coded["windows"])]
    clean = clean if coded["windows"].nunique() == 1 else clean.iloc[:0]
    return pd.concat([clean.head(1), coded])[[*MEASURED, "benchmark"]].reset_index(drop=True)


def _rows(test: StressTest) -> alt.Y:
    """One row per condition, in the order of the test; labels of what cannot be made are pale."""
    pale = json.dumps([row.label for row in test.rows if row.reason is not None])
    opacity: Any = {
        "condition": {"test": f"indexof({pale}, datum.label) >= 0", "value": 0.5},
        "value": 1,
    }
    return alt.Y(
        "label:N",
        title=None,
        sort=[row.label for row in test.rows],
        axis=alt.Axis(
            labelLimit=170, labelOverlap=False, labelFlush=False, labelOpacity=opacity, ticks=False
        ),
    )


def _words(
    base: alt.Chart, y: alt.Y, left: float, palette: Palette, tooltip: Sequence[alt.Tooltip]
) -> tuple[alt.Chart, alt.Chart]:
    """Grey words where there is no point, with a halo that lines do not cross."""
    words = base.transform_filter("length(datum.missing) > 0").transform_calculate(
        lines="split(datum.missing, '\\n')"
    )
    style: dict[str, Any] = {"align": "left", "dx": 6, "fontSize": 10, "lineHeight": 11}
    place: dict[str, Any] = {"x": alt.XDatum(left), "y": y, "text": alt.Text("lines:N")}
    halo = words.mark_text(**style, stroke=palette.background, strokeWidth=4, fill=None)
    return (
        halo.encode(**place),
        words.mark_text(**style, color=palette.neutral_text).encode(**place, tooltip=[*tooltip]),
    )


def _missing(row: StressRow) -> str:
    if row.reason is None:
        return "not judged"
    return "\n".join(textwrap.wrap(row.reason, 34, max_lines=2, placeholder=" …"))


def _word(verdict: Verdict | None) -> str:
    return VERDICTS[verdict or "not judged"].word


def _title(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", fontSize=14)
