"""A model hub on this machine: it can break off, lie about a hash, and go on where it broke off."""

import contextlib
import hashlib
import http.server
import threading


class Hub:
    """Serves files of one repository as the hub does.

    Attributes
    ----------
    files : dict of str to bytes
        By name.
    breaks : int
        How many answers still break off half way.
    lies : bool
        Whether other bytes are sent than those whose hash is announced.
    adds : int
        Bytes that follow the last one, with no length announced where they come.
    sizes : bool
        Whether sizes are announced.
    sends_on : bool
        Whether large files are at another host, as they are at the public hub.
    asked : list of (str, str, str)
        Method, path and range of every request.
    tokens : list of (str, str)
        Host and token of every request.
    """

    def __init__(self, files, commit="c" * 40):
        self.files, self.commit = dict(files), commit
        self.breaks, self.lies, self.sends_on = 0, False, False
        self.adds, self.sizes = 0, True
        self.asked, self.tokens = [], []


def handler(hub):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, *, body):
            wanted = self.headers.get("Range", "")
            hub.asked.append((self.command, self.path, wanted))
            host = self.headers["Host"].split(":")[0]
            hub.tokens.append((host, self.headers.get("Authorization", "")))
            *_, revision, name = self.path.split("/")
            content = hub.files.get(name)
            if content is None or revision not in ("main", hub.commit):
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            part = content[start:]
            if hub.lies:
                part = b"?" * len(part)
            elsewhere = hub.sends_on and host != "localhost"
            self.send_response(302 if elsewhere else 206 if wanted else 200)
            if elsewhere:
                store = f"http://localhost:{self.server.server_address[1]}{self.path}"
                self.send_header("Location", store)
            if name.endswith((".safetensors", ".pth", ".pt")):
                digest = hashlib.sha256(content).hexdigest()
                self.send_header("X-Linked-Etag", f'"{digest}"')
                if hub.sizes:
                    self.send_header("X-Linked-Size", str(len(content)))
            else:
                digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self.send_header("ETag", f'"{digest}"')
            self.send_header("X-Repo-Commit", hub.commit)
            self.send_header("Accept-Ranges", "bytes")
            if wanted:
                end = f"{start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", f"bytes {end}")
            if body and hub.adds:
                part += b"+" * hub.adds
                self.close_connection = True
            elif hub.sizes:
                self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if body and hub.breaks:
                hub.breaks -= 1
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                self.close_connection = True
            elif body:
                self.wfile.write(part)

    return Handler


@contextlib.contextmanager
def served(hub, monkeypatch):
    """Let huggingface_hub find this one in place of the public one, and not wait between tries."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in (
        ("ENDPOINT", address),
        ("HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"),
        ("HF_HUB_DISABLE_XET", True),
        ("HF_HUB_OFFLINE", False),
        ("DOWNLOAD_CHUNK_SIZE", 1 << 13),
    ):
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value, raising=False)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
