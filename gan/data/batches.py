"""The images of a run, step after step, in the order of `gan.data.order`: from memory, or read ahead from files."""

import contextlib
import functools
import sys
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future

import numpy as np

from gan.data import order
from gan.data.order import Drawn, Part
from gan.data.source import Arrays, Source
from gan.data.workers import Workers, auto_count
from gan.errors import LostHelperError

AHEAD_BYTES = 1 << 28  # of images that are read before they are wanted, at most; twice in the moment of a hand-over
PIECE_BYTES = 1 << 22  # of images in one task of a worker, at most
PIECE = 64  # images in one task of a worker: some milliseconds
LONG_PIECE = 1024  # where a thread reads: some sources are quicker with many images at a time
DEPTH = 4  # tasks for each worker that are under way at least, so that none waits for the next


class Batches:
    """The images of a run, a number of steps at a time; the result of `read` depends on its arguments alone.

    Where the source reads from files, what is expected next is read ahead, in worker processes if the source has tasks
    for them; what they raise is raised by the `read` that wants their images. `flip` mirrors half of the images, and
    `random_places` cuts them elsewhere in each epoch, where the source has places. Evaluations read the source itself:
    their images are neither mirrored nor moved.
    """

    def __init__(
        self,
        source: Source,
        *,
        seed: int,
        batch: int,
        draws: int = 1,
        flip: bool = False,
        random_places: bool = False,
        num_workers: int = 0,
        part: tuple[int, int] | None = None,
    ):
        """`batch` images a draw, `draws` draws (discriminator updates) a step; 0 workers: one for each core.

        Where several processes share each draw `part` is (the first, how many) that this one takes; its `batch` is then
        as many.
        """
        first, size = part or (0, batch)
        self.source, self.batch, self.draws, self.flip = source, size, draws, flip
        moved = random_places and source.has_places
        row = functools.partial(order.drawn, seed, num_examples=source.num_examples, flip=flip, random_places=moved)
        whole = size == batch
        self._drawn = row if whole else functools.partial(order.of_part, Part(batch, first, size), row=row)
        self._num_workers = decoders(source, num_workers)
        self._workers: Workers | None = None
        self._ahead: dict[int, Future] = {}  # what is being read or has been: piece i begins at position i * _piece
        self._piece = max(1, min(PIECE if source.task else LONG_PIECE, PIECE_BYTES // source.image_bytes))

    def read(self, step: int, count: int) -> Arrays:
        """Steps step ... step + count - 1: (uint8 [count, draws*batch, H, W, C], int32 [count, draws*batch])."""
        first, last = self._positions(step, count)
        if self.source.in_memory:
            images, labels = self._task(first, last, in_place=True)()
        else:
            images, labels = self._gathered(first, last)
        shape = count, self.draws * self.batch
        return images.reshape(*shape, *self.source.image_shape), labels.reshape(shape)

    def drawn(self, step: int, count: int) -> Drawn:
        """Which images these steps take, mirrored or not, cut where: each [count * draws * batch]."""
        first, last = self._positions(step, count)
        return self._drawn(first=first, last=last)

    def is_ready(self, step: int, count: int, seconds: float) -> bool:
        """Whether these steps can be read without waiting; waits for so long that it can, such as for a slow disk."""
        if self.source.in_memory:
            return True
        pieces = self._begun(*self._positions(step, count))
        return not futures.wait([self._ahead[i] for i in pieces], seconds).not_done

    def wait(self) -> None:
        """Waits until all that is being read ahead is there; what it raises is for the `read` that wants it."""
        for future in self._ahead.values():
            with contextlib.suppress(Exception):
                future.result()

    def close(self) -> None:
        """Ends the workers; a further `read` would start others. They end with this object in any case."""
        self._drop(keep=range(0))
        if self._workers:
            self._workers.close()
        self._workers = None

    def _positions(self, step: int, count: int) -> tuple[int, int]:
        """The first position of these steps in the row of all images, and that after the last."""
        width = self.draws * self.batch
        return step * width, (step + count) * width

    def _begun(self, first: int, last: int) -> range:
        """The pieces with the positions first ... last - 1; these are under way then, and as much again or more."""
        self._workers = self._workers or Workers(self._num_workers, _warn)
        size = self._piece
        wanted = range(first // size, -(-last // size))
        ahead = max(len(wanted), DEPTH * max(1, self._workers.count))
        further = max(1, min(ahead, AHEAD_BYTES // (size * self.source.image_bytes)))
        self._drop(keep=range(wanted.start, wanted.stop + further))
        for i in range(wanted.start, wanted.stop + further):
            if i not in self._ahead:
                self._ahead[i] = self._workers.submit(self._task(i * size, (i + 1) * size))
        return wanted

    def _gathered(self, first: int, last: int) -> Arrays:
        """The images [n, H, W, C] and labels [n] at the positions first ... last - 1, as they were read ahead."""
        size, wanted = self._piece, self._begun(first, last)
        images = np.empty((last - first, *self.source.image_shape), np.uint8)
        labels = np.empty(last - first, np.int32)
        try:
            for i in wanted:
                rows, part = _overlap(i * size, size, first, last)
                images[rows], labels[rows] = self._part(i, part)
        except BaseException:
            self.close()  # a process may be lost; whoever reads again begins anew
            raise
        for i in range(wanted.start, last // size):
            del self._ahead[i]
        return images, labels

    def _part(self, i: int, part: slice) -> Arrays:
        """Images and labels at these places of a piece. If others of it cannot be read, that is for who wants them."""
        try:
            images, labels = self._ahead[i].result()
        except LostHelperError:
            raise
        except Exception:
            task = self._task(i * self._piece + part.start, i * self._piece + part.stop)
            return self._workers.submit(task).result()
        return images[part], labels[part]

    def _task(self, first: int, last: int, in_place: bool = False) -> Callable[[], Arrays]:
        """What reads these positions; it can be sent to another process unless it is to be done `in_place`."""
        drawn = self._drawn(first=first, last=last)
        chosen = (drawn.indices,) if drawn.places is None else (drawn.indices, drawn.places)
        if self.source.task and not in_place:
            return functools.partial(_finished, self.source.task(*chosen), drawn.mirrored)
        return functools.partial(_finished, functools.partial(self.source.read, *chosen), drawn.mirrored)

    def _drop(self, keep: range) -> None:
        """Forgets pieces that nobody wants any more; those that have not been begun are not read."""
        for i in [i for i in self._ahead if i not in keep]:
            self._ahead.pop(i).cancel()


def decoders(source: Source, num_workers: int) -> int:
    """How many processes decode the images of a source where `num_workers` are asked for (0: one for each core)."""
    return (num_workers or auto_count()) if source.task else 0


def _finished(read: Callable[[], Arrays], mirrored: np.ndarray | None) -> Arrays:
    """What is read, with the images mirrored left to right where it says so."""
    images, labels = read()
    if mirrored is not None:
        images = images if images.flags.writeable else images.copy()
        images[mirrored] = images[mirrored, :, ::-1]
    return images, labels


def _overlap(begin: int, size: int, first: int, last: int) -> tuple[slice, slice]:
    """Where the positions begin ... begin + size - 1 are among first ... last - 1, and which of them are."""
    low, high = max(begin, first), min(begin + size, last)
    return slice(low - first, high - first), slice(low - begin, high - begin)


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr, flush=True)
