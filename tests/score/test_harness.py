"""Detectors as models of the Arena's harness: its interface, and what it reads of a system."""

import json

import numpy as np
import pytest

from core.audio.decoding import decode
from core.cli import main
from core.detect.detector import DetectorError
from core.detect.registry import ENTRIES, load_detector
from core.score import harness
from tests.detect.test_own import SPEECH, written

LINKS = ["--code", "https://example.org/code", "--checkpoint", "https://example.org/weights"]


def run_as_the_harness_does(spec, clips):
    """Load once, score one by one, let go: lines of scores.txt."""
    module, name = spec.split(":", 1)
    assert module == "core.score.harness"
    model = getattr(harness, name)()
    model.load()
    lines = []
    for utterance, samples in clips.items():
        (score,) = model.score_batch([samples], [model.expected_sample_rate])
        lines.append(f"{utterance} {float(score):.6f}")
    model.unload()
    return lines


def test_scores_are_the_detectors_own_turned_around(tmp_path):
    clip = decode(SPEECH)
    clips = {"a": clip.samples, "silent": np.zeros(40_000, np.float32), "short": clip.samples[:99]}
    for name in ("embedded", written(tmp_path)):
        lines = run_as_the_harness_does(f"core.score.harness:{name}", clips)
        scores = {line.split()[0]: float(line.split()[1]) for line in lines}
        detector = load_detector(name, code=True)
        assert scores["a"] == pytest.approx(-detector.listen(clip).raw.mean(), abs=1e-5)
        assert set(scores) == set(clips) and np.isfinite(list(scores.values())).all()


def test_every_registered_detector_is_a_class_and_nothing_else_is():
    for id, entry in ENTRIES.items():
        made = getattr(harness, id)
        assert (made.name, made.detector_id) == (entry.name, id)
        assert (made.expected_sample_rate, made.batch_size) == (16_000, 1)
    for name in ("nothing", "__path__", "own:none"):
        with pytest.raises(AttributeError):
            getattr(harness, name)
    with pytest.raises(ValueError, match="mono sound at 16,000 Hz"):
        harness.embedded().score(np.zeros(100, np.float32), 8_000)


def test_the_description_has_what_the_harness_asks_for(capsys, tmp_path):
    assert main(["harness", "xlsr-sls", *LINKS, "--paper", "1", "https://a.b", "@x"]) == 0
    system = json.loads(capsys.readouterr().out)["system"]
    assert set(system) == {
        "name", "slug", "description", "code", "checkpoint", "params_millions", "paper",
    }  # fmt: skip
    assert set(system["paper"]) == {"arxiv_id", "url", "bibtex"}
    assert main(["harness", written(tmp_path), *LINKS]) == 0
    assert json.loads(capsys.readouterr().out)["system"]["slug"] == "flatness-py-flatness"
    assert main(["harness", "no-such", *LINKS]) == 2
    assert "There is no detector 'no-such'." in capsys.readouterr().err
    with pytest.raises(DetectorError):
        harness.model_class("no-such")().load()
