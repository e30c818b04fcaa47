"""The audio tracks of a file: what each is, which one players choose, how loud the others are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from core.audio.clip import MOST_TRACKS, AudioError, Track
from core.audio.decoding.container import (
    DECODERS,
    codec_name,
    has_tracks,
    is_encrypted,
    open_container,
    promised_end,
)
from core.audio.decoding.errors import encrypted_sound, no_track
from core.audio.decoding.frames import frame_samples, to_float
from core.audio.decoding.output import Output
from core.audio.decoding.source import Reader

LEVEL_S = 20.0
"""Seconds from the beginning by which the level of a track that is not judged is measured."""

_LEVEL_PACKETS = 4_000  # most packets read for that, over all tracks


def choose(container: Any, track: int | None) -> tuple[Any, int]:
    """The stream to decode and its number among the audio tracks, from 1.

    By default the one marked as default, else the first, of those that can be decoded.

    Raises
    ------
    AudioError
        If there is none, not the one asked for, or it cannot be decoded.
    """
    streams = container.streams.audio
    if not streams:
        if container.streams.video:
            raise AudioError(
                "This video has no sound track: give one that has, or the sound itself.",
                "no_audio_track",
            )
        raise AudioError("This file has no audio track.", "no_audio_track")
    if track is not None and not 1 <= track <= len(streams):
        raise no_track(track, len(streams))
    number = _default(streams) if track is None else track
    stream = streams[number - 1]
    if is_encrypted(stream):
        raise encrypted_sound()
    if not _known(stream):
        raise AudioError(
            "The sound is in a codec that cannot be decoded here: convert it to WAV or FLAC.",
            "unreadable",
        )
    return stream, number


def listed(container: Any, begins_s: float | None = None) -> tuple[Track, ...]:
    """The audio tracks as the container describes them, without levels.

    Empty for formats that hold one track only. ``begins_s`` as in `promised_end`.
    """
    if not has_tracks(container):
        return ()
    streams = container.streams.audio
    chosen = _default(streams)
    return tuple(
        Track(
            number=number,
            codec=codec_name(stream) if stream.codec_context else "",
            language=_text(stream, "language").replace("und", ""),
            title=_text(stream, "title") or _text(stream, "handler_name", "SoundHandler"),
            duration_s=promised_end(container, stream, begins_s) or _seconds(stream),
            sample_rate=int(stream.codec_context.sample_rate) if stream.codec_context else 0,
            channels=int(stream.codec_context.channels) if stream.codec_context else 0,
            level_db=None,
            default=number == chosen,
        )
        for number, stream in enumerate(streams[:MOST_TRACKS], 1)
    )


def with_levels(
    file: Reader, tracks: tuple[Track, ...], judged: int, out: Output
) -> tuple[Track, ...]:
    """The tracks with their levels: of the judged one as a whole, of the others' beginnings."""
    if len(tracks) < 2:
        return tracks
    levels = _levels_of_others(file, judged) | {judged: _level(out.energy, out.taken)}
    return tuple(replace(track, level_db=levels.get(track.number)) for track in tracks)


def _levels_of_others(file: Reader, judged: int) -> dict[int, float | None]:
    """Level in dB of the beginning of each track but one, by its number; None for silence."""
    import av

    energy: dict[int, tuple[float, int, float]] = {}
    ignored = suppress(av.FFmpegError, ValueError, OSError, RuntimeError, IndexError, TypeError)
    with ignored, open_container(file) as container:
        streams = {
            stream.index: number
            for number, stream in enumerate(container.streams.audio[:MOST_TRACKS], 1)
            if number != judged and _known(stream) and not is_encrypted(stream)
        }
        packets = container.demux([container.streams[index] for index in streams])
        for _, packet in zip(range(_LEVEL_PACKETS), packets, strict=False):
            number = streams[packet.stream.index]
            total, n, seconds = energy.get(number, (0.0, 0, 0.0))
            if seconds < LEVEL_S:
                with suppress(av.FFmpegError, ValueError):
                    for frame in packet.decode():
                        x = to_float(frame_samples(frame))
                        total += float(np.square(x, dtype=np.float64).sum())
                        n, seconds = n + x.size, seconds + frame.samples / frame.sample_rate
                energy[number] = (total, n, seconds)
            elif len(energy) == len(streams) and all(e[2] >= LEVEL_S for e in energy.values()):
                break
    return {number: _level(total, n) for number, (total, n, _) in energy.items()}


def _level(energy: float, n: int) -> float | None:
    """RMS level in dB below full scale, None for silence or nothing."""
    if not n or not 0 < energy < float("inf"):
        return None
    return round(float(10 * np.log10(energy / n)), 1)


def _default(streams: Any) -> int:
    from av.stream import Disposition

    known = [n for n, s in enumerate(streams, 1) if _known(s) and not is_encrypted(s)]
    marked = [n for n in known if streams[n - 1].disposition & Disposition.default]
    return (marked or known or [1])[0]


def _known(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in DECODERS.split(",")


def _text(stream: Any, key: str, ordinary: str = "") -> str:
    text = str(stream.metadata.get(key, ""))[:200]
    return "" if text == ordinary else text


def _seconds(stream: Any) -> float | None:
    if stream.duration is not None and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return None
