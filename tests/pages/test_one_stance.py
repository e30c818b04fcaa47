"""One visit over all pages: nothing but the stance moves a verdict, and no page breaks another."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.detect.decision import Stance
from tests.builders import tone, wav

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = sorted({page.stem for page in (ROOT / "pages").glob("*.py")} - {"Detect", "Timeline"})


def other(widget, kind: str):
    """Another value than the widget's own; None where it has no other."""
    if kind in ("slider", "number_input"):
        if isinstance(widget.value, (list, tuple)):
            return None
        ends = [end for end in (widget.min, widget.max) if end is not None]
        return next((end for end in ends if end != widget.value), None)
    if kind == "checkbox":
        return not widget.value
    if kind == "multiselect":
        return [] if widget.value else widget.options[:1] or None
    options = list(widget.options)
    return len(options) > 1 and len(options) - 1


def touch(at: AppTest) -> int:
    """Set every widget of the page that is shown to another value, all in one run."""
    touched = 0
    for kind in ("slider", "number_input", "checkbox", "multiselect", "selectbox", "radio"):
        for widget in at.get(kind):
            if str(widget.key).startswith("detect-") or widget.disabled:
                continue  # the stance's own
            new = other(widget, kind)
            if new is None or (new is False and kind != "checkbox"):
                continue
            widget.select_index(new) if kind in ("selectbox", "radio") else widget.set_value(new)
            touched += 1
    at.run()
    assert not at.exception, at.exception
    return touched


def verdicts(at: AppTest) -> tuple[str, str]:
    """What Detect and Timeline say of the clip."""
    said = []
    for page in ("Detect", "Timeline"):
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception
        said.append(next(m.value for m in [*at.header, *at.markdown] if "Likely" in m.value
                         or "nconclusive" in m.value))  # fmt: skip
    return said[0], said[1]


@pytest.mark.parametrize("order", [ELSEWHERE, ELSEWHERE[::-1]])
def test_nothing_but_the_stance_moves_a_verdict(detector, monkeypatch, order):
    for module in ("component", "shutdown"):
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)
    at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    at.switch_page("pages/Detect.py").run()
    at.file_uploader[0].upload("clip.wav", wav(tone(9.0, 220.0))).run()
    at.number_input(key="detect-cost_false_accusation").set_value(2.0).run()
    before, touched = verdicts(at), 0
    assert before[0].startswith(":orange[")
    for page in order:
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception
        touched += touch(at)
        for key, options in [(group.key, group.options) for group in at.button_group]:
            for option in options[1:]:
                at.button_group(key=key).set_value(option).run()
                assert not at.exception, at.exception
                touched += touch(at)
    assert touched > 15
    assert verdicts(at) == before
    assert at.session_state["spoofscope.stance"] == Stance(cost_false_accusation=2.0)
    at.switch_page("pages/Detect.py").run()
    at.slider(key="detect-prior").set_value(1).run()
    assert verdicts(at) != before
