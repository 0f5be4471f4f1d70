"""What a training step is made of: everything that does not change while it runs."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core.augment import Augmentation
from gan.core.base import Network, Scalar
from gan.core.objectives import Objective
from gan.core.optimizers import Optimizer
from gan.core.penalties import Penalty
from gan.core.schedules import Schedule

Course = Schedule | float | tf.Tensor


class Rates(NamedTuple):
    """What may move with the images seen: in a game schedules, or numbers that stay; within a step their values."""

    g_learning_rate: Course
    d_learning_rate: Course
    g_beta2: Course
    d_beta2: Course
    penalty_weight: Course = 0.0
    ema_half_life_images: Course = 0.0


class Regularization(NamedTuple):
    """`penalty(weight, inner_scale)`, computed in every `every`-th discriminator update at `every` times its weight."""

    penalty: Callable[[Scalar, Scalar], Penalty]
    every: int


class Mismatch(NamedTuple):
    """A loss of so much `weight`, with real images under a wrong one of `num_classes` labels in the place of fakes."""

    num_classes: int
    weight: float


class Augmenting(NamedTuple):
    """An augmentation from `strength` on, which adapts to reach `target` (0: it stays) at the rate `over_images`."""

    augmentation: Augmentation
    strength: float
    target: float
    over_images: float


class Game(NamedTuple):
    """Two players and their rules. `batch` is the global one; `g_optimizer(beta2)` and `d_optimizer(beta2)`."""

    generator: Network
    discriminator: Network
    objective: Objective
    g_optimizer: Callable[[Scalar], Optimizer]
    d_optimizer: Callable[[Scalar], Optimizer]
    rates: Rates
    latent_size: int
    batch: int
    d_steps: int = 1
    regularization: Regularization | None = None
    augmenting: Augmenting | None = None
    mismatch: Mismatch | None = None
    ema_ramp: float | None = None  # None: no averages
    gradient_clip: float = 0.0
    weight_clip: float = 0.0
    loss_scaling: bool = False  # for float16
