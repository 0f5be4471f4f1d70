"""What the training steps in Keras 3 have in common: a `Model` with its own `train_step`, trained by `fit`, float32.

A recipe is a subclass of `Gan` with two models and what each player minimizes.
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf

from gan.bench.programs import examples, serving
from gan.machine import sharing
from gan.settings import Config

_MOST_TOGETHER = 16  # steps of a call


class Gan(keras.Model):
    """Both players of a config and their step: discriminator updates, a generator update, the average."""

    def __init__(self, config: Config, generator: keras.Model, discriminator: keras.Model):
        super().__init__()
        self.config, self.generator, self.discriminator = config, generator, discriminator
        self.g_optimizer, self.d_optimizer = (
            keras.optimizers.Adam(course(config, rate, config.learning_rate_end_factor), beta1, beta2, config.epsilon)
            for rate, beta1, beta2 in (
                (config.g_learning_rate, config.g_beta1, config.g_beta2),
                (config.d_learning_rate, config.d_beta1, config.d_beta2),
            )
        )
        for player, optimizer in ((generator, self.g_optimizer), (discriminator, self.d_optimizer)):
            optimizer.build(player.trainable_variables)
        self.averages = [keras.Variable(variable, trainable=False) for variable in generator.trainable_variables]

    def d_loss(self, real: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """What the discriminator minimizes, [], on real images [B, H, W, C] and fakes of its own."""
        raise NotImplementedError

    def d_loss_with_penalty(self, real: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """The same with a penalty of the weight [] on the discriminator's slope."""
        raise NotImplementedError

    def g_loss(self, real: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """What the generator minimizes, [], beside the real images of the discriminator's update."""
        raise NotImplementedError

    def train_step(self, batch):
        """Updates of both players on real images [B, H, W, C] in [0, 1] and labels [B]."""
        real, labels = batch
        step = self.g_optimizer.iterations
        d_loss, grads = self.d_gradients(real, labels, step)
        self.d_optimizer.apply(grads, self.discriminator.trainable_variables)
        with tf.GradientTape() as tape:
            g_loss = self.g_loss(real, labels)
        variables = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(g_loss, variables), variables)
        if self.config.ema_half_life_images:
            self.average(self.config.batch_size * step)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def d_gradients(self, real: tf.Tensor, labels: tf.Tensor, step) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """(the discriminator's loss, its gradients); the penalty is in every so many steps, at so many its weight."""
        config = self.config

        def found(loss: Callable[..., tf.Tensor], *more) -> tuple[tf.Tensor, list[tf.Tensor]]:
            with tf.GradientTape() as tape:
                value = loss(real, labels, *more)
            return value, tape.gradient(value, self.discriminator.trainable_variables)

        def with_penalty() -> tuple[tf.Tensor, list[tf.Tensor]]:
            gamma = course(config, config.gamma, config.gamma_end_factor)
            weight = config.penalty_every_steps * (gamma(step) if callable(gamma) else gamma)
            return found(self.d_loss_with_penalty, weight)

        if not config.gamma:
            return found(self.d_loss)
        if config.penalty_every_steps == 1:
            return with_penalty()
        return tf.cond(step % config.penalty_every_steps == 0, with_penalty, lambda: found(self.d_loss))

    def average(self, seen: tf.Tensor) -> None:
        """The averages follow the generator; while the run is young they forget faster."""
        config = self.config
        half_life = tf.constant(config.ema_half_life_images)
        if config.ema_ramp:
            half_life = tf.minimum(half_life, config.ema_ramp * tf.cast(seen, tf.float32))
        keep = tf.pow(0.5, config.batch_size / half_life)
        for average, variable in zip(self.averages, self.generator.trainable_variables, strict=True):
            average.assign_add((1.0 - keep) * (variable - average))

    def latents(self) -> tf.Tensor:
        """[B, latent_size]."""
        return tf.random.normal([self.config.batch_size, self.config.latent_size])


def course(config: Config, start: float, end_factor: float):
    """A value on its way to its multiple at the end: a number or a schedule of the steps."""
    steps = config.schedule_images / config.batch_size
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(start, steps, alpha=end_factor)
    if config.schedule == "linear":
        return keras.optimizers.schedules.PolynomialDecay(start, steps, end_factor * start)
    return start


def together(steps: int) -> int:
    """How many steps of so many `fit` has computed by one call: at most 16, and a part that divides them."""
    return next(count for count in range(min(steps, _MOST_TOGETHER), 0, -1) if steps % count == 0)


def threads(config: Config) -> int:
    """Threads within an operation, as bin/train would have them for the fastest step without replicas."""
    has_gpus = bool(tf.config.get_visible_devices("GPU"))
    return sharing.chosen(config, has_gpus).threads or len(os.sched_getaffinity(0))


class Windows(keras.callbacks.Callback):
    """Lets `fit` run the steps of a window, then waits for the next one.

    By one call for many steps, so that Python has no part in them. A window of another length has another function:
    a first call, in which it is made, comes before it and is not of its time.
    """

    def __init__(self, conversation: serving.Conversation):
        super().__init__()
        self._conversation = conversation
        self._left = 0
        self._begin = 0.0
        self._is_made = True  # the function of so many steps

    def on_train_begin(self, logs=None):
        """Waits for the first window."""
        self._wait()

    def on_train_batch_end(self, batch, logs=None):
        """Counts the steps of the window and answers after its last one."""
        if not self._is_made:
            float(logs["d_loss"])
            self._is_made, self._begin = True, time.perf_counter()
            return
        self._left -= self.model.steps_per_execution
        if not self._left:
            float(logs["d_loss"]), float(logs["g_loss"])  # waits for the device
            self._conversation.seconds(time.perf_counter() - self._begin)
            self._wait()

    def _wait(self) -> None:
        self._left = self._conversation.next_steps()
        if not self._left:
            self.model.stop_training = True
        elif together(self._left) != self.model.steps_per_execution:
            self.model.steps_per_execution = together(self._left)
            self.model.make_train_function(force=True)
            self._is_made = False
        self._begin = time.perf_counter()


def main(description: str, preset: str, make: Callable[[Config, tuple[int, int, int], int], Gan]) -> None:
    """Trains what is made of a config, the images' shape and the number of classes, window after window."""
    parser = serving.arguments(description, preset)
    parser.add_argument("--jit_compile", choices=("true", "false"), default="false", help="XLA")
    options = parser.parse_args()
    conversation, config = serving.Conversation(), serving.config(options)
    within_operations = options.threads or threads(config)
    tf.config.threading.set_intra_op_parallelism_threads(within_operations)
    images = examples.images(options.images, config.batch_size)
    labels = examples.labels(options.labels, len(images), options.num_classes)
    model = make(config, images.shape[1:], options.num_classes)
    model.compile(jit_compile=options.jit_compile == "true")
    conversation.ready(
        versions={"keras": keras.__version__, "tensorflow": tf.__version__},
        parameters=[model.generator.count_params(), model.discriminator.count_params()],
        threads=within_operations,
    )
    model.fit(
        dataset(images, labels, config.batch_size),
        steps_per_epoch=10**9,
        verbose=0,
        callbacks=[Windows(conversation)],
    )


def dataset(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Batches of float32 images in [0, 1] and int32 labels, shuffled, without end."""
    data = tf.data.Dataset.from_tensor_slices((images, labels.astype(np.int32)))
    data = data.map(lambda image, label: (tf.cast(image, tf.float32) / 255.0, label)).cache().shuffle(60_000).repeat()
    return data.batch(batch_size, drop_remainder=True).prefetch(64)
