"""Calibrations of a model: of an engine on clips as they are, and of clips through a codec."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.detect.calibration import Calibration
from core.detect.model_directory import load_directory
from core.evaluate.calibrating import fit_band
from training.clips import read_all
from training.model_files import write_config


def fit_calibration(dev: pd.DataFrame) -> tuple[dict[str, Any], tuple[float, float]]:
    """The calibration of a detector, and its inconclusive band.

    Parameters
    ----------
    dev : pandas.DataFrame
        Trials of the dev splits, from `training.trials.score_trials`.

    Returns
    -------
    (dict, (float, float))
        Fields of `core.detect.calibration.Calibration`, and log-odds.
    """
    calibration, n_human, n_synthetic = _affine(dev)
    calibration["fitted_on"] = (
        f"the dev splits of the public benchmarks: {n_human} human and {n_synthetic} synthetic "
        "clips of systems and speakers not trained on"
    )
    scored = dev.dropna(subset="raw")
    llr = Calibration(**calibration).llr(scored["raw"].to_numpy(float))
    return calibration, fit_band(llr, (scored["label"] == "spoof").to_numpy())


def _affine(trials: pd.DataFrame) -> tuple[dict[str, Any], int, int]:
    """The affine map that minimises Cllr under a prior of 0.5, and human and synthetic clips."""
    from core.evaluate.metrics import Tally

    scored = trials.dropna(subset="raw")
    spoof = (scored["label"] == "spoof").to_numpy()
    raw = scored["raw"].to_numpy(float)
    affine = Tally.of(raw[~spoof], raw[spoof], higher="spoof").affine_calibration()
    n_human, n_synthetic = (scored.loc[m, "trial"].nunique() for m in (~spoof, spoof))
    limit = math.log(min(n_human, n_synthetic))
    found = {"scale": affine.scale, "offset": affine.offset, "llr_limit": limit}
    return found, n_human, n_synthetic


def calibrate_engine(
    directory: str | Path,
    indexes: Sequence[str | Path],
    engine: str,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Fit a model's calibration on the scores of one engine, and make that its default.

    Parameters
    ----------
    directory : path-like
        The model.
    indexes : sequence of path-like
        Corpora; those with dev splits count.
    engine : str
        One that the model has.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    dict
        The calibration that was written.
    """
    from core.detect.model_config import read_config
    from training.trials import score_trials

    directory = Path(directory)
    detector = load_directory(directory, engine)
    calibration, band = fit_calibration(
        score_trials(detector, read_all(indexes), "dev", None, progress)
    )
    config = read_config(directory)
    config["calibration"] = calibration
    config.setdefault("decision", {})["inconclusive_llr"] = list(band)
    config["default_engine"] = engine
    write_config(directory, config)
    return calibration


CODEC_RATES = {"opus": ("opus-16", "opus-24", "opus-64")}
"""Codecs that get a calibration of their own, and the settings it is fitted on."""


def calibrate_codec(
    directory: str | Path,
    indexes: Sequence[str | Path],
    codec: str,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Fit a calibration for clips that arrive in a codec, and write it into a configuration.

    The affine map that minimises Cllr under a prior of 0.5 on the dev split, one window per clip,
    sent through each setting of `CODEC_RATES`.

    Parameters
    ----------
    directory : path-like
        The model.
    indexes : sequence of path-like
        Corpora; those with dev splits count.
    codec : str
        Key of `CODEC_RATES`.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    dict
        The calibration that was written.

    Raises
    ------
    ValueError
        If there are no settings for the codec, or a setting cannot be encoded here.
    """
    from core.detect.model_config import read_config
    from training.trials import score_trials

    if codec not in CODEC_RATES:
        raise ValueError(f"There are no settings for {codec!r}, only for {', '.join(CODEC_RATES)}.")
    detector, clips = load_directory(directory), read_all(indexes)
    scored = [
        score_trials(detector, clips, "dev", rate, progress, windows=1)
        for rate in CODEC_RATES[codec]
    ]
    found, n_human, n_synthetic = _affine(pd.concat(scored, ignore_index=True))
    rates = ", ".join(rate.removeprefix(f"{codec}-") for rate in CODEC_RATES[codec])
    found["fitted_on"] = (
        f"{n_human} human and {n_synthetic} synthetic clips of the dev splits of the public "
        f"benchmarks through {codec.capitalize()} at {rates} kbit/s"
    )
    config = read_config(Path(directory))
    config.setdefault("calibration_by_codec", {})[codec] = found
    write_config(Path(directory), config)
    return found
