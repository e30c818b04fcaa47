"""What is said of a file that cannot be decoded, or not in full."""

from __future__ import annotations

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding.channels import Layout

MIN_RATE, MAX_RATE = 1_000, 768_000
"""Sampling rates outside this range (hertz) are taken for a damaged header."""

MAX_CHANNELS = 64
"""More channels than this are taken for a damaged header."""

PRESENT_SHARE = 0.5
"""A file with less than this share of the sound its header promises is refused as truncated."""

LEEWAY_S = 0.1
"""Codecs pad or trim by a frame or two: no loss worth a word."""

_NAMED = 5  # stretches or chunks that a note names one by one

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


def check_promise(promised_s: float, decoded_s: float) -> list[str]:
    """A note if sound ends before the second that the header promises, or AudioError."""
    if decoded_s < PRESENT_SHARE * promised_s:
        raise AudioError(
            f"The file is cut short: its header promises {promised_s:,.1f} s of sound, "
            f"{decoded_s:,.1f} s are there. Get a whole copy of it.",
            "truncated",
        )
    if decoded_s < promised_s - LEEWAY_S:
        return [
            f"The file ends early: by its header it lasts {promised_s:.1f} s, its sound ends at "
            f"{decoded_s:.1f} s."
        ]
    return []


def read_on(counted_s: float, more_s: float) -> str:
    """A note on sound that a header does not count."""
    return (
        f"The file's header counts {counted_s:.1f} s of sound; the {more_s:.1f} s that follow were "
        "read too."
    )


def not_read_on(n_bytes: int, or_more: str = "") -> str:
    """A note on bytes behind the sound that are no sound."""
    return (
        f"{n_bytes:,} bytes {or_more}follow the file's sound. They do not look like sound and were "
        "not read."
    )


def another_file(kind: str, n_bytes: int) -> str:
    """A note on a file that is joined to the one that was read."""
    return (
        f"Another file ({kind}) follows in the same file: its {n_bytes:,} bytes were not read. "
        "Give it by itself to have it judged."
    )


def sound_in_chunks(lengths: list[int], per_s: float) -> str:
    """A note on sound in several chunks.

    Parameters
    ----------
    lengths : list of int
        Bytes of each.
    per_s : float
        Bytes a second, 0 where that is not known.
    """
    named = [f"{n / per_s:.1f} s" if per_s else f"{n:,} bytes" for n in lengths[:_NAMED]]
    more = [f"{len(lengths) - _NAMED:,} more"] if len(lengths) > _NAMED else []
    return (
        f"The file holds its sound in {len(lengths):,} chunks, of {_listed([*named, *more])}: they "
        "were read one behind the other. Players read only one of them."
    )


def other_form(n_bytes: int) -> str:
    """A note on sound in a file that goes on in another form."""
    return (
        f"The file goes on with sound of another rate or kind: {n_bytes:,} bytes were not read. "
        "Cut the file there to have them judged."
    )


def edited(played_s: float, held_s: float, whole_s: float, pieces: int) -> str:
    """A note on a track of which players play only pieces."""
    how = f"{held_s:.1f} s" + (f" in {pieces:,} pieces" if pieces > 1 else "")
    again = ", parts of it again," if played_s > held_s + LEEWAY_S else ""
    return (
        f"The file's edit list plays {how}{again} of the {whole_s:.1f} s of sound that the track "
        "holds. That is what players play and what was judged."
    )


def edits_not_followed() -> str:
    """A note on an edit list with pauses between pieces or another speed."""
    return (
        "The file's edit list has pauses between its pieces or changes their speed: it is not "
        "followed. All of the track's sound was read, at the times at which it was recorded."
    )


def links_not_read(n_bytes: int) -> str:
    """A note on the end of a chain that is too long."""
    return (
        f"The file is a chain of more pieces than are read: its last {n_bytes:,} bytes were left "
        "out. Cut it into parts."
    )


