"""What a request asks for, from its query."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.api.problems import Problem
from core.detect.decision import Stance
from core.detect.registry import ENTRIES, is_registered
from core.plain import printable
from core.settings import settings


@dataclass(frozen=True)
class Query:
    """The parameters; those that a request leaves out have these values."""

    detector: tuple[str, ...] = ("embedded",)
    prior: float = 0.5
    cost_missed_fake: float = 1.0
    cost_false_accusation: float = 1.0
    hop: float | None = None
    track: int | None = None
    channel: int | None = None
    stress: bool = False
    span: tuple[tuple[float, float], ...] = ()
    name: str = "audio"
    personal: bool = False
    watermark: bool = False
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


def _span(text: str) -> tuple[float, float]:
    start, end = map(_number, text.split("-"))
    return start, end


def _switch(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text]


def _form(text: str) -> str:
    return {"html": "html", "pdf": "pdf"}[text]


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
    "hop": Parameter(
        _number,
        "a number",
        "Windows at this hop in seconds too, as at_hop; the verdict is always that of the own hop.",
    ),
    "track": Parameter(
        _counted, "a number from 1 on", "Audio track; the one that players choose if absent."
    ),
    "channel": Parameter(
        _counted,
        "a number from 1 on",
        "One channel; if absent their average, or each where they differ too much.",
    ),
    "stress": Parameter(
        _switch,
        "1 or 0",
        "Stress test: judge again through codecs, noise, a room, other speeds and levels.",
    ),
    "span": Parameter(
        _span,
        "FROM-TO, such as 2-9.5",
        "Stress test of this part alone, in seconds of the file.",
    ),
    "name": Parameter(str, "a name", "What a file that is the whole body is called."),
    "personal": Parameter(_switch, "1 or 0", "Include tags that may name people and places."),
    "watermark": Parameter(
        _switch, "1 or 0", "Look for Resemble's watermark, too, where the server can."
    ),
    "format": Parameter(_form, "html or pdf", "Form of the report."),
    "case": Parameter(str, "a text", "A case number, for the report."),
    "notes": Parameter(str, "a text", "Notes for the report's first page."),
}


@dataclass(frozen=True)
class Takes:
    """Which parameters an address takes, and which of them more than once."""

    names: tuple[str, ...] = ()
    often: tuple[str, ...] = ()


STANCE = ("prior", "cost_missed_fake", "cost_false_accusation")
PART = ("track", "channel")
STRESS = ("stress", "span")
DETECT = Takes(("detector", *STANCE, "hop", *PART, *STRESS, "name"))
INSPECT = Takes(("name", "personal", "watermark"))
REPORT = Takes(
    ("detector", *STANCE, *PART, *STRESS, "name", "personal", "format", "case", "notes"),
    often=("detector", "span"),
)
NOTHING = Takes()

MOST_SPANS = 10


def query_of(given: Iterable[tuple[str, str]], takes: Takes) -> Query:
    """Read a query.

    Parameters
    ----------
    given : iterable of (str, str)
        Names and values, as they came.
    takes : Takes
        What the address takes.

    Raises
    ------
    Problem
        400, with a sentence about the first that cannot be used.
    StanceError
        If the prior or a cost is out of range.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for name, text in given:
        if name not in takes.names:
            all_of_them = ", ".join(takes.names)
            known = f"Known are {all_of_them}." if all_of_them else "This address takes none."
            raise Problem(400, f"There is no parameter '{_said(name)}'. {known}", "query")
        value = _read(name, text)
        if name in found and name not in takes.often:
            raise Problem(400, f"The parameter {name} is given twice.", "query")
        if value not in found.get(name, ()):
            found[name] = (*found.get(name, ()), value)
    values: dict[str, Any] = {n: v if n in REPORT.often else v[0] for n, v in found.items()}
    made = Query(**values)
    made.stance  # noqa: B018 - its errors are those of the query
    _check_detectors(made.detector)
    _check_spans(made)
    return made


def _read(name: str, text: str) -> Any:
    about = PARAMETERS[name]
    try:
        return about.read(text)
    except (ValueError, KeyError, OverflowError):
        raise Problem(
            400, f"The {name} is '{_said(text)}', but it must be {about.wanted}.", "query"
        ) from None


def _check_spans(query: Query) -> None:
    if len(query.span) > MOST_SPANS:
        raise Problem(400, f"At most {MOST_SPANS} spans are tested at a time.", "query")


def _check_detectors(ids: Sequence[str]) -> None:
    """Only what has a name here and is here: a stranger makes no server fetch or read more."""
    most = settings().detectors_at_once
    if len(ids) > most:
        raise Problem(400, f"At most {most} detectors are asked at a time.", "detector")
    for id in ids:
        if not is_registered(id):
            raise Problem(
                400,
                f"There is no detector '{_said(id)}'. Known are {', '.join(ENTRIES)}.",
                "detector",
            )
        entry = ENTRIES.get(id)
        if entry is not None and not entry.ready:
            raise Problem(
                400,
                f"The detector {id} is not on this server ({entry.state}). Take another one, or "
                "ask whoever runs it.",
                "detector",
            )


def _said(text: str) -> str:
    return printable(text[:80])
