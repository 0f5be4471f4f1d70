"""Play with the generator of a run on a page of this machine, in the browser.

The page shows samples; one of them is the place to walk from: by sliders along the directions that move the
generator's first layer most, on a walk through further samples, on a plane between two or four of them, in another
class of a conditional run, in the eyes of an earlier checkpoint. Pictures, grids, latents (.npz) and walks (.gif) can
be saved, and a link holds what is shown. While the run trains the page follows its newest checkpoint.

The server listens on 127.0.0.1 alone, and answers nobody who lacks the token in the address that it prints. From
another machine: ssh -L PORT:127.0.0.1:PORT, with --port=PORT --noopen. Ctrl-C ends it.

    bin/explore --workdir=runs/modern-fashion_mnist
    bin/explore --workdir=runs/modern-fashion_mnist --port=8000 --noopen
    bin/explore --workdir=runs/modern-fashion_mnist --view='#seed=3&at=3:12&move=1.5'
"""

from gan.cli import command, settings
from gan.cli.packages import flags
from gan.jobs.asked import NUMERICS
from gan.jobs.explore_request import Explore
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
STEP = flags.DEFINE_integer("step", None, "step to show first (default: the newest good one, also those to come)")
PORT = flags.DEFINE_integer("port", 0, "port of 127.0.0.1 to listen at (0: a free one)")
OPEN = flags.DEFINE_boolean("open", True, "open the page in the browser of this machine")
VIEW = flags.DEFINE_string("view", "", "what to show first: a link that the page gave, or its part from # on")
settings.define(NUMERICS)


def main() -> None:
    """Serves the page until a signal comes; raises `UserError`."""
    request = Explore(
        workdir=WORKDIR.value,
        step=STEP.value,
        port=PORT.value,
        open=OPEN.value,
        view=VIEW.value,
        numerics=settings.explicit(NUMERICS),
    )
    startup.import_tensorflow()
    from gan.jobs import explore

    explore.run(request)


if __name__ == "__main__":
    command.execute(main)
