import math

import numpy as np
import pytest
import tensorflow as tf

from gan.core.state import Player, State
from gan.training import divergence
from gan.training.divergence import Fault, NotFinite


def test_finite_numbers_pass():
    assert divergence.in_metrics(3, {"d_loss": -1e30, "g_loss": 0.0}) is None
    divergence.check(None)
    divergence.check_state({"kernel": tf.Variable([1.0, -2.0]), "step": tf.Variable(3)}, 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_is_named(value):
    found = divergence.in_metrics(3, {"d_loss": 0.0, "g_loss": np.float32(value)})
    assert found == Fault(3, f"g_loss is {value}")
    with pytest.raises(NotFinite, match=f"g_loss is {value} at step 3") as caught:
        divergence.check(found)
    assert caught.value.fault == found


def test_of_several_metrics_the_first_is_named():
    found = divergence.in_metrics(3, {"a": 1.0, "c": math.inf, "b": math.nan, "d": math.nan})
    assert found == Fault(3, "c is inf (and 2 more)")


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_one_number_of_the_state_is_enough_and_named_by_its_path(dtype):
    good, bad = Player({"a": {"kernel": tf.Variable([1.0])}}, ()), Player({"b.c": [tf.Variable([1.0])]}, ())
    bad.params["b.c"].append(tf.Variable(tf.constant([0.0, math.nan], dtype)))
    with pytest.raises(NotFinite, match="the tensor discriminator/params/b..c/1 is not finite at step 3"):
        divergence.check_state(State(tf.Variable(3), good, bad, {}, {}), 3)
