"""Which clip and which part of it Timeline shows: in the session and in the page's address.

``/timeline?example=3&from=2&to=5`` opens an example at a part of it. The address is written when
the visitor chooses something and never while the page is drawn, so that the back button leads back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.show import session

LEAST_S = 0.5
LONGEST_S = 300.0
"""Least and most seconds that are shown at a time."""

FIRST_S = 60.0
"""Of a longer clip as much is shown at first."""

Part = tuple[float, float]

_KEYS = ("example", "from", "to")
_PARTS = "spoofscope.shown-parts"
_SEEN = "spoofscope.address"


def fitted(start_s: float, end_s: float, duration_s: float) -> Part:
    """The part nearest to what was asked that lies in the clip and is neither too short nor too
    long.

    Parameters
    ----------
    start_s, end_s : float
        In seconds, in either order.
    duration_s : float
        Length of the clip; positive.

    Returns
    -------
    (float, float)
        Rounded to hundredths, but for the clip's own end.

    Raises
    ------
    ValueError
        If an edge is not finite.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise ValueError("a part has two finite edges")
    least = min(LEAST_S, duration_s)
    start, end = sorted(min(duration_s, max(0.0, round(edge, 2))) for edge in (start_s, end_s))
    if end - start < least:
        start = min(start, duration_s - least)
        end = start + least
    return start, min(end, start + LONGEST_S)


def around(start_s: float, end_s: float, margin_s: float = 5.0) -> Part:
    """A stretch with what comes before and after it, to be `fitted`."""
    return max(0.0, start_s - margin_s), min(end_s + margin_s, start_s + LONGEST_S)


def part_of(key: session.Key, duration_s: float) -> Part:
    """The part of a clip that is shown: the chosen one, else its beginning."""
    start, end = st.session_state.get(_PARTS, {}).get(key, (0.0, min(duration_s, FIRST_S)))
    return fitted(start, end, duration_s)


def chosen(key: session.Key) -> Part | None:
    """The part of a clip that the visitor chose on Timeline, if any."""
    return st.session_state.get(_PARTS, {}).get(key)


def choose(entry: session.Entry, part: Part | None) -> None:
    """Show this part of a clip from now on, None for its beginning; for callbacks of widgets."""
    _keep(entry.key, part)
    write_address(entry)


def _keep(key: session.Key, part: Part | None) -> None:
    parts = st.session_state.setdefault(_PARTS, {})
    parts.pop(key, None)
    if part is not None:
        parts[key] = part


def address_to(entry: session.Entry, part: Part | None) -> dict[str, str]:
    """What leads to a part of a clip in an address."""
    found = {"example": str(entry.example)} if entry.example else {}
    if part is not None:
        found |= {"from": f"{part[0]:g}", "to": f"{part[1]:g}"}
    return found


def write_address(entry: session.Entry | None) -> None:
    """Make the page's address lead to what is shown."""
    shown = st.session_state.get(_PARTS, {})
    wanted = {} if entry is None else address_to(entry, shown.get(entry.key))
    others = {k: v for k, v in st.query_params.to_dict().items() if k not in _KEYS}
    if st.query_params.to_dict() != others | wanted:
        st.query_params.from_dict(others | wanted)
    st.session_state[_SEEN] = wanted


def news() -> dict[str, str] | None:
    """What the address asks for where it is not what was written last; None where it is."""
    asked = {k: v for k, v in st.query_params.to_dict().items() if k in _KEYS}
    if asked == st.session_state.get(_SEEN, {}):
        return None
    st.session_state[_SEEN] = asked
    return asked


def asked_part(asked: Mapping[str, Any], duration_s: float) -> Part | None:
    """The part that an address asks for; None where it asks for none that could be meant."""
    try:
        start, end = float(asked["from"]), float(asked["to"])
        return fitted(start, end, duration_s) if start < duration_s and end > 0.0 else None
    except (KeyError, ValueError):
        return None


def follow(asked: Mapping[str, Any], entry: session.Entry, duration_s: float) -> None:
    """Show the part that an address asks for, the clip's beginning where it asks for none."""
    _keep(entry.key, asked_part(asked, duration_s))
