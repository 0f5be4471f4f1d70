import math

import pytest
import tensorflow as tf

from gan.errors import DivergedError
from gan.training import divergence


def test_finite_numbers_pass(tmp_path):
    divergence.check_means({"d_loss": -1e30, "g_loss": 0.0}, 3, tmp_path)
    divergence.check_state({"kernel": tf.Variable([1.0, -2.0]), "step": tf.Variable(3)}, 3, tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_mean_that_is_not_finite_is_named(tmp_path, value):
    with pytest.raises(DivergedError, match=f"diverged: g_loss is {value} at step 3; there is no checkpoint yet"):
        divergence.check_means({"d_loss": 0.0, "g_loss": value}, 3, tmp_path / "none")


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_one_number_of_the_state_is_enough_and_the_newest_checkpoint_is_told(tmp_path, dtype):
    (tmp_path / "step_0000000002").mkdir()
    state = {"good": tf.Variable([1.0]), "bad": [tf.Variable(tf.constant([0.0, math.nan], dtype))]}
    with pytest.raises(DivergedError, match="a parameter is not finite at step 3; continue from .* step 2, with"):
        divergence.check_state(state, 3, tmp_path)
