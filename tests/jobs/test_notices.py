"""Warnings, and what --strict makes of those of the data."""

import pytest

from gan.errors import UserError
from gan.jobs.notices import warn, warn_of_data


def test_a_line_each_and_nothing_for_nothing(capsys):
    warn("one", "", "two")
    warn_of_data(["three"])
    warn_of_data([], strict=True)
    assert capsys.readouterr().err == "warning: one\nwarning: two\nwarning: three\n"


def test_strict_makes_the_first_the_error_and_counts_them(capsys):
    with pytest.raises(UserError) as caught:
        warn_of_data(["one", "two", "three"], strict=True)
    assert str(caught.value) == "one (the first of 3 warnings, which --strict makes an error)"
    assert capsys.readouterr().err == "warning: two\nwarning: three\n"
    with pytest.raises(UserError, match=r"^one \(which as a warning --strict makes an error\)$"):
        warn_of_data(["one"], strict=True)
