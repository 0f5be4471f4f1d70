"""The process of a trial: trains as bin/train does, and stops where the line is passed or the time is over."""

import dataclasses
from pathlib import Path

from gan.bench import clock, trial
from gan.bench.clock import Clock
from gan.bench.lines import parsed
from gan.bench.quality import Spent, passes
from gan.jobs import train
from gan.jobs.requests import Train
from gan.jobs.requests import Trial as Request
from gan.machine import environment, versions
from gan.runs.checkpoint import Restored
from gan.training.run import Run


def run(request: Request) -> None:
    """Trains from where the trial is; raises what `jobs.train.run` raises."""
    of, line = trial.of_folder(Path(request.trial)), parsed(request.to)

    def is_enough(spent: Spent) -> bool:
        """Whether the line is passed by the evaluation at this step, if there is one, or the time over."""
        if spent.seconds >= 60 * request.limit:
            return True
        if not spent.step or not trial.is_in_turn(of, spent.step):
            return False
        there = [each for each in trial.evaluations(of) if each.key.step == spent.step]
        return any(passes(line, each.metrics.get(line.metric)) for each in there)

    def watched(prepared: Run, restored: Restored | None) -> Run:
        known, here, version = trial.facts(of), environment.machine(), versions.everything()
        if restored:
            trial.check_machine(known.get("machine", {}), here)
        by = [*known.get("versions", []), version] if restored and version not in known["versions"] else [version]
        trial.tell(of, machine=here, versions=by, numerics=prepared.facts["fingerprint"])
        prepared.evaluating.reference(False)  # made once on a machine, in minutes: it belongs to no training
        before = clock.beginning(restored.facts if restored else {}, prepared.step)
        running = Clock(of.clock, before, of.config.evaluate_every_steps, is_enough)
        endless = dataclasses.replace(prepared.config, minutes=0.0)  # the watch ends it: no time left can be told
        return prepared._replace(config=endless, watch=running, facts=prepared.facts | {clock.FACT: running.facts})

    train.run(Train(trial.settings_of(of.config), workdir=str(of.run)), watched)
