"""Config -> networks, optimizers, game, data: the registries are looked up here and nowhere else."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan import effects
from gan.core import augment, base, objectives, optimizers, penalties, schedules, state
from gan.core.base import Mean, Network, identity
from gan.core.game import Augmenting, Course, Game, Mismatch, Rates, Regularization
from gan.data import shares, sources
from gan.data import splits as data_splits
from gan.data.batches import Batches
from gan.data.source import Source
from gan.data.splits import Splits, open_splits
from gan.errors import UserError
from gan.networks import pairs, standing
from gan.networks.convolutions import CONVOLVERS, Convolver
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec
from gan.settings import Config, fields, group
from gan.text import dimensions

_GOLDEN = (5**0.5 - 1) / 2
_LARGEST_SIDE = fields()["resolution"].metadata["high"]
DTYPES = {
    "float32": tf.float32,
    "tensorfloat32": tf.float32,
    "mixed_bfloat16": tf.bfloat16,
    "mixed_float16": tf.float16,
}


class Numerics(NamedTuple):
    """How the networks compute, resolved for the hardware at hand: no "auto" any more."""

    precision: str
    convolution: str
    jit_compile: bool


PLAIN = Numerics("float32", "direct", False)


def splits(config: Config) -> Splits:
    """The images of a config's data set that training sees and those that it does not; raises `UserError`."""
    return open_splits(**group(config, "data"))


def held_out(config: Config, train: Source) -> Source | None:
    """The images that a config has beside those for training, which are open, read by index; None where it has none."""
    return sources.open_beside(train, **group(config, "data"))


def data_identity(config: Config, seen: Source) -> str:
    """What names the data of a config in records of evaluations, where `seen` is what training sees."""
    apart = sources.has_own_identity(config.dataset, config.test_dataset)
    return data_splits.identity(seen, held_out(config, seen) if apart else None)


def source(config: Config) -> Source:
    """The data set of a config, checked against what the networks can take; raises `UserError`."""
    opened = sources.open_source(**group(config, "data"))
    height, width, channels = opened.image_shape
    pair = pairs.PAIRS[config.networks]
    if channels not in (1, 3):
        raise UserError(f"{opened.name}: images of {dimensions(opened.image_shape)}; give --channels=1 or 3")
    if reason := pair.check((height, width)):
        raise UserError(f"{opened.name}: {reason}; {_remedy(pair, (height, width), config.crop)}")
    reason = pair.check_depth(config.depth, (height, width))
    if reason:
        raise UserError(f"--depth={config.depth}: {reason}")
    if config.conditional and not opened.num_classes:
        raise UserError(f"--conditional needs labels, and {opened.name} has none")
    if config.augmentation == "adaptive_colour" and channels == 1:
        raise UserError(f"--augmentation=adaptive_colour: {opened.name} is grey; give --augmentation=adaptive")
    return opened


def _remedy(pair: pairs.Pair, size: tuple[int, int], crop: str) -> str:
    """What to do about images of (height, width) that the networks do not take: the nearest resolutions that fit."""
    least = min(size)

    def fits(side: int) -> bool:
        scaled = [round(length * side / least) for length in size] if crop == "none" else (side, side)
        return not pair.check(tuple(scaled))

    below, above = range(min(least, _LARGEST_SIDE), 0, -1), range(least + 1, _LARGEST_SIDE + 1)
    near = [side for side in (next(filter(fits, sides), 0) for sides in (below, above)) if side]
    return f"give --resolution={' or '.join(map(str, near))}" if near else "give --resolution and another --crop"


def has_batch_statistics(config: Config) -> bool:
    """Whether the networks look at the whole batch in training, over all replicas."""
    return pairs.PAIRS[config.networks].has_batch_statistics


def arithmetic(config: Config, numerics: Numerics) -> str:
    """What in a step rounds otherwise than it did in versions before, in words; empty where nothing does.

    A run that one of them saved does not go on to the same bits where there is any.
    """
    changes = {
        "upsampling as a transposed convolution": (
            numerics.convolution == "direct" and pairs.PAIRS[config.networks].transposes
        ),
        "R1 and R2 in one pass": config.penalty == "r1_r2",
    }
    return ", ".join(words for words, is_there in changes.items() if is_there)


