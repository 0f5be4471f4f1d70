"""Training: a run begun or continued, to its end, a signal or the clock."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gan import build, paths
from gan import config as configs
from gan.core.game import Game
from gan.data import account
from gan.data.source import Source
from gan.evaluation import in_training
from gan.jobs import accounts, train_summary, workers
from gan.jobs.asked import Settings
from gan.jobs.notices import warn, warn_of_data
from gan.jobs.requests import Train as Request
from gan.runs import checkpoint, exactness, workdir
from gan.runs import origin as origins
from gan.runs.checkpoint import Restored
from gan.runs.exactness import Breach
from gan.runs.lock import Lock
from gan.runs.origin import Origin
from gan.settings import Config, group
from gan.storage.files import check_place
from gan.training import cadence, fine_tuning, loop, session
from gan.training.run import Run
from gan.training.session import Machine
from gan.training.team import Team


class Result(NamedTuple):
    """Where the run is and how far it came: steps, and the real images that they took."""

    folder: Path
    step: int
    images: int


class _Start(NamedTuple):
    """What a start trains: the run's folder, the config of the run as it goes on, the data, what it begins with."""

    folder: Path
    config: Config
    source: Source
    origin: Origin | None


Watched = Callable[[Run, Restored | None], Run]


def run(request: Request, watched: Watched | None = None) -> Result | None:
    """Trains, and prints what it does; None after a dry run, and of a worker that follows.

    `watched` may give the run a watch before it begins.

    Raises `UserError` for what cannot be trained, `BusyError` if another trainer has the folder, `DivergedError`,
    `StorageError`, `LostPeerError`, and `Preempted` after a signal, when the state has been saved.
    """
    with workers.joined(request) as team:
        if team.is_chief:
            return _led(workers.adapted(request, team), team, watched)
        return workers.follow(request, team)


def _led(request: Request, team: Team, watched: Watched | None) -> Result | None:
    """The run as it is trained by the process that has its folder: alone, or as the chief of several workers."""
    ready = _checked(request, team)
    folder, config, facts = ready.folder, ready.config, ready.facts
    if request.dry_run:
        warn(*workdir.check_run(folder, config, facts, request.override))
        check_place(folder)
        print("dry run: everything was checked; nothing was trained")
        team.lead()
        team.leave()
        return None
    with Lock(folder):
        warn(*workdir.check_run(folder, config, facts, request.override))
        team.lead()  # the others go on
        with session.memory_errors():
            prepared, restored, inexact = _prepared(request, ready)
            del ready  # what it begins with is as large as the state and more
            prepared = watched(prepared, restored) if watched else prepared
            step = _trained(prepared, restored, inexact)
    return Result(folder, step, step * cadence.images_per_step(config))


class _Ready(NamedTuple):
    """All that a run is made of, checked; `facts` are those that config.json is to keep."""

    folder: Path
    config: Config
    source: Source
    machine: Machine
    game: Game
    beginning: fine_tuning.Beginning | None
    facts: dict[str, Any]


def _checked(request: Request, team: Team) -> _Ready:
    """The start, once everything is known to go together; prints the summary, and writes nothing."""
    folder, config, source, origin = _start(request)
    team.lead(config)
    found, warnings = accounts.made(config, source)
    if request.strict and warnings:
        print(accounts.text(found), flush=True)
        warn_of_data(warnings, strict=True)
    in_training.check(config, source, folder)
    team.compare("data", session.identity(source))
    machine = session.machine(config, folder, team)
    team.compare("numerics", machine.fingerprint)
    if request.exact:  # before anything is written; what is restored is looked at once more
        workdir.check_folder(folder)
        newest = checkpoint.newest(folder / workdir.CHECKPOINTS)
        exactness.check(folder, exactness.found(folder, config, machine.fingerprint, *newest))
    game = session.game(config, source, machine)
    beginning = fine_tuning.begin(config, game, source.class_names, origin) if origin else None
    facts = session.data_facts(config, source) | {"account": account.as_json(found) | {"warnings": warnings}}
    facts |= beginning.facts if beginning else session.begun_with(folder)
    print(train_summary.summary(config, folder, source, found, machine, game), flush=True)
    print(train_summary.begun_with(facts, beginning), end="", flush=True)
    warn(*warnings, train_summary.memory_warning(config, machine, game), *(beginning.warnings if beginning else ()))
    return _Ready(folder, config, source, machine, game, beginning, facts)


