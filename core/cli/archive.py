"""``python -m core score``: its part of the command line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from core.cli.options import add_part, add_renamed, add_stance, stance_of, unusable
from core.score.judging import EXECUTORS
from core.settings import ENGINES


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser("score", help="score an archive of files into one table")
    parser.add_argument(
        "manifest", metavar="MANIFEST", help="CSV, TSV or Parquet with a column path; or a folder"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="a .parquet or .csv")
    parser.add_argument("--root", metavar="DIR", help="what relative paths are relative to")
    parser.add_argument("--windows-out", metavar="FILE", help="one row per window")
    parser.add_argument("--detector", default="embedded", metavar="ID")
    add_part(parser)
    parser.add_argument("--hop", type=float, metavar="S",
        help="seconds between windows; the detector's figures were measured at its own, the "
        "default, and near an edge of its band another hop can move a verdict",
    )  # fmt: skip
    add_stance(parser)
    parser.add_argument("--engine", type=_engine, metavar="NAME",
        help=f"what runs the network: {', '.join(ENGINES)} (default: the model's own)",
    )  # fmt: skip
    add_renamed(parser, "--network-engine", "--engine")
    parser.add_argument(
        "--executor", choices=EXECUTORS, default="processes",
        help="what runs the workers: processes of this machine (the default) or Ray",
    )  # fmt: skip
    parser.add_argument(
        "--ray-address", metavar="HOST:PORT",
        help="a running Ray cluster; without it, --executor ray starts one on this machine",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, metavar="N", help="workers, one per core by default"
    )
    parser.add_argument("--fresh", action="store_true", help="forget an unfinished run")
    parser.set_defaults(run=run)


def _engine(name: str) -> str:
    if name in EXECUTORS:
        raise argparse.ArgumentTypeError(f"{name} runs the workers: say --executor {name}.")
    if name not in ENGINES:
        raise argparse.ArgumentTypeError(f"there are {', '.join(ENGINES)}, no {name!r}.")
    return name


def run(options: argparse.Namespace) -> int:
    """Score the archive; 0 when all went well, 2 when it could not be read or written."""
    from core.detect.detector import DetectorError
    from core.files import why_not_written
    from core.score.archive import SUFFIXES, score
    from core.score.manifest import ArchiveError, read_manifest

    if options.ray_address and options.executor != "ray":
        return unusable("--ray-address goes with --executor ray.")
    try:
        for table in (options.out, options.windows_out):
            both = table and os.path.isfile(table) and os.path.exists(options.manifest)
            if both and os.path.samefile(table, options.manifest):
                raise ArchiveError(f"{table} is the manifest itself. Name another file.")
            if table is not None and (problem := why_not_written(table, SUFFIXES)):
                raise ArchiveError(problem)
        bad = score(
            read_manifest(options.manifest, options.root),
            options.out,
            detector=options.detector,
            stance=stance_of(options),
            hop_s=options.hop,
            processes=options.processes,
            windows_out=options.windows_out,
            fresh=options.fresh,
            executor=options.executor,
            ray_address=options.ray_address,
            engine=options.engine,
            track=options.track,
            channel=options.channel,
        )
    except (ArchiveError, DetectorError) as error:
        return unusable(error)
    except OSError as error:
        return unusable(
            f"{error.filename or options.out} cannot be read or written: "
            f"{error.strerror or error}. What is finished is kept beside the output, and the same "
            "command goes on from there."
        )
    except KeyboardInterrupt:
        print("\nThe same command goes on from here.", file=sys.stderr)
        raise
    for id, sentence in bad.items():
        print(f"{id}: {sentence}", file=sys.stderr)
    return 0
