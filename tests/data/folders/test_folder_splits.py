"""Sub-folders that are splits, and those that only look like it."""

import hashlib

import numpy as np
import pytest

from gan.data.folders import unwanted
from gan.data.folders.folder import open_folder
from gan.data.sources import open_source, open_test
from gan.errors import UserError


def opened(tmp_path, **settings):
    path = f"folder:{tmp_path / 'set'}"
    return open_source(path, **settings), open_test(path, **settings)


def test_train_is_trained_on_and_test_held_out(tmp_path, draw):
    cat, dog = draw("set/train/cat/1.png", 1), draw("set/test/dog/1.png", 2)
    draw("set/train/dog/2.png", 3)
    draw("set/val/cat/9.png", 4)
    draw("set/overview.png", 5)
    (tmp_path / "set/README.md").write_text("x")
    train, test = opened(tmp_path)
    assert train.class_names == test.class_names == ("cat", "dog")
    assert train.labels.tolist() == [0, 1] and test.labels.tolist() == [1]
    np.testing.assert_array_equal(train.read(np.array([0]))[0][0], cat)
    np.testing.assert_array_equal(test.read(np.array([0]))[0][0], dog)
    assert train.notes == (
        "train is trained on, test held out for evaluation, val is not used; --labels=folders takes such sub-folders "
        "as classes",
    )
    assert dict(train.passed_over) == {unwanted.BESIDE_SPLITS: 1, "files that end in .md": 1}
    assert test.notes == (f"{tmp_path}/set/test has no images of the class cat",)
    assert train.fingerprint == open_folder(str(tmp_path / "set/train")).fingerprint  # such a run can be continued


@pytest.mark.parametrize(
    ("names", "train", "test"),
    [
        (("Training", "Testing"), 1, 2),
        (("train", "validation"), 1, 2),
        (("TRAIN", "VALID"), 1, 2),
        (("train", "dev"), 1, 2),
        (("train", "val"), 1, 2),
        (("training", "Evaluation"), 1, 2),
        (("train",), 1, None),
    ],
)
def test_splits_by_other_names(tmp_path, draw, names, train, test):
    for number, name in enumerate(names, 1):
        for copy in range(number):
            draw(f"set/{name}/{copy}.png", copy)
    (tmp_path / "set/annotations").mkdir()
    found, held_out = opened(tmp_path)
    assert found.num_examples == train and found.class_names == ()
    assert (held_out.num_examples if held_out else None) == test


def test_with_labels_folders_they_are_classes_with_the_fingerprint_of_before(tmp_path, draw):
    for seed, name in enumerate(("train", "test", "val")):
        draw(f"set/{name}/1.png", seed)
    found, held_out = opened(tmp_path, labels="folders")
    assert found.class_names == ("test", "train", "val") and held_out is None and found.notes == ()
    assert found.fingerprint == reference(
        tmp_path / "set", ["test/1.png", "train/1.png", "val/1.png"], found.class_names
    )


def reference(root, names, classes):
    """The fingerprint of earlier versions, written out."""
    digest = hashlib.sha256(repr(("folder", classes, 0, 0)).encode())
    for name in names:
        content = (root / name).read_bytes()
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("train", "test", "extra"), "train and test look like splits and extra does not: every sub-folder is taken"),
        (("train", "extra"), "train looks like a split and extra does not"),
        (("test", "val"), "test and val look like splits and none is for training"),
        (("test",), "test looks like a split and none is for training"),
    ],
)
def test_some_that_look_like_splits_are_classes_and_told(tmp_path, draw, names, words):
    for name in names:
        draw(f"set/{name}/1.png")
    found, held_out = opened(tmp_path)
    assert found.class_names == tuple(sorted(names)) and held_out is None
    assert words in found.doubts[0] and f"folder:{tmp_path}/set/" in found.doubts[0]


def test_a_class_called_train_among_vehicles_is_a_class(tmp_path, draw):
    for name in ("bus", "car", "train"):
        draw(f"set/{name}/1.png")
    found, held_out = opened(tmp_path)
    assert found.class_names == ("bus", "car", "train") and found.notes == found.doubts == () and held_out is None


def test_two_folders_for_training_are_an_error(tmp_path, draw):
    draw("set/train/1.png")
    draw("set/Training/1.png")
    with pytest.raises(UserError, match="both Training and train, which look like the same split; rename one"):
        opened(tmp_path)


def test_a_class_that_training_does_not_have_is_an_error(tmp_path, draw):
    for name in ("train/a", "train/b", "test/a", "test/z"):
        draw(f"set/{name}/1.png")
    with pytest.raises(UserError, match=r"set/test has the class z, .* \(the classes a, b\); rename or remove it"):
        opened(tmp_path)


def test_classes_on_one_side_alone_leave_the_other_without_labels(tmp_path, draw):
    draw("set/train/a/1.png")
    draw("set/train/b/1.png")
    draw("set/test/1.png")
    train, test = opened(tmp_path)
    assert train.labels.tolist() == [0, 1] and test.labels.tolist() == [-1] and test.class_names == ("a", "b")
    assert test.notes == (f"{tmp_path}/set/test has no classes, so its images have no labels",)
    draw("other/train/1.png")
    draw("other/test/a/1.png")
    path = f"folder:{tmp_path / 'other'}"
    train, test = open_source(path), open_test(path)
    assert train.class_names == test.class_names == () and test.labels.tolist() == [-1]


def test_nested_folders_are_told_and_a_single_one_may_hold_the_classes(tmp_path, draw):
    draw("set/photos/cat/1.png")
    draw("set/photos/dog/1.png")
    found, _ = opened(tmp_path)
    assert found.class_names == ("photos",) and "which is the one class" in found.doubts[0]
    draw("set/more/1.png")
    found, _ = opened(tmp_path)
    assert found.class_names == ("more", "photos") and found.notes[0].startswith("2 of 3 images lie in folders inside")


def test_without_labels_images_may_lie_anywhere(tmp_path, draw):
    draw("set/2.png", 2)
    draw("set/a/1.png", 1)
    found, _ = opened(tmp_path, labels="none")
    assert found.class_names == () and found.labels.tolist() == [-1, -1] and found.notes == ()
