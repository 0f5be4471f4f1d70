import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import residual
from gan.networks.convolutions import DIRECT
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

ROOT = rng.stream(1, 2)
NUMERICS = {"convolver": DIRECT, "dtype": tf.float32}


def generator(size=(28, 28), width=32, depth=0):
    settings = {
        "size": size,
        "channels": 1,
        "latent_size": 8,
        "output": "linear",
        "output_scale": 1.0,
    }
    return residual.generator(GeneratorSpec(**settings, width=width, depth=depth, **NUMERICS))


def discriminator(size=(28, 28), width=4, depth=0, **changes):
    settings = {"size": size, "channels": 1, "dropout": 0.0, "input_noise": 0.0, "symmetric": True}
    return residual.discriminator(DiscriminatorSpec(**settings, width=width, depth=depth, **NUMERICS, **changes))


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize(("make", "shape"), [(generator, (3, 8)), (discriminator, (3, 28, 28, 1))])
def test_blocks_are_their_shortcuts_at_the_start(make, shape, depth):
    network, x = make(depth=depth), rng.normal(ROOT, shape)
    params = network.init(ROOT)
    y = network.apply(params, x, None, ROOT, True)
    blocks = {name: block for name, block in params.items() if name.startswith("block")}
    assert len(blocks) == 3 * (depth or 1)
    for block in blocks.values():
        np.testing.assert_array_equal(np.abs(block["conv_2"]["kernel"]), 0.0)
    other = {
        name: {**block, "conv_1": {k: p + 1.0 for k, p in block["conv_1"].items()}} for name, block in blocks.items()
    }
    np.testing.assert_array_equal(network.apply({**params, **other}, x, None, ROOT, True), y)
    other = {
        name: {**block, "conv_2": {k: p + 0.1 for k, p in block["conv_2"].items()}} for name, block in blocks.items()
    }
    assert np.abs(network.apply({**params, **other}, x, None, ROOT, True) - y).max() > 0.01


def test_the_layers_have_stable_names():
    assert list(generator().init(ROOT)) == ["dense_1", "block_1", "block_2", "block_3", "conv_1"]
    assert list(generator().init(ROOT)["block_1"]) == ["conv_1", "conv_2"]
    assert list(generator().init(ROOT)["block_2"]) == ["conv_1", "conv_2", "shortcut_pointwise_1"]
    names = ["conv_1", "block_1", "block_2", "block_3", "weighted_sum_1", "dense_1"]
    assert list(discriminator().init(ROOT)) == names
    assert list(discriminator(minibatch_deviation=4).init(ROOT)) == [*names[:4], "conv_2", *names[4:]]


def test_channels_are_halved_with_each_doubling_but_for_a_least_number():
    def channels(network):
        return [row.shape for row in network.table if row.name.startswith("block")]

    assert channels(generator(width=64)) == [(7, 7, 64), (14, 14, 32), (28, 28, 16)]
    assert channels(generator((64, 64), width=64)) == [(8, 8, 64), (16, 16, 32), (32, 32, 16), (64, 64, 16)]
    assert channels(generator(width=8)) == [(7, 7, 8), (14, 14, 8), (28, 28, 8)]
    assert channels(discriminator(width=8)) == [(14, 14, 16), (7, 7, 32), (7, 7, 32)]


def test_the_table_counts_what_blocks_cost():
    rows = {row.name: row for row in generator(width=64).table}
    assert rows["block_1"].multiply_adds == 2 * 49 * 9 * 64 * 64
    assert rows["block_2"].multiply_adds == 196 * 9 * (64 * 32 + 32 * 32) + 49 * 64 * 32
    assert rows["block_2"].parameters == 9 * (64 * 32 + 32 * 32) + 2 * 32 + 64 * 32 + 32
    rows = {row.name: row for row in discriminator(width=8).table}
    assert rows["block_1"].multiply_adds == 784 * 9 * 8 * 8 + 196 * 9 * 8 * 16 + 196 * 8 * 16


@pytest.mark.parametrize("depth", [1, 4])
def test_the_variance_of_the_first_convolution_falls_with_the_number_of_blocks(depth):
    kernel = generator(width=64, depth=depth).init(ROOT)["block_1"]["conv_1"]["kernel"]
    he = 2 / (1.04 * 9 * 64)
    np.testing.assert_allclose(np.var(kernel), he / (3 * depth), rtol=0.05)
