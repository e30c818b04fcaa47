"""A process that decodes what it is handed and can do nothing else.

``python -m core.audio.worker [DESCRIPTOR]``, started by `core.audio.isolated`. Once its libraries
are loaded it can open no file and no connection, write no file and leave no core dump, because the
system refuses it every further file descriptor; what it decodes comes in by one pipe, or is the
file that it was started with, and leaves by another.

Asked: length of JSON (uint32), length of file (uint64), JSON, file. Answered, each with a letter
and a length (uint64): ``R`` ready, ``F`` cannot start, ``P`` seconds decoded so far (float64),
``E`` error (JSON), ``C`` source (JSON) followed by ``S`` samples (float32), the same for every
channel that is taken apart, and ``D`` at the end. Little-endian.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import struct
import time
import traceback
from dataclasses import asdict
from typing import Any, BinaryIO

from core.audio.confined import answer, load_pyav, serve

PROGRESS_S = 0.2
"""Seconds between two words on progress."""


def main() -> None:
    """Serve until the parent is gone."""
    serve(_serve, _rehearse)


def _serve(source: BinaryIO, order: dict[str, Any], answers: int) -> None:
    from core.audio.clip import AudioError
    from core.audio.decoding import Limits, decoded_parts

    said_at = float("-inf")
    before_s = 0.0  # in the clips that are done

    def progress(seconds: float) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_S:
            said_at = time.monotonic()
            answer(answers, b"P", struct.pack("<d", before_s + seconds))

    spent = False  # whether this process should not be used again
    try:
        parts = decoded_parts(
            source,
            name=order["name"],
            limits=Limits(**order["limits"]),
            progress=progress,
            track=order["track"],
            channel=order["channel"],
        )
        for clip in parts:
            before_s += clip.duration_s
            answer(answers, b"C", json.dumps(asdict(clip.source)).encode())
            answer(answers, b"S", clip.samples.view("u1").data)
            del clip
        answer(answers, b"D", b"")
        return
    except AudioError as error:
        code, message = error.code, str(error)
        if isinstance(error.__cause__, MemoryError):
            code, spent = "memory", True
    except MemoryError:
        code, message, spent = "memory", "", True
    except Exception:
        code, message, spent = "fault", traceback.format_exc()[-4000:], True
    said = {"code": code, "message": message, "spent": spent}
    answer(answers, b"E", json.dumps(said).encode())


def _rehearse() -> None:
    """Load all that decoding may need, and decode once by each library."""
    import av
    import numpy as np
    import soundfile

    from core.audio.clip import AudioError
    from core.audio.decoding import decode

    load_pyav()
    for name in ("fft", "linalg", "ma", "random"):  # NumPy loads these when they are first used
        importlib.import_module(f"numpy.{name}")
    noise = 0.1 * np.sin(np.arange(48_000) ** 2)
    for second in (-noise, np.roll(noise, 16_000)):  # channels that cancel, and that differ
        sound = io.BytesIO()
        stereo = np.stack([noise, second], axis=1)
        soundfile.write(sound, stereo, 48_000, format="WAV", subtype="PCM_16")
        decode(sound.getvalue())
    video = io.BytesIO()
    with av.open(video, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    decode(video.getvalue())
    with contextlib.suppress(AudioError):
        decode(b"no sound")


if __name__ == "__main__":
    main()
