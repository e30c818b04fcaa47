"""What a synthetic voice is, and how the program or the package that speaks it is found and run."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

PATIENCE_S = 120.0
"""Seconds that a sentence may take."""


@dataclass(frozen=True)
class Voice:
    """One synthetic voice.

    Attributes
    ----------
    name : str
        Short name; also the speaker's.
    family, system : str
        Engine, and the kind of synthesis, as the corpus index names them.
    language : str
        Language of the sentences it speaks.
    licence, source : str
        Of the voice, as its package states it, and that package.
    count : int
        Most clips to make for a corpus.
    missing : callable
        What to install, or None where everything is there.
    speak : callable
        Text to float32 samples at `SAMPLE_RATE`.
    split : str
        ``train``, or ``example`` for a voice that no detector here is trained on.
    """

    name: str
    family: str
    system: str
    language: str
    licence: str
    source: str
    count: int
    missing: Callable[[], str | None]
    speak: Callable[[str], np.ndarray]
    split: str = "train"


def run(command: Sequence[str], encoding: str, text: str) -> np.ndarray:
    """Run an engine that reads the file ``{text}`` and writes the WAV file ``{sound}``.

    Raises
    ------
    RuntimeError
        If it writes none.
    """
    with tempfile.TemporaryDirectory() as folder:
        script, sound = Path(folder, "text.txt"), Path(folder, "sound.wav")
        script.write_text(text, encoding=encoding, errors="replace")
        places = {"{text}": str(script), "{sound}": str(sound)}
        filled = [places.get(word, word) for word in command]
        done = subprocess.run(filled, capture_output=True, timeout=PATIENCE_S)
        if done.returncode or not sound.is_file():
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"{command[0]} made no sound")
        return decode(sound).samples


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Sound of another rate at `SAMPLE_RATE`."""
    import soxr

    return np.asarray(soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE), np.float32)


def lacks(programs: Sequence[str], remedy: str) -> str | None:
    """The remedy where a program is missing."""
    return None if all(shutil.which(program) for program in programs) else remedy


def lacks_modules(packages: dict[str, str]) -> str | None:
    """What to install where a module is missing; its package by the module."""
    absent = [name for module, name in packages.items() if not importlib.util.find_spec(module)]
    return f"pip install {' '.join(absent)}" if absent else None
