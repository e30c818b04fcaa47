"""``python -m core report FILE... --out report.html``: the evidence report in a terminal."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.options import (
    EXIT_UNUSABLE,
    add_part,
    add_renamed,
    add_stance,
    add_stress,
    add_through,
    as_came_through,
    span_without_stress,
    stance_of,
)

if TYPE_CHECKING:
    from core.audio.clip import Clip, Source
    from core.detect.detection import Detection
    from core.detect.detector import Detector
    from core.provenance.found import Provenance


def add_parser(commands: Any) -> None:
    """Add ``report`` to the subcommands of the command line."""
    parser = commands.add_parser("report", help="write an evidence report on audio files")
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="audio files, and saved detections (.json), each held against its clip where it is "
        "named too",
    )  # fmt: skip
    parser.add_argument("--case", default="", metavar="TEXT", help="a case number")
    parser.add_argument("--notes", default="", metavar="TEXT", help="notes on the first page")
    parser.add_argument(
        "--personal", action="store_true",
        help="include the files' tags that may name people and places",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE", help="report.html or report.pdf")
    parser.add_argument(
        "--detector", action="append", metavar="ID", help="may be repeated; embedded by default"
    )
    add_part(parser)
    add_through(parser)
    add_stress(parser, several=True)
    add_stance(parser)
    add_renamed(parser, "--c-miss", "--cost-missed-fake")
    add_renamed(parser, "--c-fa", "--cost-false-accusation")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report; 0 when every file could be read, 2 when one could not."""

    from core.audio.clip import AudioError
    from core.audio.isolated import decode_safely
    from core.detect.detector import DetectorError
    from core.detect.registry import is_registered, load_detector
    from core.detect.saved import UNCHECKED, Saved, SavedError, open_saved, read_saved
    from core.detect.stress import stress
    from core.evaluate.tables import load
    from core.files import atomic_write
    from core.plain import find_printed, printable
    from core.provenance.isolated import TrustListError, look_safely
    from core.show.evidence.case import Case, Filing
    from core.show.evidence.report import evidence_html, evidence_pdf
    from core.show.figures.track_record import track_record

    if problem := span_without_stress(options):
        print(problem, file=sys.stderr)
        return EXIT_UNUSABLE
    out = Path(options.out)
    cases: list[Case] = []
    unread: list[tuple[str, str]] = []
    clips: dict[str, list[Clip]] = {}
    origins: dict[str, Provenance] = {}
    files = [find_printed(file) for file in options.files]
    saved = [file for file in files if Path(file).suffix.lower() == ".json"]

    @functools.cache
    def installed(id: str) -> Detector | None:
        try:
            return load_detector(id, fetch=False) if is_registered(id) else None
        except DetectorError:
            return None

    def not_read(file: str, error: Exception) -> None:
        unread.append((printable(Path(file).name), str(error)))
        print(f"{printable(file)}: {error}", file=sys.stderr)

    def record(id: str) -> str:
        return track_record(id, figures, published)

    try:
        stance = stance_of(options)
        chosen = options.detector or ["embedded"]
        detectors = (
            [load_detector(id, code=True) for id in chosen] if len(saved) < len(files) else []
        )
        figures, published = load("embedded"), load("published_eer")
        held: list[Saved] = []
        for file in saved:
            try:
                held += open_saved(read_saved(file), installed)
            except SavedError as error:
                not_read(file, error)
        for file in (f for f in files if f not in saved):
            try:
                clip = decode_safely(
                    file,
                    name=printable(Path(file).name),
                    track=options.track,
                    channel=options.channel,
                )
            except (AudioError, OSError, RuntimeError) as error:  # the last two: no process
                not_read(file, error)
                continue
            clip = as_came_through(clip, options)
            clips.setdefault(clip.source.sha256, []).extend(clip.parts)
            origins[clip.source.sha256] = origin = look_safely(file)
            for part, detector in product(clip.parts, detectors):
                by_it = [one.detection for one in held if one.detection.detector == detector.id]
                if any(_is_held(d, part.source, installed) for d in by_it):
                    continue  # what the file says of it is shown, and whether that holds
                found = replace(detector.detect(part, stance=stance), elapsed_ms=0.0)
                asked = (options.span or [None]) if options.stress else []
                try:
                    tests = [
                        stress(detector, part, stance, detection=found, span=span and tuple(span))
                        for span in asked
                    ]
                except ValueError as error:  # a part that this clip does not have
                    raise ValueError(f"{printable(file)}: {error}") from error
                band = detector.decision.inconclusive_llr
                cases.append(
                    Case(found, band, record(detector.id), tuple(tests), part, origin=origin)
                )
        for one in held:
            d, known = one.detection, installed(one.detection.detector)
            sound, again = _again(d, clips.get(d.source.sha256, []), known)
            print(f"{d.source.name}: {again}")
            fits = not UNCHECKED & set(one.doubts)
            band = known.decision.inconclusive_llr if known and fits else (0.0, 0.0)
            of = origins.get(d.source.sha256)
            case = Case(d, band, record(d.detector), (), sound, True, one.doubts, again, of)
            cases.append(case)
        write = evidence_pdf if out.suffix.lower() == ".pdf" else evidence_html
        atomic_write(
            out, write(cases, unread, filing=Filing(options.case, options.notes, options.personal))
        )
    except (DetectorError, TrustListError, ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{out}: {len(cases)} judgements, {len(unread)} files could not be read")
    return EXIT_UNUSABLE if unread else 0


def _is_held(saved: Detection, source: Source, installed: Callable[[str], Detector | None]) -> bool:
    """Whether what a file says is held against this sound."""
    from core.detect.saved import not_comparable

    detector = installed(saved.detector)
    same = _part_of(saved.source) == _part_of(source)
    return same and detector is not None and not not_comparable(saved, source, detector)


def _part_of(source: Source) -> tuple[str, int, int | None]:
    """Which sound of which file was judged."""
    return source.sha256, source.track, source.channel


def _again(
    saved: Detection, clips: list[Clip], detector: Detector | None
) -> tuple[Clip | None, str]:
    """A saved detection's clip, and what judging it says, or how to have it judged."""
    from core.detect.saved import comparison, not_comparable

    source = saved.source
    clip = next((c for c in clips if _part_of(c.source) == _part_of(source)), None)
    if clip is None and clips:
        which = f"--track {source.track}"
        which += "" if source.channel is None else f" --channel {source.channel}"
        return None, f"Not judged again: it is of another part of the recording; try {which}."
    if clip is None:
        return None, "Not judged again: name the recording too, and it will be."
    if detector is None:
        return clip, f"Not judged again: the detector {saved.detector} is not installed here."
    if apart := not_comparable(saved, clip.source, detector):
        return clip, apart
    return clip, comparison(saved, detector.detect(clip, stance=saved.stance, hop_s=saved.hop_s))
