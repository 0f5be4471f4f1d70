"""What a preset would need on many GPUs, on paper: `python -m gan.bench.scaling`.

    python -m gan.bench.scaling --gpus=8,64,1000 --preset=modern_large                # the same batch on each GPU
    python -m gan.bench.scaling --gpus=8,64 --preset=modern_large --batch_size=2048   # one batch that they share
    python -m gan.bench.scaling --gpus=64 --mtbf_hours=24 --table=failures            # one table alone

Prints Markdown tables: a step's work against its all-reduce, the settings at that batch, checkpoints and failures, and
what the images cost. Networks, state and gradients are the preset's own; everything else is assumed, by the flags
below, and nothing is measured. A GPU waits for the gradients of a player before it takes the next update, so computing
and communicating do not overlap.
"""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from gan import build
from gan import config as configs
from gan.bench import estimates
from gan.core.game import Game
from gan.errors import UserError
from gan.presets import PRESETS
from gan.settings import Config
from gan.training import cost

_FLOAT = 4  # bytes; gradients are added up in float32

# name -> (default, what it is, and why the default)
ASSUMPTIONS: dict[str, tuple[float, str]] = {
    "resolution": (64, "height and width of the images; a guess at what a set of 100 million has"),
    "channels": (3, "of the images"),
    "classes": (10, "of the images, for presets that are conditional"),
    "batch_size": (0, "global, shared by all GPUs (0: each GPU has the preset's)"),
    "tflops": (989, "10^12 operations a second of a GPU: dense bfloat16 of an H100 SXM by its data sheet"),
    "utilization": (0.1, "share of them that a step reaches: a guess, this engine was not measured on a GPU"),
    "gpus_a_node": (8, "GPUs with a faster link among them, as in a DGX H100"),
    "node_gbytes": (450, "10^9 bytes a second, each way, of that link: NVLink 4 by its data sheet"),
    "network_gbytes": (
        50,
        "10^9 bytes a second, each way, of a GPU to other nodes: 400 Gbit/s, as in a DGX H100",
    ),
    "link_share": (0.7, "share of these that an all-reduce reaches: a guess"),
    "hop_microseconds": (10, "of a hop of the ring beside its bytes: a guess"),
    "save_mbytes": (
        380,
        "10^6 bytes a second of a save, flushed and read back: 84 MB took 0.22 s on a local disk",
    ),
    "mtbf_hours": (
        50_700,
        "of one GPU between failures of the whole: 419 unexpected interruptions of 16,384 H100 in 54 days (Grattafiori "
        "et al. 2024, The Llama 3 herd of models); machines that may be taken away need a far lower one",
    ),
    "restart_seconds": (300, "from a failure to the next step: notice, new machine, start, compiling; a guess"),
    "images": (100e6, "in the data set"),
    "image_bytes": (0, "of an image as it is read (0: height x width x channels, as the engine holds it decoded)"),
}

TABLES = ("steps", "settings", "failures", "data", "order")


class Paper(NamedTuple):
    """A preset as it is calculated with: its config and game, and the bytes of a checkpoint and of its gradients."""

    config: Config
    game: Game
    state: int
    gradients: tuple[int, ...]  # of the all-reduces of a step, one after the other


class Step(NamedTuple):
    """A step on so many GPUs: batch, bytes that a GPU sends, seconds of computing and of communicating."""

    gpus: int
    batch: int
    sent: float
    computing: float
    communicating: float

    @property
    def seconds(self) -> float:
        """The whole step."""
        return self.computing + self.communicating


def paper(preset: str, given: argparse.Namespace) -> Paper:
    """Builds the preset's networks for images of the size assumed; computes nothing."""
    config = configs.make(preset)
    shape = (int(given.resolution), int(given.resolution), int(given.channels))
    game = build.game(config, shape, build.PLAIN, int(given.classes))
    state = tf.function(lambda: build.initial_state(config, game)).get_concrete_function().structured_outputs
    size = sum(tensor.shape.num_elements() * tensor.dtype.size for tensor in tf.nest.flatten(state))
    g, d = (_FLOAT * cost.parameters(network) for network in (game.generator, game.discriminator))
    return Paper(config, game, size, (d,) * game.d_steps + (g,))


