"""What a page's widgets show does not hang on one run alone, which a later one may overtake."""

from typing import Any

import numpy as np

from tests.builders import ROOT

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


def test_every_run_says_what_an_untouched_widget_shows(visit):
    for page in PAGES:
        visit.switch_page(f"pages/{page}.py").run()
        visit.run()
        for widget in (widget for kind in KINDS for widget in getattr(visit, kind)):
            told = list(np.atleast_1d(widget.proto.default))
            assert widget.proto.set_value or told == shown(widget), (page, widget.key)
