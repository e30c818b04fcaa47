"""Sessions that were left: closed in time, and what is said where Streamlit changed inside."""

import asyncio
import logging
import threading
import tomllib
import types
import weakref
from pathlib import Path

import pytest

from core.settings import Settings
from core.show.server import expiry

ROOT = Path(__file__).resolve().parents[3]


def test_by_default_a_closed_tab_leaves_nothing_after_90_s():
    # Seen as left, found over, its downloads dropped: a look each.
    assert Settings().session_keep_s + 3 * expiry.EVERY_S <= 90
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    listed_s = config["server"]["disconnectedSessionTTL"]
    assert Settings().session_keep_s + 3 * expiry.EVERY_S <= listed_s <= 90


@pytest.fixture
def loop():
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()


class Session:
    """As much of a session as is looked at; it holds itself."""

    def __init__(self, id):
        self.id, self.me, self.session_state = id, self, {"clip": id}


class Server:
    """As much of Streamlit's runtime as is used."""

    def __init__(self, loop, sessions):
        self.stopped = types.SimpleNamespace(get_loop=lambda: loop)
        self.sessions = sessions
        self._session_mgr = types.SimpleNamespace(list_sessions=lambda: list(self.sessions))
        self.media_file_mgr = types.SimpleNamespace(
            remove_orphaned_files=lambda: self.done.append("orphans")
        )
        self.done = []

    def close_session(self, id):
        self.done.append(id)
        self.sessions = [s for s in self.sessions if s.session.id != id]


def entry(id, client):
    return types.SimpleNamespace(session=Session(id), client=client)


def test_who_came_back_stays_and_who_did_not_is_freed(loop, monkeypatch):
    server = Server(loop, [entry("here", object()), entry("back", None), entry("gone", None)])
    state, freed = (gone := server.sessions[2].session).session_state, weakref.ref(gone)
    del gone
    now = 1_000.0
    monkeypatch.setattr(expiry.time, "monotonic", lambda: now)
    looks = expiry.Expiry()
    looks.look(server)
    server.sessions[1].client = object()
    now += 59.9
    looks.look(server)
    assert server.done == []
    server.sessions[1].client = None  # left again: its time begins anew
    now += 0.2
    looks.look(server)
    assert server.done == ["gone", "orphans"]
    assert freed() is None
    assert state == {}  # whoever else still holds the session
    looks.look(server)
    assert server.done == ["gone", "orphans", "orphans"]
    now += 60.0
    looks.look(server)
    assert server.done[3:] == ["back", "orphans"]


@pytest.mark.parametrize("part", ["stopped", "_session_mgr", "media_file_mgr"])
def test_another_streamlit_inside_is_logged_once_and_stops_nothing(loop, part, caplog):
    server = Server(loop, [])
    delattr(server, part)
    looks = expiry.Expiry()
    with caplog.at_level(logging.ERROR):
        for _ in range(expiry.PATIENCE - 1):
            looks.look(server)
        assert not caplog.records
        for _ in range(9):
            looks.look(server)
    assert [r.message for r in caplog.records] == ["closed sessions wait for the next visitor"]
