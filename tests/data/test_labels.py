"""Labels in the forms that people have, and what they are then."""

import numpy as np
import pytest

from gan.data.labels import class_names_of, classes_of
from gan.errors import UserError

NUMBERS = np.array([2, 0, 1, 2])
SAME = {
    "int64": NUMBERS,
    "uint8": NUMBERS.astype(np.uint8),
    "floats": NUMBERS.astype(np.float32),
    "a column": NUMBERS[:, None],
    "one-hot floats": np.eye(3)[NUMBERS],
    "one-hot truth values": np.eye(3, dtype=bool)[NUMBERS],
}


@pytest.mark.parametrize("form", SAME)
def test_numbers_in_any_form_are_the_same_classes(form):
    found = classes_of(SAME[form], 4, None, "`labels`")
    assert found.labels.tolist() == [2, 0, 1, 2] and found.labels.dtype == np.int32
    assert found.names == ("0", "1", "2") and found.notes == ()
    assert classes_of(SAME[form], 4, ["a", "b", "c", "d"], "`labels`").names == ("a", "b", "c", "d")


def test_names_are_classes_in_their_order_and_numbers_in_theirs():
    words = np.array(["pear", "apple", "fig", "pear"])
    for form in (words, words.astype("S"), words.astype(object)):
        found = classes_of(form, 4, None, "x")
        assert found.names == ("apple", "fig", "pear") and found.labels.tolist() == [2, 0, 1, 2]
    assert classes_of(words, 4, ["pear", "fig", "apple"], "x").labels.tolist() == [0, 2, 1, 0]
    assert classes_of(np.array(["10", "9", "2", "10"]), 4, None, "x").names == ("2", "9", "10")
    assert classes_of(NUMBERS > 0, 4, None, "x").names == ("false", "true")


def test_images_without_a_label_are_counted_and_classes_without_images_stay():
    found = classes_of(np.array([-1, 5, 0, 9]), 4, None, "x")
    assert found.labels.tolist() == [-1, 5, 0, 9] and found.names == tuple("0123456789")
    assert found.notes == ("1 of 4 images have no label (-1)",)
    assert classes_of(np.array(["b", None, "", "a"], object), 4, None, "x").labels.tolist() == [1, -1, -1, 0]
    nothing = classes_of(np.full(4, -1), 4, None, "x")
    assert nothing.names == () and nothing.notes == ("no image has a label: all are -1",)


WRONG = {
    "number": (np.array(3), None, r"x is int64 \[\]; it must be integers \[4\]"),
    "several ones": (np.ones((4, 3)), None, r"row 0 is not one 1 among zeros"),
    "shares": (np.full((4, 2), 0.5), None, r"row 0 is not one 1 among zeros"),
    "no number": (np.array([0, np.nan, 1, 2]), None, r"values that are not whole"),
    "below": (np.array([0, -2, 1, 2]), None, r"go from -2 to 2"),
    "huge": (np.array([0, 2**63, 1, 2], np.uint64), None, r"has the value 9223372036854775808"),
    "many classes": (np.array([0, 1, 2, 100_000]), None, r"go from 0 to 100000"),
    "beyond": (NUMBERS, ["a", "b"], r"x has 2 for image 0, and there are 2 class names"),
    "unknown": (np.array(["a", "b", "q", "a"]), ["a", "b"], r"x has 'q' for image 2, which is not among"),
    "things": (np.array([{}, 1, 2, 3], object), None, r"neither numbers nor names"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_cannot_be_labels_is_one_line(fault):
    values, names, pattern = WRONG[fault]
    with pytest.raises(UserError, match=pattern) as caught:
        classes_of(values, 4, names, "x")
    assert "\n" not in str(caught.value)


def test_class_names_may_be_bytes_and_must_differ():
    assert class_names_of(np.array([b"a", "é".encode(), b"\xe9"]), "x") == ("a", "é", "\\xe9")
    for values, pattern in (
        (["a", "b", "a"], r"has 'a' twice"),
        ([1, 2], r"is int64 \[2\]"),
        ([["a"]], r"<U1 \[1, 1\]"),
    ):
        with pytest.raises(UserError, match=pattern):
            class_names_of(np.array(values), "x")
