"""The manifest of a folder of files: what was written there, so that any later change of a bit is seen.

`manifest.json` holds the format, the step, the size and SHA-256 of each file, the facts it was given, and a hash of its
own content. Files that it does not name do not matter.
"""

import contextlib
import errno
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gan.errors import UserError
from gan.storage.files import sha256, write_atomically
from gan.storage.refusals import storage_errors

FORMAT = 1
NAME = "manifest.json"
_DAMAGE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO}


class Damaged(Exception):
    """The files are not those that were written; the text says which and how."""


def write(path: Path, step: int, facts: Mapping[str, Any]) -> None:
    """Describes the files in the folder `path` in its manifest.json; raises `OSError` and `StorageError`."""
    files = {file.name: {"size": file.stat().st_size, "sha256": sha256(file)} for file in sorted(path.iterdir())}
    content = {"format": FORMAT, "step": step, "files": files, "facts": dict(facts)}
    write_atomically(path / NAME, json.dumps(content | {"content_sha256": _content_hash(content)}, indent=1) + "\n")


def _content_hash(content: Mapping[str, Any]) -> str:
    """The hash of all but the hash itself, as any JSON text of the same meaning gives it."""
    rest = json.loads(json.dumps({key: value for key, value in content.items() if key != "content_sha256"}))
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def verified(path: Path, step: int) -> dict[str, Any]:
    """The manifest in the folder `path` once it and every file it names agree with their hashes.

    Raises `Damaged` if they do not, `StorageError` if they may not be read, `UserError` for another version's format.
    """
    if (path / NAME).exists() and not (path / NAME).is_file():
        raise Damaged(f"{NAME} is no file")
    with reading(path):
        content = _parsed((path / NAME).read_bytes())
        if content["format"] != FORMAT:
            raise UserError(f"{path} has format {content['format']}, not {FORMAT}; use the version that wrote it")
        if content["step"] != step:
            raise Damaged(f"{NAME} is that of step {content['step']}")
        for name, facts in content["files"].items():
            if not (path / name).is_file() and (path / name).exists():
                raise Damaged(f"{name} is no file")
            if (path / name).stat().st_size != facts["size"]:
                raise Damaged(f"{name} has another size")
            if sha256(path / name) != facts["sha256"]:
                raise Damaged(f"{name} was altered")
    return content


def _parsed(text: bytes) -> dict[str, Any]:
    """The content of a manifest that agrees with its own hash; raises `Damaged`."""
    try:
        content = json.loads(text)
        whole = content["content_sha256"] == _content_hash(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{NAME} is garbage") from error
    if not whole:
        raise Damaged(f"{NAME} was altered")
    if "format" not in content or (content["format"] == FORMAT and not _has_form(content)):
        raise Damaged(f"{NAME} is garbage, though its hash is right")
    return content


def _has_form(content: Mapping[str, Any]) -> bool:
    """Whether a manifest has what this version writes: a hash keeps nobody from writing one by hand."""
    files = content.get("files")
    if (
        type(content.get("step")) is not int
        or not isinstance(content.get("facts"), dict)
        or not isinstance(files, dict)
    ):
        return False
    return all(
        name == Path(name).name  # of this folder, and no other
        and isinstance(file, dict)
        and type(file.get("size")) is int
        and isinstance(file.get("sha256"), str)
        for name, file in files.items()
    )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tells damage from denial: what is missing or cannot be read is `Damaged`, what is forbidden a `StorageError`."""
    with storage_errors(path):
        try:
            yield
        except OSError as error:
            if error.errno not in _DAMAGE:
                raise
            raise Damaged(f"{Path(error.filename or path).name}: {error.strerror}") from error
