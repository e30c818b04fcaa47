"""``python -m core inspect FILE...``: what files themselves show of their origin."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.options import EXIT_UNUSABLE, as_sentence, unusable
from core.plain import json_text, printable

if TYPE_CHECKING:
    from core.provenance.found import Provenance


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser("inspect", help="say what files themselves show of their origin")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="audio files, directories or glob patterns"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument(
        "--personal", action="store_true", help="include tags that may name people and places"
    )
    parser.add_argument(
        "--watermark", action="store_true", help="look for Resemble's watermark, too"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look into the files; 0 when all went well, 2 when one could not be used."""
    from core.audio.clip import AudioError
    from core.audio.files import audio_files
    from core.provenance.isolated import TrustListError, look_safely, prepare
    from core.provenance.watermark import missing

    files = list(audio_files(options.files))
    if not files:
        return unusable("No audio files were found there.")
    if options.watermark and (why := missing()):
        return unusable(why)
    prepare()
    found: list[tuple[Path, Provenance]] = []
    failed = False
    for file in files:
        try:
            origin = look_safely(file)
            found.append((file, _marked(file, origin) if options.watermark else origin))
        except AudioError as error:
            failed = True
            print(f"{printable(str(file))}: {error}", file=sys.stderr)
        except (TrustListError, OSError, RuntimeError) as error:
            return unusable(as_sentence(error))
    if options.json:
        print(
            json_text(
                [
                    {"file": printable(str(file)), **origin.to_dict(options.personal)}
                    for file, origin in found
                ]
            )
        )
    else:
        for file, origin in found:
            print("\n".join([printable(str(file)), *in_lines(origin, options.personal)]))
    return EXIT_UNUSABLE if failed else 0


def _marked(file: Path, origin: Provenance) -> Provenance:
    from core.audio.clip import SAMPLE_RATE
    from core.audio.isolated import decode_safely
    from core.provenance.watermark import with_watermark

    clip = decode_safely(file)
    return with_watermark(origin, clip.samples, SAMPLE_RATE)


def in_lines(origin: Provenance, personal: bool = False) -> list[str]:
    """What a file shows, for a terminal."""
    from core.show.provenance.history import history
    from core.show.provenance.signed import facts, line

    said = line(origin)
    lines = [said.text] if said is not None else []
    if origin.credentials is not None:
        lines += [f"{name}: {value}" for name, value in facts(origin.credentials)]
    for told in history(origin):
        lines += [f"{told.found_at} {told.meaning}", f"  {told.seen}"]
    if personal:
        lines += [f"{name}: {value}" for name, value in origin.personal]
    elif origin.personal:
        lines.append(f"Other tags: {len(origin.personal)}; --personal shows them.")
    lines += origin.notes
    return [f"  {one}" for one in lines or ["Nothing that tells of its origin."]]
