import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import dcgan
from gan.networks.convolutions import DIRECT
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

NUMERICS = {"channels": 1, "convolver": DIRECT, "dtype": tf.float32}


def shapes(network, kind):
    return [row.shape for row in network.table if row.name.startswith(kind)]


@pytest.mark.parametrize(("resolution", "base", "halvings"), [(28, 7, 2), (32, 8, 2), (64, 8, 3)])
def test_both_go_from_the_size_of_the_image_to_the_smallest_map(resolution, base, halvings):
    g = dcgan.generator(
        GeneratorSpec(
            size=(resolution, resolution), latent_size=8, width=16, output="linear", output_scale=1.0, **NUMERICS
        )
    )
    settings = {"dropout": 0.0, "input_noise": 0.0, "symmetric": True}
    d = dcgan.discriminator(DiscriminatorSpec(size=(resolution, resolution), width=4, **settings, **NUMERICS))
    sizes = [base << i for i in range(halvings + 1)]
    assert shapes(g, "reshape") == [(base, base, 16)]
    assert shapes(g, "conv") == [(s, s, 16 >> i) for i, s in enumerate(sizes)][1:-1] + [(resolution, resolution, 1)]
    assert shapes(d, "conv") == [(s, s, 4 << i) for i, s in enumerate(sizes[-2::-1])]


def test_the_layers_have_stable_names():
    g = dcgan.generator(
        GeneratorSpec(size=(28, 28), latent_size=8, width=16, output="linear", output_scale=1.0, **NUMERICS)
    )
    d = dcgan.discriminator(
        DiscriminatorSpec(size=(28, 28), width=4, dropout=0.1, input_noise=0.0, symmetric=True, **NUMERICS)
    )
    assert list(g.init(rng.stream(1, 2))) == ["dense_1", "batch_norm_1", "conv_1", "batch_norm_2", "conv_2"]
    assert list(d.init(rng.stream(1, 2))) == ["conv_1", "conv_2", "dense_1"]
