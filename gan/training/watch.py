"""What looks on while a run trains: a benchmark's clock. It may end the run, and changes nothing else."""

from typing import Protocol


class Watch(Protocol):
    """What the loop tells and asks.

    The time from `is_enough` to `trained` is that of the steps alone, reading their images included; from there to the
    next `is_enough` the run logs, draws samples, is evaluated and saved.
    """

    def trained(self, step: int) -> None:
        """A chunk of steps has ended with this one, and nothing that follows it has begun."""

    def is_enough(self, step: int) -> bool:
        """Whether the run shall end; all that follows the step is done. Asked first before the step is compiled."""


class Nobody:
    """The watch of a run that nobody looks on."""

    def trained(self, step: int) -> None:
        """Does nothing."""

    def is_enough(self, step: int) -> bool:
        """Never."""
        return False
