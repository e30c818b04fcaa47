"""What a visitor brought, in that session's memory only."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from core.audio.clip import AudioError, Clip, Source, part_in_words
from core.audio.files import AUDIO_SUFFIXES
from core.plain import printable
from core.settings import settings
from core.show.server.clip_store import Sound
from core.show.server.queue import Place, TooBusy
from core.show.session.busy import logger, refused

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


TYPES = [suffix[1:] for suffix in AUDIO_SUFFIXES]
"""File name endings that the upload fields offer; what a file holds is found by its content."""


INPUTS = ("detect-upload-", "detect-recording-", "timeline-upload-", "live-recording-")
"""What keys of widgets begin with that hold a visitor's clip."""


NO_WORKER = (
    "This server cannot start a process to read the file just now: it may have no memory left. Try "
    "again in a minute."
)


@dataclass(frozen=True)
class Entry:
    """One file, recording or example that the visitor chose.

    Attributes
    ----------
    name : str
        For people.
    sha256 : str
        Of the bytes.
    origin : str
        ``upload``, ``recording`` or ``example``.
    error : str
        The sentence that says why it cannot be used; empty where it can.
    example : int
        Order of the example, 0 for other origins.
    track : int
        Number of the audio track, from 1.
    channel : int or None
        Number of the channel, from 1, where channels are judged apart.
    tracks : int
        How many audio tracks the file has.
    """

    name: str
    sha256: str
    origin: str
    error: str = ""
    example: int = 0
    track: int = 1
    channel: int | None = None
    tracks: int = 1

    def __post_init__(self) -> None:
        """Take the name as `core.plain.printable` shows it."""
        object.__setattr__(self, "name", printable(self.name))

    @property
    def key(self) -> Key:
        """What its sound, Detections and widgets are kept under."""
        return Key(self.sha256, self.track, self.channel)

    @property
    def label(self) -> str:
        """The name, with track and channel where the file has several."""
        return f"{self.name}, {self.part}" if self.part else self.name

    @property
    def part(self) -> str:
        """As of `core.audio.clip.Source`: the track and channel where the file has several."""
        return part_in_words(self.track if self.tracks > 1 else None, self.channel)


class Key(NamedTuple):
    """One thing that is judged by itself: a file's track, or one channel of it."""

    sha256: str
    track: int = 1
    channel: int | None = None

    def __str__(self) -> str:
        """Short, for keys of widgets."""
        return f"{self.sha256[:12]}-{self.track}-{self.channel or 0}"


def session_dict(name: str) -> dict[Any, Any]:
    """A dictionary of that name in this visitor's session."""
    return st.session_state.setdefault(f"spoofscope.{name}", {})


def upload_mb() -> int:
    """Largest file in MB that an upload field takes: the setting, within what the server takes."""
    return min(settings().max_upload_mb, int(st.get_option("server.maxUploadSize")))


def entries() -> list[Entry]:
    """What the visitor chose last, in order."""
    return st.session_state.get("spoofscope.entries", [])


@dataclass(frozen=True)
class Arrival:
    """A file that was handed over but not read yet.

    Attributes
    ----------
    read : callable
        Gives the bytes.
    name, origin, example
        As in `Entry`.
    """

    read: Callable[[], bytes]
    name: str
    origin: str
    example: int = 0

    def __post_init__(self) -> None:
        """As `Entry`."""
        object.__setattr__(self, "name", printable(self.name))


def bring(arrivals: list[Arrival]) -> None:
    """Drop the current entries and queue new files; `next_entries` reads them."""
    choose([])
    st.session_state["spoofscope.arrivals"] = arrivals
    if not arrivals:
        _tidy()


def arrivals() -> list[Arrival]:
    """Files that wait to be read."""
    return st.session_state.get("spoofscope.arrivals", [])


def next_entries(bar: DeltaGenerator | None = None, doing: str = "") -> list[Entry]:
    """Decode the first of `arrivals`; it keeps waiting until it is given to `admit`.

    Parameters are those of `add`.
    """
    return add(arrivals()[0], bar=bar, doing=doing)


