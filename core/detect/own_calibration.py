"""Calibrations that whoever runs the program fitted on clips of their own: kept, and found again.

One small JSON file per detector, by the hash of its weights, in the folder of fetched weights. It
replaces whatever calibration the detector came with, and every verdict says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.detect.detection import Reason
from core.detect.model_config import DetectorError
from core.files import atomic_write
from core.plain import printable

FORMAT = "spoofscope.calibration/1"
CODE = "own_calibration"
"""Code of the reason that says of a verdict whose calibration it rests on."""

MOST_BYTES = 100_000


@dataclass(frozen=True)
class OwnCalibration:
    """A calibration fitted here.

    Attributes
    ----------
    detector : str
        Its id.
    weights_sha256 : str
        Hash of the weights whose scores it was fitted on.
    clips : str
        What the clips are called, for people.
    n_bonafide, n_spoof : int
        Clips of either class.
    scale, offset, llr_limit : float
        As in `core.detect.calibration.Calibration`.
    band : (float, float)
        Log-odds around the threshold without a verdict.
    cllr : dict
        ``before`` and ``after``, each ``value``, ``low`` and ``high`` in bits.
    """

    detector: str
    weights_sha256: str
    clips: str
    n_bonafide: int
    n_spoof: int
    scale: float
    offset: float
    llr_limit: float
    band: tuple[float, float]
    cllr: dict[str, dict[str, float | None]]

    @property
    def sha256(self) -> str:
        """SHA-256 over all of its fields: names the calibration in a verdict."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def fitted_on(self) -> str:
        """The clips in words."""
        return (
            f"{self.n_bonafide:,} human and {self.n_spoof:,} synthetic clips called "
            f"'{self.clips}', by whoever runs this installation"
        )

    @property
    def worth(self) -> str:
        """What it brought on clips that it was not fitted on, in words."""
        said = []
        for when in ("before", "after"):
            found = self.cllr.get(when, {})
            value, low, high = (found.get(part) for part in ("value", "low", "high"))
            if value is not None:
                between = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
                said.append(f"{value:.3f}{between} {when}")
        return f"Cllr in bits: {', '.join(said)}" if said else "Cllr is not known"

    @property
    def reason(self) -> Reason:
        """What every verdict that rests on it says."""
        return Reason(
            CODE,
            f"Its scores were calibrated on {self.fitted_on}, not by its authors (calibration "
            f"{self.sha256[:8]}): what a chance means holds for clips like those.",
            "caution",
        )


def path_of(folder: Path, weights_sha256: str) -> Path:
    """Where the calibration of some weights is kept in a folder of fetched weights."""
    return folder / "calibrations" / f"{weights_sha256}.json"


def keep(made: OwnCalibration, folder: Path) -> Path:
    """Write a calibration to where `found` looks for it.

    Raises
    ------
    DetectorError
        If the folder does not take it.
    """
    path = path_of(folder, made.weights_sha256)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, **asdict(made)}, indent=2, ensure_ascii=False)
        atomic_write(path, text + "\n")
    except OSError as error:
        raise DetectorError(
            f"The calibration cannot be kept in {path.parent}: {error.strerror or error}. Make "
            "room there, or name another folder in SPOOFSCOPE_MODELS."
        ) from error
    return path


def found(folder: Path, weights_sha256: str) -> OwnCalibration | None:
    """The calibration of some weights, None where there is none.

    Raises
    ------
    DetectorError
        If its file is damaged, or of other weights.
    """
    path = path_of(folder, weights_sha256)
    if not os.path.isfile(path):
        return None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError
        made = _checked(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DetectorError(
            f"The calibration {path} is damaged. Remove it, or fit it again: python -m core "
            "calibrate."
        ) from error
    if made.weights_sha256 != weights_sha256:
        raise DetectorError(
            f"The calibration {path} is of other weights than its name says. Remove it, or fit it "
            "again: python -m core calibrate."
        )
    return made


def of_detector(folder: Path, id: str) -> list[OwnCalibration]:
    """What is kept for a detector's id, of whatever weights; what is damaged is left out."""
    made: list[OwnCalibration] = []
    names: list[str] = []
    with contextlib.suppress(OSError):  # there is no folder, or none for this user
        names = sorted(os.listdir(folder / "calibrations"))
    for name in names:
        if not name.endswith(".json"):
            continue
        with contextlib.suppress(DetectorError):
            one = found(folder, name.removesuffix(".json"))
            if one is not None and one.detector == id:
                made.append(one)
    return made


def _checked(given: Any) -> OwnCalibration:
    if not isinstance(given, dict) or given.pop("format", None) != FORMAT:
        raise ValueError
    band = given["band"]
    if not isinstance(band, list) or len(band) != 2 or not band[0] <= 0 <= band[1]:
        raise ValueError
    made = OwnCalibration(**{**given, "band": (float(band[0]), float(band[1]))})
    numbers = (made.scale, made.offset, made.llr_limit, *made.band)
    texts = (made.detector, made.weights_sha256, made.clips)
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
        raise ValueError
    if not (made.scale > 0 and made.llr_limit > 0 and made.n_bonafide > 0 and made.n_spoof > 0):
        raise ValueError
    if not all(isinstance(t, str) and printable(t) == t and len(t) <= 300 for t in texts):
        raise ValueError
    if not (isinstance(made.cllr, dict) and all(isinstance(w, dict) for w in made.cllr.values())):
        raise ValueError
    costs = [cost for when in made.cllr.values() for cost in when.values()]
    if not all(c is None or (isinstance(c, (int, float)) and math.isfinite(c)) for c in costs):
        raise ValueError
    return made
