"""A process that looks into the files it is handed and can do nothing else.

``python -m core.provenance.worker [DESCRIPTOR]``, started by `core.provenance.isolated`; confined
and spoken to as `core.audio.worker` is. Answered: ``R`` ready, ``T`` what credentials and tags say
and ``A`` all of it (JSON of `Provenance`), ``E`` that it cannot be looked at.
"""

from __future__ import annotations

import io
import json
import traceback
from typing import Any, BinaryIO

from core.audio.confined import REFUSED, answer, load_pyav, serve

# c2pa-python speaks to its library by ctypes; only loading another is refused.
_REFUSED = (*(event for event in REFUSED if event != "ctypes."), "ctypes.dlopen")


def main() -> None:
    """Serve until the parent is gone."""
    serve(_serve, _rehearse, _REFUSED)


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
    """Load all that looking may need: look into one file of each kind.

    The first is long enough for everything that is looked for; of the others only what is special
    to them is, since a server waits for this.
    """

    import numpy as np
    import soundfile

    from core.provenance.look import look_into

    load_pyav()
    noise = 0.1 * np.sin(np.arange(32_000) ** 2)
    samples = np.concatenate([noise, noise])
    for form, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("MP3", None), ("FLAC", None)):
        sound = io.BytesIO()
        soundfile.write(sound, samples, 16_000, subtype, format=form)
        look_into(sound)
        samples = noise[:8_000]
    look_into(io.BytesIO(b"no sound"))


if __name__ == "__main__":
    main()
