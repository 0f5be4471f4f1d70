"""The training step of `--preset=modern` and `modern_conditional` in PyTorch: float32 or bfloat16, plain or compiled.

Residual networks without normalization, relativistic pairing, R1 and R2 in every eighth update, Adam, an average of the
generator. PyTorch is needed for this alone. `python -m gan.bench.programs.torch_modern` answers
`bin/bench --preset=modern --against=torch` and its variants (see `serving`).
"""

import math

from gan.bench.programs import serving, torch_training
from gan.networks import sizes
from gan.settings import Config

torch, nn = torch_training.torch, torch_training.nn
functional = nn.functional

_SLOPE = 0.2
_FEWEST = 16  # channels of a map in the generator
_GAIN = math.sqrt(2.0 / (1.0 + _SLOPE**2))


def conv(inputs: int, outputs: int, scale: float = 1.0, taps: int = 3) -> nn.Conv2d:
    """A convolution at one size, of so many times Glorot's range at first."""
    layer = nn.Conv2d(inputs, outputs, taps, padding=taps // 2)
    nn.init.xavier_uniform_(layer.weight, scale)
    nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    """[B, inputs, H, W] -> [B, outputs, H', W']: two convolutions beside a shortcut, zero at first."""

    def __init__(self, inputs: int, middle: int, outputs: int, scale: float, up: bool = False, down: bool = False):
        """With `up` the first convolution sees the map doubled, with `down` the second one sees it halved."""
        super().__init__()
        self.first, self.second = conv(inputs, middle, scale), conv(middle, outputs, 0.0)
        self.up, self.down = up, down
        self.shortcut = conv(inputs, outputs, taps=1) if up or down else None

    def forward(self, x):
        """The sum of both ways."""
        y = functional.leaky_relu(x, _SLOPE)
        y = self.first(functional.interpolate(y, scale_factor=2) if self.up else y)
        y = functional.leaky_relu(y, _SLOPE)
        y = self.second(functional.avg_pool2d(y, 2) if self.down else y)
        if self.up:
            x = functional.interpolate(self.shortcut(x), scale_factor=2)
        elif self.down:
            x = self.shortcut(functional.avg_pool2d(x, 2))
        return x + y


class Generator(nn.Module):
    """Latents [B, latent_size], labels [B] -> images [B, C, H, W]; 0.5 + x / 2 of the last convolution."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__()
        (rows, columns), doublings = sizes.base(image_shape[:2])
        width, depth = max(1, round(config.width * config.g_width)), config.depth or 1
        scale = _GAIN / math.sqrt(depth * (doublings + 1))
        self.embedding = nn.Embedding(num_classes, config.latent_size) if num_classes else None
        if num_classes:
            nn.init.normal_(self.embedding.weight, std=config.latent_size**-0.5)
        self.map = rows, columns, width
        self.dense = nn.Linear(config.latent_size, rows * columns * width)
        torch_training.glorot_(self.dense)
        blocks = [Block(width, width, width, scale) for _ in range(depth)]
        for i in range(1, doublings + 1):
            inputs, width = width, min(self.map[2], max(self.map[2] >> i, _FEWEST))
            blocks += [Block(inputs, width, width, scale, up=True)]
            blocks += [Block(width, width, width, scale) for _ in range(depth - 1)]
        self.blocks = nn.Sequential(*blocks)
        self.last = conv(width, image_shape[2], config.g_output_scale)

    def forward(self, latents, labels):
        """Float32 whatever the precision within."""
        x = latents + self.embedding(labels) if self.embedding else latents
        x = self.dense(x).view(-1, *self.map).permute(0, 3, 1, 2)  # channels_last without a copy
        x = self.last(functional.leaky_relu(self.blocks(x), _SLOPE))
        return 0.5 + 0.5 * x.float()


class Discriminator(nn.Module):
    """Images [B, C, H, W], labels [B] or [B, K] -> logits [B] or [B, K], float32."""

    def __init__(self, config: Config, image_shape: tuple[int, int, int], num_classes: int):
        super().__init__()
        (rows, columns), halvings = sizes.base(image_shape[:2])
        width, depth = max(1, round(config.width * config.d_width)), config.depth or 1
        scale = _GAIN / math.sqrt(depth * (halvings + 1))
        blocks = [conv(image_shape[2], width)]
        for _ in range(halvings):
            blocks += [Block(width, width, width, scale) for _ in range(depth - 1)]
            blocks += [Block(width, width, 2 * width, scale, down=True)]
            width *= 2
        blocks += [Block(width, width, width, scale) for _ in range(depth)]
        self.blocks = nn.Sequential(*blocks)
        limit = math.sqrt(3.0 / (rows * columns))
        self.places = nn.Parameter(torch.empty(width, rows, columns).uniform_(-limit, limit))
        self.dense = nn.Linear(width, 1)
        torch_training.glorot_(self.dense)
        self.embedding = nn.Embedding(num_classes, width) if num_classes else None
        if num_classes:
            nn.init.xavier_uniform_(self.embedding.weight)

    def forward(self, images, labels):
        """Each channel's sum over the map, weighted by place, then a dense layer and the projection of the labels."""
        x = functional.leaky_relu(self.blocks(2.0 * images - 1.0), _SLOPE)
        with torch.autocast(x.device.type, enabled=False):
            features = (x.float() * self.places).sum((2, 3))
            logits = self.dense(features)
            if self.embedding:
                several = labels if labels.ndim == 2 else labels[:, None]
                logits = logits + (self.embedding(several) * features[:, None]).sum(2)
        return logits if labels.ndim == 2 else logits[:, 0]


class ModernGan(torch_training.Gan):
    """Both players and what they minimize."""

    def __init__(self, config: Config, data: torch_training.Data, num_classes: int, precision: torch.dtype):
        """Networks for the images of `data`."""
        channels, height, width = data.images.shape[1:]
        self.num_classes = num_classes if config.conditional else 0
        shape = (height, width, channels), self.num_classes
        super().__init__(config, Generator(config, *shape), Discriminator(config, *shape), data, precision)

    def d_loss(self, real, fake, labels):
        """Each real image is to be more real than the fake beside it, and than itself under a wrong label."""
        return self.compared(self.discriminator(torch.cat([real, fake]), self.asked(labels)))

    def d_loss_with_penalty(self, real, fake, labels, weight):
        """With weight / 2 |d D / d image|^2 on real images (R1) and fakes (R2)."""
        both = torch.cat([real, fake]).requires_grad_()
        logits = self.discriminator(both, self.asked(labels))
        own = logits[:, 0] if self.num_classes else logits
        (slopes,) = torch.autograd.grad(own.sum(), both, create_graph=True)
        return self.compared(logits) + weight * slopes.square().sum() / (2 * len(real))

    def g_loss(self, real, latents, labels):
        """The opposite of the first."""
        with torch.no_grad():
            real_logits = self.discriminator(real, labels)
        fake_logits = self.discriminator(self.generator(latents, labels), labels)
        return functional.softplus(real_logits - fake_logits).mean()

    def asked(self, labels):
        """The labels [2B] of real images and fakes; with classes [2B, 2], beside each a wrong one."""
        if self.num_classes:
            others = torch.randint(1, self.num_classes, labels.shape, device=labels.device)
            labels = torch.stack([labels, (labels + others) % self.num_classes], 1)
        return torch.cat([labels, labels])

    def compared(self, logits):
        """The loss of logits [2B] or [2B, 2]."""
        real, fake = logits.chunk(2)
        if not self.num_classes:
            return functional.softplus(fake - real).mean()
        loss = functional.softplus(fake[:, 0] - real[:, 0]).mean()
        return loss + self.config.mismatch_weight * functional.softplus(real[:, 1] - real[:, 0]).mean()


def main() -> None:
    """Answers until the bench has no more windows."""
    options = torch_training.arguments("The modern preset's training in PyTorch, for bin/bench.", "modern").parse_args()
    device, precision = torch_training.begin(options)
    data = torch_training.data(options, device)
    gan = ModernGan(serving.config(options), data, int(data.labels.max()) + 1, precision)
    if options.compile:
        gan.compile()
    torch_training.serve(gan.step, torch_training.parameters((gan.generator, gan.discriminator)))


if __name__ == "__main__":
    main()
