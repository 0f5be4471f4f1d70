"""The comparison of recipes: what is run, on which processors, and what the table says. No training."""

import json
import os
import sys
from pathlib import Path

import pytest

from gan import config
from gan.bench import recipes
from gan.bench.recipes import Trial
from gan.presets import FOR_LARGE_DEVICES, PRESETS
from gan.runs import workdir

TRAIN = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[1].partition("=")[2])
if "--dry_run" in sys.argv:
    sys.exit("a warning\\nerror: no such preset" if "unknown" in sys.argv[3] else 0)
folder.mkdir()
seed = int(sys.argv[2])
(folder / "processors").write_text(repr(sorted(os.sched_getaffinity(0))))
sys.exit({2: 70, 9: 143}.get(seed, 0))
"""
EVALUATE = """
import json, pathlib, sys
row = {"step": 3, "metrics": {"frechet_distance": 3.0, "recall": 0.5}, "floor": {"recall": 0.9}}
row["meaning"] = {"sizes": "ten images"}
pathlib.Path(sys.argv[1]).write_text(json.dumps([row]))
"""


@pytest.fixture
def programs(monkeypatch):
    """Programs that answer at once in the place of the commands."""

    def commands(trial, evaluation=()):
        train = [sys.executable, "-c", TRAIN, f"--workdir={trial.folder / 'run'}", str(trial.seed), trial.recipe]
        evaluate = [sys.executable, "-c", EVALUATE, str(trial.folder / "evaluation.json")]
        return {"train": train, "evaluate": evaluate, "sample": [sys.executable, "-c", ""]}

    monkeypatch.setattr(recipes, "commands", commands)
    monkeypatch.setattr(workdir, "load_run", lambda folder: (config.make("article", batch_size=32, d_steps=2), {}))


def test_commands_have_the_recipe_and_the_same_time(tmp_path):
    trial = Trial("article --d_dropout=0.4 --gamma=0", 2, 10.0, tmp_path)
    train, evaluate, sample = recipes.commands(trial, ["--num=100"]).values()
    assert Path(train[0]).samefile(recipes.ROOT / "bin/train")
    assert f"--workdir={trial.folder}/run" in train and evaluate[1] == sample[1] == f"--workdir={trial.folder}/run"
    assert {"--preset=article", "--seed=2", "--minutes=10", "--epochs=0", "--d_dropout=0.4", "--gamma=0"} <= set(train)
    assert evaluate[-1] == "--num=100" and sample[-1].endswith("grid.png")


def test_folders_tell_recipes_seeds_and_minutes_apart(tmp_path):
    trials = [
        Trial(recipe, seed, minutes, tmp_path)
        for recipe in (
            *PRESETS,
            "article --gamma=1",
            "article --gamma=10",
            "modern --dataset=npz:/a/b",
            "modern --dataset=npz:/ab",
        )
        for seed in (0, 1)
        for minutes in (5.0, 10.0)
    ]
    assert len({trial.folder for trial in trials}) == len(trials)
    assert Trial("article --gamma=1", 0, 5.0, tmp_path).folder.name == "article+gamma=1-5min-seed0"


def test_a_run_is_made_once_on_its_processors_and_a_cut_one_anew(tmp_path, programs):
    trial, all_there_are = Trial("modern", 1, 0.5, tmp_path), os.sched_getaffinity(0)
    (trial.folder / "run").mkdir(parents=True)  # cut short: not marked as trained
    recipes.train(trial, [max(all_there_are)])
    assert (trial.folder / "run/processors").read_text() == f"[{max(all_there_are)}]"
    (trial.folder / "train.log").unlink()
    recipes.train(trial, all_there_are)
    assert not (trial.folder / "train.log").exists()
    found = recipes.measured(trial, all_there_are)
    assert found["images"] == 192 and found["metrics"]["recall"] == 0.5 and found["floor"] == {"recall": 0.9}
    (trial.folder / "evaluation.json").unlink()
    assert recipes.measured(trial, all_there_are) == found == json.loads((trial.folder / "result.json").read_text())
    assert recipes.measured(trial, all_there_are, ["--num=10"])["evaluation"] == ["--num=10"]  # measured once more
    assert (trial.folder / "evaluation.json").exists()


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


def test_data_sets_have_a_floor_each():
    one, other = (
        {
            "recipe": name,
            "images": 1,
            "metrics": {"recall": 0.5},
            "floor": {"recall": floor},
            "meaning": {"sizes": name},
        }
        for name, floor in (("a", 0.25), ("b", 0.75))
    )
    assert recipes.table([one, one])[-1] == "| floor: real images | | | 0.250 |"
    assert recipes.table([one, other])[-2:] == [
        "| floor: real images (a) | | | 0.250 |",
        "| floor: real images (b) | | | 0.750 |",
    ]


def test_each_share_of_the_processors_trains_one_run_at_a_time(tmp_path, programs):
    known = sorted(os.sched_getaffinity(0))
    recipes.main([f"--out={tmp_path}", "--minutes=1", "--seeds=2", f"--side_by_side={len(known)}"])
    used = [json.loads(path.read_text()) for path in tmp_path.glob("*/run/processors")]
    assert len(used) == 2 * (len(PRESETS) - len(FOR_LARGE_DEVICES)) and {tuple(share) for share in used} <= {
        (one,) for one in known
    }


def test_a_run_that_was_stopped_ends_the_comparison_and_counts_for_nothing(tmp_path, programs):
    with pytest.raises(RuntimeError, match=r"ended with 143: see .*train\.log"):
        recipes.train(Trial("modern", 9, 1.0, tmp_path), os.sched_getaffinity(0))
    assert not list(tmp_path.glob("*/trained.json"))


def test_a_mistake_in_a_recipe_is_told_of_before_anything_is_trained(tmp_path, programs):
    with pytest.raises(SystemExit) as caught:
        recipes.main([f"--out={tmp_path}", "--minutes=1", "--recipe=modern", "--recipe=unknown"])
    assert caught.value.code == "error: unknown: no such preset"
    assert not list(tmp_path.iterdir())


def test_without_a_checkout_it_ends_with_one_line(tmp_path, programs, monkeypatch):
    monkeypatch.setattr(recipes, "ROOT", tmp_path)
    with pytest.raises(SystemExit) as caught:
        recipes.main([f"--out={tmp_path}", "--minutes=1", "--recipe=modern"])
    assert (
        caught.value.code
        == f"error: {tmp_path}/bin/train is missing: compare recipes from a checkout of the repository"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", ["--seeds=0", "--recipe=", "--recipe=article 'x", "--side_by_side=0"])
def test_a_bad_flag_ends_with_the_usage(tmp_path, programs, flag, capsys):
    with pytest.raises(SystemExit) as caught:
        recipes.main([f"--out={tmp_path}", "--minutes=1", flag])
    assert caught.value.code == 2 and "error: " in capsys.readouterr().err


def test_a_cell_is_the_mean_and_the_deviation_of_a_sample():
    assert recipes.mean_and_deviation([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert recipes.mean_and_deviation([1234.4], 0) == "1,234"
    assert recipes.mean_and_deviation([], 3) == "-"


@pytest.mark.parametrize("ways, expected", [(1, [[0, 1, 2]]), (2, [[0, 2], [1]]), (3, [[0], [1], [2]])])
def test_processors_are_shared_out(ways, expected):
    assert recipes.shared_out({2, 0, 1}, ways) == expected


@pytest.mark.parametrize("ways", [0, 4])
def test_more_runs_than_processors_are_refused(ways):
    with pytest.raises(ValueError, match=f"side_by_side={ways} .* 3 processors"):
        recipes.shared_out({2, 0, 1}, ways)
