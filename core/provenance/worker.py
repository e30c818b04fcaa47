"""A process that looks into the files it is handed and can do nothing else.

``python -m core.provenance.worker [DESCRIPTOR]``, started by `core.provenance.isolated`; confined
and spoken to as `core.audio.worker` is. Answered: ``R`` ready, ``T`` what credentials and tags say
and ``A`` all of it (JSON of `Provenance`), ``E`` that it cannot be looked at.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import struct
import sys
import traceback
from typing import Any, BinaryIO

from core.audio.confined import REFUSED, answer, limit_memory, shut

# c2pa-python speaks to its library by ctypes; only loading another is refused.
_REFUSED = (*(event for event in REFUSED if event != "ctypes."), "ctypes.dlopen")


def main() -> None:
    """Serve until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    asked = io.BufferedReader(io.FileIO(os.dup(0)), 1 << 16)
    answers = os.dup(1)
    held = io.BufferedReader(io.FileIO(int(sys.argv[1])), 1 << 16) if len(sys.argv) > 1 else None
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # a library may print
    os.close(nowhere)
    try:
        _rehearse()
        shut(_REFUSED)
    except BaseException:
        answer(answers, b"F", traceback.format_exc()[-4000:].encode())
        raise
    answer(answers, b"R", b"")
    while head := asked.read(12):
        n_words, size = struct.unpack("<IQ", head)
        order = json.loads(asked.read(n_words))
        signal.setitimer(signal.ITIMER_REAL, order["alarm_s"])  # should the parent be gone
        limit_memory(order["memory_bytes"])
        _serve(held or io.BytesIO(asked.read(size)), order, answers)
        limit_memory(None)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(file: BinaryIO, order: dict[str, Any], answers: int) -> None:
    from core.provenance.look import look_into

    try:
        found = look_into(
            file,
            order["anchors"],
            first=lambda part: answer(answers, b"T", json.dumps(part.to_dict(True)).encode()),
        )
        answer(answers, b"A", json.dumps(found.to_dict(True)).encode())
    except (Exception, MemoryError):
        answer(answers, b"E", traceback.format_exc()[-4000:].encode())


def _rehearse() -> None:
    """Load all that looking may need: look into one file of each kind."""
    import importlib
    import pkgutil

    import av
    import numpy as np
    import soundfile

    from core.provenance.look import look_into

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):  # PyAV loads some only for a track of their kind
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)
    noise = 0.1 * np.sin(np.arange(32_000) ** 2)
    for form, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("MP3", None), ("FLAC", None)):
        sound = io.BytesIO()
        soundfile.write(sound, np.concatenate([noise, noise]), 16_000, subtype, format=form)
        look_into(sound)
    look_into(io.BytesIO(b"no sound"))


if __name__ == "__main__":
    main()
