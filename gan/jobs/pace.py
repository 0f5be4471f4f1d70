"""How many images a second would be trained on here: a few steps of a config, measured."""

import dataclasses
import time
from pathlib import Path
from typing import NamedTuple

from gan.bench import windows
from gan.data.memory import available_bytes
from gan.data.source import Source
from gan.machine import devices
from gan.settings import Config
from gan.training import cadence, cost, session

_SECONDS = 6.0  # of measuring, once the step is compiled
_SLOW = 1.0  # seconds of a step from which on they are measured one by one
_MEMORY = 0.5  # of what is free, for a step
_LEAST_BATCH = 4


class Pace(NamedTuple):
    """What was measured: images a second, in batches of so many, by a step that took so many seconds to compile."""

    images_per_second: float
    batch_size: int
    compile_seconds: float


def measure(config: Config, source: Source) -> Pace:
    """Trains some steps and forgets them; a smaller batch where memory would not do. Raises `UserError`."""
    machine = session.machine(config)
    game = session.game(config, source, machine)
    spectral = machine.numerics.convolution == "spectral"
    batch = config.batch_size
    while batch > _LEAST_BATCH and cost.step_bytes(game, batch, spectral) > _MEMORY * available_bytes():
        batch //= 2
    if batch != config.batch_size:
        config = dataclasses.replace(config, batch_size=batch)
        game = session.game(config, source, machine)
    with session.memory_errors():
        begin = time.perf_counter()
        run = session.prepare(config, source, machine, game, Path())
        windows.window(run, 1)
        compiled = time.perf_counter()
        step = windows.window(run, 1)
        every = config.penalty_every_steps if step < _SLOW else 1  # each window with as many penalties
        steps, seconds = 0, 0.0
        while seconds < _SECONDS and (steps < 2 * every or seconds < _SECONDS / 2):
            seconds += every * windows.window(run, every)
            steps += every
    images = steps * cadence.images_per_step(config)
    return Pace(images / seconds, batch, compiled - begin)


def where() -> str:
    """What was measured on."""
    return devices.description()
