"""``python -m benchmarks [NAME ...] [--json FILE]``: the table of speeds, or benchmarks by name."""

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from core.interrupts import run

NAMES = (
    "metrics", "scores", "figure_pages", "decode_memory", "isolated", "live", "load", "load_api",
    "long_visits", "serving", "detection", "scaling", "coverage", "coverage_kinds", "several",
    "calibration", "encoders",
)  # fmt: skip


def machine() -> str:
    """What this ran on, in a few words."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = (line.partition(":") for line in info.read_text().splitlines())
        name = next((value.strip() for key, _, value in lines if "model name" in key), name)
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(rows: list[dict], where: str) -> str:
    """Rows in Markdown."""
    lines = ["| what | ours | the plain way | ratio | note |", "|---|---|---|---|---|"]
    lines += [f"| {r['what']} | {r['ours']} | {r['plain']} | {r['ratio']} | {r['note']} |"
              for r in rows]  # fmt: skip
    return "\n".join([f"Machine: {where}.", "", *lines])


def main() -> int:
    """Print the table; or run what was asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", metavar="FILE", help="write the rows of the table there too")
    wanted = parser.parse_args()
    unknown = set(wanted.names) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        return 2
    if wanted.names and wanted.json:
        print("--json takes the table of speeds: leave the names out.")
        return 2
    sys.argv = sys.argv[:1]
    failed = 0
    for name in wanted.names:
        print(f"\n{name}", flush=True)
        status = importlib.import_module(f"benchmarks.{name}").main()
        failed |= status if isinstance(status, int) else 0  # others return what they measured
    if not wanted.names:
        from benchmarks import detection, encoders, first_paint

        rows = [*detection.main(), *encoders.rows(), *first_paint.main()]
        where = machine()
        print(table(rows, where))
        if wanted.json:
            Path(wanted.json).write_text(json.dumps({"machine": where, "rows": rows}, indent=1))
    return failed


if __name__ == "__main__":
    sys.exit(run(main))
