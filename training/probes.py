"""Questions put to a benchmark and a detector beside error rates.

Can the benchmark be solved without listening? Do a detector's windows point at the synthetic part
of a clip that is synthetic only in part?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from training.clips import decoded

if TYPE_CHECKING:
    from core.detect.detector import Detector

SURFACE = ("duration_s", "level_dbfs", "bandwidth_hz", "zero_share", "lead_s", "tail_s", "speech")
"""What a listener who hears no voice could still see; ``speech`` is the share of speech."""


def surface(
    index: pd.DataFrame, progress: Callable[[int, int, str], None] | None = None
) -> pd.DataFrame:
    """Measure the `SURFACE` of every clip of an index, in its order."""
    from core.audio.quality import measure

    rows = []
    for done, file in enumerate(index["file"], 1):
        q = measure(decoded(file))
        rows.append(
            {
                "duration_s": q.duration_s,
                "level_dbfs": -90.0 if q.level_dbfs is None else q.level_dbfs,
                "bandwidth_hz": q.bandwidth_hz,
                "zero_share": q.zero_share,
                "lead_s": q.speech[0][0] if q.speech else q.duration_s,
                "tail_s": q.duration_s - (q.speech[-1][1] if q.speech else 0.0),
                "speech": q.speech_s / q.duration_s,
            }
        )
        if progress is not None:
            progress(done, len(index), str(file))
    return pd.DataFrame(rows, columns=list(SURFACE), index=index.index)


def shortcut_scores(
    train: pd.DataFrame, train_is_spoof: np.ndarray, test: pd.DataFrame, seed: int = 0
) -> np.ndarray:
    """Scores of a model that sees nothing but the surface.

    Parameters
    ----------
    train, test : pandas.DataFrame
        From `surface`, ``[n, 7]`` and ``[m, 7]``.
    train_is_spoof : numpy.ndarray
        bool, ``[n]``.
    seed : int
        Of the boosted trees.

    Returns
    -------
    numpy.ndarray
        ``[m]``, higher = spoof: log-odds of gradient-boosted trees with both classes weighted
        alike.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, class_weight="balanced",
        random_state=seed,
    )  # fmt: skip
    model.fit(train.to_numpy(), train_is_spoof)
    return np.asarray(model.decision_function(test.to_numpy()))


def splice(human: np.ndarray, fake: np.ndarray, fake_first: bool, fade: int = 160) -> np.ndarray:
    """Two stretches of equal level, one after the other with a short cross-fade.

    Parameters
    ----------
    human, fake : numpy.ndarray
        float32, shapes ``[n]`` and ``[m]``.
    fake_first : bool
        Which comes first.
    fade : int
        Samples of the cross-fade.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n + m - fade]``.
    """
    one, two = (fake, human) if fake_first else (human, fake)
    rms = [max(float(np.sqrt(np.mean(x**2))), 1e-6) for x in (one, two)]
    two = two * (rms[0] / rms[1])
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    middle = one[-fade:] * (1 - ramp) + two[:fade] * ramp
    return np.concatenate([one[:-fade], middle, two[fade:]]).astype(np.float32)


