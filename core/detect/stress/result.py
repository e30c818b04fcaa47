"""What a stress test found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from core.detect.decision import Stance
from core.detect.detection import IN_PART, Verdict
from core.detect.stress.conditions import Kind

SCHEMA = "spoofscope.stress/2"
"""Name and version of the dictionary that `StressTest.to_dict` makes."""


Outcome = Literal["holds", "undecided", "turns"]


@dataclass(frozen=True)
class StressRow:
    """What became of the verdict under one condition.

    Attributes
    ----------
    condition, label, kind : str
        As in `Condition`.
    reason : str or None
        Why it could not be tested here, in a sentence; None where it was.
    llr, p_spoof : float or None
        As in `Detection`; None where nothing was scored, the latter also where it is no chance.
    verdict : str or None
        Of the changed clip; None where it could not be tested.
    outcome : str or None
        ``holds``, ``undecided`` (inconclusive or not judged) or ``turns`` (into another verdict);
        None where it could not be tested or the clip itself has no verdict.
    note : str
        What was done, and why there is no verdict, for people; may be empty.
    """

    condition: str
    label: str
    kind: Kind
    reason: str | None
    llr: float | None
    p_spoof: float | None
    verdict: Verdict | None
    outcome: Outcome | None
    note: str


@dataclass(frozen=True)
class StressTest:
    """One clip's verdict under every condition.

    Attributes
    ----------
    detector, weights_sha256, calibrated, stance
        As in `Detection`.
    name, sha256 : str
        The clip's name, with track and channel where the file has several, and its hash.
    from_s, to_s : float
        The part that was tested, in seconds of the clip.
    whole : bool
        Whether that is the whole clip.
    llr, p_spoof, verdict
        Of that part as it is: what every row is compared with.
    rows : tuple of StressRow
        In the order of the conditions; none where the clip itself is not judged.
    elapsed_ms : float
        Wall-clock milliseconds of the whole test.
    asked : (float, float) or None
        The part that was asked for, in seconds; None where none was.
    """

    detector: str
    weights_sha256: str
    calibrated: bool
    stance: Stance
    name: str
    sha256: str
    from_s: float
    to_s: float
    whole: bool
    llr: float | None
    p_spoof: float | None
    verdict: Verdict
    rows: tuple[StressRow, ...]
    elapsed_ms: float
    asked: tuple[float, float] | None = None

    @property
    def tested(self) -> tuple[StressRow, ...]:
        """The rows of conditions that could be made here."""
        return tuple(row for row in self.rows if row.reason is None)

    @property
    def decided(self) -> bool:
        """Whether the clip itself has a verdict that could hold."""
        return self.verdict in ("synthetic", IN_PART, "authentic")

    def count(self, outcome: Outcome) -> int:
        """Under how many conditions the verdict holds, is undecided or turns."""
        return sum(row.outcome == outcome for row in self.rows)

    def summary(self) -> str:
        """The counts in one or two sentences."""
        total = len(self.tested)
        what = "The clip" if self.whole else "The tested part"
        if self.verdict == "not judged":
            return f"{what} was not judged, so there is no verdict to test."
        if not self.decided:
            called = {
                v: sum(row.verdict == v for row in self.rows) for v in ("synthetic", "authentic")
            }
            said = (
                f"{what} is inconclusive as it is, so it has no verdict to hold. Under {total} "
                f"conditions it is called synthetic {_times(called['synthetic'])} and authentic "
                f"{_times(called['authentic'])}."
            )
        else:
            held, lost, turned = (self.count(o) for o in get_args(Outcome))
            every = f"all {total}" if held == total else f"{held} of {total}"
            said = f"The verdict holds under {every} condition{'s' if total != 1 else ''}"
            unjudged = any(row.verdict == "not judged" for row in self.rows)
            if lost:
                said += f"; under {lost} it becomes inconclusive"
                said += " or nothing can be judged" if unjudged else ""
            if turned:
                into = "becomes another" if self.verdict == IN_PART else "turns into the opposite"
                said += f"; under {turned} it {into}"
            said += "."
        missing = len(self.rows) - total
        if missing:
            said += f" {missing} more could not be tested here."
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only, with the schema's name and version under ``schema``."""
        fields = asdict(self)
        return {"schema": SCHEMA, **fields, "rows": [dict(row) for row in fields["rows"]]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StressTest:
        """Rebuild a StressTest from `to_dict`'s output.

        Raises
        ------
        ValueError
            If the schema is not this version's or a field is missing or unknown.
        """
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ValueError(f"This is not a saved stress test of the form {SCHEMA}.")
        fields = {key: value for key, value in data.items() if key != "schema"}
        try:
            stance = Stance.from_saved(fields)
            rows = tuple(StressRow(**row) for row in fields.pop("rows"))
            asked = fields.pop("asked", None)
            return cls(**fields, stance=stance, rows=rows, asked=asked and (asked[0], asked[1]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"This saved stress test is damaged: {error}.") from error


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
