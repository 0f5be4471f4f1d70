import numpy as np
import pytest
import tensorflow as tf

from gan.core import loss_scale
from gan.core.loss_scale import LossScale

GRADS = {"kernel": tf.constant([1.0, 2.0]), "bias": tf.constant([3.0])}
OLD = {"kernel": tf.constant([5.0, 6.0]), "bias": tf.constant([7.0])}
OVERFLOWN = GRADS | {"bias": tf.constant([np.inf])}


def scale(value, good=0):
    return LossScale(tf.constant(value), tf.constant(good, tf.int64), tf.constant(7, tf.int64))


def doubled(grads):
    return tf.nest.map_structure(lambda grad: 2.0 * grad, grads)


def test_a_finite_gradient_is_applied_and_counted():
    new, after, _ = loss_scale.guarded(doubled, GRADS, OLD, scale(8.0))
    tf.nest.map_structure(np.testing.assert_array_equal, new, doubled(GRADS))
    assert (float(after.scale), int(after.good), int(after.applied)) == (8.0, 1, 8)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_an_overflow_leaves_everything_as_it_was_and_halves_the_scale(bad):
    new, after, _ = loss_scale.guarded(doubled, GRADS | {"bias": tf.constant([bad])}, OLD, scale(8.0, good=5))
    tf.nest.map_structure(np.testing.assert_array_equal, new, OLD)
    assert (float(after.scale), int(after.good), int(after.applied)) == (4.0, 0, 7)


def test_at_scale_one_a_divergence_comes_through():
    new, after, _ = loss_scale.guarded(doubled, OVERFLOWN, OLD, scale(1.0))
    assert not np.isfinite(new["bias"]).all()
    assert float(after.scale) == 1.0


def test_the_scale_doubles_after_two_thousand_good_updates_and_not_beyond_its_limit():
    now = scale(4.0)
    for _ in range(1999):
        now = loss_scale.advance(now, tf.constant(True))
    assert (float(now.scale), int(now.good)) == (4.0, 1999)
    now = loss_scale.advance(now, tf.constant(True))
    assert (float(now.scale), int(now.good)) == (8.0, 0)
    assert float(loss_scale.advance(scale(2.0**24, 1999), tf.constant(True)).scale) == 2.0**24


def test_scaling_saves_gradients_that_float16_would_lose():
    x = tf.constant([1e-4, 2e-4])

    def gradient(factor):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cast(tf.cast(x, tf.float16) * tf.constant(1e-4, tf.float16), tf.float32)
            loss = factor * tf.reduce_sum(1e-4 * y)
        return tape.gradient(loss, x)

    np.testing.assert_array_equal(gradient(1.0), [0.0, 0.0])
    saved = gradient(loss_scale.INITIAL) / loss_scale.INITIAL
    np.testing.assert_allclose(saved, [1e-8, 1e-8], rtol=2e-3)


def cubed(params):
    return tf.add_n([tf.reduce_sum(tensor**3) for tensor in tf.nest.flatten(params)])


def gradient_of_cubed(now):
    with tf.GradientTape() as tape:
        tape.watch(OLD)
        loss = cubed(OLD)
    return loss_scale.gradient(tape, loss, OLD, now)


def test_a_gradient_is_the_same_with_a_scale_and_without():
    with_scale, without = gradient_of_cubed(scale(8.0)), gradient_of_cubed(())
    assert loss_scale.unscaled(without, ()) is without
    tf.nest.map_structure(np.testing.assert_array_equal, loss_scale.unscaled(with_scale, scale(8.0)), without)
    np.testing.assert_array_equal(with_scale["bias"], [8 * 3 * 49.0])
    np.testing.assert_array_equal(without["bias"], [3 * 49.0])


def test_without_a_scale_everything_is_as_if_there_were_none():
    new, after, shown = loss_scale.guarded(doubled, OVERFLOWN, OLD, ())
    tf.nest.map_structure(np.testing.assert_array_equal, new, doubled(OVERFLOWN))
    assert after == () and shown is OVERFLOWN
    assert loss_scale.inner(()) == 1.0
    assert int(loss_scale.count(tf.constant(4), ())) == 5
    assert np.isinf(loss_scale.applied(tf.constant(np.inf), ()))


def test_with_a_scale_overflown_updates_are_not_counted_and_not_shown():
    assert int(loss_scale.count(tf.constant(20), scale(8.0))) == 8
    assert float(loss_scale.applied(tf.constant(np.inf), scale(8.0))) == 0.0
    assert float(loss_scale.applied(tf.constant(2.5), scale(8.0))) == 2.5
    # A gradient within a loss begins with the scale itself, which must be a number of float16.
    assert float(loss_scale.inner(scale(2.0**20))) == loss_scale.INITIAL
    assert float(loss_scale.inner(scale(8.0))) == 8.0
