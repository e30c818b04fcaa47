"""The process in which a detector of one's own runs: ``python -m core.detect.own.worker``.

Started by `core.detect.own.engine`, which sends a length, JSON and a body (float32 waves) and is
answered with a letter, a length and a body: ``R`` ready, ``A`` what was asked for, ``E`` a
sentence. What the code prints goes to the standard error stream. It ends with its parent.
"""

from __future__ import annotations

import io
import json
import os
import queue
import struct
import threading
from dataclasses import asdict
from typing import Any

import numpy as np

from core.audio.confined import answer
from core.detect.model_config import DetectorError
from core.detect.own import finding
from core.detect.own.scorer import asked, why


def main() -> None:
    """Load the scorer that the first order names, then score waves until the parent is gone."""
    orders: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    asking, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)  # answers alone go the way they are read
    threading.Thread(target=_listen, args=(asking, orders), daemon=True).start()
    answer(answers, b"R", b"")
    name, score = "", None
    while True:
        order, body = orders.get()
        try:
            if "load" in order:
                said, score = finding.run_code(order["load"])
                name = said.name
                answer(answers, b"A", json.dumps(asdict(said)).encode())
            else:
                waves = np.frombuffer(body, np.float32).reshape(order["shape"]).copy()
                answer(answers, b"A", asked(name, score, waves, order["rate"]).tobytes())
        except DetectorError as error:
            answer(answers, b"E", str(error).encode("utf-8", "replace"))
        except BaseException as error:
            answer(answers, b"E", f"The detector '{name}' failed: {why(error)}".encode())


def _listen(asking: int, orders: queue.SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """Pass on what is asked; end this process, whatever it does, once nobody asks any more."""
    stream = io.BufferedReader(io.FileIO(asking))
    while len(head := stream.read(12)) == 12:
        words, size = struct.unpack("<IQ", head)
        orders.put((json.loads(stream.read(words)), stream.read(size)))
    os._exit(0)


if __name__ == "__main__":
    main()
