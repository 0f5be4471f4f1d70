"""The article's training step in PyTorch: channels_last, fused Adam; float32 or bfloat16 autocast, plain or compiled.

The mathematics is that of `--preset=article_corrected`, as in `keras_article`. PyTorch is needed for this alone.
`python -m gan.bench.programs.torch_article` answers `bin/bench --against=torch` and its variants (see `serving`).
"""

import time

from gan.bench.programs import serving

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    serving.Conversation().error("PyTorch is not installed; install it for the comparison: pip install torch==2.13.0")
    raise SystemExit(2) from None

LATENT_SIZE = 128
LABEL_NOISE = 0.15


def article_generator() -> nn.Sequential:
    """Latents [B, 128] -> images [B, 1, 28, 28] in [0, 1]; 2,450,049 parameters."""
    stack = [nn.Linear(LATENT_SIZE, 7 * 7 * 128), nn.LeakyReLU(0.2), nn.Unflatten(1, (128, 7, 7))]
    for _ in range(2):
        stack += [nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 5, padding="same"), nn.LeakyReLU(0.2)]
    for _ in range(2):
        stack += [nn.Conv2d(128, 128, 5, padding="same"), nn.LeakyReLU(0.2)]
    return nn.Sequential(*stack, nn.Conv2d(128, 1, 4, padding="same"), nn.Sigmoid())


def article_discriminator() -> nn.Sequential:
    """Images [B, 1, 28, 28] -> logits [B, 1], high for fakes; 1,113,345 parameters."""
    stack, channels = [], 1
    for filters in (32, 64, 128, 256):
        stack += [nn.Conv2d(channels, filters, 5), nn.LeakyReLU(0.2), nn.Dropout(0.4)]
        channels = filters
    return nn.Sequential(*stack, nn.Flatten(), nn.Dropout(0.4), nn.Linear(12 * 12 * 256, 1))


class ArticleGan:
    """Both players and their step; labels are 0 for real images and 1 for fakes."""

    def __init__(self, images: torch.Tensor, batch_size: int, precision: torch.dtype, compiled: bool):
        """`images` are float32 [N, 1, 28, 28] in [0, 1] on the device that trains."""
        self.images, self.batch_size, self.precision = images, batch_size, precision
        self.device = images.device
        self.players = [make().to(self.device, memory_format=torch.channels_last) for make in PLAYERS]
        for player in self.players:
            player.apply(_initialize)
        rates = (1e-4, 1e-5)
        self.g_optimizer, self.d_optimizer = (
            torch.optim.Adam(player.parameters(), rate, eps=1e-7, fused=True)
            for player, rate in zip(self.players, rates, strict=True)
        )
        self.generator, self.discriminator = map(torch.compile, self.players) if compiled else self.players

    def step(self) -> tuple[float, float]:
        """One update of the discriminator and one of the generator on random real images; returns their losses."""
        rows = torch.randint(len(self.images), (self.batch_size,), device=self.device)
        real = self.images[rows].contiguous(memory_format=torch.channels_last)
        d_loss = self._discriminator_update(real)
        g_loss = self._generator_update()
        return d_loss.item(), g_loss.item()

    def _discriminator_update(self, real: torch.Tensor) -> torch.Tensor:
        ends = torch.arange(2, device=self.device, dtype=torch.float32).repeat_interleave(self.batch_size)[:, None]
        labels = ends + LABEL_NOISE * (1 - 2 * ends) * torch.rand_like(ends)
        self.players[1].train().requires_grad_(True)
        with self._autocast():
            with torch.no_grad():
                fake = self.generator(self._latents())
            logits = self.discriminator(torch.cat([real, fake]))
        return self._update(self.d_optimizer, logits, labels)

    def _generator_update(self) -> torch.Tensor:
        self.players[1].eval().requires_grad_(False)
        with self._autocast():
            logits = self.discriminator(self.generator(self._latents()))
        return self._update(self.g_optimizer, logits, torch.zeros_like(logits, dtype=torch.float32))

    def _update(self, optimizer, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def _latents(self) -> torch.Tensor:
        return torch.randn(self.batch_size, LATENT_SIZE, device=self.device)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


def _initialize(module: nn.Module) -> None:
    """Kernels as Glorot & Bengio have them and biases of 0, as Keras does."""
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


PLAYERS = article_generator, article_discriminator


def main() -> None:
    """Answers until the bench has no more windows."""
    parser = serving.arguments("The article's training in PyTorch, for bin/bench.")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="bfloat16: autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile both networks")
    options = parser.parse_args()
    conversation = serving.Conversation()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images = torch.from_numpy(serving.images(options.images, options.batch_size)).permute(0, 3, 1, 2) / 255.0
    device = "cuda" if torch.cuda.is_available() else "cpu"
    gan = ArticleGan(images.to(device), options.batch_size, getattr(torch, options.precision), options.compile)
    counts = [sum(p.numel() for p in player.parameters()) for player in gan.players]
    conversation.ready(versions={"torch": torch.__version__}, parameters=counts)
    while steps := conversation.next_steps():
        begin = time.perf_counter()
        for _ in range(steps):
            gan.step()
        conversation.seconds(time.perf_counter() - begin)


if __name__ == "__main__":
    main()
