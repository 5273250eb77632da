"""Virtual time: one participant runs at a time, and the clock jumps when all of them sleep."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()


class Deadlock(RuntimeError):
    """Somebody waits without a time limit, and nobody is left who could end the wait."""


class Cancelled(BaseException):
    """The clock was reset: whoever took part in the old time ends here, uncaught by handlers."""


class Participant(threading.Thread):
    """A thread in virtual time: it runs only while it holds the clock's baton."""

    def __init__(
        self,
        clock: Clock,
        *,
        target: Callable[..., object],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        daemon: bool = True,
    ) -> None:
        super().__init__(name=name, daemon=daemon)
        self._clock = clock
        self._work: Callable[[], object] = lambda: target(*args, **(kwargs or {}))
        self.turn = threading.Semaphore(0)
        self.entry: list[Any] | None = None  # its place in the queue of sleepers, if it has one
        self.cancelled = False
        self.ended = Event(clock)

    def start(self) -> None:
        """Queue this thread to run at the present virtual time, after those queued before."""
        super().start()
        self._clock.join_in(self)

    def run(self) -> None:
        """Do the work, from the first turn to the end."""
        try:
            self._clock.await_turn(self)
            self._work()
        except Cancelled:
            pass
        except Exception as error:
            # Nobody waits for this thread's exception, so the clock keeps it for the Deadlock.
            self._clock.crashes.append(error)
        finally:
            self._clock.leave(self)

    def is_alive(self) -> bool:
        """Tell whether the work is still under way, in virtual time."""
        return not self.ended.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Wait in virtual time until the work is done."""
        self.ended.wait(timeout)

    def join_really(self, timeout: float) -> bool:
        """Wait in real time until the thread is gone; tell whether it is."""
        super().join(timeout)
        return not super().is_alive()


class Event:
    """A stand-in for threading.Event whose timeouts are virtual."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set = False
        self._waiting: list[Participant] = []

    def is_set(self) -> bool:
        """Tell whether the event is set."""
        return self._set

    def set(self) -> None:
        """Set the event; who waits runs at the present time, in the order in which they came."""
        with self._clock.lock:
            self._set = True
            woken, self._waiting = self._waiting, []
            self._clock.wake(woken)

    def clear(self) -> None:
        """Unset the event; who was woken stays woken."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the event is set, at most `timeout` virtual seconds."""
        participant = self._clock.acting()
        with self._clock.lock:
            if self._set:
                return True
            self._waiting.append(participant)
            self._clock.give_turn(participant, timeout)
        self._clock.await_turn(participant)
        with self._clock.lock:
            if participant not in self._waiting:
                return True
            self._waiting.remove(participant)
            return False


