import numpy as np
import pytest

from gan.metrics import frechet

scipy_linalg = pytest.importorskip("scipy.linalg")


def gaussian(seed, count, dimensions, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    mixing = random.standard_normal((dimensions, dimensions)) / np.sqrt(dimensions)
    return (random.standard_normal((count, dimensions)) @ mixing * scale + shift).astype(np.float32)


def reference(real, fake):
    """The textbook formula, by scipy's root of the product."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    c1, c2 = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (real, fake))
    root = scipy_linalg.sqrtm(c1 @ c2)
    return float(np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(c1 + c2 - 2 * np.real(root)))


def value(real, fake):
    return frechet.frechet(real, fake)["frechet_distance"]


def test_moments_equal_numpy_over_several_blocks(monkeypatch):
    monkeypatch.setattr(frechet, "BLOCK_ROWS", 100)
    features = gaussian(0, 333, 7, shift=1000.0)
    mean, covariance = frechet.moments(features)
    np.testing.assert_allclose(mean, features.astype(np.float64).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(covariance, np.cov(features.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-12)
    assert mean.dtype == covariance.dtype == np.float64


@pytest.mark.parametrize(("count", "dimensions"), [(300, 1), (400, 5), (500, 64)])
def test_equals_the_formula_with_scipys_root(count, dimensions):
    real, fake = gaussian(1, count, dimensions), gaussian(2, count + 31, dimensions, scale=1.3, shift=0.2)
    assert value(real, fake) == pytest.approx(reference(real, fake), rel=1e-7)


def test_closed_form_of_two_gaussians_that_share_their_axes():
    random = np.random.default_rng(3)
    axes = np.linalg.qr(random.standard_normal((6, 6)))[0]
    s1, s2 = random.uniform(0, 3, 6), random.uniform(0, 3, 6)
    s1[0], s2[0] = 1e-5, 3.0  # a direction that is nearly missing still counts
    m1, m2 = random.standard_normal((2, 6))
    expected = np.sum((m1 - m2) ** 2) + np.sum((s1 - s2) ** 2)
    found = frechet.distance(m1, axes * s1**2 @ axes.T, m2, axes * s2**2 @ axes.T)
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("shares", [(0, 6), (2, 4), (3, 3)])
def test_closed_form_where_both_covariances_are_singular(shares):
    only_first, both = shares  # axes with variance in the first set alone, and in both
    random = np.random.default_rng(4)
    axes = np.linalg.qr(random.standard_normal((9, 9)))[0]
    s1, s2 = np.zeros(9), np.zeros(9)
    s1[: only_first + both] = random.uniform(1, 2, only_first + both)
    s2[only_first : only_first + both] = random.uniform(1, 2, both)
    found = frechet.distance(np.zeros(9), axes * s1**2 @ axes.T, np.zeros(9), axes * s2**2 @ axes.T)
    assert found == pytest.approx(np.sum((s1 - s2) ** 2), rel=1e-11)


@pytest.mark.parametrize(("count", "dimensions"), [(500, 20), (10, 64), (2, 3)])
def test_of_a_set_with_itself_is_zero(count, dimensions):
    features = gaussian(5, count, dimensions, shift=3.0)
    assert 0.0 <= value(features, features) < 1e-10


def test_fewer_samples_than_dimensions_equal_the_distance_within_their_span():
    random = np.random.default_rng(6)
    low_real, low_fake = random.standard_normal((2, 20, 8))
    basis = np.linalg.qr(random.standard_normal((50, 8)))[0].T  # [8, 50]
    assert value(low_real @ basis, low_fake @ basis) == pytest.approx(reference(low_real, low_fake), rel=1e-7)


def test_fewer_samples_than_dimensions_equal_the_distance_by_the_samples_alone():
    """Both covariances are singular; their roots' trace is the sum of the singular values of the centred products."""
    real, fake = gaussian(10, 60, 400).astype(np.float64), gaussian(11, 45, 400, 1.3, 0.2).astype(np.float64)
    x, y = real - real.mean(axis=0), fake - fake.mean(axis=0)
    root_trace = np.linalg.svd(x @ y.T, compute_uv=False).sum() / np.sqrt(59 * 44)
    away = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    expected = away + np.sum(x**2) / 59 + np.sum(y**2) / 44 - 2 * root_trace
    assert value(real, fake) == pytest.approx(expected, rel=1e-9)


def test_one_image_over_and_over():
    real = gaussian(7, 200, 12)
    fake = np.broadcast_to(real[3], (150, 12))
    mean, covariance = frechet.moments(real)
    assert value(real, fake) == pytest.approx(np.sum((mean - real[3]) ** 2) + np.trace(covariance), rel=1e-6)
    assert value(fake, fake) == 0.0


def test_rotation_translation_and_order_of_the_two_change_nothing_and_scale_counts_twice():
    real, fake = gaussian(8, 300, 10).astype(np.float64), gaussian(9, 280, 10, 1.2, 0.1).astype(np.float64)
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((10, 10)))[0]
    expected = value(real, fake)
    assert value(fake, real) == pytest.approx(expected, rel=1e-10)
    assert value(real @ axes + 5.0, fake @ axes + 5.0) == pytest.approx(expected, rel=1e-9)
    assert value(3.0 * real, 3.0 * fake) == pytest.approx(9.0 * expected, rel=1e-10)


def broken(value):
    features = gaussian(0, 10, 3)
    features[4, 1] = value
    return features


@pytest.mark.parametrize(
    ("real", "fake", "line"),
    [
        (gaussian(0, 1, 3), gaussian(0, 9, 3), "2 real samples or more are needed; there are 1."),
        (gaussian(0, 9, 3), gaussian(0, 0, 3), "2 fake samples or more are needed; there are 0."),
        (gaussian(0, 9, 3), gaussian(0, 9, 4), "real and fake features must have one dimension; theirs are 3 and 4."),
        (broken(np.nan), gaussian(0, 9, 3), "real features must be finite; 1 of 10 samples have a NaN or infinity."),
        (gaussian(0, 9, 3), broken(np.inf), "fake features must be finite; 1 of 10 samples have a NaN or infinity."),
        (np.zeros((9, 2, 2)), gaussian(0, 9, 4), "real features must be a matrix [samples, dimensions]; these have"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(real, fake, line):
    with pytest.raises(ValueError) as caught:
        frechet.frechet(real, fake)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_moments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="moments do not fit"):
        frechet.distance(np.zeros(3), np.eye(3), np.zeros(4), np.eye(4))
