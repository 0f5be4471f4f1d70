"""What a training is at, told by the process itself to a file that outlives it.

`observe` is called in the process before the command begins (`before` of tests/commands.py). From then on each change
of phase is a line: the clock of the machine in seconds, the step, the phase.
"""

import contextlib
import ctypes
import functools
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

START_UP, TRAINING = "start-up", "training"
ACTIONS = {"log": "log", "sample": "sampling", "evaluate": "evaluating", "save": "saving"}
ANIMATION = "animation"
PHASES = (START_UP, TRAINING, *ACTIONS.values(), ANIMATION)


class Mark(NamedTuple):
    """A change of phase: `seconds` of the machine's clock, the last step that was trained, what is begun."""

    seconds: float
    step: int
    phase: str


def marks(path: Path) -> list[Mark]:
    """All changes of phase that a process has told so far; a line that is being written is left out."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [Mark(float(seconds), int(step), phase) for seconds, step, phase in (line.split(" ", 2) for line in lines)]


def last(path: Path) -> Mark | None:
    """The last change of phase so far, at little cost."""
    with contextlib.suppress(FileNotFoundError, IndexError), open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 100))
        seconds, step, phase = file.read().decode().split("\n")[-2].split(" ", 2)
        return Mark(float(seconds), int(step), phase)
    return None


def observe(asked: dict) -> None:
    """Lets this process, which is about to train, tell its phases to the file `asked["path"]`.

    If there is a `phase` in `asked`, the kernel sends the process a signal (SIGKILL, or that of the number `signal`) so
    many `seconds` after it comes to that phase for the time numbered `time`, from 0 on: nobody else would strike within
    the millisecond that a line of the log takes.
    """
    from gan.runs import grids
    from gan.training import watch
    from gan.training.actions import Actions

    descriptor = os.open(asked["path"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    at, came = Mark(0.0, 0, START_UP), 0

    def tell(step: int, phase: str, begins: bool = True) -> None:
        nonlocal at, came
        at = Mark(time.monotonic(), step, phase)
        os.write(descriptor, f"{at.seconds:.6f} {step} {phase}\n".encode())
        if begins and phase == asked.get("phase"):
            came += 1
            if came == asked["time"] + 1:
                _signalled_in(asked["seconds"], asked.get("signal", signal.SIGKILL))

    def within(phase: str, function):
        @functools.wraps(function)
        def call(*arguments, **options):
            before = at
            tell(before.step, phase)
            try:
                return function(*arguments, **options)
            finally:
                tell(before.step, before.phase, begins=False)

        return call

    def trained(function):
        def call(self, step: int) -> None:
            tell(step, TRAINING)
            function(self, step)

        return call

    tell(0, START_UP)
    for name, phase in ACTIONS.items():
        setattr(Actions, name, within(phase, getattr(Actions, name)))
    grids.animate = within(ANIMATION, grids.animate)
    watch.Nobody.trained = trained(watch.Nobody.trained)


class _Event(ctypes.Structure):
    """The C library's `sigevent`."""

    _fields_ = [
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    ]


def _signalled_in(seconds: float, number: int) -> None:
    """Has the kernel send this process a signal after so many seconds, by a timer that nothing stops."""
    library, timer = ctypes.CDLL(None, use_errno=True), ctypes.c_void_p()
    event = _Event(number=number, notify=0)
    whole, nanoseconds = divmod(int(seconds * 1e9) + 1, 10**9)
    times = (ctypes.c_long * 4)(0, 0, whole, nanoseconds)  # once
    failed = library.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer))
    if failed or library.timer_settime(timer, 0, times, None):
        raise OSError(ctypes.get_errno(), "no timer")
