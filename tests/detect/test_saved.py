"""Saved detections: what was saved comes back, and nothing else is shown."""

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.detect import saved as saved_module
from core.detect.decision import Stance
from core.detect.saved import SavedError, open_saved
from core.show.evidence_report import Case, evidence_html
from tests.damage import NAMES, mutated
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


@given(prior=st.floats(0.01, 0.99), cost=st.floats(0.1, 100), hertz=st.sampled_from(list(SCORES)))
def test_what_was_saved_comes_back(prior, cost, hertz):
    made = HandDetector(SCORES)
    detection = made.detect(
        clip(9.0, hertz=hertz), stance=Stance(prior, cost_false_accusation=cost)
    )
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
        (saved().replace(b"detection/2", b"detection/3"), "another form|was saved in the form"),
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


@pytest.mark.parametrize("part", [b"{}", b"[]", b'{"a":{}}', b'[""]'])
def test_a_file_of_nothing_but_parts_is_refused_before_they_take_memory(part, monkeypatch):
    monkeypatch.setattr(saved_module.json, "loads", lambda *args, **kwargs: 1 / 0)
    data = b"[" + b",".join([part] * 1_500_000) + b"]"
    with pytest.raises(SavedError, match="more than 200,000 parts"):
        open_saved(data)


def told(data: bytes) -> str:
    """The sentence about a file, empty where its Detections can be shown and reported."""
    try:
        found = open_saved(data)
    except SavedError as error:
        assert str(error).endswith(".") and len(str(error)) < 500
        str(error).encode()
        return str(error)
    page = evidence_html([Case(d) for d in found[:2]]).decode()
    assert "<script>" not in page and "<img" not in page
    return ""


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 1e308, 2**63, 5e-324, "\ud800", "x" * 5_001, *NAMES])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
PLACES = [
    *KEYS,
    *(("familiarity", key) for key in ("distance", "percentile", "level", "nearest")),
    *((("reasons",), ("source", "notes"), ("quality", "speech"), ("windows",), ())),
]


@settings(max_examples=150, deadline=10_000)
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_fields_of_any_kind_are_refused_or_can_be_reported(changes):
    data = WHOLE.to_dict()
    for where, value in changes:
        place = data
        for key in where[:-1]:
            inside = isinstance(place, dict) and key in place
            inside |= isinstance(place, list) and key == 0 and len(place) > 0
            place = place[key] if inside else {}
        if where and isinstance(place, dict):
            place[where[-1]] = value
        elif not where:
            data = {"detections": [data, value]}
            break
    told(json.dumps(data).encode())


@settings(max_examples=100, deadline=10_000)
@given(data=mutated(saved()) | st.binary(max_size=100) | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_refused_or_can_be_reported(data):
    told(data)


def changed(**fields: object) -> bytes:
    return json.dumps({**WHOLE.to_dict(), **fields}).encode()


WINDOW = WHOLE.to_dict()["windows"][0]
DEEP = b"[" * 900 + b"]" * 900
SOURCE = WHOLE.to_dict()["source"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"detections":' * 100_000, "not JSON"),
        (DEEP, "Item 1 of the file is not"),
        (saved().replace(b'"decoder": "soundfile"', b'"decoder": ' + DEEP), "a text is missing"),
        (saved().replace(b'"peak": 0.4', b'"peak": ' + DEEP), "not of the right kind"),
        (saved().replace(b'"prior": 0.5', b'"prior": ' + b"9" * 10_000), "not JSON"),
        (saved().replace(b'"prior": 0.5', b'"prior": ' + b"9" * 4_000), "out of range"),
        (saved().replace(b'"prior": 0.5', b'"prior": 1e999'), "out of range"),
        (saved().replace(b'"prior": 0.5', b'"prior": -Infinity'), "-Infinity"),
        (saved().replace(b'"prior": 0.5', b'"prior": 0.5, "prior": "x"'), "not of the right kind"),
        (saved().replace(b'"clip.wav"', rb'"\ud800.wav"'), "not of the right kind"),
        (saved().replace(b"detection/2", rb"detection/\ud800"), r"in the form .*ud800"),
        (changed(stance={"prior": 0.5, "cost_missed_fake": 1e-300}), "missed fake is out of range"),
        (changed(stance=[0.5]), "not of the right kind"),
        (changed(prior=0.5), "not of the right kind"),
        (changed(p_spoof=1), "a chance is not between"),
        (changed(windows=[]), "a score and no windows"),
        (changed(windows=[WINDOW, WINDOW]), "not in order"),
        (changed(windows=[{**WINDOW, "start_s": s, "end_s": s + 0.5} for s in (0, 0.1)]), "order"),
        (changed(source={**SOURCE, "sample_rate": "16 kHz"}), "has no sound"),
        (changed(familiarity={"distance": 1, "percentile": 1e9, "level": "edge"}), "out of range"),
        (changed(evil=1), "not of the right kind"),
    ],
)
def test_crafted_files_get_their_sentence(data, says):
    with pytest.raises(SavedError, match=says):
        open_saved(data)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_saved_file_are_text(name):
    reasons = [{"code": name, "text": name, "effect": "caution"}]
    source = {**SOURCE, "name": name, "codec": name, "container": name, "notes": [name]}
    data = changed(detector=name, source=source, reasons=reasons)
    assert open_saved(data)[0].detector == name
    assert not told(data)


def test_what_the_command_line_writes_opens_too():
    item = {"file": "folder/clip.wav", **WHOLE.to_dict(), "stress": {"rows": []}}
    assert open_saved(json.dumps([item]).encode()) == [WHOLE]


def test_times_and_scores_at_their_limits_can_be_reported():
    windows = [{**WINDOW, "llr": 9e5, "start_s": 0.0, "end_s": 1e15}]
    assert not told(changed(windows=windows, llr=-9e5, stance=asdict(Stance(5e-324, 1e6, 1e-6))))
    assert math.isfinite(open_saved(saved())[0].llr)
