"""What the training steps in PyTorch have in common: players, updates, schedules, the average, the talk with bin/bench.

A recipe is a subclass of `Gan`: two networks, and what each player minimizes. Written for speed as PyTorch's own guides
have it: channels_last, fused Adam, parameters without gradient frozen, one operation over all tensors for the average,
no number read from the device within a window, and where it is asked for torch.compile of the losses.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gan.bench.programs import serving
from gan.settings import Config

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    serving.Conversation().error("PyTorch is not installed; install it for the comparison: pip install torch==2.13.0")
    raise SystemExit(2) from None

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Data(NamedTuple):
    """Float32 images [N, C, H, W] in [0, 1] and labels [N], on the device that trains."""

    images: torch.Tensor
    labels: torch.Tensor


class Gan:
    """Both players of a config and their step: discriminator updates, a generator update, the average."""

    def __init__(
        self, config: Config, generator: nn.Module, discriminator: nn.Module, data: Data, precision: torch.dtype
    ):
        """The networks may have any initialization; they are moved to the device of the data."""
        self.config, self.data, self.precision, self.device = config, data, precision, data.images.device
        self.generator = generator.to(self.device, memory_format=torch.channels_last)
        self.discriminator = discriminator.to(self.device, memory_format=torch.channels_last)
        betas = (config.g_beta1, config.g_beta2), (config.d_beta1, config.d_beta2)
        self.g_optimizer, self.d_optimizer = (
            torch.optim.Adam(player.parameters(), betas=beta, eps=config.epsilon, fused=True)
            for player, beta in zip((self.generator, self.discriminator), betas, strict=True)
        )
        self.averages = [p.detach().clone() for p in self.generator.parameters()]
        self.steps = 0

    def d_loss(self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What the discriminator minimizes, [], on images [B, C, H, W]."""
        raise NotImplementedError

    def d_loss_with_penalty(self, real, fake, labels, weight: torch.Tensor) -> torch.Tensor:
        """The same with a penalty of that weight, [], for recipes that have one."""
        raise NotImplementedError

    def g_loss(self, real: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What the generator minimizes, []."""
        raise NotImplementedError

    def compile(self) -> None:
        """From now on the losses and their gradients are compiled functions."""
        self.d_loss, self.g_loss = torch.compile(self.d_loss), torch.compile(self.g_loss)

    def step(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Discriminator updates and one of the generator on random real images; the last losses, on the device."""
        config, seen = self.config, self.steps * self.config.batch_size * self.config.d_steps
        for i in range(config.d_steps):
            real, labels = self.batch()
            d_loss = self.d_update(real, labels, self.steps * config.d_steps + i, seen)
        g_loss = self.g_update(real, labels, seen)
        if config.ema_half_life_images:
            self.average(seen)
        self.steps += 1
        return d_loss, g_loss

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Random real images [B, C, H, W] and their labels [B]."""
        rows = torch.randint(len(self.data.images), (self.config.batch_size,), device=self.device)
        return self.data.images[rows], self.data.labels[rows]

    def latents(self) -> torch.Tensor:
        """[B, latent_size]."""
        return torch.randn(self.config.batch_size, self.config.latent_size, device=self.device)

    def d_update(self, real: torch.Tensor, labels: torch.Tensor, update: int, seen: int) -> torch.Tensor:
        """One update of the discriminator; every so often with the penalty at so many times its weight."""
        config = self.config
        self.discriminator.requires_grad_(True)
        with self.autocast():
            with torch.no_grad():
                fake = self.generator(self.latents(), labels)
            if config.gamma and update % config.penalty_every_steps == 0:
                gamma = self.course(config.gamma, config.gamma_end_factor, seen)
                loss = self.d_loss_with_penalty(real, fake, labels, config.penalty_every_steps * gamma)
            else:
                loss = self.d_loss(real, fake, labels)
        return self.update(self.d_optimizer, loss, config.d_learning_rate, seen)

    def g_update(self, real: torch.Tensor, labels: torch.Tensor, seen: int) -> torch.Tensor:
        """One update of the generator, on the discriminator's last images where its loss looks at them."""
        self.discriminator.requires_grad_(False)
        with self.autocast():
            loss = self.g_loss(real, self.latents(), labels)
        return self.update(self.g_optimizer, loss, self.config.g_learning_rate, seen)

    def update(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float, seen: int) -> torch.Tensor:
        """The loss, after the optimizer has followed its gradient."""
        for group in optimizer.param_groups:
            group["lr"] = self.course(rate, self.config.learning_rate_end_factor, seen)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def course(self, start: float, end_factor: float, seen: int) -> float:
        """Half a period of a cosine from `start` to its multiple at the end of the schedule, if there is one."""
        if self.config.schedule == "constant":
            return start
        share = min(1.0, seen / self.config.schedule_images)
        if self.config.schedule == "cosine":
            share = (1.0 - math.cos(math.pi * share)) / 2.0
        return start + share * (end_factor - 1.0) * start

    @torch.no_grad()
    def average(self, seen: int) -> None:
        """The average follows the generator; while the run is young it forgets faster."""
        config = self.config
        half_life = min(config.ema_half_life_images, config.ema_ramp * seen if config.ema_ramp else math.inf)
        keep = 0.5 ** (config.batch_size * config.d_steps / half_life) if half_life else 0.0
        torch._foreach_lerp_(self.averages, list(self.generator.parameters()), 1.0 - keep)

    def autocast(self) -> torch.autocast:
        """The precision of what is computed within."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


def glorot_(module: nn.Module) -> None:
    """Kernels as Glorot & Bengio have them and biases of 0, as Keras does."""
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def arguments(description: str, preset: str) -> argparse.ArgumentParser:
    """The flags of all programs in PyTorch."""
    parser = serving.arguments(description, preset)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="float32", help="bfloat16: autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    return parser


def begin(options: argparse.Namespace) -> tuple[torch.device, torch.dtype]:
    """Sets the process up for the flags; (the device that trains, the precision)."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu"), PRECISIONS[options.precision]


def data(options: argparse.Namespace, device: torch.device) -> Data:
    """The images and labels of the flags."""
    images = serving.images(options.images, serving.config(options).batch_size)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) / 255.0
    labels = torch.from_numpy(serving.labels(options.labels, len(images)))
    return Data(pixels.to(device), labels.to(device))


def parameters(players: Iterable[nn.Module]) -> list[int]:
    """How many numbers each player learns."""
    return [sum(parameter.numel() for parameter in player.parameters()) for player in players]


def serve(step: Callable[[], tuple[torch.Tensor, torch.Tensor]], counts: list[int]) -> None:
    """Answers with the time of `step` until the bench has no more windows."""
    conversation = serving.Conversation()
    conversation.ready(versions={"torch": torch.__version__}, parameters=counts)
    while steps := conversation.next_steps():
        begin = time.perf_counter()
        for _ in range(steps):
            losses = step()
        [float(loss) for loss in losses]  # waits for the device
        conversation.seconds(time.perf_counter() - begin)
