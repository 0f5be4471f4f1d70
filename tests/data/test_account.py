"""The account of a data set: each line, and the JSON that config.json keeps."""

import dataclasses
import json

import numpy as np
import pytest

from gan.data import account
from gan.data.source import Source
from tests.data.test_look import cache_folder, noise, source_of  # noqa: F401


def told(source: Source, held_out: Source | None = None, crop: str = "center") -> dict[str, str]:
    return dict(account.lines(account.of(source, held_out, crop)))


def test_the_lines_of_a_plain_set():
    images = noise(6, (8, 8, 1))
    labels = [0, 1, 1, 0, 2, 1]
    lines = told(source_of(images, labels, ("cat", "dog", "owl")), source_of(images[:2], [0, 1], ("cat", "dog", "owl")))
    assert lines == {
        "images": "6 used; none passed over",
        "sizes": "all 8 x 8, as they are",
        "pixels": f"grey, values {images.min()} to {images.max()}, mean {images.mean():.2f}, "
        f"standard deviation {images.std():.2f}",
        "alike": "none nearly of one colour, none the same as another",
        "classes": "3: cat 2, dog 3, owl 1",
        "held out": "2 images, toys, 2 of 3 classes",
    }
    assert told(source_of(images))["classes"] == "none: the images have no labels"


def test_what_was_passed_over_is_told_by_reason_and_notes_come_last():
    source = source_of(noise(3), passed_over={"links to nothing": 7, "hidden files": 0, "files that end in .txt": 1200})
    found = account.of(dataclasses.replace(source, notes=("one", "two")))
    assert account.lines(found)[0] == (
        "images",
        "3 used; 1,207 passed over: 7 links to nothing, 1,200 files that end in .txt",
    )
    assert account.lines(found)[-2:] == [("note", "one"), ("note", "two")]
    assert account.as_json(found)["passed_over"] == {"links to nothing": 7, "files that end in .txt": 1200}


SIZES = {(64, 64): 5, (16, 16): 3, (128, 64): 2, (32, 32): 4, (20, 60): 1}


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        ("center", "3 cropped to the middle, 7 shrunk, 4 enlarged, 4 as they are"),
        ("random", "3 cropped at random, 7 shrunk, 4 enlarged, 4 as they are"),
        ("pad", "3 padded with white, 8 shrunk, 3 enlarged, 4 as they are"),
    ],
)
def test_what_is_done_about_sizes(crop, expected):
    source = source_of(noise(15, (32, 32, 3)), sizes=SIZES)
    line = told(source, crop=crop)["sizes"]
    assert line == f"5 from 16 x 16 to 128 x 64, most often 64 x 64 (5); to 32 x 32: {expected}"


def test_sizes_in_numbers():
    sizes = account.of(source_of(noise(15, (32, 32, 3)), sizes=SIZES)).sizes
    assert sizes == account.Sizes(5, (16, 16), (128, 64), (64, 64), 5, 4, 7, 4, 3, 3, 1)


def test_all_of_one_size():
    one = source_of(noise(3, (8, 8, 1)), sizes={(8, 8): 3})
    assert told(one)["sizes"] == "all 8 x 8, as they are"
    other = source_of(noise(3, (8, 8, 1)), sizes={(640, 480): 3})
    assert told(other)["sizes"] == "all 640 x 480; to 8 x 8: 3 cropped to the middle, 3 shrunk"
    wide = source_of(noise(3, (8, 16, 1)), sizes={(32, 16): 3})
    assert told(wide, crop="none")["sizes"] == "all 32 x 16; to 16 x 8: 3 shrunk"


def test_of_many_classes_the_first_the_last_and_the_range():
    names = tuple(f"class {i:05d}" for i in range(50_000))
    labels = np.minimum(np.arange(50_002), 49_999).astype(np.int32)
    source = source_of(np.zeros((50_002, 2, 2, 1), np.uint8), labels, names)
    found = account.of(source)
    line = dict(account.lines(found))["classes"]
    assert line == "50,000: class 00000 1 ... class 49999 3; from 1 to 3 images"
    kept = account.as_json(found)["classes"]
    assert kept["number"] == 50_000 and kept["images"] == {"class 00000": 1, "class 49999": 3}
    assert kept["least"] == ["class 00000", 1] and kept["most"] == ["class 49999", 3]


def test_names_of_classes_are_shortened_and_equal_counts_said_once():
    names = tuple(f"{letter * 60}" for letter in "abc")
    line = told(source_of(noise(6), [0, 0, 1, 1, 2, 2], names))["classes"]
    assert line == f"3: {'a' * 27}... 2, {'b' * 27}... 2, {'c' * 27}... 2"
    many = tuple("abcdefghijklmno")
    assert told(source_of(noise(15), range(15), many))["classes"] == "15: a 1 ... o 1; each 1"


def test_images_without_a_label_among_others():
    assert told(source_of(noise(3), [0, -1, -1], ("a",)))["classes"] == "1: a 1; 2 images without a label"


def test_held_out_classes_are_counted_by_their_names():
    train = source_of(noise(4), [0, 1, 2, 2], ("a", "b", "c"))
    test = source_of(noise(3), [0, 0, 1], ("c", "x"), labels=np.array([0, 0, 1], np.int32))
    held = account.of(train, test).held_out
    assert held.counts.tolist() == [0, 0, 2] and (held.unknown, held.images, held.counted_all) == (1, 3, True)


def test_held_out_labels_are_read_once(monkeypatch):
    images, reads = noise(4), []

    def read(indices):
        reads.append(len(indices))
        return images[indices], np.array([0, 1, 1, 1], np.int32)[indices]

    train = source_of(noise(4), [0, 1, 0, 1], ("a", "b"))
    test = source_of(images, names=("a", "b"), read=read, in_memory=False)
    for _ in range(2):
        assert account.of(train, test).held_out.counts.tolist() == [1, 3]
    assert reads == [4]


def test_what_config_json_keeps_is_json():
    images = noise(6)
    images[5], images[4] = images[0], 7
    found = account.of(
        source_of(images, [0] * 6, ("a", "b"), sizes={(5, 6): 6}), source_of(images[:1], [0], ("a", "b"))
    )
    kept = account.as_json(found)
    assert json.loads(json.dumps(kept, allow_nan=False))["sizes"]["most_frequent"] == [5, 6]
    assert kept["images"] == 6 and kept["looked_at"] == 6 and kept["channels"] == 3
    assert kept["values"] == [images.min(), images.max()] and kept["mean"] == round(images.mean(), 4)
    assert (kept["of_one_colour"], kept["same_as_another"]) == (1, 1)
    assert kept["classes"]["images"] == {"a": 6, "b": 0} and kept["classes"]["without_images"] == 1
    assert kept["held_out"] == {
        "name": "toys",
        "images": 1,
        "classes_without_images": 1,
        "unknown_classes": 0,
        "counted_all": True,
    }


def test_many_names_are_few_words():
    assert account.named(["a", "b"]) == "a, b" and account.named(list("abcdef")) == "a, b, c and 3 more"
