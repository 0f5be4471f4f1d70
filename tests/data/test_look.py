"""One look at a source: the numbers of plain NumPy, of all images or of some spread evenly, kept where it took long."""

import dataclasses

import numpy as np
import pytest

from gan.data import look
from gan.data.source import Source, array_reader


def source_of(images: np.ndarray, classes=None, names=(), **changed) -> Source:
    each = np.full(len(images), -1, np.int32) if classes is None else np.asarray(classes, np.int32)
    opened = Source("toys", len(images), images.shape[1:], names, "f" * 64, "", array_reader(images, each))
    return dataclasses.replace(opened, **{"in_memory": True, **changed})


def noise(count: int, shape=(6, 5, 3), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(3, 250, (count, *shape), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("shape", [(6, 5, 3), (5, 5, 1)])
def test_the_numbers_are_those_of_numpy(shape):
    images = noise(3000, shape)
    found = look.at(source_of(images, np.arange(3000) % 4 - 1, ("a", "b", "c")))
    assert found.levels.tolist() == np.bincount(images.reshape(-1), minlength=256).tolist()
    assert (found.lowest, found.highest) == (images.min(), images.max())
    assert found.mean == pytest.approx(images.mean()) and found.deviation == pytest.approx(images.std())
    assert found.counts.tolist() == [750, 750, 750] and found.unlabelled == 750
    assert (found.seen, found.counted_all, found.grey) == (3000, True, False)
    assert found.spread == pytest.approx(np.sqrt(images[::2].astype(float).var(axis=0).mean()))


def test_copies_and_images_of_one_colour_are_counted_and_the_first_is_named():
    images = noise(2500)
    images[40] = images[2400] = images[7]  # in other chunks, too
    images[1100], images[1200] = 9, 200
    found = look.at(source_of(images))
    assert (found.copies, found.first_copy) == (2, 40)
    assert (found.one_colour, found.first_one_colour) == (2, 1100)
    clean = look.at(source_of(noise(20)))
    assert (clean.copies, clean.first_copy, clean.one_colour, clean.first_one_colour) == (0, -1, 0, -1)


def test_grey_images_in_three_channels_are_known():
    assert look.at(source_of(np.repeat(noise(30, (4, 4, 1)), 3, axis=3))).grey
    assert not look.at(source_of(noise(30, (4, 4, 1)))).grey


def test_of_images_in_files_some_are_looked_at_spread_evenly(monkeypatch):
    monkeypatch.setattr(look, "_MOST", 10)
    monkeypatch.setattr(look, "_LEAST", 10)
    images = noise(45)
    asked = []

    def read(indices):
        asked.extend(indices.tolist())
        return images[indices], np.zeros(len(indices), np.int32)

    labels = (np.arange(45) % 2).astype(np.int32)
    files = source_of(images, labels, ("a", "b"), in_memory=False, read=read)
    found = look.at(files)
    assert asked == [0, 4, 9, 13, 18, 22, 27, 31, 36, 40] and found.seen == 10
    assert found.mean == pytest.approx(images[asked].mean())
    assert found.counts.tolist() == [10, 0] and not found.counted_all
    known = look.at(dataclasses.replace(files, labels=labels, fingerprint="e" * 64))
    assert known.counts.tolist() == [23, 22] and known.counted_all  # without reading them


def test_large_images_in_files_are_fewer(monkeypatch):
    monkeypatch.setattr(look, "_MOST_BYTES", 1000)
    monkeypatch.setattr(look, "_LEAST", 3)
    assert len(look.looked_at(source_of(noise(40), in_memory=False))) == 1000 // 90
    assert len(look.looked_at(source_of(noise(40, (32, 32, 3)), in_memory=False))) == 3
    assert len(look.looked_at(source_of(noise(40, (32, 32, 3))))) == 40


def test_a_second_look_at_files_reads_nothing(cache_folder):
    images, reads = noise(30), []

    def read(indices):
        reads.append(len(indices))
        return images[indices], np.zeros(len(indices), np.int32)

    files = source_of(images, names=("a", "b"), in_memory=False, read=read)
    first, again = look.at(files), look.at(files)
    assert reads == [30] and [np.asarray(x).tolist() for x in first] == [np.asarray(x).tolist() for x in again]
    look.at(dataclasses.replace(files, fingerprint="e" * 64))
    assert reads == [30, 30]  # other data
    in_memory = cache_folder / "gan-engine"
    entries = len(list(in_memory.iterdir()))
    look.at(source_of(images))
    assert len(list(in_memory.iterdir())) == entries  # as quick as the cache
