"""What exploring a run can be asked for; as `gan.jobs.requests` it imports no TensorFlow."""

import dataclasses

from gan.jobs.asked import Asked, Settings, check_workdir, within
from gan.settings import MOST_STEPS

LAST_PORT = 65535


@dataclasses.dataclass(frozen=True)
class Explore(Asked):
    """A page of a run's generator on this machine, at `port`."""

    workdir: str
    step: int | None = None  # that the page shows first; the newest good one, also those to come
    port: int = 0  # a free one
    open: bool = True  # in the browser of this machine
    view: str = ""  # what the page shows first: a link that was copied from it, or its part from # on
    numerics: Settings = dataclasses.field(default_factory=dict)  # precision, convolution: else those of the run

    def _check(self) -> None:
        check_workdir(self.workdir)
        within(0, MOST_STEPS, step=self.step)
        within(0, LAST_PORT, port=self.port)

    @property
    def fragment(self) -> str:
        """What the address of the page ends in: empty, or # and the view, with the step that was asked for."""
        parts = [part for part in self.view.strip().rpartition("#")[2].split("&") if part]
        if self.step is not None:
            parts = [f"step={self.step}", *(part for part in parts if not part.startswith("step="))]
        return f"#{'&'.join(parts)}" if parts else ""
