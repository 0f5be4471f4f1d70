import numpy as np
import pytest

from gan.metrics import kernel


def normal(seed, count, dimensions, shift=0.0):
    return (np.random.default_rng(seed).standard_normal((count, dimensions)) + shift).astype(np.float32)


def naive(x, y):
    """MMD^2 without bias, a pair at a time."""

    def k(a, b):
        return (float(a @ b) / len(a) + 1.0) ** 3

    x, y = x.astype(np.float64), y.astype(np.float64)
    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2.0 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize(("n", "m", "dimensions"), [(2, 2, 1), (17, 23, 5), (40, 31, 16)])
def test_discrepancy_equals_a_loop_over_pairs(n, m, dimensions):
    x, y = normal(0, n, dimensions), normal(1, m, dimensions, 0.3)
    assert kernel.discrepancy(x, y) == pytest.approx(naive(x, y), rel=1e-9, abs=1e-12)


def test_mean_over_subsets_is_that_of_a_loop():
    """Of 2 x 2 subsets without remainder, the mean over divisions is a mean of naive values of parts of the samples."""
    real, fake = normal(2, 30, 4), normal(3, 34, 4, 0.5)
    found = kernel.kernel(real, fake, seed=7, subset_size=15)
    values = np.empty((kernel.DIVISIONS, 2))
    for division in range(kernel.DIVISIONS):
        orders = [
            np.argsort(np.random.Philox(key=np.array([7, stream], np.uint64)).random_raw(count))
            for stream, count in ((2 * division, 30), (2 * division + 1, 34))
        ]
        for i in range(2):
            part = slice(15 * i, 15 * (i + 1))
            values[division, i] = naive(real[orders[0][part]], fake[orders[1][part]])
    assert found["kernel_distance"] == pytest.approx(values.mean(), rel=1e-9)
    assert found["kernel_distance_stderr"] == pytest.approx(np.sqrt((values.var(axis=1, ddof=1) / 2).mean()), rel=1e-9)


def test_without_bias_for_one_distribution_and_honest_about_its_error():
    """Over 60 draws: the mean is 0 to within its error, and the stated error is no less than the observed one."""
    found = [kernel.kernel(normal(100 + i, 120, 4), normal(900 + i, 120, 4), i, subset_size=30) for i in range(60)]
    values = np.array([row["kernel_distance"] for row in found])
    stated = np.sqrt(np.mean([row["kernel_distance_stderr"] ** 2 for row in found]))
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(60)
    assert (values < 0).any() and (values > 0).any()
    assert 0.8 * values.std() < stated < 4 * values.std()


def test_expectation_does_not_depend_on_the_sample_size_and_error_covers_the_spread():
    """Between two distributions: few and many samples agree, and the stated error is the observed one."""
    means, spreads = [], []
    for count, subset in ((40, 10), (160, 40)):
        found = [
            kernel.kernel(normal(i, count, 3), normal(5000 + i, count, 3, 0.7), i, subset_size=subset)
            for i in range(80)
        ]
        values = np.array([row["kernel_distance"] for row in found])
        stated = np.sqrt(np.mean([row["kernel_distance_stderr"] ** 2 for row in found]))
        assert 0.75 * values.std() < stated < 1.5 * values.std()
        means.append(values.mean())
        spreads.append(values.std() / np.sqrt(80))
    assert abs(means[0] - means[1]) < 3 * np.hypot(*spreads)
    assert means[1] > 10 * spreads[1]


def test_seed_addresses_the_subsets():
    real, fake = normal(4, 50, 3), normal(5, 60, 3)
    one, again, other = (kernel.kernel(real, fake, seed, subset_size=10) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_rotation_changes_nothing():
    real, fake = normal(6, 60, 6).astype(np.float64), normal(7, 60, 6, 0.2).astype(np.float64)
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    turned = kernel.kernel(real @ axes, fake @ axes, 0, subset_size=20)
    for name, value in kernel.kernel(real, fake, 0, subset_size=20).items():
        assert turned[name] == pytest.approx(value, rel=1e-9)


def test_sets_smaller_than_a_subset_are_halved_and_too_small_ones_refused():
    found = kernel.kernel(normal(8, 4, 3), normal(9, 900, 3), 0)
    assert np.isfinite(list(found.values())).all()
    with pytest.raises(ValueError, match="4 real samples or more are needed; there are 3."):
        kernel.kernel(normal(8, 3, 3), normal(9, 900, 3), 0)
    with pytest.raises(ValueError, match="one dimension; theirs are 3 and 2"):
        kernel.kernel(normal(8, 9, 3), normal(9, 9, 2), 0)
