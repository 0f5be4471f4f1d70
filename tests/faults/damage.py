"""Damages the files of the checkpoints of a finished run, one at a time, and restores.

What must hold: the values are those that were saved, of this step or, with a line about it, of the one before; or it
ends with one line and the documented exit code. Never other values, never a start from nothing in silence.
"""

import contextlib
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.errors import UserError
from tests import tiny
from tests.commands import Server
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell

STEPS = 6  # of which the last three checkpoints are kept
SAVED = (2, 4, 6)
MANIFEST = "manifest.json"
DENIED = "permissions gone"
NOBODY = 65534  # the user and group that root becomes to be denied anything


class Fault(NamedTuple):
    """What is done to the folder of checkpoints."""

    kind: str
    place: str
    inject: Callable[[Path], object]


def damage_checkpoints(
    server: Server, folder: Path, seed: int, places: int = 20, bits: int = 200, by_command: bool = True
) -> list[Outcome]:
    """Every fault in a copy of the newest checkpoint of a small run: in this process, a few by bin/train."""
    trainings = Trainings(server, folder, CONFIGURATIONS["float32"], STEPS)
    workdir = folder / "run"
    trainings.finish(workdir)
    checkpoints = workdir / "checkpoints"
    reader = Reader(checkpoints)
    outcomes = []
    for fault in faults(checkpoints, random.Random(seed), places, bits):
        copy = _copy(checkpoints, folder / "damaged")
        fault.inject(copy)
        outcomes.append(Outcome("restored in a process", fault.kind, reader.wrong(copy, fault)))
    tell(f"{len(outcomes)} times damaged and restored, seed {seed}: {reader.summary()}")
    for fault in _by_command() if by_command else ():
        outcomes.append(Outcome("bin/train", fault.kind, _continued(trainings, workdir, fault)))
        tell(f"bin/train: {fault.kind}: {outcomes[-1].wrong or 'as it should be'}")
    return outcomes


def faults(checkpoints: Path, moments: random.Random, places: int, bits: int) -> Iterator[Fault]:
    """All faults of the newest checkpoint, whose files are those in the folder given."""
    newest, other = (_folder(Path(), step) for step in (SAVED[-1], SAVED[0]))
    files = {path.name: path.read_bytes() for path in sorted((checkpoints / newest).iterdir())}
    for name, data in files.items():
        for at in sorted(moments.sample(range(1, len(data)), min(places, len(data) - 1))):
            yield Fault("truncated", f"{name} at {at}", _written(newest / name, data[:at]))
        yield Fault("emptied", name, _written(newest / name, b""))
        yield Fault("longer", name, _written(newest / name, data + b"\0"))
        yield Fault("missing", name, lambda folder, name=name: (folder / newest / name).unlink())
        yield Fault("swapped with another step's", name, _swapped(newest / name, other / name))
        yield Fault("zeros in its place", name, _written(newest / name, bytes(len(data))))
        yield Fault("a folder in its place", name, _folder_in_place(newest / name))
        yield Fault("a link to nowhere in its place", name, _link_in_place(newest / name))
        yield Fault(DENIED, name, lambda folder, name=name: (folder / newest / name).chmod(0))
    total = sum(map(len, files.values()))
    for at in sorted(moments.sample(range(total * 8), min(bits, total * 8))):
        byte, bit = divmod(at, 8)
        for name in files:
            if byte < len(files[name]):
                break
            byte -= len(files[name])
        data = bytearray(files[name])
        data[byte] ^= 1 << bit
        yield Fault("a bit flipped", f"{name}, bit {bit} of byte {byte}", _written(newest / name, bytes(data)))
    yield from _edited_manifests(newest, json.loads(files[MANIFEST]))
    yield Fault("two steps swapped", "their folders", _swapped(newest, other))
    yield Fault("the folder missing", str(newest), lambda folder: shutil.rmtree(folder / newest))
    yield Fault("every manifest emptied", "all steps", _all_emptied(MANIFEST))
    yield Fault("all data emptied", "all steps", _all_emptied("state.data-00000-of-00001"))


def _edited_manifests(newest: Path, content: dict) -> Iterator[Fault]:
    """A manifest as somebody may have changed it by hand, who did not know its own hash."""
    changes: dict[str, dict] = {
        "another step": {"step": 4},
        "other facts": {"facts": {**content["facts"], "wall_seconds": -1.0}},
        "no files": {"files": {}},
        "a later format": {"format": content["format"] + 1},
        "another hash of its own": {"content_sha256": "0" * 64},
        "files out of the folder": {"files": {"../../config.json": {"size": 1, "sha256": "0" * 64}}},
    }
    for name, change in changes.items():
        text = json.dumps(content | change).encode()
        yield Fault("a manifest edited", name, _written(newest / MANIFEST, text))


