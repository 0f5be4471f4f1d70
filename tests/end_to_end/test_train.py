"""`bin/train` as a person meets it: settings, mistakes, the clock, the lock, full disks and divergence."""

import json
import os
import random
import re
import resource
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

STEPS = 4
FLAGS = (f"--steps={STEPS}", "--log_every_steps=2")
EXACT = "the bits are those of an undisturbed run"


def steps(workdir: Path) -> list[int]:
    """The steps of the checkpoints of a run."""
    return sorted(int(path.name.removeprefix("step_")) for path in workdir.glob("checkpoints/step_*"))


def settings(workdir: Path) -> dict:
    return json.loads((workdir / "config.json").read_text())["settings"]


@pytest.fixture(scope="module")
def complete(tmp_path_factory, finish) -> Path:
    """A run of 4 steps; not to be changed."""
    workdir = tmp_path_factory.mktemp("runs") / "complete"
    finish(workdir, *FLAGS, "--save_every_steps=2")
    return workdir


@pytest.fixture
def run(tmp_path, complete) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(complete, tmp_path / "run"))


def test_the_module_runs_as_the_launcher_calls_it(run_command, command_line, complete, tmp_path):
    """The one start here that pays for the import of TensorFlow: nothing of its banner may come through."""
    workdir = tmp_path / "run"
    begun = run_command("train", *command_line(workdir, *FLAGS, "--save_every_steps=2"))
    assert begun.returncode == 0, begun.stderr
    own = [
        line for line in begun.stderr.splitlines() if not re.match(r"E\d{4} ", line)
    ]  # TensorFlow's errors are shown
    assert own[0] == "compiling the training step ..."
    assert [line.split("  ")[0] for line in own[1:]] == ["step 2/4", "saved step 2", "step 4/4", "saved step 4"]
    assert begun.stdout.splitlines()[-1] == f"done: 4 steps, 32 images; {EXACT}; see {workdir}"
    name = f"checkpoints/step_{STEPS:010d}/state.data-00000-of-00001"
    assert (workdir / name).read_bytes() == (complete / name).read_bytes()


def test_a_complete_run_says_so_and_is_left_as_it_is(run, server, content):
    before = content(run)
    again = server.start(f"--workdir={run}")
    assert again.wait() == 0, again.err
    assert f"the run is complete at step 4; {EXACT}; to train on, give more --steps or --epochs\n" in again.out
    assert again.err == ""
    assert content(run) == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--log_every_steps=3"],
        ["--dataset=auto"],
        ["--steps=4", "--epochs=40"],
        ["--keep_checkpoints=9", "--preset=article_corrected"],
    ],
    ids=" ".join,
)
def test_what_may_change_freely_changes_without_a_word(run, server, flags):
    again = server.start(f"--workdir={run}", *flags)
    assert again.wait() == 0, again.err
    assert again.err == "" and "the run is complete at step 4" in again.out


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--d_dropout=0.3"], ["d_dropout: 0.4 -> 0.3", "--override"]),
        (["--g_beta1=0.5", "--label_noise=0"], ["g_beta1: 0.9 -> 0.5", "label_noise: 0.15 -> 0.0", "--override"]),
        (["--seed=1"], ["seed: 0 -> 1", "another --workdir"]),
        (["--seed=1", "--override"], ["seed: 0 -> 1", "another --workdir"]),
        (["--g_width=16", "--override"], ["g_width: 8 -> 16", "another --workdir"]),
        (["--dataset=garments", "--data_in_memory=false", "--override"], ["data fingerprint:", "another --workdir"]),
    ],
    ids=lambda value: " ".join(value),
)
@pytest.mark.parametrize("dry", [(), ("--dry_run",)], ids=["", "dry_run"])
def test_what_may_not_change_is_refused_with_the_list(run, server, content, flags, words, dry):
    before = content(run)
    refused = server.start(f"--workdir={run}", *flags, *dry)
    assert refused.wait() == 2
    (line,) = refused.err.splitlines()
    assert line.startswith("error: ") and all(word in line for word in words), line
    assert content(run) == before


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--threads=1", "--replicas=1"], "threads: "),
        (["--g_learning_rate=0.0002", "--override"], "g_learning_rate: 0.0001 -> 0.0002"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry_run",)], ids=["", "dry_run"])
def test_exact_refuses_what_would_change_the_bits(run, server, content, flags, why, dry):
    before = content(run)
    refused = server.start(f"--workdir={run}", "--steps=6", *flags, "--exact", *dry)
    assert refused.wait() == 2
    (line,) = refused.err.splitlines()
    assert line.startswith(f"error: --exact: {run} would not end with the bits") and f"since step 4 ({why}" in line
    assert content(run) == before


def test_a_run_says_since_when_it_is_not_exact(run, server):
    assert server.start(f"--workdir={run}", "--steps=6", "--exact").wait() == 0
    kept = [
        json.loads((run / "config.json").read_text())["inexact"],
        facts(run, 4)["inexact"],
        facts(run, 6)["inexact"],
    ]
    assert kept == [[], [], []]
    changed = server.start(f"--workdir={run}", "--steps=8", "--gamma=3", "--override")
    assert changed.wait() == 0, changed.err
    further = server.start(f"--workdir={run}", "--steps=10")
    assert further.wait() == 0, further.err
    because = [{"step": 6, "why": "gamma: 0.0 -> 3.0"}]
    content = json.loads((run / "config.json").read_text())
    assert content["inexact"] == facts(run, 8)["inexact"] == facts(run, 10)["inexact"] == because
    assert [entry["step"] for entry in content["history"]] == [4, 6, 8]
    for ended in (changed, further):
        last = ended.out.splitlines()[-1]
        assert "; the bits are not those of an undisturbed run: since step 6 (gamma: 0.0 -> 3.0); see" in last
    refused = server.start(f"--workdir={run}", "--steps=12", "--exact")
    assert refused.wait() == 2 and "since step 6 (gamma" in refused.err


def facts(workdir: Path, step: int) -> dict:
    """What the checkpoint of a step was saved with."""
    return json.loads((workdir / f"checkpoints/step_{step:010d}/manifest.json").read_text())["facts"]


def test_an_override_and_more_steps_train_on_with_a_warning(run, server):
    flags = ["--g_learning_rate=0.0002", "--override", "--steps=6"]
    planned = server.start(f"--workdir={run}", *flags, "--dry_run")
    again = server.start(f"--workdir={run}", *flags)
    assert (planned.wait(), again.wait()) == (0, 0), again.err
    expected = "warning: continuing with changed settings: g_learning_rate: 0.0001 -> 0.0002"
    assert planned.warnings == again.warnings == [expected]
    assert "continuing after step 4\n" in again.out
    assert steps(run)[-1] == 6 and settings(run)["g_learning_rate"] == 0.0002
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged] == [2, 4, 6]
    assert [round(row["g_learning_rate"], 6) for row in logged] == [1e-4, 1e-4, 2e-4]


