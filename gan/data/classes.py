"""Classes by the words that people and files have for them."""

from collections.abc import Iterator, Sequence

_DIGITS = 9  # more than the number of any class has


def number_of(word: str, names: Sequence[str]) -> int | None:
    """The number of the class that `word` means, None if it means none.

    It may be the name as it stands; the name with other capitals, without spaces around it, or as a folder can have it
    (t-shirt-top for T-shirt/top); or the number. The first of these that fits counts, and of several classes the first.
    """
    for found in (_exactly(word, names), _nearly(word, names), as_number(word)):
        if found is not None:
            return found if found < len(names) else None
    return None


def in_list(text: str, names: Sequence[str]) -> Iterator[tuple[str, int | None]]:
    """The words of a list with commas, each with the number of the class that it means, None if it means none.

    A name may itself have commas, spaces around it or quotation marks: as many parts of the list as together are a name
    as it stands are one word; otherwise as many as are one in another spelling, or in quotation marks.
    """
    parts = text.split(",")
    most = 1 + max((name.count(",") for name in names), default=0)
    while parts:
        joined = [",".join(parts[:count]) for count in range(min(most, len(parts)), 0, -1)]
        found = ((word, reading(word, names)) for reading in (_exactly, _quoted, _nearly) for word in joined)
        word, number = next((each for each in found if each[1] is not None), (parts[0], number_of(parts[0], names)))
        yield word.strip(), number
        del parts[: 1 + word.count(",")]


def as_number(word: str) -> int | None:
    """The number that is written so, None if there is none."""
    digits = word.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= _DIGITS else None


def _exactly(word: str, names: Sequence[str]) -> int | None:
    return names.index(word) if word in names else None


def _quoted(word: str, names: Sequence[str]) -> int | None:
    inner = word.strip()
    whole = len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "\"'"
    return _exactly(inner[1:-1], names) if whole else None


def _nearly(word: str, names: Sequence[str]) -> int | None:
    plain = _plain(word)
    return next((number for number, name in enumerate(names) if _plain(name) == plain), None)


def _plain(name: str) -> str:
    return name.strip().casefold().translate(str.maketrans("/_ ", "---"))
