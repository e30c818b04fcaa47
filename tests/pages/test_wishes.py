"""What a click asked for is done, also where the run that was to see it ends before its button."""

import ast

import pytest
from streamlit.testing.v1 import AppTest

from core.show.server.queue import TooBusy
from tests.builders import ROOT

SOURCES = [*(ROOT / "core" / "show").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
BUTTONS = {"button", "form_submit_button"}
ITSELF = {"Stop", "Try again"}
"""Labels of buttons that ask for nothing but the run that a click brings."""


def buttons(source: str) -> list[tuple[ast.Call, bool]]:
    """Calls that draw a button, and whether what each returns is made use of."""
    tree = ast.parse(source)
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        (call, call not in bare)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in BUTTONS
    ]


def test_no_page_takes_a_click_from_what_a_button_returns():
    found = [(path, call, used) for path in SOURCES for call, used in buttons(path.read_text())]
    assert len(found) > 15
    for path, call, used in found:
        noted = {word.arg for word in call.keywords} >= {"on_click"}
        itself = ast.literal_eval(call.args[0]) in ITSELF if not noted else False
        assert not used and (noted or itself), f"{path}:{call.lineno}"


def asks(in_form: bool) -> None:
    import contextlib

    import streamlit as st

    from core.show import session

    if st.session_state.get("ends early"):
        st.stop()
    with st.form("form") if in_form else contextlib.nullcontext():
        if session.pressed("Go", key="go", in_form=in_form):
            st.markdown("gone")


@pytest.mark.parametrize("in_form", [False, True])
def test_a_click_counts_once_and_outlives_a_run_that_ends_before_its_button(in_form):
    at = AppTest.from_function(asks, args=(in_form,)).run()
    at.button[0].click().run()
    assert [m.value for m in at.markdown] == ["gone"] and not at.run().markdown
    button = at.button[0]
    at.session_state["ends early"] = True
    button.click().run()
    assert not at.markdown
    at.session_state["ends early"] = False
    assert [m.value for m in at.run().markdown] == ["gone"] and not at.run().markdown
    assert not at.exception


def test_what_a_page_drawn_to_its_end_did_not_take_up_is_dropped():
    at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
    at.session_state["spoofscope.wishes"] = {"another": True}
    assert not at.run().session_state["spoofscope.wishes"] and not at.exception


def refusing(*_, **__):
    raise TooBusy("The queue is full.")


def test_a_stress_test_and_a_long_analysis_go_on_where_the_queue_was_full(visit, monkeypatch):
    from core.show.stress import view

    with monkeypatch.context() as full:
        full.setattr(view, "stress", refusing)
        visit.button(key="detect-stress-run").click().run()
        assert visit.warning[0].value == "The queue is full."
    began = []
    monkeypatch.setattr(view, "stress", lambda *_, **__: began.append(True))
    visit.button(key="try-again").click().run()
    assert began == [True] and not visit.run().exception and began == [True]

    monkeypatch.setattr("core.show.timeline.view.PATIENCE_S", -1.0)
    visit.switch_page("pages/Timeline.py").run()
    visit.segmented_control(key="timeline-hop").set_value(1.0).run()
    with monkeypatch.context() as full:
        full.setattr("core.show.cache.detect", refusing)
        next(b for b in visit.button if b.label.startswith("Analyse")).click().run()
        assert visit.warning[0].value == "The queue is full."
    visit.button(key="try-again").click().run()
    assert not visit.exception and not visit.warning
    assert not [b for b in visit.button if b.label.startswith("Analyse")]
