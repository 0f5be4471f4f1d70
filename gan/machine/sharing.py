"""How a CPU's cores share the work of a training step.

All of them on each operation, which is best where operations are large; one on each operation and several operations
side by side; or replicas, each of which has a core and its part of the batch.

Measured on two cores with narrow networks (`modern`), whose operations are too small for two threads: two replicas
without AVX-512 are 1.2 times as fast as two threads an operation, and one thread an operation 1.1 times. With AVX-512
the latter two come to the same, and replicas take five seconds more to start. Of more cores two operations side by
side leave some idle.
"""

import os
from typing import NamedTuple

from gan import build
from gan.machine import processor
from gan.settings import Config

_LEAST_SHARE = 8  # images of a batch on each replica
_MOST_CORES = 4  # that are taken for replicas; more have not been measured


class Sharing(NamedTuple):
    """So many replicas (0: as the strategy has it), so many threads within an operation (0: one for each core)."""

    replicas: int
    threads: int


def chosen(config: Config, has_gpus: bool, before: Sharing | None = None) -> Sharing:
    """What a config asks for; where it leaves that open what a saved run had `before`, or what is the fastest here."""
    if config.replicas != "auto":
        replicas = int(config.replicas)
        return Sharing(replicas, config.threads or (1 if replicas > 1 and not has_gpus else 0))
    if has_gpus or config.strategy == "one_device" or config.logical_cpus or config.threads:
        return Sharing(0, config.threads)
    if before:
        return Sharing(before.replicas, 1 if before.threads == 1 else 0)
    return _fastest(config)


def _fastest(config: Config) -> Sharing:
    """The fastest for the networks of a config on this CPU."""
    cores = len(os.sched_getaffinity(0))
    narrow = build.has_narrow_convolutions(config) and not build.has_batch_statistics(config)
    if not narrow or not 2 <= cores <= _MOST_CORES:
        return Sharing(1, 0)
    if cores == 2 and "avx512f" in processor.flags():
        return Sharing(1, 1)
    large = config.batch_size >= cores * _LEAST_SHARE
    return Sharing(cores, 1) if large and fits(config, cores) else Sharing(1, 0)


def fits(config: Config, replicas: int) -> bool:
    """Whether each replica can have the same part of a batch."""
    share, rest = divmod(config.batch_size, replicas)
    group = 2 * config.minibatch_deviation  # of real images and fakes, whole on each replica
    return not rest and not (group and share % group)
