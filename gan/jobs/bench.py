"""Benchmarks: the speed of training against others, and where the time of a step goes."""

import contextlib
import functools
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan import build
from gan.bench import contestants, host_costs, parts, twins, windows
from gan.bench.contestants import AS_GIVEN, Contestants
from gan.bench.rivals import Rival
from gan.data.source import Source
from gan.jobs import accounts, bench_limit, bench_tables
from gan.jobs.requests import Bench as Request
from gan.machine import devices, environment, sharing, versions
from gan.settings import Config
from gan.storage.files import write_with_folders
from gan.training import cadence, replicas, session
from gan.training.run import Run
from gan.training.session import Machine

Report = dict[str, Any]

_LEAST_STEPS = 2  # of a window


def run(request: Request) -> Report:
    """Measures what is asked for, prints tables and returns all of it, as the JSON file has it.

    Raises `UserError` for what cannot be measured, and `StorageError`.
    """
    report = _measured(request, contestants.of(request.settings, request.against))
    if request.out:
        write_with_folders(request.out, json.dumps(report, indent=1).encode())
    return report


def _measured(request: Request, asked: Contestants) -> Report:
    """Runs and prints everything; returns all of it."""
    tf.get_logger().setLevel("ERROR")  # that each contestant is traced is as it should be
    config, source = asked.given, build.source(asked.given)
    steps = request.window_steps or _period(asked) * -(-_LEAST_STEPS // _period(asked))
    accounts.tell(config, source, request.strict)
    machine = session.machine(config)
    runs = _prepared(asked.variants, _sources(asked.variants, source), machine)
    report = {
        "command": sys.argv,
        "machine": environment.machine(),
        "versions": versions.everything(),
        "numerics": machine.fingerprint,
        "data": source.name,
        "settings": vars(config),
        "window_steps": steps,
    }
    seconds, report["references"] = _raced(request, asked, runs, source, steps)
    timings = windows.compared(seconds)
    images = {name: cadence.images_per_step(asked.variants.get(name, config)) for name in seconds}
    report |= {"seconds_per_step": seconds, "notes": _notes(asked, steps)}
    report["timings"] = {name: bench_tables.as_json(timing) for name, timing in timings.items()}
    print(bench_tables.heading(report, machine.numerics))
    print(bench_tables.timings(timings, images, request.contestant_seconds, list(seconds)))
    print("".join(f"note: {note}\n" for note in report["notes"]), end="")
    seconds = timings[AS_GIVEN].seconds.median
    return report | _dissected(request, runs[AS_GIVEN], source, machine, asked.rivals, steps, seconds)


def _period(asked: Contestants) -> int:
    """The least number of steps in which every contestant computes its lazy penalties as often as in any other."""
    return math.lcm(*map(cadence.period, asked.variants.values()))


def _sources(variants: Mapping[str, Config], source: Source) -> dict[str, Source]:
    """The images of each config, the first of which has those of `source`; opened once for each way of holding them."""
    opened = {variants[AS_GIVEN].data_in_memory: source}
    for config in variants.values():
        if config.data_in_memory not in opened:
            opened[config.data_in_memory] = build.source(config)
    return {name: opened[config.data_in_memory] for name, config in variants.items()}


def _prepared(variants: Mapping[str, Config], sources: Mapping[str, Source], machine: Machine) -> dict[str, Run]:
    """A run of each config, ready for its first step."""
    runs = {}
    for name, config in variants.items():
        source = sources[name]
        on = machine._replace(numerics=devices.resolve(config))
        replicas.check_batch(config.batch_size, on.replicas)
        game = session.game(config, source, on)
        with session.memory_errors():
            runs[name] = session.prepare(config, source, on, game, Path())
    return runs


def _raced(
    request: Request, asked: Contestants, runs: Mapping[str, Run], source: Source, steps: int
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """(seconds a step of each window by contestant, facts of the rivals), in alternating windows."""
    ours = {name: functools.partial(windows.window, prepared) for name, prepared in runs.items()}
    with _started(asked.rivals, asked.given, source, request.contestant_seconds) as others:
        theirs = {name: other.run for name, other in others.items()}
        seconds = windows.alternate(ours | theirs, request.rounds, steps, request.contestant_seconds)
        return seconds, {name: other.facts | {"peak_bytes": other.peak_bytes} for name, other in others.items()}


def _dissected(
    request: Request, ours: Run, source: Source, machine: Machine, rivals: list[str], steps: int, step_seconds: float
) -> Report:
    """What --parts, --limit, --roofline and --host ask for, printed and returned; a step takes `step_seconds`."""
    found: Report = {}
    if request.parts:
        shares = parts.measure(lambda n: windows.window(ours, n), steps)
        print(f"\n{bench_tables.parts(shares, step_seconds)}")
        found["parts"] = bench_tables.as_json(shares)
    if request.limit or request.roofline:
        found |= bench_limit.measured(request.roofline, ours, source, machine, rivals)
    if request.host:
        costs = host_costs.measure(ours)
        start = host_costs.start([f"--{name}={value}" for name, value in request.settings.items()])
        print(f"\n{bench_tables.host(costs, start, step_seconds)}")
        found["host"] = {"seconds": costs, "start": start}
    return found


@contextlib.contextmanager
def _started(names: list[str], config: Config, source: Source, limit_seconds: float) -> Iterator[dict[str, Rival]]:
    """The processes of the rivals, which end with the context."""
    with contextlib.ExitStack() as stack:
        others = {}
        if names:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gan-bench-")))
            files = folder / "images.npy", folder / "labels.npy"
            for file, values in zip(files, source.read(np.arange(min(source.num_examples, 1 << 13))), strict=True):
                np.save(file, values)
        for name in names:
            line = twins.command(name, config, *files, source.num_classes)
            others[name] = stack.enter_context(Rival(name, line, limit_seconds))
        yield others


def _notes(asked: Contestants, steps: int) -> list[str]:
    """What a reader must know of windows of so many steps, and of the comparison with rivals."""
    notes, period = twins.notes(asked.rivals, asked.given), _period(asked)
    if steps % period:
        notes.append(
            f"a window of {steps} steps may have a lazy penalty more than the next; those of {period} are alike"
        )
    there = {name: sharing.chosen(config, bool(devices.gpus())) for name, config in asked.variants.items()}
    notes += [
        f"{name}: bin/train would share the cores otherwise; here it has the threads and replicas of the first: give "
        "--threads for both, or measure it alone"
        for name, wanted in there.items()
        if wanted != there[AS_GIVEN]
    ]
    return notes
