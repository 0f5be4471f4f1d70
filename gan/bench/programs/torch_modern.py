"""The training step of `--preset=modern` and `modern_conditional` in PyTorch.

Residual networks without normalization, relativistic pairing, R1 and R2 in every eighth update, Adam, an average of the
generator. `python -m gan.bench.programs.torch_modern` answers `bin/bench --preset=modern --against=torch` and its
variants (see `serving`).
"""

import math

from gan.bench.programs import torch_training
from gan.bench.programs.torch_framework import nn, torch
from gan.bench.programs.torch_layers import ToMap, conv, dense, seen, shown, upsampled, width
from gan.bench.programs.torch_training import Data, Gan
from gan.networks import sizes
from gan.settings import Config

_SLOPE = 0.2
_FEWEST = 16  # channels of a map in the generator
_GAIN = math.sqrt(2.0 / (1.0 + _SLOPE**2))

leaky_relu, softplus, average_pool = nn.functional.leaky_relu, nn.functional.softplus, nn.functional.avg_pool2d


class Block(nn.Module):
    """[B, inputs, H, W] -> [B, outputs, H', W']: two convolutions, zero at first, beside a shortcut."""

    def __init__(self, inputs: int, middle: int, outputs: int, scale: float, change: str = ""):
        """By a `change` of "up" the first convolution sees the map doubled, by "down" the second one sees it halved."""
        super().__init__()
        self.change = change
        self.first, self.second = conv(inputs, middle, 3, scale), conv(middle, outputs, 3, 0.0)
        self.shortcut = conv(inputs, outputs, 1) if change else None

    def forward(self, x):
        """The sum of both ways."""
        y = leaky_relu(x, _SLOPE)
        y = self.first(upsampled(y) if self.change == "up" else y)
        y = leaky_relu(y, _SLOPE, inplace=True)
        y = self.second(average_pool(y, 2) if self.change == "down" else y)
        if self.change == "up":
            x = upsampled(self.shortcut(x))
        elif self.change == "down":
            x = self.shortcut(average_pool(x, 2))
        return x + y


class Generator(nn.Module):
    """Latents [B, latent_size] -> images [B, C, H, W], float32."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__()
        (rows, columns), doublings = sizes.base(image_shape[:2])
        channels, depth = width(config, config.g_width), config.depth or 1
        scale, widest = _GAIN / math.sqrt(depth * (doublings + 1)), channels
        self.config = config
        self.embedding = nn.Embedding(num_classes, config.latent_size) if num_classes else None
        if num_classes:
            nn.init.normal_(self.embedding.weight, std=config.latent_size**-0.5)
        trunk = [dense(config.latent_size, rows * columns * channels), ToMap(rows, columns, channels)]
        trunk += [Block(channels, channels, channels, scale) for _ in range(depth)]
        for i in range(1, doublings + 1):
            inputs, channels = channels, min(widest, max(widest >> i, _FEWEST))
            trunk += [Block(inputs, channels, channels, scale, "up")]
            trunk += [Block(channels, channels, channels, scale) for _ in range(depth - 1)]
        self.trunk = nn.Sequential(*trunk, nn.LeakyReLU(_SLOPE, inplace=True))
        self.last = conv(channels, image_shape[2], 3, config.g_output_scale)

    def forward(self, latents, labels):
        """Images of the classes `labels` [B], which networks without classes ignore."""
        x = latents + self.embedding(labels) if self.embedding else latents
        return shown(self.config, self.last(self.trunk(x)))


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> logits [B], or of labels [B, K] logits [B, K], float32."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__()
        (rows, columns), halvings = sizes.base(image_shape[:2])
        channels, depth = width(config, config.d_width), config.depth or 1
        scale = _GAIN / math.sqrt(depth * (halvings + 1))
        self.config = config
        trunk = [conv(image_shape[2], channels, 3)]
        for _ in range(halvings):
            trunk += [Block(channels, channels, channels, scale) for _ in range(depth - 1)]
            trunk += [Block(channels, channels, 2 * channels, scale, "down")]
            channels *= 2
        trunk += [Block(channels, channels, channels, scale) for _ in range(depth)]
        self.trunk = nn.Sequential(*trunk, nn.LeakyReLU(_SLOPE, inplace=True))
        self.basis, self.dense = WeightedSum(rows, columns, channels), dense(channels, 1)
        self.embedding = nn.Embedding(num_classes, channels) if num_classes else None
        if num_classes:
            nn.init.xavier_uniform_(self.embedding.weight)

    def forward(self, images, labels):
        """A dense layer on the features, and with classes their projection on each label's embedding."""
        maps = self.trunk(seen(self.config, images))
        with torch.autocast(maps.device.type, enabled=False):
            features = self.basis(maps.float())
            logits = self.dense(features)
            if self.embedding:
                logits = logits + (self.embedding(labels.view(len(labels), -1)) * features[:, None]).sum(2)
        return logits if labels.ndim == 2 else logits[:, 0]


