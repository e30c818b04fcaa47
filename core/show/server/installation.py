"""What a page says where a part of the installation is missing or damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.detect.model_config import DetectorError
from core.evaluate.tables import TableError
from core.show.markdown import for_visitors

OF_FIGURES = ("", "benchmarks", "systems", "overfitting", "under-the-hood")
"""Addresses of the pages that are drawn from data/results and data/models alone."""

RESTORE = "Restore the file from the project's repository, then reload this page."
MISSING = "The figures are missing from this installation: look into data/results."
DAMAGED = (
    "A row, a column or a file that this page needs is missing from this installation, or damaged: "
    "look into data/results and data/models, or install the project again."
)


@contextmanager
def explained(url_path: str) -> Iterator[None]:
    """Draw a page; where a part of the installation keeps it from going on, end it by a sentence.

    A table that is broken as a whole names itself. A page of figures has no other input than the
    installation, so there a row that is not found is its fault too; what happened goes to the log.
    A detector that fails in the middle of a clip says so in its own sentence.
    """
    try:
        yield
    except TableError as error:
        logging.getLogger(__name__).warning("the page /%s lacks a table", url_path, exc_info=True)
        st.error(f"{error} {RESTORE}", icon=":material/error:")
    except DetectorError as error:
        logging.getLogger(__name__).error("a detector failed: %s", error)
        st.error(for_visitors(error), icon=":material/error:")
    except (LookupError, ValueError, TypeError, AttributeError, OSError):
        if url_path not in OF_FIGURES:
            raise
        logging.getLogger(__name__).exception("the page /%s cannot be drawn", url_path)
        st.error(DAMAGED, icon=":material/error:")
