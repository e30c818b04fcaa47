"""The very first visitor of a fresh server may come through a deep link."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS

ROOT = Path(__file__).resolve().parents[2]


def test_first_visitor_with_a_deep_link_finds_the_page(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/detect?example=1")
    page.get_by_role("heading", name=re.compile("Likely|Inconclusive")).wait_for(
        timeout=PATIENCE_MS
    )
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_role("link", name="Under the hood").count() == 1
    page.close()


def test_links_by_file_name_show_their_pages(address, browser):
    """In one window, which keeps what it has loaded."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    names = sorted({path.stem for path in (ROOT / "pages").glob("*.py")} - {"Welcome"})
    assert len(names) == 8
    for name in names:
        page.goto(f"{address}/{name}")
        said = name.replace("_", " ").capitalize()
        page.get_by_role("heading", name=said, level=1, exact=True).wait_for()
        page.get_by_test_id("stSidebarNavLink").nth(8).wait_for()
        assert page.get_by_text("Page not found").count() == 0
        assert page.get_by_test_id("stSidebarNavLink").count() == 9
    page.close()


@pytest.mark.parametrize("name", ["your-scores", "Under_the_Hood"])
def test_a_host_that_knows_streamlit_only_shows_the_first_visitor_the_page(browser, tmp_path, name):
    program = ("-m", "streamlit", "run", "Home.py")
    with serving(tmp_path / "log.txt", program, SPOOFSCOPE_API="1") as url:
        page = browser.new_page()
        page.goto(f"{url}/{name}")
        said = name.replace("-", " ").replace("_", " ").capitalize()
        page.get_by_role("heading", name=said, level=1).wait_for(timeout=PATIENCE_MS)
        page.get_by_test_id("stSidebarNavLink").nth(8).wait_for()
        expect(page).to_have_title(f"{said} · Spoofscope")
        assert page.get_by_role("dialog").count() == 0
        assert page.request.get(f"{url}/api/v1/health").json() == {"status": "ok"}
        page.close()
