"""What a run costs besides its steps: measured by the loop's own functions, elsewhere than in the run's folder."""

import pytest
import tensorflow as tf

from gan import build, config
from gan.bench import host_costs
from gan.errors import UserError
from gan.training import replicas, session
from gan.training.actions import Actions


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run of a garment data set whose step is not traced."""
    chosen = config.make(
        "article", dataset="garments", data_in_memory="false", batch_size=2, g_width=4, d_width=2, latent_size=4,
        precision="float32", convolution="direct", jit_compile="false",
    )  # fmt: skip
    source, machine = build.source(chosen), session.Machine(replicas.strategy("one_device"), build.PLAIN, {})
    game = session.game(chosen, source, machine)
    return session.prepare(chosen, source, machine, game, tmp_path_factory.mktemp("run"))


def test_each_cost_is_that_of_what_the_loop_does(run, monkeypatch, capsys):
    before, called = [value.numpy() for value in tf.nest.flatten(replicas.read(run.training))], []
    for name in ("log", "save"):
        as_it_is = getattr(Actions, name)

        def noted(self, *given, name=name, as_it_is=as_it_is):
            called.append((name, given[-1]))
            as_it_is(self, *given)

        monkeypatch.setattr(Actions, name, noted)
    costs = host_costs.measure(run)
    assert list(costs) == ["input batch of 2", "a line of the log", "saving a checkpoint", "restoring a checkpoint"]
    assert all(seconds > 0 for seconds in costs.values())
    repeats = host_costs._REPEATS + 1
    assert called == [("log", i + 1) for i in range(repeats)] + [("save", i) for i in range(repeats)]
    after = [value.numpy() for value in tf.nest.flatten(replicas.read(run.training))]
    assert all((one == other).all() for one, other in zip(before, after, strict=True))
    assert list(run.folder.iterdir()) == [] and capsys.readouterr() == ("", "")


TINY = ("--dataset=garments", "--batch_size=2", "--g_width=4", "--d_width=2", "--latent_size=4", "--convolution=direct")


def test_a_start_is_that_of_a_training_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="that times the start failed: .*--batch_size"):
        host_costs.start([*TINY, "--batch_size=0"])
    monkeypatch.setattr(host_costs, "_START_SECONDS", 0.01)
    with pytest.raises(UserError, match="three steps were not done within 0 s"):
        host_costs.start(TINY)
    assert list(tmp_path.iterdir()) == []
