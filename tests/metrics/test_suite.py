"""The table of metrics: each value is made by one line of it, which says what of and which way it is better."""

import subprocess
import sys

import numpy as np
import pytest

from gan.metrics import classification, frechet, kernel, manifold, suite

REAL = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
FAKE = np.random.default_rng(1).standard_normal((50, 5)).astype(np.float32)
PROBABILITIES = np.random.default_rng(2).dirichlet(np.full(3, 0.5), 50)
LABELS = np.random.default_rng(3).integers(0, 3, 50)
WHOLE = suite.Inputs(REAL, FAKE, PROBABILITIES, ("a", "b", "c"), LABELS, k=3, seed=9)


def test_joins_every_metric_in_the_order_of_the_table():
    expected = frechet.frechet(REAL, FAKE) | kernel.kernel(REAL, FAKE, seed=9) | manifold.manifold(REAL, FAKE, k=3)
    assert suite.evaluate(suite.Inputs(REAL, FAKE, k=3, seed=9)) == expected
    expected |= classification.inception_score(PROBABILITIES) | classification.class_variety(PROBABILITIES)
    expected |= suite.class_shares(PROBABILITIES, ("a", "b", "c"))
    expected |= classification.label_agreement(PROBABILITIES, LABELS)
    assert suite.evaluate(WHOLE) == expected
    assert list(suite.evaluate(WHOLE)) == [
        "frechet_distance",
        "kernel_distance",
        "kernel_distance_stderr",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "class_entropy",
        "smallest_class_share",
        "class_share/a",
        "class_share/b",
        "class_share/c",
        "label_agreement",
    ]


@pytest.mark.parametrize("metric", suite.METRICS, ids=lambda metric: metric.function.__name__)
def test_a_line_names_the_values_of_its_function_and_what_they_are_made_of(metric):
    made = metric.function(*(getattr(WHOLE, name) for name in metric.inputs))
    assert {name for name in made if not name.startswith(suite.SHARE)} == metric.better.keys()
    assert set(metric.better.values()) <= {-1, 0, 1}
    for name in set(metric.inputs) - {"real", "fake", "k", "seed"}:
        without = suite.evaluate(WHOLE._replace(**{name: None}))
        assert not without.keys() & made.keys()
    assert {name: suite.INPUTS[name] for name in metric.better} == dict.fromkeys(metric.better, metric.inputs)


def test_no_two_metrics_make_a_value_of_one_name():
    assert len(suite.INPUTS) == sum(len(metric.better) for metric in suite.METRICS)
    assert suite.BETTER.keys() == suite.INPUTS.keys() | {suite.SCORE}


def test_the_directions_are_those_in_which_real_images_are_better():
    far = suite.Inputs(REAL, FAKE + 3, np.full((50, 3), 1 / 3) + np.array([0.01, 0, 0]), None, np.full(50, 2))
    alike = np.eye(3)[np.arange(50) % 3]
    near = suite.Inputs(REAL, REAL[:50], alike, None, alike.argmax(axis=1))
    bad, good = suite.evaluate(far), suite.evaluate(near)
    for name in suite.KEEP_BEST:
        assert suite.BETTER[name] * good[name] > suite.BETTER[name] * bad[name], name


def test_the_best_checkpoint_can_be_chosen_by_what_has_a_direction_and_is_measured_here():
    assert suite.KEEP_BEST == (
        "frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "class_entropy",
        "smallest_class_share",
        "label_agreement",
    )


def test_shares_are_those_of_the_most_probable_classes():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.9, 0.1, 0.0]])
    shares = suite.class_shares(probabilities, ("a", "b", "c"))
    assert shares == {"class_share/a": 0.75, "class_share/b": 0.0, "class_share/c": 0.25}
    with pytest.raises(ValueError):
        suite.class_shares(probabilities, ("a", "b"))


def test_inputs_are_left_as_they_are():
    real, fake = REAL.copy(), FAKE.astype(np.float64)
    suite.evaluate(suite.Inputs(real, fake))
    np.testing.assert_array_equal(real, REAL)
    np.testing.assert_array_equal(fake, FAKE)


def test_the_table_is_there_without_tensorflow():
    program = "import sys, gan.metrics.suite; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
