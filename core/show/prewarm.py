"""Imports that the next page will need, made while the first one is read."""

from __future__ import annotations

import contextlib
import threading

from core.show.serve import keep_uploads_in_memory, stay_home
from core.show.server import downloads, expiry

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
    # Where the host started Home.py by itself:
    stay_home()
    keep_uploads_in_memory()
    expiry.start()
    downloads.keep_made()
    thread = threading.Thread(target=_import_chart_libraries, name="prewarm", daemon=True)
    thread.start()
    return thread


def _import_chart_libraries() -> None:
    with contextlib.suppress(ImportError):  # the page that needs it will say so
        import altair  # noqa: F401
        import pandas  # noqa: F401
        import streamlit.elements.vega_charts  # noqa: F401
