"""Checkpoints that are atomic, verified and durable: what is there is whole, and damage is never taken for absence.

A checkpoint is a folder `step_0000012000/` with TensorFlow's two files and a `manifest.json`. It is written under a
temporary name, read back and compared bit for bit, made durable, and only then given its name; only after that may an
older one go. Equal values give equal bytes, so the hashes in the manifests compare runs. TensorFlow's own text file
`checkpoint` plays no part: damage to it would pass for an empty folder.
"""

import contextlib
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan.errors import StorageError, UserError
from gan.runs import tensors
from gan.storage import manifest as manifests
from gan.storage.aliases import plain
from gan.storage.files import alive, remove, sync_files, sync_folder
from gan.storage.manifest import Damaged
from gan.storage.refusals import storage_errors

_STEP = re.compile(r"step_(\d{10,})")
_ASIDE = re.compile(r"(damaged|replaced)_step_\d{10,}(\.\d+)?")
_TEMPORARY = re.compile(r"temporary_step_\d{10,}\.(\d+)")


class Restored(NamedTuple):
    """What `restore` found: its step, the facts it was saved with, and a line for each damaged one it passed over."""

    step: int
    facts: dict[str, Any]
    skipped: list[str]


def save(folder: Path, variables: Any, step: int, facts: Mapping[str, Any]) -> Path:
    """Writes the variables (a nest of tf.Variable, mirrored or not) as the checkpoint of `step`; returns its folder.

    `facts` is anything JSON holds, such as the config's hash. A checkpoint of that step that is whole and has equal
    tensors is left as it is, older facts included. Raises `StorageError`; every older checkpoint is then as it was.
    """
    final = folder / _name(step)
    values = {name: variable.numpy() for name, variable in tensors.named(variables)}
    fate = _fate(final, step, values)
    if fate == "equal":
        return final
    temporary = _temporary(folder, step)
    aside = None
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove(temporary)
            temporary.mkdir()
            with plain(temporary) as writable:
                tf.train.Checkpoint(**{tensors.ROOT: variables}).write(str(writable / tensors.ROOT))
            _read_back(temporary, values)
            manifests.write(temporary, step, facts)
            sync_files(temporary)
            if fate:
                aside = _set_aside(final, fate)
            os.rename(temporary, final)
            sync_folder(folder)
    except BaseException:
        remove(temporary)
        raise
    if fate == "replaced":
        remove(aside)
    return final


def prune(folder: Path, keep: int, spared: Container[int] = ()) -> None:
    """Removes what is older than the newest `keep` good checkpoints (at least two), and what killed processes left.

    Those of the steps `spared` stay, however old.
    """
    for match in filter(None, map(_TEMPORARY.fullmatch, _names(folder))):
        pid = int(match[1])  # this process, too: it saves nothing now, and in a container every start may have its id
        if pid == os.getpid() or not alive(pid):
            remove(folder / match[0])
    good = 0
    for step in reversed(steps(folder)):
        if good < max(2, keep):
            good += _is_good(folder, step)
            continue
        if step in spared:
            continue
        removed = _temporary(folder, step)
        with storage_errors(folder):  # its name goes first: half a removal must not pass for a damaged checkpoint
            os.rename(folder / _name(step), removed)
            sync_folder(folder)
        remove(removed)


class Found(NamedTuple):
    """A good checkpoint as `find` read it: its folder, the facts it was saved with, its tensors by name.

    `hashes` are the sha256 of its files by name.
    """

    step: int
    path: Path
    facts: dict[str, Any]
    hashes: dict[str, str]
    values: dict[str, np.ndarray]
    skipped: list[str]  # a line for each damaged one that was passed over


def read(folder: Path, step: int) -> Found:
    """The checkpoint of a step, verified; raises `Damaged`, `StorageError`, `UserError` for another version's."""
    path = folder / _name(step)
    content = manifests.verified(path, step)
    hashes = {name: facts["sha256"] for name, facts in content["files"].items()}
    return Found(step, path, content["facts"], hashes, tensors.read(path), [])


def find(folder: Path, step: int | None = None, set_aside: bool = True) -> Found | None:
    """The newest good checkpoint, or that of `step`, read whole and verified.

    A damaged one is passed over for the one before it and, if `set_aside`, renamed to `damaged_step_...`. Returns None
    only where there is no checkpoint at all. Raises `UserError` if there are some but none is good, and if `step` is
    not there or damaged.
    """
    present = steps(folder)
    if step is not None and step not in present:
        raise _absent(folder, step, present)
    skipped = []
    for candidate in [step] if step is not None else reversed(present):
        path = folder / _name(candidate)
        try:
            return read(folder, candidate)._replace(skipped=skipped)
        except Damaged as fault:
            if path.exists():  # one that the trainer pruned meanwhile is not damaged
                skipped.append(_passed_over(path, fault, set_aside))
    if step is not None and not skipped:  # the trainer has pruned it while it was read
        raise _absent(folder, step, steps(folder))
    lost = skipped or [name for name in _names(folder) if _ASIDE.fullmatch(name)]
    if not lost:
        return None
    others = [other for other in steps(folder) if other != step]
    remedy = (
        f"choose another step of {_listed(others)}" if step is not None and others else "put a copy back in its place"
    )
    raise UserError(
        f"{folder} has no checkpoint that can be read: {'; '.join(lost)}; {remedy} or use another --workdir"
    )


