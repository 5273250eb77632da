"""The virtual clock: order, jumps, waits, and how it ends."""

import threading

import pytest

from local.emulator.clock import START, Clock, Deadlock


@pytest.fixture
def clock():
    clock = Clock()
    yield clock
    clock.reset()


def test_the_clock_jumps_to_the_earliest_sleeper(clock):
    seen = []

    def sleeper(name, seconds):
        clock.sleep(seconds)
        seen.append((name, clock.now() - START))

    with clock.held():
        clock.Thread(target=sleeper, args=("long", 3600)).start()
        clock.Thread(target=sleeper, args=("short", 5)).start()
    clock.settle()
    assert seen == [("short", 5), ("long", 3600)]


def test_who_sleeps_equally_long_wakes_in_the_order_of_asking(clock):
    seen = []

    def sleeper(number):
        clock.sleep(10)
        seen.append(number)

    with clock.held():
        for number in range(20):
            clock.Thread(target=sleeper, args=(number,)).start()
    clock.settle()
    assert seen == list(range(20))


def test_only_one_participant_runs_at_a_time(clock):
    inside, most = [], []

    def worker():
        for _ in range(20):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.0005)
            inside.pop()
            clock.sleep(1)

    with clock.held():
        for _ in range(5):
            clock.Thread(target=worker).start()
    clock.settle()
    assert max(most) == 1


def test_a_join_with_a_timeout_gives_up_at_the_virtual_time(clock):
    seen = []

    def parent():
        child = clock.Thread(target=lambda: clock.sleep(1000))
        child.start()
        child.join(timeout=30)
        seen.append((clock.now() - START, child.is_alive()))
        child.join()
        seen.append((clock.now() - START, child.is_alive()))

    clock.Thread(target=parent).start()
    clock.settle()
    assert seen == [(30, True), (1000, False)]


def test_an_event_wakes_its_waiter_at_once_and_tells_a_timeout_apart(clock):
    seen = []
    event = clock.Event()

    def waiter():
        seen.append((event.wait(5), clock.now() - START))
        seen.append((event.wait(100), clock.now() - START))

    def setter():
        clock.sleep(20)
        event.set()
        event.clear()

    with clock.held():
        clock.Thread(target=waiter).start()
        clock.Thread(target=setter).start()
    clock.settle()
    assert seen == [(False, 5), (True, 20)]


def test_a_servers_thread_spends_the_time_of_the_participant_it_acts_for(clock):
    seen = []

    def serve(participant, answered):
        with clock.on_behalf(participant):
            clock.sleep(7)
        answered.set()

    def caller():
        answered = threading.Event()  # a real one, as a socket would be
        threading.Thread(target=serve, args=(clock.holder(), answered)).start()
        answered.wait()
        seen.append(clock.now() - START)

    def other():
        clock.sleep(3)
        seen.append(clock.now() - START)

    with clock.held():
        clock.Thread(target=caller).start()
        clock.Thread(target=other).start()
    clock.settle()
    assert seen == [3, 7]


def test_waiting_for_nobody_is_a_deadlock_and_not_a_hang(clock):
    clock.Thread(target=clock.Event().wait, name="the one who waits").start()
    with pytest.raises(Deadlock, match="the one who waits"):
        clock.settle()


def test_a_crash_is_named_by_the_deadlock_that_it_causes(clock):
    event = clock.Event()

    def crash():
        raise ValueError("no luck")

    clock.Thread(target=event.wait).start()
    clock.Thread(target=crash).start()
    with pytest.raises(Deadlock, match="no luck"):
        clock.settle()


def test_an_outsider_cannot_sleep_in_virtual_time(clock):
    with pytest.raises(RuntimeError, match="outsider"):
        clock.sleep(1)


def test_advancing_lets_happen_what_is_due_and_no_more(clock):
    seen = []

    def ticker():
        for _ in range(10):
            clock.sleep(60)
            seen.append(clock.now() - START)

    clock.freeze()
    clock.Thread(target=ticker).start()
    clock.advance(150)
    assert (seen, clock.now() - START) == ([60, 120], 150)


def test_a_reset_ends_everybody_and_time_starts_again(clock):
    reached = []

    def sleeper():
        clock.sleep(10)
        reached.append("woken")

    clock.Thread(target=clock.Event().wait).start()
    clock.freeze()
    clock.Thread(target=sleeper).start()
    clock.reset()
    clock.settle()
    assert (reached, clock.now()) == ([], START)


def test_every_move_of_the_clock_is_told(clock):
    moves = []
    told = Clock(on_move=moves.append)
    told.Thread(target=lambda: (told.sleep(1), told.sleep(2))).start()
    told.settle()
    assert moves == [START, START + 1, START + 3]
