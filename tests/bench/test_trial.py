"""Trials: one folder for one training, whatever line it is to pass, and what is read back from there."""

import json
import math

import pytest

from gan import config as configs
from gan.bench import trainings, trial
from gan.bench.lines import Line
from gan.bench.quality import Point, Spent
from gan.bench.trial import Trial
from gan.errors import UserError
from gan.evaluation import record
from gan.evaluation.record import Evaluation

LINE = Line("recall", 0.5)


def made(out, seed=0, line=LINE, every=96, num=100, **settings):
    return Trial(trial.config_of(configs.make(**{"preset": "modern", **settings}), line, seed, every, num), out)


def evaluation(step, recall, num=100, extractor="a", in_training=True):
    named = record.key(
        step=step,
        protocol="lucic",
        num=num,
        features="random",
        extractor=extractor,
        data="d",
        k=5,
        seed=0,
        generator="g",
    )
    return Evaluation(named, {"recall": recall}, {"recall": 0.9}, 10, 10, {}, "now", in_training)


def test_a_trial_has_no_end_of_its_own_and_is_evaluated_as_was_asked(tmp_path):
    config = made(tmp_path, seed=3, steps=7, every=100, d_steps=2, batch_size=16).config
    assert (config.seed, config.evaluate_every_steps, config.evaluate_num, config.keep_best) == (3, 3, 100, "recall")
    assert (config.steps, config.epochs, config.minutes) == (0, 0.0, 1e9)
    assert made(tmp_path, every=1).config.evaluate_every_steps == 1


def test_one_folder_is_that_of_one_training_whatever_the_line(tmp_path):
    first = made(tmp_path)
    assert first.folder.parent == tmp_path and first.folder.name.startswith("modern-")
    assert first.folder == made(tmp_path, line=Line("frechet_distance", 3.0), minutes=30.0).folder
    others = [{"g_width": 32}, {"precision": "float32"}, {"seed": 1}, {"every": 32}, {"num": 99}, {"preset": "dcgan"}]
    assert len({first.folder, *(made(tmp_path, **other).folder for other in others)}) == 1 + len(others)
    assert made(tmp_path, seed=1).folder.name.removesuffix("1") == first.folder.name.removesuffix("0")


@pytest.mark.parametrize(
    "settings", [{}, {"gamma": 0.0}, {"preset": "article", "d_dropout": 0.25, "threads": 2}, {"dataset": "npz:a b.npz"}]
)
def test_the_process_finds_the_same_config_in_the_folder(tmp_path, settings):
    written = made(tmp_path, seed=2, **settings)
    trial.tell(written, machine={"cores": 2})
    assert trial.of_folder(written.folder) == written
    assert trial.facts(written)["machine"] == {"cores": 2}
    trial.tell(
        written._replace(config=made(tmp_path, line=Line("coverage", 1.0), seed=2, **settings).config), diverged="x"
    )
    assert trial.of_folder(written.folder).config.keep_best == "coverage"
    assert {"machine", "diverged"} <= trial.facts(written).keys()


def test_a_setting_that_another_has_made_idle_is_no_mistake(tmp_path):
    idle = configs.changed(configs.make("modern", gamma_end_factor=0.3), gamma=0.0)
    written = Trial(trial.config_of(idle, LINE, 0, 96, 100), tmp_path)
    trial.tell(written)
    assert trial.of_folder(written.folder).config.gamma == 0.0


def test_points_are_evaluations_beside_the_clock(tmp_path):
    of = made(tmp_path)
    of.run.mkdir(parents=True)
    assert trial.points(of) == [] and trial.floor(of) is None and trial.seconds(of) == 0.0
    rows = [Spent(3, 1.0, None, 2.0), Spent(6, 2.0, None, 4.0), Spent(8, 2.5, None, 5.0), Spent(9, 3.0, None, 6.0)]
    of.clock.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows))
    for each in (
        evaluation(3, 0.1),
        evaluation(6, None),
        evaluation(8, 0.2),  # at the end by a limit: a training by a higher one has none there
        evaluation(12, 0.2),  # not by the clock
        evaluation(9, 0.9, in_training=False),  # by bin/evaluate
        evaluation(9, 0.8, num=50),
    ):
        record.add(of.run, each)
    assert trial.points(of) == [Point(rows[0], 96, 0.1), Point(rows[1], 192, None)]
    assert trial.floor(of) == 0.9 and trial.seconds(of) == 3.0
    record.add(of.run, evaluation(9, 0.3, extractor="b"))
    with pytest.raises(UserError, match="measured by several classifiers"):
        trial.points(of)


def test_another_machine_is_no_place_to_go_on():
    before = {"processor": "A", "vector_units": ["avx2"], "cores": 2, "devices": "A, 2 cores", "memory_gib": 4}
    trial.check_machine(before, before | {"memory_gib": 8})
    with pytest.raises(UserError, match=r"another machine \(processor: A -> B\); give another --workdir"):
        trial.check_machine(before, before | {"processor": "B"})


@pytest.mark.parametrize(("minutes", "flag"), [(30.0, "--minutes=30.0"), (math.inf, "--minutes=0.0")])
def test_the_process_is_given_the_line_and_the_limit(tmp_path, monkeypatch, minutes, flag):
    lines = []
    monkeypatch.setattr(trainings, "started", lambda line, log, **options: lines.append((line, log)))
    of = made(tmp_path)
    trial.started(of, LINE, minutes)
    ((line, log),) = lines
    assert line[1:] == ["-m", "gan.cli.bench", f"--trial={of.folder}", "--to=recall:0.5", flag] and log == of.log


@pytest.mark.parametrize(("content", "why"), [(None, "holds no trial"), ("{", "is damaged; remove the folder")])
def test_a_folder_without_a_trial_is_told(tmp_path, content, why):
    if content:
        (tmp_path / "trial.json").write_text(content)
    with pytest.raises(UserError, match=why):
        trial.of_folder(tmp_path)
