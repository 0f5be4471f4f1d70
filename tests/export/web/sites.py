"""Folders of web exports of small generators that nobody has trained, and a server of files for them."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.errors import UserError
from gan.export.web import model, runtime, site
from gan.sampling import sampler

NAMES = ("boot", "bag & hat", "<b>coat</b>", "never")
SHARES = (0.4, 0.3, 0.3, 0.0)
SETTINGS = {"precision": "float32", "convolution": "direct", "g_width": 8, "d_width": 4, "latent_size": 10}
CHOICES = {
    "modern": ("modern", (28, 28, 1), {}),
    "conditional": ("modern_conditional", (28, 28, 1), {}),
    "dcgan": ("dcgan", (28, 28, 1), {}),
    "sngan": ("sngan", (32, 32, 3), {"conditional": True}),
}


def generator(name: str) -> site.Generator:
    """One of the choices with parameters that noise has made: what is zero at first would hide where it goes."""
    preset, shape, given = CHOICES[name]
    made = config.make(preset, **SETTINGS, **given)
    params = build.generator(made, shape, build.PLAIN, len(NAMES)).init(rng.stream(0, -1))
    random = np.random.default_rng(0)
    shaken = tf.nest.map_structure(
        lambda value: value + tf.constant(random.normal(0.0, 0.1, value.shape), tf.float32), params
    )
    return site.Generator(f"small {name}", 1234, made, shape, shaken, NAMES, SHARES, (0, 1, 2))


def converted(made: site.Generator) -> bytes:
    return model.converted(made.config, made.image_shape, made.params, made.class_shares)


def computed_by() -> runtime.Runtime:
    """LiteRT.js as the npm client has it; skips the test where it has none."""
    try:
        return runtime.find("", lambda line: None)
    except UserError as error:
        pytest.skip(f"LiteRT.js cannot be had: {error}")


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def images(made: site.Generator, seed: int, first: int, count: int, psi: float = 1.0) -> np.ndarray:
    """What the engine draws, uint8 [count, H, W, C]; classes in turn."""
    network = build.sampling_generator(made.config, made.image_shape, build.PLAIN, made.class_shares)
    points = psi * sampler.latents(seed, first, count, made.config.latent_size).numpy()
    labels = np.resize(np.int32(made.classes), count) if made.config.conditional else None
    return sampler.images_of(network, made.params, points, labels, batch=count)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        """The tests' own output is enough."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which Python's own server of files has a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
