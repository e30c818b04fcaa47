"""Saved detections: what was saved comes back, and nothing else is shown."""

import contextlib
import copy
import json
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.quality import gate
from core.audio.windows import window_ranges
from core.detect import saved as saved_module
from core.detect.calibration import Calibration
from core.detect.consistency import problem_of
from core.detect.decision import Stance
from core.detect.detection import SEAL, Trace, Window, seal
from core.detect.detector import MIN_HOP_S
from core.detect.familiarity import FamiliarityMeasure
from core.detect.outlier import stretches_at_hop
from core.detect.saved import (
    CHANGED,
    MEASURED,
    UNKNOWN,
    UNSEALED,
    Saved,
    SavedError,
    comparison,
    not_comparable,
    open_saved,
    read_saved,
)
from core.show.evidence.case import Case
from core.show.evidence.report import evidence_html
from tests.builders import SCORES, HandDetector, clip, track
from tests.damage import NAMES, mutated

WHOLE = replace(HandDetector(SCORES).detect(clip(9.0)))
KEYS = [
    *((key,) for key in WHOLE.to_dict()),
    *(("source", key) for key in WHOLE.to_dict()["source"]),
    *(("quality", key) for key in WHOLE.to_dict()["quality"]),
    *(("windows", 0, key) for key in WHOLE.to_dict()["windows"][0]),
]


def saved(detection=WHOLE) -> bytes:
    return json.dumps(detection.to_dict()).encode()


@settings(max_examples=25)
@given(prior=st.floats(0.01, 0.99), cost=st.floats(0.1, 100), hertz=st.sampled_from(list(SCORES)))
def test_what_was_saved_comes_back(prior, cost, hertz):
    made = HandDetector(SCORES)
    detection = made.detect(
        clip(9.0, hertz=hertz), stance=Stance(prior, cost_false_accusation=cost)
    )
    assert open_saved(saved(detection)) == [Saved(detection, (UNKNOWN,))]
    both = json.dumps({"detections": [detection.to_dict()] * 2}).encode()
    assert open_saved(both) == [Saved(detection, (UNKNOWN,))] * 2


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
        found = open_saved(json.dumps(data).encode())[0].detection
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
        (saved().replace(b"detection/3", b"detection/9"), "another form|was saved in the form"),
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


