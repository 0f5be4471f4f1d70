"""What people bring and what their machines are like: situations, each with what happens in it, tried.

A situation is a function with `@situation(...)` in a module of this folder. It makes the situation in `place.folder`,
runs commands by `place.run(...)` as processes, or calls the code, and asserts the right value: pixels, names, exit
code, the one line. `happens` says in words what was asserted. The tests run each; `python -m tests.situations` prints
the table of all of them, which docs/data.md has.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.commands import Server, Start


class Situation(NamedTuple):
    """What was done, and what happens now; `area` is the part of the table that it belongs to."""

    area: str
    done: str
    happens: str
    check: Callable[["Place"], None]


class Place:
    """A folder for a situation, and the commands run in it."""

    def __init__(self, folder: Path, server: Server):
        self.folder, self._server = folder, server

    def run(self, command: str, *flags: str, code: int | None = 0, **environment: str) -> Start:
        """Runs bin/`command` with these flags and more environment, here; checks its exit code, unless it is None."""
        begun = self.begin(command, *flags, **environment)
        found = begun.wait()
        assert "Traceback" not in begun.err, begun.err
        assert code is None or found == code, f"exit code {found}\n{begun.out}\n{begun.err}"
        return begun

    def begin(self, command: str, *flags: str, hold: int = 0, **environment: str) -> Start:
        """The same, without waiting for the end; a training is held after the step `hold` until it gets a signal."""
        given = {"command": command, "folder": self.folder, "hold": hold}
        return self._server.start(*flags, **given, **{**os.environ, **environment})

    def error(self, command: str, *flags: str, code: int = 2, **environment: str) -> str:
        """The one line by which the command ends, with this exit code."""
        begun = self.run(command, *flags, code=code, **environment)
        (line,) = begun.errors
        return line


SITUATIONS: list[Situation] = []


def situation(area: str, done: str, happens: str) -> Callable[[Callable[[Place], None]], Callable[[Place], None]]:
    """Registers the decorated check of what happens when this is done."""

    def register(check: Callable[[Place], None]) -> Callable[[Place], None]:
        SITUATIONS.append(Situation(area, done, happens, check))
        return check

    return register
