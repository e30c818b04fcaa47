"""What a page's widgets show does not hang on one run alone, which a later one may overtake."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.builders import ROOT, tone, wav

PAGES = sorted(p.stem for p in (ROOT / "pages").glob("*.py"))
KINDS = (
    "slider", "number_input", "multiselect", "selectbox", "checkbox", "toggle", "text_input",
    "text_area", "radio", "button_group",
)  # fmt: skip


def shown(widget: Any) -> list[Any]:
    """What a widget shows, in the terms of its default."""
    for name in ("indices", "index", "value"):
        if hasattr(widget, name):
            return list(np.atleast_1d(getattr(widget, name)))
    raise TypeError(widget)


@pytest.mark.parametrize("page", PAGES)
def test_every_run_says_what_an_untouched_widget_shows(detector, monkeypatch, page):
    for module in ("component", "shutdown"):
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)
    at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    at.switch_page("pages/Detect.py").run()
    at.file_uploader[0].upload("clip.wav", wav(tone(9.0, 220.0))).run()
    at.switch_page(f"pages/{page}.py").run()
    at.run()
    for widget in (widget for kind in KINDS for widget in getattr(at, kind)):
        told = list(np.atleast_1d(widget.proto.default))
        assert widget.proto.set_value or told == shown(widget), widget.key
