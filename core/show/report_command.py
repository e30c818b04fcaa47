"""``python -m core report FILE... --out report.html``: the evidence report in a terminal."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from core.options import add_part, add_renamed, add_stance, stance_of


def add_parser(commands: Any) -> None:
    """Add ``report`` to the subcommands of the command line."""
    parser = commands.add_parser("report", help="write an evidence report on audio files")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--out", required=True, metavar="FILE", help="report.html or report.pdf")
    parser.add_argument(
        "--detector", action="append", metavar="ID", help="may be repeated; embedded by default"
    )
    add_part(parser)
    parser.add_argument("--stress", action="store_true", help="test whether the verdict holds")
    add_stance(parser)
    add_renamed(parser, "--c-miss", "--cost-missed-fake")
    add_renamed(parser, "--c-fa", "--cost-false-accusation")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report; 0 when every file could be read, 2 when one could not."""
    import pandas as pd
    from streamlit.logger import set_log_level

    set_log_level("ERROR")  # no page runs here, which Streamlit would remark on
    from core.audio.clip import AudioError
    from core.audio.isolated import decode_safely
    from core.detect.detector import DetectorError
    from core.detect.registry import load_detector
    from core.detect.stress import stress
    from core.evaluate.tables import RESULTS, load
    from core.files import write_whole
    from core.plain import printable
    from core.show.evidence_report import Case, evidence_html, evidence_pdf
    from core.show.opinions_view import track_record

    out = Path(options.out)
    cases: list[Case] = []
    unread: list[tuple[str, str]] = []
    try:
        stance = stance_of(options)
        detectors = [load_detector(id) for id in options.detector or ["embedded"]]
        figures = pd.read_csv(RESULTS / "embedded.csv")
        published = load("published_eer", RESULTS)
        for file in options.files:
            name = printable(Path(file).name)
            try:
                clip = decode_safely(file, name=name, track=options.track, channel=options.channel)
            except AudioError as error:
                unread.append((name, str(error)))
                print(f"{printable(file)}: {error}", file=sys.stderr)
                continue
            for part, detector in product(clip.parts, detectors):
                found = replace(detector.detect(part, stance=stance), elapsed_ms=0.0)
                cases.append(
                    Case(
                        found,
                        detector.decision.inconclusive_llr,
                        track_record(detector.id, figures, published),
                        stress(
                            detector,
                            part,
                            stance,
                            detection=found,
                        )
                        if options.stress
                        else None,
                    )
                )
        write = evidence_pdf if out.suffix.lower() == ".pdf" else evidence_html
        write_whole(out, write(cases, unread))
    except (DetectorError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{out}: {len(cases)} judgements, {len(unread)} files could not be read")
    return 2 if unread else 0
