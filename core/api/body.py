"""What a request brings: one file as its body, or several in parts; in memory, up to a limit."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core.api.problems import Problem
from core.plain import printable
from core.settings import settings

PART = "file"
"""Name of the parts that hold files."""

LONGEST_NAME = 255


@dataclass(frozen=True)
class Upload:
    """A file: what it is called, without folders, and its bytes."""

    name: str
    data: bytes


class _Parts(MultiPartParser):
    spool_max_size = sys.maxsize  # nothing is written to disk
    ended = False

    def on_end(self) -> None:
        """The closing boundary has come."""
        self.ended = True


def file_name(given: str) -> str:
    """The last part of a path, made printable."""
    name = PurePosixPath(given.replace("\\", "/")).name
    return printable(name)[:LONGEST_NAME] or "audio"


async def uploads_of(request: Request, name: str) -> list[Upload]:
    """The files of a request.

    Parameters
    ----------
    request : Request
        Its body is not read yet.
    name : str
        What a file that is the whole body is called.

    Returns
    -------
    list of Upload
        At least one.

    Raises
    ------
    Problem
        400, 413 or 415.
    starlette.requests.ClientDisconnect
        If the client leaves before the end.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "Send the file as it is, without Content-Encoding.", "encoding")
    most = settings().max_upload_mb << 20
    if int(request.headers.get("content-length", "0")) > most:
        raise _too_large()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        held = bytearray()
        async for chunk in _limited(request, most):
            held += chunk
        return [Upload(file_name(name), bytes(held))]
    return await _parts(request, most)


async def _parts(request: Request, most: int) -> list[Upload]:
    files = settings().max_files
    parser = _Parts(request.headers, _limited(request, most), max_files=files, max_fields=files)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(
            400,
            f"The body is no multipart/form-data that can be read: {error.message}",
            "multipart",
        ) from None
    try:
        if not parser.ended:  # a part that was cut would be missing from the answer
            raise Problem(
                400,
                "The multipart body ends before its closing boundary: send it whole.",
                "multipart",
            )
        found = []
        for field, part in form.multi_items():
            if field != PART or not isinstance(part, UploadFile):
                raise Problem(
                    400,
                    f"A part is called '{printable(field[:80])}': each must be a file, called "
                    f"'{PART}', with a filename. All else goes into the query.",
                    "multipart",
                )
            found.append(Upload(file_name(part.filename or ""), await part.read()))
            await part.close()
    finally:
        await form.close()
    if not found:
        raise Problem(400, f"The body has no part called '{PART}'.", "multipart")
    return found


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body as it arrives; given up with the first byte beyond the limit."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large()
        yield chunk


def _too_large() -> Problem:
    return Problem(
        413,
        f"A request may bring {settings().max_upload_mb:,} MB. Send fewer files at a time, or cut "
        "the recording into parts.",
        "too_large",
    )
