"""The training step of `--preset=modern` and `modern_conditional` as a user of Keras 3 writes it, float32.

Residual networks without normalization, relativistic pairing, R1 and R2 in every eighth update, Adam, an average of the
generator. `python -m gan.bench.programs.keras_modern` answers `bin/bench --preset=modern --against=keras` (see
`serving`).
"""

import math

from gan.bench.programs import keras_training
from gan.bench.programs.keras_training import keras, tf
from gan.networks import sizes
from gan.settings import Config

_SLOPE = 0.2
_FEWEST = 16  # channels of a map in the generator
_GAIN = math.sqrt(2.0 / (1.0 + _SLOPE**2))

layers = keras.layers


def conv(filters: int, taps: int, scale: float = 1.0) -> keras.Layer:
    """A convolution at one size, of so many times Glorot's range at first."""
    first = keras.initializers.VarianceScaling(scale**2, "fan_avg", "uniform") if scale else "zeros"
    return layers.Conv2D(filters, taps, padding="same", kernel_initializer=first)


def block(x, middle: int, filters: int, scale: float, change: str = ""):
    """Two convolutions, zero at first, beside a shortcut.

    By a `change` of "up" the first one sees the map doubled, by "down" the second one sees it halved.
    """
    y = layers.LeakyReLU(_SLOPE)(x)
    y = conv(middle, 3, scale)(layers.UpSampling2D()(y) if change == "up" else y)
    y = layers.LeakyReLU(_SLOPE)(y)
    y = conv(filters, 3, 0.0)(layers.AveragePooling2D(2)(y) if change == "down" else y)
    if change == "up":
        x = layers.UpSampling2D()(conv(filters, 1)(x))
    elif change == "down":
        x = conv(filters, 1)(layers.AveragePooling2D(2)(x))
    return layers.Add()([x, y])


def modern_generator(config: Config, image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Latents [B, latent_size] and labels [B], which count where there are classes -> images [B, H, W, C]."""
    (rows, columns), doublings = sizes.base(image_shape[:2])
    width, depth = max(1, round(config.width * config.g_width)), config.depth or 1
    scale = _GAIN / math.sqrt(depth * (doublings + 1))
    latents, labels = keras.Input((config.latent_size,)), keras.Input((), dtype="int32")
    x = latents
    if num_classes:
        first = keras.initializers.RandomNormal(stddev=config.latent_size**-0.5)
        x = layers.Add()([x, layers.Embedding(num_classes, config.latent_size, first)(labels)])
    x = layers.Reshape((rows, columns, width))(layers.Dense(rows * columns * width)(x))
    for i in range(doublings + 1):
        filters = min(width, max(width >> i, _FEWEST))
        for j in range(depth):
            x = block(x, filters, filters, scale, "up" if i and not j else "")
    x = conv(image_shape[2], 3, config.g_output_scale)(layers.LeakyReLU(_SLOPE)(x))
    return keras.Model([latents, labels], layers.Rescaling(0.5, 0.5)(x))


def modern_discriminator(config: Config, image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Images [B, H, W, C] and labels [B, K], which count where there are classes -> logits [B, K], else [B, 1]."""
    halvings = sizes.base(image_shape[:2])[1]
    width, depth = max(1, round(config.width * config.d_width)), config.depth or 1
    scale = _GAIN / math.sqrt(depth * (halvings + 1))
    images, labels = keras.Input(image_shape), keras.Input((None,), dtype="int32")
    x = conv(width, 3)(layers.Rescaling(2.0, -1.0)(images))
    for i in range(halvings + 1):
        filters = width << i
        for _ in range(depth - (i < halvings)):
            x = block(x, filters, filters, scale)
        x = block(x, filters, 2 * filters, scale, "down") if i < halvings else x
    features = WeightedSum()(layers.LeakyReLU(_SLOPE)(x))
    logits = layers.Dense(1)(features)
    if num_classes:
        embedded = layers.Embedding(num_classes, features.shape[1], "glorot_uniform")(labels)  # [B, K, N]
        logits = layers.Add()([logits, layers.Dot(axes=(2, 1))([embedded, features])])
    return keras.Model([images, labels], logits)


class WeightedSum(layers.Layer):
    """[B, H, W, C] -> [B, C]: for each channel a learned weighted sum over the places."""

    def build(self, shape):
        """One weight for each place and channel."""
        limit = math.sqrt(3.0 / (shape[1] * shape[2]))
        self.weight = self.add_weight(shape[1:], keras.initializers.RandomUniform(-limit, limit))

    def call(self, x):
        """The features."""
        return tf.reduce_sum(x * self.weight, axis=(1, 2))


class ModernGan(keras_training.Gan):
    """Both players, and what they minimize."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int):
        """Networks for images [H, W, C], which know the classes if the config is conditional."""
        self.num_classes = num_classes if config.conditional else 0
        players = (make(config, image_shape, self.num_classes) for make in (modern_generator, modern_discriminator))
        super().__init__(config, *players)

    def d_loss(self, real, labels):
        """Each real image is to be more real than the fake beside it, and than itself under a wrong label."""
        return self.compared(self.discriminator([self.both(real, labels), self.asked(labels)]))

    def d_loss_with_penalty(self, real, labels, weight):
        """With weight / 2 |d D / d image|^2 on real images (R1) and on fakes (R2)."""
        both, asked = self.both(real, labels), self.asked(labels)
        with tf.GradientTape() as tape:
            tape.watch(both)
            logits = self.discriminator([both, asked])
            own = logits[:, 0]
        slopes = tape.gradient(own, both)
        return self.compared(logits) + weight / 2.0 * tf.reduce_sum(tf.square(slopes)) / self.config.batch_size

    def g_loss(self, real, labels):
        """The opposite of the first."""
        real_logits = tf.stop_gradient(self.discriminator([real, labels[:, None]]))
        fake = self.generator([self.latents(), labels])
        return tf.reduce_mean(tf.math.softplus(real_logits - self.discriminator([fake, labels[:, None]])))

    def both(self, real, labels):
        """Real images and fakes [2B, H, W, C]."""
        return tf.concat([real, tf.stop_gradient(self.generator([self.latents(), labels]))], axis=0)

    def asked(self, labels):
        """The labels of both [2B, 1]; with classes [2B, 2], beside each a wrong one."""
        columns = [labels, self.wrong(labels)] if self.num_classes > 1 and self.config.mismatch_weight else [labels]
        return tf.tile(tf.stack(columns, axis=1), [2, 1])

    def wrong(self, labels):
        """Another label for each, every one with the same chance."""
        others = tf.random.uniform(tf.shape(labels), 1, self.num_classes, labels.dtype)
        return (labels + others) % self.num_classes

    def compared(self, logits):
        """The loss of logits [2B, 1] or [2B, 2]."""
        real, fake = tf.split(logits, 2)
        loss = tf.reduce_mean(tf.math.softplus(fake[:, 0] - real[:, 0]))
        if logits.shape[1] == 1:
            return loss
        return loss + self.config.mismatch_weight * tf.reduce_mean(tf.math.softplus(real[:, 1] - real[:, 0]))


if __name__ == "__main__":
    keras_training.main("The training of the preset modern under Keras, for bin/bench.", "modern", ModernGan)
