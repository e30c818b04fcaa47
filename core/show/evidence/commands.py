"""The commands that find again what a report tells, and the versions that they were run with."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from core.audio.clip import Source
from core.audio.parts import came_through

if TYPE_CHECKING:
    from core.detect.decision import Stance
    from core.show.evidence.case import Case


_Spans = tuple[tuple[float, float] | None, ...]
"""What stress tests took; None for the whole clip, which beside others is a part like them."""


@dataclass(frozen=True)
class _Asked:
    """What one command asks of all of its files."""

    detectors: tuple[str, ...]
    track: int | None
    channel: int | None
    through: str
    stance: Stance
    spans: _Spans


def commands(cases: Sequence[Case], personal: bool = False) -> list[str]:
    """The command lines that make the report again: one for what was asked alike.

    A command asks every detector for every file, and of each file the same track, channel and
    tests; so what was asked otherwise gets a command of its own.

    Parameters
    ----------
    cases : sequence of Case
        In the report's order.
    personal : bool
        Whether the report holds tags that may name people and places.
    """
    asked: dict[_Asked, dict[str, None]] = {}
    files: dict[tuple[str, str, int], list[Case]] = {}
    for case in cases:
        source = case.detection.source
        files.setdefault((source.sha256, source.name, source.track), []).append(case)
    for of in files.values():
        for one in _of_file(of):
            asked.setdefault(one, {})[of[0].detection.source.name] = None
    if not asked:
        return ["python -m core report FILE --out report.html"]
    outs = [f"report-{n}.html" for n in range(1, len(asked) + 1)] if len(asked) > 1 else []
    return [
        _command(one, list(names), out, personal)
        for (one, names), out in zip(asked.items(), outs or ["report.html"], strict=True)
    ]


def _of_file(cases: Sequence[Case]) -> Iterable[_Asked]:
    """What was asked of one track of a file; its channels by themselves only where they were not
    all asked alike, since a command judges all of those that are apart."""
    parts: dict[tuple[int | None, Stance, _Spans], dict[str, None]] = {}
    for case in cases:
        key = (case.detection.source.channel, case.detection.stance, _spans(case))
        parts.setdefault(key, {})[case.detection.detector] = None
    alike: dict[tuple[Stance, _Spans, tuple[str, ...]], list[int | None]] = {}
    for (channel, stance, spans), detectors in parts.items():
        alike.setdefault((stance, spans, tuple(detectors)), []).append(channel)
    source = cases[0].detection.source
    everywhere = {case.detection.source.channel for case in cases}
    track = None if _is_default(source) else source.track
    for (stance, spans, names), channels in alike.items():
        whole = len(channels) > 1 and set(channels) == everywhere
        for channel in [None] if whole else channels:
            yield _Asked(names, track, channel, came_through(source), stance, spans)


def _spans(case: Case) -> _Spans:
    asked = tuple(test.asked for test in case.tests)
    if asked in ((), (None,)):
        return asked
    return tuple(span or (0.0, case.detection.quality.duration_s) for span in asked)


def _command(asked: _Asked, names: Sequence[str], out: str, personal: bool) -> str:
    parts = ["python -m core report", *map(as_argument, names), f"--out {out}"]
    parts += [shlex.quote(f"--detector={id}") for id in asked.detectors]
    parts += [] if asked.track is None else [f"--track {asked.track}"]
    parts += [] if asked.channel is None else [f"--channel {asked.channel}"]
    parts += [f"--through {asked.through}"] if asked.through else []
    parts.append(_stance_options(asked.stance))
    parts += ["--stress"] if asked.spans else []
    parts += [f"--span {span[0]:.12g} {span[1]:.12g}" for span in asked.spans if span]
    parts += ["--personal"] if personal else []
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
