"""Text from elsewhere (names of classes and files, words of libraries) as it may be shown to a person."""

import re
from collections.abc import Sequence

# Control characters, line and paragraph separators, what changes the direction of writing, halves of characters.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_MARKED = re.compile(r"[!-&(-+.:-@\[-`{-~]")  # punctuation but for ' , - / which mean nothing within a line


def printable(text: object) -> str:
    """The text on one line, with `\\x1b` and the like in the place of what a terminal would obey or could not show."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def markdown(text: object) -> str:
    """The same where Markdown is read: what means something there stands for itself."""
    return _MARKED.sub(r"\\\g<0>", printable(text))


_SINGULARS = {
    "devices, pipes and sockets": "device, pipe or socket",
    "that lead back to themselves": "that leads back to itself",
    "that they lie in": "that it lies in",
    "that end in": "that ends in",
}


def counted(number: int, things: str) -> str:
    """`3 files that end in .txt`, of the plural words for things; of one, `1 file that ends in .txt`."""
    if number == 1:
        for plural, singular in _SINGULARS.items():
            things = things.replace(plural, singular)
        things = re.sub(r"\b(device|link|file|folder|image|row)s\b", r"\1", things, count=1)
    return f"{number:,} {things}"


def dimensions(shape: Sequence[int]) -> str:
    """The shape [H, W] or [H, W, C] of images as people say it, the width first: `64 x 32 x 3`."""
    height, width, *channels = shape
    return " x ".join(map(str, (width, height, *channels)))


def binary(count: int) -> str:
    """So many bytes as people say them: `2.1 MiB`, `591 KiB`."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"
