"""What a job tells the person beside its result."""

import sys
from collections.abc import Sequence

from gan.errors import UserError
from gan.text import printable


def warn(*lines: str) -> None:
    """Tells the person each line that is not empty."""
    for line in filter(None, lines):
        print(f"warning: {printable(line)}", file=sys.stderr, flush=True)


def note(*lines: str) -> None:
    """Tells the person each line about how something was understood."""
    for line in filter(None, lines):
        print(f"note: {printable(line)}", file=sys.stderr, flush=True)


def warn_of_data(lines: Sequence[str], strict: bool = False) -> None:
    """Warns of the data; where `strict`, raises `UserError` with the first, after the others."""
    if not strict or not lines:
        return warn(*lines)
    first, *others = lines
    warn(*others)
    count = f"the first of {len(lines)} warnings, which" if others else "which as a warning"
    raise UserError(f"{first} ({count} --strict makes an error)")
