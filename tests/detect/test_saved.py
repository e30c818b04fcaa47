"""Saved detections: what was saved comes back, and nothing else is shown."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.saved import SavedError, open_saved
from tests.show.builders import SCORES, HandDetector, clip

WHOLE = replace(HandDetector(SCORES).detect(clip(9.0)))
KEYS = [
    *((key,) for key in WHOLE.to_dict()),
    *(("source", key) for key in WHOLE.to_dict()["source"]),
    *(("quality", key) for key in WHOLE.to_dict()["quality"]),
    *(("windows", 0, key) for key in WHOLE.to_dict()["windows"][0]),
]


def saved(detection=WHOLE) -> bytes:
    return json.dumps(detection.to_dict()).encode()


@given(prior=st.floats(0.01, 0.99), c_fa=st.floats(0.1, 100), hertz=st.sampled_from(list(SCORES)))
def test_what_was_saved_comes_back(prior, c_fa, hertz):
    made = HandDetector(SCORES)
    detection = made.with_prior(made.detect(clip(9.0, hertz=hertz)), prior, c_fa=c_fa)
    assert open_saved(saved(detection)) == [detection]
    both = json.dumps({"detections": [detection.to_dict()] * 2}).encode()
    assert open_saved(both) == [detection] * 2


@given(
    where=st.sampled_from(KEYS),
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=4,
    ),
)
def test_a_changed_field_is_shown_sanely_or_refused_in_a_sentence(where, value):
    data = WHOLE.to_dict()
    place = data
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    try:
        found = open_saved(json.dumps(data).encode())[0]
    except SavedError as error:
        assert str(error).endswith(".")
    else:
        assert found.p_spoof is None or 0 <= found.p_spoof <= 1
        assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "empty list"),
        (b"{}", "not a saved detection"),
        (b"[1]", "Item 1"),
        (saved().replace(b"detection/1", b"detection/2"), "another form|was saved in the form"),
        (saved().replace(b'"prior": 0.5', b'"prior": NaN'), "NaN"),
        (saved().replace(b'"prior": 0.5', b'"prior": "0.5"'), "not of the right kind"),
        (saved().replace(b'"prior": 0.5', b'"prior": 1.5'), "out of range"),
        (saved().replace(b'"synthetic"', b'"guilty"'), "verdict is none"),
    ],
)
def test_every_fault_gets_its_sentence(data, says):
    with pytest.raises(SavedError, match=says):
        open_saved(data)


def test_a_huge_file_is_not_even_read(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_SAVED_MB", "1")
    with pytest.raises(SavedError, match="at most 1 MB"):
        open_saved(saved() + b" " * 2**20)
