"""A process as one of the workers that train a run: how it comes to its team, and what it does where it follows."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan import build, paths
from gan import config as configs
from gan.errors import UserError
from gan.jobs.requests import Train as Request
from gan.machine import cluster, devices, versions
from gan.runs import workdir
from gan.settings import COMMANDS, Config, fields
from gan.training import follower, peers, session
from gan.training.team import Alone, Team

SEVERAL = "multi_worker_mirrored"

# Settings that each worker may have of its own: where its data lie and how they are held (which are compared), and what
# tells it that its machine goes.
_OF_DATA = (name for name, f in fields().items() if f.metadata["group"] == "data" and f.metadata["change"] == "free")
_NOTICE = "preempted_when_exists"  # each machine has its own
_OWN = (*_OF_DATA, _NOTICE, *COMMANDS)


@contextlib.contextmanager
def joined(request: Request) -> Iterator[Team]:
    """This process's team: its own, or the workers that its environment names, if the strategy allows several.

    Raises `UserError` if it was not started as the others were, and what `gan.training.peers.joined` raises.
    """
    strategy = request.settings.get("strategy", "auto")
    kind = cluster.kind() if strategy in ("auto", SEVERAL) else ""
    if not kind:
        yield Alone()
        return
    config = _known(request)
    if config.replicas != "auto" or config.logical_cpus:
        raise UserError(
            "--replicas and --logical_cpus divide one process, and there are several workers, each of which trains on "
            "all of its GPUs or on its CPU: leave them out, or where the run has them, --replicas=auto --logical_cpus=0"
        )
    devices.configure(config)
    with peers.joined(kind, request.start_minutes, request.peer_seconds) as several:
        several.compare("settings", _shared(request))
        several.compare("versions", versions.everything())
        yield several


def follow(request: Request, several: Team) -> None:
    """Trains with the chief, on its config, until it is told to end."""
    own = {name: value for name, value in request.settings.items() if name in _OWN}
    own = {_NOTICE: "", **own, **paths.settings(own, paths.from_root)}
    own |= {name: request.settings.get(name, "") for name in COMMANDS}  # nobody else says what is run here
    told = {name: value for name, value in several.lead().items() if name in fields()}
    config = dataclasses.replace(Config(**told), **own)
    source = build.source(config)
    several.compare("data", session.identity(source))
    machine = session.machine(config, None, several)
    several.compare("numerics", machine.fingerprint)
    game = session.game(config, source, machine)
    print(f"{several.name(several.number)} of {several.count} workers; {several.name(0)} tells of the run", flush=True)
    several.lead()
    if request.dry_run:
        several.leave()
        return
    with session.memory_errors():
        run = session.prepare(config, source, machine, game, Path())
        if several.lead():  # the run is complete
            several.leave()
            return
        several.spread(run.training)
        follower.follow(run)


def adapted(request: Request, team: Team) -> Request:
    """The request with the strategy of several workers where the run in its folder was begun with another."""
    if team.count == 1 or _known(request).strategy in ("auto", SEVERAL):
        return request
    return dataclasses.replace(request, settings={**request.settings, "strategy": SEVERAL})


def _known(request: Request) -> Config:
    """The config as far as this worker knows it: of the run in its folder if it has it, or as asked for."""
    folder = Path(request.workdir) if request.workdir else None
    if folder and (folder / workdir.CONFIG).exists():
        return configs.assembled(**{**vars(workdir.load_run(folder)[0]), **request.settings})
    return configs.assembled(**request.settings)


def _shared(request: Request) -> dict[str, Any]:
    """What all workers are to be started with."""
    settings = {name: value for name, value in request.settings.items() if name not in _OWN}
    return settings | {"override": request.override, "dry_run": request.dry_run, "exact": request.exact}
