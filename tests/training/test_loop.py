"""The loop with a run that computes nothing: what is done after which step, in which order, and how it ends."""

import os
import signal
import time
from functools import partial

import numpy as np
import pytest

from gan import config
from gan.errors import LostHelperError, Preempted, UserError
from gan.training import cadence, loop, pace
from gan.training.actions import Action
from gan.training.team import Alone
from gan.training.watch import Nobody

EXAMPLES, BATCH = 40, 4


class Batches:
    """Images of 2 x 2 whose file is gone from the step `lost` on."""

    source = type("Source", (), {"image_shape": (2, 2, 1)})
    error = UserError("no such file")

    def __init__(self, lost):
        self.lost, self.is_closed = lost, False

    def is_ready(self, step, count, seconds):
        return True

    def close(self):
        self.is_closed = True

    def read(self, step, count):
        if step + count > self.lost:
            raise self.error
        return np.zeros([count, BATCH, 2, 2, 1], np.uint8), np.zeros([count, BATCH], np.int32)

    def nothing(self):
        return self.read(0, 0)


class FakeChunk:
    """A chunk that only counts its steps, and logs every `log_every` ones."""

    most_steps = 10**6

    def __init__(self, run):
        self.run = run

    def __call__(self, step, images, labels):
        assert images.shape[0] == labels.shape[0] and step == self.run.step
        self.run.step += int(images.shape[0])
        if images.shape[0]:
            self.run.chunks.append(self.run.step)
        every = FakeActions.periods.get("log")
        return [due for due in range(step + 1, self.run.step + 1) if every and due % every == 0]


class FakeRun:
    """A run whose chunks only count their steps; `chunks` has the step after each."""

    def __init__(self, folder, steps, start=0, lost=10**9, **settings):
        self.config = config.make("article", steps=steps, epochs=0, batch_size=BATCH, **settings)
        self.folder, self.checkpoints, self.samples = folder, folder / "checkpoints", folder / "samples"
        self.num_examples, self.step, self.batches, self.chunks = EXAMPLES, start, Batches(lost), []
        self.chunk, self.feed = FakeChunk(self), self.batches
        self.watch, self.team = Nobody(), Alone()


class FakeActions:
    """Notes what is done. `told` is called with each (name, step)."""

    periods: dict[str, int] = {}

    def __init__(self, run, progress, stop, wall_seconds):
        self.done, self.stop, self.wall_seconds = [], stop, wall_seconds
        self.in_order = tuple(
            Action(partial(cadence.next_multiple, every=every), partial(self.note, name))
            for name, every in self.periods.items()
            if name != "log"
        ) + (Action(lambda step: cadence.next_sample(run.config, step, EXAMPLES), partial(self.note, "sample")),)
        made.append(self)

    def note(self, name, step=None):
        self.done.append((name, step))
        return True

    def log(self, lines, step):
        for due in lines:
            self.note("log", due)

    def __getattr__(self, name):
        return partial(self.note, name)


made: list[FakeActions] = []


@pytest.fixture
def periods(monkeypatch):
    made.clear()
    monkeypatch.setattr(loop, "Actions", FakeActions)
    monkeypatch.setattr(FakeActions, "periods", found := {})
    return found


