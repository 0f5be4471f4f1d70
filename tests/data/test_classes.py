"""What words mean among the names of classes."""

import pytest

from gan.data import classes

NAMES = ("T-shirt/top", "Ankle boot", "bag", "Bag", "a/b", "a b", "a_b")


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("T-shirt/top", 0),
        ("t-shirt-top", 0),
        ("ankle_boot", 1),
        ("Bag", 3),  # as it stands
        ("BAG", 2),  # the first of two
        ("a_b", 6),
        ("A-B", 4),
        ("1", 1),
        ("7", None),
        ("-1", None),
        ("boot", None),
        ("", None),
    ],
)
def test_a_word_is_a_name_or_nearly_or_a_number(word, number):
    assert classes.number_of(word, NAMES) == number


def test_a_name_comes_before_a_number():
    assert [classes.number_of(word, ("2", "1", "0")) for word in "012"] == [2, 1, 0]
