"""What a filter gives is what SciPy's own gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from core.provenance.filtering import filtered


@given(st.integers(1, 3_000), st.integers(0, 4_000), st.booleans(), st.integers(0, 99))
def test_a_filter_gives_what_scipy_gives(short, longer, turning, seed):
    rng = np.random.default_rng(seed)
    sound, kernel = rng.standard_normal(short + longer), rng.standard_normal(short)
    if turning:
        sound = sound * np.exp(1j * np.arange(len(sound)))
    made = filtered(sound, kernel)
    np.testing.assert_allclose(made, fftconvolve(sound, kernel, "valid"), atol=1e-9)
    assert made.dtype == sound.dtype
