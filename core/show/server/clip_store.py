"""The decoded sound of all sessions, within one budget.

What a visitor brought stays as it came; its samples, often a thousand times as large, are only a
cache. They go when nobody used them for a while or another clip needs the room, and are decoded
again, to the same bits, when a page asks for them.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip
from core.machine import memory_bytes
from core.settings import settings
from core.show.server.queue import Place, TooBusy

SECOND_BYTES = 4 * SAMPLE_RATE
"""Of samples: single precision, one channel."""

TOO_LONG = (
    "This file is too long: this server has memory for {:,.1f} minutes of sound. Give it a part of "
    "the file."
)
FULL = "Other clips are using all the memory that this server has for sound. Try again in a minute."


class TooLong(Exception):
    """A clip that the budget does not hold even alone; no `AudioError`, which decoders catch."""


def budget() -> int:
    """Bytes of samples that all sessions may hold: the setting, or half of the memory."""
    return settings().sound_memory_mb << 20 or memory_bytes() // 2


class Sound:
    """One clip of one session, decoded when it is asked for.

    Parameters
    ----------
    read : callable
        Decodes what came, to the same samples each time; takes ``progress`` and ``waiting`` as
        `core.show.cache.read` does.
    store : ClipStore, optional
        Whose budget it shares; by default that of all sessions.

    Attributes
    ----------
    used_at : float
        When it was asked for last, on `time.monotonic`'s clock.
    """

    def __init__(self, read: Callable[..., Clip], store: ClipStore | None = None) -> None:
        self._read = read
        self._store = store or STORE
        self._clip: Clip | None = None
        self.used_at = time.monotonic()
        self._store.add(self)

    @property
    def decoded(self) -> bool:
        """Whether the samples are here."""
        return self._clip is not None

    def clip(
        self,
        progress: Callable[[float], None] | None = None,
        waiting: Callable[[Place], object] | None = None,
    ) -> Clip:
        """The clip, decoded now unless its samples are here.

        Parameters and errors are those of `core.show.cache.read`, and:

        Raises
        ------
        AudioError
            With code ``too_large`` where the budget does not hold the clip even alone.
        TooBusy
            If there is no room beside the clips that are in use now.
        """
        self.used_at = time.monotonic()
        clip = self._clip
        if clip is None:
            place = object()

            def decoding(seconds: float) -> None:
                self._store.reserve(place, round(seconds * SECOND_BYTES))
                if progress is not None:
                    progress(seconds)

            try:
                clip = self._read(progress=decoding, waiting=waiting)
                self._store.commit(place, clip)
            except TooLong as error:
                raise AudioError(str(error), "too_large") from None
            finally:
                self._store.release(place)
            self._clip = clip
            self.used_at = time.monotonic()
        return clip

    def drop(self) -> None:
        """Drop the samples; whoever works on them keeps them until then."""
        self._clip = None


class ClipStore:
    """Which sounds there are, and how much of the budget is taken.

    Parameters
    ----------
    limit : callable
        Gives the budget in bytes.
    """

    def __init__(self, limit: Callable[[], int] = budget) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self._sounds: weakref.WeakSet[Sound] = weakref.WeakSet()
        # Arrays count until they are freed, whoever holds them: a clip that was dropped while
        # it is judged still takes its room.
        self._arrays: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        self._reserved: dict[object, int] = {}

    def add(self, sound: Sound) -> None:
        """Let a sound share the budget for as long as its session keeps it."""
        with self._lock:
            self._sounds.add(sound)

    def held(self) -> int:
        """Bytes of samples that are in memory, or about to be."""
        with self._lock:
            return sum(a.nbytes for a in self._arrays.values()) + sum(self._reserved.values())

    def drop_idle(self, idle_s: float) -> None:
        """Drop the samples that nobody asked for in the last ``idle_s`` seconds."""
        until = time.monotonic() - idle_s
        with self._lock:
            for sound in list(self._sounds):
                if sound.used_at <= until:
                    sound.drop()

    def reserve(self, place: object, size: int) -> None:
        """Make room for ``size`` bytes of a clip that is being decoded; the oldest give way.

        Raises
        ------
        TooLong, TooBusy
            As in `Sound.clip`.
        """
        with self._lock:
            limit = self._limit()
            if size > limit:
                raise TooLong(TOO_LONG.format(limit / SECOND_BYTES / 60))
            self._reserved[place] = size
            for sound in sorted(self._sounds, key=lambda sound: sound.used_at):
                if self.held() <= limit:
                    return
                sound.drop()
            if self.held() > limit:
                raise TooBusy(FULL)

    def commit(self, place: object, clip: Clip) -> None:
        """Count a decoded clip by its arrays, until they are freed; errors as in `reserve`."""
        arrays = {id(a): a for a in (clip.samples, *(part.samples for part in clip.apart))}
        with self._lock:
            self.reserve(place, sum(a.nbytes for a in arrays.values()))
            self.release(place)
            self._arrays.update(arrays)

    def release(self, place: object) -> None:
        """Free what was reserved for a clip that is no longer being decoded."""
        with self._lock:
            self._reserved.pop(place, None)


STORE = ClipStore()
"""That of all sessions of this process."""
