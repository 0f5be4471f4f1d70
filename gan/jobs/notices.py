"""What a job tells the person beside its result."""

import sys

from gan.text import printable


def warn(*lines: str) -> None:
    """Tells the person each line that is not empty."""
    for line in filter(None, lines):
        print(f"warning: {printable(line)}", file=sys.stderr, flush=True)


def note(*lines: str) -> None:
    """Tells the person each line about how something was understood."""
    for line in filter(None, lines):
        print(f"note: {printable(line)}", file=sys.stderr, flush=True)
