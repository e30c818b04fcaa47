"""A detector of one's own: one object with a method ``score``, in a package or a file."""

from core.detect.own.engine import OwnEngine, detector_of
from core.detect.own.finding import PREFIX, id_of, is_code, load_own
from core.detect.own.protocol import Scorer

__all__ = ["PREFIX", "OwnEngine", "Scorer", "detector_of", "id_of", "is_code", "load_own"]
