"""One training that is measured to a quality: its folder, the process that trains in it, and what that came to.

trial.json   its settings, and the machine that it was begun on
run/         the run, as bin/train makes it
clock.jsonl  what it had taken at each evaluation
train.log    what the training said, since it was last started
"""

import dataclasses
import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gan import config as configs
from gan.bench import asker, clock, trainings
from gan.bench.lines import Line
from gan.bench.quality import Point
from gan.effects import without_effect
from gan.errors import UserError
from gan.evaluation import record
from gan.evaluation.record import Evaluation
from gan.settings import Config
from gan.storage.files import read_bytes, write_with_folders
from gan.training import cadence

_FACTS, _LOG, _CLOCK, _RUN = "trial.json", "train.log", "clock.jsonl", "run"
_FREE = {"minutes": 1e9, "steps": 0, "epochs": 0.0, "sample_every_steps": 0}  # the line ends it, or the limit
_DIGITS = 8
_SAME_MACHINE = ("processor", "vector_units", "cores", "devices")


class Trial(NamedTuple):
    """A training of a config, with its seed and with how it is evaluated, in a folder below `out`."""

    config: Config
    out: Path

    @property
    def folder(self) -> Path:
        """Where it is kept: whatever line it is to pass, a training of these settings goes on there."""
        told = vars(self.config) | {"seed": 0, "keep_best": ""}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_DIGITS]
        return self.out / f"{self.config.preset}-{digest}-seed{self.config.seed}"

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return self.folder / _RUN

    @property
    def clock(self) -> Path:
        """The file of its clock."""
        return self.folder / _CLOCK

    @property
    def log(self) -> Path:
        """The file of what it says."""
        return self.folder / _LOG


def config_of(given: Config, line: Line, seed: int, every_images: int, num: int) -> Config:
    """The config of a trial: it is evaluated every so many images by `num` generated ones, and has no end."""
    every = max(1, round(every_images / cadence.images_per_step(given)))
    evaluated = {"evaluate_every_steps": every, "evaluate_num": num, "keep_best": line.metric}
    return dataclasses.replace(given, seed=seed, **evaluated, **_FREE)


def facts(trial: Trial) -> dict[str, Any]:
    """What is known of a trial that was begun; {} of another. Raises `UserError` if the file is damaged."""
    return _read(trial.folder / _FACTS)


def tell(trial: Trial, **more: Any) -> None:
    """Keeps further facts; raises `StorageError`."""
    settings = {"settings": settings_of(trial.config)}
    text = json.dumps(facts(trial) | settings | more, indent=1)
    write_with_folders(trial.folder / _FACTS, text + "\n")


def of_folder(folder: Path) -> Trial:
    """The trial that is kept there; raises `UserError` if there is none."""
    kept = _read(folder / _FACTS)
    if not kept:
        raise UserError(f"{folder} holds no trial: bin/bench --to begins them")
    return Trial(configs.make(**kept["settings"]), folder.parent)


def settings_of(config: Config) -> dict[str, Any]:
    """The settings by which the config can be made again: those in which it is not as its preset."""
    idle = without_effect(config)
    values = {name: value for name, value in vars(config).items() if value != configs.of_preset(name, config)}
    return {"preset": config.preset} | {name: value for name, value in values.items() if name not in idle}


def check_machine(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises `UserError` if a trial that was begun on another machine would go on here."""
    changed = [f"{name}: {before.get(name)} -> {now[name]}" for name in _SAME_MACHINE if before.get(name) != now[name]]
    if changed:
        raise UserError(f"it was begun on another machine ({'; '.join(changed)}); give another --workdir")


def evaluations(trial: Trial) -> list[Evaluation]:
    """Those of its run by which it is measured."""
    num = trial.config.evaluate_num
    return [each for each in record.read(trial.run) if each.in_training and each.key.num == num]


def points(trial: Trial) -> list[Point]:
    """What it went through, in order, at every evaluation that was its turn; one more may have been at the end.

    Raises `UserError` if it was not measured in one way throughout.
    """
    metric, per_step = trial.config.keep_best, cadence.images_per_step(trial.config)
    measured = evaluations(trial)
    if len({(each.key.extractor, each.key.data) for each in measured}) > 1:
        raise UserError(
            f"{trial.run} was measured by several classifiers; the cache was lost meanwhile: give another --workdir"
        )
    values = {each.key.step: each.metrics.get(metric) for each in measured if is_in_turn(trial, each.key.step)}
    spent = [row for row in clock.rows_of(trial.clock) if row.step in values]
    return [Point(row, row.step * per_step, values[row.step]) for row in spent]


def is_in_turn(trial: Trial, step: int) -> bool:
    """Whether a step is one of those after which every trial like this is evaluated."""
    return step % trial.config.evaluate_every_steps == 0


def seconds(trial: Trial) -> float:
    """So long it has trained, as far as its clock has kept it."""
    return max((row.seconds for row in clock.rows_of(trial.clock)), default=0.0)


def floor(trial: Trial) -> float | None:
    """The metric of real images, if any evaluation has it."""
    found = (each.floor.get(trial.config.keep_best) for each in evaluations(trial))
    return next((value for value in found if value is not None), None)


def started(trial: Trial, line: Line, minutes: float) -> subprocess.Popen:
    """A process that trains it from where it is to the line, or until it has trained for so many minutes in all.

    Infinitely many minutes are no limit.
    It has a session of its own, so that it is stopped by whoever started it, or by that one's end, and by nobody else.
    """
    limit = 0.0 if minutes == math.inf else minutes
    flags = [f"--trial={trial.folder}", f"--to={line.metric}:{line.value!r}", f"--minutes={limit!r}"]
    environment = trainings.environment() | asker.named()
    command = [sys.executable, "-m", "gan.cli.bench", *flags]
    return trainings.started(command, trial.log, env=environment, start_new_session=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(read_bytes(path))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path} is damaged; remove the folder to begin that training anew") from error
