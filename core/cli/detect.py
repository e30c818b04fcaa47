"""``python -m core detect FILE...``: judge audio files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from core.cli.options import (
    EXIT_UNUSABLE,
    add_part,
    add_stance,
    add_stress,
    add_through,
    as_came_through,
    say_terms,
    span_without_stress,
    stance_of,
)
from core.cli.progress import bar
from core.detect.agreement import AGREED
from core.plain import csv_text, json_text, printable
from core.settings import ENGINES

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.detect.agreement import Agreement
    from core.detect.detection import Detection
    from core.detect.detector import Detector
    from core.detect.stress import StressTest


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser("detect", help="judge audio files")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="audio files, directories or glob patterns"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON list of detections")
    form.add_argument("--csv", action="store_true", help="print one CSV row per file or channel")
    parser.add_argument(
        "--detector",
        action="append",
        metavar="ID",
        help="an id, a model directory, a file, or code of your own (FILE.py); may be repeated; "
        "embedded by default",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="what runs a model directory's network (default: the model's own)",
    )
    parser.add_argument(
        "--hop", type=float, metavar="S",
        help="with --json, windows at this hop (in seconds) too, as at_hop; the verdict is always "
        "that of the detector's own hop, at which its figures were measured",
    )  # fmt: skip
    add_part(parser)
    add_through(parser)
    add_stance(parser)
    add_stress(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge the files; 0 when all went well, 2 when one could not be used."""
    from core.audio.clip import AudioError
    from core.audio.files import audio_files
    from core.audio.isolated import decode_safely, prepare
    from core.detect.at_hop import AT_HOP, at_hop
    from core.detect.detector import DetectorError
    from core.detect.registry import load_detector

    stance = stance_of(options)
    files = [f for f in audio_files(options.files) if not _is_shell_noise(f, options.files)]
    if problem := _contradiction(options):
        print(problem, file=sys.stderr)
        return EXIT_UNUSABLE
    if not files:
        print("No audio files were found there.", file=sys.stderr)
        return EXIT_UNUSABLE
    prepare()
    detectors: dict[str, Detector] = {}
    try:
        for name in options.detector or ["embedded"]:
            say_terms(name)
            loaded = load_detector(
                name, progress=bar("fetching weights"), engine=options.engine, code=True
            )
            detectors[loaded.id] = loaded
    except DetectorError as error:
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
    found: list[tuple[Path, Detection]] = []
    tests: dict[int, StressTest] = {}  # by place in `found`: one may fail
    closer: list[dict[str, Any]] = []
    failed = 0
    show = bar("judging") if len(files) > 1 else None
    for done, file in enumerate(files):
        if show:
            show(done / len(files))
        try:
            clip = decode_safely(
                file, name=printable(file.name), track=options.track, channel=options.channel
            )
            clip = as_came_through(clip, options)
            for part, detector in product(clip.parts, detectors.values()):
                detection = detector.detect(part, stance=stance)
                if options.hop is not None:
                    closer.append({AT_HOP: at_hop(detector, part, detection, options.hop)})
                found.append((file, detection))
                if options.stress:
                    tests[len(found) - 1] = _stress(detector, part, detection, options.span)
        except (AudioError, DetectorError, OSError, RuntimeError) as error:
            failed += 1  # the last two: no process to read it
            print(f"{printable(str(file))}: {error}", file=sys.stderr)
        except ValueError as error:  # a hop or a part out of range
            print(f"{printable(str(file))}: {error}", file=sys.stderr)
            return EXIT_UNUSABLE
    if show:
        show(1.0)
    if options.json:
        origins = {file: _origin(file) for file in dict.fromkeys(file for file, _ in found)}
        items = [
            {"file": printable(str(file)), **detection.to_dict(), **origins[file]}
            for file, detection in found
        ]
        for item, windows in zip(items, closer, strict=False):
            item.update(windows)
        for at, test in tests.items():
            items[at]["stress"] = test.to_dict()
        for at, together in _together(found, detectors).items():
            for item in items[at - len(detectors) : at]:
                item[AGREED] = together.to_dict()
        print(json_text(items))
    elif options.csv:
        write_csv(found, sys.stdout)
    else:
        write_table(found, sys.stdout, _together(found, detectors))
        for test in tests.values():
            write_stress(test, sys.stdout)
    return EXIT_UNUSABLE if failed else 0


