"""Tables of one case of a report: its windows, its spans, its stress test."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from core.detect.detection import Detection
from core.detect.spans import band_in_probability, cells, synthetic_spans
from core.detect.stress import StressTest
from core.show.clip import charts

if TYPE_CHECKING:
    import pandas as pd


MOST_BARS = 1_000
"""Windows in a printed chart."""


def few_windows(d: Detection) -> tuple[Detection, str]:
    """A detection of as many windows as can be told apart in print, and what was left out."""
    group = -(-len(d.windows) // MOST_BARS)
    if group <= 1:
        return d, ""
    highest = tuple(
        max(d.windows[i : i + group], key=lambda w: -math.inf if w.llr is None else w.llr)
        for i in range(0, len(d.windows), group)
    )
    return (
        replace(d, windows=highest),
        f" There are {len(d.windows):,} windows: of every {group} the highest is drawn.",
    )


def spans_table(
    d: Detection, band: tuple[float, float]
) -> tuple[str, str, pd.DataFrame | None, None]:
    """Title, sentence and table of the spans towards synthetic, none without any; no picture."""
    import pandas as pd

    edge = band_in_probability(band, d.stance.threshold)[2]
    found = synthetic_spans(cells(d, band))
    title = "Spans towards synthetic"
    if not found:
        return title, f"No stretch lies above {charts.percent(edge)}.", None, None
    return (
        title,
        f"Stretches whose windows lie above {charts.percent(edge)}.",
        pd.DataFrame(
            {
                "from (s)": [f"{s.start_s:.2f}" for s in found],
                "to (s)": [f"{s.end_s:.2f}" for s in found],
                "highest score": [f"{s.peak_llr:+.2f}" for s in found],
            }
        ),
        None,
    )


def stress_table(test: StressTest) -> tuple[str, str, pd.DataFrame, None]:
    """Title, sentence and table of a stress test; there is no picture."""
    import pandas as pd

    return (
        "Does the verdict hold?",
        f"{test.summary()} Tested from {test.from_s:g} to {test.to_s:g} s"
        + ("" if test.whole else ", and compared with the verdict on that part alone")
        + ". A verdict that holds is firm, not right.",
        pd.DataFrame(
            {
                "condition": [row.label for row in test.rows],
                "score": ["" if row.llr is None else f"{row.llr:+.2f}" for row in test.rows],
                "verdict": [row.verdict or "" for row in test.rows],
                "compared with the clip": [row.outcome or "" for row in test.rows],
                "note": [row.reason or row.note for row in test.rows],
            }
        ),
        None,
    )
