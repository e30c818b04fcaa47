"""Any container or codec to a `Clip`: decoded in blocks, in bounded memory, or refused in words.

libsndfile decodes what it can; FFmpeg (through PyAV) takes what libsndfile refuses or breaks off.
Formats are recognised by content: file names and extensions play no part. Neither library is
imported before the first clip is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from core.audio.clip import Clip
from core.audio.decoding.build import APART_S, clip_from_samples, clip_of
from core.audio.decoding.channels import Layout
from core.audio.decoding.ffmpeg import with_ffmpeg
from core.audio.decoding.headers import read_header
from core.audio.decoding.output import Decoded, Refusal
from core.audio.decoding.recording import what_to_read
from core.audio.decoding.soundfile import with_soundfile
from core.audio.decoding.source import Limits, name_of, opened, sha256_of
from core.audio.decoding.tracks import with_levels
from core.audio.decoding.uncounted import read_uncounted

__all__ = ["Limits", "clip_from_samples", "decode", "decoded_parts"]


def decode(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    track: int | None = None,
    channel: int | None = None,
) -> Clip:
    """Decode one audio track of a file to mono float32 at 16 kHz.

    Sound is placed by the file's time stamps. Channels are averaged, silent ones left out, unless
    one is asked for; the rate is converted by a band-limited resampler (soxr, HQ).

    Parameters
    ----------
    source : str, pathlib.Path, bytes or binary file object
        A path (never an address), the file's bytes, or an open file, which is read from its
        beginning where it can seek and is left open.
    name : str, optional
        Name for people; by default the path's or file object's own, without folders.
    limits : Limits, optional
        By default ``Limits()``.
    progress : callable, optional
        Called with the seconds of sound decoded so far.
    track, channel : int, optional
        Numbers from 1. By default the track that players choose, and all of its channels.

    Returns
    -------
    Clip
        At least one sample; ``source.notes`` says what was missing or concealed. ``apart`` holds
        the channels where their average would hide something.

    Raises
    ------
    AudioError
        If there is nothing to decode, no such track or channel, the file is damaged beyond use,
        or it exceeds a limit.
    """
    clip, *apart = decoded_parts(
        source, name=name, limits=limits, progress=progress, track=track, channel=channel
    )
    return replace(clip, apart=tuple(apart))


def decoded_parts(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    track: int | None = None,
    channel: int | None = None,
) -> Iterator[Clip]:
    """The clip of `decode`, then each channel that is taken apart: one at a time in memory."""
    limits = limits or Limits()
    name = Path(name or name_of(source)).name or "audio"
    with opened(source, limits) as file:
        digest = sha256_of(file, limits)
        files, said = what_to_read(file)
        header = read_header(files[-1])
        whole, more = read_uncounted(files[0])
        files, notes = (whole, *files[1:]), (*said, *more)

        def once(channel: int | None) -> Decoded:
            found = with_soundfile(files[0], header, limits, progress, track, channel)
            if isinstance(found, Refusal):
                return with_ffmpeg(files, header, found, limits, progress, track, channel)
            return found

        found = once(channel)
        tracks = with_levels(files[0], found.tracks, found.track, found.out)
        layout, seconds = found.out.layout(), found.out.seconds
        apart = layout.apart if len(layout.apart) * seconds <= APART_S else ()
        if layout.why == "cancel" and not apart:
            channel = layout.loudest
            found = once(channel)
        kept = bool(apart)
        yield clip_of(found, name, digest, notes, tracks, layout, channel, kept=kept)
        for number in apart:
            del found  # with its samples
            found = once(number)
            yield clip_of(found, name, digest, notes, tracks, Layout(), number)
