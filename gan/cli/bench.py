"""Measure the speed of training: against other settings, other frameworks, and the machine's own limit.

Runs the steps that bin/train would run, without logging and saving, in alternating windows. --against names what to
compare with, separated by commas, as often as you like. An item of the form name=value changes a setting, and all
those of one flag together make one contestant; an item without = is a rival, the same training step in another
framework, in a process of its own: keras, keras_jit, torch, torch_bfloat16, torch_compile, torch_compile_bfloat16.
Where a rival's mathematics is another one, a note says in what. Those of torch need PyTorch: GAN_TORCH_PYTHON in the
environment names a Python that has it, if this one has not.

With --to=metric:value it measures time to quality instead: each contestant is trained, from several seeds and one
training at a time, until an evaluation as good as that ends it, or --minutes of training (60). Stopped and started
again it goes on, and what was trained for one line serves for any other.

    bin/bench
    bin/bench --preset=article_corrected --against=convolution=direct
    bin/bench --against=keras,torch,torch_compile --out=bench.json
    bin/bench --batch_size=32 --against=batch_size=64 --against=batch_size=128
    bin/bench --preset=article_corrected --parts --host --roofline=roofline.png
    bin/bench --to=frechet_distance:2.0 --preset=modern --against=preset=dcgan --minutes=30 --curve=curve.png
"""

from gan.bench import asker
from gan.cli import command, settings, streams
from gan.cli.packages import flags
from gan.errors import UserError
from gan.jobs.requests import Bench, TimeToQuality, Trial
from gan.machine import startup

AGAINST = flags.DEFINE_multi_string("against", [], "what to compare with: rivals, or name=value[,name=value]")
ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds in each of which everything is measured once")
WINDOW_STEPS = flags.DEFINE_integer(
    "window_steps",
    None,
    "training steps of one measurement (default: 2, or as many as have a whole number of lazy penalties)",
)
CONTESTANT_SECONDS = flags.DEFINE_float(
    "contestant_seconds", 600.0, "a contestant that would take longer in all has fewer windows; a rival none"
)
PARTS = flags.DEFINE_boolean("parts", False, "also the share of a step by part, by TensorFlow's profiler")
LIMIT = flags.DEFINE_boolean(
    "limit", False, "also the time of the step's convolutions alone, with --against=torch by PyTorch too (minutes)"
)
ROOFLINE = flags.DEFINE_string("roofline", "", "PNG file: --limit against the machine's peaks (empty: none)")
HOST = flags.DEFINE_boolean("host", False, "also input, log, checkpoints; the start and memory of a bin/train")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")
OUT = flags.DEFINE_string("out", "", "JSON file for all measurements (empty: none)")
TO = flags.DEFINE_string("to", "", "metric:value; measure the time that trainings take to it (empty: measure speed)")
SEEDS = flags.DEFINE_integer("seeds", 3, "with --to: trainings of each contestant, from --seed on")
EVALUATE_EVERY_IMAGES = flags.DEFINE_integer(
    "evaluate_every_images", 10_000, "with --to: real images seen between two evaluations"
)
CURVE = flags.DEFINE_string("curve", "", "with --to: PNG file, the metric over the minutes (empty: none)")
WORKDIR = flags.DEFINE_string("workdir", "runs/time_to_quality", "with --to: folder of all trainings")
TRIAL = flags.DEFINE_string("trial", "", "with --to: only train on in this folder of one training")
settings.define()

_OF_SPEED = ("rounds", "window_steps", "contestant_seconds", "parts", "limit", "roofline", "host")
_OF_QUALITY = ("seeds", "evaluate_every_images", "curve", "workdir", "trial")
_OF_ALL_TRIALS = ("against", "out", "strict", *_OF_QUALITY[:-1])


def main() -> None:
    """Measures what the flags ask for; raises `UserError`."""
    for name in _OF_SPEED if TO.value else _OF_QUALITY:
        if flags.FLAGS[name].present:
            raise UserError(f"--{name} {'does not go with' if TO.value else 'is for'} --to; leave it out")
    if TRIAL.value:
        _train(_trial())
    elif TO.value:
        _measure_quality()
    else:
        _measure_speed()


def _measure_speed() -> None:
    request = Bench(
        settings=settings.explicit(),
        against=tuple(AGAINST.value),
        rounds=ROUNDS.value,
        window_steps=WINDOW_STEPS.value,
        contestant_seconds=CONTESTANT_SECONDS.value,
        parts=PARTS.value,
        limit=LIMIT.value,
        roofline=ROOFLINE.value,
        host=HOST.value,
        out=OUT.value,
        strict=STRICT.value,
    )
    streams.keep_free_for(request.out)
    startup.import_tensorflow()
    from gan.jobs import bench

    bench.run(request)


def _measure_quality() -> None:
    request = TimeToQuality(
        to=TO.value,
        settings=settings.explicit(),
        against=tuple(AGAINST.value),
        seeds=SEEDS.value,
        evaluate_every_images=EVALUATE_EVERY_IMAGES.value,
        workdir=WORKDIR.value,
        out=OUT.value,
        curve=CURVE.value,
        strict=STRICT.value,
    )
    streams.keep_free_for(request.out)
    startup.import_tensorflow()
    from gan.jobs import time_to_quality

    time_to_quality.run(request)


def _trial() -> Trial:
    """The training that is asked for; raises `UserError` for what its folder has decided."""
    given = settings.explicit()
    others = [name for name in _OF_ALL_TRIALS if flags.FLAGS[name].present]
    others += [name for name in given if name != "minutes"]
    if others:
        raise UserError(f"--{others[0]} does not go with --trial, whose folder says what it is; leave it out")
    return Trial(TRIAL.value, TO.value, **given)


def _train(request: Trial) -> None:
    asker.end_with_it()  # before anything that takes its time
    startup.import_tensorflow()
    from gan.jobs import trial

    trial.run(request)


if __name__ == "__main__":
    command.execute(main)
