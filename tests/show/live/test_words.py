"""What Live says of one window, and of several."""

import pytest

from core.detect.decision import Stance
from core.detect.stream.snapshot import LiveWindow, Snapshot
from core.show.live import words


@pytest.mark.parametrize(("n", "said"), [(0, "0 windows so far"), (1, "1 window so far"),
                                         (2, "2 windows so far")])  # fmt: skip
def test_one_is_no_plural(n: int, said: str) -> None:
    windows = tuple(LiveWindow(2.0 * i, 2.0 * i + 4, 1.0, 4.0, own=True) for i in range(n))
    shot = Snapshot(
        "live", 20.0, 0.1, 20.0, 0.0, 9.0, 100, 0, n, -20.0, windows, None, None, None, True, ""
    )
    assert words.in_words(shot, Stance(), (-0.7, 0.7)).startswith(said)
    skipped = [line for line in words.losses(shot) if "not scored" in line]
    assert [" ".join(line.split()[:3]) for line in skipped] == {
        0: [], 1: ["1 window was"], 2: ["2 windows were"]
    }[n]  # fmt: skip
