"""Sets without their labels, and sets whose images are tests of another's."""

import numpy as np
import pytest

from gan.data import shares
from gan.data.memory import loaded
from gan.data.sources import open_source, open_test
from gan.data.splits import open_splits
from gan.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def archive(tmp_path, name, images=IMAGES, **arrays):
    np.savez(tmp_path / f"{name}.npz", images=images, **arrays)
    return f"npz:{tmp_path}/{name}.npz"


@pytest.mark.parametrize("in_memory", ["true", "false"])
def test_without_labels_it_is_another_set_of_the_same_images(tmp_path, in_memory):
    for dataset in ("garments", archive(tmp_path, "a", labels=[0, 1, 2] * 2)):
        if dataset == "garments" and in_memory == "true":
            continue  # 60,000 of them
        known, plain = (open_source(dataset, labels=how, data_in_memory=in_memory) for how in ("auto", "none"))
        rows = np.array([4, 1])
        assert known.num_classes and plain.class_names == () and plain.fingerprint != known.fingerprint
        assert np.array_equal(plain.read(rows)[0], known.read(rows)[0]) and plain.read(rows)[1].tolist() == [-1, -1]
        assert plain.labels.tolist() == [-1] * plain.num_examples
        held_out = open_test(dataset, labels="none", data_in_memory="false")
        assert held_out is None or not held_out.num_classes


def test_a_set_that_has_no_labels_is_the_same_without_them(tmp_path):
    dataset = archive(tmp_path, "a")
    assert open_source(dataset).fingerprint == open_source(dataset, labels="none").fingerprint


@pytest.mark.parametrize("labels", ["folders", "classes.csv"])
def test_labels_from_elsewhere_are_for_folders(labels):
    with pytest.raises(UserError, match=rf"--labels={labels} is for --dataset=folder:PATH; of garments .*auto or none"):
        open_source("garments", labels=labels)


def test_labels_of_another_set_are_the_same_classes_by_name(tmp_path):
    train = archive(tmp_path, "a", labels=[0, 1, 2] * 2, class_names=["bag", "coat", "hat"])
    test = archive(tmp_path, "b", images=255 - IMAGES, labels=[0, 1, 1, 0, 1, -1], class_names=["hat", "bag", "shoe"])
    found = open_splits(train, test_dataset=test)
    images, labels = loaded(found.test)
    assert np.array_equal(images[..., 0], 255 - IMAGES) and labels.tolist() == [2, 0, 0, 2, 0, -1]
    assert found.test.labels.tolist() == labels.tolist() and found.test.class_names == ("bag", "coat", "hat")
    assert found.train.num_examples == 6 and not found.test_is_seen
    assert open_test(train, test_dataset=test).fingerprint == found.test.fingerprint
    assert not open_splits(train, test_dataset=test, labels="none").test.num_classes


def test_records_of_evaluations_name_the_images_for_tests_where_they_may_be_others(tmp_path):
    train, one, two = (archive(tmp_path, name, images=IMAGES + i) for i, name in enumerate("abc"))
    alone, with_one, with_two = (open_splits(train, test_dataset=test) for test in ("", one, two))
    assert len({each.fingerprint for each in (alone, with_one, with_two)}) == 1
    assert len({each.identity for each in (alone, with_one, with_two)}) == 3
    garments = open_splits("garments", data_in_memory="false")
    assert alone.identity == alone.fingerprint and garments.identity == garments.fingerprint


def test_images_for_tests_have_the_form_of_those_for_training(tmp_path):
    train = archive(tmp_path, "a", images=IMAGES, labels=[0, 1] * 3)
    large = archive(tmp_path, "b", images=np.full((3, 8, 8, 3), 9, np.uint8))
    with pytest.raises(
        UserError, match=r"--test_dataset: the images of npz:.*b\.npz for tests are 8 x 8 x 3, .* 4 x 4 x 1"
    ):
        open_splits(train, test_dataset=large)
    found = open_splits(train, test_dataset=large, resolution=4, channels=1)
    assert np.array_equal(loaded(found.test)[0], np.full((3, 4, 4, 1), 9)) and found.test.class_names == ("0", "1")


def test_what_cannot_be_tests_of_a_set_is_one_line(tmp_path):
    train = archive(tmp_path, "a", labels=[0, 1] * 3, class_names=["a", "b"])
    other = archive(tmp_path, "b", images=IMAGES + 1, labels=[0, 1] * 3, class_names=["a", "q"])
    twice = archive(tmp_path, "c", images=IMAGES + 2, labels=[0, 1] * 3, class_names=["a", "A"])
    for test, pattern in (
        (train, r"--test_dataset: .*a\.npz has the images of training"),
        (other, r"--test_dataset: .*b\.npz has a class q for tests, which is none of the 2 of "),
        (twice, r"--test_dataset: .*c\.npz has several classes that are a in "),
        ("npz:nothing.npz", r"--test_dataset=npz:nothing\.npz is not a file"),
        ("pictures", r"--test_dataset=pictures is unknown"),
    ):
        with pytest.raises(UserError, match=pattern):
            open_splits(train, test_dataset=test)


def test_of_a_set_with_a_part_for_tests_that_part_is_taken(tmp_path):
    train = archive(tmp_path, "a", labels=[0, 1] * 3)
    whole = archive(tmp_path, "b", images=IMAGES + 1, test_images=IMAGES[:2] + 2, test_labels=[1, 0])
    assert np.array_equal(loaded(open_splits(train, test_dataset=whole).test)[0][..., 0], IMAGES[:2] + 2)


def test_shares_are_those_of_all_labels_where_these_are_known(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "_ALL", 0)
    monkeypatch.setattr(shares, "_ENOUGH", 1)
    monkeypatch.setattr(shares, "_EACH", 1)
    source = open_source(archive(tmp_path, "a", labels=[0, 5, 9, 0, 5, 0]))
    assert shares.of_classes(source) == (0.5, 0, 0, 0, 0, 2 / 6, 0, 0, 0, 1 / 6)
