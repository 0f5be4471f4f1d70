"""All kinds of input, and their trials by hypothesis."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.fuzz import Kind, arrays, flags, folders, models, parquets, runs, tfds_sets, trial

KINDS = (
    flags.FLAGS, flags.FILES, runs.CONFIGS, runs.LOGS, runs.CHECKPOINTS, arrays.ARRAYS, folders.FOLDERS,
    parquets.PARQUET, tfds_sets.TFDS, models.MODELS, runs.STARTS,
)  # fmt: skip


def share_of(kind: Kind, cases: int) -> int:
    """How many of so many cases are of a kind."""
    return -(-cases * kind.share // sum(each.share for each in KINDS))


def tried(kind: Kind, cases: int, seed: int | None = None) -> Counter:
    """How often each outcome came of so many cases; the same each time where no seed is given. Fails as `trial`."""
    outcomes: Counter = Counter()

    @settings(
        max_examples=cases,
        derandomize=seed is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,) if seed is None else (Phase.generate, Phase.shrink),
    )
    @given(kind.cases)
    def law(case):
        with tempfile.TemporaryDirectory(prefix="gan-fuzz-") as place:
            outcomes[trial(kind, case, Path(place))] += 1

    (seeded(seed)(law) if seed is not None else law)()
    return outcomes
