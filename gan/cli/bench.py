"""Measure the speed of training: against other settings, other frameworks, and the machine's own limit.

Runs the steps that bin/train would run, without logging and saving, in alternating windows. --against names what to
compare with, separated by commas, as often as you like. An item of the form name=value changes a setting, and all
those of one flag together make one contestant; an item without = is a reference, the article's training step in
another framework, in a process of its own: keras, keras_jit, torch, torch_bfloat16, torch_compile,
torch_compile_bfloat16. References compute the mathematics of --preset=article_corrected and need a checkout of the
repository; those of torch need PyTorch.

    bin/bench
    bin/bench --preset=article_corrected --against=convolution=direct
    bin/bench --preset=article_corrected --against=keras,torch --out=bench.json
    bin/bench --batch_size=32 --against=batch_size=64 --against=batch_size=128
    bin/bench --preset=article_corrected --parts --host --roofline=roofline.png
"""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import flags

from gan import config as configs
from gan.bench import rivals
from gan.cli import bench_tables, command, settings
from gan.config import Config
from gan.errors import UserError

AGAINST = flags.DEFINE_multi_string("against", [], "what to compare with: references, or name=value[,name=value]")
ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds in each of which everything is measured once")
WINDOW_STEPS = flags.DEFINE_integer("window_steps", 2, "training steps of one measurement")
CONTESTANT_SECONDS = flags.DEFINE_float(
    "contestant_seconds", 600.0, "a contestant that would take longer in all has fewer windows; a reference none"
)
PARTS = flags.DEFINE_boolean("parts", False, "also the share of a step by part, by TensorFlow's profiler")
LIMIT = flags.DEFINE_boolean("limit", False, "also the time of the step's convolutions alone (some twenty steps' time)")
ROOFLINE = flags.DEFINE_string("roofline", "", "PNG file: --limit against the machine's peaks (empty: none)")
HOST = flags.DEFINE_boolean("host", False, "also input, log, checkpoints; the first step and memory of a new process")
OUT = flags.DEFINE_string("out", "", "JSON file for all measurements (empty: none)")
FIRST_STEP = flags.DEFINE_boolean(
    "first_step", False, "only print how long a first step takes after TensorFlow's import"
)
settings.define()

AS_GIVEN = "as given"
_BOOLEANS = {"true": True, "false": False}
_ONCE_A_PROCESS = ("threads", "logical_cpus", "strategy")


def main() -> None:
    """Measures and prints tables; raises `UserError`."""
    if ROUNDS.value < 1 or WINDOW_STEPS.value < 1 or not CONTESTANT_SECONDS.value > 0:
        raise UserError("--rounds and --window_steps must be at least 1, --contestant_seconds above 0")
    given = settings.config()
    variants, names = _contestants(AGAINST.value)
    command.import_tensorflow()
    if FIRST_STEP.value:
        _first_step(given)
        return
    report = _measured({AS_GIVEN: given} | variants, names)
    if OUT.value:
        from gan.storage.files import write_atomically

        write_atomically(OUT.value, json.dumps(report, indent=1).encode())


def _measured(variants: dict[str, Config], names: list[str]) -> dict[str, Any]:
    """Runs and prints everything; returns all of it."""
    import tensorflow as tf

    from gan import build
    from gan.bench import windows
    from gan.machine import devices, environment, versions
    from gan.training import cadence, replicas, session

    tf.get_logger().setLevel("ERROR")  # that each contestant is traced is as it should be
    first = variants[AS_GIVEN]
    source = build.source(first)
    machine = session.machine(first)
    runs = {}
    for name, config in variants.items():
        on = machine._replace(numerics=devices.resolve(config))
        replicas.check_batch(config.batch_size, on.replicas)
        game = session.game(config, source, on)
        with session.memory_errors():
            runs[name] = session.prepare(config, source, on, game, Path())
    ours = {name: lambda steps, run=run: windows.window(run, steps) for name, run in runs.items()}
    report = {
        "command": sys.argv,
        "machine": environment.machine(),
        "versions": versions.everything(),
        "numerics": machine.fingerprint,
        "data": source.name,
        "settings": vars(first),
        "window_steps": WINDOW_STEPS.value,
    }
    with _started(names, first, source) as others:
        seconds = windows.alternate(
            ours | {name: other.run for name, other in others.items()},
            ROUNDS.value,
            WINDOW_STEPS.value,
            CONTESTANT_SECONDS.value,
        )
        report["references"] = {name: other.facts | {"peak_bytes": other.peak_bytes} for name, other in others.items()}
    timings = windows.compared(seconds)
    images = {name: cadence.images_per_step(variants.get(name, first)) for name in seconds}
    report |= {"seconds_per_step": seconds, "notes": _notes(first, names)}
    report["timings"] = {name: bench_tables.as_json(timing) for name, timing in timings.items()}
    print(bench_tables.heading(report, machine.numerics))
    print(bench_tables.timings(timings, images, CONTESTANT_SECONDS.value, list(seconds)))
    print("".join(f"note: {note}\n" for note in report["notes"]), end="")
    report |= _asked_for(runs[AS_GIVEN], source, machine, timings[AS_GIVEN].seconds.median)
    return report


