"""Paths as people give them: one way to read them, wherever they come from.

In a flag, in a flagfile, in the settings of a notebook, pasted from a file manager. A name that really has a character
that means something here is written with `./` before it, or with the whole path.
"""

import errno
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from gan.errors import UserError

DATA_AT_A_PATH = ("folder", "npz", "parquet")  # kinds of data sets, which have a path behind the colon
LABEL_WORDS = ("auto", "none", "folders")  # what labels may be beside a file
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def given(path: str | os.PathLike) -> str:
    """The path that a person means; an empty one stays empty.

    `~` and `~name` are home folders, also where no shell has seen to it; file:// is taken away; blanks and line ends
    around it, where there is nothing of that name with them but something without. Raises `UserError` for what no path
    can be, for other addresses, and where there is no such home.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise UserError(f"{text!r} is no path: it has a character 0")
    if any("\ud800" <= character <= "\udfff" for character in text):  # TensorFlow takes no such name
        raise UserError(f"{ascii(text)} is not UTF-8; rename the file or folder, or name it by a link")
    if (bare := text.strip()) != text and not os.path.lexists(text) and os.path.lexists(_expanded(bare)):
        text = bare
    return text if os.path.lexists(text) and not text.startswith("~") else _expanded(_without_scheme(text))


def settings(values: Mapping[str, Any], read: Callable[[str], str] = given) -> dict[str, Any]:
    """Those of the settings that hold a path, with the path as `read` gives it."""
    found = {}
    for name, value in values.items():
        if path := in_setting(name, value):
            text = os.fspath(value)
            found[name] = text[: len(text) - len(path)] + read(path)
    return found


def in_setting(name: str, value: Any) -> str:
    """The path in the value of a setting, always its end; empty where there is none."""
    if not isinstance(value, (str, os.PathLike)):
        return ""
    text = os.fspath(value)
    if name in ("data_dir", "init_from", "preempted_when_exists") or (name == "labels" and text not in LABEL_WORDS):
        return text
    kind, _, rest = text.partition(":")
    return rest if name in ("dataset", "test_dataset") and kind in DATA_AT_A_PATH else ""


def from_root(path: str) -> str:
    """The path from the root, as it is to be kept: the next start may be in another folder."""
    return os.path.abspath(given(path)) if path else ""


def broken_link(path: str | os.PathLike) -> str:
    """A line on the first link on the way of a path that leads nowhere, or round in a circle; empty without any."""
    whole = Path(os.path.abspath(path))
    for part in (*reversed(whole.parents), whole):
        if part.is_symlink():
            try:
                os.stat(part)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    return f"{part} is a link that leads round in a circle"
                if error.errno in (errno.ENOENT, errno.ENOTDIR):
                    return f"{part} is a link to {os.readlink(part)}, which is not there"
                return ""
    return ""


def check_links(what: str, path: str | os.PathLike) -> None:
    """Raises `UserError` if a path, called `what`, is not there because a link on its way leads nowhere."""
    if path and not os.path.exists(path) and (line := broken_link(path)):
        raise UserError(f"{what}: {line}; make or mount it, remove the link, or use another path")


def check_start_folder() -> None:
    """Raises `UserError` if the folder that the program was started in is gone: no path can be told from there."""
    try:
        os.getcwd()
    except OSError:
        raise UserError("the folder that this was started in is not there any more; change to another (cd)") from None


def home() -> str:
    """The person's home folder; empty where there is none: a user id without an entry, and no $HOME."""
    found = os.path.expanduser("~")
    return "" if found == "~" else found


def _expanded(text: str) -> str:
    """The path with a home folder in the place of `~` or `~name`; raises `UserError` if there is none."""
    if not text.startswith("~"):
        return text
    found = os.path.expanduser(text)
    if found.startswith("~"):
        user = text.split("/")[0][1:]
        who = f"there is no user {user}" if user else "this user has no home folder and $HOME is not set"
        raise UserError(f"{text}: {who}; give the whole path, or ./{text} for a name that begins with ~")
    return found


def _without_scheme(text: str) -> str:
    """The path of a file:// address; raises `UserError` for any other address."""
    match = _ADDRESS.match(text)
    if not match:
        return text
    host, _, path = text[match.end() :].partition("/")
    if match[1].lower() != "file" or host not in ("", "localhost"):
        raise UserError(f"{text} is an address, not a path; fetch or mount it and give the path there")
    return unquote(f"/{path}")
