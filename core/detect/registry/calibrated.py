"""A detector with the calibration that was fitted for its weights here, if there is one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from core.detect import own_calibration
from core.detect.calibration import Calibration
from core.detect.decision import Decision
from core.detect.detector import Detector


def calibrated_here(detector: Detector, folder: Path) -> Detector:
    """A detector with the calibration that was fitted for its weights here, where there is one.

    Errors as of `core.detect.own_calibration.found`.

    Parameters
    ----------
    detector : Detector
        As it was loaded.
    folder : pathlib.Path
        Of fetched weights.
    """
    own = own_calibration.found(folder, detector.weights_sha256)
    if own is None:
        return detector
    detector.own_calibration = own
    detector.calibration = Calibration(own.scale, own.offset, own.llr_limit, own.fitted_on)
    detector.by_codec = {}  # fitted on the same scores before
    detector.decision = Decision(own.band, detector.decision.needs_wide_band)
    detector.config |= {"calibration": asdict(detector.calibration)}
    return detector
