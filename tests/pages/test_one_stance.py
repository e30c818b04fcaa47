"""One visit over all pages: nothing but the stance moves a verdict, and no page breaks another."""

from streamlit.testing.v1 import AppTest

from core.detect.decision import Stance
from tests.builders import ROOT

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


def test_nothing_but_the_stance_moves_a_verdict(visit):
    """There with every view of every page, and back again by the first view of each."""
    visit.number_input(key="detect-cost_false_accusation").set_value(2.0).run()
    before, touched = verdicts(visit), 0
    assert before[0].startswith(":orange[")
    for n, page in enumerate([*ELSEWHERE, *ELSEWHERE[::-1]]):
        visit.switch_page(f"pages/{page}.py").run()
        assert not visit.exception, visit.exception
        touched += touch(visit)
        views = visit.button_group if n < len(ELSEWHERE) else ()
        for key, options in [(group.key, group.options) for group in views]:
            for option in options[1:]:
                visit.button_group(key=key).set_value(option).run()
                assert not visit.exception, visit.exception
                touched += touch(visit)
    assert touched > 15
    assert verdicts(visit) == before
    assert visit.session_state["spoofscope.stance"] == Stance(cost_false_accusation=2.0)
    visit.switch_page("pages/Detect.py").run()
    visit.slider(key="detect-prior").set_value(1).run()
    assert verdicts(visit) != before
