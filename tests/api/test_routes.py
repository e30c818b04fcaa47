"""What the API answers."""

import contextlib
import io
import itertools
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from core.api import query, work
from core.api.access import Access
from core.api.description import GETS, POSTS, document
from core.api.routes import api
from core.audio.clip import SAMPLE_RATE, AudioError
from core.cli import main
from core.detect.detector import MIN_HOP_S
from core.detect.stress import CONDITIONS
from core.show import cache
from core.show.server.queue import FairQueue
from tests.api.conftest import serving
from tests.loops import run_apart

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "data" / "speech.flac"
DATA = SPEECH.read_bytes()

pytestmark = pytest.mark.usefixtures("looked_once")


def post(address: str, data: object = DATA, **more: object) -> requests.Response:
    return requests.post(f"{address}/detect", data=data, timeout=120, **more)


def lasting(text: str) -> list[dict]:
    """Detections without what differs from run to run."""
    items = json.loads(text)
    for item in items:
        item.pop("elapsed_ms", None)
        item.pop("check", None)
        item.get("stress", {}).pop("elapsed_ms", None)
        item["file"] = Path(item["file"]).name
    return items


def command(*options: str) -> str:
    """What the command line prints of the test speech."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*options, "--json", str(SPEECH)]) == 0
    return printed.getvalue()


@pytest.fixture
def few_conditions(monkeypatch) -> None:
    """A stress test of two conditions: how each changes the sound is tried elsewhere."""
    few = dict(itertools.islice(CONDITIONS.items(), 2))
    monkeypatch.setattr("core.detect.stress.run.CONDITIONS", few)


def test_detect_answers_what_the_command_line_prints(address):
    options = ["--prior", "0.1", "--hop", "0.5", "--cost-missed-fake", "3"]
    asked = {"prior": "0.1", "hop": "0.5", "cost_missed_fake": "3", "name": SPEECH.name}
    found = post(address, params=asked)
    assert found.status_code == 200 and found.headers["content-type"] == "application/json"
    assert found.headers["cache-control"] == "no-store"
    assert lasting(found.text) == lasting(command("detect", *options))


def test_a_stress_test_comes_with_the_verdict_as_on_the_command_line(address, few_conditions):
    asked = {"span": "0.5-2.5", "name": SPEECH.name}
    options = ["--stress", "--span", "0.5", "2.5"]
    assert lasting(post(address, params=asked).text) == lasting(command("detect", *options))


def test_inspect_answers_what_the_command_line_prints(address):
    found = requests.post(
        f"{address}/inspect", params={"name": SPEECH.name}, data=DATA, timeout=120
    )
    assert lasting(found.text) == lasting(command("inspect"))


def test_inspect_looks_for_the_watermark_where_it_is_asked(address, monkeypatch):
    def asked(value: str) -> requests.Response:
        wanted = {"name": SPEECH.name, "watermark": value}
        return requests.post(f"{address}/inspect", params=wanted, data=DATA, timeout=120)

    found = asked("1")
    (item,) = found.json()
    assert item["signs"][0]["code"] == "watermark-perth" and not item["signs"][0]["values"]["found"]
    assert lasting(found.text) == lasting(command("inspect", "--watermark"))
    assert asked("0").json()[0]["signs"] == item["signs"][1:]
    monkeypatch.setattr(work.watermark, "missing", lambda: "It is not installed.")
    refused = asked("1")
    assert refused.status_code == 400 and refused.json()["detail"] == "It is not installed."
    assert "watermark" in str(document("/api/v1")["paths"]["/inspect"])


def test_several_files_are_judged_and_one_that_cannot_be_is_named(address):
    files = [("file", ("a.flac", DATA)), ("file", ("x/b.txt", b"no sound")), ("file", ("c", DATA))]
    first, second, third = post(address, data=None, files=files).json()
    assert [first["file"], second["file"], third["file"]] == ["a.flac", "b.txt", "c"]
    assert first["verdict"] == third["verdict"] and first["llr"] == third["llr"]
    assert second["error"]["code"] == "not_audio" and second["error"]["detail"]


@pytest.mark.parametrize(("form", "starts"), [("html", b"<!doctype html"), ("pdf", b"%PDF")])
def test_a_report_comes_as_a_file(address, form, starts):
    found = requests.post(
        f"{address}/report", params={"format": form, "case": "A 1"}, data=DATA, timeout=120
    )
    assert found.status_code == 200, found.text
    assert found.content[:15].lower().startswith(starts.lower())
    assert f"report.{form}" in found.headers["content-disposition"]


def test_a_report_holds_every_detector_and_every_part_that_was_tested(
    address, few_conditions, undrawn
):
    asked = [("detector", "embedded"), ("detector", "embedded-fp32"), ("stress", "1"),
             ("span", "0-1.5"), ("span", "1-2.6")]  # fmt: skip
    found = requests.post(f"{address}/report", params=asked, data=DATA, timeout=300)
    assert found.status_code == 200, found.text
    text = re.sub(r"<[^>]+>", " ", found.text)
    assert "embedded-fp32" in text
    for start, end in (("0", "1.5"), ("1", "2.6")):
        assert len(re.findall(rf"{start}(\.0)?\W+(to )?{end}(\.0)? s", text)) >= 2, (start, end)


PARTS = {"Content-Type": "multipart/form-data; boundary=b"}
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
CUT = HEAD + DATA + b"\r\n" + HEAD + DATA[:1000]
CANNOT = [
    (400, {"params": {"prior": "1"}}, "The prior is out of range"),
    (400, {"params": {"prior": "nan"}}, "The prior is 'nan', but it must be a number."),
    (400, {"params": {"cost_missed_fake": "-1"}}, "The cost of a missed fake is out of range"),
    (400, {"params": {"hop": "9"}}, "The hop must be between 0.05 and"),
    (400, {"params": {"track": "0"}}, "The track is '0', but it must be a number from 1 on."),
    (400, {"params": {"tempo": "3"}}, "There is no parameter 'tempo'. Known are detector"),
    (400, {"params": [("track", "1"), ("track", "1")]}, "The parameter track is given twice."),
    (400, {"params": {"detector": "/etc/passwd"}}, "There is no detector '/etc/passwd'."),
    (400, {"params": {"detector": "hub:a/b"}}, "There is no detector 'hub:a/b'."),
    (400, {"params": [("detector", "embedded"), ("detector", "embedded-fp32")]}, "The parameter d"),
    (400, {"params": {"stress": "1", "span": "2"}}, "The span is '2', but it must be FROM-TO"),
    (422, {"params": {"stress": "1", "span": "2-900"}}, "audio: "),
    (400, {"files": [("sound", ("a", DATA))]}, "A part is called 'sound'"),
    (400, {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "The body is no"),
    (400, {"data": CUT, "headers": PARTS}, "The multipart body ends before its closing boundary"),
    (400, {"data": b"--b--", "headers": PARTS}, "The body has no part called 'file'."),
    (415, {"data": b"no sound at all"}, ""),
    (415, {"headers": {"Content-Encoding": "gzip"}}, "Send the file as it is"),
    (422, {"data": b""}, "This file is empty"),
    (422, {"params": {"channel": "7"}}, ""),
    (413, {"data": b"\0" * (1 << 20 | 1)}, "A request may bring 1 MB."),
]


@pytest.mark.parametrize(("status", "sent", "sentence"), CANNOT, ids=lambda v: str(v)[:60])
def test_what_cannot_be_used_ends_in_a_sentence(monkeypatch, status, sent, sentence):
    monkeypatch.setenv("SPOOFSCOPE_MAX_UPLOAD_MB", "1")
    data = None if "files" in sent else sent.get("data", DATA)
    made = TestClient(api(Access({})), base_url="http://localhost", client=("127.0.0.1", 1))
    found = made.post(
        "/detect",
        content=data,
        files=sent.get("files"),
        params=sent.get("params"),
        headers=sent.get("headers"),
    )
    problem = found.json()
    assert found.headers["content-type"] == "application/problem+json"
    assert (found.status_code, problem["status"]) == (status, status)
    assert problem["detail"].startswith(sentence) and problem["detail"][-1] in ".:"
    assert problem["code"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("POST", "detectors", 405), ("GET", "detect", 405),
     ("GET", "metrics", 404), ("GET", "docs/", 404), ("OPTIONS", "detect", 405)],
)  # fmt: skip
def test_addresses_and_methods_that_are_not(address, method, path, status):
    found = requests.request(method, f"{address}/{path}", timeout=30)
    assert found.status_code == found.json()["status"] == status
    assert "openapi.json" in found.json()["detail"]


async def send(scope: dict, chunks: list[bytes]) -> tuple[int, int]:
    """Status of the answer, and how many chunks of the body were asked for."""
    taken, sent = 0, []

    async def receive() -> dict:
        nonlocal taken
        taken += 1
        more = taken < len(chunks)
        return {"type": "http.request", "body": chunks[taken - 1], "more_body": more}

    async def answer(message: dict) -> None:
        sent.append(message)

    await api(Access({}))(scope, receive, answer)
    return sent[0]["status"], taken


@pytest.mark.parametrize("kind", ["audio/wav", "multipart/form-data; boundary=b"])
def test_a_body_is_given_up_where_it_exceeds_the_limit(monkeypatch, kind):
    monkeypatch.setenv("SPOOFSCOPE_MAX_UPLOAD_MB", "1")
    chunks = [HEAD if "multipart" in kind else b"", *[b"\0" * (1 << 18)] * 20]
    scope = {
        "type": "http", "method": "POST", "path": "/detect", "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", kind.encode())],
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    status, taken = run_apart(send(scope, chunks))
    assert status == 413 and taken <= 6
    said = [*scope["headers"], (b"content-length", b"5242880")]
    assert run_apart(send(scope | {"headers": said}, chunks)) == (413, 0)


@pytest.mark.parametrize("path", sorted(POSTS))
def test_a_full_queue_says_so(address, monkeypatch, path):
    full = FairQueue(1, 0)
    monkeypatch.setattr(cache, "reading_queue", lambda: full)
    with full.turn("another"):
        found = requests.post(address + path, data=DATA, timeout=60)
    assert found.status_code == 503 and found.headers["Retry-After"] == "60"
    assert found.json()["detail"].startswith("This server is busy: 1 clip is being ")


@pytest.mark.parametrize("error", [OSError("fork"), RuntimeError("no process")], ids=repr)
@pytest.mark.parametrize("path", sorted(POSTS))
def test_a_machine_without_room_for_a_process_says_so(address, monkeypatch, path, error):
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("core.audio.isolated.decode_safely", fails)
    monkeypatch.setattr(work, "look_safely", fails)
    found = requests.post(address + path, data=DATA, timeout=60)
    assert found.status_code == 503 and found.json()["code"] == "no_worker"


def test_what_cannot_be_looked_into_is_judged_all_the_same(address, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise work.TrustListError("The list at /etc/list.pem is gone.")

    monkeypatch.setattr(work, "look_safely", fails)
    (item,) = post(address).json()
    assert item["verdict"] and "provenance" not in item
    found = requests.post(f"{address}/inspect", data=DATA, timeout=60)
    assert found.status_code == 503 and "list.pem" not in found.text


def test_a_fault_says_nothing_of_itself(address, monkeypatch, caplog):
    name = "secret.wav"

    def fails(*_: object) -> None:
        raise KeyError(name)

    monkeypatch.setattr(cache, "detector", fails)
    found = post(address)
    assert found.status_code == 500
    assert "secret" not in found.text + caplog.text and "KeyError" in caplog.text


def leave(address: str, when: Callable[[], object] = lambda: time.sleep(0.3)) -> None:
    """Send a file and go without the answer."""
    host, port = re.search(r"//([\d.]+):(\d+)", address).groups()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = (
            f"POST /api/v1/detect HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(DATA)}\r\n\r\n"
        )
        connection.sendall(head.encode() + DATA)
        when()


def until(true, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_who_leaves_gives_up_the_place_in_the_queue(address, monkeypatch):
    queue = FairQueue(1, 5)
    monkeypatch.setattr(cache, "judging_queue", lambda: queue)
    with queue.turn("another"):
        leave(address, lambda: until(lambda: queue.length() == 1))
        assert until(lambda: queue.length() == 0)
    assert queue.running() == 0


@pytest.fixture
def endless(monkeypatch) -> tuple[threading.Event, threading.Event]:
    """Set when a detector that never comes to an end begins, and when it is told to end."""
    begun, ended = threading.Event(), threading.Event()

    class Endless:
        window = 64_000

        def detect(self, *_: object, progress, **__: object) -> None:
            try:
                while True:
                    begun.set()
                    progress(0.5)
                    time.sleep(0.01)
            except work.ClientGone:
                ended.set()
                raise

    queue = FairQueue(1, 5)
    monkeypatch.setattr(cache, "judging_queue", lambda: queue)
    monkeypatch.setattr(cache, "detector", lambda _: Endless())
    return begun, ended


def test_judging_stops_when_its_caller_has_left(address, endless):
    begun, ended = endless
    leave(address, lambda: begun.wait(60))
    assert ended.wait(20) and until(lambda: cache.judging_queue().running() == 0)


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}], ids=["answer", "stream"])
def test_judging_stops_when_its_server_does(endless, headers):
    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            post(address, headers=headers)

    with serving({}, grace_s=1) as address:
        caller = threading.Thread(target=ask)
        caller.start()
        assert until(lambda: cache.judging_queue().running() == 1)
    assert endless[1].wait(20)
    caller.join(20)
    assert not caller.is_alive()


def events(found: requests.Response) -> list[tuple[str, object]]:
    assert found.headers["content-type"].startswith("text/event-stream")
    parts = [part.split("\n") for part in found.text.strip().split("\n\n")]
    data = ["".join(line.removeprefix("data: ") for line in lines[1:]) for lines in parts]
    names = [lines[0].removeprefix("event: ") for lines in parts]
    return [(name, json.loads(text)) for name, text in zip(names, data, strict=True)]


STREAM = {"Accept": "text/event-stream"}


def test_progress_is_told_and_the_last_event_is_the_answer(address, monkeypatch):
    queue = FairQueue(1, 5)
    monkeypatch.setattr(cache, "judging_queue", lambda: queue)
    held = queue.turn("another")
    held.__enter__()

    def give_way() -> None:
        until(lambda: queue.length() == 1)
        time.sleep(1.5)  # so that it is told of its place
        held.__exit__(None, None, None)

    threading.Thread(target=give_way).start()
    *before, (last, items) = events(post(address, headers=STREAM, params={"name": "a"}))
    assert last == "result"
    assert lasting(json.dumps(items)) == lasting(post(address, params={"name": "a"}).text)
    assert {name for name, _ in before} == {"progress"}
    waiting = {"file": "a", "doing": "waiting to be judged", "place": 1, "of": 1}
    assert waiting in [state for _, state in before]


def test_a_stream_ends_with_the_problem_and_counts_as_a_request(address, monkeypatch):
    assert post(address, headers=STREAM, params={"hop": "x"}).status_code == 400
    ((name, problem),) = events(post(address, data=b"no sound", headers=STREAM))
    assert (name, problem["status"], problem["code"]) == ("problem", 415, "not_audio")
    monkeypatch.setenv("SPOOFSCOPE_API_REQUESTS", "1")
    queue = FairQueue(1, 5)
    monkeypatch.setattr(cache, "judging_queue", lambda: queue)
    with queue.turn("another"), post(address, headers=STREAM, stream=True) as under_way:
        assert under_way.status_code == 200 and until(lambda: queue.length() == 1)
        assert post(address).status_code == 429
        for other in ("health", "detectors"):
            assert requests.get(f"{address}/{other}", timeout=30).status_code == 200
        under_way.close()
        assert until(lambda: queue.length() == 0)
    assert until(lambda: post(address).status_code == 200)


def test_the_description_names_what_there_is(address):
    assert requests.get(f"{address}/openapi.json", timeout=30).json() == document("/api/v1")
    paths = {route.path for route in api(Access({})).routes}
    assert paths | {"/metrics"} == set(POSTS) | set(GETS)
    assert paths == set(document("")["paths"])
    named = {p["name"] for path in document("")["paths"].values() for p in
             path.get("post", {}).get("parameters", ())}  # fmt: skip
    assert named == set(query.PARAMETERS)
    page = requests.get(f"{address}/docs", timeout=30).text
    assert not re.search(r"<script|\bsrc=|url\(|@import|https?://", page)
    assert all(f"<code>{name}</code>" in page for name in named)
    for values in ("0.05 to 4", "<code>html</code> or <code>pdf</code>"):
        assert f"<td>{values}</td></tr>" in page


def test_the_description_holds_to_the_detectors_hop():
    (hop,) = (p["schema"] for p in document("")["paths"]["/detect"]["post"]["parameters"]
              if p["name"] == "hop")  # fmt: skip
    window = cache.detector("embedded").window / SAMPLE_RATE
    assert (hop["minimum"], hop["maximum"]) == (MIN_HOP_S, window)


def test_the_detectors_are_listed(address):
    first, *others = requests.get(f"{address}/detectors", timeout=30).json()
    assert first["id"] == "embedded" and first["ready"] and others


def test_counts_are_told_where_that_is_switched_on(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_API_METRICS", "1")
    made = TestClient(api(Access({})), base_url="http://localhost", client=("127.0.0.1", 1))
    made.get("/health")
    text = made.get("/metrics").text
    assert 'spoofscope_api_requests_total{address="/health",status="200"} 1\n' in text
    assert 'spoofscope_clips_waiting{queue="judge"} 0\n' in text


NAMES = st.one_of(st.sampled_from(sorted(query.PARAMETERS)), st.text(max_size=8))
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["1e400", "-0", "0x1", "١", "\ud800".encode("utf-8", "replace").decode()]),
    st.floats().map(str),
    st.integers().map(str),
)


@given(
    st.sampled_from(sorted(POSTS)),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.binary(max_size=300),
    st.sampled_from(["", "audio/wav", "multipart/form-data; boundary=b", "multipart/form-data",
                     "multipart/form-data; boundary=", "multipart/form-data; charset=x"]),
)  # fmt: skip
def test_whatever_is_sent_ends_in_a_sentence(path, asked, data, kind):
    def no_sound(*_: object, **__: object) -> None:
        raise AudioError("This is no audio.", "not_audio")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.audio.isolated.decode_safely", no_sound)
        patch.setattr(work, "look_safely", no_sound)
        made = TestClient(
            api(Access({})),
            base_url="http://localhost",
            client=("127.0.0.1", 1),
            raise_server_exceptions=False,
        )
        found = made.post(path, params=asked, content=data, headers={"content-type": kind})
    assert 400 <= found.status_code < 500, found.text
    assert found.json()["detail"][-1] in ".:'"


def examples(path: str) -> dict[str, str]:
    text = (ROOT / path).read_text("utf-8")
    found = re.findall(r"```(bash|python)\n(.*?)```", text, re.DOTALL)
    return {kind: code for kind, code in found if "/api/v1/" in code}


@pytest.mark.parametrize(
    ("path", "kind"), [("docs/api.md", "bash"), ("docs/api.md", "python"), ("README.md", "bash")]
)
def test_the_examples_run(address, path, kind):
    code = examples(path)[kind].replace("http://127.0.0.1:8501/api/v1", address)
    line = [sys.executable, "-c", code] if kind == "python" else ["bash", "-c", code]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\b(synthetic|authentic|inconclusive)\b", done.stdout), done.stdout