def has_narrow_convolutions(config: Config) -> bool:
    """Whether only direct convolutions pay in these networks, judged by the discriminator: it has most of the work."""
    return _channels(config, config.d_width) < pairs.PAIRS[config.networks].narrow_below


def batches(config: Config, opened: Source, part: tuple[int, int] | None = None) -> Batches:
    """The batches of a config in their order, or of each the part (first, size) that this process takes."""
    return Batches(
        opened,
        seed=config.seed,
        batch=config.batch_size,
        draws=config.d_steps,
        flip=config.flip,
        random_places=config.crop == "random",
        num_workers=config.data_workers,
        part=part,
    )


def generator(
    config: Config,
    image_shape: Sequence[int],
    numerics: Numerics,
    num_classes: int = 0,
    mean: Mean = identity,
    convolver: Convolver | None = None,
) -> Network:
    """The generator for images of [H, W, C]; a conditional one needs the number of classes, `mean` is over replicas.

    It convolves by `convolver`, if none is given by the one that `numerics` names.
    """
    spec = GeneratorSpec(
        latent_size=config.latent_size,
        width=_channels(config, config.g_width),
        output=config.g_output,
        output_scale=config.g_output_scale,
        mean=mean,
        **_shared(config, image_shape, numerics, num_classes, convolver),
    )
    return pairs.PAIRS[config.networks].generator(spec)


def sampling_generator(
    config: Config,
    image_shape: Sequence[int],
    numerics: Numerics,
    class_shares: Sequence[float] = (),
    convolver: Convolver | None = None,
) -> Network:
    """The generator for use outside of training: each image depends on its own latent and label alone.

    A conditional one needs the share of each class in the data. Where it has a `settle`, it is applied with what that
    makes of the parameters. `convolver` as for the generator.
    """
    num_classes = len(class_shares)
    if not has_batch_statistics(config):
        return generator(config, image_shape, numerics, num_classes, convolver=convolver)
    places = np.arange(1, standing.BATCHES * standing.BATCH + 1) * _GOLDEN % 1.0  # even in each batch, too
    labels = shares.labels_at(class_shares or (1.0,), places)
    return standing.standing(
        lambda mean: generator(config, image_shape, numerics, num_classes, mean, convolver), config.latent_size, labels
    )


def discriminator(
    config: Config,
    image_shape: Sequence[int],
    numerics: Numerics,
    num_classes: int = 0,
    convolver: Convolver | None = None,
) -> Network:
    """The discriminator for images of [H, W, C]; number of classes and `convolver` as for the generator."""
    spec = DiscriminatorSpec(
        width=_channels(config, config.d_width),
        dropout=config.d_dropout,
        input_noise=config.d_input_noise,
        symmetric=config.d_pixel_range == "symmetric",
        minibatch_deviation=config.minibatch_deviation,
        **_shared(config, image_shape, numerics, num_classes, convolver),
    )
    return pairs.PAIRS[config.networks].discriminator(spec)


def _channels(config: Config, width: int) -> int:
    """A network's width by the multiple of the config, at least one channel."""
    return max(1, round(config.width * width))


def _shared(
    config: Config, image_shape: Sequence[int], numerics: Numerics, num_classes: int, convolver: Convolver | None
) -> dict[str, Any]:
    """What the specs of both networks have in common; raises `UserError` if there is nothing to condition on."""
    if config.conditional and not num_classes:
        raise UserError("--conditional needs images with labels, and these have none")
    return {
        "size": tuple(image_shape[:2]),
        "channels": image_shape[2],
        "depth": config.depth,
        "num_classes": num_classes if config.conditional else 0,
        "convolver": convolver or CONVOLVERS[numerics.convolution],
        "dtype": DTYPES[numerics.precision],
    }


