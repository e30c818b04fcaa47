"""``python -m training``: the command line of the workshop."""

import sys

from core.interrupts import end_at_once

if __name__ == "__main__":
    end_at_once()  # what follows takes a while to load
    from training.commands import main

    sys.exit(main())
