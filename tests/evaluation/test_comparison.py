"""Measuring images with features that are simply pixels: what collapsed, copied and real images must give."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from gan.data.source import Source, array_reader
from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import classifiers, comparison, record
from gan.evaluation.features import Extractor
from gan.metrics import suite


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of 2 x 2 pixels in three classes, told by the brightest of the first three pixels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(0, 100, (count, 4))
    images[np.arange(count), labels] += 100
    return images.reshape(count, 2, 2, 1).astype(np.uint8), labels.astype(np.int32)


def source_of(name: str, count: int, seed: int) -> Source:
    return Source(name, count, (2, 2, 1), ("a", "b", "c"), f"{name}{count}", "", array_reader(*drawn(count, seed)))


def pixels(images: tf.Tensor):
    flat = tf.reshape(tf.cast(images, tf.float32), [images.shape[0], 4]) / 50.0
    return flat, tf.nn.softmax(20.0 * flat[:, :3])


EXTRACTOR = Extractor("pixels", "four pixels", "0", pixels)
TRAIN = source_of("train", 600, 1)
SPLITS = Splits(TRAIN, source_of("test", 400, 2), TRAIN)
PROTOCOL = comparison.Protocol("small", 300, False)


@pytest.fixture(scope="module")
def reference() -> comparison.Reference:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/nowhere/to/be/written")
        return comparison.prepare(SPLITS, EXTRACTOR, PROTOCOL)


def test_real_images_are_at_the_floor(reference):
    images, labels = drawn(300, seed=3)
    values = comparison.measure(reference, [images[:100], images[100:]], labels).values
    assert reference.floor["frechet_distance"] < 0.2 and values["frechet_distance"] < 0.2
    for name in ("precision", "recall", "coverage"):
        assert values[name] > 0.8 and abs(values[name] - reference.floor[name]) < 0.1
    assert abs(values["kernel_distance"]) < 4 * values["kernel_distance_stderr"] + 1e-3
    assert values["label_agreement"] > 0.99 and values["inception_score"] > 2.8
    assert values["class_entropy"] == pytest.approx(np.log(3), abs=0.01)
    assert [values[f"class_share/{name}"] for name in "abc"] == pytest.approx([1 / 3] * 3, abs=0.02)


def test_collapsed_images_are_far_from_it(reference):
    images = np.repeat(drawn(1, seed=4)[0], 300, axis=0)
    values, degenerate = comparison.measure(reference, [images], np.ones(300, np.int64))
    assert degenerate == "all generated images are the same: precision and density mean nothing"
    assert values["frechet_distance"] > 10 * reference.floor["frechet_distance"]
    assert values["recall"] == 0.0 and values["coverage"] < 0.1
    assert (values["class_entropy"], values["smallest_class_share"], values["label_agreement"]) == (0.0, 0.0, 0.0)
    assert values["inception_score"] == pytest.approx(1.0)


def test_the_same_images_have_the_same_values(reference):
    images, _ = drawn(300, seed=5)
    assert comparison.measure(reference, [images]) == comparison.measure(reference, iter(np.split(images, 3)))


def test_sizes_are_those_of_the_protocol_or_as_many_as_there_are(reference):
    assert (reference.num, len(reference.real[0]), reference.floor_num) == (300, 300, 300)
    assert reference.sizes == "small: 300 generated against 300 test images of test"
    more = comparison.prepare(SPLITS, EXTRACTOR, PROTOCOL, num=500)
    assert (more.num, len(more.real[0]), more.floor_num) == (500, 400, 500)
    against = comparison.prepare(SPLITS, EXTRACTOR, comparison.Protocol("all", 500, True), num=100)
    assert (against.num, len(against.real[0]), against.floor_num) == (100, 600, 100)
    assert against.floor_sizes == "100 real test images against the same 600"
    seen = comparison.prepare(SPLITS._replace(seen=source_of("both", 1000, 1)), EXTRACTOR, PROTOCOL)
    assert seen.sizes.endswith("test, which the generator was trained on too")


def test_labels_that_are_wanted_are_as_frequent_as_in_the_data():
    some, many = (comparison.wanted_labels(SPLITS.train, count) for count in (100, 1200))
    assert np.array_equal(some, many[:100]) and many.dtype == np.int32
    assert np.bincount(many).tolist() == [400, 400, 400]
    assert len(set(some[:20].tolist())) == 3  # in no order
    train = SPLITS.train
    partly = dataclasses.replace(train, read=lambda rows: (None, np.where(rows % 2, train.read(rows)[1], -1)))
    labels = comparison.wanted_labels(partly, 1200)
    assert labels.min() == 0 and np.array_equal(labels[:50], comparison.wanted_labels(partly, 50))
    none = dataclasses.replace(train, read=lambda rows: (None, np.full(len(rows), -1, np.int32)))
    with pytest.raises(UserError, match="has no labels"):
        comparison.wanted_labels(none, 5)


def test_labels_of_files_become_those_of_the_data():
    labels, known = np.array([1, 0, 1]), ("Bag", "Coat", "Dress")
    assert comparison.in_classes(labels, ("Dress", "Bag"), known, "x").tolist() == [0, 2, 0]
    assert comparison.in_classes(labels, ("0", "1"), known, "x").tolist() == [1, 0, 1]
    assert comparison.in_classes(labels, ("1", "0"), ("0", "1"), "x").tolist() == [0, 1, 0]
    assert comparison.in_classes(labels, ("0", "2"), ("2", "1", "0"), "x").tolist() == [0, 2, 0]  # names, not numbers
    assert comparison.in_classes(labels, ("dress", "bag"), known, "x").tolist() == [0, 2, 0]
    assert comparison.in_classes(labels, (), known, "x") is None
    assert comparison.in_classes(labels, ("Bag",), (), "x") is None
    with pytest.raises(UserError, match="1 of 3 images in x have no label; label all of them, or none"):
        comparison.in_classes(np.array([1, -1, 0]), ("Dress", "Bag"), known, "x")
    for names in (("Hat",), tuple("0123")):
        with pytest.raises(UserError, match="x has a class (Hat|3), the data set has Bag, Coat, Dress"):
            comparison.in_classes(labels, names, known, "x")


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="9 generated images are too few for the metrics; 10 are the least"):
        comparison.prepare(SPLITS, EXTRACTOR, PROTOCOL, num=9)
    few = SPLITS._replace(test=source_of("few", 8, 1))
    with pytest.raises(UserError, match="8 images of few are too few"):
        comparison.prepare(few, EXTRACTOR, PROTOCOL)


def test_as_many_images_are_wanted_as_there_are_real_ones_and_the_floor_says_where_it_has_fewer():
    few = SPLITS._replace(test=source_of("few", 12, 1))
    assert comparison.wanted_num(few, PROTOCOL) == 12
    reference = comparison.prepare(few, EXTRACTOR, PROTOCOL)
    assert (reference.num, len(reference.real[0]), reference.floor_num) == (12, 12, 12)
    assert "12 generated against 12 test" in reference.sizes and "fewer" not in reference.floor_sizes
    against_train = comparison.prepare(few, EXTRACTOR, comparison.PROTOCOLS["50k"], num=40)
    assert (against_train.num, against_train.floor_num) == (40, 12)
    assert "12 real test images" in against_train.floor_sizes and "fewer than generated" in against_train.floor_sizes
    assert comparison.wanted_num(few, comparison.PROTOCOLS["50k"]) == 50_000


def test_features_that_are_not_finite_are_one_line():
    broken = EXTRACTOR._replace(apply=lambda images: (pixels(images)[0] * np.nan, tf.zeros([images.shape[0], 0])))
    with pytest.raises(UserError, match="the metrics cannot be computed: .* Use other features"):
        comparison.prepare(SPLITS, broken._replace(identity="1"), PROTOCOL)


def test_no_class_is_left_out_of_the_shares_and_of_too_many_there_are_none(reference):
    images, labels = drawn(300, seed=3)
    names = [name for name in comparison.measure(reference, [images], labels).values if name.startswith(suite.SHARE)]
    assert names == [name for name in reference.floor if name.startswith(suite.SHARE)]
    assert names == ["class_share/a", "class_share/b", "class_share/c"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "_MOST_CLASSES", 2)
        values = comparison.measure(reference, [images], labels).values
    assert values.keys() == suite.INPUTS.keys()  # all else is measured


def test_the_floor_cannot_be_changed(reference):
    with pytest.raises(TypeError):
        reference.floor["classification_accuracy_score"] = 0.8


def test_an_evaluation_says_what_was_measured(reference):
    measured = comparison.measure(reference, [drawn(300, seed=3)[0]])
    key = comparison.key(reference, 7, record.generator_identity({"kernel": tf.ones([3])}))
    evaluation = comparison.evaluated(reference, key, measured, images="some.npz")
    assert evaluation.key == key and key[:6] == (7, "small", 300, "pixels", "0", "train600") and key[6:8] == (5, 0)
    assert evaluation.metrics == measured.values and evaluation.floor.keys() == measured.values.keys()
    assert (evaluation.real_samples, evaluation.floor_samples, evaluation.images) == (300, 300, "some.npz")
    assert evaluation.meaning == {
        "features": "four pixels",
        "sizes": "small: 300 generated against 300 test images of test",
        "floor": "300 real training images against the same 300",
    }
    assert set(suite.BETTER) >= {name for name in measured.values if not name.startswith(suite.SHARE)}
    other = comparison.key(reference, 7, record.generator_identity({"kernel": tf.zeros([3])}))
    assert key._replace(generator=other.generator) == other != key


def test_identities_are_shortened_in_a_key(reference):
    long = reference._replace(
        extractor=EXTRACTOR._replace(identity="e" * 64),
        splits=SPLITS._replace(seen=dataclasses.replace(TRAIN, fingerprint="d" * 64)),
    )
    key = comparison.key(long, 7, "9" * 64)
    assert (key.extractor, key.data, key.generator) == ("e" * 16, "d" * 16, "9" * 16)


def test_figures_that_are_not_finite_are_none(reference):
    key = comparison.key(reference, 7, "9")
    broken = dict.fromkeys(reference.floor, np.nan) | {"recall": np.float32(np.inf), "density": np.float32(0.5)}
    evaluation = comparison.evaluated(reference, key, comparison.Measured(broken, ""))
    assert evaluation.metrics == dict.fromkeys(broken) | {"density": 0.5}
    assert type(evaluation.metrics["density"]) is float  # JSON does not know those of NumPy
    assert evaluation.floor == dict(reference.floor)


def test_the_score_comes_with_that_of_the_real_images_as_its_floor(reference, monkeypatch):
    images, labels = drawn(300, seed=3)
    seen = []

    def score(*given):
        seen.extend(given)
        return 0.25

    monkeypatch.setattr(classifiers, "cached", lambda splits: classifiers.TrainedClassifier(None, None, 0.75, 400))
    monkeypatch.setattr(classifiers, "classification_accuracy_score", score)
    key = comparison.key(reference, 7, "9")
    before = comparison.evaluated(reference, key, comparison.measure(reference, [images]), in_training=True)
    after = comparison.with_score(reference, before, images, labels)
    assert seen[0] is images and seen[1] is labels and seen[2] is SPLITS.test
    assert after.metrics == before.metrics | {"classification_accuracy_score": 0.25}
    assert after.floor == before.floor | {"classification_accuracy_score": 0.75}
    assert after.score_samples == 300 and before.score_samples == 0
    assert after._replace(metrics=before.metrics, floor=before.floor, score_samples=0) == before


def test_images_that_are_all_the_same_are_named_as_such(reference):
    black = np.zeros((300, 2, 2, 1), np.uint8)
    measured = comparison.measure(reference, [black[:100], black[100:]])
    assert measured.degenerate == "all generated images are the same: precision and density mean nothing"
    named = comparison.key(reference, 7, "9")
    evaluation = comparison.evaluated(reference, named, measured)
    assert record.to_json(evaluation)["degenerate"] == measured.degenerate
    assert record.from_json(record.to_json(evaluation)) == evaluation
    good = comparison.evaluated(reference, named, comparison.measure(reference, [drawn(300, seed=3)[0]]))
    assert "degenerate" not in record.to_json(good)


def test_real_images_that_are_all_the_same_are_named_as_such():
    grey = np.full((400, 2, 2, 1), 7, np.uint8)
    test = dataclasses.replace(SPLITS.test, read=array_reader(grey, np.zeros(400, np.int32)), fingerprint="grey")
    reference = comparison.prepare(Splits(TRAIN, test, TRAIN), EXTRACTOR._replace(identity="2"), PROTOCOL)
    measured = comparison.measure(reference, [drawn(300, seed=3)[0]])
    assert measured.degenerate == "all real images are the same: precision and density mean nothing"
    both = comparison.measure(reference, [grey])
    assert both.degenerate.startswith("all generated images are the same; all real images are the same: ")
