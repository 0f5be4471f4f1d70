import functools

import numpy as np
import pytest
import tensorflow as tf

from gan.core import augment, rng

NAMES = sorted(augment.AUGMENTATIONS)
WHOLE = ["adaptive", "adaptive_colour", "diffaugment"]  # the others are parts of them
SIZE = 16


def images(batch=6, channels=1, seed=0):
    random = np.random.default_rng(seed).random((batch, SIZE, SIZE, channels))
    return tf.constant(random, tf.float32)


def one(change):
    return functools.partial(augment.adaptive, changes=(change,))


def framed(batch, value=1.0):
    """A square of 4 pixels in the middle of black: no move within an eighth loses any of it."""
    picture = np.zeros((batch, SIZE, SIZE, 1), np.float32)
    picture[:, 6:10, 6:10] = value
    return tf.constant(picture)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_strength_zero_changes_nothing_and_strength_one_everything(name, channels):
    x = images(channels=channels)
    same = augment.AUGMENTATIONS[name](x, tf.constant(0.0), rng.stream(1, 2))
    np.testing.assert_array_equal(same, x)
    other = augment.AUGMENTATIONS[name](x, tf.constant(1.0), rng.stream(1, 2))
    assert other.shape == x.shape
    assert all(np.abs(other[i] - x[i]).max() > 0.05 for i in range(len(x)))


@pytest.mark.parametrize("name", WHOLE)
def test_a_slice_of_the_batch_gets_the_bits_that_the_whole_would_give_it(name):
    x, strength, function = images(24, 3), tf.constant(0.7), tf.function(augment.AUGMENTATIONS[name], autograph=False)
    whole = function(x, strength, rng.stream(1, 2))
    part = function(x[17:], strength, rng.stream(1, 2, 17))  # seven: not a multiple of what a vector holds
    np.testing.assert_array_equal(part, whole[17:])
    assert np.abs(whole - function(x, strength, rng.stream(1, 3))).max() > 0.1


@pytest.mark.parametrize("name", WHOLE)
def test_the_change_is_affine_in_the_image_and_its_derivatives_are_right(name):
    """Linear but for a constant: central differences are exact up to rounding, second derivatives vanish."""
    function, weights = functools.partial(augment.AUGMENTATIONS[name], strength=tf.constant(0.8)), images(seed=3)
    x, along, address = images(), images(seed=1) - 0.5, rng.stream(1, 2)

    @tf.function(autograph=False)
    def derivatives(x, scale):
        with tf.GradientTape() as outer:
            outer.watch(scale)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(weights * scale * tf.tanh(function(x, stream=address)))
            slope = tf.reduce_sum(tf.square(inner.gradient(value, x)))
        return slope, outer.gradient(slope, scale)

    low, middle, high = (function(x + step * along, stream=address) for step in (-1.0, 0.0, 1.0))
    np.testing.assert_allclose(low + high, 2 * middle, atol=1e-5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(weights * function(x, stream=address))
    exact = tf.reduce_sum(weights * (high - low)) / 2
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(value, x) * along), exact, rtol=1e-3, atol=1e-2)
    slope, second = derivatives(x, tf.constant(1.0))
    np.testing.assert_allclose(second, 2 * slope, rtol=1e-4)  # of a penalty through the change: |s g|^2 = s^2 |g|^2


@pytest.mark.parametrize("name", WHOLE)
def test_xla_makes_the_same_images(name):
    x, function = images(4, 3), augment.AUGMENTATIONS[name]
    jitted = tf.function(function, jit_compile=True, autograph=False)(x, tf.constant(0.7), rng.stream(1, 2))
    np.testing.assert_allclose(jitted, function(x, tf.constant(0.7), rng.stream(1, 2)), atol=1e-4)


@pytest.mark.parametrize("change", augment.CLOTHING + augment.COLOUR)
def test_each_change_comes_with_the_probability_asked_for(change):
    batch, strength = 1000, 0.3
    x = tf.tile(images(1, 3), [batch, 1, 1, 1])
    changed = np.abs(one(change)(x, tf.constant(strength), rng.stream(1, 2)) - x).max(axis=(1, 2, 3)) > 1e-4
    share = {"mirror": 0.5, "translation": 24 / 25}.get(change, 1.0) * strength  # both can come out as nothing
    assert abs(changed.mean() - share) < 4 * np.sqrt(share * (1 - share) / batch)


