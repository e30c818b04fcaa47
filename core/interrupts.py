"""What Ctrl-C does to a command: it says so and ends with status 130, also while it still loads."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

STATUS = 130
"""With which a shell says that an interrupt ended a command."""


def end_at_once() -> None:
    """Let an interrupt end this process from now on; for as long as it loads what it needs.

    Where interrupts are ignored, as behind ``nohup``, they stay so.
    """
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _raise):
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """Let an interrupt be a `KeyboardInterrupt` again, for who can catch it.

    One that comes within an import still ends the process: what is imported would make another
    error of it, or print it and go on.
    """
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, _raise)


def run(main: Callable[[], int | None]) -> int:
    """Call a command that does not catch an interrupt itself; its exit status.

    Parameters
    ----------
    main : callable
        Gives an exit status, or None where all went well.
    """
    try:
        raise_again()
        return main() or 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STATUS


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hold interrupts back from this thread until the context ends, and from processes that it
    starts meanwhile for good: whoever started them ends them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _raise(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            _end()
        frame = frame.f_back
    raise KeyboardInterrupt


def _end(*_: object) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Stopped.\n")
    os._exit(STATUS)
