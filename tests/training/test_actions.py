"""What follows the steps of a run, on a clock that the tests set; whole runs are in tests/end_to_end."""

import io
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from gan import config
from gan.errors import DivergedError, StorageError, UserError
from gan.evaluation import in_training
from gan.runs import checkpoint
from gan.training import actions as module
from gan.training.chunks import Line
from gan.training.pace import Stopwatch
from gan.training.progress import Progress
from gan.training.replicas import Training


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A clock with the time `now`, by which all stopwatches go."""
    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(module, "Stopwatch", partial(Stopwatch, lambda: found.now))
    return found


@pytest.fixture
def make(tmp_path, monkeypatch):
    """`make(setting=value, ...)`: the actions of a run of one parameter, which says what it does on `said`."""
    made = []

    def actions(step=0, wall_seconds=0.0, **settings):
        settings = {"batch_size": 4, "epochs": 0, "steps": 50, "save_every_minutes": 0, **settings}
        state = {"step": tf.Variable(step, dtype=tf.int64), "kernel": tf.Variable([1.0])}
        run = SimpleNamespace(
            config=config.make("article", **settings), folder=tmp_path, checkpoints=tmp_path / "checkpoints",
            samples=tmp_path / "samples", num_examples=40, step=step, facts={}, evaluating=None, shown=dict,
            training=Training(state, {"d_loss": tf.Variable(6.0)}, tf.Variable(3, dtype=tf.int64)),
        )  # fmt: skip
        said = io.StringIO()
        progress = Progress(total_steps=50, steps_per_epoch=10.0, stream=said)
        made.append(module.Actions(run, progress, wall_seconds=wall_seconds))
        made[-1].said, made[-1].run = said, run
        return made[-1]

    monkeypatch.setattr(in_training, "best", lambda *_: {})
    yield actions
    for one in made:
        one.close()


def due(actions, step: int) -> list[str]:
    """The names of what follows a step."""
    names = ("sample", "evaluate", "save")
    return [name for name, action in zip(names, actions.in_order, strict=True) if action.is_due(step)]


def test_each_follows_its_own_steps_in_the_order_of_the_loop(clock, make):
    actions = make(log_every_steps=5, sample_every_steps=10, evaluate_every_steps=20, save_every_steps=15)
    found = {step: due(actions, step) for step in range(1, 51) if due(actions, step)}
    assert sorted(found) == [10, 15, 20, 30, 40, 45, 50]  # the log ends no chunk
    assert found[15] == ["save"] and found[20] == ["sample", "evaluate"]
    assert found[30] == ["sample", "save"] and found[50] == ["sample"]  # the last one
    off = make(log_every_steps=7, sample_every_steps=0, evaluate_every_steps=0, save_every_steps=0)
    assert [step for step in range(1, 50) if "sample" in due(off, step)] == [10, 20, 30, 40]  # epochs
    assert not any({"evaluate", "save"} & set(due(off, step)) for step in range(1, 51))


def test_the_minutes_since_the_last_checkpoint_make_the_next_step_one_to_save(clock, make):
    actions = make(save_every_minutes=2, save_every_steps=40)
    clock.now += 119.0
    assert not any("save" in due(actions, step) for step in range(1, 40)) and "save" in due(actions, 40)
    clock.now += 1.0
    assert all("save" in due(actions, step) for step in range(1, 41))
    assert actions.in_order[-1].next_due(7) == 8  # so the chunk that has not begun yet is short
    actions.save(3)
    assert not any("save" in due(actions, step) for step in range(1, 40))


def test_a_step_is_saved_once(clock, make):
    actions = make()
    for step in (3, 3, 4):
        actions.save_once(step)
    assert actions.said.getvalue() == "saved step 3\nsaved step 4\n"
    assert checkpoint.steps(actions.run.checkpoints) == [3, 4]
    actions.close()
    again = make(step=4)
    again.save_once(4)
    assert again.said.getvalue() == ""


def logged(actions) -> list[dict]:
    return [json.loads(line) for line in Path(actions.run.folder / "metrics.jsonl").read_text().splitlines()]


def test_a_log_has_means_speed_and_time(clock, make):
    actions = make(wall_seconds=1000.0)
    clock.now += 50.0  # compiling
    actions.count_speed()
    clock.now += 2.0
    actions.log([Line(3, {"d_loss": 2.0})], 3)
    assert logged(actions) == [
        {"step": 3, "images": 12, "epoch": 0.3, "d_loss": 2.0, "images_per_second": 6.0, "wall_seconds": 1052.0}
    ]
    assert actions.said.getvalue().startswith("step 3/50  epoch 0.30/5.00  6.0 images/s")


def test_lines_of_one_chunk_have_its_speed_and_the_times_between(clock, make):
    actions = make()
    actions.count_speed()
    clock.now += 4.0
    actions.log([], 4)  # its time counts in the next speed
    clock.now += 6.0
    actions.log([Line(step, {"d_loss": float(step)}) for step in (3, 6, 9)], 10)
    clock.now += 4.0
    actions.log([Line(12, {"d_loss": 1.0})], 12)
    found = [(row["step"], row["d_loss"], row["images_per_second"], row["wall_seconds"]) for row in logged(actions)]
    assert found == [(3, 3.0, 4.0, 3.0), (6, 6.0, 4.0, 6.0), (9, 9.0, 4.0, 9.0), (12, 1.0, 2.0, 14.0)]
    assert [line.split()[1] for line in actions.said.getvalue().splitlines()] == ["3/50", "6/50", "9/50", "12/50"]


def test_what_diverged_is_logged_but_not_saved(clock, make):
    actions = make()
    actions.run.training.totals["d_loss"].assign(float("nan"))
    with pytest.raises(DivergedError, match="d_loss is nan at step 3"):
        clock.now += 1.0
        actions.log([Line(2, {"d_loss": 1.0}), Line(3, {"d_loss": float("nan")}), Line(4, {"d_loss": 1.0})], 5)
    assert [row["d_loss"] for row in logged(actions)] == [1.0, None]  # nothing after it
    with pytest.raises(DivergedError, match="d_loss is nan at step 3"):
        actions.save(3)
    actions.run.training.totals["d_loss"].assign(1.0)
    actions.run.training.state["kernel"].assign([float("inf")])
    for action in (actions.save, actions.evaluate):
        with pytest.raises(DivergedError, match="a parameter is not finite at step 3"):
            action(3)
    assert checkpoint.steps(actions.run.checkpoints) == []


def test_the_time_of_an_evaluation_is_not_the_training_s(clock, make, monkeypatch):
    outcomes = iter(
        [SimpleNamespace(line="the best", is_best=True), SimpleNamespace(line="worse", is_best=False), None]
    )

    def evaluate(*_):
        clock.now += 1000.0
        return next(outcomes)

    monkeypatch.setattr(in_training, "evaluate", evaluate)
    actions = make()
    clock.now += 1.0
    assert actions.evaluate(2) and actions.evaluate(4)
    clock.now += 1.0
    actions.log([Line(5, {"d_loss": 1.0})], 5)
    assert not actions.evaluate(6)
    row = json.loads((actions.run.folder / "metrics.jsonl").read_text())
    assert row["images_per_second"] == 10.0 and row["wall_seconds"] == 2002.0
    lines = actions.said.getvalue().splitlines()
    assert lines[:4] == ["evaluating 2,000 images of step 2 ...", "the best", "saved step 2", "worse"]


def test_an_evaluation_that_fails_ends_the_run_and_the_step_is_saved(clock, make, monkeypatch):
    def evaluate(*_):
        raise UserError("too few images")

    monkeypatch.setattr(in_training, "evaluate", evaluate)
    actions = make()
    with pytest.raises(UserError, match="too few images"):
        actions.evaluate(4)
    assert checkpoint.steps(actions.run.checkpoints) == [4]


def outcome(line="worse", is_best=False) -> SimpleNamespace:
    return SimpleNamespace(line=line, is_best=is_best)


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """The steps of which a grid is drawn; the grids are empty files."""
    found = []

    def sample(self, step):
        found.append(step)
        self._run.samples.mkdir(exist_ok=True)
        module.grids.path(self._run.samples, step).touch()

    monkeypatch.setattr(module.Actions, "sample", sample)
    monkeypatch.setattr(module.grids, "animate", lambda folder: None)
    return found


def test_a_start_at_a_step_that_was_saved_without_its_evaluation_makes_up_for_it(clock, make, drawn, monkeypatch):
    asked = []
    monkeypatch.setattr(in_training, "evaluate", lambda *given: asked.append(given[2]) or outcome())
    for step in (0, 8, 9):
        make(step=step, evaluate_every_steps=4).begin(step)
    make(step=8).begin(8)
    assert drawn == [0] and asked == [8]


@pytest.mark.parametrize("every", [0, 4])
def test_the_end_draws_evaluates_and_saves_what_is_not_there_yet(clock, make, drawn, monkeypatch, every):
    asked = []
    monkeypatch.setattr(in_training, "evaluate", lambda *given: asked.append(given[2]) or outcome())
    actions = make(evaluate_every_steps=every)
    for _ in range(2):
        assert actions.finish(7)
    assert drawn == [7] and asked == [7] * bool(every)
    assert actions.said.getvalue().count("saved step 7") == 1


def test_an_end_cut_short_by_a_signal_is_not_complete(clock, make, drawn, monkeypatch):
    monkeypatch.setattr(in_training, "evaluate", lambda *given: None)
    actions = make(evaluate_every_steps=4)
    assert not actions.finish(7) and checkpoint.steps(actions.run.checkpoints) == []


def test_the_best_evaluated_step_is_not_removed(clock, make, monkeypatch):
    monkeypatch.setattr(in_training, "best", lambda *given: {"kind": SimpleNamespace(key=SimpleNamespace(step=1))})
    actions = make(keep_checkpoints=2)
    for step in (1, 2, 3, 4):
        actions.save(step)
    assert checkpoint.steps(actions.run.checkpoints) == [1, 3, 4]


def test_a_folder_that_is_elsewhere_now_is_not_made_again(make, tmp_path):
    actions = make()
    elsewhere = tmp_path.rename(tmp_path.with_name("elsewhere"))
    for action in (actions.sample, actions.evaluate, actions.save):
        with pytest.raises(StorageError, match="was moved, removed or replaced .* --workdir naming where it is now"):
            action(1)
    assert not tmp_path.exists()
    elsewhere.rename(tmp_path)
