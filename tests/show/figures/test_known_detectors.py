"""What is said of a detector where something of it is not here."""

from core.detect.own_calibration import OwnCalibration
from core.detect.registry import ENTRIES, entry
from core.show.figures.known_detectors import UNKNOWN, described, known


def test_an_embedded_detector_that_is_not_here_has_no_size(tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "EMBEDDED", tmp_path)
    said = dict(described(ENTRIES["embedded"], known(ENTRIES["embedded"])))
    assert said["Size"] == said["Parameters"] == UNKNOWN


def test_a_calibration_whose_cllr_is_not_known_says_so():
    made = OwnCalibration("embedded", "0" * 64, "calls", 9, 9, 1.0, 0.0, 9.0, (0.0, 0.0), {})
    assert made.worth == "Cllr is not known"
