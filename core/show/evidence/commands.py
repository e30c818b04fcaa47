"""The commands that find again what a report tells, and the versions that they were run with."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from core.audio.clip import Source

if TYPE_CHECKING:
    from core.detect.decision import Stance
    from core.show.evidence.case import Case


def commands(cases: Sequence[Case]) -> list[str]:
    """The command lines that make the report again: one for what was tested alike."""
    alike: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        alike.setdefault(tuple(test.asked for test in case.tests), []).append(case)
    if len(alike) <= 1:
        return [command(cases)]
    return [command(group, f"report-{n}.html") for n, group in enumerate(alike.values(), 1)]


def command(cases: Sequence[Case], out: str = "report.html") -> str:
    """The command line that reports on these cases, of which all were tested alike."""
    names = list(dict.fromkeys(case.detection.source.name for case in cases)) or ["FILE"]
    first = cases[0].detection if cases else None
    parts = ["python -m core report", *map(as_argument, names), f"--out {out}"]
    for id in dict.fromkeys(case.detection.detector for case in cases):
        parts.append(shlex.quote(f"--detector={id}"))
    sources = [case.detection.source for case in cases]
    if len({s.track for s in sources}) == 1 and not _is_default(sources[0]):
        parts.append(f"--track {sources[0].track}")
    if len({s.channel for s in sources}) == 1 and sources[0].channel:
        parts.append(f"--channel {sources[0].channel}")
    if first is not None:
        parts.append(_stance_options(first.stance))
    tests = cases[0].tests if cases else ()
    if tests:
        parts.append("--stress")
    if len(tests) > 1 or any(test.asked for test in tests):
        for test in tests:
            start, end = test.asked or (0.0, cases[0].detection.quality.duration_s)
            parts.append(f"--span {start:.12g} {end:.12g}")
    return " ".join(parts)


def _is_default(source: Source) -> bool:
    """Whether players would choose the track that was judged."""
    default = next((track.number for track in source.tracks if track.default), 1)
    return source.track == default


def as_argument(name: str) -> str:
    """A file's name as one word of a command line that no shell and no parser reads otherwise."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def versions() -> str:
    """What computed the figures: Python and the packages that scores depend on."""
    found = [f"Python {platform.python_version()}"]
    for package in ("numpy", "onnxruntime", "torch", "transformers", "soundfile", "av", "soxr"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _stance_options(stance: Stance) -> str:
    """The options that say a stance; the costs only where they differ."""
    said = f"--prior {stance.prior:.12g}"
    if stance.threshold:
        said += (
            f" --cost-missed-fake {stance.cost_missed_fake:.12g}"
            f" --cost-false-accusation {stance.cost_false_accusation:.12g}"
        )
    return said
