"""A button that copies the page's address."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

_HTML = """
<div class="link"><button type="button">Copy link to this view</button>
  <span role="status"></span>
  <input type="text" readonly hidden aria-label="Link to this view"></div>
"""

_CSS = """
.link { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; font-size: 0.9rem; }
.link button { font: inherit; cursor: pointer; padding: 0.35rem 0.8rem; border-radius: 0.6rem;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); }
.link button:hover, .link button:focus-visible { border-color: var(--st-primary-color); }
.link input { font: inherit; flex: 1; min-width: 12rem; padding: 0.3rem 0.5rem;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: 0.6rem; }
"""


@functools.cache
def _link() -> Any:
    import streamlit as st

    return st.components.v2.component(
        "spoofscope_link",
        html=_HTML,
        css=_CSS,
        js=Path(__file__).with_name("link.js").read_text("utf-8"),
    )


def copy_link(key: str) -> None:
    """A button that copies the address; what is chosen on the page is in it.

    Parameters
    ----------
    key : str
        Of the component, unique.
    """
    _link()(key=key)
