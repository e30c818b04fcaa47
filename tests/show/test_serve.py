"""How the dashboard's process is set up."""

import logging

import pytest
from streamlit.logger import setup_formatter

from core.show.serve import log_no_requests

REQUEST = "GET /api/v1/detect?name=a-witness.wav"


@pytest.fixture
def requests(monkeypatch):
    """The web server's log of requests, with nobody's filters, and what it keeps."""
    log, kept, seen = logging.getLogger("uvicorn.access"), logging.Handler(), []
    kept.emit = seen.append
    monkeypatch.setattr(log, "filters", [])
    monkeypatch.setattr(log, "handlers", [kept])
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()
    yield log, seen
    log.manager._clear_cache()


def test_requests_stay_out_of_the_log_also_where_streamlit_opens_it_again(requests):
    log, seen = requests
    log.info(REQUEST)
    assert len(seen) == 1
    log_no_requests()
    setup_formatter(log)  # as when .streamlit/config.toml changes
    log.info(REQUEST)
    assert len(seen) == 1
