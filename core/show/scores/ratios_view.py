"""What scores are worth as log-likelihood ratios: the APE and Tippett plots of Your scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate import analysis
from core.show.scores import ratio_charts
from core.show.scores.files import chart, remembered
from core.show.scores.study import Study

if TYPE_CHECKING:
    import pandas as pd


def ratios(study: Study) -> None:
    """Error over the prior, and both classes' ratios."""
    costs = study.settings.costs
    rows = remembered("applied", *study.of, make=lambda: lines(study))
    found = study.figures["value"]
    chart(
        ratio_charts.applied_error,
        rows,
        -costs.threshold,
        f"As given, scores cost {found['cllr']:.3f} bits; at best {found['min_cllr']:.3f}",
        palette=study.colours,
        key="scores-applied",
        of=(*study.of, costs),
        alt="Applied probability of error over the prior log-odds of a fake.",
    )
    st.caption(
        "APE plot: errors of Bayes decisions at every prior; the areas are Cllr and min Cllr times "
        "2 ln 2. The rule is your prior and costs. Calibrated: by logistic regression on other "
        f"{_others(study)}."
    )
    tally = study.data.everything.tally
    human, fake = analysis.misleading(tally)
    chart(
        ratio_charts.tippett,
        remembered("tippett", *study.of, make=lambda: analysis.tippett(tally)),
        f"{100 * human:.1f} % of humans above 1, {100 * fake:.1f} % of fakes below",
        palette=study.colours,
        key="scores-tippett",
        of=study.of,
        alt=f"Tippett plot; a ratio speaks against the truth for {100 * human:.1f} % of bona fide "
        f"and {100 * fake:.1f} % of spoofed trials.",
    )
    st.caption("Tippett plot: the share of each class whose likelihood ratio is above a value.")


def _others(study: Study) -> str:
    return "speakers" if study.data.unit == "speaker" else "folds of trials"


def lines(study: Study) -> pd.DataFrame:
    """The lines of an APE plot, the scores calibrated by others among them."""
    import pandas as pd

    frame = analysis.applied_error(study.data.everything.tally)
    frame["what"] = frame["what"].replace(
        {"actual": ratio_charts.ACTUAL, "minimum": ratio_charts.LEAST}
    )
    better = analysis.calibrated(study.data)
    if better is None:
        return frame
    other = analysis.applied_error(better.everything.tally)
    other = other[other["what"] == "actual"].assign(what=ratio_charts.CALIBRATED)
    return pd.concat([frame, other], ignore_index=True)
