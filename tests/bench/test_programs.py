"""The rivals compute what the engine computes: the article's networks, and a step that trains both players."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.bench import rivals
from gan.bench.programs import keras_article, serving
from gan.core import rng

PARAMETERS = [2_450_049, 1_113_345]


@pytest.fixture(scope="module")
def engine():
    """The engine's pair, its parameters with biases that are not 0, and latents, images and outputs as arrays."""
    parts = build.game(config.make("article_corrected"), serving.IMAGE_SHAPE, build.PLAIN)
    stream = rng.stream(seed=1, step=0)
    latents, images = rng.normal(stream, (3, 128)), rng.uniform(rng.fold(stream, 1), (3, 28, 28, 1))
    pairs = []
    for i, (network, x) in enumerate(((parts.generator, latents), (parts.discriminator, images))):
        params = network.init(rng.fold(stream, 2 + i))
        for j, layer in enumerate(params.values()):
            layer["bias"] = 0.1 * rng.normal(rng.fold(stream, 10 + 10 * i + j), (1, *layer["bias"].shape))[0]
        y = network.apply(params, x, tf.zeros([3], tf.int32), stream, False)
        pairs.append((params, x.numpy(), y.numpy()))
    return pairs


def test_keras_networks_are_the_engines(engine):
    models = keras_article.article_generator(), keras_article.article_discriminator()
    assert [model.count_params() for model in models] == PARAMETERS
    for model, (params, x, y) in zip(models, engine, strict=True):
        layers = [layer for layer in model.layers if layer.weights]
        for layer, values in zip(layers, params.values(), strict=True):
            layer.set_weights([values["kernel"].numpy(), values["bias"].numpy()])
        np.testing.assert_allclose(np.reshape(model(x, training=False), y.shape), y, atol=2e-5)


# TensorFlow and PyTorch do not bear each other in one process.
TORCH = """
import json, sys
import numpy as np, torch
from gan.bench.programs import torch_article
found = {"parameters": [], "losses": [], "moved": []}
given = np.load(sys.argv[1])
for i, make in enumerate(torch_article.PLAYERS):
    network = make().eval()
    found["parameters"].append(sum(parameter.numel() for parameter in network.parameters()))
    layers = [module for module in network if hasattr(module, "weight")]
    with torch.no_grad():
        for j, layer in enumerate(layers):
            layer.weight.copy_(torch.from_numpy(given[f"{i}_{j}_kernel"]))
            layer.bias.copy_(torch.from_numpy(given[f"{i}_{j}_bias"]))
        np.save(f"{sys.argv[1]}.{i}.npy", network(torch.from_numpy(given[f"{i}_x"])).numpy())
for precision in (torch.float32, torch.bfloat16):
    gan = torch_article.ArticleGan(torch.rand(8, 1, 28, 28), 2, precision, compiled=False)
    before = [p.detach().clone() for player in gan.players for p in player.parameters()]
    found["losses"] += gan.step()
    after = [p for player in gan.players for p in player.parameters()]
    found["moved"] += [not torch.equal(p, was) for p, was in zip(after, before)]
print(json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_networks_are_the_engines_and_a_step_moves_both(engine, tmp_path):
    given = {}
    for i, (params, x, _) in enumerate(engine):
        given[f"{i}_x"] = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
        for j, (name, values) in enumerate(params.items()):
            kernel, bias = _channels_first(name, values["kernel"].numpy(), values["bias"].numpy())
            given |= {f"{i}_{j}_kernel": kernel, f"{i}_{j}_bias": bias}
    np.savez(tmp_path / "given.npz", **given)
    arguments = [sys.executable, "-c", TORCH, str(tmp_path / "given.npz")]
    done = subprocess.run(arguments, cwd=rivals.ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["parameters"] == PARAMETERS
    assert all(abs(loss - np.log(2)) < 0.2 for loss in found["losses"])
    assert all(found["moved"])
    for i, (_, _, y) in enumerate(engine):
        out = np.load(tmp_path / f"given.npz.{i}.npy")
        out = out.transpose(0, 2, 3, 1) if out.ndim == 4 else out[:, 0]
        np.testing.assert_allclose(out, y, atol=2e-5)


def _channels_first(name, kernel, bias):
    """The engine's kernel and bias as PyTorch orders them."""
    if name.startswith("conv"):
        return kernel.transpose(3, 2, 0, 1), bias
    if kernel.shape[1] == 1:  # from maps [12, 12, 256] flattened
        return kernel.reshape(12, 12, 256, 1).transpose(3, 2, 0, 1).reshape(1, -1), bias
    kernel = kernel.reshape(-1, 7, 7, 128).transpose(3, 1, 2, 0).reshape(7 * 7 * 128, -1)  # to maps [7, 7, 128]
    return kernel, bias.reshape(7, 7, 128).transpose(2, 0, 1).reshape(-1)


def test_a_keras_step_moves_both_players():
    model = keras_article.ArticleGan(batch_size=2)
    before = [[v.numpy() for v in player.trainable_variables] for player in (model.generator, model.discriminator)]
    losses = model.train_step(tf.ones([2, *serving.IMAGE_SHAPE]) / 2)
    assert all(abs(float(loss) - np.log(2)) < 0.2 for loss in losses.values())
    for player, old in zip((model.generator, model.discriminator), before, strict=True):
        assert all(np.any(v.numpy() != was) for v, was in zip(player.trainable_variables, old, strict=True))


def test_images_are_repeated_to_fill_a_batch(tmp_path):
    np.save(
        tmp_path / "images.npy", np.arange(3, dtype=np.uint8)[:, None, None, None] + np.zeros((28, 28, 1), np.uint8)
    )
    assert serving.images(tmp_path / "images.npy", 7)[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert serving.images(None, 4).shape == (1024, *serving.IMAGE_SHAPE)
