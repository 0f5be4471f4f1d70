"""What the loop works on."""

from pathlib import Path
from typing import Any, NamedTuple

from gan.config import Config
from gan.data.batches import Batches
from gan.evaluation import in_training
from gan.sampling import sampler
from gan.training.replicas import Chunk, Training


class Run(NamedTuple):
    """What the loop works on; `facts` goes into each checkpoint's manifest."""

    config: Config
    folder: Path
    batches: Batches
    num_examples: int
    training: Training
    chunk: Chunk
    sample: sampler.Sampler
    evaluating: in_training.Evaluating
    facts: dict[str, Any]