class Reader:
    """Restores damaged copies of checkpoints into variables and compares with what was saved."""

    def __init__(self, checkpoints: Path):
        import tensorflow as tf

        from gan.runs import checkpoint, tensors

        self._restore = checkpoint.restore
        self._count: Counter[str] = Counter()
        self.saved = {step: tensors.read(_folder(checkpoints, step)) for step in SAVED}
        self.facts = {step: checkpoint.manifest(checkpoints, step)["facts"] for step in SAVED}
        blank = {name: tf.Variable(np.zeros_like(value)) for name, value in self.saved[SAVED[-1]].items()}
        self._variables = _nest(blank)
        self._leaves = blank

    def wrong(self, checkpoints: Path, fault: Fault) -> str:
        """What is wrong with a restoration from this folder; empty if nothing is."""
        for variable in self._leaves.values():
            variable.assign(np.zeros_like(variable.numpy()))
        try:
            with _denied() if fault.kind == DENIED else contextlib.nullcontext():
                restored = self._restore(checkpoints, self._variables)
        except UserError as error:
            self._count["ended with one line"] += 1
            return "" if "\n" not in str(error) and not self._assigned() else f"{fault.place}: {error}"
        except Exception as error:
            return f"{fault.place}: {type(error).__name__}: {error}"
        if restored is None:
            return f"{fault.place}: taken for no checkpoint at all"
        step, facts, skipped = restored
        expected = self.saved[step]
        same = all(self._leaves[name].numpy().tobytes() == value.tobytes() for name, value in expected.items())
        if not same or facts != self.facts[step]:
            return f"{fault.place}: step {step} with other values than were saved"
        if step < SAVED[-1] and not skipped and fault.kind != "the folder missing":
            return f"{fault.place}: fell back to step {step} without a word"
        self._count["fell back to the one before" if step < SAVED[-1] else "restored: the change had no meaning"] += 1
        return ""

    def summary(self) -> str:
        """How often each of what may happen did."""
        return ", ".join(f"{number} {what}" for what, number in self._count.items())

    def _assigned(self) -> bool:
        return any(np.any(variable.numpy()) for variable in self._leaves.values())


@contextlib.contextmanager
def _denied() -> Iterator[None]:
    """Within it root is nobody, so that permissions count for it."""
    if os.geteuid():
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _nest(variables: dict) -> dict:
    """Mappings within mappings, of which the checkpoint's names are made again."""
    nest: dict = {}
    for name, variable in variables.items():
        *parents, leaf = [part.replace(".S", "/").replace("..", ".") for part in name.split("/")[1:]]
        inner = nest
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[leaf] = variable
    return nest


class _Command(NamedTuple):
    """A fault of a whole run as bin/train meets it: its exit code, and words of its line."""

    kind: str
    inject: Callable[[Path], object]
    code: int
    words: str


def _by_command() -> Iterator[_Command]:
    data = "state.data-00000-of-00001"
    newest = _folder(Path("checkpoints"), SAVED[-1])
    yield _Command("newest data truncated", _cut(newest / data), 0, "is damaged")
    yield _Command("newest manifest missing", lambda run: (run / newest / MANIFEST).unlink(), 0, "is damaged")
    every = "has no checkpoint that can be read"
    yield _Command("all manifests emptied", lambda run: _all_emptied(MANIFEST)(run / "checkpoints"), 2, every)
    yield _Command("the folder of checkpoints missing", lambda run: shutil.rmtree(run / "checkpoints"), 2, "is missing")
    yield _Command("config.json truncated", _cut(Path("config.json")), 2, "config.json is damaged")
    yield _Command("config.json missing", lambda run: (run / "config.json").unlink(), 2, "but no config.json")
    yield _Command("evaluations.jsonl truncated", _cut(Path("evaluations.jsonl")), 2, "evaluations.jsonl is damaged")


def _continued(trainings: Trainings, workdir: Path, fault: _Command) -> str:
    """What is wrong with bin/train on a damaged copy of a run."""
    copy = _copy(workdir, trainings.folder / "continued")
    fault.inject(copy)
    process, _ = trainings.start(copy)
    code = process.wait()
    said = process.warnings if fault.code == 0 else process.errors
    if code != fault.code or "Traceback" in process.err or not any(fault.words in line for line in said):
        return f"exit code {code}: {process.err}"
    if code == 0 and (wrong := tiny.differences(copy, workdir, STEPS)):
        return f"ends with other {', '.join(wrong)}"
    return ""


def _folder(checkpoints: Path, step: int) -> Path:
    return checkpoints / f"step_{step:010d}"


def _copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(source, target)


def _written(place: Path, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / place).write_bytes(data)


def _cut(place: Path) -> Callable[[Path], object]:
    """Leaves the first two thirds of a file."""
    return lambda folder: os.truncate(folder / place, os.path.getsize(folder / place) * 2 // 3)


def _swapped(one: Path, two: Path) -> Callable[[Path], object]:
    def swap(folder: Path) -> None:
        (folder / one).rename(folder / "aside")
        (folder / two).rename(folder / one)
        (folder / "aside").rename(folder / two)

    return swap


def _folder_in_place(place: Path) -> Callable[[Path], object]:
    return lambda folder: ((folder / place).unlink(), (folder / place).mkdir())


def _link_in_place(place: Path) -> Callable[[Path], object]:
    return lambda folder: ((folder / place).unlink(), (folder / place).symlink_to("/nowhere/at/all"))


def _all_emptied(name: str) -> Callable[[Path], object]:
    return lambda folder: [path.write_bytes(b"") for path in folder.glob(f"step_*/{name}")]
