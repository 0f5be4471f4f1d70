"""Times the two routes of a convolution against each other: `python -m gan.bench.programs.convolutions`.

For each shape of the article's networks, medians of alternating rounds: forward, and both gradients.
"""

import os
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import tensorflow as tf

from gan.bench.windows import alternate, compared
from gan.networks.convolutions import DIRECT, SPECTRAL

CASES = [  # size, channels, filters, batch, padding, upsample
    (28, 128, 128, 128, "SAME", 1),
    (14, 128, 128, 128, "SAME", 2),
    (24, 32, 64, 256, "VALID", 1),
    (20, 64, 128, 256, "VALID", 1),
    (16, 128, 256, 256, "VALID", 1),
]


def contestants(route, images, kernel, padding, upsample):
    """Two functions, each of which runs once and returns its seconds: forward; gradients of input and kernel."""
    x = route.enter(images)

    @tf.function
    def forward(x, kernel):
        return route.apply(x, kernel, padding, upsample)

    upstream = tf.ones_like(forward(x, kernel))

    @tf.function
    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            y = route.apply(x, kernel, padding, upsample)
        return tape.gradient(y, (x, kernel), upstream)

    def timed(function):
        def run(times: int) -> float:
            begin = time.perf_counter()
            for _ in range(times):
                for tensor in tf.nest.flatten(function(x, kernel)):
                    tensor.numpy()
            return (time.perf_counter() - begin) / times

        return run

    return timed(forward), timed(gradients)


def main() -> None:
    """Prints a row for each shape."""
    heads = ("size", 4), ("channels", 12), ("batch", 6), ("", 4)
    heads += ("forward: direct, spectral", 28), ("gradients", 18), ("difference", 12)
    print("".join(f"{head:>{width}}" for head, width in heads))
    for size, channels, filters, batch, padding, upsample in CASES:
        images = tf.random.normal([batch, size, size, channels])
        kernel = tf.random.normal([5, 5, channels, filters]) / np.sqrt(25 * channels)
        direct = DIRECT.apply(images, kernel, padding, upsample)
        spectral = SPECTRAL.leave(SPECTRAL.apply(SPECTRAL.enter(images), kernel, padding, upsample))
        difference = tf.reduce_max(tf.abs(direct - spectral)) / tf.math.reduce_std(direct)
        routes = [contestants(route, images, kernel, padding, upsample) for route in (DIRECT, SPECTRAL)]
        medians = []
        for i in range(2):
            timings = compared(alternate({"direct": routes[0][i], "spectral": routes[1][i]}, rounds=5, steps=1))
            medians.append(", ".join(f"{timings[name].seconds.median:.3f}" for name in ("direct", "spectral")))
        print(
            f"{size:>4}{f'{channels} -> {filters}':>12}{batch:>6}{f'x{upsample}':>4}{medians[0]:>28}{medians[1]:>18}"
            f"{float(difference):>12.1e}"
        )


if __name__ == "__main__":
    main()