class WeightedSum(nn.Module):
    """[B, C, H, W] -> [B, C]: for each channel a learned weighted sum over the places."""

    def __init__(self, rows: int, columns: int, channels: int):
        super().__init__()
        limit = math.sqrt(3.0 / (rows * columns))
        self.weight = nn.Parameter(torch.empty(channels, rows, columns).uniform_(-limit, limit))

    def forward(self, x):
        """The features."""
        return (x * self.weight).sum((2, 3))


class ModernGan(Gan):
    """Both players, and what they minimize."""

    def __init__(self, config: Config, data: Data, precision: torch.dtype):
        """Networks for the images of `data`, in a precision of `PRECISIONS`."""
        self.num_classes = data.num_classes if config.conditional else 0
        networks = (make(config, data.image_shape, self.num_classes) for make in (Generator, Discriminator))
        super().__init__(config, *networks, data, precision)

    def d_loss(self, real, latents, labels):
        """Each real image is to be more real than the fake beside it, and than itself under a wrong label."""
        return self.compared(self.discriminator(self.both(real, latents, labels), self.asked(labels)))

    def d_loss_with_penalty(self, real, latents, labels, weight):
        """With weight / 2 |d D / d image|^2 on real images (R1) and on fakes (R2)."""
        asked = self.asked(labels)

        def critic(images):
            logits = self.discriminator(images, asked)
            return logits[:, 0] if logits.ndim == 2 else logits, logits

        logits, slopes = torch_training.logits_and_slopes(critic, self.both(real, latents, labels))
        return self.compared(logits) + weight / 2 * slopes.square().sum() / len(real)

    def g_loss(self, real, latents, labels):
        """The opposite of the first."""
        with torch.no_grad():
            real_logits = self.discriminator(real, labels)
        return softplus(real_logits - self.discriminator(self.generator(latents, labels), labels)).mean()

    def both(self, real, latents, labels):
        """Real images and fakes [2B, C, H, W]."""
        with torch.no_grad():
            return torch.cat([real, self.generator(latents, labels)])

    def asked(self, labels):
        """The labels of both [2B]; with classes [2B, 2], beside each a wrong one."""
        if self.num_classes > 1 and self.config.mismatch_weight:
            labels = torch.stack([labels, self.wrong(labels)], 1)
        return torch.cat([labels, labels])

    def wrong(self, labels):
        """Another label for each, every one with the same chance."""
        others = torch.randint(1, self.num_classes, labels.shape, device=labels.device)
        return (labels + others) % self.num_classes

    def compared(self, logits):
        """The loss of logits [2B] or [2B, 2]."""
        real, fake = logits.chunk(2)
        if logits.ndim == 1:
            return softplus(fake - real).mean()
        mismatch = softplus(real[:, 1] - real[:, 0]).mean()
        return softplus(fake[:, 0] - real[:, 0]).mean() + self.config.mismatch_weight * mismatch


if __name__ == "__main__":
    torch_training.main("The training of the preset modern in PyTorch, for bin/bench.", "modern", ModernGan)
