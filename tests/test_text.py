"""Text from elsewhere as it may be shown."""

from gan.text import printable


def test_what_is_hidden_is_spelled():
    assert printable("a\nb\x1b[31m\x7f\x9b\u2028\u202e\udcff") == "a\\nb\\x1b[31m\\x7f\\x9b\\u2028\\u202e\\udcff"
    assert (
        printable("caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469")
        == "caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469"
    )
