"""Voices that software packages carry: formants, diphones, unit selection, hidden Markov models.

Every engine is optional: a `Voice` says what to install where something is missing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from training.neural_engines import neural_voices
from training.voice import Voice, lacks, lacks_modules, run

_JTALK_DICTIONARY = Path("/var/lib/mecab/dic/open-jtalk/naist-jdic")
_FESTIVAL_VOICES = Path("/usr/share/festival/voices")


def voices() -> list[Voice]:
    """All voices, installed or not."""
    engines = (_flite, _festival, _espeak, _pico, _jtalk, neural_voices)
    return [voice for engine in engines for voice in engine()]


def voice_named(name: str) -> Voice:
    """The voice of a name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {voice.name: voice for voice in voices()}[name]


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
            missing=partial(lacks, ("flite",), "apt-get install flite"),
            speak=partial(run, ("flite", "-voice", name, "-f", "{text}", "-o", "{sound}"), "utf-8"),
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
            speak=partial(run, command, encoding),
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
            missing=partial(lacks, ("espeak-ng",), "apt-get install espeak-ng"),
            speak=partial(run, ("espeak-ng", "-v", name, "-f", "{text}", "-w", "{sound}"), "utf-8"),
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
            missing=partial(lacks_modules, {"py_nanotts": "py-nanotts"}),
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
    return lacks(("open_jtalk",), "apt-get install open-jtalk") or lacks_modules(
        {"pyopenjtalk": "pyopenjtalk-plus"}
    )


def _speak_jtalk(half_tones: float, speed: float, text: str) -> np.ndarray:
    # Only the voice file is needed; finding the package does not import it.
    package = importlib.util.find_spec("pyopenjtalk")
    assert package is not None and package.origin is not None
    model = Path(package.origin).parent / "htsvoice" / "mei_normal.htsvoice"
    command = ["open_jtalk", "-x", str(_JTALK_DICTIONARY), "-m", str(model)]
    command += ["-fm", str(half_tones), "-r", str(speed), "-ow", "{sound}", "{text}"]
    return run(command, "utf-8", text)


def _lacks_festival(name: str, package: str) -> str | None:
    if any(_FESTIVAL_VOICES.glob(f"*/{name}")):
        return lacks(("text2wave",), "apt-get install festival")
    return f"apt-get install festival {package}"
