"""An interrupt ends a command with a word and a status, from its first import on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import interrupts

ROOT = Path(__file__).resolve().parents[1]
AT = """
import os, runpy, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where it is ignored

class Interrupt:
    def find_spec(self, name, *_):
        if name == {when!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = [{module!r}, *{given!r}]
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""
"""Runs a command, and interrupts it at an import."""

CLIP = str(ROOT / "examples" / "1-easy-navigation-voice.mp3")
MOMENTS = [
    ("core", ["detect", CLIP], "core.cli"),
    ("core", ["detect", CLIP], "onnxruntime.capi._pybind_state"),
    ("core", ["app"], "click"),
    ("core.show.serve", [], "core.settings"),
    ("training", ["--help"], "soundfile"),
    ("benchmarks", ["scores"], "benchmarks.scores"),
]


@pytest.mark.parametrize(("module", "given", "when"), MOMENTS)
def test_an_interrupt_while_a_command_loads_ends_it_with_a_word(module, given, when):
    done = subprocess.run(
        [sys.executable, "-c", AT.format(when=when, module=module, given=given)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


def test_where_interrupts_are_ignored_they_stay_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.end_at_once()
        interrupts.raise_again()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def heeded():
    """Interrupts as in a terminal, though the tests may run where they are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_is_held_back_comes_afterwards(heeded):
    with pytest.raises(KeyboardInterrupt), interrupts.held_back():
        signal.raise_signal(signal.SIGINT)
        come = True
    assert come


def test_a_command_that_catches_no_interrupt_is_stopped_with_a_word(capsys, heeded):
    assert interrupts.run(lambda: signal.raise_signal(signal.SIGINT)) == interrupts.STATUS
    assert capsys.readouterr().err == "Stopped.\n"
    assert (interrupts.run(lambda: None), interrupts.run(lambda: 3)) == (0, 3)
