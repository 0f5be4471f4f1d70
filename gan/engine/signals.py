"""SIGTERM and SIGINT as a request to stop, and a second one as an order."""

import os
import signal

EXIT_CODE = 143
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Within the context, true from the first signal on; a second signal ends the process at once.

    Python runs a handler only between calls into TensorFlow, so a request is noticed after the chunk under way.
    """

    def __init__(self):
        self._requested = False
        self._previous = {}

    def __bool__(self) -> bool:
        return self._requested

    def __enter__(self) -> "StopRequest":
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number, frame) -> None:
        if self._requested:
            os._exit(EXIT_CODE)
        self._requested = True
