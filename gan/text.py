"""Text from elsewhere (names of classes and files, words of libraries) as it may be shown to a person."""

import re
from collections.abc import Sequence

# Control characters, line and paragraph separators, what changes the direction of writing, halves of characters.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """The text on one line, with `\\x1b` and the like in the place of what a terminal would obey or could not show."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def dimensions(shape: Sequence[int]) -> str:
    """The shape [H, W] or [H, W, C] of images as people say it, the width first: `64 x 32 x 3`."""
    height, width, *channels = shape
    return " x ".join(map(str, (width, height, *channels)))