def admit(new: list[Entry]) -> None:
    """Move the first of `arrivals` to the entries; the first usable one becomes the selected."""
    st.session_state["spoofscope.arrivals"] = arrivals()[1:]
    st.session_state["spoofscope.entries"] = [*entries(), *new]
    usable = [e for e in new if not e.error]
    if selected() is None and usable:
        select(usable[0].key)
    if not arrivals():
        _tidy()


def choose(chosen: list[Entry]) -> None:
    """Make these the current entries and the first usable one the selected one."""
    st.session_state["spoofscope.entries"] = chosen
    st.session_state["spoofscope.arrivals"] = []
    usable = [e for e in chosen if not e.error]
    select(usable[0].key if usable else None)
    if chosen:
        _tidy()


def selected() -> Entry | None:
    """The entry whose card is shown, on Detect and on Timeline."""
    key = st.session_state.get("spoofscope.selected")
    return next((e for e in entries() if e.key == key and not e.error), None)


def select(key: Key | None) -> None:
    """Show another of the current entries."""
    st.session_state["spoofscope.selected"] = key


def add(
    arrival: Arrival,
    *,
    track: int | None = None,
    bar: DeltaGenerator | None = None,
    doing: str = "",
) -> list[Entry]:
    """Decode a file into the session; what is already there is not decoded again.

    Where the queue of files is full, the page ends with a sentence if it has a ``bar``.

    Parameters
    ----------
    track : int, optional
        Number of its audio track; by default the one that players choose.
    bar : streamlit placeholder, optional
        Shows the place in the queue, then the progress; a page that is gone gives the file up.
    doing : str
        What goes on there, for people.

    Returns
    -------
    list of Entry
        One, or one per channel where those are judged apart; one with a sentence under ``error``
        where the bytes cannot be used.
    """
    from core.show import cache

    data = arrival.read()
    sha256 = hashlib.sha256(data).hexdigest()
    found = Entry(arrival.name, sha256, arrival.origin, "", arrival.example, track or 1)
    known = session_dict("parts").get((sha256, track), [])
    if known and known[0][0][:2] in session_dict("sounds"):
        return [
            replace(found, track=key.track, channel=key.channel, tracks=tracks)
            for key, tracks in known
        ]
    sound = Sound(partial(cache.read, data, arrival.name, track=track))
    if arrival.origin != "recording":
        _prepare_looking()
    try:
        clip = sound.clip(*_shown(bar, doing))
    except AudioError as error:
        return [replace(found, error=str(error))]
    except TooBusy as error:
        if bar is None:
            return [replace(found, error=str(error))]
        bar.empty()
        refused(error)
    except (OSError, RuntimeError):
        logger.exception("no process for decoding could be started")
        return [replace(found, error=NO_WORKER)]
    session_dict("bytes")[sha256] = data  # the same that its sound is decoded from
    tracks = max(1, len(clip.source.tracks))
    if tracks > 1:
        session_dict("files")[sha256] = arrival  # for its other tracks
    made = [
        replace(found, track=part.source.track, channel=part.source.channel, tracks=tracks)
        for part in clip.parts
    ]
    session_dict("sounds")[made[0].key[:2]] = sound
    for asked in (track, made[0].track):
        session_dict("parts")[sha256, asked] = [(entry.key, tracks) for entry in made]
    return made


def _prepare_looking() -> None:
    """Start the process that will look into the file, beside the one that decodes it."""
    from core.provenance import isolated

    with contextlib.suppress(OSError):  # looking will say so
        isolated.prepare()


