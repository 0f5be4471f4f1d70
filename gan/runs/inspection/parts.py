"""What an inspection says: a part for each thing that was looked at, with its problems."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gan.errors import UserError

_LISTED = 4  # steps of many


class Problem(NamedTuple):
    """A line on what is wrong, and whether something is `lost`; if not, a continuation mends it by itself."""

    line: str
    lost: bool


class Part(NamedTuple):
    """A thing that was looked at, what was found, and what is wrong with it."""

    name: str
    text: str
    problems: tuple[Problem, ...] = ()


class Scope(NamedTuple):
    """What is looked at: the run's folder, what config.json says, and `step`, up to which everything must be there.

    That is the step of the newest good checkpoint. While a trainer is at work what is unfinished is its own.
    """

    folder: Path
    content: Mapping[str, Any]
    step: int
    at_work: bool = False


def guarded(name: str, look: Callable[[], Part]) -> Part:
    """What `look` finds; that it cannot be read is a problem of this part and keeps nobody from looking at others."""
    try:
        return look()
    except UserError as error:
        return Part(name, "cannot be read", (Problem(str(error), lost=True),))


def listed(steps: Collection[int]) -> str:
    """The first of many steps, and how many there are beside."""
    shown = sorted(steps)
    more = f" and {len(shown) - _LISTED:,} more" if len(shown) > _LISTED else ""
    return f"step{'s' * (len(shown) > 1)} {', '.join(map(str, shown[:_LISTED]))}{more}"
