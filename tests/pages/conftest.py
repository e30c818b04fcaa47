"""What the tests of several pages need."""

import shutil

import pytest
import streamlit as st

from core.evaluate import tables
from core.show import cache
from tests.show.builders import SCORES, HandDetector


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A copy of the tables that a test may change."""
    folder = tmp_path / "results"
    shutil.copytree(tables.RESULTS, folder)
    (folder / "embedded.csv").unlink(missing_ok=True)
    monkeypatch.setattr(cache, "RESULTS", folder)
    return folder


@pytest.fixture
def detector(monkeypatch, tmp_path):
    """A detector without a network, and no examples but those a test writes."""
    st.cache_resource.clear()
    made = HandDetector(SCORES)
    monkeypatch.setattr("core.detect.registry.load_detector", lambda *args, **kwargs: made)
    monkeypatch.setattr("core.show.cache.EXAMPLES", tmp_path)
    yield made
    st.cache_resource.clear()
