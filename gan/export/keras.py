"""The networks as plain Keras models, which need nothing of this project to be loaded and used.

Only standard layers; those with weights bear the names of the engine's parameters. As in the article the discriminator
ends in a sigmoid: the probability that an image is fake, whatever sign the objective gives to its logits. Images are in
[0, 1] on both sides, whatever the networks see. Batch normalization is by the statistics that stand still. Conditional
models take two inputs, the second int32 labels [N].
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from gan.core.base import Network, Row
from gan.export import layers
from gan.export.chains import BUILDERS
from gan.export.layers import Plan
from gan.settings import Config

_TABLES = ("embedding", "scale", "offset")  # parameters with a row for each class, each a layer of its own


@contextlib.contextmanager
def _plain_settings() -> Iterator[None]:
    """Layers of float32 with the channels last, whatever the person's own settings of Keras say."""
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    _set("channels_last", "float32", "float32")
    try:
        yield
    finally:
        _set(*before)


def _set(data_format: str, floatx: str, policy: str | keras.DTypePolicy) -> None:
    keras.config.set_image_data_format(data_format)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@_plain_settings()
def generator(config: Config, network: Network, params: Mapping[str, Any], num_classes: int = 0) -> keras.Model:
    """Latents [N, latent_size], standard normal -> images [N, H, W, C] in [0, 1].

    `params` are what the network is applied with: with the statistics where it has any.
    """
    statistics = params.get("statistics", {})
    params = params["parameters"] if statistics else params
    latents, labels = keras.Input((config.latent_size,), name="latents"), _labels(num_classes)
    chain = BUILDERS[config.networks].generator(Plan(config, network, labels, num_classes))
    model = _model("generatormodel", latents, labels, chain)
    normalizations = _normalizations(network.table, params)
    both = [statistics[name] for name in sorted(statistics)]
    kept = dict(zip(normalizations, zip(both[::2], both[1::2], strict=True), strict=True))
    return _filled(model, params, kept)


@_plain_settings()
def discriminator(
    config: Config,
    network: Network,
    params: Mapping[str, Any],
    image_shape: Sequence[int],
    real_sign: float = -1.0,
    num_classes: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [0, 1] -> the probability [N, 1] that each is fake; logits of real ones: `real_sign`."""
    images, labels = keras.Input(tuple(image_shape), name="images"), _labels(num_classes)
    plan = Plan(config, network, labels, num_classes)
    chain = [*BUILDERS[config.networks].discriminator(plan, image_shape)]
    (features,) = next(row.shape for row in reversed(network.table) if len(row.shape) == 1 and row.shape != (1,))
    return _filled(
        _model("discriminatormodel", images, labels, [*chain, *layers.probability(plan, features, real_sign)]), params
    )


def _labels(num_classes: int) -> keras.KerasTensor | None:
    return keras.Input((), dtype="int32", name="labels") if num_classes else None


def _model(name: str, entry: keras.KerasTensor, labels: keras.KerasTensor | None, chain: layers.Chain) -> keras.Model:
    """The model of this chain; two inputs if it has labels."""
    return keras.Model(entry if labels is None else [entry, labels], layers.chained(entry, chain), name=name)


def _normalizations(table: Sequence[Row], params: Mapping[str, Any]) -> list[str]:
    """The names of all batch normalizations as Keras' layers have them, in the order in which the engine comes by."""
    found = []
    for row in table:
        inner = sorted(name for name in params.get(row.name, {}) if name.startswith("batch_norm_"))
        found += [row.name] if row.name.startswith("batch_norm_") else [f"{row.name}_{name}" for name in inner]
    return found


def _filled(
    model: keras.Model, params: Mapping[str, Any], statistics: Mapping[str, tuple[Any, Any]] | None = None
) -> keras.Model:
    """The model with the weights of `params`, and the statistics (mean, variance) of each batch normalization."""
    for layer, weights in _weights(params, statistics or {}):
        target = model.get_layer(layer)
        target.set_weights([_shaped(w, like.shape) for w, like in zip(weights, target.weights, strict=True)])
    return model


def _shaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array in a layer's shape, if that has axes that the engine's layers do without."""
    return array.reshape(shape) if len(shape) > array.ndim else array


def _weights(
    params: Mapping[str, Any], statistics: Mapping[str, tuple[Any, Any]], prefix: str = ""
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Of each layer its name, after that of the block that it is in, and its weights in the order of Keras."""
    for inner, part in params.items():
        name = prefix + inner
        if any(isinstance(value, Mapping) for value in part.values()):
            yield from _weights(part, statistics, f"{name}_")
            continue
        arrays = {key: np.asarray(value) for key, value in part.items()}
        tables = {key: arrays.pop(key) for key in _TABLES if key in arrays and arrays[key].ndim == 2}
        for key, table in tables.items():
            yield (name if inner.startswith("embedding_") else f"{name}_{key}"), [table]
        own = [arrays[key] for key in ("kernel", "bias", "weights", "scale", "offset") if key in arrays]
        own += [np.asarray(value) for value in statistics.get(name, ())]
        if own:
            yield name, own
