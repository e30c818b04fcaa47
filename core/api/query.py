"""What a request asks for, from its query."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.api.problems import Problem
from core.detect.decision import Stance
from core.detect.registry import ENTRIES, is_named
from core.plain import printable


@dataclass(frozen=True)
class Query:
    """The parameters; those that a request leaves out have these values."""

    detector: str = "embedded"
    prior: float = 0.5
    cost_missed_fake: float = 1.0
    cost_false_accusation: float = 1.0
    hop: float | None = None
    track: int | None = None
    channel: int | None = None
    name: str = "audio"
    personal: bool = False
    format: str = "html"
    case: str = ""
    notes: str = ""

    @property
    def stance(self) -> Stance:
        """Prior and costs.

        Raises
        ------
        StanceError
            If one is out of its range.
        """
        return Stance(self.prior, self.cost_missed_fake, self.cost_false_accusation)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _counted(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise ValueError
    return int(text)


def _switch(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text.lower()]


def _form(text: str) -> str:
    return {"html": "html", "pdf": "pdf"}[text.lower()]


@dataclass(frozen=True)
class Parameter:
    """How a parameter is read, and what it is, for people."""

    read: Callable[[str], Any]
    wanted: str
    meaning: str


PARAMETERS = {
    "detector": Parameter(str, "an id", "An id of GET /detectors that is ready."),
    "prior": Parameter(_number, "a number", "Chance of a fake before listening, between 0 and 1."),
    "cost_missed_fake": Parameter(
        _number, "a number", "What it costs to take a fake for human speech."
    ),
    "cost_false_accusation": Parameter(
        _number, "a number", "What it costs to call human speech synthetic."
    ),
    "hop": Parameter(_number, "a number", "Seconds between windows; the detector's own if absent."),
    "track": Parameter(
        _counted, "a number from 1 on", "Audio track; the one that players choose if absent."
    ),
    "channel": Parameter(
        _counted,
        "a number from 1 on",
        "One channel; if absent their average, or each where they differ too much.",
    ),
    "name": Parameter(str, "a name", "What a file that is the whole body is called."),
    "personal": Parameter(_switch, "1 or 0", "With tags that may name people and places."),
    "format": Parameter(_form, "html or pdf", "Form of the report."),
    "case": Parameter(str, "a text", "A case number, for the report."),
    "notes": Parameter(str, "a text", "Notes for the report's first page."),
}

PART = ("track", "channel")
STANCE = ("prior", "cost_missed_fake", "cost_false_accusation")
DETECT = ("detector", *STANCE, "hop", *PART, "name")
INSPECT = ("name", "personal")
REPORT = ("detector", *STANCE, *PART, "name", "personal", "format", "case", "notes")


def query_of(given: Iterable[tuple[str, str]], known: tuple[str, ...]) -> Query:
    """Read a query.

    Parameters
    ----------
    given : iterable of (str, str)
        Names and values, as they came.
    known : tuple of str
        The parameters that the address takes.

    Raises
    ------
    Problem
        400, with a sentence about the first that cannot be used.
    StanceError
        If the prior or a cost is out of range.
    """
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            takes = f"Known are {', '.join(known)}." if known else "This address takes none."
            raise Problem(400, f"There is no parameter '{_said(name)}'. {takes}", "query")
        if name in found:
            raise Problem(400, f"The parameter {name} is given twice.", "query")
        about = PARAMETERS[name]
        try:
            found[name] = about.read(text)
        except (ValueError, KeyError, OverflowError):
            raise Problem(
                400, f"The {name} is '{_said(text)}', but it must be {about.wanted}.", "query"
            ) from None
    made = Query(**found)
    made.stance  # noqa: B018 - its errors are those of the query
    _check_detector(made.detector)
    return made


def _check_detector(id: str) -> None:
    """Only what has a name here and is here: a stranger makes no server fetch or read more."""
    if not is_named(id):
        raise Problem(
            400, f"There is no detector '{_said(id)}'. Known are {', '.join(ENTRIES)}.", "detector"
        )
    entry = ENTRIES.get(id)
    if entry is not None and not entry.ready:
        raise Problem(
            400,
            f"The detector {id} is not on this server ({entry.state}). Take another one, or ask "
            "whoever runs it.",
            "detector",
        )


def _said(text: str) -> str:
    return printable(text[:80])
