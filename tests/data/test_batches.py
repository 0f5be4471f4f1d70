"""The order of the data: permutations, epochs, draws, and reading ahead."""

import numpy as np
import pytest

from gan.data import batches
from gan.data.batches import Batches, indices, permutation
from gan.data.source import Source
from gan.errors import UserError


def numbered(count: int, in_memory: bool = False, read=None) -> Source:
    """A source whose image i is one pixel of value i mod 251, and its label i."""

    def by_index(rows):
        return (rows % 251).astype(np.uint8).reshape(-1, 1, 1, 1), rows.astype(np.int32)

    return Source("numbered", count, (1, 1, 1), (), "0" * 64, "", read or by_index, in_memory=in_memory)


def test_the_order_is_that_of_philox_and_never_changes():
    words = np.random.Philox(key=np.array([7, 3], np.uint64)).random_raw(10)
    assert permutation(7, 3, 10).tolist() == np.argsort(words, kind="stable").tolist()
    assert permutation(0, 0, 8).tolist() == [0, 2, 1, 5, 4, 3, 6, 7]


@pytest.mark.parametrize(("count", "batch", "draws"), [(10, 3, 1), (7, 4, 2), (3, 5, 2), (64, 64, 1)])
def test_every_epoch_visits_every_example_once(count, batch, draws):
    steps = -(-5 * count // (batch * draws))
    row = indices(1, 0, steps, batch, draws, count).reshape(-1)
    for epoch in range(5):
        part = row[epoch * count : (epoch + 1) * count]
        assert sorted(part) == list(range(count))
        assert part.tolist() == permutation(1, epoch, count).tolist()


def test_chunks_do_not_change_the_order():
    whole = indices(5, 0, 12, 4, 3, 23)
    parts = np.concatenate([indices(5, step, count, 4, 3, 23) for step, count in ((0, 5), (5, 1), (6, 6))])
    assert whole.dtype == np.int64 and whole.shape == (12, 12)
    assert np.array_equal(whole, parts)
    assert indices(5, 4, 0, 4, 3, 23).shape == (0, 12)


def test_orders_of_epochs_and_seeds_are_uncorrelated():
    count = 20_000
    orders = [permutation(seed, epoch, count) for seed in (0, 1, 2) for epoch in (0, 1, 2)]
    correlations = np.corrcoef(np.stack(orders))[np.triu_indices(len(orders), 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(count)
    neighbours = np.corrcoef(orders[0][:-1], orders[0][1:])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(count)


def test_a_permutation_cannot_be_changed_by_its_user():
    with pytest.raises(ValueError, match="read-only"):
        permutation(0, 0, 10)[0] = 3


@pytest.mark.parametrize("in_memory", [True, False])
def test_read_gives_the_images_of_the_indices(in_memory):
    source = numbered(1000, in_memory)
    images, labels = Batches(source, seed=2, batch=6, draws=2).read(5, 3)
    rows = indices(2, 5, 3, 6, 2, 1000)
    assert images.shape == (3, 12, 1, 1, 1) and images.dtype == np.uint8
    assert labels.shape == (3, 12) and labels.dtype == np.int32
    assert np.array_equal(labels, rows)
    assert np.array_equal(images[..., 0, 0, 0], rows % 251)


def test_reading_ahead_never_changes_the_bits():
    jumps = [(0, 2), (2, 2), (4, 2), (6, 5), (11, 5), (3, 1), (4, 1), (5, 2)]
    streamed, resident = (Batches(numbered(50, held), seed=0, batch=4, draws=1) for held in (False, True))
    for step, count in jumps:
        assert np.array_equal(streamed.read(step, count)[1], resident.read(step, count)[1])


def test_the_next_chunk_is_read_ahead_once():
    calls = []

    def read(rows):
        calls.append(rows.tolist())
        return np.zeros((len(rows), 1, 1, 1), np.uint8), rows.astype(np.int32)

    stream = Batches(numbered(100, read=read), seed=0, batch=5, draws=1)
    for step in range(0, 8, 2):
        stream.read(step, 2)
    stream._ahead[1].result()
    assert calls == [batches.indices(0, step, 2, 5, 1, 100).reshape(-1).tolist() for step in range(0, 10, 2)]


def test_an_error_while_reading_ahead_is_raised_by_the_read_that_wants_the_chunk():
    wanted = indices(0, 2, 2, 5, 1, 100)[0, 0]

    def read(rows):
        if wanted in rows:
            raise UserError("photo.png cannot be read")
        return np.zeros((len(rows), 1, 1, 1), np.uint8), rows.astype(np.int32)

    stream = Batches(numbered(100, read=read), seed=0, batch=5, draws=1)
    stream.read(0, 2)
    with pytest.raises(UserError, match=r"photo\.png"):
        stream.read(2, 2)
    assert stream.read(0, 1)[1].shape == (1, 5)


def test_what_was_read_ahead_is_used_whatever_the_next_count_is():
    read = []
    plain = numbered(100)

    def counted(rows):
        read.append(len(rows))
        return plain.read(rows)

    _, expected = Batches(numbered(100, in_memory=True), seed=2, batch=5).read(0, 20)
    found, step = Batches(numbered(100, read=counted), seed=2, batch=5), 0
    for count in (7, 3, 7, 3):
        _, labels = found.read(step, count)
        np.testing.assert_array_equal(labels, expected[step : step + count])
        step += count
    found.read(20, 1)  # waits for what is being read ahead
    assert sum(read) <= 5 * (20 + 2 * 7)
