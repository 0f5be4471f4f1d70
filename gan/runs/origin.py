"""WORKDIR[@STEP]: the checkpoint of another run that a new one begins with, found and read without disturbing it."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan import paths
from gan.errors import UserError
from gan.runs import checkpoint, tensors, trained, workdir
from gan.runs.trained import SavedRun

FACTS = "init_from"  # the name, among the facts of a run, of what it began with
_WITH_STEP = re.compile(r"(.+)@([0-9]+)", re.DOTALL)
_CHECKPOINT = re.compile(r"step_([0-9]{10,})")


class Name(NamedTuple):
    """A folder from the root, and a step or None for the newest."""

    folder: str
    step: int | None

    def __str__(self) -> str:
        return self.folder if self.step is None else f"{self.folder}@{self.step}"


class Origin(NamedTuple):
    """A good checkpoint of another run: its tensors by name, and a line for each damaged one that was passed over.

    `sha256` is that of the file of its tensors: equal tensors have an equal one.
    """

    name: Name
    run: SavedRun
    sha256: str
    values: dict[str, np.ndarray]
    skipped: list[str]

    @property
    def facts(self) -> dict[str, object]:
        """What config.json keeps of it."""
        return {FACTS: {"checkpoint": str(self.name), "sha256": self.sha256}}

    def leaves(self, where: str) -> dict[str, np.ndarray]:
        """The tensors of the state below `where`, such as generator/params, by the rest of their path."""
        prefix = f"{tensors.ROOT}/state/{where}/"
        return {name.removeprefix(prefix): value for name, value in self.values.items() if name.startswith(prefix)}


def parsed(text: str) -> Name:
    """What a person means by WORKDIR[@STEP]; a folder that is there by the whole name has no step in it.

    Raises `UserError` if both readings are there.
    """
    whole, *split = _readings(text)
    if not split or not os.path.isdir(whole.folder):
        return split[0] if split else whole
    (with_step,) = split
    if with_step.step in checkpoint.steps(Path(with_step.folder) / workdir.CHECKPOINTS):
        raise UserError(
            f"--init_from={text} is a folder, and step {with_step.step} of {with_step.folder}: "
            f"write {whole.folder}@STEP or {with_step.folder}/@{with_step.step}"
        )
    return whole


def saved(text: str) -> Name:
    """What `str(Name)` was made of, where it has a step."""
    folder, _, step = text.rpartition("@")
    return Name(folder, int(step))


def of_continued(begun: str, given: str) -> str:
    """The setting of a run that is continued and began with `begun`: that, if what is given now names it.

    It does without a step, too, however far that folder has come or if it is gone.
    """
    if begun:
        was = saved(begun)
        for name in _readings(given):
            if os.path.realpath(name.folder) == os.path.realpath(was.folder) and name.step in (None, was.step):
                return begun
    return str(parsed(given))


def _readings(text: str) -> list[Name]:
    """A text as a folder and, if it can be one, as a folder with a step."""
    whole = paths.given(text)
    match = None if whole.endswith("/") else _WITH_STEP.fullmatch(whole)
    split = [Name(os.path.abspath(match[1]), int(match[2]))] if match else []
    return [Name(os.path.abspath(whole), None), *split]


def read(name: Name, folder: Path) -> Origin:
    """The checkpoint of that name, the newest good one where it has no step, for the new run in `folder`.

    Nothing is written or renamed. Raises `UserError` if there is none such, `StorageError` if it may not be read.
    """
    place = Path(name.folder)
    if os.path.realpath(place) == os.path.realpath(folder):
        raise UserError(f"--init_from={name}: it is the run's own folder; give the new run another --workdir")
    with _told_of(name):
        _check(place)
        run = trained.saved_run(place)
        found = checkpoint.find(place / workdir.CHECKPOINTS, name.step, set_aside=False)
        if found is None:
            raise UserError(f"{place} has no checkpoint yet; wait until its trainer has saved one")
        _check_finite(found)
    sha256 = found.hashes[tensors.FILE]
    return Origin(Name(name.folder, found.step), run, sha256, found.values, found.skipped)


def _check(place: Path) -> None:
    """Raises `UserError` for what is not the folder of a run."""
    there = os.path.exists(place)  # false, too, for a name that no path can have
    if os.path.islink(place) and not there:
        raise UserError(f"it is a link to {os.readlink(place)}, which is not there")
    if not there:
        raise UserError("there is no such folder; give that of a run, with a step as FOLDER@STEP")
    if place.is_file():
        raise UserError("it is a file; give the folder of a run, with a step as FOLDER@STEP")
    if (place / workdir.CONFIG).exists():
        return
    for above in place.parents[:2]:
        if (above / workdir.CONFIG).exists():
            step = _CHECKPOINT.fullmatch(place.name)
            raise UserError(f"it is a part of a run; give {above}" + (f"@{int(step[1])}" if step else ""))
    raise UserError(f"it has no {workdir.CONFIG}, so it is no run; give the folder of one")


def _check_finite(found: checkpoint.Found) -> None:
    """Raises `UserError` if a number of either network is none."""
    for name, value in found.values.items():
        if value.dtype.kind == "f" and "/slots/" not in name and not np.isfinite(value).all():
            label = name.removeprefix(f"{tensors.ROOT}/state/")
            others = [step for step in checkpoint.steps(found.path.parent) if step != found.step]
            remedy = f"choose another step of {', '.join(map(str, others))}" if others else "choose another run"
            raise UserError(f"step {found.step} has numbers in {label} that are not finite; {remedy}")


@contextlib.contextmanager
def _told_of(name: Name) -> Iterator[None]:
    """Names the flag in what is raised about a run; its messages are those of commands that have it as --workdir."""
    try:
        yield
    except UserError as error:
        text = str(name) if str(name).isprintable() else ascii(str(name))
        raise type(error)(f"--init_from={text}: {str(error).replace('--workdir', '--init_from')}") from error
