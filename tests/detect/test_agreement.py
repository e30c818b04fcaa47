"""Several detectors on one clip: counted, placed, never blended."""

import json
from dataclasses import replace

import pytest

from core.cli import main
from core.detect.agreement import AGREED, agreement
from core.detect.saved import open_saved
from tests.builders import BAND, HandDetector, clip
from tests.detect.test_own import SPEECH, written


def said(*scores):
    """Detections of one clip by hand-made detectors."""
    names = "abcdef"
    return {
        n: HandDetector({220.0: s}).detect(clip(9.0)) for n, s in zip(names, scores, strict=False)
    }


BANDS = dict.fromkeys("abcdef", BAND)
FAKE, HUMAN, UNSURE, SILENT = [3.0] * 4, [-3.0] * 4, [0.1] * 4, [None] * 4


@pytest.mark.parametrize(
    ("scores", "headline", "contradict"),
    [
        ((FAKE, FAKE), "Both detectors: likely synthetic.", False),
        ((HUMAN, HUMAN, HUMAN), "All 3 detectors: likely authentic.", False),
        ((HUMAN, FAKE, FAKE), "2 of 3: likely synthetic; 1 of 3: likely authentic.", True),
        ((UNSURE, FAKE), "1 of 2: likely synthetic; 1 of 2: inconclusive.", False),
        ((SILENT, SILENT), "Both detectors: not judged.", False),
    ],
)
def test_verdicts_are_counted_and_a_contradiction_is_named(scores, headline, contradict):
    found = agreement(said(*scores), BANDS)
    assert (found.headline, found.contradict) == (headline, contradict)
    assert ("They disagree" in found.meaning) == contradict
    one_side = headline.startswith(("Both", "All")) and "likely" in headline
    assert ("independent proofs" in found.meaning) == one_side
    assert sorted(sum(found.said.values(), ())) == list("abcdef")[: len(scores)]


def test_one_network_in_two_precisions_is_one_opinion():
    found = said(FAKE, FAKE, FAKE)
    for name, id in zip("abc", ("embedded", "embedded-fp32", "own:x"), strict=True):
        found[name] = replace(found[name], detector=id)
    together = agreement(found, BANDS)
    assert together.one_network == (("a", "b"),)
    assert "a and b are one network in 2 precisions" in together.meaning
    assert together.to_dict()["one_network"] == [["a", "b"]]
    assert not agreement(said(FAKE, FAKE), BANDS).one_network


def test_where_they_contradict_each_other_is_in_seconds_of_the_clip():
    found = agreement(said([3.0, 3.0, -3.0, -3.0], HUMAN), BANDS)
    assert found.apart and found.apart[0][0] == 0 and found.apart[-1][1] < 7
    seconds = sum(end - start for start, end in found.apart)
    assert f"during {seconds:.1f} s (0.0 to" in found.places
    assert "At no time" in agreement(said(FAKE, UNSURE), BANDS).places
    assert not agreement(said(FAKE, SILENT), BANDS).apart


def test_terminal_and_json_say_it_and_saved_detections_open_again(tmp_path, capsys):
    both = ["--detector", "embedded", "--detector", written(tmp_path)]
    assert main(["detect", str(SPEECH), *both]) == 0
    out = capsys.readouterr().out
    assert "Together: " in out and "speech.flac, own:flatness" in out
    assert main(["detect", str(SPEECH), "--json", *both]) == 0
    text = capsys.readouterr().out
    first, second = json.loads(text)
    assert first[AGREED] == second[AGREED]
    assert "own:flatness" in first[AGREED]["verdicts"][second["verdict"]]
    assert "changed" not in " ".join(d for s in open_saved(text.encode()) for d in s.doubts)
    assert main(["detect", str(SPEECH)]) == 0
    assert "Together" not in capsys.readouterr().out
