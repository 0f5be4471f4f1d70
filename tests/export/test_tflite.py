"""The networks as TensorFlow Lite models compute what the engine computes, for any number of examples."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.export import tflite

litert = pytest.importorskip("ai_edge_litert.interpreter")
CLASSES = 3
SHARES = (0.5, 0.3, 0.2)


def settings(**given) -> config.Config:
    return config.make(**{"preset": "article", "g_width": 8, "d_width": 8, "latent_size": 8, **given})


def some(params, seed: int):
    """The parameters with noise: what is zero at first would hide where it goes."""
    random = np.random.default_rng(seed)
    return tf.nest.map_structure(
        lambda value: value + tf.constant(random.standard_normal(value.shape), tf.float32) * 0.05, params
    )


def called(model: bytes, **inputs: np.ndarray) -> np.ndarray:
    interpreter = litert.Interpreter(model_content=model, num_threads=1)
    runner = interpreter.get_signature_runner()
    (output,) = runner(**inputs).values()
    return output


def expected(chosen, shape, params, latents, labels) -> np.ndarray:
    network = build.sampling_generator(chosen, shape, build.PLAIN, SHARES)
    settled = network.settle(params) if network.settle else params
    return np.clip(network.apply(settled, latents, labels, rng.stream(0, 0), False), 0, 1)


@pytest.mark.parametrize("conditional", [False, True], ids=["", "conditional"])
@pytest.mark.parametrize(
    ("networks", "shape"),
    [
        ("article", (28, 28, 1)),
        ("article", (24, 40, 3)),
        ("residual", (28, 28, 1)),
        ("residual", (64, 32, 3)),
        ("dcgan", (28, 28, 1)),
        ("sngan", (32, 32, 3)),
    ],
)
def test_generators_of_all_pairs_draw_what_the_engine_draws(networks, shape, conditional):
    chosen = settings(networks=networks, conditional=conditional, g_output="linear", precision="mixed_bfloat16")
    params = some(build.generator(chosen, shape, build.PLAIN, CLASSES).init(rng.stream(0, -1)), 0)
    model = tflite.generator(chosen, shape, params, SHARES)
    latents = np.random.default_rng(1).standard_normal((5, 8), np.float32)
    labels = np.arange(5, dtype=np.int32) % CLASSES
    images = expected(chosen, shape, params, latents, labels)
    assert images.std() > 0.01
    told = {"labels": labels} if conditional else {}
    found = called(model, latents=latents, **told)
    np.testing.assert_allclose(found, images, atol=1e-5)
    one = called(model, latents=latents[3:4], **{name: value[3:4] for name, value in told.items()})
    np.testing.assert_allclose(one, images[3:4], atol=1e-5)
