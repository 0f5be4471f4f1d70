"""The limit of a step, measured, as a table and, if it is asked for, as a roofline."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from gan import build
from gan.bench import convolution_work, lanes, libraries, limit, repeated, roofline, windows
from gan.bench.convolution_work import Work
from gan.bench.lanes import Lanes
from gan.bench.limit import Limit, Ways
from gan.data.source import Source
from gan.jobs import bench_tables
from gan.machine import devices
from gan.networks.convolutions import CONVOLVERS
from gan.training import cadence, session
from gan.training.run import Run
from gan.training.session import Machine


def measured(picture: str, ours: Run, source: Source, machine: Machine, others: Sequence[str]) -> dict[str, Any]:
    """Measures the convolutions alone, prints them and draws the picture, if one is asked for.

    Of the rivals compared with (`others`), those in PyTorch lend its convolutions.
    """
    dtype = build.DTYPES[machine.numerics.precision]
    where = lanes.of_process(machine.placement.extended.worker_devices)
    with session.memory_errors(), _ways(dtype, where, others) as ways:
        work = convolution_work.of_step(ours.config, source, machine)
        best = limit.measure(work, ways, functools.partial(windows.window, ours), cadence.period(ours.config))
    print(f"\n{bench_tables.limit(work, best, where)}")
    found = {"limit": bench_tables.limit_json(work, best, where)}
    if picture:
        found["roofline"] = _drawn(picture, ours, work, best, dtype, where)
        print(picture)
    return found


@contextlib.contextmanager
def _ways(dtype: tf.DType, where: Lanes, others: Sequence[str]) -> Iterator[Ways]:
    """How passes are computed: by the engine's routes, and by the library of one of the rivals if it has one."""
    with contextlib.ExitStack() as stack:
        library = libraries.of(others)
        process = (
            stack.enter_context(libraries.Convolutions(library, dtype.name, len(where.devices))) if library else None
        )

        def ways(convolution, kinds):
            found = {
                name: repeated.repeated(route, convolution, kinds, dtype, where) for name, route in CONVOLVERS.items()
            }
            return found | ({process.name: process.repeated(convolution, kinds)} if process else {})

        yield ways


def _drawn(picture: str, ours: Run, work: Work, best: Limit, dtype: tf.DType, where: Lanes) -> dict[str, Any]:
    """Draws the roofline; returns it as values."""
    roof = roofline.measure(dtype, where)
    dots = roofline.points(work, best, dtype, len(where.devices))
    title = f"{ours.config.preset}, batch {ours.config.batch_size}, {dtype.name}: {devices.description()}"
    roofline.write_roofline(picture, roof, dots, title)
    return {"roof": roof._asdict(), "points": [dot._asdict() for dot in dots]}
