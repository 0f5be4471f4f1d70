"""What a run must have at which steps, though its cadences may have changed on the way."""

import math
import re
from typing import Any

from gan.runs import workdir
from gan.runs.inspection.parts import Scope


def values(scope: Scope, name: str) -> set[Any]:
    """The values that a setting has now and had before; of history whole numbers, and words as they are."""
    found = {scope.content["settings"].get(name)}
    for line in workdir.changes_noted(scope.content):
        if match := re.fullmatch(rf"{name}: (.*) -> (.*)", line):
            found |= {int(text) if text.isdecimal() else text for text in match.groups()}
    return found


def changed(scope: Scope, *names: str) -> bool:
    """Whether one of the settings had another value before."""
    return any(len(values(scope, name)) > 1 for name in names)


def due(scope: Scope, name: str) -> range:
    """The steps from 1 to that of the scope at which something is due by every value that a cadence ever had.

    When it had which is not known of all versions. 0 is never.
    """
    every = values(scope, name)
    if not all(isinstance(value, int) and value > 0 for value in every):
        return range(0)
    period = math.lcm(*every)
    return range(period, scope.step + 1, period)
