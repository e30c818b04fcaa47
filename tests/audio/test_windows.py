"""Windows cover every sample once or more, with the right lengths at every boundary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.windows import HOP, WINDOW, stack_windows, window_ranges


@pytest.mark.parametrize(
    ("n", "count", "last"),
    [
        (1, 1, (0, 1)),
        (63_999, 1, (0, 63_999)),
        (64_000, 1, (0, 64_000)),
        (64_001, 2, (32_000, 64_001)),
        (95_999, 2, (32_000, 95_999)),
        (96_000, 2, (32_000, 96_000)),  # 6.0 s: two windows, no half-empty third
        (96_001, 3, (64_000, 96_001)),
        (128_000, 3, (64_000, 128_000)),
        (128_001, 4, (96_000, 128_001)),
        (16_000 * 3600, 1799, (57_536_000, 57_600_000)),
    ],
)
def test_known_lengths(n: int, count: int, last: tuple[int, int]) -> None:
    ranges = window_ranges(n)
    assert len(ranges) == count
    assert ranges[0][0] == 0
    assert ranges[-1] == last


sizes = st.tuples(st.integers(1, 500), st.integers(1, 100), st.integers(1, 100)).filter(
    lambda s: s[2] <= s[1]
)


@given(sizes)
def test_every_sample_is_covered_and_no_window_is_redundant(size: tuple[int, int, int]) -> None:
    n, length, hop = size
    ranges = window_ranges(n, length, hop)
    covered = np.zeros(n, int)
    for start, end in ranges:
        covered[start:end] += 1
    assert covered.min() >= 1
    assert [start for start, _ in ranges] == [i * hop for i in range(len(ranges))]
    assert all(end - start == length for start, end in ranges[:-1])
    assert ranges[-1][1] == n
    assert 0 < ranges[-1][1] - ranges[-1][0] <= length
    # The last window holds something that the one before does not.
    assert len(ranges) == 1 or ranges[-2][1] < n


@given(st.integers(1, 2_000_000))
def test_default_windows_at_any_length(n: int) -> None:
    ranges = window_ranges(n)
    assert len(ranges) == max(1, 1 + int(np.ceil((n - WINDOW) / HOP)))
    assert ranges[-1][1] == n


@given(sizes)
def test_stacked_windows_hold_the_samples_and_then_zeros(size: tuple[int, int, int]) -> None:
    n, length, hop = size
    samples = np.arange(1, n + 1, dtype=np.float32)
    ranges = window_ranges(n, length, hop)
    batch = stack_windows(samples, ranges, length)
    assert batch.shape == (len(ranges), length)
    assert batch.dtype == np.float32
    for row, (start, end) in zip(batch, ranges, strict=True):
        assert np.array_equal(row[: end - start], samples[start:end])
        assert not row[end - start :].any()


def test_short_windows_repeat_from_their_start() -> None:
    samples = np.arange(1, 8, dtype=np.float32)
    batch = stack_windows(samples, [(0, 5), (5, 7)], 5, repeat=True)
    assert batch.tolist() == [[1, 2, 3, 4, 5], [6, 7, 6, 7, 6]]


@pytest.mark.parametrize(("n", "length", "hop"), [(0, 4, 2), (5, 4, 0), (5, 4, 5), (-1, 4, 2)])
def test_impossible_sizes_are_refused(n: int, length: int, hop: int) -> None:
    with pytest.raises(ValueError, match=r"sample|hop"):
        window_ranges(n, length, hop)