def spliced_windows(
    detector: Detector,
    index: pd.DataFrame,
    limit: int = 80,
    half_s: float = 6.0,
    hop_s: float = 1.0,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Score the windows of clips that are half human, half synthetic.

    Parameters
    ----------
    detector : Detector
        The system.
    index : pandas.DataFrame
        Clips of one split; human and synthetic clips of one source and pair (else of
        one speaker) are joined, the synthetic half first in every second clip.
    limit : int
        At most this many clips, evenly chosen.
    half_s, hop_s : float
        Longest half, and distance between windows, in seconds.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    pandas.DataFrame
        One row per window: ``clip``, ``start_s``, ``fake`` (share of the window that is synthetic,
        0-1), ``raw``.
    """
    from core.audio.clip import SAMPLE_RATE
    from core.audio.windows import window_ranges

    rows = []
    for clip, joined, border, fake_first in _splices(index, limit, half_s, progress):
        ranges = window_ranges(len(joined), detector.window, round(hop_s * SAMPLE_RATE))
        raw, _ = detector.raw_scores(joined, ranges)
        for (start, end), score in zip(ranges, raw, strict=True):
            first = np.clip(border - start, 0, end - start) / (end - start)
            rows.append(
                {
                    "clip": clip,
                    "start_s": start / SAMPLE_RATE,
                    "fake": float(first if fake_first else 1 - first),
                    "raw": float(score),
                }
            )
    return pd.DataFrame(rows, columns=["clip", "start_s", "fake", "raw"])


def _splices(
    index: pd.DataFrame,
    limit: int,
    half_s: float,
    progress: Callable[[int, int, str], None] | None,
) -> Iterator[tuple[str, np.ndarray, int, bool]]:
    """Name, samples, border and whether the synthetic half comes first, of spliced clips."""
    from core.audio.clip import SAMPLE_RATE

    pairs: list[tuple[pd.Series, pd.Series]] = []
    used: set[str] = set()
    for column in ("pair", "speaker"):
        for _, part in index[index[column] != ""].groupby(["source", column]):
            humans = part[part["label"] == "bonafide"]
            fakes = part[(part["label"] == "spoof") & ~part["clip"].isin(used)]
            if len(humans) and len(fakes):
                used |= set(fakes["clip"])
                pairs += [(humans.iloc[0], fake) for _, fake in fakes.iterrows()]
    keep = np.unique(np.linspace(0, len(pairs) - 1, min(limit, len(pairs))).astype(int))
    for done, k in enumerate(keep, 1):
        human, fake = (
            decoded(row["file"]).samples[: int(half_s * SAMPLE_RATE)] for row in pairs[k]
        )
        name = str(pairs[k][1]["clip"])
        if min(len(human), len(fake)) >= SAMPLE_RATE:
            fake_first = bool(done % 2)
            joined = splice(human, fake, fake_first)
            yield name, joined, len(fake if fake_first else human), fake_first
        if progress is not None:
            progress(done, len(keep), name)


def spliced_spans(
    detector: Detector,
    index: pd.DataFrame,
    limit: int = 80,
    half_s: float = 6.0,
    hop_s: float | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Where the spans lie in clips that are half human, half synthetic.

    Spans are those that pages draw (`core.detect.spans.synthetic_spans`), at a prior of 0.5.

    Parameters
    ----------
    detector, index, limit, half_s, progress
        As of `spliced_windows`, on the same clips.
    hop_s : float, optional
        Seconds between windows; by default the detector's own hop, with which pages begin.

    Returns
    -------
    pandas.DataFrame
        One row per clip: ``clip``; ``spans``, their number; ``span_fake_s`` and ``span_human_s``,
        how much of them lies in either half; ``fake_s`` and ``human_s``, how long the halves are.
    """
    from core.audio.clip import SAMPLE_RATE
    from core.audio.decoding import clip_from_samples
    from core.detect.spans import cells, synthetic_spans

    rows = []
    for clip, joined, border, fake_first in _splices(index, limit, half_s, progress):
        detection = detector.detect(clip_from_samples(joined, SAMPLE_RATE, clip), hop_s=hop_s)
        spans = synthetic_spans(cells(detection, detector.decision.inconclusive_llr))
        border_s, end_s = border / SAMPLE_RATE, len(joined) / SAMPLE_RATE
        first = sum(max(0.0, min(s.end_s, border_s) - s.start_s) for s in spans)
        second = sum(max(0.0, s.end_s - max(s.start_s, border_s)) for s in spans)
        parts = [(first, border_s), (second, end_s - border_s)]
        (span_fake, fake), (span_human, human) = parts if fake_first else parts[::-1]
        rows.append((clip, len(spans), span_fake, span_human, fake, human))
    names = ["clip", "spans", "span_fake_s", "span_human_s", "fake_s", "human_s"]
    return pd.DataFrame(rows, columns=names)


def span_figures(spans: pd.DataFrame) -> dict[str, tuple[float, int]]:
    """How well spans point at the synthetic half.

    Parameters
    ----------
    spans : pandas.DataFrame
        From `spliced_spans`.

    Returns
    -------
    dict
        Value in percent, and the number of clips that it is a share or a mean of:
        ``with_span_percent`` of clips have a span; ``span_right_percent`` of these have more than
        half of their span time in the synthetic half; ``span_of_synthetic_percent`` and
        ``span_of_human_percent``, the share of all synthetic and of all human time that spans
        cover.
    """
    some = spans[spans["spans"] > 0]
    right = some["span_fake_s"] > some["span_human_s"]
    of_fake = spans["span_fake_s"].sum() / spans["fake_s"].sum()
    of_human = spans["span_human_s"].sum() / spans["human_s"].sum()
    return {
        "with_span_percent": (100 * len(some) / len(spans), len(spans)),
        "span_right_percent": (100 * float(right.mean()), len(some)),
        "span_of_synthetic_percent": (100 * float(of_fake), len(spans)),
        "span_of_human_percent": (100 * float(of_human), len(spans)),
    }


def splice_figures(windows: pd.DataFrame, purity: float = 0.75) -> dict[str, float]:
    """How well window scores tell the halves apart.

    Parameters
    ----------
    windows : pandas.DataFrame
        From `spliced_windows`.
    purity : float
        Windows count for a half of which they hold at least this share.

    Returns
    -------
    dict
        ``auc`` over the windows of all clips; ``auc_within``, the mean over clips of the AUC
        within one; ``right_half_percent`` of clips whose synthetic half has the higher mean;
        ``clips``.
    """
    from core.evaluate.metrics import Tally

    pure = windows[(windows["fake"] >= purity) | (windows["fake"] <= 1 - purity)]
    is_fake = pure["fake"] >= 0.5
    whole = Tally.of(pure["raw"][~is_fake], pure["raw"][is_fake], higher="spoof").auc()
    within, right = [], []
    for _, part in pure.groupby("clip"):
        fake = part["fake"] >= 0.5
        if fake.any() and (~fake).any():
            tally = Tally.of(part["raw"][~fake], part["raw"][fake], higher="spoof")
            within.append(tally.auc())
            right.append(part["raw"][fake].mean() > part["raw"][~fake].mean())
    return {
        "auc": whole,
        "auc_within": float(np.mean(within)),
        "right_half_percent": 100 * float(np.mean(right)),
        "clips": float(len(within)),
    }


def probe_rows(
    detector: Detector,
    train: pd.DataFrame,
    test: pd.DataFrame,
    benchmark: str = "public_samples",
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Both questions put to the test split, as rows for ``data/results``.

    Parameters
    ----------
    detector : Detector
        The system.
    train, test : pandas.DataFrame
        Rows of `training.clips.read_index`: the training clips teach the model of the surface.
    benchmark : str
        Its name.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    pandas.DataFrame
        Columns as `core.evaluate.tables.COLUMNS`.

    Raises
    ------
    ValueError
        If a class is missing in a part.
    """
    from core.evaluate.influence import percent_eer
    from core.evaluate.tables import COLUMNS
    from training.figures import result_row, with_intervals

    for part, clips in (("training", train), ("test", test)):
        if clips["label"].nunique() < 2:
            raise ValueError(
                f"The questions need {part} clips of both classes, human and synthetic."
            )
    train = train.sample(min(1600, len(train)), random_state=0)
    scores = shortcut_scores(
        surface(train, progress),
        (train["label"] == "spoof").to_numpy(),
        surface(test, progress),
    )
    value, low, high = with_intervals(test.assign(score=scores), {"eer": percent_eer})["eer"]
    command = f"python -m training benchmark {benchmark} --detector {detector.id} --probes"
    rows = [
        result_row(
            ("surface only", benchmark, "test", command),
            test,
            breakdown="shortcut_audit",
            condition="duration, level, bandwidth, zeros, silence",
            metric="eer_percent",
            value=value,
            low=low,
            high=high,
            note=f"Boosted trees on {len(train):,} training clips that see no sound; 50 is chance.",
        )
    ]
    names = (detector.id, benchmark, "test", command)
    where = {"breakdown": "spliced", "condition": "half human, half synthetic"}
    windows = splice_figures(spliced_windows(detector, test, progress=progress))
    n = int(windows["clips"])
    note = "Windows that lie at least three quarters in one half."
    for found, metric in (
        ("auc", "auc"),
        ("auc_within", "auc_within_clip"),
        ("right_half_percent", "right_half_percent"),
    ):
        told = {**where, "metric": metric, "value": windows[found], "note": note}
        rows.append(result_row(names, **told, n_bonafide=n, n_spoof=n))
    note = "Spans above the band without a verdict, at a prior of 0.5."
    spans = span_figures(spliced_spans(detector, test, progress=progress))
    for metric, (share, n) in spans.items():
        told = {**where, "metric": metric, "value": share, "note": note}
        rows.append(result_row(names, **told, n_bonafide=n, n_spoof=n))
    return pd.DataFrame(rows, columns=list(COLUMNS))
