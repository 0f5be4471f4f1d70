"""The article's training step as a user of Keras 3 writes it: `Model.fit` with a `train_step` of its own, float32.

The mathematics is that of `--preset=article_corrected`: fresh fakes for each of the two updates, dropout in the
discriminator's own update, noise added to the labels, Adam. `python -m gan.bench.programs.keras_article` answers
`bin/bench --against=keras` (see `serving`).
"""

import os
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import tensorflow as tf
from keras import layers

from gan.bench.programs import serving

LATENT_SIZE = 128
LABEL_NOISE = 0.15


def article_generator() -> keras.Model:
    """Latents [B, 128] -> images [B, 28, 28, 1] in [0, 1]; 2,450,049 parameters."""
    stack = [keras.Input((LATENT_SIZE,)), layers.Dense(7 * 7 * 128), layers.LeakyReLU(0.2), layers.Reshape((7, 7, 128))]
    for _ in range(2):
        stack += [layers.UpSampling2D(), layers.Conv2D(128, 5, padding="same"), layers.LeakyReLU(0.2)]
    for _ in range(2):
        stack += [layers.Conv2D(128, 5, padding="same"), layers.LeakyReLU(0.2)]
    return keras.Sequential([*stack, layers.Conv2D(1, 4, padding="same", activation="sigmoid")])


def article_discriminator() -> keras.Model:
    """Images [B, 28, 28, 1] -> logits [B, 1], high for fakes; 1,113,345 parameters."""
    stack = [keras.Input(serving.IMAGE_SHAPE)]
    for filters in (32, 64, 128, 256):
        stack += [layers.Conv2D(filters, 5), layers.LeakyReLU(0.2), layers.Dropout(0.4)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dropout(0.4), layers.Dense(1)])


class ArticleGan(keras.Model):
    """Both players and their step; labels are 0 for real images and 1 for fakes."""

    def __init__(self, batch_size: int):
        super().__init__()
        self.batch_size = batch_size
        self.generator = article_generator()
        self.discriminator = article_discriminator()
        self.g_optimizer = keras.optimizers.Adam(1e-4)
        self.d_optimizer = keras.optimizers.Adam(1e-5)
        self.loss_function = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, real):
        """One update of the discriminator and one of the generator on real images [B, 28, 28, 1] in [0, 1]."""
        labels = tf.concat([tf.zeros([self.batch_size, 1]), tf.ones([self.batch_size, 1])], axis=0)
        towards_the_middle = tf.concat([tf.ones([self.batch_size, 1]), -tf.ones([self.batch_size, 1])], axis=0)
        labels += LABEL_NOISE * towards_the_middle * tf.random.uniform(tf.shape(labels))
        fake = self.generator(tf.random.normal([self.batch_size, LATENT_SIZE]), training=False)
        with tf.GradientTape() as tape:
            both = [self.discriminator(images, training=True) for images in (real, fake)]
            d_loss = self.loss_function(labels, tf.concat(both, axis=0))
        variables = self.discriminator.trainable_variables
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))

        with tf.GradientTape() as tape:
            fake = self.generator(tf.random.normal([self.batch_size, LATENT_SIZE]), training=True)
            logits = self.discriminator(fake, training=False)
            g_loss = self.loss_function(tf.zeros_like(logits), logits)
        variables = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


class Windows(keras.callbacks.Callback):
    """Lets `fit` run the steps of a window, then waits for the next one."""

    def __init__(self, conversation: serving.Conversation):
        super().__init__()
        self._conversation = conversation
        self._left = 0
        self._begin = 0.0

    def on_train_begin(self, logs=None):
        """Waits for the first window."""
        self._wait()

    def on_train_batch_end(self, batch, logs=None):
        """Counts the steps of the window and answers after its last one."""
        self._left -= 1
        if not self._left:
            float(logs["d_loss"]), float(logs["g_loss"])  # waits for the device
            self._conversation.seconds(time.perf_counter() - self._begin)
            self._wait()

    def _wait(self) -> None:
        self._left = self._conversation.next_steps()
        self._begin = time.perf_counter()
        if not self._left:
            self.model.stop_training = True


def main() -> None:
    """Answers until the bench has no more windows."""
    parser = serving.arguments("The article's training under Keras, for bin/bench.")
    parser.add_argument("--jit_compile", choices=("true", "false"), default="false", help="XLA")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    conversation = serving.Conversation()
    model = ArticleGan(options.batch_size)
    model.compile(jit_compile=options.jit_compile == "true")
    data = tf.data.Dataset.from_tensor_slices(serving.images(options.images, options.batch_size))
    data = data.map(lambda image: tf.cast(image, tf.float32) / 255.0).cache().shuffle(60_000).repeat()
    data = data.batch(options.batch_size, drop_remainder=True).prefetch(64)
    conversation.ready(
        versions={"keras": keras.__version__, "tensorflow": tf.__version__},
        parameters=[model.generator.count_params(), model.discriminator.count_params()],
    )
    model.fit(data, steps_per_epoch=10**9, verbose=0, callbacks=[Windows(conversation)])


if __name__ == "__main__":
    main()
