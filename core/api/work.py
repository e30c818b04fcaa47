"""What is done with files, in a thread, in the caller's turn, until the caller leaves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from core.api.body import Upload
from core.api.problems import Problem
from core.api.query import Query
from core.audio.clip import SAMPLE_RATE, AudioError
from core.detect.at_hop import AT_HOP, at_hop
from core.detect.detection import ORIGIN
from core.plain import json_text
from core.provenance import watermark
from core.provenance.isolated import TrustListError, look_safely
from core.show import cache
from core.show.server.queue import FairQueue, Place, QueuedTurn
from core.show.session.clips import NO_WORKER

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.detect.detection import Detection
    from core.detect.detector import Detector
    from core.detect.stress import StressTest
    from core.provenance.found import Provenance

T = TypeVar("T")

logger = logging.getLogger(__name__)

NO_LIST = "This server's list of trusted signers cannot be read."


class ClientGone(Exception):
    """The caller has left: what is under way is given up."""


@dataclass
class Job:
    """A request under way.

    Attributes
    ----------
    owner : str
        Who asked, for the fair queue.
    gone : threading.Event
        Set when the caller has left.
    begun : bool
        Whether a file is done already.
    file : str
        The one that is being worked on.
    state : dict or None
        What is being done, for the caller; made anew whenever it changes.
    """

    owner: str
    gone: threading.Event = field(default_factory=threading.Event)
    begun: bool = False
    file: str = ""
    state: dict[str, Any] | None = None

    def check_client(self, *at: object) -> None:
        """Go on, unless the caller has left; called wherever progress is made or waited for.

        Raises
        ------
        ClientGone
            If so.
        """
        if self.gone.is_set():
            raise ClientGone
        for place in at:
            if isinstance(place, Place):
                self._say(f"waiting to be {place.doing}", place=place.position, of=place.length)

    def reading(self, seconds: float) -> None:
        """So much sound is decoded; errors as `check_client`."""
        self.check_client()
        self._say("read", seconds=round(seconds, 1))

    def judging(self, share: float) -> None:
        """So much is judged; errors as `check_client`."""
        self.check_client()
        self._say("judged", share=round(share, 3))

    def testing(self, done: int, of: int, _: str) -> None:
        """So many conditions of a stress test are done; errors as `check_client`."""
        self.check_client()
        self._say("tested", share=round(done / of, 3))

    def _say(self, doing: str, **numbers: float) -> None:
        self.state = {"file": self.file, "doing": doing, **numbers}

    def turn(self, queue: FairQueue, patient: bool = False) -> QueuedTurn:
        """A turn in a queue; where a file is done already, the others are not refused."""
        self.check_client()
        return QueuedTurn(queue, self.owner, self.check_client, patient or self.begun)


@dataclass(frozen=True)
class Unread:
    """A file of several that cannot be read, and why."""

    name: str
    error: AudioError

    def to_dict(self) -> dict[str, Any]:
        """Its item in a JSON list."""
        return {
            "file": self.name,
            "error": {"detail": str(self.error), "code": self.error.code},
        }


def _each(
    uploads: Sequence[Upload], job: Job, do: Callable[[Upload], Iterator[T]]
) -> Iterator[T | Unread]:
    """What is done with each file; the error of an only file is the whole answer's."""
    for upload in uploads:
        job.file = upload.name
        try:
            for item in do(upload):
                yield item
                job.begun = True
        except AudioError as error:
            if len(uploads) == 1:
                raise
            yield Unread(upload.name, error)


def detect(uploads: Sequence[Upload], query: Query, job: Job) -> str:
    """Judge files; the JSON of ``python -m core detect --json``.

    A file of several that cannot be read is an item with ``file`` and ``error``.

    Raises
    ------
    AudioError
        If the only file cannot be read.
    TooBusy, Problem, ClientGone
        As they say.
    """
    (id,) = query.detector
    detector = _detector(id, query.hop)

    def judge(upload: Upload) -> Iterator[dict[str, Any]]:
        clip = _read(upload, query, job)
        seen = _origin(upload, job)
        origin = {} if seen is None else {ORIGIN: seen.to_dict()}
        for part in clip.parts:
            found = _judged(part, detector, query, job)
            item = {"file": upload.name, **found.to_dict(), **origin}
            if query.hop is not None:
                with job.turn(cache.judging_queue()):
                    item[AT_HOP] = at_hop(detector, part, found, query.hop, job.judging)
            for test in _tested(part, detector, query, job, found):
                item["stress"] = test.to_dict()
            yield item

    items = _each(uploads, job, judge)
    return json_text([i.to_dict() if isinstance(i, Unread) else i for i in items])


