"""Time to quality with trainings that only write down what is wanted of them: their order, their ends, the report."""

import json
import math
import signal
import subprocess
import sys

import pytest

from gan.bench import clock, trial
from gan.bench.quality import Spent
from gan.errors import UserError
from gan.evaluation import record
from gan.evaluation.record import Evaluation
from gan.jobs import time_to_quality
from gan.jobs.requests import TimeToQuality

SETTINGS = {"dataset": "garments", "data_in_memory": "false", "evaluate_features": "random", "evaluate_num": 40}
SETTINGS |= {"preset": "modern", "batch_size": 4}


@pytest.fixture
def courses(monkeypatch):
    """By (width, seed): a list of (minutes, value) and the exit code of that training; by "begun": which were begun."""
    found, begun = {}, []

    def started(of, line, minutes):
        begun.append((of.config.g_width, of.config.seed, minutes))
        values, code = found[of.config.g_width, of.config.seed]
        of.run.mkdir(exist_ok=True)
        every = of.config.evaluate_every_steps
        spent = [Spent(every * i, 60.0 * at, 1000.0 * at, 120.0 * at) for i, (at, _) in enumerate(values, start=1)]
        of.clock.write_text("".join(json.dumps(row._asdict()) + "\n" for row in spent))
        for row, (_, value) in zip(spent, values, strict=True):
            record.add(of.run, _evaluation(row.step, {of.config.keep_best: value, "recall": 0.25}))
        of.log.write_text("compiling\nerror: no room\n" if code else "done\n")
        return subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])

    monkeypatch.setattr(trial, "started", started)
    found["begun"] = begun
    return found


def _evaluation(step, metrics):
    named = record.key(
        step=step, protocol="lucic", num=40, features="random", extractor="e", data="d", k=5, seed=0, generator="g"
    )
    floor = {"frechet_distance": 0.5, "recall": 0.9}
    return Evaluation(named, metrics, floor, 40, 40, {}, "now", in_training=True)


def asked(tmp_path, **more):
    given = {"to": "frechet_distance:2", "settings": SETTINGS, "against": ("g_width=8",), "seeds": 2, **more}
    return TimeToQuality(workdir=str(tmp_path / "runs"), evaluate_every_images=40, **given)


def test_contestants_take_turns_and_are_compared_seed_by_seed(tmp_path, courses, capsys):
    courses |= {
        (64, 0): ([(1.0, 9.0), (4.0, 1.5)], 0),
        (8, 0): ([(1.0, 2.0)], 0),
        (64, 1): ([(6.0, 1.9)], 0),
        (8, 1): ([(2.0, 5.0), (3.0, 1.0)], 0),
    }
    out, curve = tmp_path / "out.json", tmp_path / "curve.png"
    report = time_to_quality.run(asked(tmp_path, out=str(out), curve=str(curve)))
    assert courses["begun"] == [(64, 0, 60.0), (8, 0, 60.0), (64, 1, 60.0), (8, 1, 60.0)]
    said = capsys.readouterr().out.splitlines()
    assert "g_width=64, seed 0: 1.00 min, 40 images, frechet_distance 9" in said
    assert "g_width=64, seed 0: 4.00 min, 80 images, frechet_distance 1.5: reached" in said
    rows = [line.split() for line in said if line.startswith(("g_width=64  ", "g_width=8  "))]
    assert rows[0][1:4] + rows[0][4:7] == ["2", "of", "2", "5.00", "±", "1.41"] and rows[0][-1] == "1.00"
    assert rows[1][4:7] == ["2.00", "±", "1.41"] and rows[1][-1] == "3.00"  # 4 / 1 and 6 / 3
    assert json.loads(out.read_text()) == json.loads(json.dumps(report))
    first = report["contestants"]["g_width=64"]
    assert first["summary"]["minutes"]["mean"] == 5.0 and first["summary"]["joules"]["mean"] == 5000.0
    assert first["trials"][0]["curve"][1] == first["trials"][0]["at"]
    assert first["trials"][0]["at"] == {
        "step": 20, "images": 80, "value": 1.5, "minutes": 4.0, "wall_minutes": 8.0, "joules": 4000.0,
    }  # fmt: skip
    assert report["better"] == "less" and report["notes"][0].startswith(
        "g_width=64: evaluated every 40 images: the line may have been passed up to 3.3 minutes earlier"
    )
    assert curve.read_bytes().startswith(b"\x89PNG")


