"""``python -m benchmarks [NAME ...]``: run the benchmarks, all or by name."""

import importlib
import sys

NAMES = ("metrics", "scores", "figure_pages", "decode_memory", "live")


def main() -> int:
    """Run what was asked for, one after the other."""
    unknown = set(sys.argv[1:]) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        return 2
    names = sys.argv[1:] or NAMES
    sys.argv = sys.argv[:1]
    for name in names:
        print(f"\n{name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
