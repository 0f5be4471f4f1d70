"""What is done between chunks, on a run that has nothing but variables."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from gan import config
from gan.errors import DivergedError
from gan.training.actions import Actions
from gan.training.progress import Progress
from gan.training.replicas import Training


@pytest.mark.parametrize(
    ("weight", "loss", "words"),
    [(1.0, float("nan"), "d_loss is nan at step 3"), (float("inf"), 1.0, "a parameter is not finite at step 3")],
)
def test_neither_a_state_nor_a_loss_that_is_not_finite_is_saved(tmp_path, weight, loss, words):
    training = Training({"w": tf.Variable(weight)}, {"d_loss": tf.Variable(loss)}, tf.Variable(1, dtype=tf.int64))
    run = SimpleNamespace(config=config.make(), step=2, folder=tmp_path, training=training, facts={}, num_examples=10)
    run.checkpoints, run.samples = tmp_path / "checkpoints", tmp_path / "samples"
    actions = Actions(run, Progress(total_steps=9, steps_per_epoch=1.0))
    with pytest.raises(DivergedError, match=words):
        actions.save(3)
    actions.close()
    assert not run.checkpoints.exists()
