"""Progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tqdm import tqdm


def bar(what: str) -> Callable[[float], None]:
    """A bar on standard error, on a terminal only.

    Parameters
    ----------
    what : str
        What takes its time.

    Returns
    -------
    callable
        Takes the share that is done, 0 to 1; the bar closes at 1.
    """
    if not sys.stderr.isatty():
        return lambda share: None
    line = tqdm(total=100, desc=what, bar_format="{desc} {bar:30} {percentage:3.0f} %", leave=True)

    def show(share: float) -> None:
        line.n = 100 * share
        line.refresh()
        if share >= 1:
            line.close()

    return show