def test_a_file_is_read_only_where_it_is_small_enough(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_SAVED_MB", "1")
    small, huge = tmp_path / "small.json", tmp_path / "huge.json"
    small.write_bytes(saved())
    with huge.open("wb") as file:
        file.truncate(2**40)
    assert read_saved(small) == saved()
    with pytest.raises(SavedError, match="at most 1 MB"):
        read_saved(huge)
    with pytest.raises(SavedError, match="cannot be opened"):
        read_saved(tmp_path)


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
    page = evidence_html(
        [Case(s.detection, saved=True, doubts=s.doubts) for s in found[:2]]
    ).decode()
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


@settings(max_examples=50, deadline=10_000)
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


@settings(max_examples=50, deadline=10_000)
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
        (
            saved().replace(b'"decoder": "soundfile"', b'"decoder": ' + DEEP),
            "not of the right kind",
        ),
        (saved().replace(b'"peak": 0.4', b'"peak": ' + DEEP), "not of the right kind"),
        (saved().replace(b'"prior": 0.5', b'"prior": ' + b"9" * 10_000), "not JSON"),
        (saved().replace(b'"prior": 0.5', b'"prior": ' + b"9" * 4_000), "not of the right kind"),
        (saved().replace(b'"prior": 0.5', b'"prior": 1e999'), "out of range"),
        (saved().replace(b'"prior": 0.5', b'"prior": -Infinity'), "-Infinity"),
        (saved().replace(b'"prior": 0.5', b'"prior": 0.5, "prior": "x"'), "not of the right kind"),
        (saved().replace(b"detection/3", rb"detection/\ud800"), r"in the form .*ud800"),
        (changed(stance={"prior": 0.5, "cost_missed_fake": 1e-300}), "missed fake is out of range"),
        (changed(stance=[0.5]), "not of the right kind"),
        (changed(prior=0.5), "not of the right kind"),
        (changed(p_spoof=1), "a chance is not between"),
        (changed(windows=[]), "a score and no windows"),
        (changed(windows=[WINDOW, WINDOW]), "not in order"),
        (changed(windows=[{**WINDOW, "start_s": s, "end_s": 4.0} for s in (0, 0.1)]), "by its hop"),
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
    assert open_saved(data)[0].detection.detector == name
    assert not told(data)


def test_what_the_command_line_writes_opens_too():
    item = {"file": "folder/clip.wav", **WHOLE.to_dict(), "stress": {"rows": []}, "at_hop": {}}
    assert open_saved(json.dumps([item]).encode()) == [Saved(WHOLE, (UNKNOWN,))]


@pytest.mark.parametrize("stance", [Stance(1e-9, 1e6, 1e-6), Stance(1 - 1e-9, 1e-6, 1e6)])
def test_a_stance_at_its_limits_can_be_reported(stance):
    assert not told(saved(HandDetector(SCORES).detect(clip(9.0), stance=stance)))


def test_half_a_character_is_shown_as_one():
    data = saved().replace(b'"clip.wav"', rb'"\ud800.wav"')
    assert open_saved(data)[0].detection.source.name == r"\u{d800}.wav"
    assert not told(data)


MADE = HandDetector(SCORES)


def opened(data: dict, known: bool = True) -> Saved:
    return open_saved(json.dumps(data).encode(), lambda id: MADE if known else None)[0]


def leaves(value, path=()):
    """Paths to everything in a dictionary that is no list or dictionary."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed_at(data: dict, path: tuple, value) -> dict:
    data = json.loads(json.dumps(data))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def resealed(data: dict) -> dict:
    return {**data, SEAL: seal(data)}


REAL = [MADE.detect(clip(9.0, hertz=hertz)).to_dict() for hertz in SCORES]
"""One synthetic, one authentic, one inconclusive, one not judged."""

APART = MADE.detect(clip(66.0, hertz=660.0)).to_dict()
"""One with a part that scores unlike the rest."""

VALUES = (
    st.none() | st.booleans() | st.integers(0, 5) | st.floats(0, 1) | st.floats(-8, 8)
    | st.sampled_from(["authentic", "synthetic", "x", "edge", "unfamiliar", "ab" * 32])
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(data=st.sampled_from([*REAL, APART]), draw=st.data())
def test_a_field_that_was_changed_is_refused_or_doubted(data, draw):
    path = draw.draw(st.sampled_from(list(leaves(data))))
    value = draw.draw(VALUES)
    edited = changed_at(data, path, value)
    as_it_was = seal(edited) == seal(data) and edited[SEAL] == data[SEAL]
    try:
        found = opened(edited)
    except SavedError:
        assert not as_it_was
    else:
        assert bool(found.doubts) != as_it_was


@pytest.mark.parametrize("data", [*REAL, APART])
def test_whole_numbers_may_be_written_with_a_point(data):
    pointed = json.loads(json.dumps(data), parse_int=float)
    assert opened(pointed) == opened(data) and not opened(pointed).doubts


CHECKED = [
    *(("llr",), ("p_spoof",), ("stance", "prior"), ("verdict",), ("weights_sha256",)),
    *(("calibrated",), ("window_s",), ("detector",)),
    *(("windows", i, key) for i in (0, 1, 3) for key in ("llr", "p_spoof")),
    *(("windows", 1, "start_s"), ("windows", 1, "end_s")),
    *(("quality", "duration_s"), ("quality", "speech_s"), ("source", "duration_s")),
    *(("quality", "speech", 0, 1), ("reasons",), ("windows",)),
]
"""What follows from the rest of a detection."""


@given(
    data=st.sampled_from(REAL),
    hop_s=st.floats(0.0, 9.0) | st.sampled_from([1e-300, 0.0499, MIN_HOP_S, 0.5, 2.0]),
    window_s=st.sampled_from([4.0, 9.0]),
)
def test_what_opens_can_be_judged_again_at_its_hop(data, hop_s, window_s):
    """Judging again takes the file's hop, and a detector refuses those out of range."""
    fits = hop_s in (MIN_HOP_S, 0.5, 2.0) and window_s == 4.0
    made = MADE.detect(clip(9.0), hop_s=hop_s).to_dict() if fits else data
    edited = {**made, "hop_s": hop_s, "window_s": window_s}
    try:
        found = opened({**edited, SEAL: seal(edited)}).detection
    except SavedError:
        assert not fits
    else:
        assert round(MIN_HOP_S * 16_000) <= round(found.hop_s * 16_000) <= MADE.window


@settings(max_examples=100, deadline=None)
@given(where=st.sampled_from(CHECKED), value=VALUES, known=st.booleans())
def test_a_new_check_sum_does_not_hide_what_contradicts_itself(where, value, known):
    """Who knows how writes a check sum anew; what is left must still be one story."""
    data = REAL[0]
    edited = changed_at(data, where, value)
    edited[SEAL] = seal(edited)
    near = isinstance(value, float) and seal(changed_at(data, where, round(value, 1))) == seal(data)
    if edited[SEAL] == data[SEAL] or near:
        return
    try:
        found = opened(edited)
    except SavedError as error:
        assert "damaged" in str(error)
    else:
        assert found.doubts


TRACKS = [asdict(track(n)) for n in (1, 2)]


def opens(data: dict) -> bool:
    with contextlib.suppress(SavedError):
        return bool(opened(resealed(data)))
    return False


def without(data: dict, path: tuple) -> dict:
    data = place = json.loads(json.dumps(data))
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return data


def test_nothing_is_said_of_a_clip_that_was_not_judged():
    for key in ("familiarity", "llr", "p_spoof", "windows", "stands_out"):
        assert not opens({**REAL[3], key: APART[key]})


@pytest.mark.parametrize("data", [REAL[0], APART])
def test_nothing_is_huge_and_nothing_lacks(data):
    data = changed_at(data, ("source", "tracks"), TRACKS)
    assert opens(data)
    places = [p for p in leaves(data) if not any(isinstance(k, int) and k > 0 for k in p)]
    places.remove((SEAL,))
    assert not [p for p in places if opens(changed_at(data, p, 10**30))]
    named = [p for p in places if isinstance(p[-1], str)]
    assert not [p for p in named if opens(without(data, p))]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("llr",), 2.0, "a chance does not follow"),
        (("stance", "prior"), 0.1, "a chance does not follow"),
        (("verdict",), "authentic", "does not follow from its score"),
        (("verdict",), "inconclusive", "does not follow from its reasons"),
        (("windows", 0, "p_spoof"), 0.2, "a chance does not follow"),
        (("windows", 0, "end_s"), 40.0, "within the clip"),
        (("windows", 1, "start_s"), 1.3, "by its hop"),
        (("windows", 0, "speech_s"), 5.0, "more speech than was found"),
        (("quality", "speech_s"), 3.0, "seconds of speech contradict"),
        (("quality", "speech"), [[3.0, 9.0], [0.0, 3.0]], "within the clip in order"),
        (("source", "duration_s"), 90.0, "durations contradict"),
        (("source", "missing"), [[8.0, 99.0]], "missing stretches"),
        (("source", "missing"), [[0.0, 3.0]], "where the file lacks the sound"),
        (("calibrated",), False, "whether it is calibrated"),
        (("familiarity", "level"), "unfamiliar", "familiarity contradict"),
        (("quality", "clipped_share"), 1.5, "share is not between"),
        (("quality", "level_dbfs"), 0.0, "level lies above its peak"),
        (("quality", "bandwidth_hz"), 20_000.0, "out of range"),
        (("source", "channels"), 10**30, "number of channels is none"),
        (("source", "sample_rate"), 10, "sampling rate is none"),
        (("source", "channel"), 2, "no such channel"),
        (("source", "tracks"), TRACKS[1:], "not counted from 1"),
        (("source",), {**REAL[0]["source"], "tracks": TRACKS, "track": 3}, "no such track"),
        (("stance",), {"prior": 0.5, "cost_missed_fake": 1.0}, "lacks cost_false_accusation"),
        (("source",), {k: v for k, v in REAL[0]["source"].items() if k != "missing"}, "lacks miss"),
        (("elapsed_ms",), 1e30, "no analysis takes"),
    ],
)
def test_every_contradiction_has_its_sentence(path, value, says):
    with pytest.raises(SavedError, match=says):
        opened(resealed(changed_at(REAL[0], path, value)))


