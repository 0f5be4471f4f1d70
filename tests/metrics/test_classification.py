import numpy as np
import pytest

from gan.metrics import classification


def probabilities(seed, count, classes, sharpness=2.0):
    logits = sharpness * np.random.default_rng(seed).standard_normal((count, classes))
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def test_inception_score_equals_the_mean_divergence_by_scipy():
    special = pytest.importorskip("scipy.special")
    p = probabilities(0, 200, 10)
    marginal = p.mean(axis=0)
    expected = np.exp(special.rel_entr(p, marginal).sum(axis=1).mean())
    assert classification.inception_score(p)["inception_score"] == pytest.approx(expected, rel=1e-12)


def test_bounds_of_the_inception_score():
    def score(p):
        return classification.inception_score(p)["inception_score"]

    assert score(np.eye(10)[np.arange(100) % 10]) == pytest.approx(10.0)  # sure, and of every class
    assert score(np.eye(10)[np.zeros(100, int)]) == pytest.approx(1.0)  # sure, and always the same
    assert score(np.full((100, 10), 0.1)) == pytest.approx(1.0)  # never sure
    assert score(np.eye(10)[np.arange(100) % 4]) == pytest.approx(4.0)


def test_histogram_and_entropy():
    shares = classification.class_histogram(np.array([0, 0, 3, 1], np.uint8), 5)
    np.testing.assert_array_equal(shares, [0.5, 0.25, 0.0, 0.25, 0.0])
    assert classification.entropy(shares) == pytest.approx(1.5 * np.log(2.0))
    assert classification.entropy(np.full(10, 0.1)) == pytest.approx(np.log(10.0))
    assert classification.entropy(np.eye(3)[0]) == 0.0


def test_class_variety_shows_a_missing_class():
    variety = classification.class_variety(np.eye(10)[np.arange(90) % 9])
    assert variety == {"class_entropy": pytest.approx(np.log(9.0)), "smallest_class_share": 0.0}
    variety = classification.class_variety(np.eye(4)[[0, 0, 1, 1, 2, 3, 3, 3]])
    assert variety["smallest_class_share"] == 0.125


def test_label_agreement_and_confusion():
    p = np.eye(3)[[0, 1, 2, 2, 1]] * 0.7 + 0.1
    labels = np.array([0, 1, 2, 0, 0])
    assert classification.label_agreement(p, labels) == {"label_agreement": pytest.approx(0.6)}
    table = classification.confusion(labels, p.argmax(axis=1), 3)
    np.testing.assert_array_equal(table, [[1, 1, 1], [0, 1, 0], [0, 0, 1]])


def test_confusion_equals_a_loop():
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 7, (2, 500), dtype=np.uint8)
    expected = np.zeros((50, 50), int)
    for i, j in zip(labels, predicted, strict=True):
        expected[i, j] += 1
    np.testing.assert_array_equal(classification.confusion(labels, predicted, 50), expected)


@pytest.mark.parametrize("p", [np.full((3, 4), 0.5), np.full((3, 4), np.nan), [[1.5, -0.5]]])
def test_what_is_no_probability_is_refused(p):
    for measure in (classification.inception_score, classification.class_variety):
        with pytest.raises(ValueError, match="must not be negative and must have the sum 1"):
            measure(np.asarray(p))


def test_labels_that_do_not_fit_are_refused():
    p = probabilities(0, 3, 4)
    with pytest.raises(ValueError, match="from 0 to 3; they go from 1 to 4"):
        classification.label_agreement(p, np.array([1, 2, 4]))
    with pytest.raises(ValueError, match="there are 2 and 3"):
        classification.label_agreement(p, np.array([1, 2]))
    with pytest.raises(ValueError, match="labels must be integers"):
        classification.class_histogram(np.array([]), 4)
    with pytest.raises(ValueError, match="must be a matrix"):
        classification.inception_score(np.zeros((0, 4)))
