"""How long a request may take to arrive, over real connections."""

import json
import socket
import threading
import time

import pytest
import uvicorn

from core.api.problems import Problem
from core.settings import Settings
from core.show.server import arrival

WAIT_S = 0.5
LARGE = b"\0" * (64 << 20)
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"

heard: list[str] = []


async def app(scope, receive, send):
    """Answers with how much came; /early before that, /large with much."""
    if scope["type"] == "websocket":
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await receive()
        return
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        heard.append(message["type"])
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = LARGE if scope["path"] == "/large" else str(size).encode()
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def connection(monkeypatch):
    monkeypatch.setattr(arrival, "LOOK_S", 0.02)
    limits = Settings(request_wait_s=WAIT_S, request_speed_kb=0.1)
    monkeypatch.setattr(arrival, "settings", lambda: limits)
    heard.clear()
    config = uvicorn.Config(app, port=0, http=arrival.Arrival, log_level="error", lifespan="off",
                            ws="websockets-sansio")  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    with socket.create_connection(server.servers[0].sockets[0].getsockname(), 20) as found:
        yield found
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def rest(connection: socket.socket) -> bytes:
    """All that still comes, until the server closes."""
    got = b""
    try:
        while piece := connection.recv(1 << 20):
            got += piece
    except (ConnectionResetError, BrokenPipeError):
        pass
    return got


def trickle(connection: socket.socket, data: bytes, every_s: float) -> None:
    for byte in data:
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return
        time.sleep(every_s)


def is_problem(got: bytes, status: int) -> bool:
    head, _, body = got.partition(b"\r\n\r\n")
    title = f"HTTP/1.1 {status} ".encode()
    assert got.startswith(title) and b"application/problem+json" in head, got[:200]
    problem = json.loads(body)
    return problem == Problem(status, problem["detail"]).body() and problem["detail"][-1] == "."


@pytest.mark.parametrize("data", [GET[:-2] + b"X: " + b"a" * 99, POST % 99 + b"a" * 40])
def test_what_is_trickled_is_given_up(connection, data):
    began = time.monotonic()
    if data.startswith(b"POST"):
        connection.sendall(data[:-40])
        data = data[-40:]
    sender = threading.Thread(target=trickle, args=(connection, data, 0.05))
    sender.start()
    assert is_problem(rest(connection), 408)
    assert WAIT_S <= time.monotonic() - began < WAIT_S + 2
    sender.join()
    assert heard[-1:] in ([], ["http.disconnect"])


@pytest.mark.parametrize("first", [b"", GET])
def test_a_connection_that_asks_nothing_is_closed_without_a_word(connection, first):
    connection.sendall(first)
    assert rest(connection).count(b"HTTP/1.1") == bool(first)


def test_the_rest_of_what_was_answered_early_is_not_waited_for(connection):
    connection.sendall((POST % 99).replace(b"/", b"/early", 1))
    sender = threading.Thread(target=trickle, args=(connection, b"a" * 40, 0.05))
    sender.start()
    assert rest(connection).count(b"HTTP/1.1") == 1
    sender.join()


def test_a_slow_upload_that_keeps_its_pace_is_taken(connection):
    connection.sendall(POST % 1_000)
    for _ in range(20):
        connection.sendall(b"a" * 50)
        time.sleep(WAIT_S / 10)  # all in all twice as long as a request without a body has
    assert connection.recv(1_000).endswith(b"1000")


def test_many_requests_over_one_connection_have_each_their_time(connection):
    until = time.monotonic() + 3 * WAIT_S
    while time.monotonic() < until:
        connection.sendall(GET + GET)
        got = b""
        while got.count(b"HTTP/1.1 200") < 2:
            piece = connection.recv(1_000)
            assert piece
            got += piece
        time.sleep(0.03)


def test_an_answer_that_is_not_taken_is_given_up(connection):
    connection.sendall(GET.replace(b"/", b"/large", 1))
    time.sleep(3 * WAIT_S)
    assert len(rest(connection)) < len(LARGE)


def test_a_websocket_is_left_alone(connection):
    connection.sendall(
        GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert connection.recv(1_000).startswith(b"HTTP/1.1 101")
    connection.settimeout(3 * WAIT_S)
    with pytest.raises(TimeoutError):
        connection.recv(1_000)
    connection.sendall(b"\x88\x80\0\0\0\0")


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", GET[:-2] + b"X: " + b"a" * 99_999]
)
def test_what_is_no_http_is_a_problem_too(connection, sent):
    connection.sendall(sent)
    assert is_problem(rest(connection), 400)
