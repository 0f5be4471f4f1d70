"""What is said of each fault in the folder of a run, with its exit code, and what is mended."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan.errors import BusyError, UserError
from gan.jobs import check
from gan.jobs.requests import Check
from gan.runs import checkpoint, lock, tensors

STEPS = 12
TINY = (
    "--preset=article_corrected", "--batch_size=8", "--g_width=8", "--d_width=4", "--latent_size=8",
    "--precision=float32", "--convolution=direct", "--sample_rows=2", "--sample_columns=3", f"--steps={STEPS}",
    "--log_every_steps=2", "--sample_every_steps=4", "--save_every_steps=4",
)  # fmt: skip


@pytest.fixture(scope="module")
def complete(server, tmp_path_factory) -> Path:
    """A run of 12 steps on 72 images, nine steps an epoch; not to be changed."""
    folder = tmp_path_factory.mktemp("check")
    images = np.random.default_rng(0).integers(0, 256, (72, 28, 28), np.uint8)
    np.savez(folder / "squares.npz", images=images)
    begun = server.start(*TINY, f"--dataset=npz:{folder / 'squares.npz'}", f"--workdir={folder / 'run'}")
    assert begun.wait() == 0, begun.err
    return folder / "run"


@pytest.fixture
def run(complete, tmp_path) -> Path:
    return Path(shutil.copytree(complete, tmp_path / "run"))


@pytest.fixture
def told(run, capsys):
    """A function that checks the run: (exit code, problems, all lines)."""

    def look(**asked) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        code = check.run(Check(str(run), **asked)).code
        lines = capsys.readouterr().out.splitlines()
        return code, [line for line in lines if line.startswith(("warning:", "error:"))], lines

    return look


def content(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def line(lines: list[str], name: str) -> str:
    (found,) = [each.removeprefix(name).strip() for each in lines if each.startswith(f"{name} ")]
    return found


def of_step(run: Path, step: int) -> Path:
    return run / f"checkpoints/step_{step:010d}"


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def event_file(run: Path) -> Path:
    (path,) = (run / "train").iterdir()
    return path


def settings(run: Path, **values) -> None:
    described = json.loads((run / "config.json").read_text())
    described["settings"] |= values
    (run / "config.json").write_text(json.dumps(described))


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def saved_again(run: Path, step: int, change) -> None:
    """Writes the checkpoint of a step anew, with its tensors as `change` makes them of (name, value)."""
    nest: dict = {}
    for name, value in tensors.read(of_step(run, step)).items():
        parts = name.removeprefix("state/").split("/")  # in which TensorFlow writes .. and .S for . and /
        *way, last = (re.sub(r"\.(.)", lambda found: {"S": "/"}.get(found[1], "."), part) for part in parts)
        place = nest
        for part in way:
            place = place.setdefault(part, {})
        place[last] = tf.Variable(change(name, value))
    facts = checkpoint.manifest(run / "checkpoints", step)["facts"]
    shutil.rmtree(of_step(run, step))
    checkpoint.save(run / "checkpoints", nest, step, facts)


def test_of_a_whole_run_all_is_well_and_nothing_is_written(run, told):
    before = content(run)
    code, problems, lines = told()
    assert (code, problems) == (0, [])
    assert line(lines, "checkpoints").startswith("3 whole, steps 4, 8, 12; ")
    assert line(lines, "exactness") == "the bits are those of an undisturbed run"
    assert line(lines, "metrics.jsonl") == "6 lines up to step 12"
    assert line(lines, "train/") == "1 event file, scalars of 6 steps, 5 pictures"
    assert line(lines, "samples/") == "5 grids up to step 12"  # 0, 4, 8, 9, 12
    assert line(lines, "continuation") == "is complete at step 12"
    assert lines[-1] == "verdict           all is well"
    assert content(run) == before


def test_beside_a_trainer_nothing_is_reported_that_it_is_just_writing(run, told):
    with open(run / "metrics.jsonl", "ab") as file:
        file.write(b'{"step": 14, "d_lo')
    with open(event_file(run), "ab") as file:
        file.write(b"\x20\0\0")
    (run / f"checkpoints/temporary_step_0000000016.{dead_pid()}").mkdir()
    with lock.Lock(run):
        code, problems, lines = told()
        assert (code, problems) == (0, [])
        assert line(lines, "trainer").endswith("is at work") and "PID" in line(lines, "trainer")
        assert line(lines, "continuation").startswith("would refuse: PID")
        with pytest.raises(BusyError):
            told(repair=True)


def test_a_look_does_not_keep_a_trainer_out(run):
    with lock.Lock(run):
        assert lock.holder(run)
    assert lock.holder(run) == ""
    with lock.Lock(run):
        pass


def test_what_is_still_wrong_after_a_moment_is_told_beside_a_trainer(run, told, monkeypatch):
    monkeypatch.setattr(check, "_AGAIN_SECONDS", 0.0)
    flip(of_step(run, 8) / "state.index", 10)
    with lock.Lock(run):
        code, problems, _ = told()
    assert code == 65 and problems == ["error: step 8 is damaged (state.index was altered)"]


def test_a_damaged_newest_checkpoint_is_told_and_set_aside(run, told):
    flip(of_step(run, 12) / "state.data-00000-of-00001", 100)
    code, problems, lines = told()
    assert code == 65 and problems == ["error: step 12 is damaged (state.data-00000-of-00001 was altered)"]
    assert line(lines, "continuation") == "would continue after step 8"
    assert lines[-1] == "verdict           1 lost or damaged"
    code, problems, lines = told(repair=True)
    assert code == 0 and "set aside as damaged_step_0000000012" in lines[0] and lines[0].startswith("repaired: ")
    assert line(lines, "others") == "set aside: checkpoints/damaged_step_0000000012"
    assert line(lines, "metrics.jsonl") == "4 lines up to step 8, 2 beyond"


def test_without_a_good_checkpoint_a_continuation_would_refuse(run, told):
    for step in (4, 8, 12):
        (of_step(run, step) / "manifest.json").unlink()
    code, problems, lines = told()
    assert code == 65 and len(problems) == 3 and all("No such file" in problem for problem in problems)
    assert line(lines, "continuation") == "would refuse: no checkpoint can be read"
    code, problems, _ = told(repair=True)
    assert code == 65 and problems == [f"error: {run}/checkpoints has only checkpoints that were set aside as damaged"]
    shutil.rmtree(run / "checkpoints")
    code, problems, lines = told()
    assert code == 65 and problems == [f"error: {run}/checkpoints is missing"]
    assert line(lines, "continuation") == f"would refuse: {run}/checkpoints is missing"


def test_numbers_that_are_not_finite_and_other_tensors_are_told(run, told):
    name = "state/state/generator/params"
    seen = []

    def poisoned(path, value):
        if path.startswith(name) and not seen:
            seen.append(path.removeprefix("state/state/"))
            value.flat[0] = np.nan
        return value

    saved_again(run, 12, poisoned)
    saved_again(run, 4, lambda path, value: value[:1] if path.endswith(seen[0]) else value)
    code, problems, _ = told()
    assert code == 65 and problems[0] == f"error: step 12 has numbers that are not finite in {seen[0]}"
    assert problems[1].startswith(f"error: step 4 has other tensors than step 12: {seen[0]} is float32[1")


def test_networks_that_are_not_those_of_the_config_are_told(run, told):
    settings(run, g_width=16)
    code, problems, lines = told()
    assert code == 65 and "is not that of its run" in problems[1]
    assert line(lines, "continuation").startswith("would refuse: ") and "is not that of its run" in lines[-2]


def test_a_torn_log_is_mended(run, told):
    whole, events = (run / "metrics.jsonl").read_bytes(), event_file(run).read_bytes()
    (run / "metrics.jsonl").write_bytes(whole + b'{"step": 14, "d_l')
    event_file(run).write_bytes(events + b"\x20\0\0\0\0\0\0\0abc")
    name = event_file(run).name
    code, problems, lines = told()
    assert code == 1 and problems == [
        "warning: metrics.jsonl ends in a torn line",
        f"warning: train/{name} ends in a torn record",
    ]
    assert lines[-1] == "verdict           2 that a continuation mends"
    code, problems, lines = told(repair=True)
    assert (code, problems) == (0, [])
    assert (run / "metrics.jsonl").read_bytes() == whole
    kept = dict.fromkeys(path.name for path in (run / "train").iterdir())
    tail = f"damaged_end_of_{name.removeprefix('events.out.tfevents.')}"
    assert kept.keys() == {name, tail} and (run / "train" / tail).read_bytes() == b"\x20\0\0\0\0\0\0\0abc"
    assert (run / "train" / name).read_bytes() == events


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], "metrics.jsonl lacks step 6"),
        (lambda lines: lines[:1], "metrics.jsonl lacks steps 4, 6, 8, 10 and 1 more"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "metrics.jsonl has step 6 twice or out of order"),
        (lambda lines: [*lines[:2], b"\x00garbage", *lines[3:]], "metrics.jsonl is damaged in line 3"),
        (lambda lines: [lines[0].replace(b'"d_loss": ', b'"d_loss": 9'), *lines[1:]], "train/ has another d_loss at"),
        (lambda lines: [lines[0].replace(b'"d_loss"', b'"x"'), *lines[1:]], "train/ has another d_loss at step 2 than"),
    ],
)
def test_lines_of_the_log_that_are_lost_or_changed_are_told(run, told, change, expected):
    lines = (run / "metrics.jsonl").read_bytes().splitlines()
    (run / "metrics.jsonl").write_bytes(b"".join(each + b"\n" for each in change(lines)))
    code, problems, _ = told()
    assert code == 65 and problems[0].startswith(f"error: {expected}"), problems


def test_a_garbage_line_is_taken_out_and_the_log_kept_as_it_was(run, told):
    broken = (run / "metrics.jsonl").read_bytes().replace(b"\n", b"\nnothing\n", 1)
    (run / "metrics.jsonl").write_bytes(broken)
    assert told()[:2] == (65, ["error: metrics.jsonl is damaged in line 2"])
    code, _, lines = told(repair=True)
    assert code == 0 and "as it was it is kept as damaged_metrics.jsonl" in lines[0]
    assert (run / "damaged_metrics.jsonl").read_bytes() == broken


def test_a_missing_log_is_lost(run, told):
    (run / "metrics.jsonl").unlink()
    shutil.rmtree(run / "train")
    code, problems, _ = told()
    assert code == 65 and problems == [
        "error: metrics.jsonl lacks steps 2, 4, 6, 8 and 2 more",
        "error: train/ lacks the grid of steps 0, 4, 8, 9 and 1 more",
    ]


def test_a_changed_bit_of_an_event_file_is_told(run, told):
    flip(event_file(run), event_file(run).stat().st_size - 20)
    code, problems, _ = told()
    assert code == 65 and problems[0] == f"error: train/{event_file(run).name} was altered: a checksum is wrong"


def test_where_a_cadence_was_changed_only_what_is_always_due_is_missed(run, told):
    described = json.loads((run / "config.json").read_text())
    described["history"] = [{"time": "then", "changes": ["log_every_steps: 3 -> 2", "sample_every_steps: 2 -> 4"]}]
    (run / "config.json").write_text(json.dumps(described))
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join(lines[:1] + lines[2:]))
    assert told()[1] == ["error: train/ has step 4, which metrics.jsonl lacks"]
    (run / "metrics.jsonl").write_bytes(b"".join(lines[:2] + lines[3:]))
    assert told()[1][0] == "error: metrics.jsonl lacks step 6"


def test_grids_that_are_missing_or_no_pictures_are_told(run, told):
    (run / "samples/grid_0000000004.png").unlink()
    (run / "samples/grid_0000000008.png").write_bytes((run / "samples/grid_0000000008.png").read_bytes()[:-50])
    tf.io.write_file(str(run / "samples/grid_0000000009.png"), tf.io.encode_png(np.zeros((3, 5, 1), np.uint8)))
    code, problems, _ = told()
    assert code == 65 and problems == [
        "error: samples/ lacks the grid of step 4",
        "error: samples/grid_0000000008.png cannot be read as a PNG file",
        "error: samples/grid_0000000009.png has 5 x 3 pixels, not 176 x 118",
    ]
    _, problems, lines = told(repair=True)
    assert "grid_0000000008.png cannot be read, set aside as damaged_grid_0000000008.png" in lines[0]
    assert problems[0] == "error: samples/ lacks the grid of steps 4, 8"


def test_a_missing_animation_is_made_by_a_continuation(run, told):
    (run / "samples/progress.gif").unlink()
    code, problems, lines = told()
    assert code == 1 and problems == ["warning: samples/progress.gif is missing"]
    assert line(lines, "continuation") == "would continue after step 12"


def test_damaged_evaluations_keep_a_run_from_going_on(run, told):
    (run / "evaluations.jsonl").write_text('{"step": 4}\n')
    code, problems, lines = told()
    assert code == 65 and "evaluations.jsonl is damaged in line 1" in problems[0]
    assert line(lines, "continuation") == "would refuse: evaluations.jsonl is damaged"
    code, problems, lines = told(repair=True)
    assert code == 0 and "as it was it is kept as damaged_evaluations.jsonl" in lines[0]
    assert (run / "damaged_evaluations.jsonl").read_text() == '{"step": 4}\n'


def test_evaluations_that_were_due_are_missed(run, told):
    settings(run, evaluate_every_steps=4)
    code, problems, lines = told()
    assert code == 65 and problems[-1] == "error: evaluations.jsonl lacks the evaluation of steps 4, 8"
    assert line(lines, "continuation") == "would continue after step 12"


def test_exported_models_are_looked_at_and_never_loaded(run, told):
    folder = run / "exports/step_0000000012"
    (folder / "g").mkdir(parents=True)
    (folder / "a.h5").write_bytes(b"no HDF5")
    (folder / "b.keras").write_bytes(b"no archive")
    with zipfile.ZipFile(folder / "c.keras", "w") as archive:
        archive.writestr("model.json", "x" * 100)
    flip(folder / "c.keras", 50)
    (folder / "g/saved_model.pb").write_bytes(b"\xff\xff")
    (folder / "g/fingerprint.pb").touch()  # which no model hangs on
    (folder / "d.tflite").write_bytes(b"no flatbuffer")
    (folder / "o").mkdir()
    (folder / "o/m.onnx").write_bytes(b"damaged")
    (folder / "o/model.json").write_text(json.dumps({"files": {"m.onnx": hashlib.sha256(b"whole").hexdigest()}}))
    code, problems, lines = told()
    place = "error: exports/step_0000000012"
    assert line(lines, "exports/").startswith("6 models")
    assert code == 65 and problems == [
        f"{place}/a.h5 cannot be read as an HDF5 file",
        f"{place}/b.keras cannot be read as a Keras file",
        f"{place}/c.keras is damaged in model.json",
        f"{place}/d.tflite cannot be read as a TensorFlow Lite file",
        f"{place}/g/saved_model.pb or its variables cannot be read",
        f"{place}/o/model.json tells of another m.onnx than is there; export it again",
    ]


def test_what_killed_processes_left_is_removed_and_what_others_put_there_is_not(run, told):
    pid = dead_pid()
    orphans = [
        f"checkpoints/temporary_step_0000000016.{pid}",
        f".config.json.{pid}.tmp",
        f"train/.events.out.{pid}.tmp",
    ]
    (run / orphans[0]).mkdir()
    for name in [*orphans[1:], "notes.txt", "samples/mine.jpg", "losses.png"]:
        (run / name).touch()
    code, problems, lines = told()
    assert code == 1 and sorted(problems) == sorted(
        f"warning: {name} was left by a process that was killed" for name in orphans
    )
    assert line(lines, "others") == "not of the run: notes.txt, samples/mine.jpg"
    code, problems, _ = told(repair=True)
    assert (code, problems) == (0, []) and (run / "notes.txt").exists()
    assert not any((run / name).exists() for name in orphans)


def test_without_a_config_the_rest_is_still_looked_at(run, told):
    for spoil, word in ((lambda path: path.write_text("{"), "is damaged"), (Path.unlink, "has no config.json")):
        spoil(run / "config.json")
        code, problems, lines = told()
        assert code == 65 and len(problems) == 1 and word in problems[0]
        assert line(lines, "checkpoints").startswith("3 whole")
        assert line(lines, "continuation").startswith("would refuse: ")


def test_flags_that_say_something_else_are_written_anew(run, told):
    flags = (run / "flags.txt").read_text()
    (run / "flags.txt").write_text(flags.replace("--seed=0", "--seed=7"))
    assert told()[:2] == (1, ["warning: flags.txt says --seed=7, config.json does not"])
    (run / "flags.txt").unlink()
    assert told()[:2] == (1, ["warning: flags.txt is missing"])


def test_data_that_are_gone_keep_a_run_from_going_on(run, told):
    settings(run, dataset="npz:/nowhere/x.npz", steps=20)
    _, _, lines = told()
    assert line(lines, "continuation") == "would refuse: its data, /nowhere/x.npz, are not there"


def test_the_command_ends_with_the_code(run, server, tmp_path):
    for spoil, code in ((lambda: None, 0), ((run / "flags.txt").unlink, 1), ((run / "metrics.jsonl").unlink, 65)):
        spoil()
        looked = server.start(f"--workdir={run}", command="check")
        assert looked.wait() == code and "Traceback" not in looked.err
    with lock.Lock(run):
        busy = server.start(f"--workdir={run}", "--repair", command="check")
        assert busy.wait() == 75 and len(busy.errors) == 1
    assert server.start(f"--workdir={tmp_path / 'none'}", command="check").wait() == 2


def test_a_folder_without_a_run_is_a_mistake(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="there is no run in it"):
            check.run(Check(str(folder)))
    with pytest.raises(UserError, match="--workdir is missing"):
        Check("")