@pytest.mark.parametrize(
    "path",
    [
        ("source", "notes"), ("source", "tracks"), ("source", "missing"), ("quality", "speech"),
        ("windows",), ("reasons",), ("stands_out",), ("familiarity", "nearest"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["", "ab", {}, {"a": 1}, 5, None])
def test_what_should_be_a_list_is_none(path, value):
    edited = changed_at(REAL[0], path, value)
    edited[SEAL] = seal(edited)
    with pytest.raises(SavedError, match="not of the right kind"):
        opened(edited)


@given(
    key=st.sampled_from(["start_s", "end_s", "llr", "rest_llr", "score"]),
    value=st.floats(-99, 99) | st.none() | st.booleans() | st.text(max_size=3),
    known=st.booleans(),
)
def test_what_a_file_says_of_a_stretch_must_follow_from_its_windows(key, value, known):
    edited = changed_at(APART, ("stands_out", 0, key), value)
    edited[SEAL] = seal(edited)
    if isinstance(value, float) and abs(value - APART["stands_out"][0][key]) < 1e-4:
        return
    try:
        found = opened(edited, known)
    except SavedError as error:
        assert "damaged" in str(error)
    else:
        assert not known and found.doubts


@pytest.mark.parametrize(
    ("data", "stretches"),
    [(APART, []), (APART, APART["stands_out"] * 2), (REAL[0], APART["stands_out"])],
)
def test_no_stretch_can_be_hidden_or_invented(data, stretches):
    edited = {**data, "stands_out": stretches}
    with pytest.raises(SavedError, match=r"stretches? that it names"):
        opened({**edited, SEAL: seal(edited)})


def test_a_file_from_before_whose_rest_held_another_stretch_opens():
    """Each stretch was set against all but those that stand out further."""
    two = HandDetector({220.0: [*[-2.0] * 10, *[5.0] * 3, *[-2.0] * 10, *[4.0] * 3, *[-2.0] * 10]})
    made = two.detect(clip(74.0))
    assert [s.rest_llr for s in made.stands_out] == [-2.0, -2.0]
    older = changed_at(made.to_dict(), ("stands_out", 0, "rest_llr"), -1.45)
    older[SEAL] = seal(older)
    (saved,) = open_saved(json.dumps(older).encode(), lambda _: two)
    assert saved.detection.stands_out[0].rest_llr == -1.45 and not saved.doubts


@pytest.mark.parametrize("hop_s", [None, 0.5, 0.75])
def test_stretches_come_back_at_every_hop_and_from_files_that_name_none(hop_s):
    posterior = Stance().posterior
    bare = MADE.detect(clip(66.0, hertz=660.0), hop_s=hop_s)
    due = stretches_at_hop(bare.windows, bare.window_s, bare.hop_s, MADE.hop / 16_000, True)
    assert due
    whole = replace(bare, stands_out=due, p_spoof=posterior(bare.llr)).to_dict()
    assert opened(whole).detection.stands_out == due
    older = {key: value for key, value in whole.items() if key not in (SEAL, "stands_out")}
    older["schema"] = "spoofscope.detection/2"
    assert opened(older) == Saved(replace(bare, stands_out=due), (UNSEALED,))


def test_scores_of_windows_bound_that_of_the_clip():
    """A window at the limit may have lain anywhere beyond it; the others give the mean."""
    d = MADE.detect(clip(9.0))
    posterior = d.stance.posterior

    def with_scores(llr: float, *scores: float) -> dict:
        windows = [
            replace(w, llr=s, p_spoof=posterior(s), speech_s=w.end_s - w.start_s)
            for w, s in zip(d.windows, scores, strict=True)
        ]
        quality = replace(d.quality, speech_s=9.0, speech=((0.0, 9.0),))
        return replace(
            d, windows=tuple(windows), quality=quality, llr=llr, p_spoof=posterior(llr)
        ).to_dict()

    assert not opened(with_scores(3.5, 2.0, 3.0, 4.0, 5.0)).doubts
    assert not opened(with_scores(9.0, 12.0, 3.0, 4.0, 5.0)).doubts
    assert not opened(with_scores(12.0, 12.0, 12.0, 4.0, 5.0)).doubts
    for llr, *scores in ((3.6, 2.0, 3.0, 4.0, 5.0), (5.9, 12.0, 3.0, 4.0, 5.0)):
        with pytest.raises(SavedError, match="those of its windows"):
            opened(with_scores(llr, *scores))
    with pytest.raises(SavedError, match="beyond what its detector gives"):
        opened(with_scores(13.0, 13.0, 13.0, 13.0, 13.0))
    assert opened(with_scores(13.0, 13.0, 13.0, 13.0, 13.0), known=False).doubts == (UNKNOWN,)


def test_doubts_say_what_is_not_known():
    assert opened(REAL[0]) == Saved(MADE.detect(clip(9.0)))
    assert opened(REAL[0], known=False).doubts == (UNKNOWN,)
    assert opened({k: v for k, v in REAL[0].items() if k != SEAL}).doubts == (UNSEALED,)
    assert opened(changed_at(REAL[0], ("source", "name"), "x.wav")).doubts == (CHANGED,)
    other = changed_at(REAL[0], ("weights_sha256",), "1" * 64)
    assert opened({**other, SEAL: seal(other)}).doubts == (UNKNOWN,)


def test_whole_numbers_may_lose_their_point():
    text = json.dumps(REAL[0]).replace("9.0,", "9,")
    assert text != json.dumps(REAL[0])
    assert not open_saved(text.encode(), lambda id: MADE)[0].doubts


def test_judging_again_agrees_or_not():
    d = MADE.detect(clip(9.0))
    assert "the result agrees: synthetic, score" in comparison(d, replace(d, llr=d.llr + 0.01))
    assert "does not agree" in comparison(d, replace(d, llr=d.llr - 1))
    assert "does not agree" in comparison(d, MADE.detect(clip(9.0, hertz=330.0)))
    assert "not agree: not judged" in comparison(d, MADE.detect(clip(9.0, hertz=550.0)))
    assert "weights are others" in comparison(d, replace(d, weights_sha256="1" * 64))


def with_windows(data: dict, windows: list[dict]) -> dict:
    """The same with other windows, and the score and chance that follow from them."""
    llr = float(np.mean([w["llr"] for w in windows if w["llr"] is not None]))
    return resealed({**data, "windows": windows, "llr": llr, "p_spoof": Stance().posterior(llr)})


def test_windows_that_were_taken_out_or_put_elsewhere_are_missed():
    """Without its lowest window a clip would score higher, and still follow from its windows."""
    windows = REAL[1]["windows"]
    for left in (windows[1:], windows[:-1], [windows[0], *windows[2:]]):
        with pytest.raises(SavedError, match="do not cover the clip"):
            opened(with_windows(REAL[1], left))
    longer = resealed({**REAL[1], "hop_s": 1.0})
    with pytest.raises(SavedError, match="do not cover the clip"):
        opened(longer)
    endless = changed_at(changed_at(REAL[1], ("source", "duration_s"), 9e5), ("quality",
        "duration_s"), 9e5)  # fmt: skip
    with pytest.raises(SavedError, match="do not cover the clip"):
        opened(resealed(endless))


def test_a_window_that_speaks_cannot_lose_its_score_unseen():
    windows = copy.deepcopy(REAL[0]["windows"])
    windows[3] |= {"llr": None, "p_spoof": None}
    assert opened(with_windows(REAL[0], windows)).doubts == (
        "its scored windows are not those in which somebody speaks",
    )
    windows[3]["speech_s"] = 0.0
    with pytest.raises(SavedError, match="less speech than was found"):
        opened(with_windows(REAL[0], windows))


REASONS = "its reasons are not those that this version gives for such sound"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("clipped_share", 0.3, "clipping"), ("bandwidth_hz", 2_000.0, "low_bandwidth")],
)
def test_a_reason_that_was_taken_out_is_missed(key, value, code):
    """Without it the verdict would be another, and would follow from the score."""
    quality = {**REAL[0]["quality"], key: value}
    assert opened(resealed({**REAL[0], "quality": quality})).doubts == (REASONS,)
    due = gate(replace(WHOLE.quality, **{key: value}), WHOLE.source)
    told = [vars(reason) for reason in due]
    assert [reason["code"] for reason in told] == [code]
    whole = {**REAL[0], "quality": quality, "reasons": told, "verdict": "inconclusive"}
    assert not opened(resealed(whole)).doubts
    told[0]["text"] = "A court has found that this is a fake."
    assert opened(resealed(whole)).doubts == (REASONS,)


