"""One budget for the sound of all sessions: who gives way, who waits, and that nothing is lost."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.clip import AudioError, Clip
from core.show.server import clip_store
from core.show.server.clip_store import SECOND_BYTES, ClipStore, Sound
from core.show.server.queue import TooBusy
from tests.builders import clip


def sound(store: ClipStore, seconds: float, hertz: float = 220.0) -> Sound:
    def read(progress, waiting):
        progress(seconds / 2)
        return clip(seconds, hertz=hertz)

    return Sound(read, store)


def room(seconds: float) -> ClipStore:
    return ClipStore(lambda: round(seconds * SECOND_BYTES))


def test_the_clip_that_was_used_longest_ago_gives_way_whoever_brought_it():
    store = room(10)
    first, second, third = (sound(store, 4, hertz) for hertz in (200, 300, 400))
    first.clip()
    second.clip()
    first.clip()
    third.clip()
    assert [s.decoded for s in (first, second, third)] == [True, False, True]
    assert store.held() == 8 * SECOND_BYTES


def test_a_clip_in_use_keeps_its_room_and_the_newcomer_is_asked_to_wait():
    store = room(10)
    first, second = sound(store, 6), sound(store, 6)
    judged = first.clip()
    with pytest.raises(TooBusy, match="Try again in a minute"):
        second.clip()
    del judged
    second.clip()
    assert (first.decoded, second.decoded) == (False, True)


def test_a_part_of_a_clip_in_use_counts_as_the_whole():
    store = room(10)
    first = sound(store, 6)
    part = first.clip().samples[:10]
    first.drop()
    assert store.held() == 6 * SECOND_BYTES
    del part
    assert store.held() == 0


def test_a_clip_that_never_fits_says_how_much_does():
    store = room(90)
    with pytest.raises(AudioError, match=r"memory for 1\.5 minutes") as caught:
        sound(store, 200).clip()
    assert caught.value.code == "too_large"
    assert store.held() == 0


def test_a_clip_is_refused_as_soon_as_too_much_of_it_came():
    asked = []

    def read(progress, waiting):
        for second in range(100):
            asked.append(second)
            progress(float(second))
        raise AssertionError("was read to its end")

    with pytest.raises(AudioError, match="too long: this server"):
        Sound(read, room(10)).clip()
    assert max(asked) == 11


@pytest.mark.parametrize("error", [AudioError("broken"), TooBusy("full"), KeyboardInterrupt()])
def test_a_clip_that_fails_gives_its_room_back(error):
    store = room(10)

    def read(progress, waiting):
        progress(9.0)
        raise error

    with pytest.raises(type(error)):
        Sound(read, store).clip()
    sound(store, 9).clip()


def test_channels_judged_apart_count_too():
    store = room(20)
    parts = clip(5, hertz=300), clip(5, hertz=400)
    whole = Sound(
        lambda progress, waiting: Clip(np.zeros(80_000, "f4"), parts[0].source, parts), store
    )
    whole.clip()
    assert store.held() == 15 * SECOND_BYTES


def test_only_idle_samples_go_and_they_come_again_to_the_same_bits():
    store = room(10)
    one = sound(store, 2)
    before = one.clip()
    store.drop_idle(60.0)
    assert one.decoded
    store.drop_idle(0.0)
    assert not one.decoded
    again = one.clip()
    assert again.samples.tobytes() == before.samples.tobytes()
    assert again.samples is not before.samples


def test_what_a_session_no_longer_keeps_takes_no_room():
    store = room(10)
    held = {"sounds": {(1, "left"): sound(store, 6)}}
    held["sounds"][1, "left"].clip()
    held["itself"] = held
    del held
    gc.collect()
    assert store.held() == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=20))
def test_the_budget_holds_whatever_is_asked_for(asked):
    store = room(10)
    lengths = {0: 1, 1: 3, 2: 5, 3: 9}
    sounds = {n: sound(store, s) for n, s in lengths.items()}
    for n, _ in asked:
        assert sounds[n].clip().duration_s == lengths[n]
        assert store.held() <= 10 * SECOND_BYTES
        assert sounds[n].decoded


def test_by_default_it_is_half_of_the_memory(monkeypatch):
    monkeypatch.setattr(clip_store, "memory_bytes", lambda: 4 << 30)
    assert clip_store.budget() == 2 << 30
    monkeypatch.setenv("SPOOFSCOPE_SOUND_MEMORY_MB", "5")
    assert clip_store.budget() == 5 << 20
