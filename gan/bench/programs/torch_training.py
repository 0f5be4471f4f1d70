"""What the training steps in PyTorch have in common: updates of both players, schedules, the average, the talk.

A recipe is a subclass of `Gan` with two networks and what each player minimizes. Written for speed as PyTorch's own
guides have it: channels_last, fused Adam, activations in place, the frozen player's parameters without gradient, one
operation for the whole average, no number read from the device within a window; with `compile` the losses are compiled
functions.
"""

import argparse
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from gan.bench.programs.torch_framework import nn, set_up, torch  # first: it says what is missing

# isort: split
from gan.bench.programs import examples, serving
from gan.settings import Config

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Data(NamedTuple):
    """Float32 images [N, C, H, W] in [0, 1] and labels [N], on the device that trains."""

    images: torch.Tensor
    labels: torch.Tensor
    num_classes: int = 0

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        channels, height, width = self.images.shape[1:]
        return height, width, channels


class Gan:
    """Both players of a config and their step: discriminator updates, a generator update, the average.

    Networks take (latents [B, N], labels [B]) and (images [B, C, H, W], labels), and may ignore labels.
    """

    def __init__(self, config: Config, generator: nn.Module, discriminator: nn.Module, data: Data, precision):
        """Trains the networks, which are moved to the device of the data, in a precision of `PRECISIONS`."""
        self.config, self.data, self.device = config, data, data.images.device
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=precision == torch.bfloat16)
        self.generator, self.discriminator = self.players = [
            player.to(self.device, memory_format=torch.channels_last).train() for player in (generator, discriminator)
        ]
        betas = (config.g_beta1, config.g_beta2), (config.d_beta1, config.d_beta2)
        self.g_optimizer, self.d_optimizer = (
            torch.optim.Adam(player.parameters(), betas=beta, eps=config.epsilon, fused=True)
            for player, beta in zip(self.players, betas, strict=True)
        )
        self.averages = [parameter.detach().clone() for parameter in self.generator.parameters()]
        self.steps = 0

    def d_loss(self, real: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What the discriminator minimizes, [], on real images [B, C, H, W]."""
        raise NotImplementedError

    def d_loss_with_penalty(self, real, latents, labels, weight: torch.Tensor) -> torch.Tensor:
        """The same with a penalty of the weight [] on the discriminator's slope."""
        raise NotImplementedError

    def g_loss(self, real: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What the generator minimizes, [], beside the real images of the discriminator's last update."""
        raise NotImplementedError

    def compile(self) -> None:
        """From now on the losses, their gradients and the generator without one are compiled functions."""
        for name in ("d_loss", "d_loss_with_penalty", "g_loss"):
            setattr(self, name, torch.compile(getattr(self, name)))

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

    def warm_up(self) -> None:
        """As many steps as it takes to have seen all that a step can be; they count for nothing."""
        for _ in range(2 if self.config.gamma and self.config.penalty_every_steps > 1 else 1):
            self.step()
        self.steps = 0

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Random real images [B, C, H, W] and their labels [B]."""
        rows = torch.randint(len(self.data.images), (self.config.batch_size,), device=self.device)
        return self.data.images[rows], self.data.labels[rows]

    def latents(self) -> torch.Tensor:
        """[B, latent_size]."""
        return torch.randn(self.config.batch_size, self.config.latent_size, device=self.device)

    def d_update(self, real: torch.Tensor, labels: torch.Tensor, update: int, seen: int) -> torch.Tensor:
        """One update of the discriminator; in every so many the penalty, at so many times its weight."""
        config = self.config
        self.discriminator.train().requires_grad_(True)
        with self.autocast:
            if config.gamma and update % config.penalty_every_steps == 0:
                weight = config.penalty_every_steps * self.course(config.gamma, config.gamma_end_factor, seen)
                weight = torch.full((), weight, device=self.device)  # a number would be compiled into the function
                loss = self.d_loss_with_penalty(real, self.latents(), labels, weight)
            else:
                loss = self.d_loss(real, self.latents(), labels)
        return self.update(self.d_optimizer, loss, config.d_learning_rate, seen)

    def g_update(self, real: torch.Tensor, labels: torch.Tensor, seen: int) -> torch.Tensor:
        """One update of the generator, in which the discriminator is a fixed function."""
        self.discriminator.eval().requires_grad_(False)
        with self.autocast:
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
        """From `start` to its multiple at the end of the schedule, by half a period of a cosine if it is one."""
        if self.config.schedule == "constant":
            return start
        share = min(1.0, seen / self.config.schedule_images)
        if self.config.schedule == "cosine":
            share = (1.0 - math.cos(math.pi * share)) / 2.0
        return start + share * (end_factor - 1.0) * start

    @torch.no_grad()
    def average(self, seen: int) -> None:
        """The averages follow the generator; while the run is young they forget faster."""
        config = self.config
        half_life = min(config.ema_half_life_images, config.ema_ramp * seen if config.ema_ramp else math.inf)
        keep = 0.5 ** (config.batch_size * config.d_steps / half_life) if half_life else 0.0
        torch._foreach_lerp_(self.averages, list(self.generator.parameters()), 1.0 - keep)


def logits_and_slopes(critic: Callable, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits of `critic(images)`, the gradient of each image's own logit in it [B, C, H, W]), both differentiable.

    The critic returns (the logits that count, all logits). By functions and not by `autograd.grad`, since compiled code
    has no second derivative of its own and can be made from this.
    """

    def total(images):
        own, logits = critic(images)
        return own.sum(), logits

    slopes, logits = torch.func.grad(total, has_aux=True)(images)
    return logits, slopes


def main(description: str, preset: str, make: Callable[[Config, Data, torch.dtype], Gan]) -> None:
    """Answers with the time of the steps of what is made until the bench has no more windows."""
    parser = serving.arguments(description, preset)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="float32", help="bfloat16: autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    options = parser.parse_args()
    conversation = serving.Conversation()
    set_up(options.threads)
    torch.manual_seed(0)
    config = serving.config(options)
    gan = make(config, given(options, config.batch_size), PRECISIONS[options.precision])
    if options.compile:
        gan.compile()
    counts = [sum(parameter.numel() for parameter in player.parameters()) for player in gan.players]
    facts = {"versions": {"torch": torch.__version__}, "parameters": counts, "threads": torch.get_num_threads()}
    conversation.ready(**facts)
    gan_is_warm = False
    while steps := conversation.next_steps():
        if not gan_is_warm:
            gan.warm_up()
            gan_is_warm = True
        conversation.seconds(timed(gan.step, steps))


def given(options: argparse.Namespace, batch: int) -> Data:
    """The images and labels of the flags, on a GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images = examples.images(options.images, batch)
    labels = examples.labels(options.labels, len(images), options.num_classes)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) / 255.0
    return Data(pixels.to(device), torch.from_numpy(labels).to(device), options.num_classes)


def timed(step: Callable[[], tuple[torch.Tensor, torch.Tensor]], steps: int) -> float:
    """Seconds of so many steps, their losses read at the end, which waits for the device."""
    begin = time.perf_counter()
    for _ in range(steps):
        losses = step()
    [float(loss) for loss in losses]
    return time.perf_counter() - begin
