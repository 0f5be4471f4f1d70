"""SIGTERM and SIGINT as a request to stop, and a second one as an order."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gan.errors import Preempted

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_END = b"\0"  # no signal has this number

T = TypeVar("T")


class Stopped(Exception):
    """What was under way was given up because of a request to stop."""


def until(stop: object, items: Iterable[T]) -> Iterator[T]:
    """The items; raises `Stopped` in the place of the next one once `stop` is true."""
    for item in items:
        if stop:
            raise Stopped
        yield item


class StopRequest:
    """Within the context, true from the first signal on; a second signal ends the process at once.

    Python runs its handlers only between calls into TensorFlow, each of which may last for seconds. So the signals are
    read from a pipe by a thread: it calls `tell` with a line for the person at the first, and ends the process at the
    second, whatever the main thread is doing. In any other thread, where Python takes no signals, it stays false.
    """

    def __init__(self, tell: Callable[[str], None] = lambda line: None):
        self._tell = tell
        self._requested = False
        self._previous = {}

    def __bool__(self) -> bool:
        return self._requested

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._thread = threading.Thread(target=self._watch, name="gan-signals", daemon=True)
        self._thread.start()
        self._previous_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        if not self._previous:
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_writer)
        os.write(self._writer, _END)
        self._thread.join()
        os.close(self._writer)
        os.close(self._reader)

    def _handle(self, number, frame) -> None:
        """What makes Python write the signal to the pipe instead of ending the process."""

    def _watch(self) -> None:
        """The thread: one byte for each signal that came, until the end of the context."""
        while (byte := os.read(self._reader, 1)) != _END:
            if byte[0] not in _SIGNALS:
                continue
            if self._requested:
                self._end()
            self._requested = True
            self._tell("stopping after the steps under way, then saving; a second signal stops at once")

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            os.write(2, b"\n" if os.isatty(2) else b"")  # the prompt shall not follow the live line
        os._exit(Preempted.exit_code)
