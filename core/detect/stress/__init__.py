"""How firm a verdict is: the same clip through codecs, noise, a room, other speeds and levels."""

from core.detect.stress.conditions import CONDITIONS, RT60_S
from core.detect.stress.result import SCHEMA, StressRow, StressTest
from core.detect.stress.run import LONGEST_S, SHORTEST_S, stress

__all__ = [
    "CONDITIONS",
    "LONGEST_S",
    "RT60_S",
    "SCHEMA",
    "SHORTEST_S",
    "StressRow",
    "StressTest",
    "stress",
]
