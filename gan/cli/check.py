"""Look at the folder of a run: what is there, what is wrong with it, what a continuation would do.

Every checkpoint is read and verified; the log must be whole and without gaps, and TensorBoard's events equal to it;
grids, evaluations and exported models are looked at as well. It prints a line for each thing, what is wrong below it,
and last a verdict. Nothing is written, and a trainer may be at work meanwhile.

--repair sets damaged checkpoints and grids aside under another name, removes what killed processes left, and cuts torn
ends of logs. Then it looks as without.

    bin/check --workdir=runs/modern-fashion_mnist
    bin/check --workdir=runs/modern-fashion_mnist --repair

Exit codes: 0 all is well, 1 a continuation mends it by itself, 65 something is lost or damaged, 75 --repair while a
trainer holds the folder.
"""

from gan.cli import command
from gan.cli.packages import flags
from gan.jobs.requests import Check
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
REPAIR = flags.DEFINE_boolean("repair", False, "set aside what is broken, remove what killed processes left")


def main() -> int:
    """Looks at the run that the flags name and returns the exit code; raises `UserError`."""
    request = Check(WORKDIR.value, REPAIR.value)
    startup.import_tensorflow()
    from gan.jobs import check

    return check.run(request).code


if __name__ == "__main__":
    command.execute(main)
