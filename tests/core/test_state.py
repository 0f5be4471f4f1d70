import numpy as np
import tensorflow as tf

from gan.core import layers, optimizers, state

ADAM = optimizers.adam(0.9, 0.999, 1e-7)


def network():
    return layers.serial((5,), [layers.dense(4), layers.leaky_relu(0.2), layers.dense(4)])


def initial(seed):
    return state.initial(seed, network(), network(), ADAM, ADAM)


def bits(nest):
    return [np.asarray(tensor).tobytes() for tensor in tf.nest.flatten(nest)]


def test_the_first_state_is_a_function_of_the_seed():
    assert bits(initial(1)) == bits(initial(1))
    assert bits(initial(1).generator.params) != bits(initial(2).generator.params)


def test_equal_networks_begin_with_different_weights():
    one = initial(1)
    assert np.mean(one.generator.params["dense_1"]["kernel"] == one.discriminator.params["dense_1"]["kernel"]) < 0.1


def test_a_run_begins_at_step_zero_with_empty_slots():
    one = initial(1)
    assert one.step.dtype == tf.int64
    assert int(one.step) == 0
    for player in (one.generator, one.discriminator):
        assert not any(np.any(slot) for slot in tf.nest.flatten(player.slots))
        assert not any(np.any(layer["bias"]) for layer in player.params.values())


def test_a_state_holds_tensors_alone():
    assert all(isinstance(leaf, tf.Tensor) for leaf in tf.nest.flatten(initial(1)))
