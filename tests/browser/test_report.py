"""The evidence report in a browser without a network, and a saved detection opened again."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.helpers import NAME, overflow, settled

MOVED = """() => addEventListener("pointerdown", () => {
  document.querySelector(".st-key-detect-report-notes").style.marginTop = "90px";
}, { capture: true, once: true })"""
"""What comes late, as a field or a chart of a page that is being drawn, comes while one presses."""


def test_the_report_opens_offline_and_prints_and_a_saved_detection_opens_again(
    browser: Browser, visit, tmp_path
):
    page = visit("detect?example=1", width=390)
    settled(page)  # the first analysis has a time of its own
    page.get_by_text("Evidence report", exact=True).click()
    page.mouse.down()
    page.mouse.move(0, 0)  # who draws the mouse away takes the press back: it stays open
    page.mouse.up()
    prepare = page.get_by_role("button", name="Prepare report")
    prepare.wait_for()
    page.evaluate(MOVED)
    prepare.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    report = tmp_path / "report.html"
    download.value.save_as(report)
    assert overflow(page) <= 0
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    saved = Path(download.value.path()).read_bytes()
    page.get_by_text("Open a saved detection", exact=True).click()
    page.locator(".st-key-detect-saved input[type=file]").set_input_files(
        {"name": f"{NAME}.json", "mimeType": "application/json", "buffer": saved}
    )
    expect(page.get_by_text("A saved file holds no sound")).to_be_visible()

    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("Evidence report")
    expect(page.locator("svg")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 1 <= pages <= 6
    assert asked == [report.as_uri()]
    assert said == []
    context.close()
