"""The law of the feeds: images that lie on the device are those that are sent to it, to the bit."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan import config
from gan.data.batches import Batches
from gan.data.parts import without_labels
from gan.data.source import Held, Source, array_reader
from gan.data.sources import open_source
from gan.errors import UserError
from gan.machine import gpu_memory
from gan.training import feeds, pace, replicas

BATCH = 6


def source_of(count: int, shape=(3, 5, 3)) -> Source:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, *shape), np.uint8)
    arrays = images, random.integers(0, 4, count).astype(np.int32)
    return Source(
        "noise", count, shape, tuple("abcd"), "0", "", array_reader(*arrays), in_memory=True, held=Held(*arrays)
    )


@pytest.fixture(scope="module")
def oblong(tmp_path_factory) -> str:
    """Colour images of many sizes as PNG files in two classes."""
    root, random = tmp_path_factory.mktemp("oblong"), np.random.default_rng(1)
    for i, (width, height) in enumerate([(20, 10), (10, 20), (16, 16), (8, 8), (9, 31), (33, 8), (8, 9), (41, 37)] * 3):
        (root / "ab"[i % 2]).mkdir(exist_ok=True)
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(root / "ab"[i % 2] / f"{i:02}.png")
    return f"folder:{root}"


def assert_same(batches: Batches, jit: bool = False) -> None:
    """Each part of each step, as the resident feed makes it in a graph, is what is streamed."""
    feed, sent = feeds.resident(batches, replicas.strategy("one_device")), feeds.streamed(batches)
    make = tf.function(feed.images, autograph=False, jit_compile=jit)
    for step, count in [(0, 3), (3, 1), (29, 2), (1000, 1), (7, 0)]:
        inputs, expected = feed.read(step, count), sent.read(step, count)
        assert [array.shape for array in inputs] == [(count, batches.draws * batches.batch)] * len(inputs)
        assert [array.dtype for array in inputs] == [spec.dtype.as_numpy_dtype for spec in feed.specs]
        for i in range(count):
            for part in (slice(None), slice(2, 4)):
                images, labels = make(*(tf.constant(array[i, part]) for array in inputs))
                assert images.dtype == tf.uint8 and images.shape[1:] == batches.source.image_shape
                np.testing.assert_array_equal(images, expected[0][i, part])
                np.testing.assert_array_equal(labels, expected[1][i, part])


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("count", [50, 4])  # several epochs in a batch
def test_images_on_the_device_are_those_that_are_sent(jit, flip, count):
    assert_same(Batches(source_of(count), seed=2, batch=BATCH, draws=2, flip=flip), jit)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("places", [False, True])
def test_images_cut_at_their_places_on_the_device_are_those_that_are_sent(oblong, jit, places):
    source = open_source(oblong, resolution=8, crop="random", data_in_memory="device")
    assert source.held.pixels.ndim == 1
    assert_same(Batches(source, seed=0, batch=BATCH, flip=True, random_places=places), jit)


def test_labels_that_are_left_out_are_left_out_on_the_device(oblong):
    source = open_source(oblong, resolution=8, crop="pad", labels="none", data_in_memory="device")
    assert_same(Batches(source, seed=0, batch=BATCH))
    assert (feeds.resident(Batches(source, seed=0, batch=4), replicas.strategy("one_device")).read(0, 2)[0] == -1).all()
    assert without_labels(source_of(9)).held.labels.tolist() == [-1] * 9


def test_a_chunk_of_indices_is_longer_than_one_of_images(monkeypatch):
    batches = Batches(source_of(9, (28, 28, 1)), seed=0, batch=32)
    indices, images = feeds.resident(batches, replicas.strategy("one_device")), feeds.streamed(batches)
    assert indices.most_steps == feeds.MOST_INDICES // 32 >= pace.LONGEST_CHUNK
    assert images.most_steps == pace.CHUNK_BYTES // (32 * 784)
    assert feeds.streamed(batches, padded=True).most_steps == feeds.PADDED_BYTES // (32 * 784)
    monkeypatch.setattr(feeds, "MOST_INDICES", 31)
    monkeypatch.setattr(pace, "CHUNK_BYTES", 32 * 784 - 1)
    assert feeds.streamed(batches).most_steps == 1
    assert feeds.resident(batches, replicas.strategy("one_device")).most_steps == 1


def test_nothing_has_the_form_of_what_is_read():
    batches = Batches(source_of(9), seed=0, batch=4, flip=True)
    for feed in (feeds.streamed(batches), feeds.resident(batches, replicas.strategy("one_device"))):
        for empty, read in zip(feed.nothing(), feed.read(0, 1), strict=True):
            assert (empty.shape, empty.dtype) == ((0, *read.shape[1:]), read.dtype)


@pytest.fixture
def gpus(monkeypatch):
    """`gpus(count, free)`: there are so many GPUs with so many free bytes."""

    def pretend(count, free):
        monkeypatch.setattr(feeds.devices, "gpus", lambda: [None] * count)
        monkeypatch.setattr(gpu_memory, "least_free", lambda found: free if found == count else None)

    return pretend


def test_by_itself_a_gpu_takes_images_that_need_a_quarter_of_its_memory_and_a_cpu_none(gpus):
    source, chosen = source_of(100), functools.partial(config.make, "article")
    for count, free, mode, expected in [
        (1, 4 * 4500, "auto", True),
        (8, 4 * 4500 - 1, "auto", False),
        (1, 0, "auto", False),  # nobody tells
        (1, 10**12, "true", False),
        (1, 10**12, "false", False),
        (1, 4500, "device", True),
        (1, 0, "device", True),
        (0, 10**12, "auto", False),
        (0, 0, "device", True),
    ]:
        gpus(count, free)
        assert feeds.on_device(chosen(data_in_memory=mode), source) is expected, (count, free, mode)
    gpus(1, 10**12)
    assert not feeds.on_device(chosen(), dataclasses.replace(source, held=None))


def test_images_that_do_not_fit_where_they_are_wanted_are_refused(gpus, monkeypatch):
    """Each GPU has its own memory for its copy, the replicas of a CPU have one for all."""
    chosen = config.make("article", data_in_memory="device")
    for count, copies, needed, where in [
        (0, 1, 4500, ""),
        (0, 3, 13_500, " for 3 replicas, a copy each,"),
        (1, 1, 4500, " on each GPU"),
        (4, 4, 4500, " on each GPU"),
    ]:
        for free in (needed, needed - 1):
            gpus(count, free)
            monkeypatch.setattr(feeds, "available_bytes", lambda free=free: free)
            if free == needed:
                assert feeds.on_device(chosen, source_of(100), copies)
                continue
            told = f"--data_in_memory=device needs 0.0 GiB{where} for noise and .* use auto"
            with pytest.raises(UserError, match=told):
                feeds.on_device(chosen, source_of(100), copies)