def piece_not_read(number: int, of: int, n_bytes: int, why: str) -> str:
    """A note on one of several pieces of a chain."""
    return (
        f"Piece {number} of {of} ({n_bytes:,} bytes) is left out, and times count without it. {why}"
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


def flac_differs() -> str:
    """A note on a FLAC whose checksum does not fit what was decoded."""
    return (
        "The decoded sound does not fit the file's own checksum (MD5): the file was changed or "
        "damaged after it was made."
    )


def clock_notes(
    missing: list[tuple[int, int]],
    closed: list[tuple[float, float]],
    overlaps_s: float | None,
    repeated: int,
    within_s: float = 0.0,
) -> list[str]:
    """Notes on where the file's time stamps and its sound do not go together.

    Parameters
    ----------
    missing : list of (int, int)
        Stretches without sound, in samples at 16 kHz.
    closed : list of (float, float)
        Gaps that were left out: at which second, and of how many.
    overlaps_s : float or None
        Where time stamps first go back.
    repeated : int
        Packets that came twice.
    within_s : float
        How far stamps are apart where not every packet has one.
    """
    notes = []
    spans = [(a / SAMPLE_RATE, b / SAMPLE_RATE) for a, b in missing]
    total = sum(b - a for a, b in spans)
    long = sorted(sorted(spans, key=lambda span: span[0] - span[1])[:_NAMED])
    named = _listed([f"{a:.{d}f} to {b:.{d}f} s" for a, b in long for d in [1 + (b - a < 0.1)]])
    if spans:
        where = (
            f"from {named}"
            if len(spans) == len(long)
            else f"in {len(spans):,} places, {total:.1f} s in all, the longest from {named}"
        )
        placed = (
            f" An Ogg stamps whole pages: these places are right to within {within_s:.1f} s."
            if within_s >= LEEWAY_S
            else ""
        )
        notes.append(
            f"By the file's time stamps sound is missing {where}: silence stands there and is not "
            f"judged.{placed}"
        )
    for at, length in closed[:_NAMED]:
        where = "The file's clock begins" if at == 0 else f"At {at:.1f} s the file's clock jumps"
        by = f"at {clock_time(length)}" if at == 0 else f"by {clock_time(length)}"
        notes.append(f"{where} {by}: that was left out, and times count without it.")
    if overlaps_s is not None:
        notes.append(
            f"The file's time stamps overlap at {overlaps_s:.1f} s: all of its sound was kept, one "
            "piece behind the other, so times after it may be late."
        )
    if repeated:
        notes.append(f"The file holds {repeated:,} packets twice: each was decoded once.")
    return notes


def clock_time(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02} (h:mm:ss)"


def _listed(parts: list[str]) -> str:
    return "".join(parts) if len(parts) < 2 else ", ".join(parts[:-1]) + " and " + parts[-1]


def channel_notes(layout: Layout, kept: bool) -> list[str]:
    """Notes on channels that are silent, cancel each other, or hold different voices.

    Parameters
    ----------
    layout : Layout
        What was found of the channels.
    kept : bool
        Whether they are kept apart.
    """
    notes = []
    if layout.silent:
        verb = "is" if len(layout.silent) == 1 else "are"
        notes.append(
            f"{_numbered(layout.silent)} {verb} silent and left out: the sound of the others is at "
            "its own level."
        )
    if layout.why == "cancel":
        notes.append(
            "Channels cancel each other (opposite phase), so that their average would lose sound: "
            + (
                f"{_numbered(layout.apart)} are kept apart."
                if kept
                else f"channel {layout.loudest}, the loudest, was taken; the clip is too long to "
                "keep all of them apart."
            )
        )
    elif layout.why == "differ":
        notes.append(
            f"{_numbered(layout.apart)} hold different sound, as a call with one party a channel "
            "does: "
            + (
                "they are kept apart."
                if kept
                else "their average was taken; the clip is too long to keep them apart."
            )
        )
    if layout.left_out and kept:
        notes.append(
            f"Beside these, the loudest, {_numbered(layout.left_out, 'channel')} "
            + ("holds sound too and is" if len(layout.left_out) == 1 else "hold sound too and are")
            + " not judged: name one with --channel to have it judged."
        )
    return notes


def _numbered(channels: tuple[int, ...], word: str = "Channel") -> str:
    if len(channels) == 1:
        return f"{word} {channels[0]}"
    return f"{word}s " + _listed([str(channel) for channel in channels])
