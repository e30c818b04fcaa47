"""Which part of a file was judged, and what it came through, in words."""

from __future__ import annotations

from dataclasses import replace

from core.audio.clip import Clip, Source, Track

THROUGH = ("opus",)
"""Codecs that sound can have come through before it was stored."""

HOLD_THEM = {
    "ogg", "webm", "matroska", "mp4", "m4a", "m4b", "mov", "3gp", "mpegts", "caf", "flv", "nut",
}  # fmt: skip
"""Containers in which sound in such a codec may lie as it is."""

MOST_NAMED = 8
"""Other tracks that a sentence names."""

LANGUAGES = {
    "ar ara": "Arabic", "cs ces cze": "Czech", "da dan": "Danish", "de deu ger": "German",
    "el ell gre": "Greek", "en eng": "English", "es spa": "Spanish", "fa fas per": "Persian",
    "fi fin": "Finnish", "fr fra fre": "French", "he heb": "Hebrew", "hi hin": "Hindi",
    "hu hun": "Hungarian", "id ind": "Indonesian", "it ita": "Italian", "ja jpn": "Japanese",
    "ko kor": "Korean", "nl nld dut": "Dutch", "no nor nb nob": "Norwegian", "pl pol": "Polish",
    "pt por": "Portuguese", "ro ron rum": "Romanian", "ru rus": "Russian", "sv swe": "Swedish",
    "th tha": "Thai", "tr tur": "Turkish", "uk ukr": "Ukrainian", "vi vie": "Vietnamese",
    "zh zho chi": "Chinese",
}  # fmt: skip
"""Names of common languages by their codes in ISO 639; others stand as the file has them."""

_NAMES = {code: name for codes, name in LANGUAGES.items() for code in codes.split()}


def language(track: Track) -> str:
    """The track's language in English; empty where the file does not say."""
    code = track.language.strip()
    if code.lower() in ("", "und", "mul", "zxx", "mis"):
        return ""
    return _NAMES.get(code.lower().split("-")[0], code)


def described(track: Track, measured: bool = True) -> str:
    """A track's number and what the file says of it, such as ``2 (German, 'Comments', 61.0 s)``.

    Parameters
    ----------
    track : Track
        One of `Source.tracks`.
    measured : bool
        Whether its duration and level are said too.
    """
    said = [language(track), f"'{track.title.strip()}'" if track.title.strip() else ""]
    if measured:
        said += ["" if track.duration_s is None else f"{track.duration_s:.1f} s"]
        said += ["" if track.level_db is None else f"{track.level_db:.0f} dB"]
    words = ", ".join(filter(None, said))
    return f"{track.number} ({words})" if words else str(track.number)


def track_in_words(source: Source) -> str:
    """Which track was judged, and what the others are; empty where there is only one."""
    if len(source.tracks) < 2:
        return ""
    own = next(
        (described(t, False) for t in source.tracks if t.number == source.track), str(source.track)
    )
    number, _, words = own.partition(" ")
    others = [t for t in source.tracks if t.number != source.track]
    named = "; ".join(described(t) for t in others[:MOST_NAMED])
    more = f"; and {len(others) - MOST_NAMED:,} more" if len(others) > MOST_NAMED else ""
    return (
        f"Track {number} of {len(source.tracks)}{f' {words}' if words else ''} was judged. "
        f"{'The other is track' if len(others) == 1 else 'The others are tracks'} {named}{more}."
    )


def channel_in_words(source: Source) -> str:
    """Which channel was judged by itself; empty where the channels were averaged."""
    if source.channel is None:
        return ""
    return f"Channel {source.channel} of {source.channels} was judged by itself."


def in_words(source: Source) -> list[str]:
    """All that there is to say of the part that was judged, a sentence each."""
    said = (track_in_words(source), channel_in_words(source))
    return [sentence for sentence in said if sentence]


def through(clip: Clip, codec: str, note: str) -> Clip:
    """The clip as sound that came through a codec before it was stored, as a live take's does.

    Parameters
    ----------
    clip : Clip
    codec : str
        One of `THROUGH`.
    note : str
        A sentence that says so, for people.
    """
    source = replace(clip.source, codec=codec, notes=(*clip.source.notes, note))
    return Clip(clip.samples, source, tuple(through(part, codec, note) for part in clip.apart))


def came_through(source: Source) -> str:
    """The codec that `through` was told of; empty where there was none."""
    stored = source.container in HOLD_THEM
    return source.codec if source.codec in THROUGH and not stored else ""