def test_dry_run_shows_everything_and_writes_nothing(tmp_path, finish):
    shown = finish(tmp_path / "run", "--dry_run", "--epochs=2").out
    assert not (tmp_path / "run").exists()
    for words in (
        "generator",
        "discriminator",
        "96 images of 28 x 28 x 1",
        "1 x 8 images",
        "float32, direct convolutions",
        "GFLOP",
        "GiB",
        "24 steps",
        f"tensorboard --logdir {tmp_path}/run",
        "nothing was trained",
    ):
        assert words in shown
    totals = re.findall(r"^total +([\d,]+)$", shown, re.MULTILINE)
    assert totals == ["10,089", "21,569"]


def damaged_config(run: Path) -> list[str]:
    (run / "config.json").write_text('{"settings": {')
    return ["config.json is damaged"]


def no_config(run: Path) -> list[str]:
    (run / "config.json").unlink()
    return ["holds files but no config.json"]


def a_file(run: Path) -> list[str]:
    shutil.rmtree(run)
    run.write_text("")
    return ["is a file", "--workdir"]


@pytest.mark.parametrize("spoil", [damaged_config, no_config, a_file], ids=lambda spoil: spoil.__name__)
def test_a_folder_that_is_no_run_is_refused(run, finish, spoil):
    words = spoil(run)
    for dry in ((), ("--dry_run",)):
        (line,) = finish(run, *FLAGS, *dry, code=2).err.splitlines()
        assert line.startswith("error: ") and all(word in line for word in words), line


