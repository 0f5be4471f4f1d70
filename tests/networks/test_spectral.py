import numpy as np
import pytest
import tensorflow as tf

from gan.networks import spectral


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("channels", "filters"), [(8, 8), (8, 16), (16, 8)])
def test_many_channels_go_through_the_frequencies(channels, filters, monkeypatch):
    used = []
    whole = spectral._by_frequencies
    monkeypatch.setattr(spectral, "_by_frequencies", lambda *arguments: used.append(1) or whole(*arguments))
    spectral.convolve(
        tf.constant(normal(1, 5, 5, 2, channels)), tf.constant(normal(2, 3, 3, channels, filters)), "SAME"
    )
    assert used


@pytest.mark.parametrize(("channels", "filters"), [(1, 8), (8, 1), (7, 7), (1, 64), (3, 3)])
@pytest.mark.parametrize(("padding", "upsample"), [("SAME", 1), ("SAME", 2), ("VALID", 1), ("VALID", 2)])
def test_the_written_out_sum_equals_the_frequencies(channels, filters, padding, upsample):
    x, kernel = tf.constant(normal(1, 6, 5, 2, channels)), tf.constant(normal(2, 5, 5, channels, filters))
    few = spectral.convolve(x, kernel, padding, upsample)
    expected = spectral._by_frequencies(x, kernel, padding, upsample)
    np.testing.assert_allclose(few, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("size", [20, 28, 32])
def test_the_sizes_of_the_networks_keep_float32_accuracy(size, reference_convolution):
    x, kernel = normal(1, 1, size, size, 8), normal(2, 5, 5, 8, 8)
    y = spectral.leave(spectral.convolve(spectral.enter(tf.constant(x)), tf.constant(kernel), "SAME"))
    expected = reference_convolution(x, kernel, "SAME", 1)
    assert np.abs(y - expected).max() < 5e-6 * np.abs(expected).max()


def test_an_impulse_gives_the_kernel_back():
    x = np.zeros((7, 7, 1, 8), np.float32)
    x[3, 3, 0, :] = np.eye(8)[2]
    kernel = normal(2, 5, 5, 8, 8)
    y = spectral.convolve(tf.constant(x), tf.constant(kernel), "SAME").numpy()[:, :, 0]
    np.testing.assert_allclose(y[1:6, 1:6], kernel[::-1, ::-1, 2], atol=2e-6)
    y[1:6, 1:6] = 0
    np.testing.assert_allclose(y, 0, atol=2e-6)


def test_nothing_wraps_around_the_edge():
    x = np.zeros((6, 6, 1, 8), np.float32)
    x[0, 0] = x[-1, -1] = 1.0
    y = spectral.convolve(tf.constant(x), tf.ones([5, 5, 8, 8]), "SAME").numpy()[:, :, 0, 0]
    reach = np.abs(np.subtract.outer(np.arange(6), [0, 5])) <= 2  # [6, corner]
    expected = 8.0 * sum(np.outer(reach[:, corner], reach[:, corner]) for corner in (0, 1))
    np.testing.assert_allclose(y, expected, atol=2e-5)
