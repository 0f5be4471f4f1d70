"""The training step of `--preset=article_corrected` in PyTorch, and of `article`, as `keras_article` has it in Keras.

Fresh fakes for each of the two updates, dropout in the discriminator's own update, noise added to the labels, Adam; R1
where gamma is not 0. `python -m gan.bench.programs.torch_article` answers `bin/bench --preset=article_corrected
--against=torch` and its variants (see `serving`).
"""

from gan import config as configs
from gan.bench.programs import torch_training
from gan.bench.programs.torch_framework import nn, torch
from gan.bench.programs.torch_layers import FromMap, ToMap, conv, dense, seen, shown, width
from gan.bench.programs.torch_training import Data, Gan
from gan.networks import sizes
from gan.settings import Config

_SLOPE = 0.2
_FULL_SIDE = 32  # above it the discriminator's first convolution has a stride

cross_entropy = nn.functional.binary_cross_entropy_with_logits


class Generator(nn.Module):
    """Latents [B, latent_size] -> images [B, C, H, W]; as published 2,450,049 parameters."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        (rows, columns), doublings = sizes.base(image_shape[:2])
        channels = width(config, config.g_width)
        self.config = config
        stack = [dense(config.latent_size, rows * columns * channels), nn.LeakyReLU(_SLOPE, inplace=True)]
        stack += [ToMap(rows, columns, channels)]
        for i in range(doublings + 2):
            stack += [nn.Upsample(scale_factor=2)] if i < doublings else []
            stack += [conv(channels, channels, 5), nn.LeakyReLU(_SLOPE, inplace=True)]
        self.stack = nn.Sequential(*stack, conv(channels, image_shape[2], 4, config.g_output_scale, padding="same"))

    def forward(self, latents, labels):
        """Float32."""
        return shown(self.config, self.stack(latents))


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> logits [B], high for fakes; as published 1,113,345 parameters."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        height, columns, inputs = image_shape
        stride = max(1, 1 << sizes.base(image_shape[:2])[1] >> sizes.base((_FULL_SIDE, _FULL_SIDE))[1])
        self.config, stack = config, []
        for i in range(4):
            channels = width(config, config.d_width) << i
            stack += [conv(inputs, channels, 5, stride=stride, padding=0), nn.LeakyReLU(_SLOPE, inplace=True)]
            stack += [nn.Dropout(config.d_dropout)]
            height, columns = (-((4 - side) // stride) for side in (height, columns))
            inputs, stride = channels, 1
        stack += [FromMap(), nn.Dropout(config.d_dropout), dense(height * columns * inputs, 1)]
        self.stack = nn.Sequential(*stack)

    def forward(self, images, labels):
        """Float32."""
        return self.stack(seen(self.config, images)).float()[:, 0]


class ArticleGan(Gan):
    """Both players, and what they minimize; labels are 0 for real images and 1 for fakes."""

    def __init__(
        self,
        images: torch.Tensor,
        batch_size: int,
        precision: torch.dtype,
        compiled: bool = False,
        config: Config | None = None,
    ):
        """`images` are float32 [N, C, H, W] in [0, 1] on the device that trains; `config` as any other Gan has it."""
        config = config or configs.make("article_corrected", batch_size=batch_size)
        data = Data(images, torch.zeros(len(images), dtype=torch.int64, device=images.device))
        networks = (make(config, data.image_shape) for make in (Generator, Discriminator))
        super().__init__(config, *networks, data, precision)
        if compiled:
            self.compile()

    def d_loss(self, real, latents, labels):
        """The mean over both kinds of images, with noise that moves each label towards the middle."""
        with torch.no_grad():
            fake = self.generator(latents, labels)
        kinds = torch.arange(2, device=self.device, dtype=torch.float32).repeat_interleave(len(real))
        targets = kinds + self.config.label_noise * (1 - 2 * kinds) * torch.rand_like(kinds)
        return cross_entropy(self.discriminator(torch.cat([real, fake]), labels), targets)

    def d_loss_with_penalty(self, real, latents, labels, weight):
        """With weight / 2 |d D / d image|^2 on real images (R1), without dropout."""
        loss = self.d_loss(real, latents, labels)
        self.discriminator.eval()
        _, slopes = torch_training.logits_and_slopes(lambda images: 2 * (self.discriminator(images, labels),), real)
        return loss + weight / 2 * slopes.square().sum() / len(real)

    def g_loss(self, real, latents, labels):
        """Fakes are to be called real."""
        logits = self.discriminator(self.generator(latents, labels), labels)
        return cross_entropy(logits, torch.zeros_like(logits))


def made(config: Config, data: Data, precision: torch.dtype) -> ArticleGan:
    """As the other programs make theirs."""
    return ArticleGan(data.images, config.batch_size, precision, config=config)


if __name__ == "__main__":
    torch_training.main("The article's training in PyTorch, for bin/bench.", "article_corrected", made)
