"""How a CPU's cores share the work of a training step.

All of them on each operation, which is best where operations are large; one on each operation and several operations
side by side; or replicas, each of which has a core and its part of the batch.

Measured on two cores of one CPU, a Zen 4, with narrow networks (`modern`), whose operations are too small for two
threads. With oneDNN held to AVX2 two replicas are 1.2 times as fast as two threads an operation, and one thread an
operation 1.1 times. With AVX-512 the latter two come to the same, and replicas take five seconds more to start. Other
numbers of cores have not been measured, and keep all of them on each operation.
"""

import os
from typing import NamedTuple

from gan import build
from gan.machine import processor
from gan.settings import Config

_LEAST_SHARE = 8  # images of a batch on each replica
_CORES = 2  # that are shared otherwise than all for each operation


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
    narrow = build.has_narrow_convolutions(config) and not build.has_batch_statistics(config)
    if not narrow or len(os.sched_getaffinity(0)) != _CORES:
        return Sharing(1, 0)
    if "avx512f" in processor.flags():
        return Sharing(1, 1)
    large = config.batch_size >= _CORES * _LEAST_SHARE
    return Sharing(_CORES, 1) if large and fits(config, _CORES) else Sharing(1, 0)


def fits(config: Config, replicas: int) -> bool:
    """Whether each replica can have the same part of a batch."""
    share, rest = divmod(config.batch_size, replicas)
    group = 2 * config.minibatch_deviation  # of real images and fakes, whole on each replica
    return not rest and not (group and share % group)
