"""What a job tells the person beside its result."""

import sys
from collections.abc import Sequence

from gan.errors import UserError


def warn(*lines: str) -> None:
    """Tells the person each line that is not empty."""
    for line in filter(None, lines):
        print(f"warning: {line}", file=sys.stderr, flush=True)


def warn_of_data(lines: Sequence[str], strict: bool = False) -> None:
    """The same of warnings of the data; where `strict`, raises `UserError` with the first, after the others."""
    if not strict or not lines:
        return warn(*lines)
    first, *others = lines
    warn(*others)
    count = f"the first of {len(lines)} warnings, which" if others else "which as a warning"
    raise UserError(f"{first} ({count} --strict makes an error)")
