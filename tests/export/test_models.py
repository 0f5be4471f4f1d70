"""Writing and checking the pair: a fault in what was written is found."""

import errno
import resource

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.errors import UserError
from gan.export import models

SHAPE = (28, 28, 1)


def made(form: str, shape=SHAPE, **settings) -> models.Exportable:
    chosen = config.make(**{"preset": "article_as_published", "g_width": 4, "d_width": 2, "latent_size": 8, **settings})
    networks = [make(chosen, shape, build.PLAIN) for make in (build.generator, build.discriminator)]
    return models.pair(chosen, shape, *(network.init(rng.stream(0, -1)) for network in networks), form)


@pytest.fixture(scope="module")
def pair() -> models.Exportable:
    return made("keras")


@pytest.mark.parametrize("form", ["h5", "keras", "saved_model"])
@pytest.mark.parametrize(
    ("preset", "shape"),
    [("article", SHAPE), ("modern", SHAPE), ("article", (24, 40, 3)), ("modern", (64, 32, 1))],
)
def test_what_was_written_is_what_the_engine_computes(preset, shape, form, tmp_path):
    both = made(form, shape, preset=preset)
    models.write(tmp_path, form, both)
    found = models.check(tmp_path, form, both)
    assert [model.name for model in found] == models.names(form)
    assert all(0 <= model.difference < 1e-6 for model in found)


def test_the_probability_is_that_of_a_fake_whatever_sign_the_logits_have():
    article, hinge = made("keras"), made("keras", objective="hinge")
    np.testing.assert_array_equal(article.inputs[1][0], hinge.inputs[1][0])
    probabilities = [both.models[1](both.inputs[1][0], training=False).numpy() for both in (article, hinge)]
    np.testing.assert_allclose(probabilities[0], 1.0 - probabilities[1], atol=1e-6)
    for both, probability in zip((article, hinge), probabilities, strict=True):
        np.testing.assert_allclose(probability, both.functions[1](*both.inputs[1]), atol=1e-6)


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_no_room_is_an_error_of_the_system(pair, form, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError) as raised:
            models.write(tmp_path, form, pair)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG


def test_other_weights_are_found(pair, tmp_path):
    models.write(tmp_path, "keras", pair)
    weights = [pair.weights[0], [*pair.weights[1][:-1], pair.weights[1][-1] + 1e-7]]
    with pytest.raises(UserError, match=r"discriminatormodel\.keras, read back, has other weights"):
        models.check(tmp_path, "keras", pair._replace(weights=weights))


@pytest.mark.parametrize("change", [2 * models.TOLERANCE, float("nan")])
def test_other_outputs_are_found(pair, tmp_path, change):
    models.write(tmp_path, "keras", pair)
    other = pair._replace(functions=(lambda x: pair.functions[0](x) + tf.constant(change), pair.functions[1]))
    with pytest.raises(
        UserError, match=r"generatormodel\.keras, read back, gives outputs that differ .* by (0\.0002|nan)"
    ):
        models.check(tmp_path, "keras", other)