MISTAKES = {
    "--dataset=mnits": "--dataset=mnits",
    "--dataset=npz:absent.npz": "absent.npz",
    "--dataset=folder:absent": "absent",
    "--resolution=30": "--resolution",
    "--resolution=31": "--resolution",
    "--resolution=2": "--resolution",
    "--resolution=-1": "--resolution",
    "--channels=2": "--channels",
    "--g_learning_rate=-1": "--g_learning_rate",
    "--g_learning_rate=nan": "--g_learning_rate",
    "--g_learning_rate=inf": "--g_learning_rate",
    "--d_learning_rate=fast": "--d_learning_rate",
    "--d_dropout=1": "--d_dropout",
    "--batch_size=0": "--batch_size",
    "--batch_size=8.5": "--batch_size",
    "--logical_cpus=-1": "--logical_cpus",
    "--replicas=two": "--replicas=two must be auto or a whole number",
    "--replicas=65": "--replicas=65 must be auto or a whole number from 1 to 64",
    "--replicas=3 --batch_size=8": "--batch_size=8 is global and must be divisible by the 3 replicas",
    "--replicas=2 --strategy=one_device": "--replicas=2 contradicts --strategy=one_device",
    "--replicas=2 --logical_cpus=3 --strategy=mirrored": "--replicas=2 contradicts --logical_cpus=3",
    "--precision=fp16": "--precision",
    "--batch_size=7 --logical_cpus=2 --strategy=mirrored": "--batch_size=7",
    "--strategy=tpu": "--strategy",
    "--keep_checkpoints=1": "--keep_checkpoints",
    "--steps=0 --epochs=0": "--steps, --epochs or --minutes",
    "--preset=articel": "--preset=articel",
    "--step=4": "--step",
    "surplus": "surplus",
    "--flagfile=absent.txt": "absent.txt",
}


@pytest.mark.parametrize("flags", MISTAKES)
def test_a_mistake_is_one_line_that_names_it(tmp_path, finish, flags):
    refused = finish(tmp_path / "run", *flags.split(), "--dry_run", code=2)
    (line,) = refused.err.splitlines()
    assert line.startswith("error: ") and MISTAKES[flags] in line, line
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_before_anything_is_trained(tmp_path, finish):
    (tmp_path / "file").write_text("")
    for dry in ((), ("--dry_run",)):
        (line,) = finish(tmp_path / "file/run", *dry, code=74).err.splitlines()
        assert line.startswith(f"error: {tmp_path}/file/run") and "is a file" in line or "a file stands" in line


