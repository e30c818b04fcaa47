"""Why a file is not decoded, in sentences for a person."""

from __future__ import annotations

from core.audio.clip import MAX_CHANNELS, MAX_RATE, MIN_RATE, AudioError

TOO_LARGE = "This file is too large: cut it into parts, or give only its sound track."


_SOUND_MAGIC = {
    b"RIFF": "WAV",
    b"FORM": "AIFF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\x1aE\xdf\xa3": "Matroska or WebM",
    b"#!AMR": "AMR",
    b"caff": "CAF",
    b"RF64": "WAV",
    b"riff\x2e\x91": "W64",
    b".snd": "AU",
    b"TTA1": "TTA",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"FLV\x01": "FLV",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "WMA",
}
_OTHER_MAGIC = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "an archive or an office document",
    b"\x1f\x8b": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"MThd": "a MIDI score, which holds notes and no sound",
    b"#EXTM3U": "a playlist, which only names other files",
    b"<": "a web page or other text",
}


def check_header(rate: int, channels: int) -> None:
    """Refuse rates and channel counts that only a damaged header can hold.

    Raises
    ------
    AudioError
        With code ``bad_header``.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"The header gives a sampling rate of {rate:,} Hz, which no recording has. The file "
            "is damaged; export it again.",
            "bad_header",
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            f"The header gives {channels:,} channels, which no recording has. The file is "
            "damaged; export it again.",
            "bad_header",
        )


def too_long(what: str, advice: str) -> AudioError:
    """A recording beyond a limit; ``what`` it is, and what to do."""
    return AudioError(f"This recording is {what}: {advice}.", "too_long")


def in_words(seconds: float) -> str:
    """Seconds as hours, minutes or seconds, whichever reads best."""
    if seconds >= 3600:
        return f"{seconds / 3600:g} hours"
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"


def unreadable(error: OSError) -> AudioError:
    """A file that the system does not give."""
    return AudioError(f"The file cannot be read: {error}.", "unreadable")


def encrypted_sound() -> AudioError:
    """A track under copy protection."""
    return AudioError(
        "The sound in this file is encrypted (copy protection). Give a copy without it.",
        "encrypted",
    )


def announced(head: bytes) -> str:
    """Name of the sound format that a file's first 16 bytes announce, or nothing."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return "MP4"
    return next((name for magic, name in _SOUND_MAGIC.items() if head.startswith(magic)), "")


def not_opened(head: bytes, size: int, known: bool) -> AudioError:
    """Why no decoder takes a file, by its first 256 bytes.

    Parameters
    ----------
    head : bytes
        The first 256 bytes.
    size : int
        Of the file, in bytes.
    known : bool
        Whether libsndfile recognised the format.
    """
    kind = announced(head)
    if kind == "MP4":
        return AudioError(
            "This MP4 file is cut short or damaged: the index without which its sound cannot be "
            "found is missing. Get a whole copy of it.",
            "truncated",
        )
    if kind and size < 1024:
        return AudioError(
            f"The file is cut short: it begins as {kind}, and the sound is missing.", "truncated"
        )
    if kind or known:
        return AudioError(
            f"The file begins as {kind or 'sound'}, but it is damaged or in a form that cannot be "
            "decoded here. Export it again as WAV or FLAC.",
            "unreadable",
        )
    for magic, what in _OTHER_MAGIC.items():
        if head.lstrip().startswith(magic):
            return AudioError(
                f"This is not a sound file: it looks like {what}. Give a recording, for example "
                "WAV, FLAC, MP3, M4A or Ogg.",
                "not_audio",
            )
    return not_audio()


def not_audio() -> AudioError:
    """A file of no known kind."""
    return AudioError(
        "This is not a sound file, or not one of a kind known here. Give a recording, for example "
        "WAV, FLAC, MP3, M4A or Ogg.",
        "not_audio",
    )


def too_damaged() -> AudioError:
    """A file most of whose packets cannot be decoded."""
    return AudioError(
        "The file is too damaged: most of its sound cannot be decoded. Get another copy of it.",
        "unreadable",
    )


def no_channel(channel: int, channels: int) -> AudioError:
    """A channel that was asked for and is not there."""
    return AudioError(
        f"There is no channel {channel}: this sound has "
        + ("one channel." if channels == 1 else f"channels 1 to {channels}."),
        "no_channel",
    )


def no_track(track: int, tracks: int) -> AudioError:
    """An audio track that was asked for and is not there."""
    return AudioError(
        f"There is no audio track {track}: this file has "
        + ("one." if tracks == 1 else f"tracks 1 to {tracks}."),
        "no_audio_track",
    )
