"""Signals: as a request to stop or to save while a run trains, and as an exception in anything else.

A signal that is ignored when the process starts (SIGHUP under nohup) stays ignored; but SIGINT and SIGTERM always ask a
run to stop: whoever sends them to one that a script began in the background, where shells ignore SIGINT, means it.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeVar

from gan.errors import Preempted

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU)  # what ends a command, beside SIGINT
_SAVING = signal.SIGUSR1
_STOPPING = (*ENDING, signal.SIGINT)
_MEANT = (signal.SIGTERM, signal.SIGINT)  # for a run, even if they were ignored
_REPEATED = signal.SIGXCPU  # comes every second of the processor's time: no order
_END = b"\0"  # no signal has this number
_TOGETHER = 0.05  # seconds in which several signals are one request

T = TypeVar("T")


class Stopped(Exception):
    """What was under way was given up because of a request to stop."""


def until(stop: object, items: Iterable[T]) -> Iterator[T]:
    """The items; raises `Stopped` in the place of the next one once `stop` is true."""
    for item in items:
        if stop:
            raise Stopped
        yield item


class Ended(BaseException):
    """A signal ended the command: raised where the main thread is, so that what was half done is removed."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def raise_when_ended() -> None:
    """Lets signals that end a process raise `Ended` in it; a second one ends it at once. For a process of its own.

    The request to save is passed over: it may come before a run has anything to save.
    """

    def end(number: int, frame: object) -> NoReturn:
        for each in ENDING:
            _handled(each, signal.SIG_DFL)
        raise Ended(number)

    for number in ENDING:
        _handled(number, end)
    _handled(_SAVING, signal.SIG_IGN)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """While others run who take signals for themselves: what comes is handled afterwards, as it would have been."""
    handlers = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGINT)}
    heard = {number for number, handler in handlers.items() if handler != signal.SIG_IGN}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _handled(number: int, handler) -> None:
    """Sets the handler of a signal unless it is ignored."""
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, handler)


class StopRequest:
    """Within the context, true from the first signal to stop on; a second such signal ends the process at once.

    Whoever knows another reason to stop may `ask`: it is true from then on, and no signal. `reason` says which it was.
    SIGUSR1 asks to save and go on: `takes_save()` is true once after it.

    Python runs its handlers only between calls into TensorFlow, each of which may last for seconds. So the signals are
    read from a pipe by a thread: it lets `tell` have a line for the person at the first, and ends the process at the
    second, whatever the main thread is doing. In any other thread, where Python takes no signals, it stays false.
    """

    def __init__(self, tell: Callable[[str], None] = lambda line: None):
        self._tell = tell
        self._requested = self._signalled = False
        self.reason = "a signal"
        self._save = False
        self._previous = {}

    def __bool__(self) -> bool:
        return self._requested

    def ask(self, why: str) -> None:
        """Makes it true because of a notice; of any thread."""
        if not self._requested:
            self.reason = f"a notice ({why})"
            self._requested = True
            self._say(f"{why}: stopping after the steps under way, then saving")

    def takes_save(self) -> bool:
        """Whether SIGUSR1 came since the last call."""
        if not self._save:
            return False
        self._save = False
        return True

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._thread = threading.Thread(target=self._watch, name="gan-signals", daemon=True)
        self._thread.start()
        self._previous_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        heard = [each for each in _STOPPING if each in _MEANT or signal.getsignal(each) != signal.SIG_IGN]
        self._previous = {number: signal.signal(number, self._handle) for number in (*heard, _SAVING)}
        _ACTIVE.append(self)
        return self

    def __exit__(self, *_) -> None:
        if not self._previous:
            return
        _ACTIVE.remove(self)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_writer)
        os.write(self._writer, _END)
        self._thread.join()
        os.close(self._writer)
        os.close(self._reader)

    def leave_to_parent(self) -> None:
        """For a process forked meanwhile: its parent, which gets the same signals of a terminal, says when it ends."""
        signal.set_wakeup_fd(-1)
        for number in self._previous:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)

    def _handle(self, number, frame) -> None:
        """What makes Python write the signal to the pipe instead of ending the process."""

    def _watch(self) -> None:
        """The thread: one byte for each signal that came, until the end of the context."""
        while (byte := os.read(self._reader, 1)) != _END:
            number = byte[0]
            if number == _SAVING:
                self._save = True
            if number not in _STOPPING:
                continue
            if self._signalled and number != _REPEATED:
                self._end()
            if not self._signalled:
                self._requested = self._signalled = True
                if not self._waited():
                    return
                self._say("stopping after the steps under way, then saving; a second signal stops at once")

    def _waited(self) -> bool:
        """Takes what comes together with the first request for the same one; whether the context goes on.

        `timeout` and service managers signal a process and then its whole group: it comes twice within microseconds.
        """
        deadline = time.monotonic() + _TOGETHER
        while (left := deadline - time.monotonic()) > 0 and select.select([self._reader], [], [], left)[0]:
            if (byte := os.read(self._reader, 1)) == _END:
                return False
            self._save |= byte[0] == _SAVING
        return True

    def _say(self, line: str) -> None:
        """Tells the line in a thread of its own: where nobody reads it, a second signal is heard all the same."""
        threading.Thread(target=self._tell, args=(line,), name="gan-signals-word", daemon=True).start()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            os.write(2, b"\n" if os.isatty(2) else b"")  # the prompt shall not follow the live line
        os._exit(Preempted.exit_code)


_ACTIVE: list[StopRequest] = []
os.register_at_fork(after_in_child=lambda: [request.leave_to_parent() for request in _ACTIVE])
