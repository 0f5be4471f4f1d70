"""What is warned of, with its remedy, and that sets as they should be give no warning."""

import dataclasses
import os

import numpy as np
import pytest

from gan.data import account, cautions, sources
from gan.data.folders import unwanted
from tests.data.test_look import cache_folder, noise, source_of  # noqa: F401

NAMES = tuple("abc")


def warned(source, held_out=None, crop="center", batch=0) -> list[str]:
    return cautions.of(account.of(source, held_out, crop), batch)


def only(source, *words: str, **more) -> None:
    """The one warning about this source has these words."""
    (line,) = warned(source, **more)
    assert [word for word in words if word not in line] == [] and "\n" not in line, line


def test_a_set_as_it_should_be_gives_no_warning():
    labels = np.arange(60) % 3
    train, test = source_of(noise(60), labels, NAMES), source_of(noise(30, seed=1), labels[:30], NAMES)
    assert warned(train, test, batch=60) == [] == warned(source_of(noise(2)))
    assert warned(source_of(noise(60) // 128 * 255)) == []  # drawn in black and white


@pytest.mark.parametrize("name", ["garments", "fashion_mnist", "tfds:cifar10"])
def test_well_known_sets_give_no_warning(name, monkeypatch):
    if name != "garments" and not os.environ.get("TFDS_DATA_DIR"):
        pytest.skip("needs a folder of prepared data sets")
    settings = {"data_in_memory": "false"}
    train, test = sources.open_source(name, **settings), sources.open_test(name, **settings)
    from gan.data import look

    monkeypatch.setattr(look, "_MOST", 2000)
    assert warned(train, test, batch=32) == []


def test_values_that_are_not_those_of_images():
    bits = noise(40) // 128
    only(source_of(bits), f"all pixels are 0 or 1 (mean {bits.mean():.2f}, 0 to 1 of 255)", "--value_range=0,1")
    wrapped = np.array([0, 0, 0, 1, 255], np.uint8)[noise(40) % 5]
    only(source_of(wrapped), "all pixels are 0, 1 or 255", "floats in [-1, 1]", "127.5 * (x + 1)")
    only(source_of(np.full((40, 4, 4, 1), 17, np.uint8)), "every pixel of every image is 17")
    dark = noise(40) % 16
    dark[0, 0, 0, 0] = 0
    only(source_of(dark), "16 of 256 levels", "nearly black", "--value_range=0,4095 if", "--value_range=0,15 if")
    only(source_of(200 + dark), "nearly white", "--value_range=200,215 if")
    only(source_of(100 + dark), "nearly grey")


def test_a_set_that_is_nearly_constant():
    flat = np.full((40, 32, 32, 1), 50, np.uint8)
    flat[:5, 3, 3] = 200
    only(source_of(flat), f"the set is nearly constant (mean {flat.mean():.2f}, 50 to 200 of 255", "look at the files")


def test_images_that_are_all_the_same():
    one = np.repeat(noise(1), 40, axis=0)
    only(source_of(one), "all images are the same")
    only(source_of(np.minimum(one, 250) + noise(40, seed=1) % 3), "all images are nearly the same")


def test_copies_and_images_of_one_colour():
    images = noise(100)
    images[50:53] = images[1:4]
    only(source_of(images), "3 of 100 images are exactly the same as another (the first is number 50, counted from 0)")
    images = noise(100)
    images[60] = 1
    images[61] = 2
    assert warned(source_of(images)) == []  # two of a hundred happen
    images[9] = 3
    only(source_of(images), "3 of 100 images are nearly of one colour (the first is number 9, counted from 0)")


def test_sizes_that_do_not_suit():
    only(source_of(noise(10, (32, 32, 3)), sizes={(16, 16): 6, (32, 32): 4}), "6 of 10", "enlarged")
    assert warned(source_of(noise(10, (32, 32, 3)), sizes={(16, 16): 5, (32, 32): 5})) == []
    wide = source_of(noise(10, (32, 32, 3)), sizes={(300, 100): 8, (100, 100): 2})
    only(wide, "8 of 10 images lose half or more by --crop=center", "--crop=pad")
    only(wide, "are half border or more by --crop=pad", "--crop=center", crop="pad")
    assert warned(dataclasses.replace(wide, image_shape=(32, 96, 3), sizes={(300, 100): 10}), crop="none") == []


def test_files_that_are_passed_over_unless_systems_left_them():
    only(source_of(noise(3), passed_over={unwanted.BROKEN_LINKS: 7}), "passed over beside 3 images: 7 links to nothing")
    systems = {unwanted.SYSTEM_FILES: 9, unwanted.HIDDEN_FILES: 4, unwanted.SYSTEM_FOLDERS: 1}
    assert warned(source_of(noise(3), passed_over=systems)) == []


def test_texts_beside_images_are_worth_a_word_only_where_they_are_more():
    assert warned(source_of(noise(3), passed_over={"files that end in .txt": 3})) == []
    more = source_of(noise(3), passed_over={"files that end in .txt": 4})
    only(more, "passed over beside 3 images: 4 files that end in .txt")


def test_classes_without_images_and_with_few():
    source = source_of(noise(60), [0, 2] * 30, NAMES)
    only(source, "1 of 3 classes have no images (b)")
    source = source_of(noise(60), [0, 1] * 28 + [0, 1, 2, 2], NAMES)
    only(source, "1 of 3 classes have fewer than 10 images (c 2)", "--labels=none")
    assert warned(source_of(noise(3), [0] * 3, ("a",))) == []  # one class is none


def test_images_without_labels_beside_others():
    only(source_of(noise(30), [0] * 14 + [1] * 14 + [-1, -1], ("a", "b")), "2 images have no label")


def test_doubts_of_the_source_come_first():
    source = source_of(noise(3), passed_over={unwanted.BROKEN_LINKS: 7}, doubts=("train looks like a split",))
    first, second = warned(source)
    assert first == "train looks like a split" and second.startswith("passed over beside 3 images")


def test_held_out_images_that_do_not_go_with_the_others():
    train = source_of(noise(60), np.arange(60) % 3, NAMES)
    test = source_of(noise(4), [0, 2] * 2, NAMES)
    only(train, "1 of 3 classes are missing in the held-out images (b)", held_out=test)
    other = source_of(noise(4), [0, 1, 2, 3], (*NAMES, "d"))
    only(train, "1 classes of the held-out images are none of the training images", held_out=other)


def test_fewer_images_than_a_batch():
    only(source_of(noise(20)), "20 images are fewer than a batch of 32", "--batch_size=16", batch=32)


def test_of_generated_images_only_the_files_are_warned_of():
    black = source_of(np.zeros((9, 4, 4, 1), np.uint8), passed_over={unwanted.BROKEN_LINKS: 1})
    (line,) = cautions.of_generated(account.of(black))
    assert "passed over beside 9 images: 1 link" in line
