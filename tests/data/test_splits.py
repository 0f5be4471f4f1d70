"""What generators are measured against: images training does not see, or a share held out, always the same one."""

import numpy as np
import pytest
from PIL import Image

from gan.data.garments import garments
from gan.data.memory import loaded
from gan.data.sources import open_source
from gan.data.splits import open_splits


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def archive(tmp_path):
    """An .npz file of 20 images, each of the level of its index, and labels."""
    images = np.repeat(np.arange(20, dtype=np.uint8), 16).reshape(20, 4, 4)
    np.savez(tmp_path / "toys.npz", images=images, labels=np.arange(20) % 3)
    return f"npz:{tmp_path}/toys.npz"


def test_a_share_is_held_out_where_there_is_no_test_split(archive):
    found, again = open_splits(archive), open_splits(archive, data_in_memory="false")
    assert found.test_is_seen and found.fingerprint == open_source(archive).fingerprint
    assert (found.train.num_examples, found.test.num_examples) == (17, 3)
    levels = [loaded(split)[0][:, 0, 0, 0].tolist() for split in found[:2]]
    assert sorted(levels[0] + levels[1]) == list(range(20)) and levels[1] == sorted(levels[1])
    assert levels == [loaded(split)[0][:, 0, 0, 0].tolist() for split in again[:2]]
    assert loaded(found.test)[1].tolist() == [level % 3 for level in levels[1]]
    assert len({found.train.fingerprint, found.test.fingerprint, found.fingerprint}) == 3
    assert found.test.fingerprint == again.test.fingerprint


def test_copies_in_a_set_are_not_copies_in_a_part_of_it(tmp_path):
    for name in range(12):
        Image.new("L", (4, 4), min(name, 10)).save(tmp_path / f"{name:02}.png")
    found = open_splits(f"folder:{tmp_path}")
    assert (found.seen.duplicates, found.train.duplicates, found.test.duplicates) == (1, None, None)


def test_garments_for_tests_are_those_after_the_ones_for_training():
    found = open_splits("garments", data_in_memory="false")
    assert (found.train.num_examples, found.test.num_examples, found.test_is_seen) == (60_000, 10_000, False)
    images, labels = found.test.read(np.array([3, 9_999]))
    expected = garments.draw(np.array([60_003, 69_999]))
    assert np.array_equal(images, expected[0]) and np.array_equal(labels, expected[1])
    assert found.train.fingerprint != found.test.fingerprint
