"""Batches: the images of the order, mirrored and cut as it says, and read ahead without a change of the bits."""

import os
import signal
import threading

import numpy as np
import pytest
from PIL import Image

from gan.data import batches, order, workers
from gan.data.batches import Batches
from gan.data.source import Source
from gan.data.sources import open_source
from gan.errors import LostHelperError, UserError


def numbered(count: int, in_memory: bool = False, read=None, size: int = 1, has_places: bool = False) -> Source:
    """Image i is a row of `size` pixels i, i + 1, ... mod 251, and its label i; with places, these are added to it."""

    def by_index(rows, places=None):
        images = (rows[:, None] + np.arange(size)) % 251
        images = images if places is None else (images + (places[:, None] * 1000).astype(int)) % 251
        return images.astype(np.uint8).reshape(-1, 1, size, 1), rows.astype(np.int32)

    shape = (1, size, 1)
    return Source(
        "numbered", count, shape, (), "0" * 64, "", read or by_index, in_memory=in_memory, has_places=has_places
    )


@pytest.fixture
def pieces(monkeypatch):
    """Small pieces, so that a few images are many of them."""
    monkeypatch.setattr(batches, "LONG_PIECE", 7)
    monkeypatch.setattr(batches, "PIECE", 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    """Twenty colour images of 4 x 4 pixels as PNG files in two classes."""
    root = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for i in range(20):
        (root / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(root / "ab"[i % 2] / f"{i:02}.png")
    return f"folder:{root}"


@pytest.mark.parametrize("in_memory", [True, False])
def test_read_gives_the_images_of_the_indices(in_memory):
    source = numbered(1000, in_memory)
    images, labels = Batches(source, seed=2, batch=6, draws=2).read(5, 3)
    rows = order.drawn(2, 5 * 12, 8 * 12, 1000).indices.reshape(3, 12)
    assert images.shape == (3, 12, 1, 1, 1) and images.dtype == np.uint8
    assert labels.shape == (3, 12) and labels.dtype == np.int32
    assert np.array_equal(labels, rows)
    assert np.array_equal(images[..., 0, 0, 0], rows % 251)


JUMPS = [(0, 2), (2, 2), (4, 2), (6, 5), (11, 5), (3, 1), (4, 1), (5, 2), (7, 0), (7, 40), (47, 1), (1000, 3), (0, 1)]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("count", [50, 1, 3, 7])
def test_reading_ahead_never_changes_the_bits(pieces, flip, moved, count):
    streamed, held = (
        Batches(numbered(count, in_memory, None, 3, moved), seed=0, batch=4, flip=flip, random_places=moved)
        for in_memory in (False, True)
    )
    for step, steps in JUMPS:
        for ours, theirs in zip(streamed.read(step, steps), held.read(step, steps), strict=True):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("number", [1, 2, 16])
def test_workers_give_the_bits_of_images_in_memory(pieces, folder, number):
    held, streamed = (open_source(folder, data_in_memory=mode) for mode in ("true", "false"))
    expected = Batches(held, seed=3, batch=6, draws=2, flip=True)
    found = Batches(streamed, seed=3, batch=6, draws=2, flip=True, num_workers=number)
    for step, steps in [(0, 1), (1, 4), (5, 4), (2, 3)]:
        for ours, theirs in zip(found.read(step, steps), expected.read(step, steps), strict=True):
            assert np.array_equal(ours, theirs)
    assert found._workers.count == number
    found.close()


def test_exactly_the_images_that_the_order_says_are_mirrored_left_to_right():
    size = 5
    plain, flipped = (Batches(numbered(40, True, None, size), seed=1, batch=20, flip=flip) for flip in (False, True))
    for step in range(6):
        images, labels = plain.read(step, 1)
        mirrored = order.mirrored(1, step // 2, 40)[labels[0]]
        assert 0 < mirrored.sum() < 20
        expected = np.where(mirrored[:, None, None, None], images[0, :, :, ::-1], images[0])
        assert np.array_equal(flipped.read(step, 1)[0][0], expected)
        assert np.array_equal(flipped.read(step, 1)[1], labels)


def test_channels_and_rows_stay_where_they_are_when_an_image_is_mirrored():
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(1, 2, 3, 3)
    image.flags.writeable = False  # what a source returns may be its own
    source = Source("one", 1, (2, 3, 3), (), "", "", lambda rows: (image, np.zeros(1, np.int32)), in_memory=True)
    turned = np.flatnonzero([order.mirrored(0, epoch, 1)[0] for epoch in range(9)])[0]
    found = Batches(source, seed=0, batch=1, flip=True).read(int(turned), 1)[0]
    assert found[0, 0].tolist() == [[row[i] for i in (2, 1, 0)] for row in image[0].tolist()]
    assert image.ravel().tolist() == list(range(18))


def test_places_are_told_to_sources_that_have_them_and_to_no_other():
    for has_places in (True, False):
        held = numbered(30, True, None, 1, has_places)
        moved, still = (Batches(held, seed=4, batch=10, random_places=moved).read(0, 6) for moved in (True, False))
        assert np.array_equal(moved[1], still[1])
        added = (order.drawn(4, 0, 60, 30, random_places=True).places * 1000).astype(int).reshape(6, 10)
        expected = (still[0][..., 0, 0, 0] + added) % 251 if has_places else still[0][..., 0, 0, 0]
        assert np.array_equal(moved[0][..., 0, 0, 0], expected)


def test_no_image_is_read_twice_however_chunks_change(pieces):
    read, plain, lock = [], numbered(1000), threading.Lock()

    def counted(rows):
        with lock:
            read.extend(rows.tolist())
        return plain.read(rows)

    found, step = Batches(numbered(1000, read=counted), seed=2, batch=5), 0
    for count in (7, 3, 7, 3, 0, 1, 30):
        found.read(step, count)
        step += count
    found.wait()
    assert len(read) == len(set(read)) and set(order.permutation(2, 0, 1000)[: 5 * step].tolist()) <= set(read)
    assert len(read) <= 2 * 5 * step


def test_as_much_is_read_ahead_as_was_read_and_no_more_than_fits(pieces, monkeypatch):
    stream = Batches(numbered(1000), seed=0, batch=7)
    for count, ahead in [(1, batches.DEPTH), (3, batches.DEPTH), (9, 9), (20, 20)]:
        stream.read(0, count)
        assert sorted(stream._ahead) == list(range(count, count + ahead))
    monkeypatch.setattr(batches, "AHEAD_BYTES", 21)
    stream.read(0, 20)
    assert sorted(stream._ahead) == [20, 21, 22]
    monkeypatch.setattr(batches, "AHEAD_BYTES", 1)
    stream.read(0, 20)
    assert sorted(stream._ahead) == [20]


def test_a_piece_is_as_large_as_its_images_allow():
    assert Batches(numbered(9), seed=0, batch=1)._piece == batches.LONG_PIECE
    assert Batches(numbered(9, size=batches.PIECE_BYTES // 3), seed=0, batch=1)._piece == 3
    assert Batches(numbered(9, size=batches.PIECE_BYTES + 1), seed=0, batch=1)._piece == 1


def test_what_is_not_there_yet_can_be_waited_for_a_while(pieces):
    gate, plain = threading.Event(), numbered(100)

    def read(rows):
        gate.wait(60)
        return plain.read(rows)

    stream = Batches(numbered(100, read=read), seed=0, batch=5)
    assert not stream.is_ready(2, 3, seconds=0.01)
    gate.set()
    assert stream.is_ready(2, 3, seconds=60)
    assert np.array_equal(stream.read(2, 3)[1].ravel(), order.permutation(0, 0, 100)[10:25])
    assert Batches(numbered(100, in_memory=True), seed=0, batch=5).is_ready(2, 3, seconds=0)


def test_an_error_while_reading_ahead_is_raised_by_the_read_that_wants_the_images(pieces):
    wanted, plain, damaged = order.permutation(0, 0, 100)[12], numbered(100), True

    def read(rows):
        if damaged and wanted in rows:
            raise UserError("photo.png cannot be read")
        return plain.read(rows)

    stream = Batches(numbered(100, read=read), seed=0, batch=5)
    stream.read(0, 1)
    stream.wait()
    assert stream.read(1, 1)[1].shape == (1, 5)  # of the piece that has it, and without it
    with pytest.raises(UserError, match=r"photo\.png"):
        stream.read(2, 1)
    with pytest.raises(UserError, match=r"photo\.png"):
        stream.read(1, 2)
    assert stream.read(0, 2)[1].shape == (2, 5)
    damaged = False
    stream.close()
    assert stream.read(1, 2)[1].tolist() == order.permutation(0, 0, 100)[5:15].reshape(2, 5).tolist()


def test_a_worker_that_is_lost_is_an_error_of_the_read_and_the_next_begins_anew(folder):
    stream = Batches(open_source(folder, data_in_memory="false"), seed=0, batch=8, num_workers=1)
    first = stream.read(0, 1)
    for pid in stream._workers.pids:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(LostHelperError, match="killed"):
        for step in range(100):
            stream.read(step, 10)
    for again, before in zip(stream.read(0, 1), first, strict=True):
        assert np.array_equal(again, before)
    stream.close()


def test_a_file_that_is_gone_is_named_by_the_worker(tmp_path):
    for i in range(6):
        Image.fromarray(np.full((4, 4), i, np.uint8)).save(tmp_path / f"{i}.png")
    stream = Batches(open_source(f"folder:{tmp_path}", data_in_memory="false"), seed=0, batch=6, num_workers=2)
    (tmp_path / "3.png").unlink()
    with pytest.raises(UserError, match=r"3\.png"):
        stream.read(0, 1)
    stream.close()


def test_images_in_memory_and_sources_without_tasks_start_no_process(monkeypatch, folder):
    monkeypatch.setattr(workers, "Worker", None)
    Batches(open_source(folder, data_in_memory="true"), seed=0, batch=4, num_workers=2).read(0, 1)
    stream = Batches(numbered(10), seed=0, batch=4, num_workers=2)
    stream.read(0, 1)
    assert stream._workers.count == 0
    stream.close()