def _contradiction(options: argparse.Namespace) -> str:
    """Which options do not go together, as a sentence; empty where all do."""
    if options.stress and options.csv:
        return "--stress goes with the table or with --json, not with --csv."
    if options.hop is not None and not options.json:
        return "--hop goes with --json: it adds windows, and changes no verdict."
    return span_without_stress(options) or ""


def _together(
    found: Sequence[tuple[Path, Detection]], detectors: Mapping[str, Detector]
) -> dict[int, Agreement]:
    """What several detectors say together, by the place after their last judgement of a clip."""
    from core.detect.agreement import agreement

    bands = {id: one.decision.inconclusive_llr for id, one in detectors.items()}
    many = len(detectors)
    if many < 2:
        return {}
    return {
        at: agreement({d.detector: d for _, d in found[at - many : at]}, bands)
        for at in range(many, len(found) + 1, many)
    }


def _origin(file: Path) -> dict[str, Any]:
    """What the file shows of its origin, for JSON; nothing where it cannot be looked into."""
    from core.detect.detection import ORIGIN
    from core.provenance.isolated import TrustListError, look_safely

    try:
        return {ORIGIN: look_safely(file).to_dict()}
    except (TrustListError, OSError, RuntimeError, ValueError) as error:
        print(f"{printable(str(file))}: {error}", file=sys.stderr)
        return {}


def _stress(
    detector: Detector, clip: Clip, detection: Detection, span: tuple[float, float] | None
) -> StressTest:
    """A stress test with its progress."""
    from core.detect.stress import stress

    show = bar(f"stress test of {clip.source.name}")
    return stress(
        detector,
        clip,
        detection.stance,
        progress=lambda done, total, _: show(done / total),
        detection=detection,
        span=span,
    )


def _is_shell_noise(file: Path, given: Sequence[str]) -> bool:
    """What a shell's ``folder/*`` names beside audio: texts, tables, scripts, AppleDouble."""
    swept = len(given) > 1 and str(file) in given
    noise = file.suffix.lower() in {".md", ".csv", ".txt", ".py"} or file.name.startswith("._")
    return swept and noise and os.path.isfile(file)


COLUMNS = (
    "file", "track", "channel", "verdict", "p_spoof", "llr", "prior", "cost_missed_fake",
    "cost_false_accusation", "duration_s", "speech_s", "missing_s", "windows", "detector",
    "weights_sha256", "reasons", "stands_out", "parts",
)  # fmt: skip


def row(file: Path, detection: Detection) -> dict[str, Any]:
    """One line of the CSV output.

    Parameters
    ----------
    file : pathlib.Path
        What was judged.
    detection : Detection
        The judgement.

    Returns
    -------
    dict
        By `COLUMNS`; numbers as numbers, nothing where there is no score.
    """
    from core.detect.outlier import time_ranges

    return {
        "file": printable(str(file)),
        "track": detection.source.track,
        "channel": detection.source.channel,
        "verdict": detection.verdict,
        "p_spoof": None if detection.p_spoof is None else round(detection.p_spoof, 6),
        "llr": None if detection.llr is None else round(detection.llr, 6),
        **asdict(detection.stance),
        "duration_s": round(detection.quality.duration_s, 3),
        "speech_s": round(detection.quality.speech_s, 3),
        "missing_s": round(detection.source.missing_s(), 3),
        "windows": len(detection.windows),
        "detector": detection.detector,
        "weights_sha256": detection.weights_sha256,
        "reasons": " ".join(reason.code for reason in detection.reasons),
        "stands_out": time_ranges(detection.stands_out),
        "parts": time_ranges(detection.parts),
    }


def write_csv(found: Iterable[tuple[Path, Detection]], out: TextIO) -> None:
    """Write one row per file or channel."""
    out.write(csv_text(COLUMNS, (row(file, detection).values() for file, detection in found)))


