"""Looking into files of strangers, in processes that may break: credentials, tags, samples.

`core.provenance.look` in a process of its own, as files are decoded (`core.audio.isolated`): the
library that reads credentials is native code, and what it is handed was made by anyone.
"""

from __future__ import annotations

import atexit
import json
import logging
import struct
import sys
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from core.audio.decoding.source import Limits, Reader, checked_size, opened
from core.audio.processes import CROWDED_S, TRANSFER, Broken, Late, Pool, Process
from core.provenance.found import Provenance
from core.provenance.native import MOST_S
from core.settings import settings

logger = logging.getLogger(__name__)

COMMAND = [sys.executable, "-m", "core.provenance.worker"]

UNSEEN = (
    "What the file says of its origin could not be read: its parts are damaged, or take too long."
)
UNHEARD = "The file's samples could not be looked at: they are damaged, or take too long."

_FILES = 200  # after which a process is replaced
_HELD_BYTES = 32 << 20  # a larger file is read where it lies


class TrustListError(ValueError):
    """The operator's trust list cannot be used; a sentence for the operator."""


def look_safely(source: str | Path | bytes, anchors: str | None = None) -> Provenance:
    """What a file shows of its origin.

    Parameters
    ----------
    anchors : str, optional
        Certificates of the trust list as PEM; by default those of the setting ``c2pa_trust``.

    Returns
    -------
    Provenance
        Where the process died or took too long, what was found before, with a note.

    Raises
    ------
    AudioError
        If the file cannot be opened, is empty or too large.
    TrustListError
        If the trust list cannot be read.
    OSError, RuntimeError
        If no process can be started.
    """
    anchors = trust_list() if anchors is None else anchors
    limits = Limits()
    with opened(source, limits) as file:
        size = checked_size(file, limits)
        held = size > _HELD_BYTES and not isinstance(source, bytes)
        with _POOL.slots(settings().decode_processes):
            looker = _Looker(file.fileno()) if held else _POOL.take()
            try:
                return looker.look(file, size, anchors)
            except BaseException:
                looker.stop()
                raise
            finally:
                looker.stop() if held else _POOL.give(looker, _FILES)


def prepare() -> None:
    """Start a process beside other work, so that the first file does not wait for it."""
    _POOL.prepare()


def trust_list() -> str:
    """The operator's list of trusted signers as PEM; empty where none is set.

    Raises
    ------
    TrustListError
        If the file is missing or holds no certificate.
    """
    path = settings().c2pa_trust
    if not path:
        return ""
    try:
        changed = Path(path).stat().st_mtime_ns
        return _read_list(path, changed)
    except (OSError, ValueError) as error:
        raise TrustListError(
            f"The list of trusted signers at {path} cannot be used: {error}. Put a PEM file of "
            "certificates there, or remove SPOOFSCOPE_C2PA_TRUST."
        ) from error


@lru_cache(maxsize=2)
def _read_list(path: str, changed: int) -> str:
    from cryptography.x509 import load_pem_x509_certificates

    data = Path(path).read_bytes()
    load_pem_x509_certificates(data)
    return data.decode("ascii")


class _Looker(Process):
    """A process that looks into files."""

    def __init__(self, held: int | None = None) -> None:
        super().__init__(COMMAND, held)

    def look(self, file: Reader, size: int, anchors: str) -> Provenance:
        self.await_ready()
        self.served += 1
        costs = settings()
        seconds = costs.decode_time_s + size / TRANSFER + MOST_S / costs.decode_speed
        until = time.monotonic() + seconds
        order = {
            "anchors": anchors,
            "memory_bytes": (costs.decode_memory_mb << 20) + (0 if self.held else size),
            "alarm_s": seconds + CROWDED_S + 5,
        }
        found = Provenance(notes=(UNSEEN,))
        try:
            self.ask(order, file, size, until)
            while True:
                kind, length = self.head(until)
                said = self.body(length, until)
                if kind == b"A":
                    return Provenance.from_dict(json.loads(said))
                if kind == b"T":
                    part = Provenance.from_dict(json.loads(said))
                    found = replace(part, notes=(*part.notes, UNHEARD))
                else:
                    logger.info("a file could not be looked into: %s", bytes(said).decode()[-300:])
                    break
        except (Broken, Late, ValueError, KeyError, TypeError, struct.error):
            logger.info("a process that looked into a file broke or took too long")
        self.stop()
        return found


_POOL: Pool[_Looker] = Pool(_Looker)
atexit.register(_POOL.close)
