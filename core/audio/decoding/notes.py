"""What is noted of a file that was decoded: what was left out, added or placed by its clock."""

from __future__ import annotations

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding.channels import Layout

MOVED_END = (
    "Pages are lost before the file's last one: the sound of that page stands in their place, "
    "earlier than it was."
)

NO_END = "The file has no end mark: it may have been cut short."

INDEX_AGAIN = (
    "The file has a second index (moov) that differs from the first. The first was followed, as by "
    "players; what only the other lists was not read."
)

EDITS_NOT_FOLLOWED = (
    "The file's edit list has pauses between its pieces or changes their speed: it is not followed."
    " All of the track's sound was read, at the times at which it was recorded."
)

FLAC_DIFFERS = (
    "The decoded sound does not fit the file's own checksum (MD5): the file was changed or damaged "
    "after it was made."
)

PRESENT_SHARE = 0.5
"""A file with less than this share of the sound its header promises is refused as truncated."""

LEEWAY_S = 0.1
"""Codecs pad or trim by a frame or two: no loss worth a word."""

_FEW_BYTES = 2_000  # less than a packet or two of any codec

_NAMED = 5  # stretches or chunks that a note names one by one


def check_promise(promised_s: float, decoded_s: float, damaged: bool = False) -> list[str]:
    """A note if sound ends before the second that the header promises, or AudioError.

    Parameters
    ----------
    damaged : bool
        Whether some may be lost before its end, where there is no clock to tell.
    """
    if decoded_s < PRESENT_SHARE * promised_s:
        raise AudioError(
            f"The file is cut short: its header promises {promised_s:,.1f} s of sound, "
            f"{decoded_s:,.1f} s are there. Get a whole copy of it.",
            "truncated",
        )
    if decoded_s < promised_s - LEEWAY_S and damaged:
        return [
            f"By its header the file lasts {promised_s:.1f} s, and {decoded_s:.1f} s of sound are "
            "there: the rest is lost where it is damaged or at its end, so times may be early."
        ]
    if decoded_s < promised_s - LEEWAY_S:
        return [
            f"The file ends early: by its header it lasts {promised_s:.1f} s, its sound ends at "
            f"{decoded_s:.1f} s."
        ]
    return []


def out_of_order(n: int, what: str) -> str:
    """A note on pages or packets that stand behind later ones."""
    if n == 1:
        some, each = f"A {what} of the file stands", "It was read where its"
    else:
        some, each = f"{n:,} {what}s of the file stand", "Each was read where its"
    by = "number" if what == "page" else "time stamp"
    return f"{some} behind later sound. {each} {by} puts it; players may play it where it stands."


def broken_off(seconds: float, n_bytes: int) -> list[str]:
    """A note on a file whose structure ends before the file does, unless next to nothing is left.

    Parameters
    ----------
    seconds : float
        Where the sound ends.
    n_bytes : int
        Bytes that follow.
    """
    if n_bytes < _FEW_BYTES:
        return []
    return [
        f"The file is damaged at {seconds:.1f} s: the {n_bytes:,} bytes that follow could not be "
        "read."
    ]


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


def bytes_left_out(lost: list[tuple[float, int]]) -> str:
    """A note on damage within a stream without a clock.

    Parameters
    ----------
    lost : list of (float, int)
        Second of the sound that was read, and bytes.
    """
    named = _listed([f"{n:,} bytes at {at:.1f} s" for at, n in lost[:_NAMED]])
    more = f" and in {len(lost) - _NAMED:,} more places" if len(lost) > _NAMED else ""
    return (
        f"The file is damaged: {named}{more} are no sound and were left out. Times behind them "
        "count without them."
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


def described_again(first: str, then: str) -> str:
    """A note on a file whose header says twice what its sound is, and not the same.

    Parameters
    ----------
    first, then : str
        Both in words.
    """
    how = f": first {first}, then {then}" if first != then else ", in ways that differ"
    return (
        f"The file says more than once what its sound is{how}. It was read as the first says; "
        "players may follow another."
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


def clock_notes(
    missing: list[tuple[int, int]],
    closed: list[tuple[float, float]],
    overlaps_s: float | None,
    repeated: int,
    within_s: float = 0.0,
    moved: int = 0,
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
    moved : int
        Packets that stood behind later ones.
    """
    notes = [out_of_order(moved, "packet")] if moved else []
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
        some = "a packet" if repeated == 1 else f"{repeated:,} packets"
        notes.append(f"The file holds {some} twice: each was decoded once.")
    return notes


def form_notes(rate: int, channels: int, changes: list[tuple[float, int, int]]) -> list[str]:
    """Notes on where a file goes on at another rate or with other channels.

    Parameters
    ----------
    rate, channels : int
        At the beginning.
    changes : list of (float, int, int)
        From which second on, rate and channels.
    """
    notes, before = [], _form(rate, channels)
    for at, rate, channels in changes[:_NAMED]:
        now = _form(rate, channels)
        notes.append(f"At {at:.1f} s the sound changes from {before} to {now}.")
        before = now
    if len(changes) > _NAMED:
        notes.append(f"It changes so {len(changes) - _NAMED:,} more times.")
    return notes


def _form(rate: int, channels: int) -> str:
    return f"{rate:,} Hz, {channels} channel{'s' * (channels != 1)}"


def offset_taken_out(offset: float) -> str:
    """A note on a constant offset (DC)."""
    return (
        f"The sound stood off centre, at {100 * offset:+.1f} % of full scale. The offset, "
        "which nobody hears, was taken out."
    )


def another_codec(seconds: float, before: str, now: str) -> str:
    """A note on a piece of a chain in another codec than the first."""
    return f"From {seconds:.1f} s on the sound is in another codec: {now}, not {before}."


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
