"""Batches computed side by side, where an operation has fewer threads than there are cores.

A run whose operations have one thread each keeps the other cores busy with other operations of a step. Sampling and
evaluation are one chain of operations a batch, and would leave them idle; so they have several batches at once.
"""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import tensorflow as tf

_MOST = 4  # batches at once: each of them takes memory
Item, Result = TypeVar("Item"), TypeVar("Result")


def lanes() -> int:
    """How many operations keep the cores of this process busy, with the threads that TensorFlow gives to each."""
    cores = len(os.sched_getaffinity(0))
    return max(1, cores // (tf.config.threading.get_intra_op_parallelism_threads() or cores))


def mapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` of each item in their order, as `map` does it, several at once: one for each lane, at most 4."""
    most = min(lanes(), _MOST)
    if most == 1:
        yield from map(function, items)
        return
    begun: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(most) as pool:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > most:  # one waits, so that no lane does
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