def inspect(uploads: Sequence[Upload], query: Query, job: Job) -> str:
    """Look into files; the JSON of ``python -m core inspect --json``.

    Errors as `detect`.
    """
    if query.watermark and (why := watermark.missing()):
        raise Problem(400, why, "watermark")

    def look(upload: Upload) -> Iterator[dict[str, Any]]:
        try:
            found = _look(upload, job)
        except TrustListError as error:
            logger.error("no file can be looked into: %s", error)
            raise Problem(503, NO_LIST, "trust_list") from error
        if query.watermark:
            clip = _read(upload, query, job)
            with job.turn(cache.judging_queue()):
                found = watermark.with_watermark(found, clip.samples, SAMPLE_RATE)
        yield {"file": upload.name, **found.to_dict(query.personal)}

    items = _each(uploads, job, look)
    return json_text([i.to_dict() if isinstance(i, Unread) else i for i in items])


def report(uploads: Sequence[Upload], query: Query, job: Job) -> bytes:
    """An evidence report on files, as HTML or PDF.

    Errors as `detect`.
    """
    from core.evaluate.tables import load
    from core.show.evidence.case import Case, Filing
    from core.show.evidence.report import evidence_html, evidence_pdf
    from core.show.figures.track_record import track_record

    figures, published = load("embedded"), load("published_eer")
    detectors = [_detector(id) for id in query.detector]

    def judge(upload: Upload) -> Iterator[Case]:
        clip = _read(upload, query, job)
        origin = _origin(upload, job)
        for part, detector in product(clip.parts, detectors):
            found = replace(_judged(part, detector, query, job), elapsed_ms=0.0)
            yield Case(
                found,
                detector.decision.inconclusive_llr,
                track_record(detector.id, figures, published, cache.table),
                tuple(_tested(part, detector, query, job, found)),
                part,
                origin=origin,
            )

    done = list(_each(uploads, job, judge))
    cases = [item for item in done if isinstance(item, Case)]
    unread = [(item.name, str(item.error)) for item in done if isinstance(item, Unread)]
    write = evidence_pdf if query.format == "pdf" else evidence_html
    with job.turn(cache.judging_queue()):
        return write(cases, unread, filing=Filing(query.case, query.notes, query.personal))


def _detector(id: str, hop: float | None = None) -> Detector:
    """The detector, once it is sure that it can take the hop."""
    from core.detect.detector import MIN_HOP_S, DetectorError

    try:
        detector = cache.detector(id)
    except DetectorError as error:
        logger.error("the detector %s cannot be loaded: %s", id, error)
        raise Problem(
            503,
            f"The detector {id} cannot be used on this server now. Its log says why.",
            "detector",
        ) from error
    longest = detector.window / SAMPLE_RATE
    if hop is not None and not MIN_HOP_S <= hop <= longest:
        raise Problem(400, f"The hop must be between {MIN_HOP_S} and {longest:g} seconds.", "query")
    return detector


def _read(upload: Upload, query: Query, job: Job) -> Clip:
    from core.audio.isolated import decode_safely

    with job.turn(cache.reading_queue()), _apart():
        return decode_safely(
            upload.data,
            name=upload.name,
            track=query.track,
            channel=query.channel,
            progress=job.reading,
        )


def _judged(clip: Clip, detector: Detector, query: Query, job: Job) -> Detection:
    with job.turn(cache.judging_queue()):
        return detector.detect(clip, stance=query.stance, progress=job.judging)


def _tested(
    clip: Clip, detector: Detector, query: Query, job: Job, found: Detection
) -> Iterator[StressTest]:
    """The stress tests that were asked for: of the clip, or of each part of it."""
    from core.detect.stress import stress

    for span in query.span or ((None,) if query.stress else ()):
        try:
            yield stress(
                detector,
                clip,
                query.stance,
                progress=job.testing,
                detection=found,
                slot=job.turn(cache.judging_queue(), patient=True),
                span=span,
            )
        except ValueError as error:  # a part that this clip does not have
            raise Problem(422, f"{job.file}: {error}", "no_such_part") from error


def _look(upload: Upload, job: Job, patient: bool = False) -> Provenance:
    with job.turn(cache.reading_queue(), patient), _apart():
        return look_safely(upload.data)


def _origin(upload: Upload, job: Job) -> Provenance | None:
    """What a file that was read shows of its origin; None where it cannot be looked into."""
    try:
        return _look(upload, job, patient=True)
    except (TrustListError, AudioError, Problem) as error:
        logger.error("a file could not be looked into: %s", type(error).__name__)
        return None


@contextmanager
def _apart() -> Iterator[None]:
    """Around what is done in a process of its own, which may not start."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        logger.error("no process for reading files could be started: %s", type(error).__name__)
        raise Problem(503, NO_WORKER, "no_worker", {"Retry-After": "60"}) from error
