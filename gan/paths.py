"""Paths as people give them: one way to read them, wherever they come from."""

import os

from gan.errors import UserError


def given(path: str | os.PathLike) -> str:
    """The path that a person means: `~` and `~name` are home folders, also where no shell has seen to it.

    An empty path stays empty. Raises `UserError` for what no path can be.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise UserError(f"{text!r} is no path: it has a character 0")
    return os.path.expanduser(text)
