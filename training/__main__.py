"""``python -m training``: the command line of the workshop."""

import sys

from training.commands import main

sys.exit(main())
