"""Where operations are computed at once: what keeps all of a machine busy, as its runs do."""

from typing import NamedTuple

from gan.sampling import abreast


class Lanes(NamedTuple):
    """The devices that share a batch, and how many operations are computed side by side on each.

    With fewer threads in an operation than a CPU has cores, a step keeps the others busy with other operations.
    """

    devices: tuple[str, ...]
    abreast: int = 1

    @property
    def all(self) -> list[str]:
        """The device of each lane."""
        return [device for device in self.devices for _ in range(self.abreast)]


def of_process(devices: tuple[str, ...]) -> Lanes:
    """The lanes of these devices, with the threads that this process has for an operation."""
    if not all("CPU:" in device for device in devices):
        return Lanes(devices)
    return Lanes(devices, max(1, abreast.lanes() // len(devices)))
