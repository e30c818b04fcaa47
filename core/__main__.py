"""``python -m core``: the command line."""

import sys

from core.interrupts import end_at_once


def main() -> int:
    """Load the command line, which takes a while, and run it; gives its exit status."""
    end_at_once()
    from core import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