def step(of: Paper, gpus: int, given: argparse.Namespace) -> Step:
    """A step on so many GPUs; raises `UserError` where they cannot share the batch."""
    batch = int(given.batch_size) or gpus * of.config.batch_size
    if batch % gpus:
        raise UserError(f"--batch_size={batch} is global and must be divisible by the {gpus} GPUs")
    computing = cost.step_flops(of.game, batch // gpus) / (given.tflops * 1e12 * given.utilization)
    link = (given.node_gbytes if gpus <= given.gpus_a_node else given.network_gbytes) * 1e9 * given.link_share
    hop = given.hop_microseconds * 1e-6
    sent = sum(estimates.ring_bytes(size, gpus) for size in of.gradients)
    return Step(gpus, batch, sent, computing, sum(estimates.ring_seconds(s, gpus, link, hop) for s in of.gradients))


def facts(of: Paper, given: argparse.Namespace) -> list[str]:
    """What does not depend on the number of GPUs."""
    g, d = (cost.parameters(network) for network in (of.game.generator, of.game.discriminator))
    return [
        f"`{of.config.preset}`, {given.resolution:g} x {given.resolution:g} x {given.channels:g}: {g:,} and {d:,} "
        f"parameters (generator, discriminator), {cost.step_flops(of.game, 1) / 1e9:,.1f} GFLOP an image, "
        f"{sum(of.gradients) / 1e6:,.1f} MB of gradients a step, a checkpoint of {of.state / 1e6:,.0f} MB"
    ]


def steps_table(of: Paper, steps: Sequence[Step], given: argparse.Namespace) -> list[str]:
    """A step's work against its communication, and the speed."""
    rows = [
        [
            f"{s.gpus:,}",
            f"{s.batch:,} ({s.batch // s.gpus})",
            f"{1e3 * s.computing:,.1f}",
            f"{s.sent / 1e6:,.1f}",
            f"{1e3 * s.communicating:,.1f}",
            f"{s.computing / s.seconds:.0%}",
            f"{_speed(of, s):,.0f}",
            f"{given.images / _speed(of, s) / 3600:,.2g}",
        ]
        for s in steps
    ]
    headings = ["GPUs", "batch (on each)", "ms of computing", "MB sent by a GPU", "ms of communicating", "computing"]
    return table([*headings, "images/s", f"hours for {given.images:,.0f}"], rows)


def settings_table(of: Paper, steps: Sequence[Step]) -> list[str]:
    """The settings at each batch by the rule that the presets are scaled with."""
    config, rows = of.config, []
    for s in steps:
        factor = s.batch / config.batch_size
        found = estimates.scaled(factor, config.g_learning_rate, config.g_beta2, config.ema_half_life_images)
        beta2 = f"{found.beta2:.3g}" if found.beta2 >= 0 else f"none: 1 - beta2 = {1 - found.beta2:.3g}"
        schedule = f"{factor * config.schedule_images:,.0f}" if config.schedule != "constant" else "constant"
        row = [f"{s.gpus:,}", f"{s.batch:,}", f"{factor:g}", f"{found.learning_rate:.2g}", beta2]
        rows.append([*row, f"{found.images:,.0f}", schedule])
    return table(["GPUs", "batch", "factor", "learning rate", "beta2", "half-life, images", "schedule, images"], rows)


def failures_table(of: Paper, steps: Sequence[Step], given: argparse.Namespace) -> list[str]:
    """How often a run fails, how often it should be saved, and what is lost."""
    saving, rows = of.state / (given.save_mbytes * 1e6), []
    for s in steps:
        between = 3600 * given.mtbf_hours / s.gpus
        work = estimates.daly(saving, between)
        rows.append(
            [
                f"{s.gpus:,}",
                f"{between / 3600:,.4g}",
                f"{saving:.2f}",
                f"{estimates.young(saving, between) / 60:,.3g}",
                f"{work / 60:,.3g}",
                f"{max(1, round(work / s.seconds)):,}",
                f"{estimates.work_lost(work, saving, between) / 60:,.3g}",
                f"{estimates.share_lost(work, saving, between, given.restart_seconds):.2%}",
            ]
        )
    headings = ["GPUs", "hours between failures", "seconds of a save", "save every, minutes (Young)", "(Daly)", "steps"]
    return table([*headings, "minutes of work lost by a failure", "share of the time lost"], rows)


def data_table(of: Paper, steps: Sequence[Step], given: argparse.Namespace) -> list[str]:
    """What is read, in all, by each node and by each GPU."""
    size = given.image_bytes or given.resolution**2 * given.channels
    rows = []
    for s in steps:
        nodes = -(-s.gpus // max(1, int(given.gpus_a_node)))
        read = size * _speed(of, s) / 1e6
        steps_an_epoch = given.images / (s.batch * of.game.d_steps)
        rows.append([f"{s.gpus:,}", *(f"{read / n:,.1f}" for n in (1, nodes, s.gpus)), f"{steps_an_epoch:,.0f}"])
    return table(["GPUs", "MB/s read in all", "by a node", "by a GPU", f"steps for {given.images:,.0f} images"], rows)


def order_table(given: argparse.Namespace) -> list[str]:
    """The memory of the data order."""
    kinds = {"plain": (False, False), "`--flip`": (True, False), "`--flip --crop=random`": (True, True)}
    found = {name: estimates.order_bytes(int(given.images), *kind) for name, kind in kinds.items()}
    rows = [[name, f"{size.kept / 1e9:.1f}", f"{size.most / 1e9:.1f}"] for name, size in found.items()]
    return table([f"order of {given.images:,.0f} images", "GB kept by each worker", "GB while the next is made"], rows)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]


def _speed(of: Paper, of_step: Step) -> float:
    """Real images a second."""
    return of_step.batch * of.game.d_steps / of_step.seconds


def options(argv: Sequence[str] | None = None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The parser, and what was given; `gpus` are numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", default="8,64,1000", help="how many, separated by commas (8,64,1000)")
    parser.add_argument("--preset", default="modern_large", choices=PRESETS, help="(modern_large)")
    parser.add_argument("--table", action="append", choices=TABLES, help="which; may be repeated (default: all)")
    for name, (default, text) in ASSUMPTIONS.items():
        help_text = f"{text} ({default:,g})".replace("%", "%%")
        parser.add_argument(f"--{name}", type=float, default=float(default), help=help_text)
    given = parser.parse_args(argv)
    try:
        given.gpus = [int(word) for word in given.gpus.split(",")]
    except ValueError:
        parser.error(f"--gpus={given.gpus} must be whole numbers, separated by commas")
    may_be_0 = ("batch_size", "image_bytes", "hop_microseconds", "restart_seconds")
    wrong = [name for name in ASSUMPTIONS if not (0 if name in may_be_0 else 1e-12) <= getattr(given, name) < 1e18]
    if wrong or min(given.gpus) < 1:
        parser.error(f"--{(wrong or ['gpus'])[0]} must be above 0")
    return parser, given


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser, given = options(argv)
    try:
        found = paper(given.preset, given)
        steps = [step(found, gpus, given) for gpus in given.gpus]
    except UserError as error:
        parser.error(str(error))
    tables = {
        "steps": lambda: steps_table(found, steps, given),
        "settings": lambda: settings_table(found, steps),
        "failures": lambda: failures_table(found, steps, given),
        "data": lambda: data_table(found, steps, given),
        "order": lambda: order_table(given),
    }
    parts = [facts(found, given), *(tables[name]() for name in given.table or TABLES)]
    print("\n\n".join("\n".join(lines) for lines in parts))


if __name__ == "__main__":
    main()
