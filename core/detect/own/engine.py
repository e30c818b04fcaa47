"""A scorer as an engine: in a process of its own, so that it can end, hang or print as it likes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.processes import Broken, Late, Process
from core.detect.model_config import DetectorError
from core.detect.own.scorer import Said
from core.settings import settings, variable

COMMAND = [sys.executable, "-m", "core.detect.own.worker"]

_LOOK_S = 0.5  # how often it is asked whether anybody still waits


class OwnEngine:
    """Runs a scorer; of waves at another rate than clips have, resampled.

    Its process is started again where it ended.

    Parameters
    ----------
    code : str
        What names it, as for `core.detect.own.load_own`.
    label : str
        For sentences, until it has said its name.
    waiting : callable, optional
        Called twice a second while it loads; what it raises ends that.

    Raises
    ------
    DetectorError
        If it cannot be loaded.

    Attributes
    ----------
    said : Said
        What it says of itself.
    """

    samples_per_frame = margin = 0
    batch = 8
    at_once = 1  # it may not be made for several threads

    def __init__(self, code: str, label: str, waiting: Callable[[], object] | None = None) -> None:
        self._code, self._label = code, label
        self._lock = threading.Lock()
        self._process: _Worker | None = None
        self._hears: np.ndarray | None = None
        self.said = self._load(waiting)
        self._label = self.said.name

    def windows(self, waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `core.detect.engine.Engine.windows`; embeddings have no size.

        Raises
        ------
        DetectorError
            If the scorer fails, gives other than one number per wave, ends or hangs.
        """
        given = waves
        if self.said.rate != SAMPLE_RATE:
            import soxr

            given = soxr.resample(waves.T, SAMPLE_RATE, self.said.rate).T
        given = np.ascontiguousarray(given, np.float32)
        with self._lock:
            if self._process is None or not self._process.alive():
                said = self._load()
                if said != self.said:
                    raise DetectorError(
                        f"The code of the detector '{self._label}' has changed since it was "
                        "loaded. Start the program again."
                    )
            self._hears = waves
            try:
                order = {"shape": given.shape, "rate": self.said.rate}
                found = self._ask(order, given.tobytes(), "gave no scores")
            finally:
                self._hears = None
        return np.frombuffer(found).copy(), np.zeros((len(given), 0), np.float32)

    def give_up(self, waves: np.ndarray) -> None:
        """End the call that hears these waves, if it is under way: nobody waits for it."""
        if self._hears is waves and self._process is not None:
            self._process.stop()

    def front(self, wave: np.ndarray) -> np.ndarray:
        """Never asked for: `samples_per_frame` is 0, since windows share nothing."""
        raise TypeError(f"The windows of the detector '{self._label}' share nothing.")

    def encode(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Never asked for: `samples_per_frame` is 0, since windows share nothing."""
        raise TypeError(f"The windows of the detector '{self._label}' share nothing.")

    def _load(self, waiting: Callable[[], object] | None = None) -> Said:
        self._process = _Worker()
        weakref.finalize(self, self._process.stop)
        try:
            self._process.await_ready()
            order = {"load": self._code}
            return Said(**json.loads(self._ask(order, b"", "was not loaded", waiting)))
        except RuntimeError as error:
            raise DetectorError(
                f"No process could be started for the detector '{self._label}'."
            ) from error
        except BaseException:
            self._process.stop()
            raise

    def _ask(
        self,
        order: dict[str, Any],
        body: bytes,
        lacking: str,
        waiting: Callable[[], object] | None = None,
    ) -> bytes:
        assert self._process is not None
        seconds = settings().own_detector_s
        try:
            kind, found = self._process.talk(order, body, time.monotonic() + seconds, waiting)
        except Late as error:
            self._process.stop()
            raise DetectorError(
                f"The detector '{self._label}' {lacking} within {seconds:g} s, so it was stopped. "
                f"{variable('own_detector_s')} may allow it more."
            ) from error
        except Broken as error:
            raise DetectorError(
                f"The detector '{self._label}' ended its process{self._process.ended()}."
            ) from error
        if kind != b"A":
            raise DetectorError(bytes(found).decode("utf-8", "replace"))
        return bytes(found)


class _Worker(Process):
    """The process of one scorer, with all that the program itself may do."""

    def __init__(self) -> None:
        # A group of its own, so that what it starts ends with it; and what it says is seen.
        super().__init__(
            COMMAND, env=dict(os.environ), cwd=None, stderr=None, start_new_session=True
        )
        self._group_ended = False

    def alive(self) -> bool:
        """Whether it may be asked again; where it ended by itself, what it started is ended too."""
        if super().alive():
            return True
        self.stop()
        return False

    def talk(
        self,
        order: dict[str, Any],
        body: bytes,
        until: float,
        waiting: Callable[[], object] | None,
    ) -> tuple[bytes, bytearray]:
        """Send an order and wait for the answer, as long as the program goes on."""
        words = json.dumps(order).encode()
        self._send(memoryview(struct.pack("<IQ", len(words), len(body)) + words + body), until)
        answered = select.poll()
        answered.register(self._out, select.POLLIN)
        while not answered.poll(1000 * _LOOK_S):
            if waiting is not None:
                waiting()
            if time.monotonic() > until:
                raise Late
            if not threading.main_thread().is_alive():  # nobody waits any more
                raise Broken
        kind, length = self.head(until)
        return kind, self.body(length, until)

    def ended(self) -> str:
        """How it ended, in a few words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        self.stop()
        if code is None:
            return ""
        with contextlib.suppress(ValueError):
            return f" ({signal.Signals(-code).name})" if code < 0 else f" (status {code})"
        return ""

    def stop(self) -> None:
        """End it, and whatever it started."""
        if not self._group_ended:  # once, since its number may be another's later
            self._group_ended = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        super().stop()
