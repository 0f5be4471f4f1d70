"""Train a GAN, or continue a run.

Starting again with the same --workdir continues from the newest checkpoint; settings that are not given are then those
of the run. Stop with Ctrl-C or SIGTERM: the state is saved first (exit code 143).

    bin/train
    bin/train --preset=modern_conditional --minutes=30
    bin/train --dataset=folder:photos --resolution=32 --channels=3 --workdir=runs/photos
    bin/train --strategy=mirrored --batch_size=128
    bin/train --evaluate_every_steps=2000 --keep_best=kernel_distance
"""

import dataclasses
import os
from pathlib import Path

from absl import flags

from gan import config as configs
from gan.cli import command, settings
from gan.config import Config
from gan.errors import StorageError

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run (empty: runs/<preset>-<dataset>)")
OVERRIDE = flags.DEFINE_boolean("override", False, "continue with changed settings that change the mathematics")
DRY_RUN = flags.DEFINE_boolean("dry_run", False, "resolve and check everything, show it, and train nothing")
settings.define()


def main() -> None:
    """Prepares the run and trains it; raises `UserError`."""
    command.import_tensorflow()
    from gan.cli import report
    from gan.evaluation import in_training
    from gan.runs import lock, workdir
    from gan.training import session

    folder, config, source = _resolve(WORKDIR.value, settings.explicit())
    in_training.check(config, source, folder)
    machine = session.machine(config, folder)
    game = session.game(config, source, machine)
    facts = session.data_facts(config, source)
    print(report.summary(config, folder, source, machine, game), flush=True)
    command.warn(report.memory_warning(config, machine, game))
    if DRY_RUN.value:
        command.warn(*workdir.check_run(folder, config, facts, OVERRIDE.value))
        _check_place(folder)
        print("dry run: everything was checked; nothing was trained")
        return
    with lock.Lock(folder):
        command.warn(*workdir.check_run(folder, config, facts, OVERRIDE.value))
        with session.memory_errors():
            run = session.prepare(config, source, machine, game, folder)
            restored = session.restore(run)  # before anything is written: if it fails, all is as it was
            workdir.open_run(folder, config, facts, OVERRIDE.value, machine.fingerprint)
            _train(run, restored)


def _train(run, restored) -> None:
    """Trains to the end from what was restored, or from the beginning; says where that is."""
    from gan.training import cadence, loop, session

    if restored:
        command.warn(*restored.skipped, session.numerics_warning(run, restored))
    if loop.is_complete(run):
        print(f"the run is complete at step {restored.step}; to train on, give more --steps or --epochs")
        return
    if restored:
        print(f"continuing after step {restored.step}", flush=True)
    last = loop.train(run, restored.facts.get("wall_seconds", 0.0) if restored else 0.0)
    print(f"done: {last:,} steps, {last * cadence.images_per_step(run.config):,} images; see {run.folder}")


def _resolve(workdir: str, given: dict) -> tuple[Path, Config, object]:
    """The folder, the config and the opened data of this start: of the run in the folder, or of a new one."""
    if not workdir:
        named = fresh = configs.assembled(**given)
        if fresh.dataset == "auto":
            fresh, source = _opened(fresh)
        workdir = configs.default_workdir(fresh.preset, fresh.dataset)
        config = _continued(Path(workdir), given)
        if config.dataset == "auto" and configs.group(config, "data") == configs.group(named, "data"):
            return Path(workdir), dataclasses.replace(config, dataset=fresh.dataset), source
    folder = Path(workdir)
    config, source = _opened(_continued(folder, given))
    return folder, config, source


def _opened(config: Config) -> tuple[Config, object]:
    """The data of a config; in the config the data's name in the place of "auto", and paths from the root."""
    from gan import build

    source = build.source(config)
    kind, colon, rest = config.dataset.partition(":")
    dataset = source.name if kind == "auto" else config.dataset
    if kind in ("folder", "npz"):
        dataset = kind + colon + _absolute(rest)
    data_dir = _absolute(config.data_dir) if config.data_dir else ""
    return dataclasses.replace(config, dataset=dataset, data_dir=data_dir), source


def _absolute(path: str) -> str:
    """The path from the root; shells leave a ~ alone that does not begin a word."""
    return os.path.abspath(os.path.expanduser(path))


def _continued(folder: Path, given: dict) -> Config:
    """The saved config of the run in the folder with the settings given now, or a new one."""
    from gan.runs import workdir

    if not (folder / workdir.CONFIG).exists():
        return configs.make(**given)
    saved, _ = workdir.load_run(folder)
    if given.get("dataset") == "auto":  # decided when the run began
        given = {**given, "dataset": saved.dataset}
    return configs.continued(saved, given)


def _check_place(folder: Path) -> None:
    """Raises `StorageError` if the folder of a run could not be made or written to."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        reason = "may not be written to" if place.is_dir() else "is a file"
        raise StorageError(f"{folder} cannot be made or used: {place} {reason}; choose another --workdir")


if __name__ == "__main__":
    command.execute(main)
