"""A run whose numbers stop being finite goes back, on from there on another way, and can be killed at any moment."""

import numpy as np
import pytest

from gan.core import loss_scale
from gan.errors import DivergedError, Preempted
from gan.runs import checkpoint
from gan.runs.metrics_log import read_metrics
from gan.training import loop, pace
from tests.training.walking import STEPS, Killed, Watch, at, begun, end, expected, history, kernel, never


@pytest.fixture(autouse=True)
def without_evaluations(monkeypatch):
    monkeypatch.setattr("gan.evaluation.in_training.best", lambda *_: {})


ONCE = at(13, 1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a run that went back once, from step 13 to step 10."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.evaluation.in_training.best", lambda *_: {})
        folder = tmp_path_factory.mktemp("run") / "run"
        assert loop.train(begun(folder, ONCE), 0.0) == STEPS
    return folder


def test_it_goes_on_from_the_newest_checkpoint_with_the_same_images_and_other_random_numbers(undisturbed):
    np.testing.assert_allclose(kernel(undisturbed), expected(never, [(10, 0), (STEPS, 1)]), rtol=1e-6)
    assert not np.allclose(kernel(undisturbed), expected(never, [(STEPS, 0)]), rtol=1e-3)


def test_it_is_kept_in_later_checkpoints_and_in_the_history(undisturbed):
    assert end(undisturbed, 10)[1] == []
    for step in (15, STEPS):
        assert end(undisturbed, step)[1] == [{"to": 10, "at": 13, "what": "d_loss is nan"}]
    assert history(undisturbed) == ["rollback 1 to step 10: d_loss is nan at step 13"]


def test_the_log_and_the_grids_are_those_of_the_way_that_was_taken(undisturbed):
    rows = read_metrics(undisturbed)
    assert [row["step"] for row in rows] == list(range(2, STEPS + 1, 2))
    assert all(row["d_loss"] is not None for row in rows)
    assert sorted(path.name for path in (undisturbed / "samples").glob("*.png")) == [
        f"grid_{step:010d}.png" for step in (0, 5, 6, 10, 12, 15, 18, 20)
    ]


class Enough:
    """Ends a start at a step, which is then saved though the cadence does not ask for it."""

    def __init__(self, step):
        self.step = step

    def trained(self, step):
        pass

    def is_enough(self, step):
        return step >= self.step


def test_a_checkpoint_that_the_cadence_did_not_make_leads_another_way_and_that_is_told(
    tmp_path, undisturbed, monkeypatch
):
    assert checkpoint.manifest(undisturbed / "checkpoints", STEPS)["facts"].get("inexact", []) == []
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 1)
    assert loop.train(begun(tmp_path, ONCE)._replace(watch=Enough(12)), 0.0) == 12
    assert loop.train(begun(tmp_path, ONCE), 0.0) == STEPS
    facts = checkpoint.manifest(tmp_path / "checkpoints", STEPS)["facts"]
    assert [each["to"] for each in facts["rollbacks"]] == [12]
    why = "it went back to a checkpoint that an undisturbed run does not go back to"
    assert facts["inexact"] == [{"step": 12, "why": why}]
    assert end(tmp_path)[0] != end(undisturbed)[0]


@pytest.mark.parametrize("longest", [1, 3, 100])
def test_chunks_of_any_size_take_the_same_way(tmp_path, undisturbed, monkeypatch, longest):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", longest)
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 1e9)
    run = begun(tmp_path, ONCE, sample_every_steps=0)
    assert loop.train(run, 0.0) == STEPS
    assert end(tmp_path) == end(undisturbed) and history(tmp_path) == history(undisturbed)


def test_xla_takes_the_same_way(tmp_path):
    for name, poison in (("went back", ONCE), ("never", never)):
        assert loop.train(begun(tmp_path / name, poison, jit=True), 0.0) == STEPS
    assert end(tmp_path / "went back")[1] == [{"to": 10, "at": 13, "what": "d_loss is nan"}]
    np.testing.assert_allclose(kernel(tmp_path / "went back"), expected(never, [(10, 0), (STEPS, 1)]), rtol=1e-5)


@pytest.mark.parametrize(
    ("step", "number"), [(12, 1), (12, 2), (15, 1), (18, 1)], ids=["before", "after", "at its save", "beyond"]
)
def test_a_run_that_is_killed_comes_to_the_same_rollbacks_and_bits(tmp_path, undisturbed, monkeypatch, step, number):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 1)
    run = begun(tmp_path, ONCE)._replace(watch=Watch(step, number))
    with pytest.raises(Killed):
        loop.train(run, 0.0)
    again = begun(tmp_path, ONCE)
    assert (len(again.rollbacks), again.step) == ((1, 15) if step > 15 else (0, 10))
    assert loop.train(again, 0.0) == STEPS
    assert end(tmp_path) == end(undisturbed) and history(tmp_path) == history(undisturbed)
    ours, theirs = ([(row["step"], row["d_loss"]) for row in read_metrics(each)] for each in (tmp_path, undisturbed))
    assert ours == theirs


