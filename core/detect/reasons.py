"""What stands against a score, or says how it is to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from core.detect.detection import Detection, Reason

if TYPE_CHECKING:
    from core.detect.calibration import Calibration
    from core.detect.decision import Decision
    from core.detect.own_calibration import OwnCalibration

OF_JUDGING = {
    "near_threshold", "wide_interval", "channels_contradict", "unfamiliar", "needs_wide_band",
    "codec_calibration", "uncalibrated", "no_threshold", "other_precision", "own_calibration",
}  # fmt: skip
"""Codes of reasons that depend on the detector and the stance, not on the sound alone."""


class Scale(Protocol):
    """What a detector knows of the meaning of its scores; see `core.detect.detector.Detector`."""

    decision: Decision
    log_odds: bool
    by_codec: dict[str, Calibration]
    own_calibration: OwnCalibration | None
    caution: Reason | None


def against(
    detector: Scale, detection: Detection, heard: list[Reason], side: str
) -> Iterator[Reason]:
    """What stands against the score, beside what was ``heard``; no two contradict each other.

    Where the sound itself takes the score's meaning away, nothing is said of how near it lies
    to the threshold, or of what it was calibrated on.
    """
    known = not any(reason.effect == "inconclusive" for reason in heard)
    if detection.familiarity is not None and detection.familiarity.level == "unfamiliar":
        known = False
        yield Reason(
            "unfamiliar",
            "The clip is unlike anything this detector was trained on, so its score "
            "carries no known meaning.",
            "inconclusive",
        )
    if detector.decision.needs_wide_band and any(r.code == "narrow_band" for r in heard):
        known = False
        yield Reason(
            "needs_wide_band",
            "Measured through telephone lines, this detector erred too often to be of use, "
            "so it does not decide on such sound.",
            "inconclusive",
        )
    without_threshold = not detection.calibrated and not detector.log_odds
    if without_threshold:
        known = False
        yield Reason(
            "no_threshold",
            "Nothing calibrates this detector's scores, so none of them means synthetic or "
            "human. Calibrate it on labelled clips: python -m core calibrate.",
            "inconclusive",
        )
    if known and side == "inconclusive":
        yield Reason(
            "near_threshold",
            "The score lies too close to the threshold for this detector to decide.",
            "inconclusive",
        )
    codec = detection.source.codec.split("-")[0]
    if codec in detector.by_codec:
        fits = known and detection.calibrated
        yield Reason(
            "codec_calibration",
            f"The clip arrives as {codec.capitalize()}, which shifts scores and hides evidence"
            + ("; its score was calibrated on speech through that codec." if fits else "."),
            "caution",
        )
    if not detection.calibrated and not without_threshold:
        yield Reason(
            "uncalibrated",
            "Nothing calibrates this detector's scores: read the probability as a score, "
            "not as a chance.",
            "caution",
        )
    if detector.own_calibration is not None:
        yield detector.own_calibration.reason
    if detector.caution is not None:
        yield detector.caution
