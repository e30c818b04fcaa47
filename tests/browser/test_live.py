"""Live in a real Chromium: a fake microphone, a real connection, the real detector."""

import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect
from scipy.signal import fftconvolve

from core import load_detector
from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.codecs import encode_decode
from core.audio.decoding import clip_from_samples, decode
from core.show.theme import VERDICTS
from tests.browser.conftest import FLAGS
from tests.browser.helpers import PATIENCE_MS, READER, ROOT, microphone, overflow, settled

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


def press(page: Page, name: str) -> None:
    page.frame_locator("iframe[title*=webrtc]").get_by_role("button", name=name).click()


def verdict(page: Page):
    return page.locator(".st-key-live-verdict")


def seconds(page: Page) -> int:
    minutes, rest = re.search(
        r"Since the start\s+(\d+):(\d\d)", verdict(page).inner_text()
    ).groups()
    return 60 * int(minutes) + int(rest)


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


def take_of(page: Page) -> np.ndarray:
    with page.expect_download() as download:
        page.get_by_role("button", name="WAV", exact=True).click()
    samples, rate = soundfile.read(download.value.path(), dtype="float32")
    assert rate == SAMPLE_RATE
    return samples


def found_on_detect(page: Page, name: str, take: np.ndarray) -> None:
    """Open the take in Detect: it is scored as its file is, and holds its own sound only."""
    page.get_by_role("button", name="Open in Detect").click()
    card = page.locator(".st-key-detect-result-card")
    expect(card.get_by_role("heading")).to_have_text(JUDGED)
    expect(card).to_contain_text(re.compile(r"Log-likelihood ratio\s*[+-]"))
    text = card.inner_text()
    assert "one pass of the Opus codec" in text
    shown = float(re.search(r"Log-likelihood ratio\s+([+-][\d.]+)", text).group(1))
    detector = load_detector()
    assert shown == pytest.approx(detector.detect(through_opus(take)).llr, abs=0.006)

    sounds = {known: decode(path).samples for known, path in EXAMPLES.items()}
    found = {known: place(take, sound) for known, sound in sounds.items()}
    start, alike = found.pop(name)
    assert alike > 0.7
    assert all(other < 0.5 for _, other in found.values())
    sound = sounds[name]
    repeated = np.tile(sound, 3 + len(take) // len(sound))
    same = encode_decode(repeated[start:][: len(take)], CODEC)
    file = detector.detect(through_opus(same)).llr
    assert shown == pytest.approx(file, abs=TOLERANCE_LLR)


def running(page: Page) -> None:
    """Wait for a verdict with its interval, while the take runs."""
    expect(verdict(page)).to_contain_text("over this take")
    text = verdict(page).inner_text()
    assert JUDGED.search(text)
    assert re.search(r"interval [+-]\d", text)
    assert re.search(r"Sound to score\s+\d", text)


def charts_stay(page: Page) -> None:
    """While a take goes on its charts are neither faded nor built anew."""
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
    then = re.compile(rf"Since the start\s*{before // 60}:{before % 60:02d}")
    expect(verdict(page)).not_to_contain_text(then)
    assert page.evaluate("window.drawn.length > 1 && window.drawn.every(c => c.isConnected)")
    assert seconds(page) > before


def go(page: Page, name: str) -> None:
    """Follow a link of the navigation, which a telephone folds away."""
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
    link.dispatch_event("click")
    page.get_by_role("heading", name=name, level=1, exact=True).wait_for()


def test_two_browsers_each_hear_their_own_sound_and_one_is_left_mid_stream_and_comes_back(
    visit, browser, address, tmp_path
):
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    heard = microphone(tmp_path / "synthetic.wav", EXAMPLES["synthetic"])
    other = browser.browser_type.launch(executable_path=path, args=[*FLAGS, *heard])
    beside = other.new_page(permissions=["microphone"])
    beside.set_default_timeout(PATIENCE_MS)
    beside.goto(f"{address}/live")
    telephone = visit("live", width=390, scheme="dark")
    assert overflow(telephone) <= 0
    for page in (beside, telephone):
        settled(page)
        press(page, "Start")
    running(beside)
    press(beside, "Stop")
    running(telephone)
    assert overflow(telephone) <= 0
    charts_stay(telephone)
    before = seconds(telephone)
    go(telephone, "Detect")  # which closes the microphone
    found_on_detect(beside, "synthetic", take_of(beside))
    other.close()

    go(telephone, "Live")
    expect(telephone.get_by_text("You left the page, which closed the microphone")).to_be_visible()
    kept = seconds(telephone)
    assert kept >= before
    telephone.wait_for_timeout(1_500)
    assert seconds(telephone) == kept  # nothing goes on behind the visitor's back
    assert overflow(telephone) <= 0
    found_on_detect(telephone, "real", take_of(telephone))

    go(telephone, "Live")
    press(telephone, "Start")
    expect(telephone.get_by_role("button", name="Pause")).to_be_visible()
    expect(verdict(telephone)).to_contain_text(re.compile(r"Since the start\s*0:(0[1-9]|[1-5])"))
    telephone.get_by_role("button", name="Pause").click()
    expect(telephone.get_by_text("nothing of it is kept")).to_be_visible()
    press(telephone, "Stop")
    telephone.get_by_role("button", name="Discard").click()
    expect(telephone.get_by_role("heading", name="Nothing is being heard yet")).to_be_visible()
    expect(telephone.get_by_test_id("stAudio")).to_have_count(0)


NOTHING = """
const listed = MediaDevices.prototype.enumerateDevices;
MediaDevices.prototype.enumerateDevices = async function () {
  const devices = await listed.call(this);
  return top.plugged ? devices : devices.filter(({ kind }) => kind !== "audioinput");
};
RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {});
"""
"""No microphone until one is plugged in, and as behind a firewall: the answer to the connection
arrives, but no connection ever does."""


def test_without_a_microphone_and_without_a_connection_there_is_a_sentence_and_another_way(
    tab, address
):
    page = tab.context.new_page()
    page.add_init_script(NOTHING)
    page.goto(f"{address}/live")
    recorder = page.get_by_test_id("stAudioInput").filter(visible=True)
    missing = page.get_by_text("Your browser finds no microphone")
    expect(missing).to_be_visible()
    expect(recorder).to_be_visible()
    page.evaluate(
        "() => { window.plugged = true;"
        " navigator.mediaDevices.dispatchEvent(new Event('devicechange')); }"
    )
    expect(missing).to_have_count(0)
    expect(recorder).to_have_count(0)

    press(page, "Start")
    expect(verdict(page)).to_contain_text("Waiting")
    expect(page.get_by_text("No sound has come from the microphone")).to_be_visible()
    expect(recorder).to_be_visible()
    page.close()
