"""What computes the model in a browser: the files of LiteRT.js that a page needs, out of npm's packages."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError
from gan.export.web import npm, packages
from gan.export.web.packages import CORE, PACKAGES, UTILITIES, VERSION, Package, Read
from gan.storage.files import read_bytes

_WASM = b"\0asm"  # how a module of WebAssembly begins
_ENTRY, _SCRIPT = "litert.js", "wasm_utilities.js"
_IMPORT = f'from "{UTILITIES.name}"'
_GPU_AT_START = ("await Environment.create()", "await Environment.create({ webGpuDevice: null })")
_MAP = "//# sourceMappingURL="
_NOTICE = "// {name} {version}, Apache-2.0 (LICENSE). Changed by gan-engine: {change}\n"


class Runtime(NamedTuple):
    """The version, the files by their names in the page's folder of the runtime, and what should be said of it."""

    version: str
    files: Mapping[str, bytes]
    note: str = ""


def find(folder: str, tell: Callable[[str], None]) -> Runtime:
    """The runtime in the folder that the person names, or else as npm has it; raises `UserError` if it is not there.

    `tell` hears what takes its time.
    """
    if folder:
        return _of_folder(Path(folder))
    return _runtime(VERSION, [packages.of_archive(archive) for archive in npm.archives(tell)], "the packages of npm")


def _of_folder(folder: Path) -> Runtime:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise UserError(f"--runtime={folder} {what}; name the folder node_modules that {packages.BY_HAND} makes")
    if archives := _archives(folder):
        return _runtime(VERSION, archives, f"--runtime={folder}")
    core, utilities = _core(folder), None
    if core:
        beside = (core / "node_modules" / UTILITIES.name, core.parent / "wasm-utils", folder / UTILITIES.name)
        utilities = next((each for each in beside if _version(each, UTILITIES)), None)
    if not core or not utilities:
        raise UserError(
            f"--runtime={folder} has no {(UTILITIES if core else CORE).name} in it; name the folder node_modules that "
            f"{packages.BY_HAND} makes"
        )
    found = _version(core, CORE)
    note = f"LiteRT.js {found} is used; the page is tested with {VERSION}" if found != VERSION else ""
    reads = [packages.of_folder(core), packages.of_folder(utilities)]
    return _runtime(found, reads, f"--runtime={folder}")._replace(note=note)


def _core(folder: Path) -> Path | None:
    """Where the package that has the runtime lies unpacked: in the folder, or below it as npm lays it."""
    places = (folder, folder / CORE.name, folder / "node_modules" / CORE.name, folder / "core", folder / "package")
    return next((each for each in places if _version(each, CORE)), None)


def _version(folder: Path, package: Package) -> str | None:
    return packages.version(packages.of_folder(folder), package)


def _archives(folder: Path) -> list[Read]:
    """The packages as `npm pack` has put them into the folder, none if it has not."""
    if not all((folder / package.archive).is_file() for package in PACKAGES):
        return []
    found = [read_bytes(folder / package.archive) for package in PACKAGES]
    for package, archive in zip(PACKAGES, found, strict=True):
        if not packages.is_whole(package, archive):
            raise UserError(f"{folder / package.archive} is damaged (its sha512 differs); fetch it again by npm pack")
    return [packages.of_archive(archive) for archive in found]


def _runtime(version: str, reads: list[Read], where: str) -> Runtime:
    """The files for the page, of packages [core, utilities]; of the known version each must be what is known of it."""
    contents = {}
    for package, read in zip(PACKAGES, reads, strict=True):
        for name, expected in package.files.items():
            contents[package.name, name] = _content(read, name, expected if version == VERSION else None, where)
    files = {_name(name): content for (_, name), content in contents.items() if name.startswith("wasm/")}
    files[_ENTRY] = _entry(contents[CORE.name, "dist/index.js"], version, where)
    files[_SCRIPT] = _changed(
        contents[UTILITIES.name, "dist/index.js"].decode(), UTILITIES, version, "no source map is named."
    )
    return Runtime(version, files)


def _content(read: Read, name: str, expected: str | None, where: str) -> bytes:
    try:
        content = read(name)
    except (OSError, UserError):
        raise UserError(f"{where}: {name} is missing or cannot be read; fetch it again by {packages.BY_HAND}") from None
    is_damaged = hashlib.sha256(content).hexdigest() != expected if expected else not content
    if is_damaged or (name.endswith(".wasm") and not content.startswith(_WASM)):
        raise UserError(f"{where}: {name} is damaged, not what npm has; fetch it again by {packages.BY_HAND}")
    return content


def _name(name: str) -> str:
    return name.rpartition("/")[2]


def _entry(content: bytes, version: str, where: str) -> bytes:
    """The runtime's own module, which imports the other one by its place: browsers do not know packages by name.

    It would wake the fastest GPU when it starts, for models too that are drawn as fast without one: the page asks for
    a GPU where it wants one.
    """
    text = content.decode(errors="replace")
    if text.count(_IMPORT) != 1:
        raise UserError(
            f"{where}: LiteRT.js {version} is not built as {VERSION} is, and cannot be used; take {packages.BY_HAND}"
        )
    text = text.replace(_IMPORT, f'from "./{_SCRIPT}"').replace(*_GPU_AT_START)
    return _changed(text, CORE, version, "wasm-utils is imported by its place, no GPU asked for at the start.")


def _changed(text: str, package: Package, version: str, change: str) -> bytes:
    """The text without the name of a source map, which is not there, and with the notice that the licence asks for."""
    lines = [line for line in text.splitlines() if not line.startswith(_MAP)]
    notice = _NOTICE.format(name=package.name, version=version, change=change)
    return (notice + "\n".join(lines) + "\n").encode()
