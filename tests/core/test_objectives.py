import numpy as np
import pytest
import tensorflow as tf

from gan.core import objectives, rng

LOGITS = np.array([-30.0, -17.0, -15.0, -3.0, -0.5, 0.0, 1e-3, 2.0, 10.0, 15.5, 16.5, 40.0])
TARGETS = np.array([-0.15, -0.01, 0.0, 0.1, 0.5, 0.85, 1.0, 1.2])
GRID = [values.reshape(-1).astype(np.float32) for values in np.meshgrid(TARGETS, LOGITS)]
ENTROPIES = {"cross_entropy": objectives.cross_entropy, "keras_cross_entropy": objectives.keras_cross_entropy}
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
    values, gradients = value_and_gradient(objectives.cross_entropy, targets, logits)
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
    values, gradients = value_and_gradient(objectives.keras_cross_entropy, targets, logits)
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

    ours = value_and_gradient(objectives.keras_cross_entropy, *GRID)
    keras = value_and_gradient(keras_loss, *GRID)
    np.testing.assert_allclose(ours[0], keras[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours[1], keras[1], rtol=1e-5, atol=1e-6)


def test_where_nothing_is_clipped_both_cross_entropies_agree():
    targets, logits = (values[np.abs(GRID[1]) <= 3] for values in GRID)
    for one, two in zip(*(value_and_gradient(loss, targets, logits) for loss in ENTROPIES.values()), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.parametrize(("mode", "fake"), [("added", 1.0), ("overwritten", 0.0)])
def test_targets_lie_in_their_ranges_and_belong_to_the_example(mode, fake):
    targets = objectives.TARGETS[mode](0.15)
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
    real, fake = objectives.noisy_targets(0.0)(rng.stream(1, 2), 5)
    np.testing.assert_array_equal(real, np.zeros(5))
    np.testing.assert_array_equal(fake, np.ones(5))


@pytest.mark.parametrize("name", ENTROPIES)
def test_the_discriminators_loss_is_half_the_sum_over_real_and_fake(name):
    entropy, targets = ENTROPIES[name], objectives.noisy_targets(0.15)
    objective = objectives.fake_detection(entropy, targets)
    real, fake, stream = tf.constant([-2.0, 0.5, 1.0]), tf.constant([3.0, -1.0, 0.0]), rng.stream(1, 2)
    real_targets, fake_targets = targets(stream, 3)
    expected = (entropy(real_targets, real).numpy() + entropy(fake_targets, fake).numpy()) / 2
    np.testing.assert_allclose(objective.discriminator(real, fake, stream), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ENTROPIES)
def test_the_generator_wants_its_fakes_called_real(name):
    objective = objectives.fake_detection(ENTROPIES[name], objectives.noisy_targets(0.15))
    logits = tf.constant([-40.0, -1.0, 0.0, 2.0, 40.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = objective.generator(None, logits)
    np.testing.assert_allclose(loss, np.logaddexp(0, logits.numpy().astype(np.float64)), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(tape.gradient(loss, logits), tf.sigmoid(logits), rtol=1e-5, atol=1e-7)


STREAM = rng.stream(1, 2)
OBJECTIVES = {name: factory(objectives.noisy_targets(0.0)) for name, factory in objectives.LABELLED.items()}
OBJECTIVES |= {name: factory() for name, factory in objectives.UNLABELLED.items()}


def softplus(x):
    return np.logaddexp(0, x)


def relu(x):
    return np.maximum(x, 0)


# name -> (discriminator's loss, generator's loss) of the logits of a real image and a fake.
FORMULAS = {
    "minimax": (lambda r, f: softplus(-r) + softplus(f), lambda r, f: np.log(1 - 1 / (1 + np.exp(-f)))),
    "non_saturating": (lambda r, f: softplus(-r) + softplus(f), lambda r, f: -np.log(1 / (1 + np.exp(-f)))),
    "least_squares": (lambda r, f: (r - 1) ** 2 / 2 + (f + 1) ** 2 / 2, lambda r, f: (f - 1) ** 2 / 2),
    "hinge": (lambda r, f: relu(1 - r) + relu(1 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (lambda r, f: softplus(f - r), lambda r, f: softplus(r - f)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_losses_and_their_slopes_are_those_of_the_formulas(name):
    real, fake = (
        grid.reshape(-1) for grid in np.meshgrid([-4.0, -1.1, -0.2, 0.0, 0.7, 1.2, 5.0], [-6.0, -0.9, 0.4, 3.0])
    )
    objective, small = OBJECTIVES[name], 1e-5
    ours = [lambda r, f: objective.discriminator(r, f, STREAM), objective.generator]
    for formula, loss in zip(FORMULAS[name], ours, strict=True):
        logits = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            values = loss(*logits)
        assert values.shape == real.shape
        slopes = tape.gradient(values, logits, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        np.testing.assert_allclose(values, formula(real, fake), rtol=1e-5, atol=1e-6)
        on_real = (formula(real + small, fake) - formula(real - small, fake)) / (2 * small)
        on_fake = (formula(real, fake + small) - formula(real, fake - small)) / (2 * small)
        np.testing.assert_allclose(slopes[0], on_real, atol=1e-5)
        np.testing.assert_allclose(slopes[1], on_fake, atol=1e-5)


def test_the_articles_loss_is_half_of_the_usual_one_with_the_sign_turned():
    real, fake = tf.constant([-2.0, 0.5, 1.0]), tf.constant([3.0, -1.0, 0.0])
    article, usual = OBJECTIVES["cross_entropy"], OBJECTIVES["non_saturating"]
    ours = article.discriminator(-real, -fake, STREAM)
    np.testing.assert_allclose(2 * ours, usual.discriminator(real, fake, STREAM), rtol=1e-6)
    np.testing.assert_allclose(article.generator(None, -fake), usual.generator(None, fake), rtol=1e-6)


def test_smoothing_moves_the_target_of_real_images_alone():
    for mode in objectives.TARGETS.values():
        plain, smooth = mode(0.15)(STREAM, 50), mode(0.15, 0.1)(STREAM, 50)
        np.testing.assert_allclose(smooth[0] - plain[0], np.full(50, 0.1), rtol=1e-5)
        np.testing.assert_array_equal(smooth[1], plain[1])


@pytest.mark.parametrize(
    ("name", "best"), [("non_saturating", np.log(9.0)), ("minimax", np.log(9.0)), ("least_squares", 0.8)]
)
def test_with_smoothing_the_best_logit_of_a_real_image_is_that_of_the_smoothed_label(name, best):
    objective, real = objectives.LABELLED[name](objectives.noisy_targets(0.0, 0.1)), tf.constant([best], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(real)
        loss = objective.discriminator(real, tf.zeros([1]), STREAM)
    np.testing.assert_allclose(tape.gradient(loss, real), [0.0], atol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_real_sign_is_the_sign_of_a_logit_that_means_real(name):
    objective, one = OBJECTIVES[name], tf.ones([1])
    right, wrong = objective.real_sign * one, -objective.real_sign * one
    assert objective.discriminator(right, wrong, STREAM) < objective.discriminator(wrong, right, STREAM)
    others = tf.zeros([1]) if objective.paired else None
    assert objective.generator(others, right) < objective.generator(others, wrong)
    assert all(margin > 0 for margin in objectives.margins(objective, right, wrong))
    assert all(margin < 0 for margin in objectives.margins(objective, wrong, right))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_margins_are_of_pairs_where_only_differences_matter(name):
    objective, real, fake = OBJECTIVES[name], tf.constant([5.0, -1.0]), tf.constant([7.0, -2.0])
    loss, moved = (objective.discriminator(real + by, fake + by, STREAM) for by in (0.0, 3.0))
    assert objective.only_differences == np.allclose(loss, moved, rtol=1e-5)
    near, far = (objectives.margins(objective, real + by, fake + by) for by in (0.0, 50.0))
    assert objective.only_differences == np.allclose(near, far)
    if objective.only_differences:
        np.testing.assert_array_equal(near, [[-2.0, 1.0]] * 2)


def test_other_margins_are_distances_from_the_boundary():
    real, fake = tf.constant([5.0, -1.0]), tf.constant([7.0, -2.0])
    np.testing.assert_array_equal(objectives.margins(OBJECTIVES["hinge"], real, fake), [[5.0, -1.0], [-7.0, 2.0]])
    np.testing.assert_array_equal(
        objectives.margins(OBJECTIVES["cross_entropy"], real, fake), [[-5.0, 1.0], [7.0, -2.0]]
    )
