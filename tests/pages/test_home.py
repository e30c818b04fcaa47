"""The landing page."""

import logging
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.evaluate.tables import figures_in
from tests.pages.words import assert_plain

HOME = str(Path(__file__).resolve().parents[2] / "Home.py")


def test_home_leads_to_detect_and_shows_figures_from_the_tables():
    at = AppTest.from_file(HOME, default_timeout=60).run()
    assert_plain(at)
    assert at.title[0].value == "Is this voice human?"
    assert [button.label for button in at.button] == ["Examine a recording"]
    published = next(
        figures_in(
            "published_eer",
            benchmark="ASVspoof 2019 LA eval",
            breakdown="overall",
            system="wav2vec2-base stage 2 (published)",
        )
    )
    shown = {metric.value for metric in at.metric}
    assert f"{published.value:.2f} %" in shown
    in_part = next(
        figures_in(
            "embedded", breakdown="in_part", condition="with 4 s of synthetic speech in them"
        )
    )
    assert any(f"named in **{in_part.value:.0f} %**" in text.value for text in at.markdown)
    sources = [text.help for text in at.markdown if (text.help or "").startswith("Source: ")]
    assert len(sources) == len(at.metric) >= 4
    assert logging.getLogger("core").propagate  # only a server's start decides where logs go


def test_missing_tables_leave_the_page_standing(tmp_path, monkeypatch):
    monkeypatch.setattr("core.evaluate.tables.loading.RESULTS", tmp_path)
    at = AppTest.from_file(HOME, default_timeout=60).run()
    assert not at.exception
    assert not at.metric
