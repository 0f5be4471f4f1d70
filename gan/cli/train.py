"""Train a GAN, or continue a run.

Starting again with the same --workdir continues from the newest checkpoint; settings that are not given are then those
of the run. Stop with Ctrl-C or SIGTERM: the state is saved first (exit code 143). With --init_from a new run begins
with the networks of another, which it does not need any more once step 0 is saved.

    bin/train
    bin/train --preset=modern_conditional --minutes=30
    bin/train --dataset=folder:photos --resolution=32 --channels=3 --workdir=runs/photos
    bin/train --init_from=runs/photos --dataset=folder:portraits --workdir=runs/portraits
    bin/train --strategy=mirrored --batch_size=128
    bin/train --workers=2
    bin/train --evaluate_every_steps=2000 --keep_best=kernel_distance
"""

import sys

from gan.cli import command, settings
from gan.cli.packages import flags
from gan.errors import UserError
from gan.jobs.requests import Train
from gan.machine import cluster, local_workers, startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run (empty: runs/<preset>-<dataset>)")
OVERRIDE = flags.DEFINE_boolean("override", False, "continue with changed settings that change the mathematics")
EXACT = flags.DEFINE_boolean("exact", False, "refuse to go on where the bits would not be those of an undisturbed run")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")
DRY_RUN = flags.DEFINE_boolean("dry_run", False, "resolve and check everything, show it, and train nothing")
WORKERS = flags.DEFINE_integer("workers", 0, "start so many workers on this machine (0 or 1: this process trains)")
RESTARTS = flags.DEFINE_integer("restarts", 3, "with --workers: start all again so often when one is lost")
START_MINUTES = flags.DEFINE_float("start_minutes", 10.0, "several workers: how long one may take to come")
PEER_SECONDS = flags.DEFINE_float("peer_seconds", 30.0, "several workers: of silence until one is taken for lost")
settings.define()


def main() -> int | None:
    """Trains what the flags ask for; raises `UserError`."""
    request = Train(
        settings.explicit(),
        WORKDIR.value,
        override=OVERRIDE.value,
        dry_run=DRY_RUN.value,
        strict=STRICT.value,
        exact=EXACT.value,
        start_minutes=START_MINUTES.value,
        peer_seconds=PEER_SECONDS.value,
    )
    for flag, least, most in ((WORKERS, 0, cluster.MOST_ON_A_NODE), (RESTARTS, 0, 10**6)):
        if not least <= flag.value <= most:
            raise UserError(f"--{flag.name}={flag.value} must be from {least} to {most:,}")
    if WORKERS.value > 1:
        strategy = request.settings.get("strategy", "auto")
        if strategy not in ("auto", "multi_worker_mirrored"):
            raise UserError(f"--workers={WORKERS.value} contradicts --strategy={strategy}; leave one of them out")
        given = sys.argv[1:]
        end = given.index("--") if "--" in given else len(given)
        arguments = [*given[:end], "--workers=0", *given[end:]]  # the last of a flag counts
        return local_workers.run(WORKERS.value, RESTARTS.value, arguments, PEER_SECONDS.value)
    startup.import_tensorflow(quiet=bool(cluster.kind()))
    from gan.jobs import train

    train.run(request)
    return None


if __name__ == "__main__":
    command.execute(main)
