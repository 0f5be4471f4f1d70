"""Which sources are held in memory, and that they are the same there."""

import functools
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from gan.data import memory, splits, workers
from gan.data.batches import Batches
from gan.data.decoding.fit import Fit, square
from gan.data.decoding.images import decode
from gan.data.source import Source
from gan.data.sources import open_source
from gan.errors import UserError


def source(count=10, **more):
    return Source("toys", count, (2, 2, 1), (), "0", "", lambda rows: (
        np.repeat(rows.astype(np.uint8), 4).reshape(-1, 2, 2, 1), rows.astype(np.int32)), **more)  # fmt: skip


@pytest.mark.parametrize(("free", "mode", "held"), [
    (160, "auto", True), (159, "auto", False), (40, "true", True), (10**9, "false", False),
])  # fmt: skip
def test_auto_takes_at_most_a_quarter_of_what_is_free(monkeypatch, free, mode, held):
    monkeypatch.setattr(memory, "available_bytes", lambda: free)
    placed = memory.placed(source(), mode)
    assert placed.in_memory is held
    images, labels = placed.read(np.array([9, 2]))
    assert images[:, 0, 0, 0].tolist() == [9, 2] == labels.tolist()


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 39)
    with pytest.raises(UserError, match="--data_in_memory=true"):
        memory.placed(source(), "true")


@pytest.mark.parametrize(("chunk", "size"), [(3, 1 << 24), (100, 12), (100, 1)])
def test_all_images_are_read_in_their_order(monkeypatch, chunk, size):
    monkeypatch.setattr(memory, "CHUNK", chunk)
    monkeypatch.setattr(memory, "CHUNK_BYTES", size)
    images, labels = memory.loaded(source(10))
    assert images[:, 1, 1, 0].tolist() == labels.tolist() == list(range(10))


def test_the_memory_that_is_available_is_a_sensible_number():
    assert 2**20 < memory.available_bytes() < 2**50


def test_images_held_whole_need_the_memory_of_their_longer_sides():
    whole = functools.partial
    sizes = {(100, 50): 3, (50, 100): 2, (70, 70): 5}
    assert memory.needed_bytes(source(10)) == 40
    assert memory.needed_bytes(source(10, whole=whole, sizes=sizes)) == 4 * (5 * 2 + 5)
    assert memory.needed_bytes(source(10, whole=whole)) == 60


SIZES = [(20, 10), (10, 20), (16, 16), (8, 8), (9, 31), (33, 8), (8, 9), (41, 37)]


@pytest.fixture
def oblong(tmp_path) -> str:
    """Colour images of many sizes as PNG files."""
    rng = np.random.default_rng(1)
    for i in range(24):
        width, height = SIZES[i % len(SIZES)]
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(tmp_path / f"{i:02}.png")
    return f"folder:{tmp_path}"


@pytest.mark.parametrize("number", [0, 2])
def test_images_cut_at_random_places_are_the_same_held_whole_or_decoded_for_each(oblong, monkeypatch, number):
    if number:
        monkeypatch.setattr(memory, "MANY_DECODED", 1)
        monkeypatch.setattr(memory, "CHUNK", 5)
    held, streamed = (
        open_source(oblong, resolution=8, crop="random", data_in_memory=mode, data_workers=number)
        for mode in ("true", "false")
    )
    assert held.in_memory and held.has_places and held.fingerprint == streamed.fingerprint
    rows, places = np.arange(24).repeat(5), np.tile([0.0, 0.3, 0.5, 0.77, 1 - 2**-53], 24)
    for chosen in ((rows, places), (rows,), (rows[::-1], places)):
        for ours, theirs in zip(held.read(*chosen), streamed.read(*chosen), strict=True):
            assert np.array_equal(ours, theirs)
    one, two = (
        Batches(each, seed=0, batch=16, flip=True, random_places=True, num_workers=2) for each in (held, streamed)
    )
    for step, count in [(0, 1), (1, 3), (4, 3)]:
        for ours, theirs in zip(one.read(step, count), two.read(step, count), strict=True):
            assert np.array_equal(ours, theirs)
    two.close()