def test_what_was_trained_is_not_trained_again_for_any_line_or_limit(tmp_path, courses):
    for width in (64, 8):
        courses |= {(width, seed): ([(1.0, 9.0), (2.0, 1.5)], 0) for seed in (0, 1)}
    time_to_quality.run(asked(tmp_path))
    trained = len(courses["begun"])
    easier = time_to_quality.run(asked(tmp_path, to="frechet_distance:9"))
    assert [each["at"]["minutes"] for each in easier["contestants"]["g_width=8"]["trials"]] == [1.0, 1.0]
    another = time_to_quality.run(asked(tmp_path, to="recall:0.25"))
    assert another["better"] == "more" and another["contestants"]["g_width=8"]["summary"]["reached"] == 2
    sooner = time_to_quality.run(asked(tmp_path, settings=SETTINGS | {"minutes": 1.0}))
    assert {each["how"] for each in sooner["contestants"]["g_width=8"]["trials"]} == {"out of time"}
    assert sooner["contestants"]["g_width=8"]["summary"]["minutes"] == {"mean": None, "deviation": None}
    assert len(courses["begun"]) == trained
    with pytest.raises(UserError, match="g_width=64, seed 0: it ended before the line"):
        time_to_quality.run(asked(tmp_path, to="frechet_distance:1"))  # it would have to train on
    assert len(courses["begun"]) == trained + 1


def test_a_training_that_diverged_is_told_and_the_others_count(tmp_path, courses, capsys):
    courses |= {(64, 0): ([(1.0, 1.0)], 0), (8, 0): ([(1.0, 9.0)], 70), (64, 1): ([(2.0, 1.0)], 0), (8, 1): ([], 70)}
    for _ in range(2):  # the second time it is known
        report = time_to_quality.run(asked(tmp_path))
    trials = report["contestants"]["g_width=8"]["trials"]
    assert [(each["how"], each["diverged"]) for each in trials] == [("diverged", "no room")] * 2
    assert len(courses["begun"]) == 4 and report["contestants"]["g_width=8"]["times_as_fast"] is None
    assert "g_width=8, seed 1: diverged before its first evaluation" in capsys.readouterr().out


def test_a_training_that_fails_ends_it_with_its_last_words(tmp_path, courses):
    courses[64, 0] = [(1.0, 9.0)], 2
    with pytest.raises(UserError, match=r"g_width=64, seed 0: no room \(all of it: .*train\.log\)"):
        time_to_quality.run(asked(tmp_path))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("__import__('os').kill(__import__('os').getpid(), 9)", "SIGKILL; the memory may have been too small for it"),
        ("__import__('os').kill(__import__('os').getpid(), 12)", "SIGUSR2"),
        (143, "SIGTERM"),
    ],
)
def test_a_training_that_a_signal_ended_is_not_explained_by_its_last_line(tmp_path, courses, code, why):
    """That may be whatever it said of its progress."""
    courses[64, 0] = [(1.0, 9.0)], code
    with pytest.raises(UserError) as caught:
        time_to_quality.run(asked(tmp_path))
    assert f"g_width=64, seed 0: it was ended by {why}; start again to go on (all of it: " in str(caught.value)


def test_no_limit_is_what_0_minutes_are(tmp_path, courses, capsys):
    """As in bin/train."""
    courses |= {(width, 0): ([(50.0, 9.0), (70.0, 1.0)], 0) for width in (64, 8)}
    report = time_to_quality.run(asked(tmp_path, settings=SETTINGS | {"minutes": 0.0}, seeds=1))
    assert courses["begun"] == [(64, 0, math.inf), (8, 0, math.inf)] and report["limit_minutes"] is None
    assert report["contestants"]["g_width=8"]["summary"]["minutes"]["mean"] == 70.0
    assert "a training ends" not in capsys.readouterr().out
    limited = time_to_quality.run(asked(tmp_path, seeds=1))
    assert limited["limit_minutes"] == 60.0  # if nothing is said
    (ended,) = limited["contestants"]["g_width=8"]["trials"]
    assert ended["how"] == "out of time" and ended["at"]["minutes"] == 50.0 and len(ended["curve"]) == 1
    assert len(courses["begun"]) == 2


def test_contestants_that_would_train_in_one_folder_are_one(tmp_path, courses, monkeypatch):
    monkeypatch.setattr(trial, "_DIGITS", 0)
    with pytest.raises(UserError, match="--against=g_width=8 is trained as g_width=64 is; leave it out"):
        time_to_quality.run(asked(tmp_path))
    assert courses["begun"] == []


def test_it_takes_its_training_with_it_when_it_is_stopped(tmp_path, courses, monkeypatch):
    processes = []

    def started(of, line, minutes):
        processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]))
        monkeypatch.setattr(trial, "points", lambda of: (_ for _ in ()).throw(KeyboardInterrupt))
        return processes[0]

    monkeypatch.setattr(trial, "started", started)
    with pytest.raises(KeyboardInterrupt):
        time_to_quality.run(asked(tmp_path))
    assert processes[0].returncode == -signal.SIGTERM


