"""Live in a real Chromium: a fake microphone, a real connection, the real detector."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect
from scipy.signal import fftconvolve

from core import load_detector
from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.codecs import encode_decode
from core.audio.decoding import clip_from_samples, decode
from core.show.theme import VERDICTS
from tests.browser.conftest import FLAGS
from tests.browser.helpers import PATIENCE_MS, READER, ROOT, microphone, overflow

EXAMPLES = {
    "synthetic": ROOT / "examples" / "1-easy-navigation-voice.mp3",
    "real": READER,
}
CODEC = "opus-24"
TOLERANCE_LLR = 1.0
"""Between a take and its file through the same codec, cut to the same seconds: the browser's
encoder chooses its own rate and band, and adapts them as it goes. On busy cores they lay up to 0.7
apart. The two takes lie 4 apart, so neither can pass for the other."""

JUDGED = re.compile("|".join(style.word for style in VERDICTS.values()))


def chromium(browser: Browser, heard: Sequence[str]) -> Browser:
    """Another Chromium, whose microphone is given by these flags, or which has none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    return browser.browser_type.launch(executable_path=path, args=[*FLAGS, *heard])


def open_live(page: Page, address: str) -> Page:
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/live")
    page.get_by_role("heading", name="Live", level=1, exact=True).wait_for()
    return page


def press(page: Page, name: str) -> None:
    page.frame_locator("iframe[title*=webrtc]").get_by_role("button", name=name).click()


def verdict(page: Page):
    return page.locator(".st-key-live-verdict")


def seconds(page: Page) -> int:
    minutes, rest = re.search(
        r"Since the start\s+(\d+):(\d\d)", verdict(page).inner_text()
    ).groups()
    return 60 * int(minutes) + int(rest)


@dataclass
class Session:
    """What one of two browsers saw, heard and was told."""

    running: str
    stopped: str
    take: np.ndarray
    detect: str


@pytest.fixture(scope="module")
def sessions(
    browser: Browser, tab: Page, address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Session]]:
    """Two browsers at once, each with its own sound, from start to Detect."""
    file = tmp_path_factory.mktemp("microphone") / "synthetic.wav"
    other = chromium(browser, microphone(file, EXAMPLES["synthetic"]))
    beside = tab.context.new_page()
    try:
        pages = {
            "synthetic": open_live(other.new_page(permissions=["microphone"]), address),
            "real": open_live(beside, address),
        }
        for page in pages.values():
            press(page, "Start")
        found, running = {}, {}
        for name, page in pages.items():
            expect(verdict(page)).to_contain_text("over this take", timeout=PATIENCE_MS)
            running[name] = verdict(page).inner_text()
            press(page, "Stop")
        for name, page in pages.items():
            with page.expect_download() as download:
                page.get_by_role("button", name="WAV", exact=True).click()
            samples, rate = soundfile.read(download.value.path(), dtype="float32")
            assert rate == SAMPLE_RATE
            stopped = verdict(page).inner_text()
            page.get_by_role("button", name="Open in Detect").click()
            card = page.locator(".st-key-detect-result-card")
            expect(card.get_by_role("heading")).to_have_text(JUDGED, timeout=PATIENCE_MS)
            expect(card).to_contain_text(re.compile(r"Log-likelihood ratio\s*[+-]"))
            found[name] = Session(running[name], stopped, samples, card.inner_text())
        yield found
    finally:
        beside.close()
        other.close()


def through_opus(samples: np.ndarray) -> Clip:
    """Samples as a clip that came through Opus, whose scores are calibrated apart."""
    clip = clip_from_samples(samples, SAMPLE_RATE, "take")
    return replace(clip, source=replace(clip.source, codec="opus"))


