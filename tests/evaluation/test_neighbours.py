"""Nearest training images: copies are found out, and distances are those of the definition."""

import numpy as np
from PIL import Image

from gan.data.source import Source, array_reader
from gan.data.splits import Splits, subset
from gan.evaluation import features, neighbours


def source_of(name: str, count: int, seed: int) -> Source:
    images = np.random.default_rng(seed).integers(0, 256, (count, 9, 9, 1), np.uint8)
    return Source(name, count, (9, 9, 1), (), name, "", array_reader(images, np.full(count, -1, np.int32)))


TRAIN = source_of("train", 150, 0)
SPLITS = Splits(TRAIN, source_of("test", 40, 1), TRAIN)


def test_pixels_are_compared_chunk_by_chunk_as_all_at_once(monkeypatch):
    monkeypatch.setattr(neighbours, "_CHUNK", 32)
    samples = source_of("other", 6, 2).read(np.arange(6))[0]
    rows, distances = neighbours.nearest_by_pixels(SPLITS.train, samples, 4)
    train = SPLITS.train.read(np.arange(150))[0].reshape(150, -1) / 255.0
    exact = np.linalg.norm(samples.reshape(6, 1, -1) / 255.0 - train[None], axis=2)
    assert np.array_equal(rows, np.argsort(exact, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(exact, axis=1)[:, :4], rtol=1e-6)


def test_copies_are_at_distance_zero_and_the_picture_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(neighbours, "SHOWN", 2)
    copies = SPLITS.train.read(np.arange(12))[0]
    extractor = features.from_random((9, 9, 1))
    near = neighbours.write_neighbours(tmp_path / "deep" / "near.png", extractor, copies, SPLITS)
    assert near.samples == 0.0 < near.real and near.which == "test images"
    with Image.open(tmp_path / "deep" / "near.png") as picture:
        assert picture.width == round(7 * 1.1 * 1.1 * 120) and picture.height > 2 * 132


def test_where_all_images_were_trained_on_copies_of_any_of_them_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(neighbours, "SHOWN", 2)
    whole = source_of("whole", 180, 3)
    held_out = subset(whole, np.arange(0, 180, 6), "held out")
    splits = Splits(subset(whole, np.arange(180)[np.arange(180) % 6 > 0], "rest"), held_out, whole)
    extractor = features.from_random((9, 9, 1))
    near = neighbours.write_neighbours(tmp_path / "near.png", extractor, held_out.read(np.arange(12))[0], splits)
    assert near.samples == 0.0 < near.real and near.which == "training images to each other"
