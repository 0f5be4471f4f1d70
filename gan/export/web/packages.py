"""The packages of LiteRT.js at the version that the page is tested with: named, checked and read."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError
from gan.storage.files import read_bytes

VERSION = "2.5.3"
_MANIFEST = "package.json"
_LARGEST_MANIFEST = 1 << 20  # bytes

Read = Callable[[str], bytes]  # the content of a package's file; raises `OSError`


class Package(NamedTuple):
    """A package by its name at npm, the integrity of its archive as a lock file has it, its files with their SHA-256.

    The files are those that a page needs. Threads want headers that a static server does not send, so their variant is
    left out; what has no relaxed SIMD gets the compatible one.
    """

    name: str
    integrity: str
    files: Mapping[str, str]

    @property
    def archive(self) -> str:
        """The name of the file that `npm pack` makes of it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"

    @property
    def asked(self) -> str:
        """The package as npm is asked for it."""
        return f"{self.name}@{VERSION}"


CORE = Package(
    "@litertjs/core",
    "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
    {
        "dist/index.js": "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
        "wasm/litert_wasm_internal.js": "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
        "wasm/litert_wasm_internal.wasm": "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
        "wasm/litert_wasm_compat_internal.js": "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
        "wasm/litert_wasm_compat_internal.wasm": "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    },
)
UTILITIES = Package(
    "@litertjs/wasm-utils",
    "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
    {"dist/index.js": "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2"},
)
PACKAGES = (CORE, UTILITIES)
BY_HAND = f"npm install {CORE.asked}"


def is_whole(package: Package, archive: bytes) -> bool:
    """Whether these bytes are the archive of the package that is known here."""
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    return package.integrity == f"sha512-{digest}"


def of_archive(archive: bytes) -> Read:
    """Reads the files of an archive, which is kept in memory: nothing of it is unpacked onto the disk."""

    def read(name: str) -> bytes:
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
                member = opened.extractfile(f"package/{name}")
                return member.read() if member else b""
        except (KeyError, tarfile.TarError, EOFError) as error:
            raise OSError(f"{name} is not in the archive") from error

    return read


def of_folder(folder: Path) -> Read:
    """Reads the files of a package that lies unpacked in a folder."""
    return lambda name: read_bytes(folder / name)


def version(read: Read, package: Package) -> str | None:
    """The version of the package that is read, None if it is another or none."""
    try:
        text = read(_MANIFEST)
        facts = json.loads(text) if len(text) <= _LARGEST_MANIFEST else {}
    except (OSError, ValueError, UserError, RecursionError):
        return None
    found = isinstance(facts, dict) and facts.get("name") == package.name and facts.get("version")
    return found if isinstance(found, str) and found else None
