import numpy as np
import tensorflow as tf

from gan.core import augment, objectives, optimizers, state
from gan.core.game import Augmenting, Game, Rates
from gan.networks import layers, sngan
from gan.networks.convolutions import DIRECT
from gan.networks.specs import DiscriminatorSpec


def network():
    return layers.serial((5,), [layers.dense(4), layers.leaky_relu(0.2), layers.dense(4)])


def game(**changes):
    def adam(beta2):
        return optimizers.adam(0.9, beta2, 1e-7)

    plain = Game(
        network(), network(), objectives.hinge(), adam, adam, Rates(1e-3, 1e-3, 0.9, 0.9), latent_size=5, batch=2
    )
    return plain._replace(**changes)


def initial(seed, **changes):
    return state.initial(seed, game(**changes))


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


def test_a_state_carries_what_its_game_needs_and_no_more():
    plain = initial(1)
    assert plain.averages == {}
    assert plain.extra == {state.VECTORS: {}}
    rule = Augmenting(augment.adaptive, 0.25, 0.6, 1e5)
    normalized = sngan.discriminator(DiscriminatorSpec(
        size=(20, 20), channels=1, width=4, dropout=0.0, input_noise=0.0, symmetric=False, convolver=DIRECT,
        dtype=tf.float32,
    ))  # fmt: skip
    rich = initial(1, ema_ramp=0.05, augmenting=rule, loss_scaling=True, discriminator=normalized)
    assert bits(rich.averages) == bits(rich.generator.params)
    assert set(rich.extra) == {"spectral_vectors", "augmentation_strength", "d_loss_scale", "g_loss_scale"}
    assert float(rich.extra["augmentation_strength"]) == 0.25
    assert rich.extra[state.VECTORS]
    assert all(isinstance(leaf, tf.Tensor) for leaf in tf.nest.flatten(rich))


def test_what_a_state_carries_is_there_by_name_and_changes_by_field():
    plain, rich = initial(1), initial(1, augmenting=Augmenting(augment.adaptive, 0.25, 0.6, 1e5), loss_scaling=True)
    assert state.Carried.of(plain.extra) == ({}, (), (), ())
    assert state.Carried.of(plain.extra).extra() == plain.extra
    assert list(rich.extra) == ["spectral_vectors", "augmentation_strength", "d_loss_scale", "g_loss_scale"]
    assert bits(state.Carried.of(rich.extra).extra()) == bits(rich.extra)
    moved = state.carrying(rich, strength=tf.constant(0.5))
    assert float(moved.extra["augmentation_strength"]) == 0.5
    assert moved._replace(extra=rich.extra) == rich and list(moved.extra) == list(rich.extra)
