"""Bad input by the hundred: whatever a file or a flag holds, there is one line, a code, and nothing else.

A kind of input is a `Kind`: a hypothesis strategy draws cases as plain data, `make` writes one into a folder, `use`
does with it what the commands do, in this process. `trial` holds the law: what is raised is a `UserError` with a line
and a documented exit code, nothing on the disk changes, nothing that was read is run.
`python -m tests.fuzz --cases=1000` tries many and prints a table; the test suite tries the same few each time.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis.strategies import SearchStrategy

from gan.errors import UserError
from gan.text import printable

CODES = {2, 65, 70, 74, 75}  # of docs/reference.md, for a command that does not end by a signal
MARKER = "executed"  # what a case makes that is a program, once it is run
_LONGEST = 4000  # characters of a line


class Kind(NamedTuple):
    """`make(folder, case)` writes a case, `use(folder, case)` reads it as a command does; `share` of all cases."""

    name: str
    cases: SearchStrategy
    make: Callable[[Path, Any], object]
    use: Callable[[Path, Any], object]
    share: int = 1


class Mark:
    """An object whose pickle makes a folder when it is loaded: what no reader may do."""

    def __init__(self, folder: Path):
        self._path = str(folder / MARKER)

    def __reduce__(self):
        return os.mkdir, (self._path,)


def trial(kind: Kind, case: Any, folder: Path) -> str:
    """The outcome of a case in an empty folder: `taken`, or `code N`; fails where the law is broken."""
    kind.make(folder, case)
    before = content(folder)
    outcome = "taken"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            kind.use(folder, case)
        except UserError as error:
            line = printable(error)
            assert error.exit_code in CODES, error.exit_code
            assert 0 < len(line) < _LONGEST and "Traceback" not in line, line
            outcome = f"code {error.exit_code}"
        except MemoryError:  # of which the commands make a line
            outcome = "code 2"
    assert content(folder) == before, "something on the disk was changed"
    return outcome


def content(folder: Path) -> dict[str, str]:
    """What is in a folder: the sha256 of files, where links lead, and what else there is, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    return found
