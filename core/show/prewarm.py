"""Imports that the next page will need, made while the first one is read."""

from __future__ import annotations

import contextlib
import threading

from core.show.serve import before_visitors

_started = threading.Event()


def prewarm() -> threading.Thread | None:
    """Start importing the chart libraries in the background, once a process.

    Returns
    -------
    threading.Thread or None
        The thread, or None where it was started before.
    """
    if _started.is_set():
        return None
    _started.set()
    before_visitors()  # where a host runs Home.py without asking it for its server
    thread = threading.Thread(target=_import_chart_libraries, name="prewarm", daemon=True)
    thread.start()
    return thread


def _import_chart_libraries() -> None:
    with contextlib.suppress(ImportError):  # the page that needs it will say so
        import altair  # noqa: F401
        import pandas  # noqa: F401
        import streamlit.elements.vega_charts  # noqa: F401
