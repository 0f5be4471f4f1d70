"""What a job tells the person beside its result."""

import sys


def warn(*lines: str) -> None:
    """Tells the person each line that is not empty."""
    for line in filter(None, lines):
        print(f"warning: {line}", file=sys.stderr, flush=True)
