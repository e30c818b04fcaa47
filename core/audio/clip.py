"""What audio is inside Spoofscope: one mono array at one rate, and where it came from."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from core.plain import printable

SAMPLE_RATE = 16_000
"""Sampling rate of every `Clip`, in hertz."""

MIN_RATE, MAX_RATE = 1_000, 768_000
"""Sampling rates outside this range (hertz) are taken for a damaged header."""

MAX_CHANNELS = 64
"""More channels than this are taken for a damaged header."""

MOST_TRACKS = 32
"""Tracks beyond this number are not listed."""


class AudioError(ValueError):
    """Audio that cannot be used; the message is a sentence for the person who gave it.

    Parameters
    ----------
    message : str
        What is wrong and what to do about it, in one or two sentences.
    code : str
        A stable word for programs: ``empty``, ``not_audio``, ``no_audio_track``, ``no_channel``,
        ``truncated``, ``no_samples``, ``not_finite``, ``bad_header``, ``encrypted``, ``too_long``,
        ``too_large`` or ``unreadable``.
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Track:
    """One audio track of a file, as its container describes it.

    Attributes
    ----------
    number : int
        From 1, among the file's audio tracks.
    codec, language, title : str
        As the file says; empty where it does not.
    duration_s : float or None
        In seconds, None where the file does not say.
    sample_rate, channels : int
        In hertz, and how many.
    level_db : float or None
        Level in dB below full scale, None where it was not measured.
    default : bool
        Whether players choose it.
    """

    number: int
    codec: str
    language: str
    title: str
    duration_s: float | None
    sample_rate: int
    channels: int
    level_db: float | None
    default: bool

    def __post_init__(self) -> None:
        """As `Source`."""
        _make_printable(self, "codec", "language", "title")


def _make_printable(made: object, *fields: str) -> None:
    for name in fields:
        value = getattr(made, name)
        if isinstance(value, str):
            object.__setattr__(made, name, printable(value))


@dataclass(frozen=True)
class Source:
    """Facts about the file that a clip was decoded from.

    Attributes
    ----------
    name : str
        File name for people, without folders.
    container, codec : str
        As the decoder names them, for example ``wav`` and ``pcm_s16le``.
    sample_rate : int
        Original rate in hertz.
    channels : int
        Original channel count.
    duration_s : float
        Duration of the decoded audio in seconds.
    sha256 : str
        Hash of the file's bytes, or of the samples where there was no file.
    decoder : str
        ``soundfile``, ``ffmpeg`` or ``samples``.
    notes : tuple of str
        Sentences for people, such as that damage was concealed while decoding.
    tracks : tuple of Track
        The file's audio tracks; empty where the container has no such notion.
    track : int
        Number of the track that was decoded, from 1.
    channel : int or None
        Number of the channel that was taken, from 1; None where channels were averaged.
    missing : tuple of (float, float)
        Stretches in seconds for which the file's clock runs but holds no sound; silence there.
    """

    name: str
    container: str
    codec: str
    sample_rate: int
    channels: int
    duration_s: float
    sha256: str
    decoder: str
    notes: tuple[str, ...] = ()
    tracks: tuple[Track, ...] = ()
    track: int = 1
    channel: int | None = None
    missing: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Take every text as `core.plain.printable` shows it: a file says of itself what it likes.

        So nothing that is made from a Source has to think of it again.
        """
        _make_printable(self, "name", "container", "codec", "decoder")
        notes = tuple(printable(n) if isinstance(n, str) else n for n in self.notes)
        object.__setattr__(self, "notes", notes)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Source:
        """Rebuild a Source from what `dataclasses.asdict` and JSON made of it.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a field is missing, unknown or of the wrong kind.
        """
        lists = {
            "notes": listed(data["notes"]),
            "tracks": tuple(Track(**_counted(track)) for track in listed(data.get("tracks", ()))),
            "missing": tuple((float(a), float(b)) for a, b in listed(data.get("missing", ()))),
        }
        made = cls(**{**_counted(data), **lists})
        counts = [made.track, *([] if made.channel is None else [made.channel])]
        for track in made.tracks:
            counts.append(track.number)
            measured = [track.sample_rate, track.channels, track.duration_s, track.level_db]
            if not all(isinstance(t, str) for t in (track.codec, track.language, track.title)):
                raise TypeError("a track's description is no text")
            if not all(v is None or (_is_number(v) and math.isfinite(v)) for v in measured):
                raise TypeError("a track's measurement is no number")
        if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in counts):
            raise TypeError("tracks and channels are counted from 1")
        edges = [edge for stretch in made.missing for edge in stretch]
        if edges != sorted(edges) or not all(math.isfinite(edge) and edge >= 0 for edge in edges):
            raise ValueError("what is missing is not in order")
        return made

    @property
    def part(self) -> str:
        """Which part of the file this is, such as ``track 2, channel 1``; empty for all of it."""
        return part_in_words(self.track if len(self.tracks) > 1 else None, self.channel)

    @property
    def label(self) -> str:
        """The file's name with `part`, for people."""
        return f"{self.name}, {self.part}" if self.part else self.name

    def missing_s(self, start_s: float = 0.0, end_s: float = math.inf) -> float:
        """Seconds between two times for which the file holds no sound."""
        first = bisect_right(self.missing, start_s, key=lambda stretch: stretch[1])
        total = 0.0
        for a, b in islice(self.missing, first, None):
            if a >= end_s:
                break
            total += min(b, end_s) - max(a, start_s)
        return total

    def lacks(self, start_s: float, end_s: float) -> bool:
        """Whether at least half of a stretch is missing: too much for a score of it."""
        return bool(self.missing) and self.missing_s(start_s, end_s) >= (end_s - start_s) / 2


def _counted(data: Mapping[str, Any]) -> dict[str, Any]:
    """With counts as whole numbers: to JSON 1 and 1.0 are one, and programs write either."""
    counts = ("number", "sample_rate", "channels", "track", "channel")
    return {
        key: int(value)
        if key in counts and isinstance(value, float) and value.is_integer()
        else value
        for key, value in {**data}.items()
    }


def part_in_words(track: int | None, channel: int | None) -> str:
    """A part such as ``track 2, channel 1``; what is None is not named."""
    named = (("track", track), ("channel", channel))
    return ", ".join(f"{what} {number}" for what, number in named if number is not None)


def listed(value: Any) -> tuple[Any, ...]:
    """A list from JSON; a text is none, though its characters could be taken for items.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not isinstance(value, (list, tuple)):
        raise TypeError("what should be a list is none")
    return tuple(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True, eq=False)
class Clip:
    """Mono audio at `SAMPLE_RATE`; sample 0 is second 0 of the file's clock.

    Attributes
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, nominally within [-1, 1].
    source : Source
        Where the samples came from.
    apart : tuple of Clip
        One clip per channel where their average would hide or destroy something; else empty.
    """

    samples: np.ndarray
    source: Source
    apart: tuple[Clip, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def parts(self) -> tuple[Clip, ...]:
        """What is judged by itself: each channel where they are `apart`, else the clip.

        The channels take over the clip's notes, which say why they are apart.
        """
        if not self.apart:
            return (self,)
        return tuple(
            replace(
                part,
                source=replace(
                    part.source,
                    notes=tuple(dict.fromkeys((*self.source.notes, *part.source.notes))),
                ),
            )
            for part in self.apart
        )
