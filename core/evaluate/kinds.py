"""The kinds of voice by which a detector's errors are told in one line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of voice, and the row of a table of figures that holds its equal error rate.

    Attributes
    ----------
    name : str
        For people.
    benchmark, breakdown, condition : str
        Of the row.
    """

    name: str
    benchmark: str
    breakdown: str
    condition: str


KINDS = (
    Kind("cloud voices", "today_samples", "kind", "cloud"),
    Kind("research systems of 2023 to 2026", "today_samples", "kind", "research"),
    Kind("earlier text-to-speech and voice conversion", "public_samples", "material", "synthesis"),
    Kind("copies by vocoders", "public_samples", "material", "copy-synthesis"),
    Kind("telephone sound (G.711)", "public_samples", "codec", "g711-alaw, 1 window"),
)
