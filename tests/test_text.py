"""Text from elsewhere as it may be shown."""

from gan.text import dimensions, printable


def test_what_is_hidden_is_spelled():
    assert printable("a\nb\x1b[31m\x7f\x9b\u2028\u202e\udcff") == "a\\nb\\x1b[31m\\x7f\\x9b\\u2028\\u202e\\udcff"
    assert (
        printable("caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469")
        == "caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469"
    )


def test_sizes_are_said_with_the_width_first():
    assert dimensions((32, 64, 3)) == "64 x 32 x 3" and dimensions((28, 30)) == "30 x 28"
