"""Injects faults into trainings and tells what happened: python -m tests.faults --kills=100.

Give one or more of the parts. Everything is made in --folder, which is kept if something was not survived.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import outcomes, workers
from tests.faults.configurations import CONFIGURATIONS, environment
from tests.faults.outcomes import Outcome

if TYPE_CHECKING:
    from tests.commands import Server

Part = Callable[[argparse.Namespace, "Server", Path], list[Outcome]]


def _kills(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.kills import kill_often

    found = []
    for name in asked.configuration or ["float32"]:
        if name == workers.NAME:
            found += workers.kill_workers(server, folder / name, asked.kills, asked.seed)
        else:
            found += kill_often(server, folder / name, CONFIGURATIONS[name], asked.kills, asked.seed)
    return found


def _damage(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.damage import damage_checkpoints

    return damage_checkpoints(server, folder, asked.seed)


def _soak(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.soak import soak

    return soak(server, folder, asked.minutes, asked.saves)


def _power_loss(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.power_loss import cut_power

    return cut_power(server, folder, asked.seed)


def _full_disk(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.full_disk import fill_disk

    return fill_disk(server, folder, asked.seed, asked.times)


def _signals(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.signals import send_signals

    return send_signals(server, folder, asked.seed)


def _surroundings(asked: argparse.Namespace, server: "Server", folder: Path) -> list[Outcome]:
    from tests.faults.surroundings import surround

    return surround(server, folder)


PARTS: dict[str, Part] = {
    "kills": _kills,
    "damage": _damage,
    "power_loss": _power_loss,
    "full_disk": _full_disk,
    "signals": _signals,
    "surroundings": _surroundings,
    "soak": _soak,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, nargs="?", const=100, help="kill -9 a run so many times (100)")
    parser.add_argument(
        "--configuration",
        action="append",
        choices=(*CONFIGURATIONS, workers.NAME),
        help="how the runs that are killed train; may be given several times (float32)",
    )
    parser.add_argument("--damage", action="store_true", help="damage the files of checkpoints, one at a time")
    parser.add_argument("--power_loss", action="store_true", help="play power cuts at every call that saves something")
    parser.add_argument("--full_disk", action="store_true", help="fill the disk before every call that saves something")
    parser.add_argument("--times", type=int, default=1000, help="most trainings whose disk is filled (1000)")
    parser.add_argument("--signals", action="store_true", help="send each signal in each phase of a run")
    parser.add_argument("--surroundings", action="store_true", help="train under conditions that are not the usual")
    parser.add_argument("--soak", action="store_true", help="train for long and save at every step")
    parser.add_argument("--minutes", type=float, default=120.0, help="longest time of the soak (120)")
    parser.add_argument("--saves", type=int, default=10000, help="most saves of the soak (10000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments and places (0)")
    parser.add_argument("--folder", type=Path, help="where runs are made; a new temporary folder if not given")
    return parser


@contextlib.contextmanager
def _server(folder: Path) -> Iterator["Server"]:
    """The process that forks commands; what they write to their standard streams lies in `folder`."""
    from tests.commands import Server

    (folder / "commands").mkdir(parents=True, exist_ok=True)
    server = Server(folder / "commands")
    try:
        yield server
    finally:
        server.close()


def main() -> int:
    """0 if everything was survived, otherwise 1; 2 where no part was asked for."""
    parser = _parser()
    asked = parser.parse_args()
    wanted = [part for part in PARTS if getattr(asked, part)]
    if not wanted:
        parser.error(f"give one or more of {', '.join('--' + part for part in PARTS)}")
    os.environ.update(environment())
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="faults_"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # what is denied to others is to be denied by the faults
    found = []
    with _server(folder) as server:
        for part in wanted:
            found += PARTS[part](asked, server, folder / part)
    print("\n" + outcomes.table(found))
    failures = outcomes.failures(found)
    for line in failures:
        print(f"not survived: {line}", file=sys.stderr)
    if failures:
        print(f"what is left of the runs is in {folder}", file=sys.stderr)
    elif not asked.folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
