"""Several workers by real processes: the bits of two replicas, whoever is lost on the way, and a line for mistakes."""

import json
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from gan.machine import cluster
from tests.commands import Start

SAVE, STEPS = 2, 6
# Batch statistics, a strength that adapts, groups of examples and averages: what depends on the whole batch.
FLAGS = (
    "--networks=dcgan",
    "--conditional",
    "--augmentation=adaptive",
    "--augmentation_images=100",
    "--ema_half_life_images=20",
    "--threads=1",
    "--log_every_steps=2",
    f"--save_every_steps={SAVE}",
    f"--steps={STEPS}",
    "--peer_seconds=20",
)


def addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return found


@pytest.fixture(scope="session")
def together(start):
    """`together(folder, flag, ...)` starts two workers in folders of their own, of which the chief's is the run's.

    `own` are flags of the second alone, `late` what it calls first; options are the chief's.
    """

    def begin(
        folder: Path, *flags: str, own: tuple[str, ...] = (), late: dict | None = None, **options
    ) -> tuple[Start, Start]:
        where = addresses(2)
        chief = start(folder / "run", *FLAGS, *flags, TF_CONFIG=cluster.described(where, 0), **options)
        follows = start(folder / "other", *FLAGS, *flags, *own, TF_CONFIG=cluster.described(where, 1), before=late)
        return chief, follows

    return begin


def ended(*workers: Start) -> list[int]:
    codes = [each.wait() for each in workers]
    assert not any("Traceback" in each.err for each in workers), [each.err for each in workers]
    return codes


def sums(workdir: Path) -> dict[str, str]:
    return json.loads((workdir / f"checkpoints/step_{STEPS:010d}/manifest.json").read_text())["files"]


def rows(workdir: Path) -> list[dict]:
    clocks = {"images_per_second", "wall_seconds"}
    lines = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in row.items() if name not in clocks} for row in lines]


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory, finish) -> Path:
    """The run of two replicas in one process."""
    workdir = tmp_path_factory.mktemp("mirrored") / "run"
    finish(workdir, *FLAGS, "--strategy=mirrored", "--logical_cpus=2")
    return workdir


def test_two_workers_have_the_bits_of_two_replicas(tmp_path, together, mirrored):
    chief, follows = together(tmp_path, "--data_in_memory=false")
    assert ended(chief, follows) == [0, 0]
    assert sums(tmp_path / "run") == sums(mirrored) and rows(tmp_path / "run") == rows(mirrored)
    assert "2 x 4 images" in chief.out and "done: 6 steps" in chief.out
    assert follows.out == "worker 1 of 2 workers; worker 0 tells of the run\n" and not follows.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("lost", ["worker 1", "worker 0"])
def test_a_worker_that_is_killed_ends_the_others_and_all_go_on_where_it_was_saved(
    tmp_path, together, mirrored, lost, content
):
    chief, follows = together(tmp_path, hold=3, deaf=True)
    chief.until(f"saved step {SAVE}\n")
    victim, other = (follows, chief) if lost == "worker 1" else (chief, follows)
    before = content(tmp_path / "run/checkpoints")
    victim.send(signal.SIGKILL)
    chief.release()
    assert ended(victim, other) == [-signal.SIGKILL, 76]
    (line,) = other.errors
    assert line.startswith(f"error: {lost} (127.0.0.1:") and "was lost; nothing half done was saved: start" in line
    assert content(tmp_path / "run/checkpoints") == before
    chief, follows = together(tmp_path)
    assert ended(chief, follows) == [0, 0]
    assert f"continuing after step {SAVE}\n" in chief.out
    assert sums(tmp_path / "run") == sums(mirrored) and rows(tmp_path / "run") == rows(mirrored)


def test_a_signal_at_any_worker_stops_all_when_the_chief_has_saved(tmp_path, together, mirrored):
    chief, follows = together(tmp_path, hold=3, deaf=True)
    chief.until(f"saved step {SAVE}\n")
    follows.send(signal.SIGTERM)
    chief.release()
    assert ended(chief, follows) == [143, 143]
    step = int((tmp_path / "run/checkpoints").glob("step_*").__iter__().__next__().name[5:])
    assert step >= SAVE and "stopped by a request at worker 1 after step" in chief.err
    chief, follows = together(tmp_path)
    assert ended(chief, follows) == [0, 0] and sums(tmp_path / "run") == sums(mirrored)
    chief, follows = together(tmp_path)
    assert ended(chief, follows) == [0, 0] and f"the run is complete at step {STEPS}" in chief.out


@pytest.mark.parametrize(
    ("flags", "own", "line"),
    [
        ((), ("--seed=3",), "worker 1 has other settings than worker 0: seed 3 and not None; start all"),
        ((), ("--dataset=npz:gone",), "gone"),
        (("--batch_size=9",), (), "--batch_size=9 is global and must be divisible by the 2 replicas"),
    ],
)
def test_what_workers_differ_in_ends_all_with_one_line(tmp_path, together, flags, own, line):
    workers = together(tmp_path, *flags, own=own)
    assert ended(*workers) == [2, 2]
    for each in workers:
        (said,) = each.errors
        assert line in said
    assert not list(tmp_path.iterdir())


def test_other_data_end_all_with_one_line(tmp_path, together, archive):
    (tmp_path / "other").mkdir()
    images = np.load(archive)["images"]
    images[3, 4, 5] ^= 1
    np.savez(tmp_path / "other/squares.npz", images=images, labels=np.load(archive)["labels"])
    workers = together(tmp_path, own=(f"--dataset=npz:{tmp_path}/other/squares.npz",))
    assert ended(*workers) == [2, 2] and workers[0].errors == workers[1].errors
    (line,) = workers[0].errors
    assert line.startswith("error: worker 1 has other data than worker 0: fingerprint ") and len(line) < 300


def test_who_does_not_come_is_named(tmp_path, start):
    where = addresses(3)
    begun = start(
        tmp_path / "run",
        *FLAGS,
        "--start_minutes=0.001",
        TF_CONFIG=cluster.described(where, 0),
    )
    assert ended(begun) == [76]
    missing = f"worker 1 ({where[1]}), worker 2 ({where[2]}) did not come within 0.001 minutes"
    assert begun.errors == [f"error: {missing}; start all workers, or give more --start_minutes"]


def test_a_strategy_for_several_needs_several(tmp_path, finish):
    begun = finish(tmp_path / "run", "--strategy=multi_worker_mirrored", "--steps=1", code=2)
    assert "neither TF_CONFIG nor Slurm names any: give --workers=2" in begun.errors[0]


def test_all_are_told_before_the_chief_leaves(tmp_path, together):
    slow = {"tests.faults.surroundings.slow_game": 3.0}
    chief, follows = together(tmp_path, "--dry_run", late=slow)
    assert ended(chief, follows) == [0, 0] and "dry run: everything was checked" in chief.out
    assert not list(tmp_path.iterdir())


def test_a_process_is_not_divided_among_workers(tmp_path, together):
    workers = together(tmp_path, "--replicas=2", "--strategy=multi_worker_mirrored")
    assert (
        ended(*workers) == [2, 2]
        and "leave them out, or where the run has them, --replicas=auto" in workers[1].errors[0]
    )
