"""Evaluation of a run in training: what is measured once, what is the best so far, and what is refused."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from gan import config as configs
from gan.data.source import Source, array_reader
from gan.data.sources import open_source
from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import comparison, in_training, record
from gan.evaluation.features import Extractor
from gan.machine import signals
from gan.metrics import suite
from gan.settings import fields

NUM = 40


def source_of(name: str, count: int, seed: int) -> Source:
    images = np.random.default_rng(seed).integers(0, 100, (count, 2, 2, 1)).astype(np.uint8)
    reader = array_reader(images, (np.arange(count) % 3).astype(np.int32))
    return Source(name, count, (2, 2, 1), ("a", "b", "c"), f"{name}{count}", "", reader)


def pixels(images: tf.Tensor):
    return tf.reshape(tf.cast(images, tf.float32), [images.shape[0], 4]) / 50.0, tf.zeros([images.shape[0], 0])


TRAIN = source_of("train", 60, 1)
SPLITS = Splits(TRAIN, source_of("test", 60, 2), TRAIN)


class Generator:
    """Images of the brightness that its parameter says, and a record of what it was asked for."""

    def __init__(self):
        self.asked = []

    def sample(self, params, seed, count, labels):
        self.asked.append((float(params["brightness"]), count, labels))
        random = np.random.default_rng(seed)
        for _ in range(count // 10):
            yield (random.integers(0, 100, (10, 2, 2, 1)) + int(params["brightness"])).astype(np.uint8)


def params(brightness: float) -> dict:
    return {"brightness": tf.constant(brightness)}


@pytest.fixture(scope="module")
def reference() -> comparison.Reference:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/nowhere/to/be/written")
        return comparison.prepare(
            SPLITS, Extractor("random", "pixels", "e" * 64, pixels), comparison.PROTOCOLS["lucic"], NUM
        )


@pytest.fixture
def generator() -> Generator:
    return Generator()


@pytest.fixture
def evaluating(reference, generator) -> in_training.Evaluating:
    config = configs.make("article", evaluate_every_steps=1, evaluate_num=NUM, evaluate_features="random")
    data = SimpleNamespace(fingerprint=SPLITS.fingerprint, num_classes=3)
    return in_training.make(config, data, generator.sample)._replace(reference=lambda stop: reference)


def best(evaluating, folder, last_step):
    """The best evaluation of the kind that is made here."""
    return in_training.best(evaluating, folder, last_step).get(in_training.Kind(NUM, "random", "e" * 16))


def best_step(evaluating, folder, last_step) -> int:
    return best(evaluating, folder, last_step).key.step


def save(folder, *steps) -> None:
    for step in steps:
        (folder / f"checkpoints/step_{step:010d}").mkdir(parents=True)


def test_an_evaluation_is_what_bin_evaluate_would_record(evaluating, reference, generator, tmp_path):
    found = in_training.evaluate(evaluating, tmp_path, 5, params(20.0))
    assert found.evaluation.key == comparison.key(reference, 5, record.generator_identity(params(20.0)))
    assert found.evaluation.in_training
    values = comparison.measure(reference, generator.sample(params(20.0), 0, NUM, None)).values
    assert found.evaluation.metrics == pytest.approx(values, rel=1e-6)
    assert found.evaluation.floor["frechet_distance"] == reference.floor["frechet_distance"]
    lines = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()]
    assert lines == [record.to_json(found.evaluation)] and record.read(tmp_path) == [found.evaluation]
    for words in (f"step 5: frechet_distance {values['frechet_distance']:.4g}, floor", "40 images, random", "--step=5"):
        assert words in found.line
    assert generator.asked[0] == (20.0, NUM, None)


def test_what_was_recorded_is_not_measured_again_unless_the_parameters_differ(evaluating, generator, tmp_path):
    first = in_training.evaluate(evaluating, tmp_path, 5, params(20.0))
    assert in_training.evaluate(evaluating, tmp_path, 5, params(20.0)) == first
    assert len(generator.asked) == 1
    other = in_training.evaluate(evaluating, tmp_path, 5, params(30.0))
    assert len(generator.asked) == 2 and record.read(tmp_path) == [other.evaluation]
    assert in_training.recorded(evaluating, tmp_path, 5, params(20.0)) is None
    assert in_training.recorded(evaluating, tmp_path, 5, params(30.0)) == other.evaluation


def test_labels_are_those_of_the_data_for_networks_that_are_told_them(evaluating, generator, tmp_path):
    in_training.evaluate(evaluating._replace(conditional=True), tmp_path, 5, params(20.0))
    ((_, _, labels),) = generator.asked
    assert labels.tolist() == comparison.wanted_labels(SPLITS.train, NUM).tolist()


class StopAfter:
    """True from the given question on."""

    def __init__(self, questions: int):
        self.left = questions

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("questions", [0, 1, 2, 4])
def test_a_request_to_stop_cuts_it_short_and_nothing_is_recorded(evaluating, tmp_path, questions):
    assert in_training.evaluate(evaluating, tmp_path, 5, params(20.0), StopAfter(questions)) is None
    assert not (tmp_path / "evaluations.jsonl").exists()


def test_a_request_to_stop_cuts_the_preparation_short(evaluating, tmp_path):
    def reference(stop):
        return list(signals.until(stop, range(9)))

    assert (
        in_training.evaluate(evaluating._replace(reference=reference), tmp_path, 5, params(20.0), StopAfter(3)) is None
    )
    assert not (tmp_path / "evaluations.jsonl").exists()


def test_a_stop_reaches_the_classifier_in_training(tmp_path, monkeypatch):
    def from_classifier(splits, stop):
        list(signals.until(stop, range(9)))
        raise AssertionError("it went on")

    monkeypatch.setattr(in_training.build, "splits", lambda config: SPLITS)
    monkeypatch.setattr(in_training.features, "from_classifier", from_classifier)
    config = configs.make("article", evaluate_every_steps=1, evaluate_num=NUM, evaluate_features="classifier")
    evaluating = in_training.make(config, SPLITS.train, Generator().sample)
    assert in_training.evaluate(evaluating, tmp_path, 5, params(20.0), StopAfter(3)) is None


def test_the_best_so_far_is_told_and_found(evaluating, tmp_path):
    seen = []
    for step, brightness in enumerate((60.0, 30.0, 90.0, 30.0, 10.0), start=1):
        found = in_training.evaluate(evaluating, tmp_path, step, params(brightness))
        save(tmp_path, step)
        seen.append(found.is_best)
        assert f"--step={best_step(evaluating, tmp_path, step)}" in found.line
    assert seen == [True, True, False, False, True]  # what is only as good does not take the place
    assert [best_step(evaluating, tmp_path, step) for step in range(1, 6)] == [1, 2, 2, 2, 5]
    assert best(evaluating, tmp_path, 0) is None


def test_only_evaluations_of_the_same_kind_with_a_checkpoint_count(evaluating, tmp_path):
    for step, brightness in ((1, 40.0), (2, 10.0), (3, 20.0)):
        in_training.evaluate(evaluating, tmp_path, step, params(brightness))
    first = record.read(tmp_path)[0]
    better = first._replace(metrics=first.metrics | {"frechet_distance": 0.0})
    for changed in (
        {"num": NUM + 1},
        {"protocol": "50k"},
        {"data": "others"},
        {"k": 3},
        {"seed": 1},
        {"extractor": "another"},
        {"step": 3, "features": "classifier"},
    ):
        record.add(tmp_path, better._replace(key=first.key._replace(**changed)))
    save(tmp_path, 1, 3)
    assert best_step(evaluating, tmp_path, 3) == 3
    kept = in_training.best(
        evaluating, tmp_path, 3
    )  # what other settings or another machine have measured takes no place
    assert {kind: evaluation.key.step for kind, evaluation in kept.items()} == {
        (NUM, "random", "e" * 16): 3,
        (NUM, "random", "another"): 1,
        (NUM, "classifier", "e" * 16): 3,
        (NUM + 1, "random", "e" * 16): 1,
    }
    assert in_training.best(evaluating._replace(num=NUM + 1), tmp_path, 3) == kept
    again = in_training.evaluate(evaluating, tmp_path, 2, params(10.0))
    assert again.is_best  # killed between its record and its checkpoint
    save(tmp_path, 2)
    assert best_step(evaluating, tmp_path, 3) == 2
    more = evaluating._replace(metric="precision")
    of_this_kind = [each for each in record.read(tmp_path) if each.key[1:6] == again.evaluation.key[1:6]]
    expected = max(each.metrics["precision"] for each in of_this_kind if each.key[6:8] == (5, 0))
    assert best(more, tmp_path, 3).metrics["precision"] == expected


def test_a_metric_that_is_not_finite_is_never_the_best(evaluating, generator, tmp_path):
    measure, not_finite = comparison.measure, {"frechet_distance": float("nan")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "measure", lambda *given: measure(*given)._replace(values=not_finite))
        first = in_training.evaluate(evaluating, tmp_path, 1, params(40.0))
    save(tmp_path, 1)
    again = in_training.evaluate(evaluating, tmp_path, 1, params(40.0))
    assert len(generator.asked) == 1 and again == first
    assert not again.is_best and "frechet_distance not finite" in again.line
    assert best(evaluating, tmp_path, 1) is None


def test_the_choices_of_keep_best_are_the_metrics_with_a_direction_that_an_evaluation_here_has():
    choices = fields()["keep_best"].metadata["choices"]
    directed = [name for name, way in suite.BETTER.items() if way]
    assert [*choices, "classification_accuracy_score"] == [*suite.KEEP_BEST, suite.SCORE] == directed


def test_the_best_is_sought_in_the_direction_of_its_metric(evaluating, tmp_path):
    for step, brightness in ((1, 0.0), (2, 150.0)):
        in_training.evaluate(evaluating, tmp_path, step, params(brightness))
    save(tmp_path, 1, 2)
    for metric in ("frechet_distance", "kernel_distance", "precision", "recall", "coverage"):
        assert best_step(evaluating._replace(metric=metric), tmp_path, 2) == 1, metric


@pytest.mark.parametrize(
    ("settings", "classes", "words"),
    [
        ({"evaluate_features": "classifier"}, 0, "--evaluate_features=classifier needs labels .* has none"),
        ({"evaluate_features": "classifier"}, 1, "--evaluate_features=classifier needs labels .* has 1; use random"),
        ({"keep_best": "class_entropy"}, 0, "--keep_best=class_entropy needs the features of a classifier"),
        ({"keep_best": "inception_score", "evaluate_features": "random"}, 3, "--keep_best=inception_score needs"),
        ({"keep_best": "label_agreement"}, 3, "--conditional"),
        ({"keep_best": "label_agreement", "conditional": True}, 3, ""),
        ({"keep_best": "class_entropy"}, 3, ""),
        ({}, 0, ""),
        ({"keep_best": "label_agreement", "evaluate_every_steps": 0}, 0, ""),
    ],
)
def test_what_these_data_and_networks_do_not_have_is_refused(tmp_path, monkeypatch, settings, classes, words):
    monkeypatch.setattr(in_training.build, "held_out", lambda config, train: SPLITS.test)
    config = dataclasses.replace(configs.make("article"), **{"evaluate_every_steps": 1, **settings})
    source = SimpleNamespace(name="these", num_classes=classes, num_examples=60_000)
    if not words:
        return in_training.check(config, source, tmp_path)
    with pytest.raises(UserError, match=words):
        in_training.check(config, source, tmp_path)


def test_a_set_with_too_few_images_to_be_measured_is_refused_at_the_start(tmp_path):
    for count, refused in ((59, True), (60, False)):  # one in 6 is held out, 10 are the least
        np.savez(tmp_path / "few.npz", images=np.zeros((count, 8, 8, 1), np.uint8))
        config = configs.make("article", dataset=f"npz:{tmp_path}/few.npz", evaluate_every_steps=1)
        source = open_source(config.dataset)
        if not refused:
            return in_training.check(config, source, tmp_path)
        with pytest.raises(UserError, match="9 images of .* are too few .* give --evaluate_every_steps=0"):
            in_training.check(config, source, tmp_path)


def test_a_classifier_that_could_not_be_tested_is_refused_at_the_start(tmp_path, monkeypatch):
    test = SPLITS.test
    nameless = dataclasses.replace(test, read=lambda rows: (test.read(rows)[0], np.full(len(rows), -1, np.int32)))
    monkeypatch.setattr(in_training.build, "held_out", lambda config, train: nameless)
    config = configs.make("article", evaluate_every_steps=1)
    source = SimpleNamespace(name="these", num_classes=3, num_examples=60_000)
    with pytest.raises(UserError, match="held out of these have no labels; give --evaluate_features=random"):
        in_training.check(config, source, tmp_path)
    in_training.check(dataclasses.replace(config, evaluate_features="random"), source, tmp_path)
    monkeypatch.setattr(in_training.build, "held_out", lambda config, train: None)
    in_training.check(config, source, tmp_path)


def test_what_bin_evaluate_measured_keeps_no_checkpoint_unless_the_trainer_asks_for_it_too(
    evaluating, generator, tmp_path
):
    evaluation = in_training.evaluate(evaluating, tmp_path, 5, params(20.0)).evaluation
    save(tmp_path, 5)
    (tmp_path / "evaluations.jsonl").unlink()
    record.add(tmp_path, evaluation._replace(in_training=False))
    assert best(evaluating, tmp_path, 5) is None
    assert in_training.evaluate(evaluating, tmp_path, 5, params(20.0)).is_best and len(generator.asked) == 1
    assert best(evaluating, tmp_path, 5) == evaluation


def test_a_damaged_file_of_evaluations_is_told_of_before_training(tmp_path):
    (tmp_path / "evaluations.jsonl").write_text("{")
    with pytest.raises(UserError, match="evaluations.jsonl is damaged in line 1"):
        in_training.check(configs.make("article"), SimpleNamespace(name="these", num_classes=3), tmp_path)


def test_copies_of_one_image_are_told_of_and_never_better_than_other_images(evaluating, monkeypatch, tmp_path):
    metric = evaluating._replace(metric="precision")
    measure = comparison.measure
    collapsed = "all generated images are the same: precision and density mean nothing"
    for step, precision, degenerate in ((1, 1.0, collapsed), (2, 0.25, ""), (3, 1.0, collapsed), (4, 0.5, "")):
        values = {"precision": precision}
        monkeypatch.setattr(
            comparison,
            "measure",
            lambda *given, v=values, d=degenerate: measure(*given)._replace(values=v, degenerate=d),
        )
        found = in_training.evaluate(metric, tmp_path, step, params(float(step)))
        save(tmp_path, step)
        assert found.is_best == (step != 3)
        assert (f"; DEGENERATE: {collapsed}" in found.line) == bool(degenerate)
    assert best(metric, tmp_path, 4).key.step == 4 and best(metric, tmp_path, 1).key.step == 1