def test_a_line_beyond_real_images_and_other_versions_are_told_of(tmp_path, courses):
    courses |= {(64, 0): ([(1.0, 0.4)], 0), (8, 0): ([(1.0, 0.4)], 0)}
    request = asked(tmp_path, to="frechet_distance:0.4", seeds=1)
    notes = time_to_quality.run(request)["notes"]
    assert "other real images have a frechet_distance of 0.5: the line is beyond them" in notes
    for i, folder in enumerate((tmp_path / "runs").iterdir()):
        facts = json.loads((folder / "trial.json").read_text())
        (folder / "trial.json").write_text(json.dumps(facts | {"versions": [{"gan": f"0.{i}"}]}))
    assert time_to_quality.run(request)["notes"][-1].startswith("not all was trained by one version")


def test_trainings_of_a_contestant_in_several_precisions_are_told_of(tmp_path, courses):
    courses |= {(width, seed): ([(1.0, 0.4)], 0) for width in (64, 8) for seed in (0, 1)}
    request = asked(tmp_path, to="frechet_distance:0.4", seeds=2)
    assert not [note for note in time_to_quality.run(request)["notes"] if "precision" in note]
    for i, folder in enumerate(sorted((tmp_path / "runs").iterdir())):
        facts = json.loads((folder / "trial.json").read_text())
        numerics = {"precision": ("float32", "mixed_bfloat16")[i == 1]}
        (folder / "trial.json").write_text(json.dumps(facts | {"numerics": numerics}))
    [note] = [note for note in time_to_quality.run(request)["notes"] if "precision" in note]
    assert note.endswith(": trained in float32 and in mixed_bfloat16; give --precision")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"to": "label_agreement:0.9"}, "--to=label_agreement:0.9 needs the features of a classifier"),
        (
            {"to": "label_agreement:0.9", "features": "classifier"},
            "--to=label_agreement:0.9 needs networks that are told",
        ),
        (
            {"to": "class_entropy:2.4", "features": "classifier"},
            "cannot be reached: of 10 classes class_entropy is at most",
        ),
        ({"to": "class_entropy:2.3"}, "--to=class_entropy:2.3 needs the features of a classifier"),
    ],
)
def test_what_cannot_be_measured_is_told_before_anything_is_trained(tmp_path, courses, more, why):
    features = more.pop("features", "random")
    with pytest.raises(UserError) as caught:
        time_to_quality.run(asked(tmp_path, settings=SETTINGS | {"evaluate_features": features}, **more))
    assert why in str(caught.value) and courses["begun"] == [] and not (tmp_path / "runs").exists()


def test_trainings_end_by_the_limit_go_on_with_a_higher_one_and_pass_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    numerics = {"precision": "float32", "convolution": "direct", "jit_compile": "false"}
    small = SETTINGS | numerics | {"g_width": 8, "d_width": 4, "latent_size": 4}
    minutes, ends, logs = 0.001, [], []
    for to in (0.0, 0.0, 1e30, 2e30):
        settings = small | {"minutes": 0.0 if to else minutes}
        report = time_to_quality.run(
            asked(tmp_path, settings=settings, against=(), seeds=1, to=f"frechet_distance:{to}")
        )
        (ended,) = report["contestants"]["preset=modern"]["trials"]
        (folder,) = (tmp_path / "runs").iterdir()
        logs.append((folder / "train.log").read_text())
        ends.append(clock.rows_of(folder / "clock.jsonl")[-1])
        assert ended["machine"]["cores"] and ended["numerics"]["convolution"] == "direct"
        if to:
            assert ended["how"] == "reached" and ended["at"] == ended["curve"][0] and ended["at"]["step"] == 10
            assert ended["at"]["minutes"] < ended["at"]["wall_minutes"]
        else:
            assert ended["how"] == "out of time" and ended["at"] == (ended["curve"] or [None])[-1]
            assert ends[-1].seconds / 60 >= minutes
            assert all(point["minutes"] <= minutes and point["step"] % 10 == 0 for point in ended["curve"])
            # Longer than it took, whose only step may take many times the limit where the machine is busy.
            minutes += ends[-1].seconds / 60
    assert ends[1].step > ends[0].step and ends[2].step >= 10
    assert "continuing after step" not in logs[0] and f"continuing after step {ends[0].step}" in logs[1]
    assert ends[3] == ends[2] and logs[3] == logs[2]  # nothing was trained for another line
    assert not [line for log in logs for line in log.splitlines() if "ETA" in line and "ETA -:--:--" not in line]
