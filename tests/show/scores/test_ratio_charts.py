"""APE and Tippett plots as charts."""

import numpy as np
import pandas as pd
import pytest

from core.evaluate.analysis import applied_error, tippett
from core.evaluate.metrics import Tally
from core.show.scores import ratio_charts
from core.show.theme import DARK, LIGHT

TALLY = Tally.of([-2.0, -1.0, 0.5], [-0.5, 1.0, 90.0])


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_ape_plot_keeps_what_is_near_no_detector_readable(palette):
    frame = applied_error(TALLY).replace({"actual": ratio_charts.ACTUAL})
    spec = ratio_charts.applied_error(frame, 0.5, "Title", palette=palette).to_dict()
    encoding = spec["layer"][0]["encoding"]
    assert encoding["y"]["scale"]["domain"][1] <= 80
    assert encoding["color"]["scale"]["domain"] == [ratio_charts.ACTUAL, ratio_charts.NONE]
    rule = spec["datasets"][spec["layer"][1]["data"]["name"]]
    assert rule[0]["log_odds"] == 0.5


def test_the_tippett_plot_is_in_steps_of_base_ten():
    spec = ratio_charts.tippett(tippett(TALLY), "Title").to_dict()
    assert spec["layer"][0]["mark"]["interpolate"] == "step-after"
    rows = pd.DataFrame(spec["datasets"][spec["layer"][0]["data"]["name"]])
    assert rows["llr"].max() == pytest.approx(90 / np.log(10))
    assert rows.groupby("label")["percent"].min().tolist() == [0, 0]