def restore(folder: Path, variables: Any, step: int | None = None, set_aside: bool = True) -> Restored | None:
    """Assigns what `find` finds to the variables: all of them or none.

    What belongs to another precision keeps its first value. Raises what `find` raises, and `UserError` if names, shapes
    or types of the other tensors differ from the variables'.
    """
    found = find(folder, step, set_aside)
    if found is None:
        return None
    named = tensors.named(variables)
    tensors.match(found.path, named, found.values)
    for name, variable in named:
        if name in found.values:
            variable.assign(found.values[name])
    return Restored(found.step, found.facts, found.skipped)


def begun(folder: Path) -> bool:
    """Whether there is or was a checkpoint in a folder, be it damaged."""
    return any(_STEP.fullmatch(name) or _ASIDE.fullmatch(name) for name in _names(folder))


def steps(folder: Path) -> list[int]:
    """The steps of the checkpoints in a folder, ascending; unread, so some may be damaged. Empty without a folder."""
    return sorted(int(match[1]) for match in filter(None, map(_STEP.fullmatch, _names(folder))))


def manifest(folder: Path, step: int) -> dict[str, Any]:
    """The manifest (format, step, files, facts) of a checkpoint whose files are whole; raises `UserError`."""
    present = steps(folder)
    if step not in present:
        raise _absent(folder, step, present)
    try:
        return manifests.verified(folder / _name(step), step)
    except Damaged as fault:
        raise UserError(f"{folder / _name(step)} is damaged: {fault}; choose another step") from fault


def newest(folder: Path) -> tuple[int, dict[str, Any]] | tuple[()]:
    """The step and the facts of the newest checkpoint whose files are whole; nothing is renamed, no tensor is read."""
    for step in reversed(steps(folder)):
        with contextlib.suppress(Damaged):
            return step, manifests.verified(folder / _name(step), step)["facts"]
    return ()


def set_aside_damaged(folder: Path) -> list[str]:
    """Renames every damaged checkpoint, as `find` does with those that it passes over; a line on each."""
    lines = []
    for step in steps(folder):
        try:
            read(folder, step)
        except Damaged as fault:
            lines.append(_passed_over(folder / _name(step), fault, set_aside=True))
    return lines


def _name(step: int) -> str:
    return f"step_{step:010d}"


def _temporary(folder: Path, step: int) -> Path:
    return folder / f"temporary_{_name(step)}.{os.getpid()}"


def _names(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where there is no such folder."""
    with storage_errors(folder):
        return sorted(os.listdir(folder)) if folder.exists() else []


def _listed(present: list[int]) -> str:
    return ", ".join(map(str, present)) or "none"


def _absent(folder: Path, step: int, present: list[int]) -> UserError:
    choice = f"choose one of {_listed(present)}" if present else "nor any other yet"
    return UserError(f"{folder} has no checkpoint of step {step}; {choice}")


def _read_back(path: Path, values: Mapping[str, np.ndarray]) -> None:
    """Raises `StorageError` if the files just written do not hold `values`."""
    try:
        written = tensors.read(path)
    except Damaged as fault:
        raise StorageError(f"{path} cannot be read back: {fault}; check the disk and start again") from fault
    if written.keys() != values.keys():
        raise ValueError(f"variables that are not written one by one: {sorted(written.keys() ^ values.keys())}")
    if not tensors.equal(written, values):
        raise StorageError(f"{path} reads back other values than were written; check disk and memory, start again")


def _fate(path: Path, step: int, values: Mapping[str, np.ndarray]) -> str:
    """What is to become of a checkpoint of the same step: equal (it stays), replaced or damaged; empty: none there."""
    if not path.exists():
        return ""
    try:
        manifests.verified(path, step)
        return "equal" if tensors.equal(tensors.read(path), values) else "replaced"
    except Damaged:
        return "damaged"


def _is_good(folder: Path, step: int) -> bool:
    try:
        return bool(manifests.verified(folder / _name(step), step))
    except Damaged:
        return False


def _set_aside(path: Path, word: str) -> Path:
    """Renames a checkpoint's folder so that it is a checkpoint no more; returns its new path."""
    taken = _names(path.parent)
    aside, number = f"{word}_{path.name}", 1
    while aside in taken:
        number += 1
        aside = f"{word}_{path.name}.{number}"
    with storage_errors(path):
        os.rename(path, path.parent / aside)
        sync_folder(path.parent)
    return path.parent / aside


def _passed_over(path: Path, fault: Damaged, set_aside: bool) -> str:
    """The line on a damaged checkpoint, which is set aside on the way if asked."""
    note = f", set aside as {_set_aside(path, 'damaged').name}" if set_aside else ""
    return f"{path.name} is damaged ({fault}){note}"
