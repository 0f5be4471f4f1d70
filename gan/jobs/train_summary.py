"""What a person reads before a run begins: the networks' tables, the cost of a step, where things are."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan.core.base import Network
from gan.core.game import Game
from gan.data import account, batches
from gan.data.account import Account
from gan.data.memory import available_bytes
from gan.data.source import Source
from gan.errors import UserError
from gan.jobs import as_trained
from gan.machine import devices
from gan.runs import origin
from gan.settings import Config
from gan.text import dimensions
from gan.training import cadence, cost, feeds
from gan.training.fine_tuning import Beginning
from gan.training.session import Machine

_SHOWN_WITHOUT_PARAMETERS = {"leaky_relu", "dropout", "reshape", "flatten", "sigmoid", "gaussian_noise"}
_REMARKS = 4  # lines on what a network does not take from another run


def summary(config: Config, folder: Path, source: Source, found: Account, machine: Machine, game: Game) -> str:
    """The start summary: networks, data and their account, devices, cost, length, places."""
    numerics = machine.numerics
    total = cadence.total_steps(config, source.num_examples)
    ends = [f"{total:,} steps" if total else "", f"{config.minutes:g} minutes" if config.minutes else ""]
    needed = cost.step_bytes(game, config.batch_size, numerics.convolution == "spectral")
    lines = [
        ("preset", config.preset),
        (
            "data",
            f"{source.name}: {source.num_examples:,} images of {dimensions(source.image_shape)}, "
            f"{source.location}, {held(config, source, machine.replicas)}",
        ),
        *account.lines(found),
        ("as trained", as_trained.words(config)),
        ("devices", f"{devices.description()}; {machine.replicas} x {config.batch_size // machine.replicas} images"),
        (
            "numerics",
            f"{numerics.precision}, {numerics.convolution} convolutions, "
            + ("compiled by XLA" if numerics.jit_compile else "not compiled by XLA")
            + ("" if devices.is_deterministic(config) else ", not deterministic"),
        ),
        (
            "a step",
            f"{cost.step_flops(game, config.batch_size) / 1e9:,.0f} GFLOP by direct convolution, "
            f"some {needed / 2**30:.1f} GiB of memory",
        ),
        ("ends after", " or ".join(filter(None, ends))),
        ("written to", str(folder)),
        ("watch", f"{_tensorboard()} --logdir {shlex.quote(str(folder))}"),
    ]
    tables = [table("generator", game.generator), "", table("discriminator", game.discriminator), ""]
    return "\n".join([*tables, *(f"{name:<12}{text}" for name, text in lines)])


def held(config: Config, source: Source, replicas: int = 1) -> str:
    """Where the images are while the run trains, and what decodes them."""
    if source.in_memory:
        there = "on the device" if replicas == 1 else f"on each of the {replicas} devices"
        return there if feeds.on_device(config, source, replicas) else "in memory"
    processes = batches.decoders(source, config.data_workers)
    return "read by index" + (f", decoded by {processes} process{'es' * (processes > 1)}" if processes else "")


def begun_with(facts: Mapping[str, Any], beginning: Beginning | None) -> str:
    """Lines on what the networks begin with, or began with, if that is another run; else nothing.

    `facts` are those that config.json keeps.
    """
    if origin.FACTS not in facts:
        return ""
    checkpoint = facts[origin.FACTS]["checkpoint"]
    if not beginning:
        return f"{'began with':<12}{checkpoint}\n"
    lines = [f"{'begins with':<12}{checkpoint}"]
    for part in beginning.parts:
        lines.append(
            f"{'':<12}{part.network}: {part.taken} of {part.tensors} tensors, "
            f"{part.parameters:,} of {part.all_parameters:,} parameters"
        )
        lines += [f"{'':<14}{remark}" for remark in part.remarks[:_REMARKS]]
        more = len(part.remarks) - _REMARKS
        lines += [f"{'':<14}and {more} more that are not as they were"] if more > 0 else []
    return "\n".join(lines) + "\n"


def memory_warning(config: Config, machine: Machine, game: Game) -> str:
    """A line if a step on this machine's CPU may not fit; raises `UserError` if it cannot, by the rough estimate."""
    needed = cost.step_bytes(game, config.batch_size, machine.numerics.convolution == "spectral")
    free = available_bytes()
    if not machine.on_cpu or needed < free:
        return ""
    text = f"a step of --batch_size={config.batch_size} needs some {needed / 2**30:,.1f} GiB of memory"
    text += f", {free / 2**30:,.1f} GiB are free; give a smaller one"
    if needed > 2 * free:
        raise UserError(text)
    return text


def _tensorboard() -> str:
    """The command as it can be typed: on the search path, or beside this Python."""
    beside = Path(sys.executable).with_name("tensorboard")
    return "tensorboard" if shutil.which("tensorboard") or not beside.exists() else shlex.quote(str(beside))


def table(title: str, network: Network) -> str:
    """The layers of a network: name, output shape for one example, parameters."""
    rows = [row for row in network.table if row.parameters or row.name.rpartition("_")[0] in _SHOWN_WITHOUT_PARAMETERS]
    lines = [f"{row.name:<18}{' x '.join(map(str, row.shape)):<18}{row.parameters:>12,}" for row in rows]
    total = f"{'total':<36}{cost.parameters(network):>12,}"
    return "\n".join([title, f"{'layer':<18}{'output, h x w x c':<18}{'parameters':>12}", *lines, total])