def test_a_reason_nobody_gives_is_doubted():
    added = [{"code": "court", "text": "A court has found it.", "effect": "caution"}]
    assert opened(resealed({**REAL[0], "reasons": added})).doubts == (REASONS,)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ({"distance": 1.2, "percentile": 50.0, "level": "familiar", "nearest": ["A"]}, ""),
        ({"distance": 9.0, "percentile": 50.0, "level": "familiar", "nearest": ["A"]}, "how"),
        ({"distance": 1.2, "percentile": 96.0, "level": "edge", "nearest": ["A"]}, "how"),
        ({"distance": 1.2, "percentile": 50.0, "level": "familiar", "nearest": ["You"]}, "how"),
        (None, "it does not say how familiar"),
    ],
)
def test_what_a_file_says_of_familiarity_must_be_what_its_detector_says(said, doubt):
    usual = np.array([1.0, 2.0], np.float32)
    none = np.zeros((1, 1), np.float32)
    measure = FamiliarityMeasure(none[0], none, none, usual, family_names=("A", "B"))
    detector = HandDetector(SCORES, familiarity=measure)
    data = json.dumps(resealed({**REAL[0], "familiarity": said})).encode()
    found = open_saved(data, lambda id: detector)[0].doubts
    assert len(found) == bool(doubt) and "".join(found).startswith(doubt)


