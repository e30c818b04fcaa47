"""How firm a verdict is: the same clip through codecs, noise, a room, other speeds and levels."""

from core.detect.stress.conditions import CONDITIONS, DIRECT_DB, RT60_S, Change, Condition, Kind
from core.detect.stress.result import SCHEMA, Outcome, StressRow, StressTest
from core.detect.stress.run import LONGEST_S, SHORTEST_S, stress

__all__ = [
    "CONDITIONS",
    "DIRECT_DB",
    "LONGEST_S",
    "RT60_S",
    "SCHEMA",
    "SHORTEST_S",
    "Change",
    "Condition",
    "Kind",
    "Outcome",
    "StressRow",
    "StressTest",
    "stress",
]
