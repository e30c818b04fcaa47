"""Which clip, and which part of it, a page shows: in the session and in the page's address.

``/timeline?example=3&from=2&to=5`` opens an example at a part of it. A clip lives in the memory of
one visit and a reload begins another, so of a visitor's own the address says that there was one,
and never more. A part is written when the visitor chooses it, so that the back button leads back.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from core.show import session
from core.show.navigation.choices import say_lost

LEAST_S = 0.5
LONGEST_S = 300.0
"""Least and most seconds that are shown at a time."""

FIRST_S = 60.0
"""Of a longer clip as much is shown at first."""

LOST = {
    "clip": "Open the file, or record, once more.",
    "take": "Press **Start** for another.",
    "score file": "Choose it once more.",
}
"""What a reload loses -> how to bring it again."""

Part = tuple[float, float]

EDGES = ("from", "to")
"""What an address calls where a part begins and ends."""

_KEPT = "kept"
_KEYS = ("example", *EDGES, _KEPT)
_PARTS = "spoofscope.shown-parts"
_SEEN = "spoofscope.address"
_HELD = "address-held"


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
    return fitted(*(chosen(key) or (0.0, min(duration_s, FIRST_S))), duration_s)


def chosen(key: session.Key) -> Part | None:
    """The part of a clip that the visitor chose on Timeline, if any."""
    return st.session_state.get(_PARTS, {}).get(key)


def choose(entry: session.Entry, part: Part | None) -> None:
    """Show this part of a clip from now on, None for its beginning; for callbacks of widgets."""
    _keep(entry.key, part)
    write(entry)


def _keep(key: session.Key, part: Part | None) -> None:
    parts = st.session_state.setdefault(_PARTS, {})
    parts.pop(key, None)
    if part is not None:
        parts[key] = part


def query_of(entry: session.Entry, part: Part | None = None) -> dict[str, str]:
    """What an address says of a clip and a part of it."""
    found = {"example": str(entry.example)} if entry.example else {_KEPT: "1"}
    if part is not None:
        found |= {"from": f"{part[0]:g}", "to": f"{part[1]:g}"}
    return found


def write(entry: session.Entry | None, with_part: bool = True) -> None:
    """Make the page's address lead to what is shown, None for nothing."""
    part = chosen(entry.key) if entry is not None and with_part else None
    _write({} if entry is None else query_of(entry, part))


def write_example(order: int) -> None:
    """Make the page's address lead to an example that is to be shown."""
    _write({"example": str(order)})


def _write(wanted: dict[str, str]) -> None:
    others = {k: v for k, v in st.query_params.to_dict().items() if k not in _KEYS}
    twice = any(len(st.query_params.get_all(key)) > 1 for key in wanted)
    if twice or st.query_params.to_dict() != others | wanted:
        st.query_params.from_dict(others | wanted)
    st.session_state[_SEEN] = {key: [value] for key, value in wanted.items()}
    st.session_state[_HELD] = _KEPT in wanted or st.session_state.get(_HELD, False)


def write_if_other(entry: session.Entry, with_part: bool = True) -> None:
    """Write the address where it leads to another clip or to none: where a page shows this one."""
    wanted = query_of(entry)
    said = {key: st.query_params.get_all(key) for key in ("example", _KEPT)}
    if any(values != ([wanted[key]] if key in wanted else []) for key, values in said.items()):
        write(entry, with_part)


def new_request() -> dict[str, list[str]] | None:
    """What the address asks for where it is not what was written last; None where it is."""
    asked = {k: st.query_params.get_all(k) for k in _KEYS if k in st.query_params}
    if asked == st.session_state.get(_SEEN, {}):
        return None
    st.session_state[_SEEN] = asked
    return asked


def asked_example(values: Sequence[str], offered: Collection[str]) -> tuple[str, list[str]]:
    """The last example that an address names and that is offered, empty where none is; and what
    else it names.
    """
    there = [value for value in values if value in offered]
    lost = [value for value in values if value.strip() and value not in offered]
    return (there[-1] if there else ""), lost


def asked_part(asked: Mapping[str, Sequence[str]], duration_s: float) -> Part | None:
    """The part that an address asks for; None where it asks for none that could be meant."""
    edges = [[value for value in asked.get(end, ()) if _finite(value)] for end in EDGES]
    if not all(edges):
        return None
    start, end = (float(values[-1]) for values in edges)
    return fitted(start, end, duration_s) if start < duration_s and end > 0.0 else None


def lost_edges(asked: Mapping[str, Sequence[str]], meant: Part | None) -> list[str]:
    """Edges of a part that an address names in vain, where this is the part that it means."""
    return [
        f"{end}={value}"
        for end in EDGES
        for value in asked.get(end, ())
        if value.strip() and (meant is None or not _finite(value))
    ]


def _finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def apply_part(asked: Mapping[str, Sequence[str]], entry: session.Entry, duration_s: float) -> None:
    """Show the part that an address asks for, the clip's beginning where it asks for none."""
    _keep(entry.key, asked_part(asked, duration_s))


def clear_request() -> None:
    """Take out of the address which clip, and which part, it asked for."""
    said = {key: st.query_params.get_all(key) for key in st.query_params}
    st.query_params.from_dict({k: v for k, v in said.items() if k not in ("example", *EDGES)})
    st.session_state[_SEEN] = {k: v for k, v in said.items() if k == _KEPT}


def note_kept(there: bool, what: str = "clip") -> None:
    """Note in the address that something of the visitor's own is here; where the address speaks of
    what an earlier visit had, say that it is gone.

    Parameters
    ----------
    there : bool
        Whether it is here.
    what : str
        One of `LOST`.
    """
    values = [value for value in st.query_params.get_all(_KEPT) if value.strip()]
    if there:
        st.session_state[_HELD] = True
    elif "1" in values and not st.session_state.get(_HELD):
        st.info(
            f"The {what} that was here is gone: it was kept for one visit only, and this page was "
            f"loaded again. {LOST[what]}",
            icon=":material/refresh:",
        )
    elif _KEPT in st.query_params:  # dropped in this visit, by its visitor
        del st.query_params[_KEPT]
    if (there or _KEPT in st.query_params) and values != ["1"]:
        st.query_params[_KEPT] = "1"
    say_lost([f"{_KEPT}={value}" for value in values if value != "1"], "")