def test_a_clip_of_which_half_is_missing_opens_as_it_was_saved():
    """Where every window that speaks lacks half of its sound, all are scored."""
    half = clip(4.0)
    half = replace(half, source=replace(half.source, missing=((0.0, 2.5),)))
    made = MADE.detect(half)
    assert opened(made.to_dict()) == Saved(made)


def test_a_file_of_many_windows_and_spans_is_looked_through_at_once():
    """One sum over all spans for each window took hours."""
    count = 30_000
    many = clip(9.0)
    d = MADE.detect(many)
    seconds = float(2 * count + 2)
    spans = tuple((s, s + 0.5) for s in np.arange(0.0, seconds, 2.0).tolist())
    windows = tuple(
        replace(d.windows[0], start_s=2.0 * i, end_s=2.0 * i + 4.0, speech_s=1.0)
        for i in range(count)
    )
    quality = replace(d.quality, duration_s=seconds, speech=spans, speech_s=len(spans) / 2)
    source = replace(d.source, duration_s=seconds)
    long = replace(d, windows=windows, quality=quality, source=source)
    began = time.process_time()
    assert problem_of(long) == ""
    ranges = window_ranges(round(seconds * 16_000), 3_500 * 16_000, 100 * 16_000)
    slow = replace(
        MADE.detect(clip(9.0, hertz=550.0)),
        source=replace(source, missing=tuple((s, s + 0.01) for s in np.arange(0, 3e3, 0.02))),
        quality=replace(quality, speech=(), speech_s=0.0),
        windows=tuple(Window(a / 16_000, b / 16_000, None, None, 0.0) for a, b in ranges),
        window_s=3_500.0,
        hop_s=100.0,
    )
    assert "more missing stretches" in problem_of(slow)
    assert time.process_time() - began < 10