def place(take: np.ndarray, sound: np.ndarray) -> tuple[int, float]:
    """Where in a sound that repeats the take begins, and how alike they are (0-1)."""
    # Of several seconds the one most alike: where the browser repeats its file it drops a few
    # samples, and a busy machine loses some.
    twice = np.concatenate([sound, sound])
    power = np.maximum(fftconvolve(twice**2, np.ones(SAMPLE_RATE), "valid"), 1e-9)
    found = []
    for at in range(SAMPLE_RATE, len(take) - SAMPLE_RATE + 1, SAMPLE_RATE // 2):
        part = take[at : at + SAMPLE_RATE]
        match = fftconvolve(twice, part[::-1], "valid")
        alike = match / np.sqrt(power * max(np.sum(part**2), 1e-9))
        best = int(np.argmax(alike))
        found.append((float(alike[best]), (best - at) % len(sound)))
    alike, start = max(found)
    return start, alike


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_take_is_scored_while_it_runs_and_found_on_detect(sessions, name):
    session = sessions[name]
    assert JUDGED.search(session.running)
    assert re.search(r"interval [+-]\d", session.running)
    assert re.search(r"Sound to score\s+\d", session.running)
    assert "one pass of the Opus codec" in session.detect

    detector = load_detector()
    shown = float(re.search(r"Log-likelihood ratio\s+([+-][\d.]+)", session.detect).group(1))
    heard = detector.detect(through_opus(session.take)).llr
    assert shown == pytest.approx(heard, abs=0.006)

    sound = decode(EXAMPLES[name]).samples
    start, _ = place(session.take, sound)
    repeated = np.tile(sound, 3 + len(session.take) // len(sound))
    same = encode_decode(repeated[start:][: len(session.take)], CODEC)
    file = detector.detect(through_opus(same)).llr
    assert shown == pytest.approx(file, abs=TOLERANCE_LLR)


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_browsers_hear_their_own_sound_only(sessions, name):
    take = sessions[name].take
    alike = {other: place(take, decode(path).samples)[1] for other, path in EXAMPLES.items()}
    assert alike[name] > 0.7
    assert all(value < 0.5 for other, value in alike.items() if other != name)


def test_away_mid_stream_and_back_on_a_telephone(visit):
    page = visit("live", width=390, scheme="dark")
    assert overflow(page) <= 0
    press(page, "Start")
    expect(verdict(page)).to_contain_text("over this take", timeout=PATIENCE_MS)
    assert overflow(page) <= 0
    charts = page.get_by_test_id("stVegaLiteChart").locator("svg.marks, canvas.marks")
    expect(charts).to_have_count(2)
    faded = """part => {
        part.dataset.stale = "true";
        part.style.opacity = "0.33";
        return getComputedStyle(part).opacity;
    }"""
    late = page.locator(".st-key-live-panel").get_by_test_id("stElementContainer").last
    assert late.evaluate(faded) == "1"  # as Streamlit fades what a slow run has not drawn
    page.evaluate("window.drawn = [...document.querySelectorAll('.marks')]")
    before = seconds(page)
    page.wait_for_timeout(1_500)
    then = re.compile(rf"Since the start\s*{before // 60}:{before % 60:02d}")
    expect(verdict(page)).not_to_contain_text(then)
    assert page.evaluate("window.drawn.length > 1 && window.drawn.every(c => c.isConnected)")
    assert seconds(page) > before

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Detect").click()
    page.get_by_role("heading", name="Detect", level=1, exact=True).wait_for()
    page.wait_for_timeout(1_500)
    if page.get_by_test_id("stExpandSidebarButton").is_visible():
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Live").click()
    page.get_by_role("heading", name="Live", level=1, exact=True).wait_for()
    expect(page.get_by_text("You left the page, which closed the microphone")).to_be_visible()
    kept = seconds(page)
    assert kept >= before
    page.wait_for_timeout(1_500)
    assert seconds(page) == kept  # nothing goes on behind the visitor's back
    assert overflow(page) <= 0

    if page.get_by_test_id("stSidebarCollapseButton").is_visible():
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    press(page, "Start")
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE_MS)
    expect(verdict(page)).to_contain_text(re.compile(r"Since the start\s*0:(0[1-9]|[1-5])"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()
    press(page, "Stop")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="Nothing is being heard yet")).to_be_visible()
    expect(page.get_by_test_id("stAudio")).to_have_count(0)


def test_without_a_microphone_there_is_a_sentence_and_another_way(browser, address):
    deaf = chromium(browser, ())
    try:
        page = open_live(deaf.new_page(permissions=["microphone"]), address)
        expect(page.get_by_text("Your browser finds no microphone")).to_be_visible()
        expect(page.get_by_test_id("stAudioInput")).to_be_visible()
    finally:
        deaf.close()


def test_a_connection_that_never_comes_brings_the_recorder_by_itself(tab, address):
    page = tab.context.new_page()
    # As behind a firewall: the answer arrives, but no connection ever does.
    page.add_init_script(
        "RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {})"
    )
    page.goto(f"{address}/live")
    press(page, "Start")
    expect(verdict(page)).to_contain_text("Waiting")
    expect(page.get_by_test_id("stAudioInput")).not_to_be_visible()
    expect(page.get_by_text("No sound has come from the microphone")).to_be_visible()
    expect(page.get_by_test_id("stAudioInput")).to_be_visible()
    page.close()
