"""Detectors that whoever runs the program added: by an installed package, or by a setting."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from core.detect.own import PREFIX, id_of, is_code
from core.detect.registry.entry import Entry
from core.plain import printable
from core.settings import settings

GROUP = "spoofscope.detectors"
"""Group of entry points by which a package adds detectors."""

UNMEASURED = "Nothing of it was tested here."


def added() -> list[Entry]:
    """Detectors of packages, then those of ``$SPOOFSCOPE_DETECTORS``; no code is run yet.

    Of several with one id the first counts.
    """
    found: dict[str, Entry] = {}
    for entry in (*_of_packages(), *_of_setting()):
        found.setdefault(entry.id, entry)
    return list(found.values())


def _of_packages() -> Iterator[Entry]:
    points = entry_points(group=GROUP)
    for point in sorted(points, key=lambda p: (p.name, _package(p))):
        name = printable(point.name)[:60]
        about: Any = point.dist.metadata if point.dist is not None else {}
        fits = re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,59}", point.name) is not None
        yield Entry(
            id=PREFIX + name,
            name=PREFIX + name,
            summary=printable(str(about.get("Summary") or "A detector of an installed package.")),
            home=_package(point),
            licence=printable(
                str(about.get("License-Expression") or about.get("License") or "not stated")
            )[:100],
            code=point.value.replace(" ", ""),
            tested=UNMEASURED,
            obstacle=""
            if fits and is_code(point.value.replace(" ", ""))
            else "Its package must name it in small letters, digits, '-', '_' and '.', and its "
            f"object as module:object, under {GROUP}.",
        )


def _package(point: EntryPoint) -> str:
    if point.dist is None:
        return "an installed package"
    return printable(f"package {point.dist.name} {point.dist.version}")


def _of_setting() -> Iterator[Entry]:
    for spec in filter(None, map(str.strip, settings().detectors.split(","))):
        yield entry_of(spec, "SPOOFSCOPE_DETECTORS", "A detector of whoever runs this server.")


def entry_of(spec: str, by: str, summary: str) -> Entry:
    """The entry of a detector that is named by its code; none is run.

    Parameters
    ----------
    spec : str
        As for `core.detect.own.load_own`.
    by : str
        What names it.
    summary : str
        One sentence.
    """
    shown = printable(spec.rsplit("/", 1)[-1])
    file = spec.rsplit(".py", 1)[0] + ".py" if ".py" in spec else ""
    obstacle = ""
    if not is_code(spec):
        obstacle = f"{by} must name it as FILE.py, FILE.py:object or module:object."
    elif file and not os.path.isfile(file):
        obstacle = f"There is no file {shown.split(':')[0]} where {by} names it."
    return Entry(
        id=id_of(spec),
        name=id_of(spec),
        summary=summary,
        home=f"this machine, {shown}",
        licence="not stated",
        code=spec,
        tested=UNMEASURED,
        obstacle=obstacle,
    )
