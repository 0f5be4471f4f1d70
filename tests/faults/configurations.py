"""The runs that faults are injected into: as small as can be, with all that a run does in every few steps."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan.machine.startup import ENVIRONMENT
from gan.settings import fields
from tests.commands import Server, Start
from tests.faults import phases
from tests.tiny import TINY, squares, write_squares

# Every action of a run comes several times before it is killed again; some of them fall on one step.
CADENCE = (
    "--log_every_steps=1",
    "--sample_every_steps=3",
    "--sample_rows=3",
    "--save_every_steps=2",
    "--evaluate_every_steps=4",
    "--evaluate_num=20",
    "--evaluate_features=random",
)

# A run whose storage fails is to end with its line, not to wait for the storage.
AT_ONCE = ("--storage_minutes=0",) if "storage_minutes" in fields() else ()


def itself(moments: random.Random, pid: int) -> list[int]:
    """The one process of a training as that which is killed."""
    return [pid]


class Configuration(NamedTuple):
    """A way to train: further flags, and which processes a kill strikes, given the one that was started."""

    name: str
    flags: tuple[str, ...] = ()
    as_folder: bool = False  # the images as files, read as they are needed
    victims: Callable[[random.Random, int], list[int]] = itself


_TOLD_LABELS = (
    "--networks=sngan",
    "--conditional",
    "--objective=hinge",
    "--d_steps=2",
    "--g_width=4",
    "--augmentation=adaptive",
    "--augmentation_strength=0.5",
    "--augmentation_images=200",
    "--ema_half_life_images=20",
)
CONFIGURATIONS = {
    each.name: each
    for each in (
        Configuration("float32"),
        Configuration("mixed_bfloat16", ("--precision=mixed_bfloat16",)),
        Configuration("mirrored", ("--strategy=mirrored", "--logical_cpus=2")),
        Configuration("conditional", _TOLD_LABELS),  # with adaptive augmentation, average and spectral norm
        Configuration("streamed", ("--data_in_memory=false", "--data_workers=2", "--flip"), as_folder=True),
    )
}


class Trainings:
    """Starts trainings of one configuration in `folder`, which tell their phases."""

    def __init__(self, server: Server, folder: Path, configuration: Configuration, steps: int):
        self.folder, self.configuration, self.steps = folder, configuration, steps
        self._server, self._count = server, 0
        folder.mkdir(parents=True, exist_ok=True)
        self._data = _images(folder / "images") if configuration.as_folder else _archive(folder / "squares.npz")

    def start(
        self, workdir: Path, hold: int = 0, flags: tuple[str, ...] = (), kill: dict | None = None, **options
    ) -> tuple[Start, Path]:
        """Begins or continues a run, with further flags; the process, and the file that its phases are told to.

        `kill` is what `phases.observe` takes of it.
        """
        self._count += 1
        told = self.folder / f"{self._count}.phases"
        given = (*self.flags(), *flags)
        observed = {"path": str(told), **(kill or {})}
        before = {f"{phases.__name__}.observe": observed, **options.pop("before", {})}
        return self._server.start(*given, f"--workdir={workdir}", before=before, hold=hold, **options), told

    def flags(self) -> tuple[str, ...]:
        """What every training of the configuration is given."""
        return (*TINY, self._data, *CADENCE, *AT_ONCE, *self.configuration.flags, f"--steps={self.steps}")

    def finish(self, workdir: Path) -> Path:
        """Trains to the end; the file with the phases."""
        process, told = self.start(workdir)
        if process.wait():
            raise AssertionError(f"exit code {process.code}\n{process.out}\n{process.err}")
        return told

    def beside(self, command: str, workdir: Path, *flags: str) -> Start:
        """Another command on the run's folder."""
        return self._server.start(f"--workdir={workdir}", *flags, command=command)


def _archive(path: Path) -> str:
    return f"--dataset=npz:{path if path.exists() else write_squares(path)}"


def _images(folder: Path) -> str:
    for i, image in enumerate(squares()):
        (folder / str(i % 3)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(i % 3) / f"{i:02}.png")
    return f"--dataset=folder:{folder}"


def environment() -> dict[str, str]:
    """What trainings need of the environment: no GPU, whose numerics are another matter."""
    return {**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "-1", "MPLBACKEND": "Agg", **os.environ}
