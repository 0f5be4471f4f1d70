"""Classifiers of small sets of garments: the same bits again, kept in the cache, and trained on generated images."""

import dataclasses

import numpy as np
import pytest

from gan.data.garments import garments
from gan.data.source import Source, array_reader
from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import classifiers, features
from gan.machine.signals import Stopped

RECIPE = classifiers.Recipe(most_steps=8)


@pytest.fixture(scope="module")
def splits() -> Splits:
    parts = [garments.draw(np.arange(first, first + count)) for first, count in ((0, 1500), (60_000, 200))]
    train, test = (
        Source("toys", len(images), images.shape[1:], garments.CLASS_NAMES, f"{len(images)}", "", array_reader(*arrays))
        for arrays in parts
        for images in arrays[:1]
    )
    return Splits(train, test, train)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_same_bits_again_and_from_the_cache(splits, monkeypatch, capsys):
    first = classifiers.cached(splits, RECIPE)
    assert "Training the classifier of toys for 8 steps" in capsys.readouterr().err
    again = classifiers.fit(first.network, splits.train, RECIPE)
    assert classifiers.identity(again) == classifiers.identity(first.params)
    assert first.accuracy > 0.4 and first.tested_on == 200  # one in ten by chance
    assert classifiers.accuracy(first.network, again, splits.test) == (first.accuracy, 200)
    monkeypatch.setattr(classifiers, "fit", None)  # not trained a second time
    kept = classifiers.cached(splits, RECIPE)
    assert classifiers.identity(kept.params) == classifiers.identity(first.params)
    assert (kept.accuracy, kept.tested_on, capsys.readouterr().err) == (first.accuracy, 200, "")


def test_a_request_to_stop_is_heeded_while_it_trains_and_leaves_nothing(splits, tmp_path):
    class Late:
        """True from the second question on."""

        asked = 0

        def __bool__(self):
            self.asked += 1
            return self.asked > 1

    stop = Late()
    with pytest.raises(Stopped):
        features.from_classifier(splits, RECIPE._replace(most_steps=400, most_epochs=100), stop)
    assert stop.asked == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_other_data_or_another_recipe_is_another_classifier(splits):
    other = splits._replace(train=dataclasses.replace(splits.train, fingerprint="other"))
    names = {classifiers._key(*pair) for pair in ((splits, RECIPE), (other, RECIPE), (splits, classifiers.RECIPE))}
    assert len(names) == 3


def test_small_sets_are_not_seen_too_often():
    assert [classifiers.RECIPE.steps(count) for count in (1, 128, 1280, 60_000)] == [1, 30, 300, 2600]


def test_unlabelled_images_are_refused_with_the_remedy(splits):
    without = splits._replace(train=dataclasses.replace(splits.train, class_names=()))
    with pytest.raises(UserError, match="toys has no labels .* use random ones"):
        classifiers.cached(without, RECIPE)


def test_classification_accuracy_score_tells_good_images_from_bad(splits):
    images, labels = splits.train.read(np.arange(1500))
    good = classifiers.classification_accuracy_score(images, labels, splits.test, RECIPE)
    bad = classifiers.classification_accuracy_score(images, (labels + 1) % 10, splits.test, RECIPE)
    assert good > 0.4 and bad < 0.2
    with pytest.raises(UserError, match="not those of the 10 classes"):
        classifiers.classification_accuracy_score(images, labels + 1, splits.test, RECIPE)