def change_track(
    entry: Entry, track: int, bar: DeltaGenerator | None = None, doing: str = ""
) -> str:
    """Put another audio track of the same file in an entry's place, and select it.

    Parameters
    ----------
    entry : Entry
        One of the current entries, of a file with several tracks.
    track : int
        Number of the wanted one.
    bar, doing
        As for `add`.

    Returns
    -------
    str
        Why it cannot be used; empty where all went well.
    """
    file = session_dict("files").get(entry.sha256)
    if file is None:
        return "The file is no longer kept in this session: open it again."
    made = add(file, track=track, bar=bar, doing=doing)
    if made[0].error:
        return made[0].error
    at = next(i for i, e in enumerate(entries()) if e.sha256 == entry.sha256)
    others = [e for e in entries() if e.sha256 != entry.sha256]
    st.session_state["spoofscope.entries"] = [*others[:at], *made, *others[at:]]
    select(made[0].key)
    return ""


def describe(entry: Entry, source: Source) -> None:
    """Say of an entry's sound where it came from, in place of what its file says."""
    session_dict("sources")[entry.key] = source


def clip_of(entry: Entry) -> Clip | None:
    """The entry's sound, decoded again where its samples were dropped meanwhile.

    Where that cannot be, the page gets a sentence and None comes back; where the server is too
    busy, the page ends with one.
    """
    sound: Sound | None = session_dict("sounds").get(entry.key[:2])
    if sound is not None and sound.decoded:
        return _part(entry, sound.clip())
    problem = "The sound of this clip is no longer kept. Open the file again."
    bar = st.empty()
    try:
        if sound is not None:
            return _part(entry, sound.clip(*_shown(bar, "Reading the sound again")))
    except AudioError as error:
        problem = str(error)
    except TooBusy as error:
        refused(error)
    except (OSError, RuntimeError):
        logger.exception("no process for decoding could be started")
        problem = NO_WORKER
    finally:
        bar.empty()
    st.warning(problem, icon=":material/error:")
    return None


def _part(entry: Entry, clip: Clip) -> Clip:
    part = next(part for part in clip.parts if part.source.channel == entry.channel)
    return replace(part, source=session_dict("sources").get(entry.key, part.source))


def _shown(
    bar: DeltaGenerator | None, doing: str
) -> tuple[Callable[[float], None], Callable[[Place], None]]:
    """``progress`` and ``waiting`` of `core.show.cache.read`, drawn on a bar where there is one."""

    def reading(seconds: float) -> None:
        if bar is not None:
            far = f": {seconds / 60:.0f} min so far" if seconds >= 60 else ""
            bar.progress(0.0, text=doing + far)

    def waiting(place: Place) -> None:
        if bar is not None:
            bar.progress(0.0, text=place.in_words())

    return reading, waiting


def _tidy() -> None:
    """Drop the sound of files that are no longer among the entries."""
    kept = {entry.sha256 for entry in entries()}
    sounds, files = session_dict("sounds"), session_dict("files")
    for key in [key for key in sounds if key[0] not in kept]:
        del sounds[key]
    for held in (files, session_dict("bytes"), session_dict("origins")):
        for gone in held.keys() - kept:
            del held[gone]
    reports = session_dict("reports")
    for clips in [clips for clips in reports if not clips <= kept]:
        del reports[clips]


def generation() -> int:
    """How often the visitor has made the session forget; part of the input widgets' keys."""
    return st.session_state.get("spoofscope.generation", 0)


def forget() -> None:
    """Drop every clip, Detection and picture of this session, and empty the input widgets.

    What the visitor assumes, and which detectors are asked, is no clip and stays.
    """
    after = generation() + 1
    ours = ("spoofscope.", *INPUTS)
    kept = ("spoofscope.stance", "spoofscope.others")
    for key in [k for k in st.session_state if str(k).startswith(ours) and k not in kept]:
        del st.session_state[key]
    st.session_state["spoofscope.generation"] = after


def drawing(key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """A picture of a visitor's clip, drawn once a session."""
    drawings = session_dict("drawings")
    if key not in drawings:
        while len(drawings) >= 8:
            drawings.pop(next(iter(drawings)))
        drawings[key] = make()
    return drawings[key]
