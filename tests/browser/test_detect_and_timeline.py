"""What only a browser shows: files, a microphone, clicks in a chart, a moving cursor."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from core.audio.decoding import decode
from core.show.navigation.address import LOST
from core.show.theme import VERDICTS
from tests.audio.conftest import _make_media, _remux
from tests.browser.helpers import NAME, SPEECH, overflow, settled

ANY_VERDICT = re.compile("|".join(style.word for style in VERDICTS.values()))


def card(page: Page):
    return page.locator(".st-key-detect-result-card")


def window_chart(page: Page):
    chart = page.locator("[class*=st-key-detect-windows-]").get_by_test_id("stVegaLiteChart")
    return chart.filter(has=page.locator("canvas, svg"))


def read_card(page: Page) -> str:
    """The card's text once it is there and the script has come to rest."""
    expect(card(page).get_by_role("heading")).to_have_text(ANY_VERDICT)
    expect(card(page)).to_contain_text(re.compile(r"Windows\s*\d+"))
    expect(page.get_by_role("button", name="Open in Timeline")).to_be_visible()
    settled(page)
    return card(page).inner_text()


TOPS = """[...document.querySelectorAll("[data-testid=stColumn]")].slice(0, 2).map(
    column => [...column.firstElementChild.children].find(part => part.offsetHeight)
        .getBoundingClientRect().top)"""
"""Where the first part that is seen of a page's first two columns begins."""


def upload(page: Page, file: Path = SPEECH) -> None:
    page.locator("input[type=file]").first.set_input_files(str(file))


def large_clip(folder: Path) -> Path:
    """More than 1 MB, from where on web servers like to write uploads to the disk."""
    samples, rate = soundfile.read(SPEECH, dtype="int16")
    path = folder / f"{NAME}.wav"
    soundfile.write(path, np.repeat(samples, 12), 12 * rate, subtype="PCM_24")
    assert path.stat().st_size > 1_100_000
    return path


def test_upload_read_hear_a_window_come_back_and_a_reload_says_what_it_lost(visit, tmp_path):
    page = visit("detect", width=390, height=844)
    upload(page, large_clip(tmp_path))
    before = read_card(page)
    verdict = card(page).get_by_role("heading")
    expect(verdict).to_be_in_viewport(ratio=1)  # also on a telephone
    box = verdict.bounding_box()
    assert box["y"] + box["height"] <= 844
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop") == 0
    assert overflow(page) <= 0
    page.set_viewport_size({"width": 1280, "height": 900})
    left, right = page.evaluate(TOPS)
    assert left == right  # also where nothing is waited for
    assert re.search(r"Windows\s+\d+", before)
    meters = card(page).get_by_role("meter")
    assert sum(float(m.get_attribute("aria-valuenow")) for m in meters.all()) == pytest.approx(
        100, abs=1
    )
    chart = window_chart(page)
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.4})
    window = page.locator(".st-key-detect-heard-window")
    expect(window).to_contain_text(re.compile(r"Window \d+, \d+\.\d\d to \d+\.\d\d s"))
    expect(window.locator("audio")).to_have_count(1)

    page.get_by_role("button", name="Open in Timeline").click()
    page.get_by_role("heading", name="Timeline", level=1).wait_for()
    page.get_by_role("button", name="Back to the result").click()
    page.get_by_role("heading", name="Detect", level=1).wait_for()
    assert read_card(page).split("\n")[0] == before.split("\n")[0]
    page.reload()
    expect(page.get_by_text(LOST["clip"])).to_be_visible()


def test_the_timeline_follows_the_sound_and_the_hand(visit):
    page = visit("timeline")
    upload(page)
    stage = page.get_by_role("slider", name="Position in the clip")
    stage.wait_for()
    expect(stage).to_have_attribute("data-ready", "true")
    end = float(stage.get_attribute("aria-valuemax"))
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(page.locator(".st-key-timeline-here")).to_contain_text("window")
    assert float(stage.get_attribute("aria-valuenow")) == pytest.approx(end / 2, rel=0.05)

    page.get_by_role("radio", name="1 s", exact=True).click()
    expect(page.get_by_role("radio", name="1 s", exact=True)).to_be_checked()
    settled(page)
    there = "([stage, at]) => Math.abs(stage.getAttribute('aria-valuenow') / at - 1) < 0.05"
    page.wait_for_function(there, arg=[stage.element_handle(), end / 2])

    stage.press("ArrowLeft")
    here = float(stage.get_attribute("aria-valuenow"))
    assert here == pytest.approx(end / 2 - 1.0, abs=0.2)
    stage.press(" ")
    page.wait_for_function(
        "([stage, least]) => Number(stage.getAttribute('aria-valuenow')) > least",
        arg=[stage.element_handle(), here + 0.2],
    )
    stage.press(" ")
    painted = page.evaluate(
        """() => [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)
        .flatMap(root => [...root.querySelectorAll('canvas')])
        .every(c => {
          const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
          return new Set(data).size > 2;
        })"""
    )
    assert painted


