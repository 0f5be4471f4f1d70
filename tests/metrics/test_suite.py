import numpy as np

from gan.metrics import frechet, kernel, manifold, suite

REAL = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
FAKE = np.random.default_rng(1).standard_normal((50, 5)).astype(np.float32)


def test_joins_every_metric_after_the_sample_sizes():
    expected = {"real_samples": 60, "fake_samples": 50}
    expected |= frechet.frechet(REAL, FAKE) | kernel.kernel(REAL, FAKE, seed=9) | manifold.manifold(REAL, FAKE, k=3)
    assert suite.evaluate(REAL, FAKE, k=3, seed=9) == expected
    assert list(expected) == [
        "real_samples",
        "fake_samples",
        "frechet_distance",
        "kernel_distance",
        "kernel_distance_stderr",
        "precision",
        "recall",
        "density",
        "coverage",
    ]


def test_inputs_are_left_as_they_are():
    real, fake = REAL.copy(), FAKE.astype(np.float64)
    suite.evaluate(real, fake)
    np.testing.assert_array_equal(real, REAL)
    np.testing.assert_array_equal(fake, FAKE)
