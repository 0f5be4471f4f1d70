"""Time to quality: how long trainings take until an evaluation passes a line, each config over several seeds."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan import build
from gan.bench import contestants, lines, quality, trainings, trial
from gan.bench.lines import Line
from gan.bench.quality import Outcome
from gan.bench.trial import Trial
from gan.data.source import Source
from gan.errors import DivergedError, UserError
from gan.evaluation import comparison, in_training
from gan.jobs import accounts, quality_tables
from gan.jobs.requests import TimeToQuality as Request
from gan.pictures import courses
from gan.storage.files import write_with_folders

Report = dict[str, Any]

_LOOK_SECONDS = 1.0  # between two looks at a training
_BY_SIGNAL = 128  # a code beyond it is that of a process which ended itself by the signal of so many more


def run(request: Request) -> Report:
    """Trains what is missing, prints a line for each evaluation and a table, and returns all of it.

    Raises `UserError` for what cannot be trained or measured, and `StorageError`.
    """
    line, minutes = lines.parsed(request.to), request.limit
    trials = _trials(request, line)
    print(quality_tables.heading(line, minutes, trials), flush=True)
    ended: dict[str, list[Outcome]] = {name: [] for name in trials}
    for turn in range(request.seeds):  # seed by seed, so that whenever it is stopped all have had as many
        for name, of in trials.items():
            ended[name].append(_ended(name, of[turn], line, minutes))
            print(quality_tables.ended(name, of[turn], ended[name][-1]), flush=True)
    report = {"command": sys.argv} | quality_tables.as_json(line, minutes, trials, ended)
    print(f"\n{quality_tables.table(trials, ended)}")
    print("".join(f"note: {note}\n" for note in report["notes"]), end="")
    if request.curve:
        drawn = [courses.Course(name, _curve(each, minutes)) for name, of in trials.items() for each in of]
        courses.write_courses(request.curve, drawn, line.metric, line.value, f"time to {line.metric} {line.value:g}")
        print(request.curve)
    if request.out:
        write_with_folders(request.out, json.dumps(report, indent=1).encode())
    return report


def _trials(request: Request, line: Line) -> dict[str, list[Trial]]:
    """The trials of each contestant by its name, seed by seed; raises `UserError` for what cannot be measured."""
    asked, out = contestants.of(request.settings, request.against, apart=True), Path(request.workdir)
    given = asked.given
    source = build.source(given)
    accounts.tell(given, source, request.strict)
    num = given.evaluate_num
    if "evaluate_num" not in request.settings:  # as bin/evaluate has it
        num = comparison.wanted_num(build.splits(given), comparison.PROTOCOLS["lucic"])
    trials = {}
    for name, config in contestants.named(asked).items():
        seeds = range(config.seed, config.seed + request.seeds)
        configs = [trial.config_of(config, line, seed, request.evaluate_every_images, num) for seed in seeds]
        trials[name] = [Trial(each, out) for each in configs]
        _check_apart(trials, name)
        _check(trials[name][0], source, line)
    return trials


def _check_apart(trials: Mapping[str, list[Trial]], name: str) -> None:
    """Raises `UserError` if the newest contestant would train in the folders of another: they are one training."""
    for other, of in trials.items():
        if other != name and of[0].folder == trials[name][0].folder:
            raise UserError(f"--against={name} is trained as {other} is; leave it out")


def _check(first: Trial, source: Source, line: Line) -> None:
    """Raises `UserError` if no training like this could be measured, or reach the line."""
    lines.check_classes(line, source.num_classes)
    try:
        in_training.check(first.config, source, first.run)
    except UserError as error:
        raise UserError(str(error).replace(f"--keep_best={line.metric}", f"--to={line}")) from None


def _ended(name: str, of: Trial, line: Line, minutes: float) -> Outcome:
    """How a trial ended: as it did before, or by training it from where it is; prints its evaluations as they come."""

    def found() -> Outcome | None:
        return quality.outcome(trial.points(of), trial.seconds(of), line, 60 * minutes, "diverged" in trial.facts(of))

    if not (outcome := found()):
        trial.tell(of)
        _train(name, of, line, minutes)
        outcome = found()
    if not outcome:
        raise UserError(f"{name}, seed {of.config.seed}: it ended before the line and the limit; see {of.log}")
    return outcome


def _train(name: str, of: Trial, line: Line, minutes: float) -> None:
    """Trains it in a process of its own, which is stopped with this one; raises `UserError` if it fails."""
    shown = len(quality.within(trial.points(of), 60 * minutes))
    process = trial.started(of, line, minutes)
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
            points = quality.within(trial.points(of), 60 * minutes)
            for point in points[shown:]:
                print(quality_tables.point(name, of, point), flush=True)
            shown = len(points)
    finally:
        if process.poll() is None:
            process.terminate()  # it saves first
            process.wait()
    if process.returncode == DivergedError.exit_code:
        trial.tell(of, diverged=trainings.last_words(of.log.read_text(errors="replace")))
    elif process.returncode:
        raise UserError(f"{name}, seed {of.config.seed}: {_why(process.returncode, of)} (all of it: {of.log})")


def _why(code: int, of: Trial) -> str:
    """Why a training ended with a code that is not 0: a signal, after which the log may end anywhere, or as it said."""
    number = -code if code < 0 else code - _BY_SIGNAL
    if number not in set(signal.Signals):
        return trainings.last_words(of.log.read_text(errors="replace"))
    hint = "; the memory may have been too small for it" * (number == signal.SIGKILL)
    return f"it was ended by {signal.Signals(number).name}{hint}; start again to go on"


def _curve(of: Trial, minutes: float) -> list[tuple[float, float | None]]:
    """(minutes of training, value) of each evaluation that counts."""
    return [(point.spent.seconds / 60, point.value) for point in quality.within(trial.points(of), 60 * minutes)]
