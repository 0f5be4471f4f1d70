"""Convolutions alone in PyTorch, channels_last: forward and gradients as a training computes them.

`python -m gan.bench.programs.torch_convolutions` answers `bin/bench --limit --against=torch` (see `serving`). Each
window says what it computes: as JSON a `gan.bench.convolution_work.Convolution`, its passes and the precision.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from gan.bench.programs import serving
from gan.bench.programs.torch_framework import nn, set_up, torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
FORWARD, INPUT_GRADIENT, FILTER_GRADIENT = "forward", "input gradient", "filter gradient"


def applied(x: torch.Tensor, kernel: torch.Tensor, padding: str, upsample: int, stride: int) -> torch.Tensor:
    """[B, C, H, W], [K, C, k, k] -> [B, K, H', W']: nearest upsampling before, every `stride`-th output kept."""
    if upsample > 1:
        x = nn.functional.interpolate(x, scale_factor=upsample, mode="nearest")
    if padding == "SAME" and stride == 1:
        return nn.functional.conv2d(x, kernel, padding="same")
    if padding == "SAME":
        return nn.functional.conv2d(x, kernel, padding="same")[:, :, ::stride, ::stride]
    return nn.functional.conv2d(x, kernel, stride=stride)


def computing(
    x: torch.Tensor, kernel: torch.Tensor, upstream: torch.Tensor, passes: Sequence[str], *how: Any
) -> Callable[[], list[torch.Tensor]]:
    """A function that computes the output where it is among the passes, then the gradients that are."""
    wanted = {INPUT_GRADIENT: x.requires_grad_(), FILTER_GRADIENT: kernel.requires_grad_()}
    sources = [wanted[name] for name in passes if name != FORWARD]
    y = applied(x, kernel, *how)

    def compute() -> list[torch.Tensor]:
        results = []
        if FORWARD in passes:
            with torch.no_grad():
                results.append(applied(x, kernel, *how))
        return results + list(torch.autograd.grad(y, sources, upstream, retain_graph=True) if sources else [])

    return compute


def of_message(asked: dict[str, Any]) -> Callable[[], list[torch.Tensor]]:
    """What a window asks for, on random numbers."""
    batch, height, width, channels, filters, taps, *how = asked["convolution"]
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def numbers(*shape: int) -> torch.Tensor:
        values = 0.1 * torch.randn(*shape, device=device)
        return values.to(DTYPES[asked["precision"]]).contiguous(memory_format=torch.channels_last)

    x, kernel = numbers(batch, channels, height, width), numbers(filters, channels, taps, taps)
    upstream = numbers(*applied(x, kernel, *how).shape)
    return computing(x, kernel, upstream, asked["passes"], *how)


def timed(compute: Callable[[], list[torch.Tensor]], calls: int) -> float:
    """Seconds of so many calls, the last result read, which waits for the device."""
    begin = time.perf_counter()
    for _ in range(calls):
        results = compute()
    float(results[-1].flatten()[0])
    return time.perf_counter() - begin


def main() -> None:
    """Answers with the time of each window until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of an operation")
    set_up(parser.parse_args().threads)
    conversation = serving.Conversation()
    conversation.ready(versions={"torch": torch.__version__})
    known, compute = "", None
    while (window := conversation.next_window())[0]:
        calls, asked = window
        if asked != known:
            known, compute = asked, of_message(json.loads(asked))
        conversation.seconds(timed(compute, calls))


if __name__ == "__main__":
    main()
