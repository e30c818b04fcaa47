"""A detector of one's own on the page, as docs/your-detector.md says."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.detect import own_calibration, registry
from core.detect.registry import added
from tests.builders import calibration
from tests.detect.test_own import SPEECH, written
from tests.pages.conftest import forget
from tests.pages.test_detect import PAGE, headings, words


@pytest.fixture
def page(tmp_path, monkeypatch):
    def opened(code: str = "", name: str = "flatness.py") -> AppTest:
        forget()
        monkeypatch.setenv("SPOOFSCOPE_DETECTORS", written(tmp_path, code, name))
        for entry in added.added():
            monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
        at = AppTest.from_file(PAGE, default_timeout=60).run()
        at.multiselect(key="detect-detectors").set_value([f"own:{Path(name).stem}"]).run()
        at.file_uploader[0].upload("speech.flac", SPEECH.read_bytes())
        return at.run()

    yield opened
    forget()


def told(at: AppTest) -> str:
    """The error on the page, without what Markdown needs."""
    return at.error[0].value.replace("\\", "").replace("\N{WORD JOINER}", "")


def test_it_is_chosen_and_judges_like_any_other(page):
    at = page()
    assert not at.exception and "Inconclusive" in headings(at)[0]
    said = words(at)
    assert "none of them means synthetic or human" in said and "not a chance" in said


def test_what_it_does_wrong_is_a_sentence_on_the_page(page):
    at = page("def score(waves, rate):\n    return 1 / 0\n", "bad.py")
    assert "The detector 'bad' failed: ZeroDivisionError" in told(at)


def test_a_clip_on_which_it_fails_is_named_once_and_can_be_tried_again(page, tmp_path):
    fails = "import os\ndef score(waves, rate):\n    loud = waves.std() > 0.03\n    "
    fails += f"assert not loud or os.path.exists({str(tmp_path / 'mended')!r})\n    "
    at = page(fails + "return waves.std(axis=1)\n", "late.py")
    assert not at.exception and len(at.error) == 1
    assert "speech.flac: The detector 'late' failed: AssertionError." in told(at).replace("*", "")
    (tmp_path / "mended").touch()
    next(b for b in at.button if b.label == "Try again").click().run()
    assert not at.error and "Inconclusive" in headings(at)[0]


def test_no_code_that_a_visitor_names_is_run(page, tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    at = page()
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    at.text_input(key="detect-another").set_value(str(tmp_path / "evil.py")).run()
    assert "is code, which is run only where" in told(at)
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def hood(tmp_path, monkeypatch):
    """Under the hood, opened at a detector for which a calibration is kept."""
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("SPOOFSCOPE_DETECTORS", written(tmp_path))
    for entry in added.added():
        monkeypatch.setitem(registry.ENTRIES, entry.id, entry)

    def opened(id: str, weights_sha256: str) -> str:
        forget()
        kept = calibration(id, weights_sha256)
        own_calibration.keep(kept, registry.models_home())
        at = AppTest.from_file(PAGE.replace("Detect", "Under_the_Hood"), default_timeout=60)
        at.query_params["hood-detector"] = id
        assert not at.run().exception
        return "\n".join(each.value for each in [*at.markdown, *at.caption])

    yield opened
    forget()


@pytest.mark.parametrize("id", ["embedded", "own:flatness"])
def test_a_calibration_of_other_weights_or_code_is_named_and_not_used(hood, id, tmp_path):
    weights = registry.load_detector(id, code=True).weights_sha256
    said = hood(id, weights)
    assert "Calibrated on 30 human" in said and "no verdict rests on it" not in said
    if id == "embedded":
        registry.models_home().joinpath("calibrations", f"{weights}.json").unlink()
        weights = "0" * 64
    else:
        with (tmp_path / "flatness.py").open("a") as file:
            file.write("# changed\n")
    said = hood(id, weights)
    assert "Calibrated on" not in said
    assert (
        f"is of other weights or other code ({weights[:12]}) than is here now, so no verdict "
        "rests on it."
    ) in said
    assert registry.load_detector(id, code=True).own_calibration is None
