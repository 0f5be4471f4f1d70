"""Standard input, output and error of a command: there in any case, and harmless whatever is written to them.

A command can be started with some of them closed, and then the next file that is opened gets the number of one: what a
library writes to standard error would go into a checkpoint. Its output may have names in it that the terminal's
encoding lacks, or that hold what the terminal would obey.
"""

import io
import os
import re
import sys

from gan.text import printable

# What a terminal obeys, but for new lines, tabulators, and how live lines are redrawn (back, clear the line, up).
_COMMANDS = re.compile("(\r\x1b\\[K|\r|\x1b\\[A)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STANDARD_OUTPUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def secure() -> None:
    """Opens the null device in the place of standard streams that are closed, and lets no text break the others."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(opened, True)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    sys.stdout, sys.stderr = _Output.around(sys.stdout, 1), _Output.around(sys.stderr, 2)


def keep_free_for(path: str) -> None:
    """Where the file to write is standard output itself, what the command says goes to standard error."""
    if path in _STANDARD_OUTPUT:
        sys.stdout = sys.stderr


class _Output(io.TextIOWrapper):
    """A stream that replaces characters which its encoding lacks, and spells what a terminal would obey."""

    @classmethod
    def around(cls, stream: io.TextIOWrapper | None, descriptor: int) -> "_Output":
        """What writes in the place of `stream`, or to the file descriptor where there is no stream."""
        if isinstance(stream, cls):
            return stream
        if stream is None:
            return cls(io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False)), encoding="utf-8", errors="replace")
        options = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
        encoding = stream.encoding
        return cls(stream.detach(), encoding=encoding, errors="replace", **options)

    def write(self, text: str) -> int:
        """Writes the text, in which control sequences are spelled."""
        return super().write(_COMMANDS.sub(lambda found: found[1] or printable(found[0]), text))
