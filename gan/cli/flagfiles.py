"""Flags in files: what `--flagfile=FILE` stands for.

A file has a flag on each line; empty lines and those that begin with # or // are passed over. It may name others. It is
read whatever editor it was saved with: as UTF-8, or in the form that its byte order mark tells, with the line ends of
any system.
"""

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gan import paths
from gan.errors import UserError

_MARKS = {  # the longer first: one of UTF-32 begins like one of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
_LARGEST = 1 << 20  # bytes; those of a run have some thousand
_FLAG = re.compile("--?flagfile(?:=(.*))?", re.DOTALL)


class Argument(NamedTuple):
    """An argument of a command, and the place that it was written at: empty for the command line itself."""

    text: str
    place: str = ""


def expanded(arguments: Sequence[str]) -> list[Argument]:
    """The arguments with the lines of the files that they name in the place of the names; raises `UserError`."""
    return list(_expanded([Argument(text) for text in arguments], ()))


def _expanded(arguments: Sequence[Argument], within: tuple[str, ...]) -> Iterator[Argument]:
    """The same; `within` are the files that these are in, from the outermost on."""
    waiting = iter(arguments)
    for argument in waiting:
        if argument.text == "--":  # what follows are no flags
            yield argument
            yield from waiting
            return
        found = _FLAG.fullmatch(argument.text)
        if not found:
            yield argument
            continue
        following = None if found[1] is not None else next(waiting, None)
        name = found[1] if found[1] is not None else following.text if following else ""
        if not name:
            raise UserError(
                f"--flagfile names no file{argument.place}; give the path of a file with a flag on each line"
            )
        path = paths.given(name)
        itself = os.path.realpath(path)
        if itself in within:
            raise UserError(f"--flagfile={name}{argument.place} includes itself; take one of the lines out")
        lines = enumerate(_lines(path), 1)
        flags = [Argument(line.strip(), f" (line {number} of {path})") for number, line in lines if _is_flag(line)]
        yield from _expanded(flags, (*within, itself))


def _is_flag(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "//"))


def _lines(path: str) -> list[str]:
    """The lines of a file; raises `UserError` for what cannot be read or is no text."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"--flagfile={path} cannot be read: {reason}; give a file with a flag on each line") from None
    if len(data) > _LARGEST:
        raise UserError(f"--flagfile={path} is no file of flags: it has more than {_LARGEST >> 20} MiB")
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"--flagfile={path} is no {encoding.upper()} text (line {line}); save it as UTF-8") from None
    if "\0" in text:
        raise UserError(
            f"--flagfile={path} is no text, or UTF-16 without its mark (it has characters 0); save it as UTF-8"
        )
    return re.split("\r\n|\r|\n", text)
