import numpy as np
import pytest
import tensorflow as tf

from gan.core import losses, rng

LOGITS = np.array([-30.0, -17.0, -15.0, -3.0, -0.5, 0.0, 1e-3, 2.0, 10.0, 15.5, 16.5, 40.0])
TARGETS = np.array([-0.15, -0.01, 0.0, 0.1, 0.5, 0.85, 1.0, 1.2])
GRID = [values.reshape(-1).astype(np.float32) for values in np.meshgrid(TARGETS, LOGITS)]
LOW, HIGH = float(np.float32(1e-7)), float(np.float32(1 - 1e-7))


def value_and_gradient(loss, targets, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        values = loss(tf.constant(targets), logits)
    return values.numpy(), tape.gradient(values, logits).numpy()


def test_cross_entropy_and_its_gradient():
    targets, logits = GRID
    t, z = targets.astype(np.float64), logits.astype(np.float64)
    values, gradients = value_and_gradient(losses.cross_entropy, targets, logits)
    expected = t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradients, 1 / (1 + np.exp(-z)) - t, rtol=1e-5, atol=1e-6)


def test_keras_cross_entropy_and_its_gradient():
    targets, logits = GRID
    t, z = targets.astype(np.float64), logits.astype(np.float64)
    p = 1 / (1 + np.exp(-z))
    clipped = np.clip(p, LOW, HIGH)
    inside = np.abs(z) < 15  # near the clip, float32 probabilities are too coarse to compare with
    outside = np.abs(z) > 16.4
    values, gradients = value_and_gradient(losses.keras_cross_entropy, targets, logits)
    expected = -(t * np.log(clipped) + (1 - t) * np.log(1 - clipped))
    rtol = 2e-2 if (np.abs(z) > 9).any() else 1e-5
    np.testing.assert_allclose(values[inside], expected[inside], rtol=1e-2 * rtol, atol=1e-3)
    np.testing.assert_allclose(values[outside], expected[outside], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradients[inside], (p - t)[inside], rtol=1e-2, atol=1e-6)
    np.testing.assert_array_equal(gradients[outside], 0.0)


def test_keras_cross_entropy_equals_keras_binary_crossentropy():
    from keras import losses as keras_losses

    def keras_loss(targets, logits):
        return keras_losses.binary_crossentropy(targets[:, None], tf.sigmoid(logits)[:, None])

    ours = value_and_gradient(losses.keras_cross_entropy, *GRID)
    keras = value_and_gradient(keras_loss, *GRID)
    np.testing.assert_allclose(ours[0], keras[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours[1], keras[1], rtol=1e-5, atol=1e-6)


def test_where_nothing_is_clipped_both_cross_entropies_agree():
    targets, logits = (values[np.abs(GRID[1]) <= 3] for values in GRID)
    for one, two in zip(
        *(value_and_gradient(loss, targets, logits) for loss in losses.CROSS_ENTROPIES.values()), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.parametrize(("mode", "fake"), [("added", 1.0), ("overwritten", 0.0)])
def test_targets_lie_in_their_ranges_and_belong_to_the_example(mode, fake):
    targets = losses.TARGETS[mode](0.15)
    noise = np.stack(targets(rng.stream(1, 2), 4000), axis=1)  # [B, (real, fake)]
    noise[:, 1] = fake - noise[:, 1]
    assert 0 <= noise.min() < 0.001
    assert 0.149 < noise.max() <= 0.15
    np.testing.assert_allclose(noise.mean(0), 0.075, atol=4 * 0.15 / np.sqrt(12 * 4000))
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(4000)
    part = np.stack(targets(rng.stream(1, 2, first=30), 50), axis=1)
    part[:, 1] = fake - part[:, 1]
    np.testing.assert_array_equal(part, noise[30:80])


def test_without_noise_targets_are_the_labels():
    real, fake = losses.noisy_targets(0.0)(rng.stream(1, 2), 5)
    np.testing.assert_array_equal(real, np.zeros(5))
    np.testing.assert_array_equal(fake, np.ones(5))


@pytest.mark.parametrize("name", losses.CROSS_ENTROPIES)
def test_the_discriminators_loss_is_half_the_sum_over_real_and_fake(name):
    entropy, targets = losses.CROSS_ENTROPIES[name], losses.noisy_targets(0.15)
    objective = losses.fake_detection(entropy, targets)
    real, fake, stream = tf.constant([-2.0, 0.5, 1.0]), tf.constant([3.0, -1.0, 0.0]), rng.stream(1, 2)
    real_targets, fake_targets = targets(stream, 3)
    expected = (entropy(real_targets, real).numpy() + entropy(fake_targets, fake).numpy()) / 2
    np.testing.assert_allclose(objective.discriminator(real, fake, stream), expected, rtol=1e-6)


@pytest.mark.parametrize("name", losses.CROSS_ENTROPIES)
def test_the_generator_wants_its_fakes_called_real(name):
    objective = losses.fake_detection(losses.CROSS_ENTROPIES[name], losses.noisy_targets(0.15))
    logits = tf.constant([-40.0, -1.0, 0.0, 2.0, 40.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = objective.generator(logits)
    np.testing.assert_allclose(loss, np.logaddexp(0, logits.numpy().astype(np.float64)), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(tape.gradient(loss, logits), tf.sigmoid(logits), rtol=1e-5, atol=1e-7)


def test_real_sign_is_the_sign_of_a_logit_that_means_real():
    objective = losses.fake_detection(losses.cross_entropy, losses.noisy_targets(0.0))
    one = tf.ones([1])
    right = objective.discriminator(objective.real_sign * one, -objective.real_sign * one, rng.stream(1, 2))
    wrong = objective.discriminator(-objective.real_sign * one, objective.real_sign * one, rng.stream(1, 2))
    assert right < wrong
    assert objective.generator(objective.real_sign * one) < objective.generator(-objective.real_sign * one)