def write_table(
    found: Sequence[tuple[Path, Detection]],
    out: TextIO,
    together: Mapping[int, Agreement] | None = None,
) -> None:
    """Write a table for a terminal; below each file its reasons, its notes and its other tracks.

    With several detectors each line names its own, and what they say ``together`` follows those of
    a clip, see `_together`.
    """
    from core.detect.outlier import in_words, places

    if not found:
        return
    from core.audio.parts import track_in_words

    names = [
        ", ".join(
            filter(
                None,
                [
                    _shortened(printable(str(file)), 48),
                    detection.source.part,
                    detection.detector if together else "",
                ],
            )
        )
        for file, detection in found
    ]
    width = max(map(len, names))
    wide = max(12, *(len(detection.verdict) for _, detection in found))
    out.write(
        f"{'file':{width}}  {'verdict':{wide}}  {'P(synthetic)':>12}  {'LLR':>6}  {'length':>8}\n"
    )
    said: tuple[Path, list[str]] | None = None
    for at, (name, (file, detection)) in enumerate(zip(names, found, strict=True), 1):
        p = _percent(detection.p_spoof or 0.0) if detection.gives_chance else "-"
        llr = "-" if detection.llr is None else f"{detection.llr:+.2f}"
        out.write(
            f"{name:{width}}  {detection.verdict:{wide}}  {p:>12}  {llr:>6}  "
            f"{detection.quality.duration_s:>6.1f} s\n"
        )
        if detection.parts:
            out.write(f"  Likely synthetic in part: {places(detection.parts)}.\n")
        for reason in detection.reasons:
            out.write(f"  {reason.text}\n")
        for stretch in detection.stands_out:
            out.write(f"  {in_words(stretch, detection)}\n")
        track = track_in_words(detection.source)
        here = [*detection.source.notes, track + " Choose with --track N." if track else ""]
        if (file, here) != said:  # the channels of one file have them in common
            out.writelines(f"  {sentence}\n" for sentence in here if sentence)
        said = file, here
        if together and at in together:
            agreed = together[at]
            out.write(f"  Together: {agreed.headline} {agreed.places} {agreed.meaning}\n")
    stance = found[0][1].stance
    costs = (
        f", a missed fake costs {stance.cost_missed_fake:g} and a false accusation "
        f"{stance.cost_false_accusation:g}"
        if stance.threshold
        else ""
    )
    by = {
        d.detector: f"{d.detector} ({'calibrated' if d.calibrated else 'uncalibrated'}, weights "
        f"{d.weights_sha256[:12]})"
        for _, d in found
    }
    out.write(
        f"Detector{'s' * (len(by) > 1)} {', '.join(by.values())}, prior "
        f"{stance.prior:g}{costs}. One piece of evidence, not proof.\n"
    )


def write_stress(test: StressTest, out: TextIO) -> None:
    """Write a stress test for a terminal: a line per condition, then the counts."""
    out.write(f"\n{test.name}: {test.summary()}\n")
    if not test.whole:
        out.write(f"  Tested from {test.from_s:g} to {test.to_s:g} s of the clip.\n")
    if not test.rows:
        return
    width = max(len(row.label) for row in test.rows)
    own = "-" if test.llr is None else f"{test.llr:+.2f}"
    out.write(f"  {'as it is':{width}}  {own:>6}  {test.verdict}\n")
    wide = max(12, *(len(row.verdict or "") for row in test.rows))
    words = {"holds": "holds", "undecided": "no verdict", "turns": "TURNS", None: ""}
    for row in test.rows:
        llr = "-" if row.llr is None else f"{row.llr:+.2f}"
        said = row.reason or f"{row.verdict:{wide}}  {words[row.outcome]}".rstrip()
        out.write(f"  {row.label:{width}}  {llr:>6}  {said}\n")


def _percent(p: float) -> str:
    """A chance with a decimal; never a certain 0 % or 100 %."""
    if p < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if p > 0.999 else f"{100 * p:.1f} %"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]