def test_a_place_is_a_part_of_the_image_whose_shorter_side_is_the_resolution(tmp_path):
    """Columns of 10 pixels of one level each become columns of one pixel, whose levels say where the cut was."""
    image = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[None], 80, axis=0).repeat(10, axis=1)
    for turned, name in ((image, "wide"), (image.T, "tall")):
        file = tmp_path / f"{name}.png"
        Image.fromarray(turned).save(file)
        for place, first in [(0.0, 0), (0.5, 6), (1 - 2**-53, 12), (None, 6), (1 / 13, 1), (1 / 13 - 1e-9, 0)]:
            part = decode(file, Fit(8, 1, "random"), name, place)[..., 0]
            row = (part if name == "wide" else part.T)[3].tolist()
            assert row == list(range(10 * first, 10 * first + 80, 10)), (name, place)


@pytest.mark.parametrize(("width", "height"), [(30, 7), (7, 30), (9, 9), (1, 5)])
def test_every_part_of_an_image_is_as_likely_as_any_other(width, height):
    boxes = [square(width, height, (i + 0.5) / 10_000) for i in range(10_000)]
    side, choices = min(width, height), abs(width - height) + 1
    assert {box[2] - box[0] for box in boxes} == {box[3] - box[1] for box in boxes} == {side}
    assert min(min(box) for box in boxes) == 0 and (max(b[2] for b in boxes), max(b[3] for b in boxes)) == (
        width,
        height,
    )
    counts = np.unique([max(box[:2]) for box in boxes], return_counts=True)[1]
    assert len(counts) == choices and abs(counts - 10_000 / choices).max() <= 1


def test_few_images_are_decoded_without_another_process(oblong, monkeypatch):
    monkeypatch.setattr(workers, "Worker", None)
    assert open_source(oblong, resolution=8, data_in_memory="true").in_memory


def test_images_held_whole_are_never_held_twice(monkeypatch):
    monkeypatch.setattr(memory, "CHUNK", 1)
    pixels = 1 << 20

    def whole(rows):
        return lambda: ([np.full((1 << 8, pixels >> 8, 1), row, np.uint8) for row in rows], rows)

    tracemalloc.start()
    try:
        images, about = memory.loaded_whole(source(12, whole=whole))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert images[::pixels].tolist() == about[:, 0].tolist() == list(range(12))
    assert peak < 15 * pixels, peak


@pytest.mark.parametrize("mode", ["true", "device"])
def test_what_is_held_is_what_is_read(oblong, monkeypatch, mode):
    placed = memory.placed(source(), mode)
    assert np.array_equal(placed.held.pixels[[3, 1]], placed.read(np.array([3, 1]))[0])
    assert placed.held.labels.tolist() == list(range(10)) and placed.held.begins is None
    monkeypatch.setattr(memory, "available_bytes", lambda: 39)
    with pytest.raises(UserError, match=f"--data_in_memory={mode} needs"):
        memory.placed(source(), mode)
    assert source().held is None and memory.placed(source(), "false").held is None
    part = splits.subset(placed, np.array([4, 2]), "part")
    assert part.held is None and part.read(np.array([0]))[1].tolist() == [4]  # of what it reads nothing else is known


def test_the_parts_of_held_images_are_where_the_squares_are(oblong):
    held = open_source(oblong, resolution=8, crop="random", data_in_memory="true").held
    rows, places = np.arange(24).repeat(5), np.tile([0.0, 0.3, 0.5, 0.77, 1 - 2**-53], 24)
    for chosen in (places, None):
        first, stride = memory.parts(held, 3, rows, chosen)
        for i, (row, place) in enumerate(zip(rows, places, strict=True)):
            height, width = held.sizes[row].tolist()
            left, top, _, _ = square(width, height, None if chosen is None else place)
            assert (first[i], stride[i]) == (held.begins[row] + 3 * (top * width + left), 3 * width)
