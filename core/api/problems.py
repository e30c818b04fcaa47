"""What goes wrong, as problem details (RFC 9457) with a sentence for people."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.audio.clip import AudioError
from core.detect.decision import StanceError
from core.detect.model_config import DetectorError
from core.plain import printable
from core.show.server.queue import TooBusy

logger = logging.getLogger(__name__)

TOO_LARGE = ("too_large", "too_long")
NO_SOUND = ("not_audio", "no_audio_track")
"""Codes of `AudioError` with a status of their own; the others are 422."""

SENTENCES = {
    404: "There is nothing at this address: openapi.json lists what there is.",
    405: "This address does not take that method: openapi.json says which it takes.",
}
DETECTOR_FAILED = "The detector failed on this file. The server's log says why."
FAILED = "The server failed over this request. Its log says where."


class Problem(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status : int
        HTTP status.
    detail : str
        A sentence for people: what is wrong and what to do.
    code : str
        A stable word for programs; empty where the status says it all.
    headers : mapping
        Further headers of the answer.
    """

    def __init__(
        self, status: int, detail: str, code: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = printable(detail)
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The problem as JSON."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **({"code": self.code} if self.code else {}),
        }

    def response(self) -> Response:
        """The answer."""
        kind = "application/problem+json"
        return Response(json.dumps(self.body()), self.status, self.headers, media_type=kind)


def problem_of(error: Exception) -> Problem:
    """An error as an answer; the log gets what is a fault of the program, without its words.

    An error's own words may name a file, or quote it.
    """
    problem = _of_the_project(error)
    if problem is None:
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("a request failed: %s\n%s", type(error).__name__, where)
        problem = Problem(500, FAILED)
    return problem


def _of_the_project(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, AudioError):
        return Problem(_status(error.code), str(error), error.code)
    if isinstance(error, StanceError):
        return Problem(400, str(error), "query")
    if isinstance(error, DetectorError):
        logger.error("a detector failed: %s", error)
        return Problem(500, DETECTOR_FAILED, "detector")
    if isinstance(error, TooBusy):
        return Problem(503, str(error), "busy", {"Retry-After": "60"})
    return None


def _status(code: str) -> int:
    return 413 if code in TOO_LARGE else 415 if code in NO_SOUND else 422


async def answer(_: Request, error: Exception) -> Response:
    """What Starlette itself refuses: an unknown address or method."""
    assert isinstance(error, HTTPException)
    sentence = SENTENCES.get(error.status_code, HTTPStatus(error.status_code).phrase + ".")
    return Problem(error.status_code, sentence, headers=error.headers).response()


HANDLERS: dict[Any, Any] = {HTTPException: answer}