def game(
    config: Config,
    image_shape: Sequence[int],
    numerics: Numerics,
    num_classes: int = 0,
    mean: Mean = identity,
    convolver: Convolver | None = None,
) -> Game:
    """Everything that a training step of the config is made of; `convolver` takes the place of that of `numerics`."""
    return Game(
        generator=generator(config, image_shape, numerics, num_classes, mean, convolver),
        discriminator=discriminator(config, image_shape, numerics, num_classes, convolver),
        objective=_objective(config),
        g_optimizer=_optimizer(config, config.g_beta1),
        d_optimizer=_optimizer(config, config.d_beta1),
        rates=_rates(config),
        latent_size=config.latent_size,
        batch=config.batch_size,
        d_steps=config.d_steps,
        regularization=_regularization(config),
        augmenting=augmenting(config),
        mismatch=_mismatch(config, num_classes),
        ema_ramp=_ema_ramp(config),
        gradient_clip=config.gradient_clip,
        weight_clip=config.weight_clip,
        loss_scaling=numerics.precision == "mixed_float16",
    )


def _objective(config: Config) -> objectives.Objective:
    """The losses of both players; those without labels have no use for their noise."""
    if config.objective in objectives.UNLABELLED:
        return objectives.UNLABELLED[config.objective]()
    targets = objectives.TARGETS[config.label_noise_mode](config.label_noise, config.label_smoothing)
    return objectives.LABELLED[config.objective](targets)


def _optimizer(config: Config, beta1: float) -> Callable[[base.Scalar], optimizers.Optimizer]:
    """beta2 -> the optimizer."""
    make = optimizers.OPTIMIZERS[config.optimizer]
    return lambda beta2: make(beta1, beta2, config.epsilon, config.weight_decay)


def _rates(config: Config) -> Rates:
    """The learning rates and all else that may move with the images seen."""

    def course(start: float, end: float, warmup_images: int = 0) -> Course:
        if config.schedule == "constant" and not warmup_images:
            return start
        return schedules.make(config.schedule, start, end, config.schedule_images, warmup_images)

    def learning_rate(start: float) -> Course:
        return course(start, start * config.learning_rate_end_factor, config.warmup_images)

    half_life = config.ema_half_life_images
    return Rates(
        g_learning_rate=learning_rate(config.g_learning_rate),
        d_learning_rate=learning_rate(config.d_learning_rate),
        g_beta2=course(config.g_beta2, config.beta2_end or config.g_beta2),
        d_beta2=course(config.d_beta2, config.beta2_end or config.d_beta2),
        penalty_weight=course(config.gamma, config.gamma * config.gamma_end_factor),
        ema_half_life_images=course(half_life, half_life * config.ema_end_factor),
    )


def _ema_ramp(config: Config) -> float | None:
    """How the average forgets the first weights: not at all where those are another run's, and no noise."""
    if not config.ema_half_life_images:
        return None
    return 0.0 if config.init_from else config.ema_ramp


def _regularization(config: Config) -> Regularization | None:
    if not config.gamma:
        return None
    return Regularization(penalties.PENALTIES[config.penalty], config.penalty_every_steps)


def augmenting(config: Config) -> Augmenting | None:
    """The augmentation of all that the discriminator sees, and the strength that it begins with; None without one."""
    if config.augmentation == "none":
        return None
    augmentation, moves = augment.AUGMENTATIONS[config.augmentation], effects.adapts(config)
    strength = config.augmentation_strength or (0.0 if moves else augment.LARGEST_STRENGTH)
    return Augmenting(augmentation, strength, config.augmentation_target if moves else 0.0, config.augmentation_images)


def _mismatch(config: Config, num_classes: int) -> Mismatch | None:
    """Of networks that are told labels, also without weight: for its metrics. A single class has no wrong label."""
    return Mismatch(num_classes, config.mismatch_weight) if config.conditional and num_classes > 1 else None


def initial_state(config: Config, parts: Game) -> state.State:
    """The state before the first step."""
    return state.initial(config.seed, parts)
