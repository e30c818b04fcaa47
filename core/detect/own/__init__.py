"""A detector of one's own: one object with a method ``score``, in a package or a file."""

from core.detect.own.engine import OwnEngine
from core.detect.own.finding import PREFIX, id_of, is_code, lasting, load_own
from core.detect.own.protocol import Scorer

__all__ = ["PREFIX", "OwnEngine", "Scorer", "id_of", "is_code", "lasting", "load_own"]
