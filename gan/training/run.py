"""What the loop works on."""

from pathlib import Path
from typing import Any, NamedTuple

from gan.core.base import Nest
from gan.core.state import shown
from gan.data.batches import Batches
from gan.evaluation import in_training
from gan.runs import workdir
from gan.sampling import sampler
from gan.settings import Config
from gan.training.chunks import Chunk
from gan.training.feeds import Feed
from gan.training.replicas import Training, read
from gan.training.team import Alone, Team
from gan.training.watch import Nobody, Watch


class Run(NamedTuple):
    """What the loop works on; `facts` goes into each checkpoint's manifest.

    `classes` are the numbers of those that a conditional run's data have images of.
    """

    config: Config
    folder: Path
    batches: Batches
    feed: Feed
    num_examples: int
    classes: tuple[int, ...]
    training: Training
    chunk: Chunk
    sample: sampler.Sampler
    evaluating: in_training.Evaluating
    facts: dict[str, Any]
    watch: Watch = Nobody()
    team: Team = Alone()

    @property
    def step(self) -> int:
        """The step that it is at; waits for the device."""
        return int(self.training.state.step.numpy())

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.folder / workdir.CHECKPOINTS

    @property
    def samples(self) -> Path:
        """The folder of its sample grids."""
        return self.folder / workdir.SAMPLES

    def shown(self) -> Nest:
        """The generator's parameters as they are now, as samples and evaluations see them."""
        return read(shown(self.training.state))
