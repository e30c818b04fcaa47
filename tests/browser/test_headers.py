"""Under its Content-Security-Policy every page works, and nothing on it breaks the policy."""

import re

from playwright.sync_api import expect

from tests.browser.helpers import PATIENCE_MS, SPEECH, go_to, settled

NOTE = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.broken.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


def test_every_page_keeps_to_the_policy(browser, address):
    page = browser.new_page(permissions=["microphone"])
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(NOTE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    answer = page.goto(f"{address}/detect")
    assert "default-src 'self';" in answer.header_value("content-security-policy")
    page.locator("input[type=file]").first.set_input_files(str(SPEECH))
    expect(page.locator(".st-key-detect-result-card").get_by_role("heading")).to_have_text(
        re.compile("Likely|Inconclusive"), timeout=PATIENCE_MS
    )
    settled(page)
    page.get_by_text("Evidence report", exact=True).click()
    page.get_by_role("button", name="Prepare report").click()
    expect(page.get_by_role("button", name="Report (HTML)")).to_be_visible()
    drawn = page.get_by_test_id("stVegaLiteChart").locator(".marks:visible").first
    expect(drawn).to_be_visible()
    go_to(page, "Timeline")
    page.get_by_role("slider", name="Position in the clip").wait_for()
    for name in ("Benchmarks", "Systems", "Overfitting"):
        go_to(page, name)
        expect(drawn).to_be_visible()
    for name in ("Your scores", "Under the hood"):
        go_to(page, name)
        settled(page)
    go_to(page, "Live")
    start = page.frame_locator("iframe[title*=webrtc]").get_by_role("button", name="Start")
    start.click()
    expect(page.locator(".st-key-live-verdict")).to_contain_text(
        "Since the start", timeout=PATIENCE_MS
    )
    for frame in page.frames:
        assert frame.evaluate("window.broken") == []
    assert not [text for text in said if "Content Security Policy" in text]
    # What the policy is for:
    outcome = page.evaluate(
        "() => fetch('https://elsewhere.example/').then(() => 'sent', () => 'refused')"
    )
    assert outcome == "refused"
    page.evaluate(
        "() => { document.body.insertAdjacentHTML('beforeend',"
        " '<img src=x: onerror=\"window.injected = true\">');"
        " const script = document.createElement('script');"
        " script.textContent = 'window.injected = true'; document.body.append(script); }"
    )
    page.wait_for_function(
        "['connect-src', 'script-src-attr', 'script-src-elem']"
        ".every(what => window.broken.some(text => text.startsWith(what)))"
    )
    assert page.evaluate("window.injected") is None
    page.close()
