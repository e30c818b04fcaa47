"""Many visitors at once: ``python -m benchmarks.load [--users 20] [--rounds 2 | --minutes 30]``.

Starts the dashboard on loopback and visits it as browsers do, over Streamlit's own protocol: each
visitor opens Detect on a websocket of their own, uploads a 30 s clip by the upload endpoint, waits
for the verdict, fetches the sound, and leaves; the next round is a new visitor. Prints time to
verdict, the longest queue that a visitor saw, failures, and the server's resident memory. Ends
with status 1 where a visit fails or memory still grows after the first third of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import wave
from pathlib import Path
from typing import Any

import numpy as np
import requests
import soxr
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.memory import Memory
from core import decode
from core.audio.clip import SAMPLE_RATE
from core.show.theme import VERDICTS

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "4-hard-audiobook-ogg.ogg"
CLIP_S, RATE = 30.0, 48_000
PATIENCE_S = 600.0
GROWTH_MB = 60.0
"""What the server may grow after the first third: the allocator's own ups and downs."""

WORDS = re.compile("|".join(style.word for style in VERDICTS.values()))
PLACE = re.compile(r"You are number (\d+) of (\d+) in the queue")


def clip(seconds: float = CLIP_S) -> bytes:
    """A WAV at 48 kHz; of 30 s it has 2.9 MB, more than a web server keeps in memory by itself."""
    speech = soxr.resample(decode(EXAMPLE).samples, SAMPLE_RATE, RATE)
    samples = np.resize(speech, round(seconds * RATE))
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return data.getvalue()