def test_mirroring_reverses_the_rows():
    x = images(40)
    out = one("mirror")(x, tf.constant(1.0), rng.stream(1, 2)).numpy()
    reverse = x.numpy()[:, :, ::-1]
    as_they_were = [np.array_equal(out[i], x[i]) for i in range(40)]
    assert all(same or np.array_equal(out[i], reverse[i]) for i, same in enumerate(as_they_were))
    assert 8 < sum(as_they_were) < 32


def test_moves_reach_every_place_within_an_eighth_equally_often():
    batch = 2500
    out = one("translation")(framed(batch), tf.constant(1.0), rng.stream(1, 2)).numpy()
    np.testing.assert_array_equal(out.sum(axis=(1, 2, 3)), np.full(batch, 16.0))
    places = [(int(np.flatnonzero(o.any(axis=(1, 2)))[0]), int(np.flatnonzero(o.any(axis=(0, 2)))[0])) for o in out]
    assert {p[0] for p in places} == {p[1] for p in places} == {4, 5, 6, 7, 8}
    counts = np.unique(places, axis=0, return_counts=True)[1]
    assert len(counts) == 25
    assert np.sum((counts - 100) ** 2 / 100) < 60  # chi-squared of 24 degrees: 60 has odds of 6 in 100,000


def test_zoom_is_as_often_a_factor_as_its_inverse():
    batch = 2000
    out = one("zoom")(framed(batch), tf.constant(1.0), rng.stream(1, 2)).numpy()
    octaves = 0.5 * np.log2(out.sum(axis=(1, 2, 3)) / 16)
    assert abs(np.mean(octaves)) < 0.02
    assert abs(np.std(octaves) - 0.2) < 0.015
    assert np.abs(octaves).max() < 0.36


def test_brightness_is_normal_and_contrast_about_grey():
    batch = 4000
    x = tf.fill([batch, SIZE, SIZE, 1], 0.75)
    light = one("brightness")(x, tf.constant(1.0), rng.stream(1, 2)).numpy()[:, 0, 0, 0] - 0.75
    assert abs(light.mean()) < 4 * 0.2 / np.sqrt(batch)
    assert abs(light.std() - 0.2) < 0.01
    factors = (one("contrast")(x, tf.constant(1.0), rng.stream(1, 2)).numpy()[:, 0, 0, 0] - 0.5) / 0.25
    assert abs(np.log(factors).mean()) < 0.03
    assert abs(np.log2(factors).std() - 0.5) < 0.03


def chroma(pixels):
    """RGB [..., 3] as complex numbers: the part across the grey axis, its angle the hue."""
    along = np.array([2.0, -1.0, -1.0]) / np.sqrt(6) + 1j * np.array([0.0, 1.0, -1.0]) / np.sqrt(2)
    return np.asarray(pixels, np.float64) @ along


def test_hues_turn_by_every_angle_and_nothing_else_changes():
    batch = 4000
    x = tf.tile(images(1, 3), [batch, 1, 1, 1])
    out = one("hue")(x, tf.constant(1.0), rng.stream(1, 2)).numpy()
    np.testing.assert_allclose(out.mean(axis=3), x.numpy().mean(axis=3), atol=1e-5)
    turns = chroma(out) / chroma(x)
    np.testing.assert_allclose(turns, np.broadcast_to(turns[:, :1, :1], turns.shape), atol=1e-3)  # one for an image
    turns = turns[:, 0, 0]
    np.testing.assert_allclose(np.abs(turns), 1, atol=1e-4)
    counts = np.histogram(np.angle(turns), bins=8, range=(-np.pi, np.pi))[0]
    assert np.abs(counts - batch / 8).max() < 5 * np.sqrt(batch / 8)
    assert all(abs(np.mean(turns**k)) < 4 / np.sqrt(batch) for k in (1, 2, 3))  # nothing is left of the hue
    assert -0.25 < np.mean(turns**4).real < 0.1  # invertible up to a strength of 0.8


