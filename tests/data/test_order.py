"""The order of the data, mirroring and places: pure functions of (seed, epoch, index), without correlations."""

import itertools

import numpy as np
import pytest

from gan.data import order
from gan.data.order import drawn, mirrored, permutation, places


def test_the_order_is_that_of_philox_and_never_changes():
    words = np.random.Philox(key=np.array([7, 3], np.uint64)).random_raw(10)
    assert permutation(7, 3, 10).tolist() == np.argsort(words, kind="stable").tolist()
    assert permutation(0, 0, 8).tolist() == [0, 2, 1, 5, 4, 3, 6, 7]


def test_mirroring_and_places_are_those_of_philox_and_never_change():
    def words(purpose):
        generator = np.random.Philox(key=np.array([7, 3], np.uint64), counter=np.array([0, 0, 0, purpose], np.uint64))
        return generator.random_raw(100)

    assert mirrored(7, 3, 100).tolist() == [word >= 2**63 for word in words(1).tolist()]
    assert places(7, 3, 100).tolist() == [(word >> 11) / 2**53 for word in words(2).tolist()]
    assert mirrored(0, 0, 12).astype(int).tolist() == [0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    np.testing.assert_allclose(places(0, 0, 3), [0.867714, 0.610594, 0.997536], atol=1e-6)


@pytest.mark.parametrize(("count", "batch", "draws"), [(10, 3, 1), (7, 4, 2), (3, 5, 2), (64, 64, 1), (1, 8, 1)])
def test_every_epoch_visits_every_example_once(count, batch, draws):
    row = drawn(1, 0, -(-5 * count // (batch * draws)) * batch * draws, count).indices
    for epoch in range(5):
        part = row[epoch * count : (epoch + 1) * count]
        assert sorted(part) == list(range(count))
        assert part.tolist() == permutation(1, epoch, count).tolist()


def test_parts_of_any_sizes_make_the_same_row():
    whole = drawn(5, 0, 144, 23, flip=True, random_places=True)
    for cuts in ([0, 60, 72, 144], [0, 1, 22, 23, 24, 46, 70, 144], range(145)):
        parts = [drawn(5, first, last, 23, True, True) for first, last in itertools.pairwise(cuts)]
        for field, array in whole._asdict().items():
            assert np.array_equal(np.concatenate([getattr(part, field) for part in parts]), array), field
    assert [array.dtype for array in whole] == [np.int64, bool, np.float64]
    empty = drawn(5, 48, 48, 23, True, True)
    assert [array.shape for array in empty] == [(0,)] * 3
    assert drawn(5, 0, 3, 23)[1:] == (None, None)


def test_an_image_is_mirrored_and_cut_by_its_epoch_and_index_wherever_it_comes():
    row = drawn(9, 0, 300, 100, flip=True, random_places=True)
    for epoch in range(3):
        part = slice(100 * epoch, 100 * (epoch + 1))
        indices = row.indices[part]
        assert row.mirrored[part].tolist() == mirrored(9, epoch, 100)[indices].tolist()
        assert row.places[part].tolist() == places(9, epoch, 100)[indices].tolist()
    few, many = mirrored(9, 0, 10), mirrored(9, 0, 1000)
    assert few.tolist() == many[:10].tolist(), "it depends on how many images there are"


COUNT = 20_000
BOUND = 4.5 / COUNT**0.5  # of a correlation of independent numbers: four and a half standard deviations
KEYS = [(seed, epoch) for seed in (0, 1, 2) for epoch in (0, 1, 2)]


def test_half_of_the_images_are_mirrored_in_each_epoch_and_places_are_uniform():
    for seed, epoch in KEYS:
        assert abs(mirrored(seed, epoch, COUNT).mean() - 0.5) < 2.3 / COUNT**0.5
        where = places(seed, epoch, COUNT)
        assert where.min() >= 0 and where.max() < 1
        counts = np.bincount((where * 10).astype(int), minlength=10)
        assert abs(counts - COUNT / 10).max() < 4.5 * (COUNT * 0.09) ** 0.5


def test_order_mirroring_and_places_of_all_epochs_and_seeds_are_uncorrelated():
    ranks = [np.argsort(permutation(*key, COUNT)) for key in KEYS]  # when an image comes
    rows = ranks + [mirrored(*key, COUNT) for key in KEYS] + [places(*key, COUNT) for key in KEYS]
    correlations = np.corrcoef(np.stack(rows).astype(float))[np.triu_indices(len(rows), 1)]
    assert np.abs(correlations).max() < BOUND
    for row in rows:
        assert abs(np.corrcoef(row[:-1], row[1:])[0, 1]) < BOUND, "neighbours"


def test_the_same_image_is_mirrored_in_half_of_the_epochs():
    epochs = np.stack([mirrored(3, epoch, 500) for epoch in range(400)])
    assert abs(epochs.mean(0) - 0.5).max() < 4.5 * 0.5 / 400**0.5
    changes = (epochs[1:] != epochs[:-1]).mean(0)
    assert abs(changes - 0.5).max() < 4.5 * 0.5 / 399**0.5


@pytest.mark.parametrize("function", [permutation, mirrored, places])
def test_what_is_shared_cannot_be_changed_by_its_user(function):
    with pytest.raises(ValueError, match="read-only"):
        function(0, 0, 10)[0] = 1


def test_many_epochs_in_one_part_take_no_more_than_their_images(monkeypatch):
    calls = []
    whole = order.permutation
    monkeypatch.setattr(order, "permutation", lambda *key: calls.append(key) or whole(*key))
    assert drawn(0, 0, 3000, 1).indices.tolist() == [0] * 3000
    assert len(calls) == 3000