class Visitor:
    """One browser: a session on a websocket, from the first page to the last."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = requests.Session()
        self.http.trust_env = False  # loopback, whatever proxy this machine uses
        self.http.get(f"{address}/_stcore/health", timeout=PATIENCE_S)
        self.token = self.http.cookies.get("_streamlit_xsrf") or ""
        self.held = contextlib.ExitStack()
        self.socket: ClientConnection = self.held.enter_context(
            connect(
                f"ws{address.removeprefix('http')}/_stcore/stream",
                origin=Origin(address),
                subprotocols=[Subprotocol("streamlit")],
                max_size=None,
                additional_headers={"Cookie": f"_streamlit_xsrf={self.token}"},
                open_timeout=PATIENCE_S,
                proxy=None,
            )
        )
        self.known: dict[str, ForwardMsg] = {}
        self.session = self.page = self.field = ""
        self.sounds: list[str] = []
        self.verdict_at = 0.0
        self.longest_queue = 0
        self.urls: Any = None
        self.files: Any = None

    def close(self) -> None:
        """Leave, as a closed tab does."""
        self.held.close()
        self.http.close()

    def run(self, **state: Any) -> None:
        """Have the page run, and read what it says until it has ended."""
        message = BackMsg()
        message.rerun_script.page_name = "" if self.page else "detect"
        message.rerun_script.page_script_hash = self.page
        for id, files in state.items():
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id = self.field if id == "files" else id
            widget.file_uploader_state_value.CopyFrom(files)
        self.socket.send(message.SerializeToString())
        self._read(until="script_finished")

    def upload(self, name: str, data: bytes) -> None:
        """Send a file to the upload field and have the page run with it."""
        from streamlit.proto.Common_pb2 import FileUploaderState

        message = BackMsg()
        message.file_urls_request.request_id = str(uuid.uuid4())
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        self.socket.send(message.SerializeToString())
        self._read(until="file_urls_response")
        answer = self.http.put(
            f"{self.address}{self.urls.upload_url}",
            files={"file": (name, data, "audio/wav")},
            headers={"X-Xsrftoken": self.token},
            timeout=PATIENCE_S,
        )
        answer.raise_for_status()
        files = FileUploaderState()
        file = files.uploaded_file_info.add()
        file.file_id, file.name, file.size = self.urls.file_id, name, len(data)
        file.file_urls.CopyFrom(self.urls)
        self.files = files
        self.again()

    def again(self) -> None:
        """Have the page run once more with the file."""
        self.run(files=self.files)

    def _read(self, until: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = ForwardMsg()
            message.ParseFromString(self.socket.recv(timeout=PATIENCE_S))
            if message.WhichOneof("type") == "ref_hash":
                message = self.known[message.ref_hash]
            elif message.hash:
                self.known[message.hash] = message
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id or self.session
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "file_urls_response":
                self.urls = message.file_urls_response.file_urls[0]
            elif kind == "delta":
                self._look_at(message.delta.new_element)
            if kind == until:
                return
        raise TimeoutError(f"No {until} within {PATIENCE_S:g} s.")

    def _look_at(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "file_uploader" and not self.field:
            self.field = element.file_uploader.id
        elif kind == "audio":
            self.sounds.append(element.audio.url)
        elif kind == "heading" and WORDS.search(element.heading.body):
            self.verdict_at = self.verdict_at or time.monotonic()
        elif kind == "progress" and (place := PLACE.search(element.progress.text)):
            self.longest_queue = max(self.longest_queue, int(place.group(2)))
        elif kind == "exception" or (kind == "alert" and element.alert.format == 1):
            text = element.exception.message if kind == "exception" else element.alert.body
            raise RuntimeError(f"The page says: {text}")


def visit(address: str, name: str, data: bytes) -> dict[str, float]:
    """One visit; raises where there is no verdict."""
    visitor = Visitor(address)
    try:
        visitor.run()
        began = time.monotonic()
        visitor.upload(name, data)
        if not visitor.verdict_at:
            raise RuntimeError("The page ended without a verdict.")
        for url in visitor.sounds[:1]:
            visitor.http.get(f"{address}{url}", timeout=PATIENCE_S).raise_for_status()
    finally:
        visitor.close()
    return {"seconds": visitor.verdict_at - began, "queue": visitor.longest_queue}


class Users:
    """Visitors side by side, each again and again until the time or the rounds are over."""

    def __init__(self, address: str, users: int, rounds: int, minutes: float) -> None:
        self.address, self.data, self.rounds = address, clip(), rounds
        self.until = time.monotonic() + 60 * minutes if minutes else 0.0
        self.done: list[dict[str, float]] = []
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self._work, args=(i,)) for i in range(users)]

    def _work(self, user: int) -> None:
        turn = 0
        while time.monotonic() < self.until if self.until else turn < self.rounds:
            turn += 1
            try:
                self.done.append(visit(self.address, f"clip-{user}-{turn}.wav", self.data))
            except Exception as error:  # every failed visit is a finding, whatever it is
                self.failures.append(f"{type(error).__name__}: {error}")

    def run(self) -> None:
        """Until the last one has left."""
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The dashboard on a free port of loopback, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    command = [sys.executable, "-m", "core.show.serve"]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server, address
        if server.poll() is not None:
            break
        time.sleep(0.25)
    server.kill()
    raise SystemExit(f"The server did not start: {(folder / 'log.txt').read_text()[-2000:]}")


def main() -> int:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20, help="at the same time")
    parser.add_argument("--rounds", type=int, default=2, help="visits of each")
    parser.add_argument("--minutes", type=float, default=0.0, help="instead of rounds")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, address = serve(Path(folder))
        try:
            visit(address, "first.wav", clip())  # loads the detector
            memory = Memory(server.pid, 1.0)
            before = memory.now()
            memory.start()
            began = time.monotonic()
            users = Users(address, wanted.users, wanted.rounds, wanted.minutes)
            users.run()
            took = time.monotonic() - began
            memory.over.set()
        finally:
            server.terminate()
            server.wait(30)
        log = (Path(folder) / "log.txt").read_text("utf-8", "replace")
    found = figures(users, memory, took) | {
        "resident after one visit (MB)": round(before, 1),
        "errors in the log": log.count("Traceback"),
    }
    print(json.dumps(found, indent=2), flush=True)
    grown = found["growth after the first third (MB)"]
    return int(bool(users.failures) or (wanted.minutes >= 5 and grown > GROWTH_MB))


def vigintiles(ordered: list[float]) -> list[float]:
    """The 19 cuts into twentieths; of one value that value, of none nothing."""
    if len(ordered) < 2:
        return 19 * ordered
    return statistics.quantiles(ordered, n=20, method="inclusive")


def figures(users: Users, memory: Memory, took: float) -> dict[str, Any]:
    """What was measured."""
    seconds = sorted(v["seconds"] for v in users.done)
    cuts = vigintiles(seconds)
    by_minute: dict[int, list[float]] = {}
    for at, mb in memory.samples:
        by_minute.setdefault(int(at // 60), []).append(mb)
    medians = {minute: round(statistics.median(mbs), 1) for minute, mbs in by_minute.items()}
    later = [mb for minute, mb in medians.items() if minute >= took / 180]
    return {
        "users at once": len(users.threads),
        "seconds of each clip": CLIP_S,
        "verdicts": len(seconds),
        "failures": users.failures,
        "minutes": round(took / 60, 1),
        "time to verdict p50 (s)": round(cuts[9], 1) if cuts else None,
        "time to verdict p95 (s)": round(cuts[18], 1) if cuts else None,
        "longest (s)": round(seconds[-1], 1) if seconds else None,
        "longest queue": max((int(v["queue"]) for v in users.done), default=0),
        "verdicts a minute": round(60 * len(seconds) / took, 1),
        "cores": len(os.sched_getaffinity(0)),
        "resident by minute (MB)": medians,
        "resident at most (MB)": round(max((mb for _, mb in memory.samples), default=0.0), 1),
        "growth after the first third (MB)": round(later[-1] - later[0], 1) if later else 0.0,
    }


if __name__ == "__main__":
    sys.exit(main())
