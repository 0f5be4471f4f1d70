"""When something is due in a run: pure arithmetic of steps, images and epochs.

A `next_...` function gives the first step after `step` that something follows; step s is one of those where the next
one after s - 1 is s.
"""

import math
from fractions import Fraction

from gan.settings import Config

NEVER = math.inf


def images_per_step(config: Config) -> int:
    """Real images that one step takes from the data."""
    return config.batch_size * config.d_steps


def period(config: Config) -> int:
    """Steps of which as many later ones do the same work: each such window has as many lazy penalties."""
    every = config.penalty_every_steps if config.gamma else 1  # discriminator updates
    return every // math.gcd(every, config.d_steps)


def total_steps(config: Config, num_examples: int) -> int:
    """The step at which the run ends by `steps` or `epochs`, whichever comes first; 0 if only the clock ends it."""
    images = Fraction(str(config.epochs)) * num_examples  # exact: 0.07 * 100 is more than 7 in binary
    by_epochs = math.ceil(images / images_per_step(config))
    return min((limit for limit in (config.steps, by_epochs) if limit), default=0)


def next_multiple(step: int, every: int) -> float:
    """The next step after `step` of what happens every `every` steps; 0: never."""
    return (step // every + 1) * every if every else NEVER


def is_saved(config: Config, step: int) -> bool:
    """Whether a checkpoint of this step is surely there in each run of the config: the first, and those by steps.

    Those saved by the clock, because of a signal, or as the best so far need not be.
    """
    return not step or bool(config.save_every_steps) and step % config.save_every_steps == 0


def next_epoch_end(step: int, per_step: int, num_examples: int) -> int:
    """The first step after `step` by which a further epoch is complete."""
    return math.ceil((step * per_step // num_examples + 1) * num_examples / per_step)


def next_sample(config: Config, step: int, num_examples: int) -> float:
    """The next step after which a grid is drawn: by the cadence, at the end of an epoch and at the last step."""
    total = total_steps(config, num_examples)
    return min(
        next_multiple(step, config.sample_every_steps),
        next_epoch_end(step, images_per_step(config), num_examples),
        total if total > step else NEVER,
    )