def test_every_action_follows_each_of_its_steps_in_their_order(tmp_path, periods):
    periods |= {"log": 3, "evaluate": 4, "never": 0, "new": 7}
    run = FakeRun(tmp_path, steps=31, sample_every_steps=6)
    assert loop.train(run, 0.0) == 31
    expected = [("begin", 0), ("count_speed", None)]
    for step in range(1, 32):
        expected += [(name, step) for name, every in periods.items() if every and step % every == 0]
        expected += [("sample", step)] * (step % 6 == 0 or step % (EXAMPLES // BATCH) == 0 or step == 31)
    assert made[0].done == [*expected, ("finish", 31), ("close", None)]


def test_chunks_grow_and_stop_where_anything_is_due(tmp_path, periods, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 1e9)
    periods |= {"log": 2, "new": 5}
    run = FakeRun(tmp_path, steps=22, sample_every_steps=0)
    loop.train(run, 0.0)
    assert run.chunks == [1, 3, 5, 10, 15, 20, 22]
    monkeypatch.setattr(FakeChunk, "most_steps", 1)
    single = FakeRun(tmp_path, steps=22, sample_every_steps=0)
    loop.train(single, 0.0)
    assert single.chunks == list(range(1, 23)) and made[0].done == made[1].done


def test_a_chunk_takes_no_more_steps_than_it_can(tmp_path, periods, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(FakeChunk, "most_steps", 3)
    run = FakeRun(tmp_path, steps=10, sample_every_steps=0)
    loop.train(run, 0.0)
    assert run.chunks == [1, 3, 6, 9, 10]


def test_a_run_that_goes_on_begins_at_its_step(tmp_path, periods):
    run = FakeRun(tmp_path, steps=12, start=9, sample_every_steps=0)
    assert loop.train(run, 7.0) == 12
    assert made[0].done[0] == ("begin", 9) and run.chunks[0] == 10
    assert made[0].wall_seconds == 7.0


def test_at_its_last_step_nothing_is_compiled_or_trained(tmp_path, periods):
    run = FakeRun(tmp_path, steps=12, start=12, sample_every_steps=0)
    assert loop.train(run, 0.0) == 12
    assert made[0].done == [("begin", 12), ("finish", 12), ("close", None)] and run.chunks == []


def test_the_clock_ends_a_start(tmp_path, periods):
    run = FakeRun(tmp_path, steps=0, minutes=1e-9)
    assert loop.train(run, 0.0) == 0
    assert made[0].done == [("begin", 0), ("finish", 0), ("close", None)]


def test_a_watch_sees_when_steps_begin_and_end_and_may_end_the_run(tmp_path, periods, monkeypatch):
    periods |= {"evaluate": 2}
    monkeypatch.setattr(FakeChunk, "most_steps", 1)

    class Watch:
        def trained(self, step):
            made[0].note("trained", step)

        def is_enough(self, step):
            made[0].note("asked", step)
            return step == 3

    run = FakeRun(tmp_path, steps=100, sample_every_steps=0)
    run.watch = Watch()
    assert loop.train(run, 0.0) == 3
    before = [("begin", 0), ("asked", 0), ("count_speed", None), ("asked", 0)]
    steps = [("trained", 1), ("asked", 1), ("trained", 2), ("evaluate", 2), ("asked", 2), ("trained", 3), ("asked", 3)]
    assert made[0].done == [*before, *steps, ("finish", 3), ("close", None)]


@pytest.fixture
def one_by_one(monkeypatch):
    """A run comes to every step, however long a chunk of it takes."""
    monkeypatch.setattr(FakeChunk, "most_steps", 1)


@pytest.mark.parametrize("last", [3, 10])
def test_a_signal_ends_it_after_the_chunk_and_what_is_due_with_a_checkpoint(tmp_path, periods, one_by_one, last):
    periods |= {"log": 1}
    run = FakeRun(tmp_path, steps=10, sample_every_steps=0)
    as_it_was = FakeActions.note

    def note(self, name, step=None):
        if (name, step) == ("log", last):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(6000):
                if self.stop:
                    break
                time.sleep(0.01)
            assert self.stop
        as_it_was(self, name, step)
        return name != "finish"  # the signal cut the evaluation short

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Preempted, match=f"after step {last}; saved"):
        patch.setattr(FakeActions, "note", note)
        loop.train(run, 0.0)
    end = [("save", last), ("close", None)]
    if last == 10:
        end = [("sample", 10), ("finish", 10), *end]
    assert made[0].done[2:] == [("log", step) for step in range(1, last + 1)] + end


def test_a_signal_ends_it_while_it_waits_for_images(tmp_path, periods, one_by_one, monkeypatch):
    run, asked = FakeRun(tmp_path, steps=10, sample_every_steps=0), []

    def hangs(step, count, seconds):
        if step == 3 and not asked:
            os.kill(os.getpid(), signal.SIGTERM)
        asked.extend([step] * (step == 3))
        assert len(asked) < 6000
        time.sleep(0.01)
        return step < 3

    monkeypatch.setattr(run.batches, "is_ready", hangs)
    with pytest.raises(Preempted, match="after step 3; saved"):
        loop.train(run, 0.0)
    assert made[0].done[-2:] == [("save", 3), ("close", None)] and run.batches.is_closed


def test_the_clock_ends_it_while_it_waits_for_images(tmp_path, periods, one_by_one, monkeypatch):
    run, now, asked = FakeRun(tmp_path, steps=0, minutes=0.5), [0.0], []

    def clock():
        now[0] += 0.001  # no step takes no time
        return now[0]

    def hangs(step, count, seconds):
        now[0] += 10.0 * (step == 3)
        asked.append(step)
        assert len(asked) < 10
        return step < 3

    monkeypatch.setattr(loop, "Stopwatch", lambda: pace.Stopwatch(clock))
    monkeypatch.setattr(run.batches, "is_ready", hangs)
    assert loop.train(run, 0.0) == 3 and asked == [0, 1, 2, 3, 3, 3]
    assert made[0].done[-2:] == [("finish", 3), ("close", None)]


def test_it_is_saved_on_demand_while_it_waits_for_images(tmp_path, periods, one_by_one, monkeypatch):
    run, waited = FakeRun(tmp_path, steps=5, sample_every_steps=0), []

    def hangs(step, count, seconds):
        if step != 3 or ("save_once", 3) in made[0].done:
            return True
        if not waited:
            os.kill(os.getpid(), signal.SIGUSR1)
        waited.append(time.sleep(0.01))
        return len(waited) > 6000

    monkeypatch.setattr(run.batches, "is_ready", hangs)
    assert loop.train(run, 0.0) == 5
    assert made[0].done[2:] == [("save_once", 3), ("sample", 5), ("finish", 5), ("close", None)]


def test_data_that_cannot_be_read_end_the_run_and_the_step_is_saved(tmp_path, periods):
    with pytest.raises(UserError, match="no such file; step 4 is saved: put it back"):
        loop.train(FakeRun(tmp_path, steps=10, lost=4, sample_every_steps=1), 0.0)
    assert made[0].done[-2:] == [("save_once", 4), ("close", None)]


def test_a_worker_that_is_lost_ends_the_run_with_its_own_remedy(tmp_path, periods, monkeypatch):
    monkeypatch.setattr(Batches, "error", LostHelperError("a process was killed"))
    with pytest.raises(
        UserError, match="a process was killed; step 4 is saved: start again to continue, with fewer --d"
    ):
        loop.train(FakeRun(tmp_path, steps=10, lost=4, sample_every_steps=1), 0.0)
    assert made[0].done[-2:] == [("save_once", 4), ("close", None)]


def test_the_log_is_closed_whatever_happens(tmp_path, periods, monkeypatch):
    run = FakeRun(tmp_path, steps=10)
    monkeypatch.setattr(run, "chunk", None)
    with pytest.raises(TypeError):
        loop.train(run, 0.0)
    assert made[0].done[-1] == ("close", None) and run.batches.is_closed


def test_an_action_is_due_where_it_is_the_next_one():
    action = Action(partial(cadence.next_multiple, every=3), print)
    assert [step for step in range(1, 10) if action.is_due(step)] == [3, 6, 9]
    assert not any(Action(partial(cadence.next_multiple, every=0), print).is_due(step) for step in range(1, 10))
