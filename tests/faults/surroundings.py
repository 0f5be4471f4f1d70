"""Machines and habits that are not those of the developers: a run trains to the same bits, or one line says why not.

Each surrounding is a function of a place; what it does is in its docstring, which the table shows.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests import tiny
from tests.commands import ROOT, Server, Start
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell

STEPS = 6
DAY = 86400.0


class Place:
    """Where runs are made, and the run that nothing was unusual about."""

    def __init__(self, server: Server, folder: Path):
        self.folder = folder
        self.trainings = Trainings(server, folder, CONFIGURATIONS["float32"], STEPS)
        self.undisturbed = folder / "undisturbed"
        self.trainings.finish(self.undisturbed)

    def ends_alike(self, run: Path, **options) -> None:
        """Trains, or goes on, to the bits of the undisturbed run."""
        ended(self.trainings.start(run, **options)[0], 0)
        self.is_alike(run)

    def is_alike(self, run: Path) -> None:
        """The run has left what the undisturbed one has."""
        assert tiny.differences(run, self.undisturbed, STEPS) == []

    def shell(self, line: str, **environment: str | None) -> subprocess.CompletedProcess:
        """A line of the shell in which `train`, the last word of a process, is bin/train with its flags."""
        flags = " ".join(f"'{flag}'" for flag in self.trainings.flags())
        fresh = {
            **os.environ,
            "GAN_PYTHON": sys.executable,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **environment,
        }
        fresh = {name: value for name, value in fresh.items() if value is not None}
        script = f"train() {{ exec '{ROOT}/bin/train' {flags} \"$@\"; }}\n{line}"
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=fresh, capture_output=True, text=True, timeout=300
        )


def ended(process: Start, code: int) -> str:
    """Waits for a process that is to end with this code and no traceback; the line by which it failed."""
    assert process.wait() == code, f"exit code {process.code}\n{process.out}\n{process.err}"
    assert "Traceback" not in process.err, process.err
    return process.errors[0] if process.errors else ""


def limit(asked: dict) -> None:
    """Limits this process: numbers by the names of the module `resource`."""
    for name, number in asked.items():
        resource.setrlimit(getattr(resource, name), (number, number))


def jump(seconds: float) -> None:
    """Lets the time of day jump by so much in this process after its second step, as a clock that is set does."""
    from gan.training import watch

    trained, clock = watch.Nobody.trained, time.time

    def jumping(self, step: int) -> None:
        if step == 2:
            time.time = lambda: clock() + seconds
        trained(self, step)

    watch.Nobody.trained = jumping


def slow_game(seconds: float) -> None:
    """Lets a training take so long to make its networks."""
    from gan.training import session

    made = session.game

    def slow(*given, **named):
        time.sleep(seconds)
        return made(*given, **named)

    session.game = slow


def clock_forward(place: Place) -> None:
    """the time of day jumps a day ahead"""
    place.ends_alike(place.folder / "ahead", before={f"{__name__}.jump": DAY})


def clock_back(place: Place) -> None:
    """the time of day jumps a day back, then the run is killed and goes on"""
    run = place.folder / "back"
    process, told = place.trainings.start(run, hold=4, before={f"{__name__}.jump": -DAY})
    process.until("saved step 2")  # it is held after step 4, before that is saved
    process.kill(process.pid)
    process.wait()
    place.ends_alike(run)


def copied(place: Place) -> None:
    """the folder is copied while the run trains, and both go on"""
    run, copy = place.folder / "original", place.folder / "copy"
    process, _ = place.trainings.start(run, hold=4)
    process.until("saved step 2")  # it is held after step 4, before that is saved
    shutil.copytree(run, copy)
    place.ends_alike(copy)
    process.release()
    ended(process, 0)
    place.is_alike(run)


def moved(place: Place) -> None:
    """the folder is moved while the run trains: one line and code 74, and it goes on where it is now"""
    run, there = place.folder / "before", place.folder / "after"
    process, _ = place.trainings.start(run, hold=3)
    process.until("step 3/")
    run.rename(there)
    process.release()
    assert "before" in ended(process, 74)
    assert not run.exists()
    place.ends_alike(there)


def removed(place: Place) -> None:
    """the folder is removed while the run trains: one line and code 74; the same command begins anew"""
    run = place.folder / "removed"
    process, _ = place.trainings.start(run, hold=3)
    process.until("step 3/")
    shutil.rmtree(run)
    process.release()
    assert "removed" in ended(process, 74)
    place.ends_alike(run)


def odd_path(place: Place) -> None:
    """a path with spaces, quotes, other alphabets and 200 bytes in one name"""
    place.ends_alike(place.folder / "a 'run' \"of\" mine\u00e9 \u65e5\u672c" / ("x" * 200))


def umask(place: Place) -> None:
    """umask 077"""
    run = place.folder / "private"
    place.ends_alike(run, before={"os.umask": 0o077})
    assert all(path.stat().st_mode & 0o077 == 0 for path in run.rglob("*") if not path.is_symlink())


def few_files(place: Place) -> None:
    """64 open files at most"""
    place.ends_alike(place.folder / "few", before={f"{__name__}.limit": {"RLIMIT_NOFILE": 64}})


def no_home(place: Place) -> None:
    """neither HOME nor a folder for caches; the C locale; standard input closed, output a pipe that nobody reads"""
    run = place.folder / "homeless"
    line = f"train --workdir='{run}' <&- 2>errors | true; echo ${{PIPESTATUS[0]}}"
    done = place.shell(line, HOME=None, XDG_CACHE_HOME=None, LC_ALL="C", LANG=None)
    errors = (place.folder / "errors").read_text()
    assert "Traceback" not in errors and done.stdout.strip() in ("0", "141"), f"{done.stdout} {errors}"
    place.ends_alike(run)


def little_address_space(place: Place) -> None:
    """2 GiB of address space (ulimit -v): it trains; with 1 GiB, one line and code 2"""
    done = place.shell(f"ulimit -v {2 << 20}; train --workdir='{place.folder / 'narrow'}'")
    assert done.returncode == 0, done.stderr
    place.is_alike(place.folder / "narrow")
    done = place.shell(f"ulimit -v {1 << 20}; train --workdir='{place.folder / 'too narrow'}'")
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(lines) == 1 and "ulimit -v" in lines[0], f"{done.returncode} {done.stderr}"


def saved_early(place: Place) -> None:
    """SIGUSR1 and SIGHUP within the first second of bin/train: passed over; ended with 129 and nothing half"""
    for name, moments in {"USR1": (0.3, 0.6, 1.5), "HUP": (0.1, 0.6)}.items():
        run = place.folder / f"early {name}"
        for moment in moments:
            done = place.shell(f"train --workdir='{run}' & sleep {moment}; kill -{name} $!; wait $!")
            assert done.returncode == (0 if name == "USR1" else 129) and "Traceback" not in done.stderr, done.stderr
        place.ends_alike(run)


QUICK = (clock_forward, clock_back, copied, moved, removed, odd_path, umask, few_files)
SURROUNDINGS: tuple[Callable[[Place], None], ...] = (*QUICK, no_home, little_address_space, saved_early)


def surround(server: Server, folder: Path, which: tuple = SURROUNDINGS) -> list[Outcome]:
    """Tries each of them."""
    place, found = Place(server, folder), []
    for each in which:
        try:
            each(place)
            wrong = ""
        except AssertionError as error:
            wrong = f"{each.__name__}: {error}"
        tell(f"{each.__doc__}: {wrong or 'as it should be'}")
        found.append(Outcome("surroundings", each.__doc__ or "", wrong))
    return found
