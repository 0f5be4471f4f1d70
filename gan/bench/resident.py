"""The most memory that a process has had resident."""

import re
import resource
import sys
from pathlib import Path

_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def peak_bytes(process: int | None = None) -> int:
    """Of this process or of another one; 0 where that one has ended, or the system does not tell of others.

    What Linux tells of a process' resources has the peak of its parent, too, from before it became a program of its
    own; its status has not.
    """
    try:
        found = _PEAK.search(Path(f"/proc/{process or 'self'}/status").read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    if process:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
