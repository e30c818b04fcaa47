"""Questions beside error rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.evaluate.clips import read_index
from core.evaluate.probes import (
    SURFACE,
    shortcut_scores,
    splice,
    splice_figures,
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
