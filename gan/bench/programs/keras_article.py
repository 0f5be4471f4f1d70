"""The article's training step as a user of Keras 3 writes it: `Model.fit` with a `train_step` of its own, float32.

The mathematics is that of `--preset=article_corrected`: fresh fakes for each of the two updates, dropout in the
discriminator's own update, noise added to the labels, Adam; R1 where gamma is not 0. `python -m
gan.bench.programs.keras_article` answers `bin/bench --preset=article_corrected --against=keras` (see `serving`).
"""

from gan.bench.programs import keras_training
from gan.bench.programs.keras_training import keras, tf
from gan.networks import sizes
from gan.settings import Config

_SLOPE = 0.2
_FULL_SIDE = 32  # above it the discriminator's first convolution has a stride

layers, cross_entropy = keras.layers, keras.losses.BinaryCrossentropy(from_logits=True)


def article_generator(config: Config, image_shape: tuple[int, int, int]) -> keras.Model:
    """Latents [B, latent_size] -> images [B, H, W, C] in [0, 1]; as published 2,450,049 parameters."""
    (rows, columns), doublings = sizes.base(image_shape[:2])
    width = max(1, round(config.width * config.g_width))
    stack = [keras.Input((config.latent_size,)), layers.Dense(rows * columns * width), layers.LeakyReLU(_SLOPE)]
    stack += [layers.Reshape((rows, columns, width))]
    for i in range(doublings + 2):
        stack += [layers.UpSampling2D()] if i < doublings else []
        stack += [layers.Conv2D(width, 5, padding="same"), layers.LeakyReLU(_SLOPE)]
    return keras.Sequential([*stack, layers.Conv2D(image_shape[2], 4, padding="same", activation="sigmoid")])


def article_discriminator(config: Config, image_shape: tuple[int, int, int]) -> keras.Model:
    """Images [B, H, W, C] -> logits [B, 1], high for fakes; as published 1,113,345 parameters."""
    stack, width = [keras.Input(image_shape)], max(1, round(config.width * config.d_width))
    stride = max(1, 1 << sizes.base(image_shape[:2])[1] >> sizes.base((_FULL_SIDE, _FULL_SIDE))[1])
    stack += [layers.Rescaling(2.0, -1.0)] if config.d_pixel_range == "symmetric" else []
    for i in range(4):
        stack += [layers.Conv2D(width << i, 5, 1 if i else stride), layers.LeakyReLU(_SLOPE)]
        stack += [layers.Dropout(config.d_dropout)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dropout(config.d_dropout), layers.Dense(1)])


class ArticleGan(keras_training.Gan):
    """Both players, and what they minimize; labels are 0 for real images and 1 for fakes."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int = 0):
        """Networks for images [H, W, C], which know no classes."""
        players = (make(config, image_shape) for make in (article_generator, article_discriminator))
        super().__init__(config, *players)

    def d_loss(self, real, labels):
        """The mean over both kinds of images, with noise that moves each label towards the middle."""
        kinds = tf.repeat([[0.0], [1.0]], self.config.batch_size, axis=0)
        targets = kinds + self.config.label_noise * (1.0 - 2.0 * kinds) * tf.random.uniform(tf.shape(kinds))
        fake = self.generator(self.latents(), training=False)
        both = [self.discriminator(images, training=True) for images in (real, fake)]
        return cross_entropy(targets, tf.concat(both, axis=0))

    def d_loss_with_penalty(self, real, labels, weight):
        """With weight / 2 |d D / d image|^2 on real images (R1), without dropout."""
        with tf.GradientTape() as tape:
            tape.watch(real)
            logits = self.discriminator(real, training=False)
        slopes = tape.gradient(logits, real)
        return self.d_loss(real, labels) + weight / 2.0 * tf.reduce_sum(tf.square(slopes)) / self.config.batch_size

    def g_loss(self, real, labels):
        """Fakes are to be called real."""
        fake = self.generator(self.latents(), training=True)
        logits = self.discriminator(fake, training=False)
        return cross_entropy(tf.zeros_like(logits), logits)


if __name__ == "__main__":
    keras_training.main("The article's training under Keras, for bin/bench.", "article_corrected", ArticleGan)
