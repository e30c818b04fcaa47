"""Questions beside error rates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.quality import Quality
from core.audio.windows import window_ranges
from core.detect.detection import Detection, Reason
from core.detect.detector import Detector, Evidence
from core.detect.feeds import Feed
from training.clips import read_index
from training.probes import (
    SURFACE,
    shortcut_scores,
    span_figures,
    splice,
    splice_figures,
    spliced_spans,
    spliced_windows,
    surface,
)


def test_the_surface_of_a_clip_is_measured(tiny_index: Path) -> None:
    index = read_index(tiny_index).head(3)
    found = surface(index)
    assert list(found.columns) == list(SURFACE)
    assert found["duration_s"].tolist() == [1.5] * 3
    assert found.notna().all().all()


def test_a_model_of_the_surface_finds_a_shortcut_and_no_other() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, len(SURFACE))), columns=list(SURFACE))
    spoof = np.arange(400) % 2 == 1
    blind = shortcut_scores(frame[:200], spoof[:200], frame[200:])
    assert abs(np.corrcoef(blind, spoof[200:])[0, 1]) < 0.25
    frame.loc[spoof, "level_dbfs"] += 4
    seen = shortcut_scores(frame[:200], spoof[:200], frame[200:])
    assert np.corrcoef(seen, spoof[200:])[0, 1] > 0.8


@pytest.mark.parametrize("fake_first", [True, False])
def test_splices_have_one_level_and_no_click(fake_first: bool) -> None:
    t = np.arange(16_000) / 16_000
    human = np.sin(2 * np.pi * 100 * t).astype(np.float32)
    fake = 0.1 * np.sin(2 * np.pi * 100 * t).astype(np.float32)
    joined = splice(human, fake, fake_first)
    assert len(joined) == 32_000 - 160
    first, second = joined[:15_000], joined[-15_000:]
    assert np.std(first) == pytest.approx(np.std(second), rel=0.01)
    assert np.abs(np.diff(joined)).max() < 0.1


def test_windows_of_splices_point_at_the_synthetic_half(tiny_index: Path) -> None:
    class Bright:
        """Scores dull windows higher: those are the synthetic ones of the tiny corpus."""

        window = 8_000

        def raw_scores(
            self, samples: np.ndarray, ranges: list[tuple[int, int]]
        ) -> tuple[np.ndarray, np.ndarray]:
            power = [np.abs(np.fft.rfft(samples[a:b])) ** 2 for a, b in ranges]
            high = [p[len(p) // 2 :].sum() / p.sum() for p in power]
            return -np.log(np.array(high) + 1e-12), np.zeros((len(ranges), 1))

    index = read_index(tiny_index)
    index["pair"] = (index.index // 2 % 6).astype(str)
    windows = spliced_windows(Bright(), index, limit=6, hop_s=0.25)  # type: ignore[arg-type]
    assert windows["fake"].between(0, 1).all()
    found = splice_figures(windows)
    assert found["clips"] == 6
    assert found["auc"] > 0.95 and found["right_half_percent"] == 100


class Told(Detector):
    """Speaks at once about every window: what the middle of the window is worth is given."""

    def __init__(self, worth: Callable[[Clip, float], float]) -> None:
        network: Any = type("Silent", (), {"eval": lambda self: self})()
        super().__init__("told", "Told", network, "0" * 64, feed=Feed(8_000, 4_000))
        self.worth = worth

    def detect(self, clip: Clip, **kwargs: Any) -> Detection:
        ranges = window_ranges(len(clip.samples), self.window, self.hop)
        llrs = [self.worth(clip, (a + b) / 2 / SAMPLE_RATE) for a, b in ranges]
        quality = Quality(clip.duration_s, clip.duration_s, (), -20.0, 0.5, 0.0, 0.0, 8000.0)
        reasons: tuple[Reason, ...] = ()
        raw = np.array(llrs, np.float32)
        evidence = Evidence(
            quality, reasons, self.hop, ranges, [0.5] * len(ranges), list(range(len(ranges))),
            raw, np.zeros((len(ranges), 1), np.float32),
        )  # fmt: skip
        return self.judge(clip, evidence)


def halves(tiny_index: Path) -> pd.DataFrame:
    index = read_index(tiny_index)
    return index.assign(pair=(index.index // 2 % 6).astype(str))


def brightness(clip: Clip, second: float) -> float:
    """Above 0 where the sound is dull, as synthetic clips of the tiny corpus are."""
    near = clip.samples[max(0, round((second - 0.25) * SAMPLE_RATE)) :][: SAMPLE_RATE // 2]
    power = np.abs(np.fft.rfft(near)) ** 2
    return -3.0 if power[len(power) // 2 :].sum() / power.sum() > 1e-4 else 3.0


def test_spans_that_lie_right_wrong_everywhere_and_nowhere(tiny_index: Path) -> None:
    index = halves(tiny_index)

    def found(worth: Callable[[Clip, float], float]) -> dict[str, tuple[float, int]]:
        return span_figures(spliced_spans(Told(worth), index, limit=6))

    right = found(brightness)
    assert right["with_span_percent"] == (100, 6) and right["span_right_percent"] == (100, 6)
    assert right["span_of_synthetic_percent"][0] > 60 > 30 > right["span_of_human_percent"][0]
    wrong = found(lambda clip, second: -brightness(clip, second))
    assert wrong["with_span_percent"] == (100, 6) and wrong["span_right_percent"] == (0, 6)
    everywhere = found(lambda clip, second: 1.0)
    for of in ("span_of_synthetic_percent", "span_of_human_percent"):
        assert everywhere[of][0] == pytest.approx(100)
    nowhere = found(lambda clip, second: -1.0)
    assert nowhere["with_span_percent"] == (0, 6) and nowhere["span_right_percent"][1] == 0
    assert np.isnan(nowhere["span_right_percent"][0])


def test_span_time_is_counted_in_the_half_where_it_lies(tiny_index: Path) -> None:
    def early(clip: Clip, second: float) -> float:
        return 2.0 if second < 0.5 * clip.duration_s else -2.0

    table = spliced_spans(Told(early), halves(tiny_index), limit=6)
    first = np.arange(len(table)) % 2 == 0  # the synthetic half comes first in every second clip
    assert (table["spans"] == 1).all()
    assert (table["span_fake_s"] > 1.2)[first].all() and (table["span_fake_s"] < 0.2)[~first].all()
    assert (table["span_human_s"] < 0.2)[first].all() and (table["span_human_s"] > 1.2)[
        ~first
    ].all()
    assert np.allclose(table[["fake_s", "human_s"]], 1.5, atol=0.011)
