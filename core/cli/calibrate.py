"""``python -m core calibrate DETECTOR CLIPS``: a calibration from labelled clips of one's own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.options import say_terms, unusable
from core.cli.progress import bar
from core.plain import json_text
from core.settings import ENGINES

if TYPE_CHECKING:
    from core.evaluate.calibrating import Fit
    from core.evaluate.intervals import Interval


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser(
        "calibrate", help="fit a detector's calibration on labelled clips of your own"
    )
    parser.add_argument("detector", metavar="DETECTOR", help="as for detect --detector")
    parser.add_argument(
        "clips",
        metavar="CLIPS",
        nargs="?",
        help="a folder with folders human and synthetic; a table with the columns path, label and, "
        "if known, speaker; or such a table as python -m core score scored it",
    )
    parser.add_argument("--root", metavar="DIR", help="what relative paths are relative to")
    parser.add_argument("--label", default="", metavar="COLUMN", help="the column of labels")
    parser.add_argument("--speaker", default="", metavar="COLUMN", help="the column of speakers")
    parser.add_argument(
        "--spoof-label", action="append", default=[], metavar="LABEL",
        help="a label that means synthetic; may be repeated",
    )  # fmt: skip
    parser.add_argument("--name", default="", metavar="TEXT", help="what the clips are called")
    parser.add_argument("--engine", choices=ENGINES, help="as for detect")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--dry-run", action="store_true", help="fit and show, but keep nothing")
    end.add_argument("--forget", action="store_true", help="remove the calibration that was kept")
    parser.add_argument("--json", action="store_true", help="print what was fitted as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fit and keep a calibration; 2 where that cannot be done."""
    from core.detect import own_calibration
    from core.detect.detector import DetectorError
    from core.detect.registry import load_detector, models_home
    from core.score.calibrate import ArchiveError, CalibrationError, calibration, heard, labelled

    if (options.clips is None) != options.forget:
        return unusable("Give labelled clips to fit on, or --forget.")
    try:
        say_terms(options.detector)
        detector = load_detector(
            options.detector, progress=bar("fetching weights"), engine=options.engine, code=True,
            kept=False,
        )  # fmt: skip
        place = own_calibration.path_of(models_home(), detector.weights_sha256)
        if options.forget:
            there = os.path.isfile(place)
            place.unlink(missing_ok=True)
            print(f"{place} is removed." if there else f"There was no calibration at {place}.")
            return 0
        clips = labelled(
            options.clips, detector, root=options.root, label=options.label,
            spoofed=options.spoof_label, speaker=options.speaker,
        )  # fmt: skip
        show = bar("listening")
        scored = heard(clips, detector, lambda done, total, _: show(done / total))
        show(1.0)
        for clip, why in scored.left_out.items():
            print(f"{clip}: {why}", file=sys.stderr)
        made, fit = calibration(scored, detector, options.name or Path(options.clips).stem)
        if not options.dry_run:
            own_calibration.keep(made, models_home())
    except (ArchiveError, CalibrationError, DetectorError) as error:
        return unusable(error)
    except OSError as error:
        return unusable(f"{error.filename or options.clips}: {error.strerror or error}.")
    if options.json:
        print(json_text({"kept": None if options.dry_run else str(place), **_plain(made, fit)}))
        return 0
    print(in_words(fit))
    print(
        f"Kept at {place}. Every verdict of {detector.id} here says so now."
        if not options.dry_run
        else "Nothing was kept."
    )
    return 0


def in_words(fit: Fit) -> str:
    """What was fitted and what it is worth, for a terminal."""
    from core.evaluate.calibrating import APART

    better = fit.gain.low is not None and fit.gain.low > 0
    return "\n".join(
        [
            f"{fit.n_bonafide:,} human and {fit.n_spoof:,} synthetic clips.",
            f"log-likelihood ratio = {fit.scale:.4g} x score {fit.offset:+.4g}, at most "
            f"{fit.llr_limit:.2f} either way; from {fit.band[0]:g} to {fit.band[1]:+g} around the "
            "threshold it does not decide.",
            f"Cllr, in bits (0 perfect, 1 says nothing): before {_said(fit.before)}, after "
            f"{_said(fit.after)}, each clip by a map that was fitted without it.",
            f"Gained: {_said(fit.gain)}."
            + ("" if better else " It is not sure that this is better than before."),
            *([APART] if fit.apart else []),
        ]
    )


def _said(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.3f} (no interval: {found.why})"
    few = "speakers" if found.unit == "speaker" else "clips"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f} with other {few})"


def _plain(made: Any, fit: Fit) -> dict[str, Any]:
    from dataclasses import asdict

    gain = {"value": fit.gain.value, "low": fit.gain.low, "high": fit.gain.high}
    return {**asdict(made), "band": list(made.band), "gain": gain, "unit": fit.after.unit}
