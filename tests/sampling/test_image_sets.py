"""Many images as one result, ended in the middle."""

import signal
import weakref
import zipfile

import numpy as np
import pytest

from gan.machine.signals import Ended
from gan.sampling import image_sets

BATCH = np.zeros([2, 4, 4, 1], np.uint8)


def test_an_archive_has_the_images_and_the_facts(tmp_path):
    image_sets.write_npz(tmp_path / "x.npz", [BATCH, BATCH + 7], (4, 4, 4, 1), {"seed": 3, "labels": np.arange(4)})
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["images"], np.concatenate([BATCH, BATCH + 7]))
        assert int(found["seed"]) == 3 and found["labels"].tolist() == [0, 1, 2, 3]


def test_parts_of_an_array_are_the_array(tmp_path):
    parts = image_sets.Parts(np.int32, (5,), iter([np.arange(3), np.arange(3, 5)]))
    image_sets.write_npz(tmp_path / "x.npz", [BATCH], (2, 4, 4, 1), {"labels": parts})
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found["labels"].dtype == np.int32 and found["labels"].tolist() == [0, 1, 2, 3, 4]


def test_a_signal_that_comes_with_a_member_half_written_is_what_ends_it(tmp_path, monkeypatch, capfd):
    opened = zipfile.ZipFile.open

    def ended(self, *given, **named):
        self.begun = opened(self, *given, **named)
        raise Ended(signal.SIGTERM)

    monkeypatch.setattr(zipfile.ZipFile, "open", ended)
    with pytest.raises(Ended):
        image_sets.write_npz(tmp_path / "x.npz", [BATCH], (2, 4, 4, 1), {"seed": 3})
    monkeypatch.undo()
    assert not list(tmp_path.iterdir()) and not capfd.readouterr().err


def test_images_that_fail_leave_nothing(tmp_path):
    def batches():
        yield BATCH
        raise Ended(signal.SIGTERM)

    for write in (image_sets.write_folder, lambda path, images: image_sets.write_npz(path, images, (4, 4, 4, 1), {})):
        with pytest.raises(Ended):
            write(tmp_path / "x", batches())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["npz", "folder"])
def test_no_more_than_two_batches_are_in_memory_however_many_are_written(tmp_path, kind):
    alive, most = weakref.WeakValueDictionary(), []

    class Batch(np.ndarray):
        """An array that can be followed."""

    def batches():
        for number in range(40):
            batch = (BATCH + number).view(Batch)
            alive[number] = batch
            most.append(len(alive))
            yield batch
            del batch

    if kind == "npz":
        labels = image_sets.Parts(np.int32, (80,), batches_of_labels(alive, most))
        image_sets.write_npz(tmp_path / "x.npz", batches(), (80, 4, 4, 1), {"labels": labels})
    else:
        image_sets.write_folder(tmp_path / "x", batches())
        assert len(list((tmp_path / "x").iterdir())) == 80
    assert len(most) >= 40 and max(most) <= 2


def batches_of_labels(alive, most):
    for number in range(40):
        part = np.full(2, number, np.int32).view(type("Part", (np.ndarray,), {}))
        alive["labels", number] = part
        most.append(len(alive))
        yield part
        del part
