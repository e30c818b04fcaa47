"""What can be set from outside: read, checked, and told of in the documentation."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import ENGINES, Settings, SettingsError, settings, table, unknown, variable
from core.show import serve

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = [f for f in fields(Settings) if "low" in f.metadata]


def test_without_variables_the_defaults_hold():
    assert settings({}) == Settings()


@pytest.mark.parametrize("field", NUMBERS, ids=lambda f: f.name)
def test_every_limit_can_be_set_within_its_range_and_not_beyond(field):
    low, high = field.metadata["low"], field.metadata["high"]
    assert low <= field.default <= high
    name = variable(field.name)
    for edge in (low, high):
        assert getattr(settings({name: f" {edge} "}), field.name) == edge
    for wrong in (low - 1, high + 1, "many", "nan", "inf", "1e999", "--1", "0x10"):
        with pytest.raises(SettingsError, match=rf"^{name} is .* must be .* default"):
            settings({name: str(wrong)})


def test_a_whole_number_is_not_a_fraction_and_a_switch_is_one_or_zero():
    with pytest.raises(SettingsError, match="whole number from 0 to 100,000"):
        settings({"SPOOFSCOPE_QUEUE_LENGTH": "2.5"})
    assert settings({"SPOOFSCOPE_OWN_MACHINE": "1"}).own_machine
    assert not settings({"SPOOFSCOPE_OWN_MACHINE": "0"}).own_machine
    with pytest.raises(SettingsError, match="must be 1 or 0"):
        settings({"SPOOFSCOPE_OWN_MACHINE": "perhaps"})


@pytest.mark.parametrize("engine", ["steam", "ONNX", "onnx,torch", "-"])
def test_an_engine_is_one_of_those_that_exist(engine):
    wanted = f"SPOOFSCOPE_ENGINE is '{engine}', but it must be onnx, int8 or torch. "
    with pytest.raises(SettingsError, match=re.escape(wanted)):
        settings({"SPOOFSCOPE_ENGINE": engine})
    assert [settings({"SPOOFSCOPE_ENGINE": e}).engine for e in ENGINES] == list(ENGINES)
    assert settings({"SPOOFSCOPE_ENGINE": " "}).engine == ""


@given(st.sampled_from(fields(Settings)), st.text(max_size=200))
def test_whatever_is_given_ends_in_settings_or_in_a_sentence(field, text):
    try:
        found = settings({variable(field.name): text})
    except SettingsError as error:
        assert str(error).endswith(").")
    else:
        assert type(getattr(found, field.name)) is type(field.default)


def test_the_process_is_read_anew(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_QUEUE_LENGTH", "7")
    assert settings().queue_length == 7
    monkeypatch.delenv("SPOOFSCOPE_QUEUE_LENGTH")
    assert settings().queue_length == Settings().queue_length


def test_the_documentation_and_the_module_agree():
    assert table() in (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_no_other_variable_is_read_anywhere():
    known = {variable(f.name) for f in fields(Settings)}
    folders = ("core", "pages", "benchmarks", "docs")
    files = [p for folder in folders for p in sorted((ROOT / folder).rglob("*.[pm][yd]"))]
    for path in [*files, ROOT / "Home.py", ROOT / "README.md", ROOT / "run"]:
        named = re.findall(r"SPOOFSCOPE_[A-Z0-9_]*[A-Z]", path.read_text("utf-8"))
        assert set(named) <= known, path


def test_misspelt_variables_are_named():
    assert unknown({"SPOOFSCOPE_QUEUE_LENGHT": "1", "SPOOFSCOPE_MODELS": "m", "HOME": "/"}) == [
        "SPOOFSCOPE_QUEUE_LENGHT"
    ]


def test_streamlit_is_told_the_limit_of_an_upload_only_where_it_was_set():
    import tomllib

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["maxUploadSize"] == Settings().max_upload_mb
    assert not [o for o in serve.options({}) if "maxUploadSize" in o]
    assert "--server.maxUploadSize=3" in serve.options({"SPOOFSCOPE_MAX_UPLOAD_MB": "3"})


@pytest.mark.parametrize("module", ["core.show.serve", "core"])
def test_a_wrong_value_ends_the_start_with_a_sentence(module):
    done = subprocess.run(
        [sys.executable, "-m", module, *(["detectors"] if module == "core" else [])],
        cwd=ROOT,
        env={"SPOOFSCOPE_QUEUE_LENGTH": "many", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode
    assert done.stderr.startswith("SPOOFSCOPE_QUEUE_LENGTH is 'many', but it must be a whole")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_reading_them_loads_no_library():
    script = (
        "import sys, core.settings\n"
        "print({'torch', 'numpy', 'pandas', 'streamlit'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n"