def test_the_brush_chooses_a_part_every_clock_shows_the_files_seconds_and_a_reload_keeps_it(visit):
    page = visit("timeline?example=1")
    stage = page.get_by_role("slider", name="Position in the clip")
    expect(stage).to_have_attribute("data-ready", "true")
    end = float(stage.get_attribute("aria-valuemax"))

    def drag(start: float, to: float) -> None:
        """From one share of the clip to another."""
        settled(page)  # what stands above may move it
        box = page.locator(".overview").bounding_box()
        page.mouse.move(box["x"] + start * box["width"], box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + to * box["width"], box["y"] + 20, steps=4)
        page.mouse.up()

    drag(0.0, 0.6)  # the left edge of the frame, which is as long as the clip
    expect(page).to_have_url(re.compile(r"from="))
    fields = [page.get_by_label(name, exact=True) for name in ("From (s)", "To (s)")]
    expect(fields[0]).to_have_value(re.compile(rf"^{0.6 * end:.1f}"))
    expect(stage).to_have_attribute("aria-valuemin", re.compile(rf"^{0.6 * end:.1f}"))
    start = float(stage.get_attribute("aria-valuemin"))
    time = page.locator(".readout .time")
    expect(time).to_have_text(re.compile(rf"^{start:.1f} s"))
    assert page.locator("audio:visible").count() == 0  # its clock would begin at 0
    ticks = page.locator(".axis.of-part span").all_inner_texts()
    assert ticks and all(start <= float(t.split()[0]) <= end for t in ticks)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(
        "([stage, least]) => Number(stage.getAttribute('aria-valuenow')) > least",
        arg=[stage.element_handle(), start + 0.2],
    )
    page.get_by_role("button", name="Pause", exact=True).click()

    drag(0.8, 0.4)  # the frame as a whole
    expect(fields[0]).to_have_value(re.compile(rf"^{0.2 * end:.1f}"))
    fields[1].fill(f"{0.5 * end:.2f}")
    fields[1].press("Enter")
    expect(stage).to_have_attribute("aria-valuemax", f"{round(0.5 * end, 2):g}")
    settled(page)
    page.go_back()
    expect(stage).to_have_attribute("aria-valuemax", re.compile(rf"^{0.6 * end:.1f}"))
    expect(fields[1]).to_have_value(re.compile(rf"^{0.6 * end:.1f}"))
    page.reload()
    expect(stage).to_have_attribute("aria-valuemin", re.compile(rf"^{0.2 * end:.1f}"))
    expect(stage).to_have_attribute("aria-valuemax", re.compile(rf"^{0.6 * end:.1f}"))


def test_no_line_of_scores_runs_through_what_the_file_lacks(visit, tmp_path):
    sound = np.tile(decode(SPEECH).samples, 4)
    whole = _make_media("webm", "libopus", sound)
    file = tmp_path / "gap.webm"
    file.write_bytes(_remux(whole, "webm", lambda second: not 2.2 <= second < 8))
    page = visit("timeline")
    page.locator("input[type=file]").first.set_input_files(str(file))
    stage = page.get_by_role("slider", name="Position in the clip")
    expect(stage).to_have_attribute("data-ready", "true")
    end = float(stage.get_attribute("aria-valuemax"))
    coloured = """([canvas, from, to]) => {
        const pen = canvas.getContext("2d"), left = Math.round(from * canvas.width);
        const { data } = pen.getImageData(
          left, 0, Math.round(to * canvas.width) - left, canvas.height);
        let n = 0;
        for (let i = 0; i < data.length; i += 4) {
          n += data[i + 3] > 0 && Math.abs(data[i] - data[i + 2]) > 60;
        }
        return n;
    }"""
    lane = page.locator(".spectrum canvas").element_handle()
    assert page.evaluate(coloured, [lane, 8.1 / end, 1.0]) > 0
    assert page.evaluate(coloured, [lane, 2.3 / end, 7.9 / end]) == 0
