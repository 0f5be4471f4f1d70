"""Measure the speed of training, and of other settings against it.

Runs the steps that bin/train would run, without logging and saving, in alternating windows; --against gives settings to
compare with, separated by commas, as often as you like:

    bin/bench
    bin/bench --preset=article_corrected --against=convolution=direct
    bin/bench --batch_size=32 --against=batch_size=64 --against=batch_size=128
"""

import json
from pathlib import Path

from absl import flags

from gan import config as configs
from gan.cli import command, settings
from gan.config import Config
from gan.errors import UserError

AGAINST = flags.DEFINE_multi_string("against", [], "settings to compare with: name=value[,name=value]; repeat the flag")
ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds in each of which everything is measured once")
WINDOW_STEPS = flags.DEFINE_integer("window_steps", 2, "training steps of one measurement")
OUT = flags.DEFINE_string("out", "", "JSON file for all measurements (empty: none)")
settings.define()

_ONCE_A_PROCESS = ("threads", "logical_cpus", "strategy")


def main() -> None:
    """Measures and prints a table; raises `UserError`."""
    if ROUNDS.value < 1 or WINDOW_STEPS.value < 1:
        raise UserError("--rounds and --window_steps must be at least 1")
    variants = {"as given": settings.config()} | {text: _variant(text) for text in AGAINST.value}
    command.import_tensorflow()
    from gan import build
    from gan.engine import benchmark, devices, session

    first = next(iter(variants.values()))
    source = build.source(first)
    machine = session.machine(first)

    def contestant(config: Config):
        on = machine._replace(numerics=devices.resolve(config))
        with session.memory_errors():
            run = session.prepare(config, source, on, build.game(config, source.image_shape, on.numerics), Path())
        return lambda: benchmark.window(run, WINDOW_STEPS.value)

    seconds = benchmark.alternate({name: contestant(config) for name, config in variants.items()}, ROUNDS.value)
    timings = benchmark.compared(seconds)
    print(f"{devices.description()}; {source.name}; {ROUNDS.value} rounds of {WINDOW_STEPS.value} steps")
    print(f"{'settings':<32}{'s a step':>10}{'least':>9}{'greatest':>9}{'images/s':>10}{'speed':>8}")
    for name, timing in timings.items():
        images = _images(variants[name])
        print(
            f"{name:<32}{timing.median:>10.3f}{timing.least:>9.3f}{timing.greatest:>9.3f}"
            f"{images / timing.median:>10.1f}{timing.speedup * images / _images(first):>7.2f}x"
        )
    if OUT.value:
        Path(OUT.value).write_text(json.dumps({"machine": machine.fingerprint, "seconds_per_step": seconds}, indent=1))


def _images(config: Config) -> int:
    """Real images of one step."""
    return config.batch_size * config.d_steps


def _variant(text: str) -> Config:
    """The config given by the flags with the settings of `text` changed."""
    changed = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        field = configs.fields().get(name)
        if not equals or field is None or name in _ONCE_A_PROCESS or field.metadata["group"] == "data":
            raise UserError(
                f"--against={text}: {part!r} is not a setting=value that one process can compare; see --help"
            )
        try:
            changed[name] = field.type(value)
        except ValueError:
            raise UserError(f"--against={text}: {value!r} is not of type {field.type.__name__}") from None
    return configs.make(**settings.explicit() | changed)


if __name__ == "__main__":
    command.execute(main)