class Clock:
    """Virtual seconds since the epoch; see the module."""

    def __init__(self, on_move: Callable[[float], None] = lambda _: None) -> None:
        self.lock = threading.RLock()
        self._present = threading.local()
        self._on_move = on_move
        self._holds = 0
        self._empty()

    def _empty(self) -> None:
        self._now = START
        self._order = itertools.count()
        self._queue: list[list[Any]] = []
        self._running: Participant | None = None
        self._participants: dict[Participant, None] = {}
        self._frozen = False
        self._quiet = threading.Event()
        self._quiet.set()
        self.crashes: list[Exception] = []
        self._on_move(self._now)

    def now(self) -> float:
        """Return the virtual time, in seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` virtual seconds pass for the participant that calls or is acted for."""
        participant = self.acting()
        self.give_turn(participant, max(seconds, 0))
        self.await_turn(participant)

    def Thread(self, *args: Any, **kwargs: Any) -> Participant:  # noqa: N802
        """Make a thread in this time; takes what threading.Thread takes."""
        names = ("group", "target", "name", "args", "kwargs")
        given = dict(zip(names, args, strict=False)) | kwargs
        given.pop("group", None)
        return Participant(self, **given)

    def Event(self) -> Event:  # noqa: N802
        """Make an event in this time."""
        return Event(self)

    # For participants and for the threads that act for them.

    def holder(self) -> Participant | None:
        """Return the participant that holds the baton."""
        return self._running

    def acting(self) -> Participant:
        """Return the participant that the calling thread is, or acts for."""
        here = threading.current_thread()
        participant: Participant | None = getattr(self._present, "participant", None)
        if participant is None and isinstance(here, Participant):
            participant = here
        if participant is None:
            raise RuntimeError("an outsider cannot wait in virtual time")
        return participant

    def is_acting(self) -> bool:
        """Tell whether the calling thread is a participant or acts for one."""
        present = getattr(self._present, "participant", None)
        return present is not None or isinstance(threading.current_thread(), Participant)

    @contextmanager
    def on_behalf(self, participant: Participant | None) -> Iterator[None]:
        """Make the calling thread act for `participant`.

        A server's thread spends the time of the participant whose call it answers.
        """
        before = getattr(self._present, "participant", None)
        self._present.participant = participant
        try:
            yield
        finally:
            self._present.participant = before

    def give_turn(self, participant: Participant, seconds: float | None) -> None:
        """Give the baton away, and ask for it back in `seconds`, or when woken."""
        with self.lock:
            if participant.cancelled:
                raise Cancelled
            if seconds is not None:
                self._enqueue(participant, self._now + seconds)
            if self._running is participant:
                self._running = None
            self._dispatch()

    def await_turn(self, participant: Participant) -> None:
        """Block until the baton has come back."""
        participant.turn.acquire()
        if participant.cancelled:
            participant.turn.release()  # another thread may wait for the same participant
            raise Cancelled

    def wake(self, participants: Sequence[Participant]) -> None:
        """Queue these at the present time, in their order."""
        with self.lock:
            for participant in participants:
                self._enqueue(participant, self._now)
            self._dispatch()

    def join_in(self, participant: Participant) -> None:
        """Take a new participant in, to run at the present time."""
        with self.lock:
            self._participants[participant] = None
            self.wake([participant])

    def leave(self, participant: Participant) -> None:
        """Take a participant out that has done its work."""
        with self.lock:
            self._participants.pop(participant, None)
            if participant.cancelled:
                return
            if self._running is participant:
                self._running = None
            participant.ended.set()
            self._dispatch()

    def _enqueue(self, participant: Participant, time: float) -> None:
        if participant.entry is not None:
            participant.entry[2] = None  # one place a participant: the newest counts
        # Whole microseconds, or sums of tenths would miss the deadlines that they should meet.
        participant.entry = [round(time, 6), next(self._order), participant]
        heapq.heappush(self._queue, participant.entry)
        self._quiet.clear()

    def _dispatch(self) -> None:
        if self._running is not None or self._holds or self._frozen:
            return
        while self._queue:
            time, _, participant = heapq.heappop(self._queue)
            if participant is None:
                continue
            if time > self._now:
                self._now = time
                self._on_move(time)
            participant.entry = None
            self._running = participant
            participant.turn.release()
            return
        self._quiet.set()

    # For outsiders: a test, the terminal, the server's thread of an outside caller.

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stop time while several things are started, so that they start in the same second."""
        with self.lock:
            self._holds += 1
        try:
            yield
        finally:
            with self.lock:
                self._holds -= 1
                self._dispatch()

    def freeze(self) -> None:
        """Let nobody start another turn until `thaw`: what an outsider sees stays as it is."""
        self._frozen = True

    def thaw(self) -> None:
        """Let time go on after `freeze`."""
        with self.lock:
            self._frozen = False
            self._dispatch()

    def stuck(self) -> bool:
        """Tell whether participants are left but none of them can ever run again."""
        with self.lock:
            return self._quiet.is_set() and bool(self._participants)

    def deadlock(self) -> Deadlock:
        """Describe who waits for nobody."""
        names = ", ".join(participant.name for participant in self._participants) or "nobody"
        crashes = "; ".join(repr(crash) for crash in self.crashes) or "none"
        return Deadlock(f"waiting without end: {names}; crashes: {crashes}")

    def settle(self, real_timeout: float = 60) -> None:
        """Wait, as an outsider, until nobody has anything left to do."""
        self.thaw()
        if not self._quiet.wait(real_timeout):
            raise TimeoutError(f"virtual time did not come to rest within {real_timeout:g} s")
        if self.stuck():
            raise self.deadlock()

    def advance(self, seconds: float, first: Callable[[], T] | None = None) -> T | None:
        """Let `seconds` pass, as an outsider, with all that is due in them; then freeze.

        They begin when `first` has started what it starts, not some real moment later.
        """

        def pass_by() -> None:
            self.sleep(seconds)
            self.freeze()

        with self.held():
            result = first() if first else None
            passing = self._joined(pass_by)
        self._await_work(*passing)
        return result

    def take_part(self, work: Callable[[], T]) -> T:
        """Do `work` as a participant and return its result to the outsider who calls."""
        return self._await_work(*self._joined(work))

    def _joined(self, work: Callable[[], T]) -> tuple[Participant, list[T]]:
        """A new participant that does `work`, and where its result will be."""
        results: list[T] = []
        participant = self.Thread(target=lambda: results.append(work()), name="outsider")
        participant.start()
        self.thaw()
        return participant, results

    def _await_work(self, participant: Participant, results: list[T]) -> T:
        """Wait, as an outsider, for what a participant does."""
        while not participant.join_really(0.2):
            if self.stuck():
                raise self.deadlock()
        if not results:
            raise self.crashes[-1] if self.crashes else Cancelled
        return results[0]

    def as_participant(self, work: Callable[[], T]) -> T:
        """Do `work` in virtual time, whoever calls: an outsider takes part just for this."""
        return work() if self.is_acting() else self.take_part(work)

    def cancel(self) -> list[Participant]:
        """Let everybody end who takes part, as soon as they next have to do with the clock."""
        with self.lock:
            old = list(self._participants)
            for participant in old:
                participant.cancelled = True
                participant.turn.release()
            return old

    def reset(self, real_timeout: float = 10) -> None:
        """End all who take part and go back to the start of time."""
        old = self.cancel()
        for participant in old:
            if not participant.join_really(real_timeout):
                raise RuntimeError(f"{participant.name} did not end when the clock was reset")
        with self.lock:
            self._empty()
