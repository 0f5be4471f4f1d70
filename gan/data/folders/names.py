"""Many file names in little memory, and names as they can be printed."""

import array
import os
import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np


class Names:
    """Paths below a root in their order, as bytes one after the other: a million take what their letters take."""

    def __init__(self, text: np.ndarray, ends: np.ndarray):
        """`text` uint8 [letters]; `ends` int64 [N], where each name ends in it."""
        self.text, self.ends = text, ends

    @classmethod
    def of(cls, paths: Iterable[str]) -> "Names":
        """The names as they come from the file system: text, with surrogates for bytes that are no UTF-8."""
        letters, ends = bytearray(), array.array("q")
        for path in paths:
            letters += os.fsencode(path)
            ends.append(len(letters))
        return cls(np.frombuffer(letters, np.uint8), np.array(ends, np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        return os.fsdecode(self.encoded(index))

    def __iter__(self) -> Iterator[str]:
        text, start = self.text.tobytes(), 0
        for end in self.ends:
            yield os.fsdecode(text[start:end])
            start = end

    def encoded(self, index: int) -> bytes:
        """The bytes of one name."""
        start = self.ends[index - 1] if index else 0
        return self.text[start : self.ends[index]].tobytes()

    def part(self, rows: np.ndarray) -> "Names":
        """The names of these rows, as names of their own."""
        return Names.of(self[row] for row in rows.tolist())

    def same(self, other: "Names") -> bool:
        """Whether these are the same names in the same order."""
        return np.array_equal(self.ends, other.ends) and np.array_equal(self.text, other.text)


def readable(name: str) -> str:
    """A file name in one line that can be printed: bytes that are no UTF-8, line breaks and the like by their codes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    if text.isprintable():  # as nearly all are
        return text
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each
        for each in text
    )
