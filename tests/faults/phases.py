"""What a training is at, told by the process itself to a file that outlives it.

`observe` is called in the process before the command begins (`before` of tests/commands.py). From then on each change
of phase is a line: the clock of the machine in seconds, the step, the phase.
"""

import functools
import os
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


def observe(path: str) -> None:
    """Lets this process, which is about to train, tell its phases to the file."""
    from gan.runs import grids
    from gan.training import watch
    from gan.training.actions import Actions

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    at = Mark(0.0, 0, START_UP)

    def tell(step: int, phase: str) -> None:
        nonlocal at
        at = Mark(time.monotonic(), step, phase)
        os.write(descriptor, f"{at.seconds:.6f} {step} {phase}\n".encode())

    def within(phase: str, function):
        @functools.wraps(function)
        def call(*arguments, **options):
            before = at
            tell(before.step, phase)
            try:
                return function(*arguments, **options)
            finally:
                tell(before.step, before.phase)

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
