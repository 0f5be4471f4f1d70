"""The disk is full at every write in turn: of a training, and of the commands that make files of a run.

The runs lie on a small disk in memory of their own (which takes the right to mount). A process fills it up itself just
before one of its calls that name something or make it durable, but for a few pages, so that what is written next fails
at its beginning or in its middle, whoever writes it. Then the space is freed and the same command is given again.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan.errors import StorageError
from tests import tiny
from tests.commands import Server, Start
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell
from tests.faults.recording import CALLS

STEPS = 6
MEBIBYTES = 64
PAGE = 4096
BALLAST = "ballast"
COMMANDS = {
    "export": ("--out={out}/models",),
    "export as tflite": ("--format=tflite", "--out={out}/models"),
    "sample": ("--num=300", "--out={out}/samples.npz"),
    "sample as gif": ("--interpolate=3", "--rows=1", "--columns=2", "--out={out}/walk.gif"),
    "evaluate": ("--features=random", "--num=30", "--cas=false", "--out={out}/evaluation.json"),
}


class Filling(NamedTuple):
    """When a process fills the disk: before its call of this number, or never (-1), with so many pages left free."""

    call: int
    pages: int


def fill_disk(
    server: Server, folder: Path, seed: int, times: int, commands: dict[str, int] | None = None
) -> list[Outcome]:
    """Fills the disk in so many trainings, and in each of the other `commands` as often as is said (4 times)."""
    moments, found = random.Random(seed), []
    try:
        with _mounted(folder / "disk") as disk:
            cache = {"XDG_CACHE_HOME": str(disk / "cache")}
            trainings = Trainings(server, folder, CONFIGURATIONS["float32"], STEPS)
            expected, calls = disk / "undisturbed", folder / "calls"
            process = _train(trainings, expected, cache, Filling(-1, 0), calls)
            assert process.wait() == 0, process.err
            number = int(calls.read_text())
            tell(f"a training of {STEPS} steps makes {number} calls that name or save something; seed {seed}")
            for call in _spread(moments, number, times):
                filling = Filling(call, moments.choice([0, 0, 1, 2, 8, 40]))
                shutil.rmtree(disk / "cache", ignore_errors=True)
                found.append(_training(trainings, disk, expected, cache, filling, calls))
            for command, often in (commands or dict.fromkeys(COMMANDS, 4)).items():
                found += _command(server, disk, expected, cache, command, moments, often)
    except PermissionError as error:
        tell(f"not tried: {error}")
    return found


def _spread(moments: random.Random, number: int, times: int) -> list[int]:
    """So many of the first `number` calls, all if there are no more."""
    return sorted(moments.sample(range(number), min(times, number)))


def _train(trainings: Trainings, run: Path, cache: dict, filling: Filling, calls: Path) -> Start:
    before = {f"{__name__}.watch": {"disk": str(run.parent), "calls": str(calls), **filling._asdict()}}
    return trainings.start(run, before=before, **cache)[0]


def _training(trainings: Trainings, disk: Path, expected: Path, cache: dict, filling: Filling, calls: Path) -> Outcome:
    """A training that meets a full disk, and the same command once there is space."""
    run = disk / "run"
    process = _train(trainings, run, cache, filling, calls)
    code = process.wait()
    wrong = _ended(process) or _halves(run)
    (disk / BALLAST).unlink(missing_ok=True)
    again = _train(trainings, run, cache, Filling(-1, 0), calls)
    if not wrong and again.wait():
        wrong = f"with space again: exit code {again.code}: {again.err}"
    wrong = wrong or ", ".join(tiny.differences(run, expected, STEPS))
    tell(f"full before call {filling.call}, {filling.pages} pages left: exit code {code}; {wrong or 'then as ever'}")
    shutil.rmtree(run)
    phase = "ended with 74 and a line" if code else "needed no more space"
    return Outcome("full disk", f"training: {phase}", wrong and f"call {filling.call}: {wrong}")


def _command(
    server: Server, disk: Path, run: Path, cache: dict, name: str, moments: random.Random, times: int
) -> Iterator[Outcome]:
    """The same for another command on the run; it writes what it would have written."""
    out, copy, calls = disk / name, disk / "copy", disk.parent / "calls"

    def begin(filling: Filling, anew: bool = True) -> Start:
        if anew:
            for folder in (copy, out, disk / "cache"):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(run, copy)
        flags = [flag.format(out=out) for flag in COMMANDS[name]]
        before = {f"{__name__}.watch": {"disk": str(disk), "calls": str(calls), **filling._asdict()}}
        return server.start(f"--workdir={copy}", *flags, command=name.split()[0], before=before, **cache)

    process = begin(Filling(-1, 0))
    assert process.wait() == 0, process.err
    whole, number = _content(out), int(calls.read_text())
    for call in _spread(moments, number, times):
        process = begin(filling := Filling(call, moments.choice([0, 1, 2, 8])))
        code = process.wait()
        there = _content(out)
        wrong = _ended(process) or ("half written" if not there.items() <= whole.items() else "")
        (disk / BALLAST).unlink(missing_ok=True)
        if not wrong and (begin(Filling(-1, 0), anew=False).wait() or _content(out) != whole):
            wrong = "with space again it wrote something else"
        tell(f"bin/{name}: full before call {call}, {filling.pages} pages left: exit code {code}; {wrong or 'as ever'}")
        yield Outcome("full disk", f"bin/{name}", wrong and f"call {call}: {wrong}")


def _ended(process: Start) -> str:
    """What is wrong with how a process ended whose disk was full."""
    if process.code == 0:
        return ""  # what was left sufficed, or it was a cache
    if process.code != StorageError.exit_code or len(process.errors) != 1 or "Traceback" in process.err:
        return f"exit code {process.code}: {process.err}"
    return ""


def _halves(run: Path) -> str:
    """The files of a run that are not whole under their final names."""
    from gan.runs import checkpoint

    checkpoints = run / "checkpoints"
    for step in checkpoint.steps(checkpoints):
        checkpoint.manifest(checkpoints, step)  # raises for one that is damaged
    for picture in (run / "samples").glob("[!.]*"):
        with Image.open(picture) as image:
            image.load()
    texts = [path.read_text() for path in (run / "config.json",) if path.exists()]
    texts += (run / "evaluations.jsonl").read_text().splitlines() if (run / "evaluations.jsonl").exists() else []
    for text in texts:
        json.loads(text)
    return ""


def _content(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their paths in it; of a JSON file without the time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): _timeless(path) for path in files}


def _timeless(path: Path) -> bytes:
    if path.suffix != ".json":
        return path.read_bytes()
    return b"\n".join(line for line in path.read_bytes().split(b"\n") if b'"time"' not in line)


@contextlib.contextmanager
def _mounted(disk: Path) -> Iterator[Path]:
    """A small disk in memory at `disk`; raises `PermissionError` where that may not be mounted."""
    disk.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={MEBIBYTES}m"]
    done = subprocess.run(["mount", *options, "tmpfs", str(disk)], capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"no disk could be mounted to be filled: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def watch(asked: dict) -> None:
    """Lets this process count its calls into the file `calls`, and fill the `disk` before one of them."""
    made = 0

    def around(function):
        def call(*arguments, **options):
            nonlocal made
            if made == asked["call"]:
                _fill(asked["disk"], asked["pages"])
            made += 1
            descriptor = os.open(asked["calls"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, str(made).encode())
            os.close(descriptor)
            return function(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, around(getattr(os, name)))


def _fill(disk: str, pages: int) -> None:
    """Takes all the space of a disk but so many pages."""
    there = os.statvfs(disk)
    free = there.f_bavail * there.f_frsize - pages * PAGE
    descriptor = os.open(os.path.join(disk, BALLAST), os.O_WRONLY | os.O_CREAT, 0o600)
    os.posix_fallocate(descriptor, 0, free)
    os.close(descriptor)
