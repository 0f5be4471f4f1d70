"""Train a GAN, or continue a run.

Starting again with the same --workdir continues from the newest checkpoint; settings that are not given are then those
of the run. Stop with Ctrl-C or SIGTERM: the state is saved first (exit code 143). With --init_from a new run begins
with the networks of another, which it does not need any more once step 0 is saved.

    bin/train
    bin/train --preset=modern_conditional --minutes=30
    bin/train --dataset=folder:photos --resolution=32 --channels=3 --workdir=runs/photos
    bin/train --init_from=runs/photos --dataset=folder:portraits --workdir=runs/portraits
    bin/train --strategy=mirrored --batch_size=128
    bin/train --evaluate_every_steps=2000 --keep_best=kernel_distance
"""

from gan.cli import command, settings
from gan.cli.packages import flags
from gan.jobs.requests import Train
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run (empty: runs/<preset>-<dataset>)")
OVERRIDE = flags.DEFINE_boolean("override", False, "continue with changed settings that change the mathematics")
EXACT = flags.DEFINE_boolean("exact", False, "refuse to go on where the bits would not be those of an undisturbed run")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")
DRY_RUN = flags.DEFINE_boolean("dry_run", False, "resolve and check everything, show it, and train nothing")
settings.define()


def main() -> None:
    """Trains what the flags ask for; raises `UserError`."""
    request = Train(
        settings.explicit(), WORKDIR.value, OVERRIDE.value, DRY_RUN.value, strict=STRICT.value, exact=EXACT.value
    )
    startup.import_tensorflow()
    from gan.jobs import train

    train.run(request)


if __name__ == "__main__":
    command.execute(main)
