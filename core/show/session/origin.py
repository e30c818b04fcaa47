"""What the files that a visitor brought show of their origin."""

from __future__ import annotations

from core.audio.clip import SAMPLE_RATE, AudioError
from core.provenance.found import Provenance
from core.show.server.queue import TooBusy
from core.show.session.busy import logger
from core.show.session.clips import NO_WORKER, Entry, clip_of, session_dict


def origin_of(entry: Entry) -> Provenance | None:
    """What the entry's file shows, looked into once; None where there is no file to look into.

    A recording of this page has no history, and a live take never was a file.
    """
    held = session_dict("origins")
    if entry.sha256 in held:
        return held[entry.sha256]
    data = session_dict("bytes").get(entry.sha256)
    if data is None or entry.origin == "recording":
        return None
    from core.provenance.isolated import TrustListError, look_safely
    from core.show import cache

    try:
        with cache.queued_turn(queue=cache.reading_queue()):
            found = look_safely(data)
    except TooBusy:
        return None  # the next run asks again
    except AudioError as error:
        found = Provenance(notes=(str(error),))
    except TrustListError:
        logger.exception("no file can be looked into")
        found = Provenance(notes=("This server's list of trusted signers cannot be read.",))
    except (OSError, RuntimeError):
        logger.exception("no process for looking into files could be started")
        return Provenance(notes=(NO_WORKER,))
    held[entry.sha256] = found
    return found


def look_for_watermark(entry: Entry) -> None:
    """Look for the watermark in an entry's sound, and keep what came of it with its origin.

    Raises
    ------
    TooBusy
        If too many wait; a sentence for people.
    """
    from core.provenance.watermark import with_watermark
    from core.show import cache

    known, clip = origin_of(entry), clip_of(entry)
    if known is None or clip is None:
        return
    with cache.queued_turn():
        session_dict("origins")[entry.sha256] = with_watermark(known, clip.samples, SAMPLE_RATE)
