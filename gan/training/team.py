"""The workers that train one run, as each of them sees them; and what they bring to the meetings between chunks.

The first is the chief: it reads and writes the run's folder and decides, the others follow. Where one process trains by
itself every decision is its own: `Alone`. Several are in `gan.training.peers`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from gan.errors import UserError
from gan.training.replicas import Placement, Training


class Wish(NamedTuple):
    """What a worker brings to a meeting between two chunks. Of what comes after `failed` the chief's word counts."""

    stop: bool = False  # a signal asked it to
    save: bool = False
    wait: bool = False  # its images are not there yet
    failed: bool = False  # they cannot be read
    steps: int = 0  # in the next chunk
    over: bool = False  # the run is at its end
    rollbacks: int = 0  # so far
    spread: bool = False  # the chief has put the state back, and now gives it to all
    code: int = -1  # the chief leaves with this exit code


def steps(wishes: tuple[Wish, ...]) -> int:
    """How many steps a meeting has agreed on for the next chunk: none if anybody wants to stop, or to wait."""
    chief = wishes[0]
    return 0 if chief.over or any(wish.stop or wish.wait or wish.failed for wish in wishes) else chief.steps


class Team(Protocol):
    """The workers of a run as one of them sees them: its `number` of `count`, of whom the chief has number 0."""

    number: int
    count: int
    is_chief: bool
    placement: Placement | None  # of several

    def compare(self, what: str, facts: Mapping[str, Any]) -> None:
        """Raises the same `UserError` on all workers if the facts of one are not those of the chief."""

    def lead(self, value: Any = None) -> Any:
        """What the chief gives, on all workers; as JSON has it on those that follow."""

    def leave(self) -> None:
        """To be called before the end where nothing was trained: the chief waits until all have heard it."""

    def spread(self, training: Training) -> None:
        """Gives the variables on all workers the chief's values."""

    def meet(self, wish: Wish) -> tuple[Wish, ...]:
        """The wishes of all workers, the chief's first; waits for all of them."""

    def name(self, number: int) -> str:
        """A worker by its number, for people."""


class Alone:
    """One process that trains by itself."""

    number, count, is_chief, placement = 0, 1, True, None

    def compare(self, what: str, facts: Mapping[str, Any]) -> None:
        """Nobody is there whose facts could differ."""

    def lead(self, value: Any = None) -> Any:
        """The value itself."""
        return value

    def leave(self) -> None:
        """Nobody else is there."""

    def spread(self, training: Training) -> None:
        """The variables have their values."""

    def meet(self, wish: Wish) -> tuple[Wish, ...]:
        """Its own wish."""
        return (wish,)

    def name(self, number: int) -> str:
        """It has none that would tell it from others."""
        return "this process"


class ToldError(UserError):
    """An error that all workers know of, and end by with the same code."""

    def __init__(self, line: str, code: int = UserError.exit_code):
        super().__init__(line)
        self.exit_code = code
