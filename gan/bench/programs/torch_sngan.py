"""The training step of `--preset=sngan` in PyTorch: residual networks, normalization of both kinds, the hinge loss.

`python -m gan.bench.programs.torch_sngan` answers `bin/bench --preset=sngan --against=torch` and its variants (see
`serving`).
"""

from gan.bench.programs import torch_training
from gan.bench.programs.torch_framework import nn, torch
from gan.bench.programs.torch_layers import ToMap, batch_norm, conv, dense, seen, shown, upsampled, width
from gan.bench.programs.torch_training import Data, Gan
from gan.networks import sizes
from gan.settings import Config

_SMALL_BLOCKS = 2  # of the discriminator, at the smallest map

relu, average_pool = nn.functional.relu, nn.functional.avg_pool2d
spectral_norm = nn.utils.parametrizations.spectral_norm


class Up(nn.Module):
    """[B, C, H, W] -> [B, C, 2 H, 2 W]: two convolutions, each after normalization, beside a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.first_norm, self.first = batch_norm(channels), conv(channels, channels, 3)
        self.second_norm, self.second = batch_norm(channels), conv(channels, channels, 3)
        self.shortcut = conv(channels, channels, 1)

    def forward(self, x):
        """The sum of both ways."""
        y = self.first(upsampled(relu(self.first_norm(x), inplace=True)))
        y = self.second(relu(self.second_norm(y), inplace=True))
        return y + upsampled(self.shortcut(x))


class Generator(nn.Module):
    """Latents [B, latent_size] -> images [B, C, H, W], as many channels at all sizes."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        (rows, columns), doublings = sizes.base(image_shape[:2])
        channels = width(config, config.g_width)
        self.config = config
        stack = [dense(config.latent_size, rows * columns * channels), ToMap(rows, columns, channels)]
        stack += [*(Up(channels) for _ in range(doublings)), batch_norm(channels), nn.ReLU(inplace=True)]
        self.stack = nn.Sequential(*stack, conv(channels, image_shape[2], 3, config.g_output_scale))

    def forward(self, latents, labels):
        """Float32."""
        return shown(self.config, self.stack(latents))


class Down(nn.Module):
    """[B, inputs, H, W] -> [B, outputs, H', W']: two convolutions beside x, or a shortcut where maps are halved."""

    def __init__(self, inputs: int, outputs: int, halved: bool, active: bool = True):
        """The first block of a network is not `active`: it takes the image as it is."""
        super().__init__()
        self.halved, self.active = halved, active
        self.first, self.second = spectral_norm(conv(inputs, outputs, 3)), spectral_norm(conv(outputs, outputs, 3))
        self.shortcut = spectral_norm(conv(inputs, outputs, 1)) if halved else None

    def forward(self, x):
        """The sum of both ways."""
        y = self.second(relu(self.first(relu(x) if self.active else x), inplace=True))
        if self.halved:
            return average_pool(y, 2) + self.shortcut(average_pool(x, 2))
        return x + y


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> logits [B]; all weights are divided by their spectral norm."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        super().__init__()
        channels, halvings = width(config, config.d_width), sizes.base(image_shape[:2])[1]
        self.config = config
        blocks = [Down(image_shape[2], channels, halved=True, active=False)]
        blocks += [Down(channels, channels, halved=True) for _ in range(halvings - 1)]
        blocks += [Down(channels, channels, halved=False) for _ in range(_SMALL_BLOCKS)]
        self.blocks, self.dropout = nn.Sequential(*blocks), nn.Dropout(config.d_dropout)
        self.dense = spectral_norm(dense(channels, 1))

    def forward(self, images, labels):
        """Float32."""
        features = relu(self.blocks(seen(self.config, images))).float().sum((2, 3))
        return self.dense(self.dropout(features)).float()[:, 0]


class SnGan(Gan):
    """Both players, and what they minimize."""

    def __init__(self, config: Config, data: Data, precision: torch.dtype):
        """Networks for the images of `data`, in a precision of `PRECISIONS`."""
        super().__init__(config, *(make(config, data.image_shape) for make in PLAYERS), data, precision)

    def d_loss(self, real, latents, labels):
        """Real images are to be above 1 and fakes below -1."""
        with torch.no_grad():
            fake = self.generator(latents, labels)
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake]), labels).chunk(2)
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()

    def g_loss(self, real, latents, labels):
        """Fakes are to be high."""
        return -self.discriminator(self.generator(latents, labels), labels).mean()


PLAYERS = Generator, Discriminator

if __name__ == "__main__":
    torch_training.main("The training of the preset sngan in PyTorch, for bin/bench.", "sngan", SnGan)
