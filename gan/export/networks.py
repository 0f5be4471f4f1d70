"""What is exported: both networks of a run with their parameters, and the engine's own functions of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan import build
from gan.core import rng
from gan.core.base import Network, Params
from gan.settings import Config

BATCH = 128  # of networks that look at the whole batch
_EXAMPLES = 34  # more than a block

Arrays = tuple[np.ndarray, ...]


class Side(NamedTuple):
    """One of the two networks: `params` are those of the checkpoint, `applied` what the network is applied with.

    `function` is the engine's own, of arrays: images, labels int32 [N] if conditional; `inputs` are what to compare on.
    """

    network: Network
    params: Mapping
    applied: Params
    function: Callable[..., np.ndarray]
    inputs: Arrays

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(int(np.size(value)) for value in tf.nest.flatten(self.params))


class Networks(NamedTuple):
    """The generator (latents -> images in [0, 1]) and the discriminator (images -> probability [N, 1] of a fake).

    `class_shares` are those of the data; `real_sign` is the sign of the logits of what is taken to be real.
    """

    config: Config
    image_shape: Sequence[int]
    class_shares: Sequence[float]
    real_sign: float
    generator: Side
    discriminator: Side

    @property
    def num_classes(self) -> int:
        """Of what is told by labels; 0 where there are none to be told."""
        return len(self.class_shares) if self.config.conditional else 0

    @property
    def whole(self) -> bool:
        """Whether the discriminator looks at the whole batch."""
        return bool(self.config.minibatch_deviation)


def networks(
    config: Config, image_shape: Sequence[int], g_params: Mapping, d_params: Mapping, class_shares: Sequence[float] = ()
) -> Networks:
    """Both networks with these parameters of a checkpoint, computing in float32.

    Conditional ones need the share of each class in the data. The discriminator's parameters are those that it is
    applied with. They are compared on random latents, and on noise and the images generated of those.
    """
    num_classes = len(class_shares)
    game = build.game(config, image_shape, build.PLAIN, num_classes)
    generator = build.sampling_generator(config, image_shape, build.PLAIN, class_shares)
    applied = generator.settle(g_params) if generator.settle else g_params
    sign, whole = game.objective.real_sign, bool(config.minibatch_deviation)

    def images(*inputs: np.ndarray) -> np.ndarray:  # [N, latent_size] (and [N]) -> [N, H, W, C] in [0, 1]
        return np.clip(_applied(generator, applied, False, *inputs), 0.0, 1.0)

    def is_fake(*inputs: np.ndarray) -> np.ndarray:  # [N, H, W, C] (and [N]) -> [N, 1] in [0, 1]
        return tf.sigmoid(-sign * _applied(game.discriminator, d_params, whole, *inputs)).numpy()[:, None]

    random = np.random.default_rng(0)
    labels = (np.arange(_EXAMPLES, dtype=np.int32) % num_classes,) if config.conditional else ()
    latents = random.standard_normal((_EXAMPLES, config.latent_size), np.float32)
    seen = np.concatenate([random.random((_EXAMPLES, *image_shape), np.float32), images(latents, *labels)])
    return Networks(
        config,
        image_shape,
        class_shares,
        sign,
        Side(generator, g_params, applied, images, (latents, *labels)),
        Side(game.discriminator, d_params, d_params, is_fake, (seen, *(np.tile(part, 2) for part in labels))),
    )


def _applied(network: Network, params: Params, whole: bool, x: np.ndarray, labels: np.ndarray | None = None):
    """The output of an engine's network in inference mode, of one that looks at the `whole` batch in a full one."""
    places = np.arange(BATCH if whole else len(x)) % len(x)
    labels = np.full(len(x), -1, np.int32) if labels is None else labels
    y = network.apply(params, tf.constant(x[places]), tf.constant(labels[places]), rng.stream(seed=0, step=0), False)
    return y.numpy()[: len(x)]