def test_each_checkpoint_is_gone_back_to_so_often_and_the_number_of_all_names_the_way(tmp_path):
    def twice_each(step, rollbacks):
        return ((step == 8) & (rollbacks < 2)) | ((step == 17) & (rollbacks < 4))

    assert loop.train(begun(tmp_path, twice_each, max_rollbacks=2), 0.0) == STEPS
    assert [(each["to"], each["at"]) for each in end(tmp_path)[1]] == [(5, 8), (5, 8), (15, 17), (15, 17)]
    np.testing.assert_allclose(kernel(tmp_path), expected(never, [(5, 0), (15, 2), (STEPS, 4)]), rtol=1e-6)


@pytest.mark.parametrize(("most", "vain"), [(0, ""), (3, ", after 3 rollbacks to step 10 without another save")])
def test_what_goes_wrong_each_time_ends_the_run(tmp_path, capsys, most, vain):
    run = begun(tmp_path, at(13, 10**6), max_rollbacks=most)
    with pytest.raises(DivergedError) as caught:
        loop.train(run, 0.0)
    remedy = "continue from the newest checkpoint, step 10, with --override and a smaller learning rate"
    assert str(caught.value) == f"diverged: d_loss is nan at step 13{vain}; {remedy}"
    assert checkpoint.steps(run.checkpoints) == [5, 10] and len(history(tmp_path)) == most
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    told = (
        "warning: d_loss is nan at step 13: back to step 10 (rollback {} of 3 to it) and on with other random numbers"
    )
    assert said == [told.format(number) for number in range(1, most + 1)]
    with pytest.raises(DivergedError, match="at step 13"):  # the same again
        loop.train(begun(tmp_path, at(13, 10**6), max_rollbacks=most), 0.0)
    assert len(history(tmp_path)) == most


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(tmp_path):
    with pytest.raises(DivergedError, match="d_loss is nan at step 3; there is no checkpoint yet: start again with"):
        loop.train(begun(tmp_path, at(3, 1)), 0.0)


def test_a_parameter_that_is_not_finite_is_found_before_a_save(tmp_path):
    """Its loss would be found in the next step: it goes wrong in the last step before the save."""
    assert loop.train(begun(tmp_path, at(15, 1, kind=2)), 0.0) == STEPS
    what = "the tensor generator/params/kernel is not finite"
    assert end(tmp_path)[1] == [{"to": 10, "at": 15, "what": what}]
    np.testing.assert_allclose(kernel(tmp_path), expected(never, [(10, 0), (STEPS, 1)]), rtol=1e-6)


def test_it_is_found_at_the_end_too(tmp_path):
    assert loop.train(begun(tmp_path, at(STEPS, 1, kind=2), save_every_steps=8), 0.0) == STEPS
    assert [(each["to"], each["at"]) for each in end(tmp_path)[1]] == [(16, STEPS)]


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 1)

    class Damaging(Watch):
        def trained(self, step):
            if step == 12:
                (tmp_path / "checkpoints/step_0000000010/state.index").write_bytes(b"")

    assert loop.train(begun(tmp_path, ONCE)._replace(watch=Damaging()), 0.0) == STEPS
    assert end(tmp_path)[1] == [{"to": 5, "at": 13, "what": "d_loss is nan"}]


def test_what_a_checkpoint_of_another_precision_lacks_begins_anew(tmp_path):
    plain = begun(tmp_path, ONCE)
    with pytest.raises(Killed):
        loop.train(plain._replace(watch=Watch(12)), 0.0)
    run = begun(tmp_path, ONCE, extra={"d_loss_scale": loss_scale.initial()})
    run.training.state.extra["d_loss_scale"].good.assign(7)
    assert loop.train(run, 0.0) == STEPS
    assert run.training.state.extra["d_loss_scale"].good.numpy() == 0


def test_a_signal_and_a_fault_in_one_chunk_end_it_at_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 1)
    asked = []

    class Stopping(Watch):
        def is_enough(self, step):
            if step == 14 and not asked:
                asked.append(loop_of[0]._stop)
                asked[0]._requested = True
            return False

    loop_of, as_it_was = [], loop._Loop.to_the_end

    def to_the_end(self):
        loop_of.append(self)
        return as_it_was(self)

    monkeypatch.setattr(loop._Loop, "to_the_end", to_the_end)
    run = begun(tmp_path, at(14, 1, kind=2), save_every_steps=5)._replace(watch=Stopping())
    with pytest.raises(Preempted, match="after step 10; saved"):
        loop.train(run, 0.0)
    assert checkpoint.steps(run.checkpoints) == [5, 10] and asked
    assert loop.train(begun(tmp_path, at(14, 1, kind=2)), 0.0) == STEPS
