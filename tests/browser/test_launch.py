"""The very first visitor of a fresh server may come through a deep link."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS


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
