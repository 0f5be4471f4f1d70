"""When something is due in a run: pure arithmetic of steps, images and epochs."""

import math
from collections.abc import Iterable
from fractions import Fraction

from gan.config import Config


def images_per_step(config: Config) -> int:
    """Real images that one step takes from the data."""
    return config.batch_size * config.d_steps


def total_steps(config: Config, num_examples: int) -> int:
    """The step at which the run ends by `steps` or `epochs`, whichever comes first; 0 if only the clock ends it."""
    images = Fraction(str(config.epochs)) * num_examples  # exact: 0.07 * 100 is more than 7 in binary
    by_epochs = math.ceil(images / images_per_step(config))
    return min((limit for limit in (config.steps, by_epochs) if limit), default=0)


def is_due(step: int, every: int) -> bool:
    """Whether something that happens every `every` steps (0: never) happens after step number `step`."""
    return bool(every) and step > 0 and step % every == 0


def epoch_end(step: int, per_step: int, num_examples: int) -> int:
    """The first step after `step` by which a further epoch is complete."""
    return math.ceil((step * per_step // num_examples + 1) * num_examples / per_step)


def ends_epoch(step: int, per_step: int, num_examples: int) -> bool:
    """Whether step number `step` completes an epoch."""
    return step > 0 and epoch_end(step - 1, per_step, num_examples) == step


def sample_is_due(config: Config, step: int, num_examples: int) -> bool:
    """Whether a grid is drawn after step number `step`: by the cadence, at the end of an epoch and at the last step."""
    ends = ends_epoch(step, images_per_step(config), num_examples)
    return ends or step == total_steps(config, num_examples) or is_due(step, config.sample_every_steps)


def chunk_end(config: Config, step: int, num_examples: int) -> int:
    """The next step after `step` at which something may be due in a run."""
    cadences = (
        config.log_every_steps,
        config.sample_every_steps,
        config.evaluate_every_steps,
        config.save_every_steps,
    )
    limits = (total_steps(config, num_examples), epoch_end(step, images_per_step(config), num_examples))
    return next_stop(step, cadences, limits)


def next_stop(step: int, cadences: Iterable[int], limits: Iterable[int]) -> int:
    """The next step after `step` at which one of the cadences is due or one of the limits is met (0: none)."""
    due = [(step // every + 1) * every for every in cadences if every]
    return min(due + [limit for limit in limits if limit > step])
