"""Classes by the words that people and files have for them."""

from collections.abc import Sequence


def number_of(word: str, names: Sequence[str]) -> int | None:
    """The number of the class that `word` means, None if it means none.

    It may be the name as it stands; the name with other capitals, or as a folder can have it (t-shirt-top for
    T-shirt/top); or the number. The first of these that fits counts, and of several classes the first.
    """
    if word in names:
        return list(names).index(word)
    plain = [_plain(name) for name in names]
    if _plain(word) in plain:
        return plain.index(_plain(word))
    return int(word) if word.isdecimal() and int(word) < len(names) else None


def _plain(name: str) -> str:
    return name.casefold().translate(str.maketrans("/_ ", "---"))
