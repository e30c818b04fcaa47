"""``python -m core report FILE... --out report.html``: the evidence report in a terminal."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
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
    as_sentence,
    span_without_stress,
    stance_of,
    unusable,
)

if TYPE_CHECKING:
    from core.audio.clip import Clip, Source
    from core.detect.detection import Detection
    from core.detect.detector import Detector
    from core.detect.saved import Saved
    from core.provenance.found import Provenance
    from core.show.evidence.case import Case


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
    from core.detect.detector import DetectorError
    from core.files import atomic_write, why_not_written
    from core.plain import find_printed
    from core.provenance.isolated import TrustListError
    from core.show.evidence.case import Filing
    from core.show.evidence.report import evidence_html, evidence_pdf

    if problem := span_without_stress(options):
        return unusable(problem)
    out = Path(options.out)
    files = [find_printed(file) for file in options.files]
    if problem := why_not_written(options.out, (".html", ".htm", ".pdf"), files):
        return unusable(problem)
    saved = [file for file in files if Path(file).suffix.lower() == ".json"]
    audio = [file for file in files if file not in saved]
    try:
        cases = _Cases(options, alone=not audio)
        cases.open(saved)
        for file in audio:
            cases.judge(file)
        cases.hold_against_their_clips()
        write = evidence_pdf if out.suffix.lower() == ".pdf" else evidence_html
        filing = Filing(options.case, options.notes, options.personal)
        atomic_write(out, write(cases.found, cases.unread, filing=filing))
    except (DetectorError, TrustListError, ValueError, OSError, RuntimeError) as error:
        return unusable(as_sentence(error))
    made, unread = len(cases.found), len(cases.unread)
    judgements = "1 judgement" if made == 1 else f"{made} judgements"
    closed = "1 file" if unread == 1 else f"{unread} files"
    print(f"{out}: {judgements}, {closed} could not be read")
    return EXIT_UNUSABLE if cases.unread else 0


class _Cases:
    """What the report tells of: clips judged here, and saved detections, held against theirs.

    Attributes
    ----------
    found : list of Case
        In the order in which they were judged, those of saved files last.
    unread : list of (str, str)
        Files that could not be read, and why.
    """

    def __init__(self, options: argparse.Namespace, alone: bool) -> None:
        """Load what is needed; no detector where saved files stand ``alone``."""
        from core.detect.registry import load_detector
        from core.evaluate.tables import load

        self.found: list[Case] = []
        self.unread: list[tuple[str, str]] = []
        self._options = options
        self._stance = stance_of(options)
        chosen = () if alone else options.detector or ["embedded"]
        self._detectors = [load_detector(id, code=True) for id in chosen]
        self._installed = functools.cache(_installed)
        self._tables = load("embedded"), load("published_eer")
        self._held: list[Saved] = []
        self._clips: dict[str, list[Clip]] = {}
        self._origins: dict[str, Provenance] = {}

    def open(self, saved: Sequence[str]) -> None:
        """Read saved detections, each checked against itself."""
        from core.detect.saved import SavedError, open_saved, read_saved

        for file in saved:
            try:
                self._held += open_saved(read_saved(file), self._installed)
            except SavedError as error:
                self._not_read(file, error)

    def judge(self, file: str) -> None:
        """Judge every part of an audio file, but those that a saved detection is held against."""
        from core.audio.clip import AudioError
        from core.audio.isolated import decode_safely
        from core.plain import printable
        from core.provenance.isolated import look_safely

        options = self._options
        name = printable(Path(file).name)
        try:
            clip = decode_safely(file, name=name, track=options.track, channel=options.channel)
        except (AudioError, OSError, RuntimeError) as error:  # the last two: no process
            self._not_read(file, error)
            return
        clip = as_came_through(clip, options)
        self._clips.setdefault(clip.source.sha256, []).extend(clip.parts)
        self._origins[clip.source.sha256] = look_safely(file)
        for part, detector in product(clip.parts, self._detectors):
            said = (one.detection for one in self._held if one.detection.detector == detector.id)
            if any(_is_held(detection, part.source, self._installed) for detection in said):
                continue  # what the file says of it is shown, and whether that holds
            self._judge_part(file, part, detector)

    def _judge_part(self, file: str, part: Clip, detector: Detector) -> None:
        from core.detect.stress import stress
        from core.plain import printable
        from core.show.evidence.case import Case

        found = replace(detector.detect(part, stance=self._stance), elapsed_ms=0.0)
        spans = (self._options.span or [None]) if self._options.stress else []
        try:
            tests = [
                stress(detector, part, self._stance, detection=found, span=span and tuple(span))
                for span in spans
            ]
        except ValueError as error:  # a part that this clip does not have
            raise ValueError(f"{printable(file)}: {error}") from error
        band, record = detector.decision.inconclusive_llr, self._record(detector.id)
        origin = self._origins[part.source.sha256]
        self.found.append(Case(found, band, record, tuple(tests), part, origin=origin))

    def hold_against_their_clips(self) -> None:
        """Judge the clips of saved detections again, and say how the two compare."""
        from core.detect.saved import UNCHECKED
        from core.show.evidence.case import Case

        for one in self._held:
            d, known = one.detection, self._installed(one.detection.detector)
            sound, again = _again(d, self._clips.get(d.source.sha256, []), known)
            print(f"{d.source.name}: {again}")
            fits = not UNCHECKED & set(one.doubts)
            band = known.decision.inconclusive_llr if known and fits else (0.0, 0.0)
            record, origin = self._record(d.detector), self._origins.get(d.source.sha256)
            self.found.append(Case(d, band, record, (), sound, True, one.doubts, again, origin))

    def _record(self, id: str) -> str:
        from core.show.figures.track_record import track_record

        return track_record(id, *self._tables)

    def _not_read(self, file: str, error: Exception) -> None:
        from core.plain import printable

        self.unread.append((printable(Path(file).name), str(error)))
        print(f"{printable(file)}: {error}", file=sys.stderr)


def _installed(id: str) -> Detector | None:
    """A registered detector that is here already."""
    from core.detect.detector import DetectorError
    from core.detect.registry import is_registered, load_detector

    try:
        return load_detector(id, fetch=False) if is_registered(id) else None
    except DetectorError:
        return None


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
