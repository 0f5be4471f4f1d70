"""The archives of LiteRT.js by the npm client, kept in this program's cache: the next export needs no network."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from gan.errors import UserError
from gan.export.web.packages import BY_HAND, CORE, PACKAGES, VERSION, Package, is_whole
from gan.storage import cache
from gan.storage.files import read_bytes, write_with_folders

_CACHED = f"litert_js-{VERSION}"
_SECONDS = 300  # for npm, which has 12 MB to fetch
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries=1")
_ELSEWHERE = (
    f"fetch it where that is possible, by {BY_HAND}, and name the folder node_modules that this makes by --runtime"
)
_LONGEST = 200  # characters of npm's own words


def archives(tell: Callable[[str], None]) -> list[bytes]:
    """The archives of all packages, checked; `tell` hears it when npm has to fetch them. Raises `UserError`."""
    folder = cache.folder()
    kept = [_kept(folder, package) for package in PACKAGES]
    if None not in kept:
        return kept
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            f"--format=web needs LiteRT.js, and npm, which fetches it, is not installed: install Node.js, "
            f"or {_ELSEWHERE}"
        )
    tell(f"fetching LiteRT.js {VERSION}, which computes the model in browsers, by npm (12 MB; kept for the next time)")
    fetched = _fetched(npm)
    for package, archive in zip(PACKAGES, fetched, strict=True):
        if folder:
            with contextlib.suppress(UserError):  # a cache that cannot be written is no error
                write_with_folders(folder / _CACHED / package.archive, archive)
    return fetched


def _kept(folder: Path | None, package: Package) -> bytes | None:
    """The archive in the cache, None where it is absent or damaged."""
    if folder is None:
        return None
    try:
        archive = read_bytes(folder / _CACHED / package.archive)
    except (OSError, UserError):
        return None
    return archive if is_whole(package, archive) else None


def _fetched(npm: str) -> list[bytes]:
    """The archives as npm packs them into a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gan-npm-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        code, words = _run([npm, "pack", *(package.asked for package in PACKAGES), *_OPTIONS], folder)
        try:
            found = [read_bytes(folder / package.archive) for package in PACKAGES]
        except (OSError, UserError):
            found = []
    if code or not found:
        raise UserError(f"npm could not fetch LiteRT.js ({_reason(words)}): check the network, or {_ELSEWHERE}")
    for package, archive in zip(PACKAGES, found, strict=True):
        if not is_whole(package, archive):
            raise UserError(
                f"npm gave something else for {package.asked} than this program knows (its sha512 differs): check "
                f"where npm is set to fetch from, or {_ELSEWHERE}"
            )
    return found


def _run(line: list[str], folder: Path) -> tuple[int, str]:
    """(exit code, what it said) of a program in `folder`, ended with everything it started if this process is to end.

    What it says goes to a file: one that it leaves running could hold a pipe open for ever.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            line, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"npm has not fetched {CORE.asked} in {_SECONDS} seconds; try again, or {_ELSEWHERE}"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return code, said.read().decode(errors="replace")


def _reason(words: str) -> str:
    """What npm says of its failure, in one line."""
    lines = [line.split("npm error", 1)[-1].strip() for line in words.splitlines() if line.startswith("npm error")]
    telling = [
        line for line in lines if line and not line.startswith(("code ", "errno ", "syscall ", "A complete log"))
    ]
    reason = (telling or [line.strip() for line in words.splitlines() if line.strip()] or ["it said nothing"])[0]
    return reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]} ..."
