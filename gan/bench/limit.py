"""The limit of a step: the time of its convolutions alone, each by the fastest route there is, and nothing else.

Each pass of each distinct convolution is timed by itself. Routes that share work between the passes (a transform of the
input serves the forward pass and the filter gradient) may be faster where the passes of a use are computed together;
the limit takes whichever is less.

Where replicas share a batch, each computes its part on a device of its own, and all of them at once. Where operations
have fewer threads than there are cores, several are computed side by side.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gan.bench.convolution_work import Convolution, Use, Work
from gan.bench.repeated import Repeated

# (convolution, passes) -> the ways to compute these passes, by their names; at least one.
Ways = Callable[[Convolution, Sequence[str]], Mapping[str, Repeated]]

ROUNDS = 5
_SECONDS = 0.03  # that the repeated calls of one measurement take at least: starting them takes less than 0.001
_STEP_EVERY = 4  # uses
_STEPS_SECONDS = 0.5  # that the steps of one measurement take at least
_HOPELESS = 1.5  # a route that takes so many times the best one's time is not timed again


class Best(NamedTuple):
    """The fastest route for some passes of a convolution, and its seconds."""

    route: str
    seconds: float


class Limit(NamedTuple):
    """Seconds of a step's convolutions: of each pass alone, of each use as a whole, and summed over the step.

    `step` is the median of the steps that were timed between them: what the limit is to be compared with.
    """

    alone: dict[tuple[Convolution, str], Best]
    together: dict[Use, Best]
    seconds: float
    step: float


def measure(work: Work, ways: Ways, window: Callable[[int], float], period: int) -> Limit:
    """Times every pass of `work` on this machine, and now and then some steps as they are trained.

    `window(n)` gives the seconds a step of n steps, which are alike only over a multiple of `period`.
    """
    count = period * math.ceil(_STEPS_SECONDS / (period * window(period)))
    steps = [window(count)]
    alone: dict[tuple[Convolution, str], Best] = {}
    together: dict[Use, Best] = {}
    for i, use in enumerate(work):
        if i % _STEP_EVERY == _STEP_EVERY - 1:
            steps.append(window(count))
        kinds = tuple(kind for kind, _ in use.passes)
        for kind in kinds:
            if (use.convolution, kind) not in alone:
                alone[use.convolution, kind] = fastest(ways(use.convolution, (kind,)))
        once = all(times == 1 for _, times in use.passes)
        if len(kinds) > 1 and once:  # passes that are repeated belong to different inputs and share nothing
            together[use] = fastest(ways(use.convolution, kinds))
    steps.append(window(count))
    return Limit(alone, together, total(work, alone, together), statistics.median(steps))


def total(work: Work, alone: dict[tuple[Convolution, str], Best], together: dict[Use, Best]) -> float:
    """Seconds of all uses, each at the lesser of its passes one by one and together."""
    seconds = 0.0
    for use, number in work.items():
        one_by_one = sum(times * alone[use.convolution, kind].seconds for kind, times in use.passes)
        seconds += float(number) * min([one_by_one, *([together[use].seconds] if use in together else [])])
    return seconds


def fastest(runs: Mapping[str, Repeated]) -> Best:
    """The fastest of some ways to compute the same: medians of alternating runs, the hopeless left out."""
    first = {name: _enough(run) for name, run in runs.items()}
    calls = {name: count for name, (count, _) in first.items()}
    seconds = {name: [measured] for name, (_, measured) in first.items()}
    least = min(times[0] for times in seconds.values())
    for _ in range(ROUNDS - 1):
        for name, times in seconds.items():
            if times[0] <= _HOPELESS * least:
                times.append(runs[name](calls[name]))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    route = min(medians, key=medians.get)
    return Best(route, medians[route])


def _enough(run: Repeated) -> tuple[int, float]:
    """(how many calls take long enough to be timed, the seconds of one of so many)."""
    run(1)  # compiles
    calls = 8
    while calls * (seconds := run(calls)) < _SECONDS:
        calls = max(2 * calls, math.ceil(1.2 * _SECONDS / seconds))
    return calls, seconds
