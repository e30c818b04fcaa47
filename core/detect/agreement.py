"""Several detectors on one clip: how many say what, and where they contradict each other.

Verdicts are counted and never blended: scores of different detectors have no common unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from core.detect.detection import IN_PART, Detection, Stretch, Verdict
from core.detect.spans import Cell, cells

AGREED = "agreement"
"""Key under which JSON holds what several detectors say of one clip together."""

ORDER: tuple[Verdict, ...] = ("synthetic", IN_PART, "authentic", "inconclusive", "not judged")

WORDS: Mapping[Verdict, str] = {
    "synthetic": "likely synthetic",
    "synthetic in part": "likely synthetic in part",
    "authentic": "likely authentic",
    "inconclusive": "inconclusive",
    "not judged": "not judged",
}
"""Verdicts as they are said of every clip."""


@dataclass(frozen=True)
class Agreement:
    """What several detectors say of one clip.

    Attributes
    ----------
    said : dict of str to tuple of str
        Verdict to the detectors that say so, in `ORDER`, then in the order of asking.
    apart : tuple of (float, float)
        Seconds of the clip during which one says synthetic and another human.
    one_network : tuple of tuple of str
        Those that are one network in several precisions, of each such network.
    parts_apart : bool
        Whether two of them call parts of the clip synthetic that share no second.
    """

    said: dict[Verdict, tuple[str, ...]]
    apart: tuple[tuple[float, float], ...] = ()
    one_network: tuple[tuple[str, ...], ...] = ()
    parts_apart: bool = False

    @property
    def count(self) -> int:
        """How many detectors."""
        return sum(map(len, self.said.values()))

    @property
    def contradict(self) -> bool:
        """Whether one verdict is synthetic and another human; one on a part contradicts neither."""
        return {"synthetic", "authentic"} <= set(self.said)

    @property
    def headline(self) -> str:
        """How many say what."""
        parts = [
            f"{len(names)} of {self.count}: {WORDS[verdict]}"
            for verdict, names in self.said.items()
        ]
        if len(self.said) == 1:
            both = "Both" if self.count == 2 else f"All {self.count}"
            return f"{both} detectors: {WORDS[next(iter(self.said))]}."
        return f"{'; '.join(parts)}."

    @property
    def places(self) -> str:
        """Where they contradict each other."""
        if not self.apart:
            return "At no time does one say synthetic and another human."
        seconds = math.fsum(end - start for start, end in self.apart)
        spans = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in self.apart[:5])
        more = f" and {len(self.apart) - 5} more" if len(self.apart) > 5 else ""
        return f"One says synthetic and another human during {seconds:.1f} s ({spans}{more})."

    @property
    def meaning(self) -> str:
        """What follows from it."""
        return " ".join([self._meaning, *map(_as_one, self.one_network)])

    @property
    def _meaning(self) -> str:
        if self.contradict:
            return "They disagree, so neither side is shown."
        if self.parts_apart:
            return (
                "They call different parts synthetic, so none confirms another. Hear each part, "
                "and judge it by itself."
            )
        if set(self.said) == {"synthetic", IN_PART}:
            return "They differ in how much of it is synthetic. Hear that part, and the rest."
        if IN_PART in self.said and len(self.said) > 1:
            return (
                "Not all find a synthetic part; a verdict on the clip as a whole rules none out. "
                "Hear that part, and judge it by itself."
            )
        if len(self.said) == 1 and set(self.said) <= {"synthetic", IN_PART, "authentic"}:
            return (
                "Detectors that learnt from similar speech share their errors, so this is less "
                "than that many independent proofs."
            )
        return "They do not contradict each other, and not all decide."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "verdicts": {verdict: list(names) for verdict, names in self.said.items()},
            "contradict": self.contradict,
            "apart_s": [[round(start, 3), round(end, 3)] for start, end in self.apart],
            "one_network": [list(names) for names in self.one_network],
            "in_words": f"{self.headline} {self.places} {self.meaning}",
        }


def agreement(
    detections: Mapping[str, Detection], bands: Mapping[str, tuple[float, float]]
) -> Agreement:
    """Count the verdicts on one clip, and find where its windows are told apart.

    Parameters
    ----------
    detections : mapping of str to Detection
        By detector, of one clip.
    bands : mapping of str to (float, float)
        Log-odds around the threshold without a verdict, by the same names.
    """
    said = {
        verdict: names
        for verdict in ORDER
        if (names := tuple(name for name, d in detections.items() if d.verdict == verdict))
    }
    lines = {
        name: cells(d, bands.get(name, (0.0, 0.0)))
        for name, d in detections.items()
        if d.llr is not None and not d.withheld
    }
    networks: dict[str, dict[str, str]] = {}
    for name, d in detections.items():
        networks.setdefault(_PRECISION.sub("", d.detector), {})[name] = d.detector
    several = tuple(tuple(of) for of in networks.values() if len(set(of.values())) > 1)
    parts = [d.parts for d in detections.values() if d.parts]
    asunder = any(not _meet(one, other) for one, other in combinations(parts, 2))
    return Agreement(said, tuple(disagreements(lines)), several, asunder)


def _meet(some: Sequence[Stretch], others: Sequence[Stretch]) -> bool:
    """Whether any stretch shares a second with one of the others."""
    return any(a.start_s < b.end_s and b.start_s < a.end_s for a in some for b in others)


_PRECISION = re.compile(r"-(?:int8|fp32)$")
"""How ids end that name a precision in which a network runs."""


def _as_one(names: Sequence[str]) -> str:
    """That detectors are one network, and so one opinion."""
    return (
        f"{', '.join(names[:-1])} and {names[-1]} are one network in {len(names)} precisions, so "
        "they are one opinion and not several."
    )


def disagreements(timelines: Mapping[str, list[Cell]]) -> list[tuple[float, float]]:
    """Stretches of time where one detector says synthetic and another human.

    Parameters
    ----------
    timelines : mapping of str to list of Cell
        One per detector, over the same clip.

    Returns
    -------
    list of (float, float)
        In seconds, in order, neighbours joined.
    """
    edges = sorted({e for line in timelines.values() for c in line for e in (c.start_s, c.end_s)})
    found: list[tuple[float, float]] = []
    for start, end in pairwise(edges):
        middle = (start + end) / 2
        said = {
            c.kind for line in timelines.values() for c in line if c.start_s <= middle < c.end_s
        }
        if {"synthetic", "authentic"} <= said:
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
    return found