def test_saturation_is_as_often_a_factor_as_its_inverse():
    batch = 4000
    x = tf.tile(images(1, 3), [batch, 1, 1, 1])
    out = one("saturation")(x, tf.constant(1.0), rng.stream(1, 2)).numpy()
    np.testing.assert_allclose(out.mean(axis=3), x.numpy().mean(axis=3), atol=1e-5)
    octaves = np.log2((chroma(out) / chroma(x))[:, 0, 0].real)
    assert abs(octaves.mean()) < 4 / np.sqrt(batch)
    assert abs(octaves.std() - 1) < 0.06


def test_changes_of_colour_leave_grey_images_and_the_other_changes_alone():
    x, grey, half = images(20, 3), images(20), tf.constant(0.5)
    adaptive, colour = augment.AUGMENTATIONS["adaptive"], augment.AUGMENTATIONS["adaptive_colour"]
    np.testing.assert_array_equal(colour(grey, half, rng.stream(1, 2)), adaptive(grey, half, rng.stream(1, 2)))
    means = [f(x, half, rng.stream(1, 2)).numpy().mean(axis=3) for f in (colour, adaptive)]
    np.testing.assert_allclose(*means, atol=1e-5)


def test_an_unknown_change_is_refused():
    with pytest.raises(ValueError, match="shear"):
        one("shear")(images(), tf.constant(1.0), rng.stream(1, 2))


def test_diffaugment_cuts_a_grey_square_of_half_the_size():
    x = tf.fill([200, SIZE, SIZE, 3], 0.125)
    out = augment.diffaugment(x, tf.constant(1.0), rng.stream(1, 2)).numpy()
    holes = np.all(out == 0.5, axis=3)
    sides = [sorted((h.any(axis=0).sum(), h.any(axis=1).sum())) for h in holes]
    assert max(map(max, sides)) == SIZE // 2
    assert min(map(min, sides)) == SIZE // 4  # half of it may lie outside
    assert all(hole.sum() == side[0] * side[1] for hole, side in zip(holes, sides, strict=True))


def test_diffaugment_changes_colours_within_the_papers_ranges():
    """On an image of one colour a contrast does nothing; the mean moves with the brightness and black comes in."""
    x = images(300, 3)
    out = augment._recoloured(x, tf.ones([300], tf.bool), rng.stream(1, 2)).numpy()
    before, after = x.numpy(), out
    light = after.mean(axis=(1, 2, 3)) - before.mean(axis=(1, 2, 3))
    assert -0.25 <= light.min() < -0.22 < 0.22 < light.max() < 0.25
    grey_before, grey_after = before.mean(axis=3), after.mean(axis=3)
    contrast = grey_after.std(axis=(1, 2)) / grey_before.std(axis=(1, 2))
    assert 0.5 <= contrast.min() < 0.53
    assert 1.47 < contrast.max() < 1.5
    colour = (after - grey_after[..., None]).std(axis=(1, 2, 3)) / (before - grey_before[..., None]).std(axis=(1, 2, 3))
    saturation = colour / contrast
    assert 0.0 <= saturation.min() < 0.05
    assert 1.95 < saturation.max() < 2.0


def test_the_strength_follows_the_sign_at_the_speed_asked_for():
    def after(sign, batches, strength=0.0, **settings):
        strength = tf.constant(strength)
        for _ in range(batches):
            strength = augment.adapt(strength, tf.constant(sign), 100, over_images=10_000, **settings)
        return float(strength)

    np.testing.assert_allclose(after(0.7, 25), 0.25, rtol=1e-5)
    np.testing.assert_allclose(after(0.5, 25, strength=0.6), 0.35, rtol=1e-5)
    assert after(1.0, 200) == np.float32(augment.LARGEST_STRENGTH)
    assert after(-1.0, 200, strength=0.5) == 0.0
    np.testing.assert_allclose(after(0.7, 10, strength=0.4, target=0.8), 0.3, rtol=1e-5)
    assert after(0.9, 200, limit=0.3) == np.float32(0.3)