def _prepared(request: Request, ready: _Ready) -> tuple[Run, Restored | None, list[Breach]]:
    """(the run at the step that it goes on from, what was restored, what keeps it from exactness); opens its folder."""
    folder, config, source, machine, game, beginning, facts = ready
    prepared = session.prepare(config, source, machine, game, folder, beginning and beginning.state)
    restored = session.restore(prepared)  # before anything is written: if it fails, all is as it was
    inexact = exactness.found(folder, config, machine.fingerprint, *(restored[:2] if restored else ()))
    if request.exact:
        exactness.check(folder, inexact)
    at, kept = restored.step if restored else 0, exactness.as_json(inexact)
    workdir.open_run(folder, config, facts, request.override, machine.fingerprint, at, kept)
    prepared = prepared._replace(facts=prepared.facts | {exactness.FACT: kept})
    if beginning and not restored:
        session.save_beginning(prepared)
    return prepared, restored, inexact


def _trained(prepared: Run, restored: Restored | None, inexact: list[Breach]) -> int:
    """Trains to the end from what was restored, or from the beginning; says where that is. Returns the last step.

    It says, too, whether the bits are those of an undisturbed run, by what is `inexact`.
    """
    if restored:
        warn(*restored.skipped, exactness.warning(restored.facts, prepared.facts[exactness.FINGERPRINT]))
    is_complete = bool(restored) and loop.is_complete(prepared)
    prepared.team.lead(is_complete)
    if is_complete:
        prepared.team.leave()
        truth = exactness.words(inexact, restored.step)
        print(f"the run is complete at step {restored.step}; {truth}; to train on, give more --steps or --epochs")
        return restored.step
    if restored:
        print(f"continuing after step {restored.step}", flush=True)
    prepared.team.spread(prepared.training)
    last = loop.train(prepared, restored.facts.get("wall_seconds", 0.0) if restored else 0.0)
    images = last * cadence.images_per_step(prepared.config)
    truth = exactness.words(exactness.noted(prepared.facts, last, {}), last)  # a rollback may have changed it
    print(f"done: {last:,} steps, {images:,} images; {truth}; see {prepared.folder}")
    return last


def _start(request: Request) -> _Start:
    """The folder, the config and the opened data of this start: of the run in the folder, or of a new one.

    What it begins with is read first: a mistake in it is told before a large set is listed.
    """
    given = request.settings
    if request.workdir:
        return _of_folder(Path(request.workdir), given)
    named = fresh = configs.assembled(**given)
    source = None
    if fresh.dataset == "auto":  # the folder has the name of what it turns out to be
        fresh, source = _opened(fresh)
    return _of_folder(Path(configs.default_workdir(fresh.preset, fresh.dataset)), given, named, source)


def _of_folder(folder: Path, given: Settings, named: Config | None = None, opened: Source | None = None) -> _Start:
    """The start of the run in this folder; its data may have been `opened` as the config `named` says."""
    config = _continued(folder, given)
    origin = session.origin(config, folder)
    if origin:
        config = dataclasses.replace(config, init_from=str(origin.name))
    if opened and config.dataset == "auto" and group(config, "data") == group(named, "data"):
        return _Start(folder, dataclasses.replace(_from_root(config), dataset=opened.name), opened, origin)
    return _Start(folder, *_opened(config), origin)


def _opened(config: Config) -> tuple[Config, Source]:
    """The data of a config; in the config the data's name in the place of "auto", and paths from the root."""
    config = _from_root(config)
    source = build.source(config)
    return (dataclasses.replace(config, dataset=source.name) if config.dataset == "auto" else config), source


def _from_root(config: Config) -> Config:
    """The config with its paths as they are to be kept."""
    return dataclasses.replace(config, **paths.settings(vars(config), paths.from_root))


def _continued(folder: Path, given: Settings) -> Config:
    """The saved config of the run in the folder with the settings given now, or a new one."""
    if not (folder / workdir.CONFIG).exists():
        return configs.make(**given)
    saved, _ = workdir.load_run(folder)
    if given.get("init_from"):
        given = {**given, "init_from": origins.of_continued(saved.init_from, given["init_from"])}
    if given.get("dataset") == "auto":  # decided when the run began
        given = {**given, "dataset": saved.dataset}
    return configs.continued(saved, dict(given))
