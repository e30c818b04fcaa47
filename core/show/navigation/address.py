"""Which clip, and which part of it, a page shows: in the session and in the page's address.

``/timeline?example=3&from=2&to=5`` opens an example at a part of it. A clip lives in the memory of
one visit and a reload begins another, so of a visitor's own the address says that there was one,
and never more. A part is written when the visitor chooses it, so that the back button leads back.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.show import session
from core.show.markdown import plain

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

_PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_KEPT = "kept"
_KEYS = ("example", "from", "to", _KEPT)
_PARTS = "spoofscope.shown-parts"
_SEEN = "spoofscope.address"
_HELD = "address-held"
_UNSAID = "spoofscope.unsaid"


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
    wanted = {} if entry is None else query_of(entry, part)
    others = {k: v for k, v in st.query_params.to_dict().items() if k not in _KEYS}
    twice = any(len(st.query_params.get_all(key)) > 1 for key in wanted)
    if twice or st.query_params.to_dict() != others | wanted:
        st.query_params.from_dict(others | wanted)
    st.session_state[_SEEN] = wanted
    st.session_state[_HELD] = _KEPT in wanted or st.session_state.get(_HELD, False)


def write_if_other(entry: session.Entry, with_part: bool = True) -> None:
    """Write the address where it leads to another clip or to none: where a page shows this one."""
    wanted = query_of(entry)
    said = {key: st.query_params.get_all(key) for key in ("example", _KEPT)}
    if any(values != ([wanted[key]] if key in wanted else []) for key, values in said.items()):
        write(entry, with_part)


def new_request() -> dict[str, str] | None:
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


def apply_part(asked: Mapping[str, Any], entry: session.Entry, duration_s: float) -> None:
    """Show the part that an address asks for, the clip's beginning where it asks for none."""
    _keep(entry.key, asked_part(asked, duration_s))


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
    if there:
        st.session_state[_HELD] = True
        if _KEPT not in st.query_params:
            st.query_params[_KEPT] = "1"
    elif _KEPT in st.query_params:
        if st.session_state.get(_HELD):  # dropped in this visit, by its visitor
            del st.query_params[_KEPT]
        else:
            st.info(
                f"The {what} that was here is gone: it was kept for one visit only, and this page "
                f"was loaded again. {LOST[what]}",
                icon=":material/refresh:",
            )


def names_of(
    options: Collection[str],
    label: Callable[[str], str] = str,
    also: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """What an address may call the options of a widget -> their labels, for `accept_keys`.

    Parameters
    ----------
    options : collection of str
        What can be chosen.
    label : callable, optional
        What the widget calls an option; the option itself by default.
    also : mapping of str to str, optional
        Other names of options -> the option.
    """
    labels = {name.casefold(): label(option) for name, option in also.items() if option in options}
    for option in options:
        labels[option.casefold()] = label(option)
    return labels | {name.casefold(): name for name in map(label, options)}


def say_lost(values: Sequence[str], choose: str = "Choose below.") -> None:
    """Say of what an address names, and what is not here, that the page goes without it.

    Parameters
    ----------
    values : sequence of str
        As the address has them; of none nothing is said.
    choose : str, optional
        What the visitor can do.
    """
    if values:
        shown = ", ".join(f"**{plain(value[:60])}**" for value in values[:3])
        more = f" and {len(values) - 3:,} more" if len(values) > 3 else ""
        st.info(
            f"The address names {shown}{more}: there is no such choice here, so this page shows "
            f"its usual one. {choose}",
            icon=":material/link_off:",
        )


def check_numbers(ranges: Mapping[str, tuple[float, float]]) -> None:
    """Say which numbers in an address no slider takes, before its widget drops them. Of several the
    last counts, written as widgets write it. Ends the run where it changes the address.

    Parameters
    ----------
    ranges : mapping of str to (float, float)
        A widget's key, which is its name in the address -> the least and the most it takes.
    """
    lost, changed = [], {}
    for key, (low, high) in ranges.items():
        values, taken = st.query_params.get_all(key), []
        for value in filter(str.strip, values):
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if low <= number <= high:
                taken.append(value if _PLAIN_NUMBER.fullmatch(value) else f"{number:g}")
            else:
                lost.append(f"{key}={value}")
        if taken and taken[-1:] != values:
            changed[key] = taken[-1:]
    _change(changed, lost)


def accept_keys(names: Mapping[str, Mapping[str, str]], many: Collection[str] = ()) -> None:
    """Let an address name options by their keys too, in capitals or not; labels are what is
    written, and all that a widget reads. Ends the run where it changes the address.

    What names nothing here is said, since a page without it shows something else than was asked. Of
    several names for one choice the last counts, which a widget would drop together.

    Parameters
    ----------
    names : mapping of str to mapping
        A widget's key, which is its name in the address -> `names_of` its options.
    many : collection of str
        Keys of the widgets that take several.
    """
    said = {key: st.query_params.get_all(key) for key in names}
    lost = [
        value
        for key, values in said.items()
        for value in values
        if value.strip() and value.casefold() not in names[key]
    ]
    meant = {
        key: [names[key].get(value.casefold(), value) for value in values]
        for key, values in said.items()
    }
    for key, values in said.items():
        there = [value for value in values if value.casefold() in names[key]]
        if key not in many and len(values) > 1 and there:
            meant[key] = [names[key][there[-1].casefold()]]
    _change({key: values for key, values in meant.items() if values != said[key]}, lost)


def _change(changed: Mapping[str, Sequence[str]], lost: Sequence[str]) -> None:
    """Put values into the address and begin the run anew, where there are any; else say what is
    lost, also of the run before."""
    lost = list(dict.fromkeys([*st.session_state.pop(_UNSAID, ()), *lost]))
    if changed:
        with contextlib.suppress(StreamlitAPIException):  # widgets are there, and hold the address
            st.query_params.update(changed)
            st.session_state[_UNSAID] = lost
            st.rerun()
    say_lost(lost)


def accept_old_names(names: Mapping[str, str], low: int, high: int) -> None:
    """Take over whole numbers that an older address says under names that are gone.

    Ends the run where it changes the address. `accept_keys` follows, and says what is left out: it
    may end the run too, and what was said before would be gone.

    Parameters
    ----------
    names : mapping of str to str
        Old name to the key of the widget of now, which is not shown yet.
    low, high : int
        The widgets' range; what lies outside, or is no number, is left out.
    """
    lost, meant = [], {}
    for old, new in names.items():
        said = st.query_params.pop(old, "")
        if not (said.isdecimal() and low <= int(said[:9]) <= high):
            lost += [f"{old}={said}"] if said.strip() else []
        elif new not in st.query_params:
            meant[new] = said
    st.session_state[_UNSAID] = [*st.session_state.get(_UNSAID, ()), *lost]
    if meant:  # into the address, since a value in the state contradicts the widget's default
        st.query_params.update(meant)
        st.rerun()
