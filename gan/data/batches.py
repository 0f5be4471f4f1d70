"""The order in which training reads the images: a pure function of (seed, step). Nothing of it needs a checkpoint.

The examples form one endless row, a permutation for each epoch, one epoch after the other; a step takes the next
`draws * batch` of them, so a batch may hold the end of one epoch and the beginning of the next.
"""

import functools
import threading
from concurrent.futures import Future

import numpy as np

from gan.data.source import Source


@functools.lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, num_examples: int) -> np.ndarray:
    """The order of an epoch: int64 [num_examples], each index once; read-only.

    Sorts the raw 64-bit words of Philox with key (seed, epoch), which no version of NumPy changes.
    """
    words = np.random.Philox(key=np.array([seed, epoch], np.uint64)).random_raw(num_examples)
    order = np.argsort(words, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def indices(seed: int, step: int, count: int, batch: int, draws: int, num_examples: int) -> np.ndarray:
    """The examples of steps step ... step + count - 1, counted from 0: int64 [count, draws * batch]."""
    width = draws * batch
    position = np.arange(step * width, (step + count) * width, dtype=np.int64)
    epochs, places = position // num_examples, position % num_examples
    found = np.empty_like(position)
    for epoch in range(epochs[0], epochs[-1] + 1) if len(position) else ():
        within = epochs == epoch
        found[within] = permutation(seed, int(epoch), num_examples)[places[within]]
    return found.reshape(count, width)


Arrays = tuple[np.ndarray, np.ndarray]  # images, labels


class Batches:
    """The images of a run, a number of steps at a time.

    Where the source reads from files, the chunk that is expected next is read ahead by a thread. The result of
    `read` depends on its arguments alone; what the thread raises is raised by the `read` that wants its chunk.
    """

    def __init__(self, source: Source, *, seed: int, batch: int, draws: int = 1):
        """`batch` images a draw, `draws` draws (discriminator updates) a step."""
        self.source, self.seed, self.batch, self.draws = source, seed, batch, draws
        self._ahead: tuple[int, Future] | None = None  # (first step, what is being read from it on)

    def read(self, step: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps step ... step + count - 1: (uint8 [count, draws*batch, H, W, C], int32 [count, draws*batch])."""
        if self.source.in_memory:
            return self._read(step, count)
        ahead, self._ahead = self._ahead, None
        there = ahead[1].result() if ahead and ahead[0] == step else None
        images, labels = self._extended(there, step, count)
        self._ahead = step + count, self._start((images[count:], labels[count:]), step + count, count)
        return images[:count], labels[:count]

    def _extended(self, there: Arrays | None, step: int, count: int) -> Arrays:
        """`there`, the steps from `step` on that have been read, and what is missing of `count` steps."""
        have = len(there[0]) if there else 0
        if have and have >= count:
            return there
        rest = self._read(step + have, count - have)
        return (np.concatenate([there[0], rest[0]]), np.concatenate([there[1], rest[1]])) if have else rest

    def _read(self, step: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = indices(self.seed, step, count, self.batch, self.draws, self.source.num_examples)
        images, labels = self.source.read(rows.reshape(-1))
        return images.reshape(*rows.shape, *self.source.image_shape), labels.reshape(rows.shape)

    def _start(self, there: Arrays, step: int, count: int) -> Future:
        """Begins to read what `there` lacks of `count` steps from `step` on."""
        future: Future = Future()

        def work() -> None:
            try:
                future.set_result(self._extended(there, step, count))
            except BaseException as error:  # the caller of `read` raises it
                future.set_exception(error)

        # A daemon: a read that hangs on a dead disk must not keep the process from ending.
        threading.Thread(target=work, name="gan-data-read-ahead", daemon=True).start()
        return future
