"""Every checkpoint of a run, read whole: its hashes, its tensors, and whether they are those of one run."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan.errors import UserError
from gan.runs import checkpoint, tensors, trained
from gan.runs.checkpoint import Found
from gan.runs.inspection.parts import Part, Problem, listed
from gan.storage.manifest import Damaged

NAME = "checkpoints"


class Looked(NamedTuple):
    """The part, the steps that are whole and the newest of them; `refused`: a line on why none can be gone on from."""

    part: Part
    newest: Found | None
    refused: str = ""


def look(folder: Path, run_folder: Path | None) -> Looked:
    """Reads all checkpoints in `folder`; those of the config of the run in `run_folder`, if one can be read there."""
    problems: list[Problem] = []
    good: list[int] = []
    newest, form, refused = None, None, ""
    for step in reversed(checkpoint.steps(folder)):
        found = _read(folder, step, problems)
        if found is None:
            continue
        faults = _faults(found)
        if form is None and run_folder and (refused := _of_another(run_folder, found)):
            faults.append(refused)
        elif form is not None and form != _form(found):
            faults.append(f"step {step} has other tensors than step {newest.step}: {_first_difference(found, form)}")
        problems += [Problem(fault, lost=True) for fault in faults]
        form = form or _form(found)
        newest = newest or found
        good = [step, *good]
    if not folder.is_dir():
        problems.append(Problem(f"{folder} is missing", lost=True))
    elif not good and not problems and checkpoint.begun(folder):
        problems.append(Problem(f"{folder} has only checkpoints that were set aside as damaged", lost=True))
    return Looked(Part(NAME, _text(good, newest), tuple(problems)), newest, refused)


def _read(folder: Path, step: int, problems: list[Problem]) -> Found | None:
    """The checkpoint of a step; None with a problem if it is damaged, and without if it was pruned meanwhile."""
    try:
        return checkpoint.read(folder, step)
    except Damaged as fault:
        line = f"step {step} is damaged ({fault})"
    except UserError as error:
        line = str(error)
    if step in checkpoint.steps(folder):
        problems.append(Problem(line, lost=True))
    return None


def _faults(found: Found) -> list[str]:
    """Tensors with numbers that are none: such a state is never saved."""
    numbers = ((name, value) for name, value in found.values.items() if value.dtype.kind in "fV")  # V: bfloat16
    bad = (name for name, value in numbers if not np.isfinite(value.astype(np.float32)).all())
    return [f"step {found.step} has numbers that are not finite in {_label(name)}" for name in bad][:1]


def _form(found: Found) -> dict[str, str]:
    """Type and shape of each tensor that every precision has, by its name."""
    return {
        name: f"{value.dtype.name}{list(value.shape)}"
        for name, value in found.values.items()
        if not tensors.of_precision(name)
    }


def _first_difference(found: Found, form: dict[str, Any]) -> str:
    mine = _form(found)
    name = next(name for name in sorted(mine.keys() | form.keys()) if mine.get(name) != form.get(name))
    return f"{_label(name)} is {mine.get(name, 'not there')}, not {form.get(name, 'there')}"


def _of_another(run_folder: Path, found: Found) -> str:
    """A line if the networks are not those of the run's config."""
    try:
        trained.networks(trained.saved_run(run_folder), found)
    except UserError as error:
        return str(error)
    return ""


def _label(name: str) -> str:
    return name.removeprefix(f"{tensors.ROOT}/state/")


def _text(good: list[int], newest: Found | None) -> str:
    if newest is None:
        return "none"
    size = sum(value.nbytes for value in newest.values.values())
    return f"{len(good)} whole, {listed(good)}; {len(newest.values)} tensors, {size / 2**20:,.1f} MiB"
