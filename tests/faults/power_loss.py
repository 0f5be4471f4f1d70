"""The power fails while a run trains and saves: every moment of it is played, with everything missing that may be.

The model: what was written to a file is safe once the file was synced, names once their folder was; what was not may be
there, be missing, or of a file be torn or zeros, each for itself. It is harsher than file systems with a journal are.
What must hold: the newest checkpoint that was said to be saved, or a later one, is restored with its values, and the
log, the grids and the evaluations up to it are whole.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError
from gan.runs import checkpoint, log, workdir
from tests import tiny
from tests.commands import Server
from tests.faults import recording
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell
from tests.faults.recording import Node, Record

STEPS = 8
PRUNING = ("--keep_checkpoints=2",)  # so that old ones are removed meanwhile
RUN = Path("runs/run")  # on a disk that is empty
Tree = dict[str, "Tree | bytes"]


class Cut(NamedTuple):
    """What a power cut leaves: how it was chosen, at which look, and the folder."""

    kind: str
    number: int
    promised: int
    tree: Tree


def cut_power(
    server: Server, folder: Path, seed: int, mixes: int = 8, limit: int = 0, finished: int = 5
) -> list[Outcome]:
    """Plays power cuts at every call of a small training, `mixes` random ones beside the pure ones at each.

    At most `limit` of them if it is not 0. So many (`finished`) are also trained to their end.
    """
    trainings = Trainings(server, folder, CONFIGURATIONS["float32"], STEPS)
    run, path = folder / "disk" / RUN, folder / "record"
    asked = {"folder": str(folder / "disk"), "path": str(path)}
    process, _ = trainings.start(
        run, before={f"{recording.__name__}.record": asked}, flags=("--keep_checkpoints=1000",)
    )
    assert process.wait() == 0, process.err
    record, moments = recording.read(path), random.Random(seed)
    found = list(cuts(record, moments, mixes))
    kept = found if not limit else [found[i] for i in sorted(moments.sample(range(len(found)), min(limit, len(found))))]
    tell(f"{len(record.looks)} looks, {len(found)} different states after a power cut, {len(kept)} tried; seed {seed}")
    expected = _Expected(run, record)
    outcomes = []
    for cut in kept:
        place = _made(folder / "cut", cut.tree) / RUN
        outcomes.append(Outcome("power loss", cut.kind, expected.wrong(place, cut)))
    tell("restored from all of them")
    for cut in moments.sample([cut for cut in kept if cut.promised > 0], min(finished, len(kept))):
        place = _made(folder / "continued", cut.tree) / RUN
        process, _ = trainings.start(place, flags=PRUNING)
        wrong = process.err if process.wait() else ", ".join(tiny.differences(place, run, STEPS))
        outcomes.append(Outcome("power loss", "trained to the end by bin/train", wrong))
    return outcomes


def cuts(record: Record, moments: random.Random, mixes: int) -> Iterator[Cut]:
    """All different folders that a power cut may leave, in the order of the looks."""
    disk, seen = Disk(record), set()
    for number in range(len(record.looks)):
        disk.advance(number)
        for kind, names, data in _choices(moments, mixes):
            tree = disk.tree(names, data)
            key = repr((record.looks[number].promised, tree)).__hash__()
            if key not in seen:
                seen.add(key)
                yield Cut(kind, number, record.looks[number].promised, tree)


Names = Callable[[list[dict[str, Node]]], dict[str, Node]]  # from the versions of a folder since it was synced
Data = Callable[[bytes, bytes], bytes]  # from the synced content of a file and that which was written


def _choices(moments: random.Random, mixes: int) -> Iterator[tuple[str, Names, Data]]:
    """What of that which is not synced is there."""
    yield "nothing unsynced is there", lambda versions: versions[0], lambda synced, written: synced
    yield "everything is there", lambda versions: versions[-1], lambda synced, written: written
    yield "names without data", lambda versions: versions[-1], lambda synced, written: synced
    yield "data without names", lambda versions: versions[0], lambda synced, written: written
    yield "names, data zeros", lambda versions: versions[-1], lambda synced, written: _zeros(synced, written)
    for _ in range(mixes):
        yield "a mixture, torn", moments.choice, lambda synced, written: _torn(synced, written, moments)


def _zeros(synced: bytes, written: bytes) -> bytes:
    """The length that was written, with the data missing."""
    return written if synced == written else synced[: len(written)] + bytes(max(0, len(written) - len(synced)))


def _torn(synced: bytes, written: bytes, moments: random.Random) -> bytes:
    if synced == written:
        return written
    at = moments.randint(len(synced) if written.startswith(synced) else 0, len(written))
    return moments.choice([synced, written, written[:at], written[:at] + bytes(len(written) - at)])


class Disk:
    """What is safe and what is not, look by look."""

    def __init__(self, record: Record):
        self._record = record
        self._files: dict[Node, str] = {}  # what is safe of each file, by the key of its content
        self._versions: dict[Node, list[dict[str, Node]]] = {}  # of each folder: what is safe, then what followed
        self._now = record.looks[0]

    def advance(self, number: int) -> None:
        """Goes on to the next look."""
        self._now = self._record.looks[number]
        for node, names in self._now.folders.items():
            versions = self._versions.setdefault(node, [{} if number else names])
            if names != versions[-1]:
                versions.append(names)
        if (synced := self._now.synced) in self._now.folders:
            self._versions[synced] = [self._now.folders[synced]]
        elif synced in self._now.files:
            self._files[synced] = self._now.files[synced]

    def tree(self, names: Names, data: Data) -> Tree:
        """The folder as it is found after a cut now, by what is chosen of names and data."""
        return self._tree(self._record.root, names, data)

    def _tree(self, node: Node, names: Names, data: Data) -> Tree:
        found: Tree = {}
        for name, inner in names(self._versions[node]).items():
            if inner in self._versions:
                found[name] = self._tree(inner, names, data)
            else:
                written = self._now.files.get(inner, self._files.get(inner))  # one that was removed has what is safe
                contents = self._record.contents
                safe = contents[self._files[inner]] if inner in self._files else b""
                found[name] = data(safe, contents[written] if written else b"")
        return found


class _Expected:
    """What a run left in peace has, for comparison with what a power cut has left of it."""

    def __init__(self, run: Path, record: Record):
        self._hashes = dict(_manifests(record))
        self._left = {name: of(run) for name, of in _LEFT.items()}

    def wrong(self, place: Path, cut: Cut) -> str:
        """What is wrong with the folder after a cut as a start finds it; empty if nothing is."""
        where = f"look {cut.number}, step {cut.promised} saved"
        try:
            found = checkpoint.find(place / "checkpoints")
            if found or cut.promised >= 0:
                workdir.load_run(place)
        except UserError as error:
            return f"{where}: {error}"
        if found is None:
            return "" if cut.promised < 0 else f"{where}: no checkpoint"
        if found.step < cut.promised or found.skipped:
            return f"{where}: restored step {found.step} {found.skipped}"
        if found.hashes != self._hashes[found.step]:
            return f"{where}: other values at step {found.step}"
        log.Summaries(place, found.step).close()  # as a start does: removes what is torn and beyond
        for name, of in _LEFT.items():
            expected = [row for row in self._left[name] if row[0] <= found.step]
            if [row for row in of(place) if row[0] <= found.step] != expected:
                return f"{where}: other {name} up to step {found.step}"
        return ""


def _manifests(record: Record) -> Iterator[tuple[int, dict[str, str]]]:
    """Step and sha256 of the files by name of every checkpoint that there was at any moment."""
    for data in record.contents.values():
        if data.startswith(b"{") and b'"content_sha256"' in data:
            content = json.loads(data)
            yield content["step"], {name: facts["sha256"] for name, facts in content["files"].items()}


def _grids(run: Path) -> list[tuple]:
    return [(int(name[5:15]), data) for name, data in tiny.grids(run).items() if name.startswith("grid_")]


# What comes before a checkpoint is never made again: rows (step, ...) of each kind.
_LEFT: dict[str, Callable[[Path], list[tuple]]] = {
    "metrics.jsonl": lambda run: [(row["step"], json.dumps(row)) for row in tiny.rows(run)],
    "TensorBoard": lambda run: [(step, tag, str(value)) for tag, step, value in tiny.events(run)],
    "samples": _grids,
}


def _made(place: Path, tree: Tree) -> Path:
    """The tree as files in an empty folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, inner in tree.items():
        if isinstance(inner, bytes):
            (place / name).write_bytes(inner)
        else:
            _made(place / name, inner)
    return place