def _asked_for(run, source, machine, step_seconds: float) -> dict[str, Any]:
    """What --parts, --limit, --roofline and --host ask for, printed and returned."""
    from gan.bench import host_costs, parts, windows

    found = {}
    if PARTS.value:
        parts = parts.measure(lambda steps: windows.window(run, steps), WINDOW_STEPS.value)
        print(f"\n{bench_tables.parts(parts, step_seconds)}")
        found["parts"] = bench_tables.as_json(parts)
    if LIMIT.value or ROOFLINE.value:
        found |= _limit(run, source, machine)
    if HOST.value:
        costs = host_costs.measure(run)
        given = [f"--{name}={value}" for name, value in settings.explicit().items()]
        start = host_costs.first_step(given)
        print(f"\n{bench_tables.host(costs, start, step_seconds)}")
        found["host"] = {"seconds": costs, "start": start}
    return found


def _limit(run, source, machine) -> dict[str, Any]:
    """Measures the convolutions alone, prints them and draws the picture."""
    from gan import build
    from gan.bench import convolution_work, limit, roofline, windows
    from gan.machine import devices
    from gan.training import session

    dtype = build.DTYPES[machine.numerics.precision]
    with session.memory_errors():
        work = convolution_work.of_step(run.config, source, machine)
        best = limit.measure(work, dtype, lambda: windows.window(run, 1))
    print(f"\n{bench_tables.limit(work, best)}")
    found = {"limit": bench_tables.limit_json(work, best)}
    if ROOFLINE.value:
        roof = roofline.measure(dtype)
        dots = roofline.points(work, best, dtype)
        title = f"{run.config.preset}, batch {run.config.batch_size}, {dtype.name}: {devices.description()}"
        roofline.draw(ROOFLINE.value, roof, dots, title)
        print(ROOFLINE.value)
        found["roofline"] = {"roof": roof._asdict(), "points": [dot._asdict() for dot in dots]}
    return found


def _first_step(config: Config) -> None:
    """Prints as JSON how long this process takes from here to its first step's end, and its memory after two more."""
    begin = time.perf_counter()
    from gan import build
    from gan.bench import host_costs, windows
    from gan.training import session

    source = build.source(config)
    machine = session.machine(config)
    run = session.prepare(config, source, machine, session.game(config, source, machine), Path())
    windows.window(run, 1)
    seconds = time.perf_counter() - begin
    windows.window(run, 2)
    print(json.dumps({"first_step_seconds": seconds, "peak_bytes": host_costs.peak_bytes()}))


@contextlib.contextmanager
def _started(names: list[str], config: Config, source) -> Iterator[dict]:
    """The processes of the references, which end with the context."""
    import numpy as np

    with contextlib.ExitStack() as stack:
        others = {}
        if names:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gan-bench-")))
            rivals.check(names[0], source.image_shape)
            images, _ = source.read(np.arange(min(source.num_examples, 1 << 13)))
            np.save(folder / "images.npy", images)
        for name in names:
            arguments = rivals.command(name, config, folder / "images.npy")
            reference = rivals.Reference(name, arguments, CONTESTANT_SECONDS.value)
            others[name] = stack.enter_context(reference)
        yield others


def _notes(config: Config, names: list[str]) -> list[str]:
    """What a reader must know of the comparison with references."""
    differences = rivals.other_mathematics(config) if names else []
    if not differences:
        return []
    theirs = f"{', '.join(names)}: the mathematics of --preset={rivals.PRESET}, not that of these settings"
    return [f"{theirs} ({'; '.join(differences)})"]


def _contestants(texts: list[str]) -> tuple[dict[str, Config], list[str]]:
    """The configs by their text and the names of references that the --against flags ask for."""
    variants, names = {}, []
    for text in texts:
        items = [item.strip() for item in text.split(",")]
        names += [item for item in items if item in rivals.PROGRAMS and item not in names]
        changes = [item for item in items if item not in rivals.PROGRAMS]
        if changes:
            variants[",".join(changes)] = _variant(text, changes)
    for name in names:
        rivals.check_program(name)
    return variants, names


def _variant(text: str, items: list[str]) -> Config:
    """The config given by the flags with the settings of `items` changed."""
    changed = {}
    for item in items:
        name, equals, value = item.partition("=")
        field = configs.fields().get(name)
        if not equals or field is None or name in _ONCE_A_PROCESS or field.metadata["group"] == "data":
            known = ", ".join(rivals.PROGRAMS)
            raise UserError(
                f"--against={text}: {item!r} is not a setting=value that one process can compare, nor one of {known}"
            )
        try:
            changed[name] = _BOOLEANS[value.lower()] if field.type is bool else field.type(value)
        except (KeyError, ValueError):
            raise UserError(f"--against={text}: {value!r} is not of type {field.type.__name__}") from None
    if "preset" in changed:
        return configs.make(**settings.explicit() | changed)
    return configs.changed(configs.make(**settings.explicit()), **changed)


if __name__ == "__main__":
    command.execute(main)
