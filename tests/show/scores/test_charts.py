"""Charts of how far scores can be believed."""

import pandas as pd
import pytest

from core.show.scores import charts as score_charts

ROWS = pd.DataFrame(
    {
        "condition": ["stated 12.5 %", "stated 80.0 %"],
        "value": [10.0, 75.0],
        "n_bonafide": [9, 2],
        "n_spoof": [1, 6],
    }
)


def test_reliability_rows_become_points():
    frame = score_charts.stated_and_observed(ROWS)
    assert frame["stated"].tolist() == pytest.approx([0.125, 0.8])
    assert frame["observed"].tolist() == pytest.approx([0.10, 0.75])
    assert frame["trials"].tolist() == [10, 8]
    spec = score_charts.reliability(frame, "Title").to_dict()
    assert spec["layer"][1]["encoding"]["color"]["scale"]["domain"] == ["as given"]


@pytest.mark.parametrize(("top", "kind"), [(0.3, None), (0.97, "symlog")])
def test_saturated_scores_get_an_axis_on_which_the_rest_can_be_read(top, kind):
    rest = (1 - top) / 3
    frame = pd.DataFrame(
        {
            "label": "spoofed",
            "low": [0.0, 0.25, 0.5, 0.75],
            "high": [0.25, 0.5, 0.75, 1.0],
            "count": 10,
            "share": [rest, rest, rest, top],
        }
    )
    encoding = score_charts.scores(frame, 0.5, "Title").to_dict()["layer"][0]["encoding"]
    assert encoding["y2"] == {"datum": 0}
    y = encoding["y"]
    assert y["scale"].get("type") == kind
    assert ("logarithmic" in y["title"]) == (kind is not None)


def test_risk_is_drawn_over_the_share_of_clips():
    rows = ROWS.assign(condition=["50 %", "100 %"])
    spec = score_charts.risk(rows, "Title").to_dict()
    data = next(iter(spec["datasets"].values()))
    assert [d["judged"] for d in data] == [50, 100]
    assert spec["encoding"]["y"]["field"] == "value"
