"""What an address says of a page's choices, checked before its widgets read it.

A page checks all of them at once and before its first widget: one that is there holds the address,
and drops without a word what it does not take.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.show.markdown import plain

Numbers = range | tuple[float, float]
"""Whole numbers, or any from the least to the most."""

_NONE: Mapping[str, str] = MappingProxyType({})
_PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_UNSAID = "spoofscope.unsaid"


def names_of(
    options: Collection[str],
    label: Callable[[str], str] = str,
    also: Mapping[str, str] = _NONE,
) -> dict[str, str]:
    """What an address may call the options of a widget -> their labels, for `check`.

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


def check(
    names: Mapping[str, Mapping[str, str]],
    numbers: Mapping[str, Numbers] = MappingProxyType({}),
    many: Collection[str] = (),
    old: Mapping[str, str] = _NONE,
) -> None:
    """Leave in the address only what its widgets take, as they write it; say what else it named.

    Options may be named by their keys, in capitals or not; labels are what widgets read. Of several
    values for one choice the last that can be meant counts. Ends the run where it changes the
    address, and says what is lost in the next.

    Parameters
    ----------
    names : mapping of str to mapping
        A widget's key, which is its name in the address -> `names_of` its options.
    numbers : mapping of str to range or (float, float), optional
        A slider's key -> what it takes.
    many : collection of str, optional
        Keys of the widgets that take several.
    old : mapping of str to str, optional
        What numbers were called in older addresses -> their key of now.
    """
    address = {key: st.query_params.get_all(key) for key in st.query_params}
    left, lost = dict(address), []
    for was, key in old.items():
        meant, unknown = _read(left.pop(was, []), numbers[key])
        lost += [f"{was}={value}" for value in unknown]
        if meant and key not in left:
            left[key] = meant
    for key in (*names, *numbers):
        if not any(map(str.strip, left.get(key, ()))):
            continue  # nothing was asked, or nothing chosen
        meant, unknown = _read(left.pop(key), names[key] if key in names else numbers[key])
        lost += [value if key in names else f"{key}={value}" for value in unknown]
        if meant:
            left[key] = meant if key in many else meant[-1:]
    lost = list(dict.fromkeys([*st.session_state.pop(_UNSAID, ()), *lost]))
    if left != address:
        with contextlib.suppress(StreamlitAPIException):  # widgets are there, and drop it
            st.query_params.from_dict(left)
            st.session_state[_UNSAID] = lost
            st.rerun()
    say_lost(lost)


def say_missing(labels: Mapping[str, Collection[str]]) -> None:
    """Say what the address names that exists, but is no choice for now: widgets that are shown for
    the first time drop it.

    Parameters
    ----------
    labels : mapping of str to collection of str
        A widget's key -> the labels of its options.
    """
    named = {key: st.query_params.get_all(key) for key in labels if key not in st.session_state}
    say_lost([v for key, values in named.items() for v in values if v and v not in labels[key]])


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


def _read(values: Sequence[str], taken: Mapping[str, str] | Numbers) -> tuple[list[str], list[str]]:
    """What values mean, as widgets write it, each once; and those that mean nothing."""
    meant: list[str] = []
    unknown: list[str] = []
    for value in filter(str.strip, values):
        read = taken.get(value.casefold()) if isinstance(taken, Mapping) else _number(value, taken)
        unknown += [value] if read is None else []
        meant += [] if read is None else [read]
    return list(dict.fromkeys(meant)), unknown


def _number(value: str, taken: Numbers) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return None
    if isinstance(taken, range):
        return str(int(number)) if number.is_integer() and int(number) in taken else None
    if not taken[0] <= number <= taken[1]:
        return None
    return value if _PLAIN_NUMBER.fullmatch(value) else f"{number:g}"
