"""Where the queue is full."""

from __future__ import annotations

import logging
from typing import NoReturn

import streamlit as st

from core.show.server.queue import TooBusy

logger = logging.getLogger(__name__)


def refused(error: TooBusy) -> NoReturn:
    """Say that the queue is full, offer another try, and end the page."""
    logger.info("refused: %s", error)
    st.warning(str(error), icon=":material/groups:")
    st.button("Try again", icon=":material/refresh:", key="try-again")
    st.stop()
