"""Where in a clip somebody speaks: Silero VAD.

Its ONNX file is run directly, because the package's own Python module imports torch.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE

SPEECH_ON, SPEECH_OFF = 0.5, 0.35
"""Speech begins above the first and ends below the second probability (Silero's own defaults)."""


MIN_SPEECH_S, MIN_PAUSE_S, SPEECH_PAD_S = 0.25, 0.10, 0.03
"""Shorter speech is dropped, shorter pauses are bridged, spans are padded (Silero's defaults)."""


FRAME, _CONTEXT = 512, 64  # samples the network takes at a time, and of the frame before


_BLOCK_FRAMES = 512  # frames in one call: 16 s

_session_lock = threading.Lock()


def speech_probabilities(samples: np.ndarray) -> np.ndarray:
    """Probability of speech in each frame of 512 samples (32 ms), by Silero VAD.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, 16 kHz.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[ceil(n / 512)]``.
    """
    session = _session()
    count = -(-len(samples) // FRAME)
    hidden = cell = np.zeros((1, 1, 128), np.float32)
    out = np.empty(count, np.float32)
    for first in range(0, count, _BLOCK_FRAMES):
        last = min(count, first + _BLOCK_FRAMES)
        # Every frame comes with the end of the one before; the first and last are padded.
        start, end = first * FRAME - _CONTEXT, last * FRAME
        block = np.zeros(end - start, np.float32)
        have = samples[max(0, start) : end]
        offset = max(0, -start)
        block[offset : offset + len(have)] = have
        rows = np.lib.stride_tricks.sliding_window_view(block, _CONTEXT + FRAME)[::FRAME]
        out[first:last], hidden, cell = session.run(
            ["speech_probs", "hn", "cn"],
            {"input": np.ascontiguousarray(rows), "h": hidden, "c": cell},
        )
    return out


def speech_spans(probabilities: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Smooth frame probabilities into spans of speech.

    A span begins where the probability reaches `SPEECH_ON` and ends where it has stayed below
    `SPEECH_OFF` for `MIN_PAUSE_S`; short ones are dropped and the rest padded.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape ``[frames]``, from `speech_probabilities`.
    n : int
        Number of samples they cover.

    Returns
    -------
    list of (int, int)
        Start and end in samples, in order, apart, within ``0..n``; equal to what the package's own
        ``get_speech_timestamps`` finds.
    """
    raw: list[tuple[int, int]] = []
    start = pause = -1
    on, off = float(np.float32(SPEECH_ON)), float(np.float32(SPEECH_OFF))  # as precise as the data
    for frame, p in enumerate(probabilities.tolist()):
        at = frame * FRAME
        if p >= on:
            start, pause = (at if start < 0 else start), -1
        elif p < off and start >= 0:
            pause = at if pause < 0 else pause
            if at - pause >= MIN_PAUSE_S * SAMPLE_RATE:
                raw.append((start, pause))
                start = pause = -1
    if start >= 0:
        raw.append((start, n))
    pad = int(SPEECH_PAD_S * SAMPLE_RATE)  # pauses are longer than two pads: spans stay apart
    return [
        (max(0, begin - pad), min(n, end + pad))
        for begin, end in raw
        if end - begin > MIN_SPEECH_S * SAMPLE_RATE
    ]


def _session() -> Any:
    with _session_lock:  # the first callers may come together; running is safe from any thread
        return _load_session()


@cache
def _load_session() -> Any:
    import onnxruntime

    spec = find_spec("silero_vad")  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("silero-vad is not installed: pip install -r requirements.txt")
    model = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
