"""Layers that the networks in PyTorch share: first values as the engine has them, pixels in and out.

Everything is for tensors in channels_last; a module with numbers to learn calls them `weight` and `bias`.
"""

from gan.bench.programs.torch_framework import nn, torch
from gan.settings import Config


def conv(inputs: int, outputs: int, taps: int, scale: float = 1.0, stride: int = 1, padding=None) -> nn.Conv2d:
    """A convolution with kernels of `scale` times Glorot's range and biases of 0; same size if nothing else is said."""
    return glorot(nn.Conv2d(inputs, outputs, taps, stride, taps // 2 if padding is None else padding), scale)


def dense(inputs: int, outputs: int) -> nn.Linear:
    """The same of a matrix."""
    return glorot(nn.Linear(inputs, outputs))


def glorot(layer: nn.Module, scale: float = 1.0) -> nn.Module:
    """The layer with first values as Glorot & Bengio, and Keras, have them."""
    nn.init.xavier_uniform_(layer.weight, scale)
    nn.init.zeros_(layer.bias)
    return layer


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Normalization by the statistics of the batch at all times: there are none of the past to keep."""
    return nn.BatchNorm2d(channels, track_running_stats=False)


def upsampled(x: torch.Tensor) -> torch.Tensor:
    """[B, C, H, W] -> [B, C, 2 H, 2 W], each pixel repeated."""
    return nn.functional.interpolate(x, scale_factor=2)


class ToMap(nn.Module):
    """[B, H W C] -> [B, C, H, W], in channels_last without a copy."""

    def __init__(self, rows: int, columns: int, channels: int):
        super().__init__()
        self.shape = rows, columns, channels

    def forward(self, x):
        """A view of it."""
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class FromMap(nn.Module):
    """[B, C, H, W] in channels_last -> [B, H W C] without a copy."""

    def forward(self, x):
        """A view of it."""
        return x.permute(0, 2, 3, 1).flatten(1)


def width(config: Config, channels: int) -> int:
    """A network's width by the multiple of the config."""
    return max(1, round(config.width * channels))


def seen(config: Config, images: torch.Tensor) -> torch.Tensor:
    """Pixels in [0, 1] as the discriminator sees them."""
    return 2.0 * images - 1.0 if config.d_pixel_range == "symmetric" else images


def shown(config: Config, x: torch.Tensor) -> torch.Tensor:
    """What the generator's last convolution says as float32 pixels."""
    return torch.sigmoid(x.float()) if config.g_output == "sigmoid" else 0.5 + 0.5 * x.float()
