"""The training step of `--preset=dcgan` in PyTorch: strided convolutions, batch normalization, the non-saturating loss.

`python -m gan.bench.programs.torch_dcgan` answers `bin/bench --preset=dcgan --against=torch` and its variants (see
`serving`).
"""

from gan.bench.programs import torch_training
from gan.bench.programs.torch_framework import nn, torch
from gan.bench.programs.torch_layers import FromMap, ToMap, batch_norm, conv, dense, seen, shown, width
from gan.bench.programs.torch_training import Data, Gan
from gan.networks import sizes
from gan.settings import Config

_SLOPE = 0.2

softplus = nn.functional.softplus


class Generator(nn.Module):
    """Latents [B, latent_size] -> images [B, C, H, W]: half the channels after each doubling."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        (rows, columns), doublings = sizes.base(image_shape[:2])
        widest = channels = width(config, config.g_width)
        self.config = config
        stack = [dense(config.latent_size, rows * columns * channels), ToMap(rows, columns, channels)]
        for i in range(1, doublings):
            stack += [batch_norm(channels), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2)]
            stack += [conv(channels, max(1, widest >> i), 5)]
            channels = max(1, widest >> i)
        stack += [batch_norm(channels), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2)]
        self.stack = nn.Sequential(*stack, conv(channels, image_shape[2], 5, config.g_output_scale))

    def forward(self, latents, labels):
        """Float32."""
        return shown(self.config, self.stack(latents))


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> logits [B]: twice the channels after each halving."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        (rows, columns), halvings = sizes.base(image_shape[:2])
        self.config, stack, inputs = config, [], image_shape[2]
        for i in range(halvings):
            channels = width(config, config.d_width) << i
            stack += [conv(inputs, channels, 5, stride=2), nn.LeakyReLU(_SLOPE, inplace=True)]
            stack += [nn.Dropout(config.d_dropout)]
            inputs = channels
        self.stack = nn.Sequential(*stack, FromMap(), dense(rows * columns * inputs, 1))

    def forward(self, images, labels):
        """Float32."""
        return self.stack(seen(self.config, images)).float()[:, 0]


class DcganGan(Gan):
    """Both players, and what they minimize."""

    def __init__(self, config: Config, data: Data, precision: torch.dtype):
        """Networks for the images of `data`, in a precision of `PRECISIONS`."""
        super().__init__(config, *(make(config, data.image_shape) for make in PLAYERS), data, precision)

    def d_loss(self, real, latents, labels):
        """The sum of both cross entropies."""
        with torch.no_grad():
            fake = self.generator(latents, labels)
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake]), labels).chunk(2)
        return softplus(-real_logits).mean() + softplus(fake_logits).mean()

    def g_loss(self, real, latents, labels):
        """Minus the log of the probability that fakes are real."""
        return softplus(-self.discriminator(self.generator(latents, labels), labels)).mean()


PLAYERS = Generator, Discriminator

if __name__ == "__main__":
    torch_training.main("The training of the preset dcgan in PyTorch, for bin/bench.", "dcgan", DcganGan)