def test_an_image_that_cannot_be_read_is_told_before_the_training(tmp_path, finish):
    """Also of a set that is read as it is needed: the account of the data looks at it first."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (20, 20, 20), np.uint8)):
        Image.fromarray(image).save(folder / f"{i:02d}.png")
    bad = folder / "16.png"
    good = bad.read_bytes()
    bad.write_bytes(good[:100] + bytes(8) + good[108:])
    ended = finish(tmp_path / "run", *FLAGS, "--data_in_memory=false", f"--dataset=folder:{folder}", code=2)
    (line,) = ended.errors
    assert "16.png cannot be read as an image" in line and not (tmp_path / "run").exists()


def test_a_home_that_the_shell_left_alone_is_found_again(tmp_path, finish):
    np.savez(tmp_path / "set.npz", images=np.zeros((20, 20, 20), np.uint8))
    finish(tmp_path / "run", *FLAGS, "--dataset=npz:~/set.npz", HOME=str(tmp_path))
    assert settings(tmp_path / "run")["dataset"] == f"npz:{tmp_path}/set.npz"


def test_one_trainer_a_folder_and_two_signals_end_it_at_once(tmp_path, start, finish):
    workdir = tmp_path / "run"
    first = start(workdir, "--save_every_steps=0", "--epochs=100000", hold=1, deaf=True)
    first.until("compiling")
    second = finish(workdir, *FLAGS, code=75)
    (line,) = second.err.splitlines()
    assert line.startswith("error: ") and f"PID {first.pid} " in line
    assert first.is_running()
    first.send(signal.SIGINT)
    first.until("stopping after the steps under way")
    first.send(signal.SIGTERM)
    assert first.wait() == 143
    assert first.errors == []
    finish(workdir, *FLAGS)
    assert steps(workdir)[-1] == STEPS


def test_a_signal_while_it_starts_breaks_nothing(tmp_path, start, finish):
    """The first signals come at any moment of the start; the run then ends by its epochs."""
    workdir, moments = tmp_path / "run", random.Random(0)
    for i in range(5):
        process = start(workdir, "--epochs=0.25")
        time.sleep(moments.uniform(0.0, 1.0))
        number = (signal.SIGTERM, signal.SIGINT)[i % 2]
        process.send(number)
        assert process.wait() in {0, 143, 130, -signal.SIGTERM}, process.err
        assert process.errors == [] and "Traceback" not in process.err
    finish(workdir, "--epochs=0.25")
    assert steps(workdir)[-1] == 3


@pytest.mark.parametrize(("minutes", "saved"), [("1e-9", [1, 2, 3]), ("0", [3])], ids=["each time", "never"])
def test_checkpoints_are_saved_by_the_clock(tmp_path, start, minutes, saved):
    slow = {"gan.training.pace.LONGEST_CHUNK": 1}
    run = start(tmp_path / "run", "--steps=3", f"--save_every_minutes={minutes}", attributes=slow)
    assert run.wait() == 0
    assert steps(tmp_path / "run") == saved


def test_the_clock_ends_a_start_with_a_checkpoint(tmp_path, start, finish):
    ended = finish(tmp_path / "run", "--minutes=0.02", "--epochs=100000", "--save_every_steps=0")
    (reached,) = steps(tmp_path / "run")
    assert f"done: {reached:,} steps" in ended.out
    assert (tmp_path / f"run/samples/grid_{reached:010d}.png").exists()


@pytest.mark.parametrize("more", [(), ("--schedule=linear", "--schedule_images=1", "--learning_rate_end_factor=1e30")])
def test_what_diverged_is_never_saved(run, finish, content, more):
    """A rate of 1e60, at the end of the schedule, is infinite in float32: parameters overflow before any loss does."""
    before = content(run / "checkpoints")
    flags = ("--steps=40", "--g_learning_rate=1e30", "--override", "--save_every_steps=1", "--keep_checkpoints=40")
    ended = finish(run, *flags, *more, code=70)
    (line,) = ended.errors
    newest = steps(run)[-1]
    assert "diverged: " in line and f"the newest checkpoint, step {newest}," in line
    assert content(run / "checkpoints").items() >= before.items()
    assert all_finite(run, newest)


def all_finite(run: Path, step: int) -> bool:
    import numpy as np

    from gan.runs import tensors

    values = tensors.read(run / f"checkpoints/step_{step:010d}")
    return all(np.isfinite(value).all() for value in values.values() if value.dtype.kind == "f")


def test_a_full_disk_is_one_line_and_costs_no_checkpoint(run, finish, content):
    before = content(run / "checkpoints")
    size = os.path.getsize(run / f"checkpoints/step_{STEPS:010d}/state.data-00000-of-00001")
    ended = finish(run, "--steps=6", "--storage_minutes=0", code=74, largest_file=size // 2)
    (line,) = ended.errors
    assert str(run) in line and "ulimit -f" in line
    assert content(run / "checkpoints") == before


def test_a_disk_that_is_full_for_a_while_costs_no_bits(run, start, finish, tmp_path):
    """A limit on the size of files stands for it: another process can raise it, as one can free space."""
    name = "checkpoints/step_{:010d}/state.data-00000-of-00001"
    size = os.path.getsize(run / name.format(STEPS))
    begun = start(run, "--steps=6", attributes={"gan.training.patience.RETRY_SECONDS": 1}, largest_file=size // 2)
    begun.until("File too large; training pauses and goes on when this works again")
    assert steps(run) == [2, STEPS] and begun.is_running()
    resource.prlimit(begun.pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
    assert begun.wait() == 0, begun.err
    assert "the storage works again, after" in begun.err and begun.errors == []
    finish(tmp_path / "other", "--steps=6", "--log_every_steps=2")
    assert (run / name.format(6)).read_bytes() == (tmp_path / "other" / name.format(6)).read_bytes()


def test_a_stop_while_the_storage_is_waited_for_ends_it_at_once(run, start, content):
    before = content(run / "checkpoints")
    size = os.path.getsize(run / f"checkpoints/step_{STEPS:010d}/state.data-00000-of-00001")
    begun = start(run, "--steps=6", largest_file=size // 2)
    begun.until("training pauses")
    begun.send(signal.SIGTERM)
    assert begun.wait() == 74
    (line,) = begun.errors
    assert "File too large; raise the limit" in line and content(run / "checkpoints") == before


def test_a_notice_of_preemption_ends_it_as_a_signal_does(tmp_path, start, finish):
    notice, workdir = tmp_path / "notice", tmp_path / "run"
    begun = start(workdir, "--steps=500", "--log_every_steps=1", f"--preempted_when_exists={notice}", hold=2)
    begun.until("step 2/")
    notice.touch()
    assert begun.wait() == 143
    *_, asked, saved, line = begun.err.splitlines()
    assert asked == f"{notice} exists: stopping after the steps under way, then saving" and saved == "saved step 2"
    assert line == f"stopped by a notice ({notice} exists) after step 2; saved: start again to continue"
    long, command = "--steps=1000000", "--preempted_when_succeeds=exit 0"
    again = finish(workdir, long, "--preempted_when_exists=", command, code=143)
    assert "stopped by a notice ('exit 0' succeeded) after step" in again.err
    last = steps(workdir)[-1] + 1
    finish(workdir, f"--steps={last}")  # the command is not kept
    assert steps(workdir)[-1] == last
