"""Evaluation while `bin/train` runs: it changes nothing of the training, is not repeated, and the best stays."""

import json
import signal
from pathlib import Path

import pytest

STEPS, EVALUATED = 14, [4, 8, 12, 14]
FLAGS = (f"--steps={STEPS}", "--log_every_steps=2", "--sample_every_steps=0", "--g_learning_rate=0.01")
EVALUATING = ("--evaluate_every_steps=4", "--evaluate_num=40", "--evaluate_features=random")
KEEPING = ("--keep_checkpoints=2", "--save_every_steps=4")
TIMES = {"images_per_second", "wall_seconds"}


def evaluations(workdir: Path) -> list[dict]:
    path = workdir / "evaluations.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def without_time(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "time"} for row in rows]


def logged(workdir: Path) -> list[dict]:
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def saved(workdir: Path) -> dict[int, dict]:
    """The sha256 of the files of each checkpoint, by step."""
    manifests = [json.loads(path.read_text()) for path in sorted(workdir.glob("checkpoints/step_*/manifest.json"))]
    return {manifest["step"]: manifest["files"] for manifest in manifests}


def best(rows: list[dict], metric: str = "frechet_distance") -> int:
    return min(rows, key=lambda row: row["metrics"][metric])["step"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, finish):
    """(folder, what was said) of a run with evaluations in which the best is not among the last two checkpoints."""
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    return workdir, finish(workdir, *FLAGS, *EVALUATING, *KEEPING).err


def test_evaluation_leaves_the_training_as_it_is(undisturbed, tmp_path, finish):
    workdir, said = undisturbed
    finish(tmp_path / "plain", *FLAGS)
    plain = saved(tmp_path / "plain")
    assert saved(workdir)[STEPS] == plain[STEPS]
    assert logged(workdir) == logged(tmp_path / "plain")
    rows = evaluations(workdir)
    assert [row["step"] for row in rows] == EVALUATED
    assert {(row["protocol"], row["num"], row["features"], row["seed"]) for row in rows} == {("lucic", 40, "random", 0)}
    assert said.count(": frechet_distance ") == len(rows) and said.count("evaluating 40 images") == 1
    assert len(list((workdir / "eval").iterdir())) == 1


def test_the_best_stays_beside_the_newest(undisturbed):
    workdir, said = undisturbed
    chosen = best(evaluations(workdir))
    assert chosen in (4, 8)  # or the test would show nothing
    assert set(saved(workdir)) == {chosen, 12, STEPS}
    assert said.rstrip().splitlines()[-2].endswith(f"bin/sample --workdir={workdir} --step={chosen}")


def test_killed_while_it_evaluates_and_continued(undisturbed, tmp_path, start, finish):
    workdir, expected = tmp_path / "run", undisturbed[0]
    flags = (*FLAGS, *EVALUATING, "--keep_checkpoints=2", "--save_every_steps=3")
    process = start(workdir, *flags, hold=STEPS - 1)
    process.until("step 8: frechet_distance")
    process.send(signal.SIGKILL)
    process.wait()
    before, last = evaluations(workdir), max(saved(workdir))
    kept = [row for row in before if row["step"] <= last]
    left = before[-1] | {"step": STEPS - 1, "generator": "of a course that is not taken again"}
    with open(workdir / "evaluations.jsonl", "a") as file:
        file.write(json.dumps(left) + "\n")
    finish(workdir, *flags)
    after = evaluations(workdir)
    assert len(before) >= 2 and kept and after[: len(kept)] == kept  # with the time at which they were measured
    assert without_time(after) == without_time(evaluations(expected))
    assert saved(workdir)[STEPS] == saved(expected)[STEPS]
    chosen = best(after)
    assert saved(workdir)[chosen] == saved(expected)[chosen]


def test_with_a_classifier_for_networks_that_are_told_labels(tmp_path, finish, server):
    workdir = tmp_path / "run"
    told = ("--conditional", "--evaluate_every_steps=3", "--evaluate_num=40", "--keep_best=label_agreement")
    begun = finish(workdir, "--steps=4", *told)
    assert "Training the classifier of npz:" in begun.err
    rows = evaluations(workdir)
    assert [(row["step"], row["features"]) for row in rows] == [(3, "classifier"), (4, "classifier")]
    assert all(0.0 <= row["metrics"]["label_agreement"] <= 1.0 for row in rows)
    refused = server.start(f"--workdir={workdir}", "--evaluate_features=random")
    assert refused.wait() == 2 and refused.err.count("\n") == 1 and "--keep_best=label_agreement" in refused.err
    again = server.start(f"--workdir={workdir}")
    assert again.wait() == 0 and "the run is complete at step 4" in again.out
    (workdir / "evaluations.jsonl").unlink()
    again = server.start(f"--workdir={workdir}")
    assert again.wait() == 0 and "Training the classifier" not in again.err
    assert without_time(evaluations(workdir)) == without_time(rows[1:])


def test_a_failure_ends_the_run_with_a_line_and_the_step_is_saved(tmp_path, finish):
    broken = {"gan.evaluation.comparison._LEAST": 1000, "gan.evaluation.in_training._SMALL": 0}  # not looked at before
    workdir = tmp_path / "run"
    ended = finish(workdir, *FLAGS, *EVALUATING, code=2, attributes=broken)
    assert len(ended.errors) == 1 and "too few for the metrics" in ended.errors[0]
    assert set(saved(workdir)) == {4}