def test_judging_again_sees_windows_that_changed_places():
    """The score is the same, and the seconds that it points to are others."""
    d = MADE.detect(clip(9.0))
    first, second, *rest = d.windows
    moved = (
        replace(first, llr=second.llr, p_spoof=second.p_spoof),
        replace(second, llr=first.llr, p_spoof=first.p_spoof),
    )
    told = comparison(replace(d, windows=(*moved, *rest)), d)
    assert "does not agree" in told and "the scores of 2 of 4 windows" in told


def test_judging_again_sees_what_a_file_says_wrongly_of_how_unlike_the_rest_windows_are():
    """By that alone a stretch can be hidden, or put elsewhere."""
    d = replace(MADE.detect(clip(9.0)), trace=Trace(1.0, 0.5, (1.0,) * 17, (2.0,) * 17))
    unlike = (2.9, 3.1, -2.0, *d.trace.unlike[3:])
    told = comparison(replace(d, trace=replace(d.trace, unlike=unlike)), d)
    assert told.endswith("The file differs in how unlike the rest 2 of 17 shorter windows are.")
    older = replace(d, trace=replace(d.trace, unlike=()))
    assert "the result agrees" in comparison(older, d)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("sample_rate", 8_000, "sample rate (8000, here 16000)"),
        ("channels", 2, "channels (2, here 1)"),
        ("codec", "mp3", "codec (mp3, here pcm_s16le)"),
        ("container", "mp4", "container (mp4, here wav)"),
    ],
)
def test_judging_again_sees_what_a_file_says_wrongly_of_the_recording(field, value, says):
    d = MADE.detect(clip(9.0))
    told = comparison(replace(d, source=replace(d.source, **{field: value})), d)
    assert "does not agree" in told and says in told


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level_dbfs", None), ("level_dbfs", -20.0), ("peak", 0.9), ("clipped_share", 0.05),
        ("zero_share", 0.5), ("bandwidth_hz", 5_000.0), ("speech_s", 8.0), ("duration_s", 9.5),
    ],
)  # fmt: skip
def test_judging_again_sees_what_a_file_says_wrongly_of_the_sound(field, value):
    d = MADE.detect(clip(9.0))
    told = comparison(replace(d, quality=replace(d.quality, **{field: value})), d)
    assert "does not agree" in told and f"The file differs in {MEASURED[field][1]}." in told


def test_a_take_is_not_held_against_another_calibration():
    opus = Calibration(0.5, 0.0, 12.0, "by hand")
    detector = HandDetector(SCORES, by_codec={"opus": opus})
    d = detector.detect(clip(9.0))
    take = replace(d, source=replace(d.source, codec="opus"))
    assert "--through opus" in not_comparable(take, d.source, detector)
    assert not not_comparable(d, d.source, detector)
    assert not not_comparable(take, take.source, detector)


def test_a_take_agrees_with_its_file_where_one_calibration_is_for_both():
    d = MADE.detect(clip(9.0))
    take = replace(d, source=replace(d.source, codec="opus"))
    assert "the result agrees" in comparison(take, d)
    assert "the result agrees" in comparison(d, take)


def test_tracks_come_back_as_headers_have_them():
    """Of a codec that is not known FFmpeg has neither rate nor channels, and not all are listed."""
    tracks = tuple(track(n, sample_rate=0, channels=0) for n in range(1, 33))
    made = MADE.detect(clip(9.0))
    source = replace(made.source, tracks=tracks, track=40)
    assert opened(replace(made, source=source).to_dict()).detection.source == source
