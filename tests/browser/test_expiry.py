"""A visitor closes the tab, and nobody comes after."""

import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS, SPEECH, go_to

WATCHED = """
from core.show.server import clip_store, expiry

class Told(expiry.Expiry):
    def look(self, runtime):
        super().look(runtime)
        if self._failures:
            return
        sessions = runtime._session_mgr.num_sessions()
        files = len(runtime.media_file_mgr._file_metadata)
        uploads = len(runtime.uploaded_file_mgr.file_storage)
        sounds = clip_store.STORE.held()
        print(f"LEFT {sessions} {files} {uploads} {sounds}", flush=True)

expiry.Expiry = Told
"""

PROGRAMS = {
    "serve": ("-c", WATCHED + "from core.show import serve; serve.main()"),
    # As a host does that knows Streamlit only.
    "home": (
        "-c",
        WATCHED + "import sys; from streamlit.web import cli\n"
        "sys.argv = ['streamlit', 'run', 'Home.py', *sys.argv[1:]]; cli.main()",
    ),
}


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def left(log) -> list[int]:
    """Sessions, files, uploads and bytes of sound at the last look."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("LEFT ")]
    return [int(n) for n in lines[-1].split()[1:]] if lines else []


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_closed_tab_leaves_is_gone_though_nobody_comes_after(browser, tmp_path, program):
    log = tmp_path / "log.txt"
    with serving(log, PROGRAMS[program], SPOOFSCOPE_SESSION_KEEP_S="2") as url:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.get_by_role("heading", level=1).first.wait_for()
        go_to(page, "Detect")
        page.locator("input[type=file]").first.set_input_files(SPEECH)
        expect(page.get_by_role("button", name="Open in Timeline")).to_be_visible(
            timeout=PATIENCE_MS
        )
        audio = page.locator("audio[src]").first
        audio.wait_for(state="attached")
        sound = audio.evaluate("audio => audio.src")
        assert status(sound) == 200
        assert all(left(log))
        page.close()
        until = time.monotonic() + 30
        while left(log) != [0, 0, 0, 0] and time.monotonic() < until:
            time.sleep(0.2)  # nobody asks the server for anything meanwhile
        assert left(log) == [0, 0, 0, 0]
        assert status(sound) == 404
