"""Trials counted with the place of each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.evaluate.metrics import Tally

SCORES = hnp.arrays(
    float, st.integers(2, 40), elements=st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 2.0, np.inf])
)


@given(SCORES, st.data())
def test_the_place_of_a_trial_is_that_of_its_score_among_the_values(scores, data):
    spoof = data.draw(hnp.arrays(bool, len(scores)).filter(lambda s: s.any() and not s.all()))
    tally, level = Tally.ranked(scores, spoof)
    of = Tally.of(scores[~spoof], scores[spoof])
    assert (tally.values[level] == scores).all() and (np.diff(tally.values) > 0).all()
    assert (tally.bonafide == of.bonafide).all() and (tally.spoof == of.spoof).all()
