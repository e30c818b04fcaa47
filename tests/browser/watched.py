"""As ``sitecustomize``: notes files opened to write and hosts asked, and lets nobody ask outside.

It watches the server and every Python that it starts. Notes go to the pipe ``watched`` beside this
file, since a worker that decodes may write no file; it opens the pipe before it shuts itself in.
``own`` beside it names the addresses of this machine.
"""

import contextlib
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_LOG = os.open(os.path.join(_FOLDER, "watched"), os.O_WRONLY | os.O_NONBLOCK)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
with open(os.path.join(_FOLDER, "own")) as _file:
    _OWN = {"::1", "localhost", "0.0.0.0", "::", "", *_file.read().split()}


def _note(kind: str, what: object) -> None:
    with contextlib.suppress(BlockingIOError):  # it is full of notes, of which one is too many
        os.write(_LOG, f"{kind} {what!r}\n".encode()[:4000])


def _here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    return name.startswith("127.") or name.split("%")[0] in _OWN


def _hook(event: str, about: tuple) -> None:
    if event == "open":
        path, _, flags = about
        known = isinstance(path, int) or path == os.devnull  # a descriptor was seen when opened
        known = known or "__pycache__" in str(path)
        if isinstance(flags, int) and flags & _WRITES and not known:
            _note("write", path)
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = about[1]
        if isinstance(address, tuple) and not _here(address[0]):
            _note("connect", address)
            raise OSError(f"nobody may be asked here, {address} neither")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _here(about[0]):
        _note("look up", about[0])
        raise OSError(f"nobody may be looked up here, {about[0]} neither")


_note("start", " ".join(sys.orig_argv))
sys.addaudithook(_hook)
