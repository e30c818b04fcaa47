"""The queue: bounded, fair, told of, and let go of whoever leaves it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.show.server.queue import FairQueue, Place, QueuedTurn, TooBusy


class Queue:
    """Threads that take turns one at a time, and the order in which they did."""

    def __init__(self, turns: FairQueue) -> None:
        self.turns = turns
        self.order: list = []
        self.threads: list[threading.Thread] = []

    def ask(self, owner, waiting=None) -> threading.Thread:
        """Queue in a thread of its own; returns once it stands in the queue."""
        stands = threading.Event()

        def told(place: Place) -> None:
            stands.set()
            if waiting is not None:
                waiting(place)

        def work() -> None:
            with self.turns.turn(owner, told):
                self.order.append(owner)

        thread = threading.Thread(target=work)
        thread.start()
        self.threads.append(thread)
        assert stands.wait(10)
        return thread

    def run(self) -> list:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.order


def served(owners: list, at_once: int = 1) -> list:
    """The order in which owners who queue while another holds the only turn are served."""
    turns = FairQueue(at_once, 1_000)
    queue = Queue(turns)
    with turns.turn("holder"):
        for owner in owners:
            queue.ask(owner)
    return queue.run()


def test_who_comes_first_is_served_first():
    assert served(list("abcdefgh")) == list("abcdefgh")


def test_one_who_queues_many_times_waits_between_the_others():
    assert served(list("aaaabc")) == list("abcaaa")
    assert served(list("aabbc")) == list("abcab")


@settings(max_examples=20)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=10))
def test_nobody_is_served_twice_while_another_waits_for_a_first_turn(owners):
    order = served(owners)
    assert sorted(order) == sorted(owners)
    for owner in set(owners):  # the k-th turn of anyone comes after everyone's k-1st
        for k in range(1, owners.count(owner)):
            at = [i for i, o in enumerate(order) if o == owner][k]
            for other in set(owners):
                assert order[:at].count(other) >= min(k, owners.count(other))


def test_one_who_comes_back_queues_behind_those_who_waited():
    turns = FairQueue(1, 10)
    queue = Queue(turns)
    with turns.turn("a"):
        queue.ask("b")
        queue.ask("c")
        queue.ask("a")
    assert queue.run() == ["b", "c", "a"]


def test_never_more_at_once_than_allowed():
    turns = FairQueue(3, 100)
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def work(i: int) -> None:
        nonlocal now, most
        with turns.turn(i):
            with lock:
                now += 1
                most = max(most, now)
            together.wait(10)  # so that three are there, and a fourth would show
            with lock:
                now -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert most == 3
    assert turns.running() == turns.length() == 0


def test_everyone_is_told_their_place_and_how_it_changes():
    turns = FairQueue(1, 10)
    queue = Queue(turns)
    told: list[Place] = []
    moved = threading.Event()

    def waiting(place: Place) -> None:
        told.append(place)
        if place.position == 1:
            moved.set()

    holder = turns.turn("holder")
    holder.__enter__()
    leaves = threading.Event()

    class Gone(Exception):
        pass

    def leave(place: Place) -> None:
        if leaves.is_set():
            raise Gone

    failed: list = []
    original = threading.excepthook
    threading.excepthook = lambda about: failed.append(about.exc_type)
    try:
        first = queue.ask("first", leave)
        queue.ask("second", waiting)
        assert told[-1] == Place(2, 2)
        leaves.set()  # the first visitor goes away; the second moves up, nobody else acts
        assert moved.wait(10)
        first.join(10)
    finally:
        threading.excepthook = original
    assert failed == [Gone]
    assert told[-1] == Place(1, 1)
    holder.__exit__(None, None, None)
    assert queue.run() == ["second"]
    assert Place(2, 5).in_words().endswith("You are number 2 of 5 in the queue.")


def test_a_full_queue_refuses_in_a_sentence_and_leaves_no_trace():
    turns = FairQueue(1, 1)
    queue = Queue(turns)
    with turns.turn("holder"):
        queue.ask("waits")
        with pytest.raises(TooBusy, match=r"1 more wait.* Try again"), turns.turn("refused"):
            pytest.fail("entered")
        patient = threading.Thread(
            target=lambda: QueuedTurn(turns, "take", patient=True).__enter__()
        )
        patient.start()
    queue.run()
    patient.join(10)
    assert turns.length() == 0


def test_none_may_wait_where_the_queue_has_no_length_but_a_free_turn_is_taken():
    turns = FairQueue(1, 0)
    with turns.turn("one"), pytest.raises(TooBusy), turns.turn("two"):
        pytest.fail("entered")
    with turns.turn("two"):
        assert turns.running() == 1


def test_a_turn_is_given_back_after_an_error_and_a_seat_can_be_taken_again():
    turns = FairQueue(1, 0)
    seat = QueuedTurn(turns, "owner")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), seat:
            raise ZeroDivisionError
    assert turns.running() == 0
