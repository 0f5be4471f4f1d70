"""The Parquet files of a data set, by the splits that their names tell, as the Hugging Face hub has them."""

import re
from pathlib import Path
from typing import NamedTuple

from gan.data import split_words
from gan.errors import UserError

TRAIN, TEST, VALIDATION = "train", "test", "validation"
_WORDS = {TRAIN: split_words.TRAIN, TEST: split_words.TEST, VALIDATION: split_words.VALIDATION}
_OF_ALL = re.compile(r"(?P<stem>.*?)[-_.]?(?P<part>\d+)-of-(?P<all>\d+)")


class Parts(NamedTuple):
    """The files of a data set for training and, if there are some, for tests."""

    train: list[Path]
    test: list[Path]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  # what may have been meant otherwise


def found(path: Path) -> Parts:
    """The files of a path: itself, or those of a folder and its sub-folders; raises `UserError`."""
    if path.is_file():
        numbered = _OF_ALL.fullmatch(path.stem)
        count = int(numbered["all"]) if numbered else 1
        return Parts([path], [], doubts=(f"the file is one of {count}; give the folder for all",) * (count > 1))
    if not path.is_dir():
        raise UserError(
            f"--dataset=parquet:{path} is not there; give the path of a .parquet file or of a folder of them"
        )
    files = sorted(
        file
        for file in path.rglob("*.parquet")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise UserError(f"{path} has no .parquet files in it or in its sub-folders; give another folder")
    _check_configs(path, files)
    by_split: dict[str, list[Path]] = {}
    for file in files:
        by_split.setdefault(_split(file.relative_to(path)), []).append(file)
    for of_split in by_split.values():
        _check_complete(of_split)
    return _parts(path, by_split)


def _parts(path: Path, by_split: dict[str, list[Path]]) -> Parts:
    """Which splits are for training and which for tests; raises `UserError` if that is not certain."""
    train = by_split.pop(TRAIN, []) or by_split.pop("", [])
    if not train and len(by_split) == 1:
        ((name, train),) = by_split.items()
        return Parts(train, [], (f"the files of the split `{name}` are taken: there are no others",))
    if not train:
        raise UserError(
            f"{path} has no files for training (it has {', '.join(by_split)}); give the path of one of them"
        )
    tests = next((name for name in (TEST, VALIDATION) if name in by_split), None)
    test = by_split.pop(tests) if tests else []
    notes = (f"the files of the split `{tests}` are for tests",) if tests else ()
    others = " and ".join(f"the split `{name}`" if name else "no split" for name in by_split)
    return Parts(train, test, notes + ((f"the files of {others} are left out",) if others else ()))


def _split(path: Path) -> str:
    """The split that a file's name or else a folder above it tells, empty if none does."""
    for part in reversed((*path.parent.parts, path.stem)):
        words = re.split(r"[^a-z]+", part.lower())
        for split, names in _WORDS.items():
            if any(word in names for word in words):
                return split
    return ""


def _check_configs(path: Path, files: list[Path]) -> None:
    """Raises `UserError` if the files are of several data sets, each in a folder of its own."""
    homes: dict[Path, None] = {}
    for file in files:
        home = file.parent.relative_to(path)
        while home.name and (_split(Path(home.name) / "x") or home.name == "data"):
            home = home.parent
        homes.setdefault(home)
    if len(homes) > 1:
        names = [str(home) for home in homes if home.name]
        raise UserError(
            f"{path} has several data sets, in {', '.join(names[:6])}{', ...' * (len(names) > 6)}; give the path of "
            f"one, such as --dataset=parquet:{path / names[0]}"
        )


def _check_complete(files: list[Path]) -> None:
    """Raises `UserError` if files are numbered 00001-of-00003 and some are missing."""
    there: dict[tuple[Path, str, str], set[int]] = {}
    for file in files:
        numbered = _OF_ALL.fullmatch(file.stem)
        if numbered:
            there.setdefault((file.parent, numbered["stem"], numbered["all"]), set()).add(int(numbered["part"]))
    for (folder, stem, count), numbers in there.items():
        missing = next((number for number in range(int(count)) if number not in numbers), None)
        if missing is not None:
            width = len(count)
            raise UserError(
                f"{folder} has {len(numbers)} of {int(count)} files of {stem}: number {missing:0{width}} is missing; "
                "put it there, or give the path of one file"
            )
