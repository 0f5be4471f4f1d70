"""Patience with a storage that refuses, on a clock that the tests set; then whole runs whose every write is refused."""

import errno
import os
import shutil
import socket
from functools import partial

import pytest

from gan.errors import StorageError
from gan.runs.metrics_log import read_metrics
from gan.training import actions, loop, patience
from gan.training.pace import Stopwatch
from tests.refusing import Refusing
from tests.training.walking import STEPS, at, begun, end, never


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Disk:
    """Refuses the first `refusals` writes."""

    def __init__(self, refusals):
        self.left, self.tried = refusals, 0

    def write(self):
        self.tried += 1
        if self.tried <= self.left:
            raise StorageError("/run/x: No space left on device; free some space there and start again")
        return "written"


@pytest.fixture
def made(tmp_path):
    """`made(minutes, stop)`: a patience, its clock and what it said."""

    def make(minutes, stop=False):
        clock, said = Clock(), []
        found = patience.Patience(tmp_path, minutes, stop, said.append, clock=clock, sleep=clock.sleep)
        return found, clock, said

    return make


def test_what_is_written_at_once_is_not_told_of(made):
    patient, clock, said = made(10)
    assert patient(Disk(0).write) == "written" and not said and clock.now == 1000.0


def test_a_pause_is_told_of_every_minute_and_ends_when_it_works(made):
    patient, clock, said = made(10)
    disk = Disk(26)
    assert patient(disk.write) == "written"
    assert disk.tried == 27 and clock.now == 1130.0
    warning = "warning: /run/x: No space left on device; training pauses and goes on when this works again"
    assert said == [warning] * 3 + ["the storage works again, after 0:02:10: going on"]
    assert patient(Disk(1).write) == "written"  # the next pause has all the time again


def test_after_the_limit_it_is_the_error_and_nothing_waits_any_more(made):
    patient, clock, said = made(2)
    with pytest.raises(StorageError, match=r"No space left .* and start again \(tried for 2 minutes\)$"):
        patient(Disk(10**6).write)
    assert clock.now == 1120.0 and len(said) == 2
    with pytest.raises(StorageError):
        patient(Disk(1).write)
    assert clock.now == 1120.0 and len(said) == 2


def test_no_minutes_are_no_patience(made):
    patient, clock, said = made(0)
    with pytest.raises(StorageError, match="start again$"):
        patient(Disk(1).write)
    assert not said and clock.now == 1000.0


class StopAfter:
    """True from the time `number` that it is asked."""

    def __init__(self, number):
        self.left = number

    def __bool__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("asked", "tried"), [(0, 1), (3, 2)], ids=["before", "meanwhile"])
def test_a_stop_waits_for_nothing(made, asked, tried):
    patient, clock, _ = made(10, StopAfter(asked))
    disk = Disk(10)
    with pytest.raises(StorageError, match="start again$"):
        patient(disk.write)
    assert disk.tried == tried and clock.now < 1005.0


def test_a_stop_after_which_it_works_is_no_error(made):
    patient, clock, _ = made(10, StopAfter(3))
    assert patient(Disk(1).write) == "written" and clock.now < 1005.0


def test_the_watch_of_the_speed_stands_still(tmp_path):
    clock = Clock()
    watch = Stopwatch(clock)
    patient = patience.Patience(tmp_path, 10, False, print, watch.stopped, clock, clock.sleep)
    clock.sleep(2.0)
    patient(Disk(3).write)
    with watch.stopped():
        patient(Disk(3).write)
    assert watch.seconds == 2.0


def test_nothing_is_written_where_the_folder_is_gone_or_of_another_trainer(made, tmp_path):
    patient, _, said = made(1)
    lock, disk = tmp_path / ".lock", Disk(0)
    lock.write_text(f"PID {os.getpid()} on {socket.gethostname()}\n")
    assert patient(disk.write) == "written"
    lock.write_text("PID 1 on elsewhere\n")
    with pytest.raises(StorageError, match="held by another trainer by now, PID 1 on elsewhere; use another --w"):
        patient(disk.write)
    patient, _, said = made(1)
    shutil.rmtree(tmp_path)
    with pytest.raises(StorageError, match="is not there any more; put it back in its place and start again"):
        patient(disk.write)
    assert disk.tried == 1 and not tmp_path.exists() and "is not there any more; training pauses" in said[0]


@pytest.fixture
def at_once(monkeypatch):
    """Runs wait for the storage in no time; `at_once` is the clock."""
    clock = Clock()
    patient = partial(patience.Patience, clock=clock, sleep=clock.sleep)
    monkeypatch.setattr(actions, "Patience", patient)
    monkeypatch.setattr("gan.evaluation.in_training.best", lambda *_: {})
    return clock


def events(folder):
    """(tag, step) of all summaries in the order of the files, their checksums verified."""
    import tensorflow as tf

    from gan.storage.event_files import Event

    found = []
    for path in sorted((folder / "train").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = Event.FromString(record)
            found += [(value.tag, event.step) for value in event.summary.value]
    return found


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_run_whose_every_write_is_refused_once_has_the_bits_and_the_log_of_another(tmp_path, at_once, number):
    """The second one goes back to a checkpoint, too."""
    poison = at(13, 1) if number == errno.EIO else never
    assert loop.train(begun(tmp_path / "one", poison), 0.0) == STEPS
    run = begun(tmp_path / "other", poison)
    with pytest.MonkeyPatch.context() as patch:
        as_it_was = loop.Actions.begin

        def begin(self, step):
            if step == 0:
                self.storage = Refusing(patch, number)  # from here on
            as_it_was(self, step)

        patch.setattr(loop.Actions, "begin", begin)
        assert loop.train(run, 0.0) == STEPS
    assert at_once.now > 1200.0
    assert end(tmp_path / "one") == end(tmp_path / "other")
    rows = [[(row["step"], row["d_loss"]) for row in read_metrics(tmp_path / name)] for name in ("one", "other")]
    assert rows[0] == rows[1] and len(rows[0]) == STEPS // 2
    assert events(tmp_path / "one") == events(tmp_path / "other")
    names = [
        sorted(p.name for p in (tmp_path / name).rglob("*") if "events" not in p.name) for name in ("one", "other")
    ]
    assert names[0] == names[1]  # nothing temporary


def test_a_run_whose_folder_is_removed_ends_and_begins_no_other(tmp_path, at_once):
    run = begun(tmp_path / "run", never)

    class Removing:
        def trained(self, step):
            if step > 6:
                shutil.rmtree(run.folder, ignore_errors=True)

        def is_enough(self, step):
            return False

    with pytest.raises(StorageError, match="run is not there any more; put it back .* minutes"):
        loop.train(run._replace(watch=Removing()), 0.0)
    assert not run.folder.exists() and at_once.now == 1600.0
