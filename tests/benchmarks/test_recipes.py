"""The comparison of recipes: what is run, on which processors, and what the table says. No training."""

import json
import os
import sys
from pathlib import Path

import pytest

from gan.presets import PRESETS
from tests.benchmarks import recipes
from tests.benchmarks.recipes import Run

TRAIN = """
import json, pathlib, sys, os
folder = pathlib.Path(sys.argv[1].partition("=")[2])
folder.mkdir()
seed = int(sys.argv[2])
lines = [json.dumps({"step": step, "images": 64 * step}) + "\\n" for step in (1, 2)]
(folder / "metrics.jsonl").write_text("".join(lines))
(folder / "processors").write_text(repr(sorted(os.sched_getaffinity(0))))
sys.exit({2: 70, 9: 143}.get(seed, 0))
"""
EVALUATE = """
import json, pathlib, sys
row = {"step": 3, "metrics": {"frechet_distance": 3.0, "recall": 0.5}, "floor": {"recall": 0.9}, "meaning": {}}
pathlib.Path(sys.argv[1]).write_text(json.dumps([row]))
"""


@pytest.fixture
def programs(monkeypatch):
    """Programs that answer at once in the place of the commands."""

    def commands(run, evaluation=()):
        train = [sys.executable, "-c", TRAIN, f"--workdir={run.folder / 'run'}", str(run.seed)]
        evaluate = [sys.executable, "-c", EVALUATE, str(run.folder / "evaluation.json")]
        return {"train": train, "evaluate": evaluate, "sample": [sys.executable, "-c", ""]}

    monkeypatch.setattr(recipes, "commands", commands)


def test_commands_have_the_recipe_and_the_same_time(tmp_path):
    run = Run("article --d_dropout=0.4 --gamma=0", 2, 10.0, tmp_path)
    train, evaluate, sample = recipes.commands(run, ["--num=100"]).values()
    workdir = f"--workdir={run.folder}/run"
    assert Path(train[0]).samefile(recipes.ROOT / "bin/train") and train[1] == evaluate[1] == sample[1] == workdir
    assert {"--preset=article", "--seed=2", "--minutes=10", "--epochs=0", "--d_dropout=0.4", "--gamma=0"} <= set(train)
    assert evaluate[-1] == "--num=100" and sample[-1].endswith("grid.png")


def test_folders_tell_recipes_seeds_and_minutes_apart(tmp_path):
    runs = [
        Run(recipe, seed, minutes, tmp_path)
        for recipe in (*PRESETS, "article --gamma=1", "article --gamma=10", "article --d_gamma=1")
        for seed in (0, 1)
        for minutes in (5.0, 10.0)
    ]
    assert len({run.folder for run in runs}) == len(runs)
    assert Run("article --gamma=1", 0, 5.0, tmp_path).folder.name == "article+gamma=1-5min-seed0"


def test_a_run_is_made_once_on_its_processors_and_a_cut_one_anew(tmp_path, programs):
    run, all_there_are = Run("modern", 1, 0.5, tmp_path), os.sched_getaffinity(0)
    (run.folder / "run").mkdir(parents=True)  # cut short: not marked as trained
    recipes.train(run, [max(all_there_are)])
    assert (run.folder / "run/processors").read_text() == f"[{max(all_there_are)}]"
    (run.folder / "train.log").unlink()
    recipes.train(run, all_there_are)
    assert not (run.folder / "train.log").exists()
    found = recipes.measured(run, all_there_are)
    assert found["images"] == 192 and found["metrics"]["recall"] == 0.5 and found["floor"] == {"recall": 0.9}
    (run.folder / "evaluation.json").unlink()
    assert recipes.measured(run, all_there_are) == found == json.loads((run.folder / "result.json").read_text())
    assert recipes.measured(run, all_there_are, ["--num=10"])["evaluation"] == ["--num=10"]  # measured once more
    assert (run.folder / "evaluation.json").exists()


def test_a_run_that_diverged_is_told_of_and_the_others_go_on(tmp_path, programs, capsys):
    recipes.main([f"--out={tmp_path}", "--minutes=1", "--recipe=sngan", "--recipe=modern --gamma=1"])
    lines = capsys.readouterr().out.splitlines()[-6:]
    assert lines == [
        "| recipe | seeds | images seen | Frechet | recall |",
        "|---|---|---|---|---|",
        "| `sngan` | 2, 1 diverged | 192 ± 0 | 3.00 ± 0.00 | 0.500 ± 0.000 |",
        "| `modern --gamma=1` | 2, 1 diverged | 192 ± 0 | 3.00 ± 0.00 | 0.500 ± 0.000 |",
        "| floor: real images | | | - | 0.900 |",
        "",
    ]


def test_each_share_of_the_processors_trains_one_run_at_a_time(tmp_path, programs):
    known = sorted(os.sched_getaffinity(0))
    recipes.main([f"--out={tmp_path}", "--minutes=1", "--seeds=2", f"--side_by_side={len(known)}"])
    used = [json.loads(path.read_text()) for path in tmp_path.glob("*/run/processors")]
    assert len(used) == 2 * len(PRESETS) and {tuple(share) for share in used} <= {(one,) for one in known}


def test_a_run_that_was_stopped_ends_the_comparison_and_counts_for_nothing(tmp_path, programs):
    with pytest.raises(RuntimeError, match=r"ended with 143: see .*train\.log"):
        recipes.train(Run("modern", 9, 1.0, tmp_path), os.sched_getaffinity(0))
    assert not list(tmp_path.glob("*/trained.json"))


def test_spread_is_the_mean_and_the_deviation_of_a_sample():
    assert recipes.spread([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert recipes.spread([1234.4], 0) == "1,234"
    assert recipes.spread([], 3) == "-"


@pytest.mark.parametrize("ways, expected", [(1, [[0, 1, 2]]), (2, [[0, 2], [1]]), (3, [[0], [1], [2]])])
def test_processors_are_shared_out(ways, expected):
    assert recipes.parts({2, 0, 1}, ways) == expected


@pytest.mark.parametrize("ways", [0, 4])
def test_more_runs_than_processors_are_refused(ways):
    with pytest.raises(ValueError, match=f"side_by_side={ways} .* 3 processors"):
        recipes.parts({2, 0, 1}, ways)
