import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import sngan
from gan.networks.convolutions import DIRECT
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

ROOT = rng.stream(1, 2)
NUMERICS = {"channels": 1, "convolver": DIRECT, "dtype": tf.float32}


def generator(resolution=28, **changes):
    settings = {"latent_size": 8, "width": 4, "output": "linear", "output_scale": 1.0, **NUMERICS}
    return sngan.generator(GeneratorSpec(size=(resolution, resolution), **{**settings, **changes}))


def discriminator(resolution=28, **changes):
    settings = {"width": 4, "dropout": 0.0, "input_noise": 0.0, "symmetric": True, **NUMERICS}
    return sngan.discriminator(DiscriminatorSpec(size=(resolution, resolution), **{**settings, **changes}))


def blocks(network):
    return [row.shape for row in network.table if row.name.startswith("block")]


@pytest.mark.parametrize(("resolution", "base", "halvings"), [(28, 7, 2), (32, 8, 2), (64, 8, 3)])
def test_a_block_for_each_change_of_size_and_two_at_the_smallest_map(resolution, base, halvings):
    sizes = [base << i for i in range(halvings + 1)]
    assert blocks(generator(resolution)) == [(size, size, 4) for size in sizes[1:]]
    assert blocks(discriminator(resolution)) == [(size, size, 4) for size in [*sizes[-2::-1], base, base]]


def test_the_layers_have_stable_names():
    g, d = generator().init(ROOT), discriminator().init(ROOT)
    assert list(g) == ["dense_1", "block_1", "block_2", "batch_norm_1", "conv_1"]
    assert list(g["block_1"]) == ["batch_norm_1", "conv_1", "batch_norm_2", "conv_2", "shortcut_pointwise_1"]
    assert list(d) == ["block_1", "block_2", "block_3", "block_4", "dense_1"]
    assert list(d["block_1"]) == ["conv_1", "conv_2", "shortcut_pointwise_1"]
    assert list(d["block_3"]) == ["conv_1", "conv_2"]


def test_classes_act_by_the_scales_and_offsets_of_the_blocks():
    plain, conditional = generator().init(ROOT), generator(num_classes=3).init(ROOT)
    assert list(plain) == list(conditional)
    assert conditional["block_1"]["batch_norm_1"]["scale"].shape == (3, 4)
    assert plain["block_1"]["batch_norm_1"]["scale"].shape == (4,)
    assert conditional["batch_norm_1"]["scale"].shape == (4,)
    added = [sum(p.shape.num_elements() for p in tf.nest.flatten(part)) for part in (plain, conditional)]
    assert added[1] - added[0] == 2 * 2 * 2 * (3 - 1) * 4  # blocks, normalizations, scale and offset


def test_the_first_block_sees_the_pixels_before_any_rectifier():
    """Black in [-1, 1] is negative: a rectifier in front would hide how dark the dark half is."""
    d = discriminator()
    params = d.init(ROOT)
    dark = tf.constant(np.random.default_rng(1).uniform(0.0, 0.4, [2, 28, 28, 1]), tf.float32)
    one, other = (d.apply(params, x, None, ROOT, False).numpy() for x in (dark, 0.5 * dark))
    assert np.abs(one - other).min() > 1e-3
