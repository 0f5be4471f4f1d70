"""What does not belong to a run in its folder: what killed processes left, what was set aside, files of others."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from gan.errors import StorageError
from gan.runs.inspection.parts import Part, Problem, Scope
from gan.storage.files import alive
from gan.storage.refusals import storage_errors

NAME = "others"
_UNFINISHED = re.compile(r"temporary_step_\d{10,}\.(\d+)|\..+\.(\d+)\.tmp")
_SET_ASIDE = re.compile(r"(damaged|replaced)_.+")
_LOCKS = {".lock", ".evaluations.lock"}
_OURS = {  # by folder: what has its place there
    "": r"config\.json|flags\.txt|metrics\.jsonl|evaluations\.jsonl|checkpoints|train|eval|samples|exports"
    r"|[\w-]+\.(?:png|gif|npz)",  # of bin/plot, bin/sample
    "checkpoints": r"step_\d{10,}",
    "train": r"events\.out\.tfevents\..+",
    "eval": r"events\.out\.tfevents\..+",
    "samples": r"grid_\d+\.png|progress\.gif",
    "exports": r".+",
}


def look(scope: Scope) -> Part:
    """Looks for what nobody needs, and for what nobody knows."""
    left = unfinished(scope.folder) if not scope.at_work else []
    names = (path.relative_to(scope.folder) for path in left)
    problems = [Problem(f"{name} was left by a process that was killed", lost=False) for name in names]
    kept, foreign = [], []
    for place, path in _entries(scope.folder):
        ours = path.name in _LOCKS or _UNFINISHED.fullmatch(path.name) or re.fullmatch(_OURS[place], path.name)
        if _SET_ASIDE.fullmatch(path.name):
            kept.append(str(path.relative_to(scope.folder)))
        elif not ours:
            foreign.append(str(path.relative_to(scope.folder)))
    text = [f"set aside: {', '.join(kept)}"] * bool(kept) + [f"not of the run: {', '.join(foreign)}"] * bool(foreign)
    return Part(NAME, "; ".join(text) or "none", tuple(problems))


def unfinished(folder: Path) -> list[Path]:
    """What processes that run no more had begun to write in the folder of a run."""
    found = []
    for _, path in _entries(folder):
        match = _UNFINISHED.fullmatch(path.name)
        if match and not alive(int(match[1] or match[2])):
            found.append(path)
    return found


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name of the folder in that of the run, path) of everything in it that has a place of its own."""
    for name in _OURS:
        try:
            with storage_errors(folder / name):
                there = sorted(os.listdir(folder / name))
        except StorageError:
            continue  # it is not there, or is told of where it is needed
        yield from ((name, folder / name / each) for each in there)
