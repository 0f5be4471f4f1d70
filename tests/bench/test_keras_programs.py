"""The rivals in Keras compute what the engine computes: networks, losses, gradients, penalty, updates, averages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import config
from gan.bench.programs import keras_article, keras_modern, keras_training
from gan.core import ema, schedules
from gan.machine import sharing
from tests.bench import engine_steps
from tests.bench.engine_steps import Case

SMALL = {"batch_size": 4, "width": 0.125, "latent_size": 6, "epsilon": 1e-4}
CASES = {
    "modern": Case("modern", {**SMALL, "ema_half_life_images": 4.0, "ema_ramp": 0.0}, (28, 28, 1)),
    "deep": Case("modern", {**SMALL, "depth": 2, "g_width": 200, "gamma": 2.0}, (16, 24, 3)),
    "conditional": Case("modern_conditional", SMALL, (16, 16, 1), num_classes=5),
    "article_corrected": Case("article_corrected", {**SMALL, "d_dropout": 0.0, "label_noise": 0.0}, (28, 28, 1)),
    "article": Case("article", {**SMALL, "label_noise": 0.0}, (40, 40, 3)),
}
MADE = {"modern": keras_modern.ModernGan, "article": keras_article.ArticleGan}


def made(name, settings=None):
    case = CASES[name]
    return MADE[case.preset.partition("_")[0]](settings or case.config(), case.image_shape, case.num_classes)


@pytest.fixture(scope="module", params=CASES)
def both(request):
    """(name, the engine's steps, a model with the same parameters that draws the same random numbers)."""
    steps, gan = engine_steps.of(CASES[request.param]), made(request.param)
    for player, names, arrays in zip((gan.generator, gan.discriminator), steps.names, steps.params, strict=True):
        for variable, array in zip(ordered(player, names), arrays, strict=True):
            variable.assign(array.reshape(variable.shape))
    for average, variable in zip(gan.averages, gan.generator.trainable_variables, strict=True):
        average.assign(variable)
    gan.wrong = lambda labels: tf.constant(steps.wrong)
    return request.param, steps, gan


def ordered(player, names):
    """The variables of a model by the engine's names: each kind of layer in the order in which it was made."""
    kinds = {"conv": keras.layers.Conv2D, "dense": keras.layers.Dense, "embedding": keras.layers.Embedding}
    kinds |= {"weights": keras_modern.WeightedSum}
    found = {kind: [layer for layer in player.layers if type(layer) is made] for kind, made in kinds.items()}
    of_kind = {
        kind: iter([v for layer in sorted(layers, key=number) for v in layer.trainable_variables])
        for kind, layers in found.items()
    }
    variables = [next(of_kind[kind(name)]) for name in names]
    assert {id(v) for v in variables} == {id(v) for v in player.trainable_variables}
    return variables


def number(layer):
    """The N of a layer that Keras has named conv2d_N."""
    end = layer.name.rpartition("_")[2]
    return int(end) if end.isdigit() else 0


def kind(name):
    """The kind of layer that a tensor of the engine belongs to."""
    last = name.rpartition("/")[2]
    if last in ("embedding", "weights"):
        return last
    return "conv" if "conv" in name or "pointwise" in name else "dense"


def check(found, names, arrays, tolerance):
    """What is found is what the engine has, each within so much of its norm and rounding."""
    rounding = 1e-6 * np.linalg.norm([np.linalg.norm(array) for array in arrays])
    for name, theirs, ours in zip(names, found, arrays, strict=True):
        theirs = np.reshape(theirs, ours.shape)
        assert np.linalg.norm(theirs - ours) <= tolerance * np.linalg.norm(ours) + rounding, name


def gradients(gan, loss, player, names):
    """(the loss, its gradients in the engine's order), zeros where a parameter has no part in the loss."""
    with tf.GradientTape() as tape:
        value = loss()
    grads = tape.gradient(value, player.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    by_variable = {id(v): tf.convert_to_tensor(g) for v, g in zip(player.trainable_variables, grads, strict=True)}
    return float(value), [by_variable[id(v)].numpy() for v in ordered(player, names)]


def drawing(gan, *latents):
    """Has the model draw these latents, one after the other."""
    remaining = list(latents)
    gan.latents = lambda: tf.constant(remaining.pop(0))


def data(steps):
    return tf.cast(steps.images, tf.float32) / 255.0, tf.constant(steps.labels)


def outputs(gan, steps):
    """(fakes of the first latents, logits [B] of the images)."""
    (real, labels), latents = data(steps), tf.constant(steps.latents[0])
    if isinstance(gan, keras_article.ArticleGan):
        return gan.generator(latents), gan.discriminator(real)[:, 0]
    return gan.generator([latents, labels]), gan.discriminator([real, labels[:, None]])[:, 0]


def test_networks_losses_gradients_and_a_step_are_the_engines(both):
    """In this order: the step moves the parameters."""
    name, steps, gan = both
    (g_names, d_names), (real, labels), settings = steps.names, data(steps), CASES[name].config()
    fakes, logits = outputs(gan, steps)
    np.testing.assert_allclose(fakes, steps.fakes, atol=2e-5)
    np.testing.assert_allclose(logits, steps.logits, rtol=2e-4, atol=2e-5)

    drawing(gan, steps.latents[0])
    loss, grads = gradients(gan, lambda: gan.d_loss(real, labels), gan.discriminator, d_names)
    np.testing.assert_allclose(loss, steps.d_loss, rtol=1e-4)
    check(grads, d_names, steps.d_grads, 1e-4)
    if settings.gamma:
        drawing(gan, steps.latents[0])
        weight = settings.gamma * settings.penalty_every_steps
        with_penalty = lambda: gan.d_loss_with_penalty(real, labels, weight)  # noqa: E731
        total, grads = gradients(gan, with_penalty, gan.discriminator, d_names)
        np.testing.assert_allclose(total - loss, steps.penalty, rtol=1e-3)
        check(grads, d_names, steps.d_grads_with_penalty, 1e-4)
    drawing(gan, steps.latents[1])
    loss, grads = gradients(gan, lambda: gan.g_loss(real, labels), gan.generator, g_names)
    np.testing.assert_allclose(loss, steps.g_loss, rtol=1e-4)
    check(grads, g_names, steps.g_grads, 1e-4)

    drawing(gan, *steps.latents)
    gan.train_step((real, labels))
    for player, names, after in zip((gan.generator, gan.discriminator), steps.names, steps.after, strict=True):
        check(ordered(player, names), names, after, 1e-3)  # Adam divides what is all rounding by its own size
    if settings.ema_half_life_images:
        averages = dict(zip(map(id, gan.generator.trainable_variables), gan.averages, strict=True))
        check([averages[id(v)] for v in ordered(gan.generator, g_names)], g_names, steps.averages, 1e-3)


def test_the_penalty_is_in_every_eighth_step_of_a_compiled_function():
    """Without the discriminator's own loss: what moves it is the penalty alone."""
    gan = made("conditional")
    gan.d_loss = lambda real, labels: 0.0 * tf.reduce_sum(gan.discriminator([real, labels[:, None]]))
    gan.d_loss_with_penalty = lambda real, labels, weight: gan.d_loss(real, labels) + weight
    step, batch = tf.function(gan.train_step), (tf.zeros([4, 16, 16, 1]), tf.zeros([4], tf.int32))
    losses = [float(step(batch)["d_loss"]) for _ in range(17)]
    assert [i for i, loss in enumerate(losses) if loss] == [0, 8, 16]
    np.testing.assert_allclose(losses[0], 8 * 0.5, rtol=1e-6)


@pytest.mark.parametrize("preset", ["modern", "article_corrected"])
def test_rates_and_averages_follow_the_images_seen_as_the_engines(preset):
    settings = config.make(preset)
    factor, batch = settings.learning_rate_end_factor, settings.batch_size
    ours = schedules.make(settings.schedule, 2.0, 2.0 * factor, settings.schedule_images)
    theirs = keras_training.course(settings, 2.0, factor)
    for step in (0, 30, 3000, 18_749, 18_750, 10**6):
        at = theirs(step) if callable(theirs) else theirs
        np.testing.assert_allclose(at, ours(tf.constant(step * batch)), rtol=1e-5)


def test_the_average_forgets_the_first_weights_as_the_engines():
    gan = made("conditional", CASES["conditional"].config())
    for seen in (0, 1000, 77_000, 10**7):
        for average, variable in zip(gan.averages, gan.generator.trainable_variables, strict=True):
            average.assign(variable - 1.0)
        gan.average(tf.constant(seen))
        weight = 1.0 + np.mean(gan.averages[0] - gan.generator.trainable_variables[0])
        ours = ema.update(tf.zeros([]), tf.ones([]), tf.constant(seen), 4, gan.config.ema_half_life_images)
        np.testing.assert_allclose(weight, ours, rtol=1e-3)


def test_the_article_has_its_parameters():
    gan = keras_article.ArticleGan(config.make("article_corrected"), (28, 28, 1))
    assert [player.count_params() for player in (gan.generator, gan.discriminator)] == [2_450_049, 1_113_345]


def test_label_noise_and_dropout_are_the_articles(monkeypatch):
    settings = config.make("article_corrected", batch_size=4, width=0.125, latent_size=6, d_dropout=0.0)
    gan = made("article_corrected", settings)
    monkeypatch.setattr(tf.random, "uniform", lambda shape: tf.ones(shape))
    drawing(gan, np.ones((4, 6), np.float32))
    real = tf.random.stateless_uniform([4, 28, 28, 1], [1, 2])
    logits = [gan.discriminator(images)[:, 0].numpy() for images in (real, gan.generator(tf.ones([4, 6])))]
    expected = [np.logaddexp(0, own) - own * target for own, target in zip(logits, (0.15, 0.85), strict=True)]
    np.testing.assert_allclose(gan.d_loss(real, None), np.mean(expected), rtol=1e-5)
    dropping = made("article_corrected", config.changed(settings, d_dropout=0.4)).discriminator
    assert np.any(dropping(real, training=True) != dropping(real, training=True))


class Asking:
    """The side of bin/bench in a talk, without a process."""

    asked = [1, 2, 17, 36, 36, 0]

    def __init__(self):
        self.said = []
        Asking.last = self

    def ready(self, **facts):
        self.said.append(facts)

    def next_steps(self):
        return self.asked[len(self.said) - 1]

    def seconds(self, seconds):
        self.said.append(seconds)


def test_the_program_answers_window_after_window(monkeypatch, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((3, 20, 20, 1), np.uint8))
    steps = []
    monkeypatch.setattr("sys.argv", ["", "--batch_size=2", f"--images={tmp_path}/images.npy", "--threads=3"])
    asked = []  # in a process that has begun to compute they cannot change any more
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", asked.append)
    monkeypatch.setattr(keras_training.serving, "Conversation", Asking)

    def small(settings, image_shape, num_classes):
        gan = keras_article.ArticleGan(config.changed(settings, width=0.02, latent_size=2), image_shape, num_classes)
        steps.append(gan.g_optimizer.iterations)
        return gan

    keras_training.main("", "article_corrected", small)
    facts, *seconds = Asking.last.said
    assert asked == [3] and facts["threads"] == 3
    assert facts["versions"]["keras"] == keras.__version__ and len(facts["parameters"]) == 2
    assert len(seconds) == 5
    assert int(steps[0]) == 1 + (2 + 2) + (1 + 17) + (12 + 36) + 36  # the first call of a length comes before it


@pytest.mark.parametrize(("steps", "count"), [(1, 1), (8, 8), (16, 16), (17, 1), (24, 12), (36, 12)])
def test_so_many_steps_are_one_call(steps, count):
    assert keras_training.together(steps) == count


@pytest.mark.parametrize(("shared", "threads"), [((1, 1), 1), ((2, 1), 1), ((1, 0), 2)])
def test_threads_are_those_of_the_fastest_step_in_one_process(monkeypatch, shared, threads):
    monkeypatch.setattr(keras_training.sharing, "chosen", lambda config, has_gpus: sharing.Sharing(*shared))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    assert keras_training.threads(config.make("modern")) == threads
