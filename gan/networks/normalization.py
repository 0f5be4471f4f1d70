"""Normalization of activations by the statistics of the batch, and of kernels by their spectral norm."""

import tensorflow as tf

from gan.core import rng
from gan.core.base import Mean, Network, Params, Shape
from gan.networks import conditioning
from gan.networks.convolutions import Convolver
from gan.networks.layers import Constructor, Layer

_EPSILON = 1e-5
_TINY = 1e-12
_MATRICES = {"kernel", "embedding"}  # the parameters that are linear maps [..., inputs, outputs]
_FIRST_ITERATIONS = 15


def batch_norm(convolver: Convolver, mean: Mean, labels=None, num_classes: int = 0) -> Constructor:
    """Batch normalization (Ioffe & Szegedy 2015) of maps, by channel, with classes each with its own scale and offset.

    The statistics are those of the global batch: `mean` averages this replica's over all of them, and must be
    differentiable. There are no moving averages to keep, to checkpoint or to fall behind the parameters: what samples
    are drawn with is computed from the parameters when it is needed (`standing`). Statistics are computed in float32.
    """

    def layer(shape: Shape) -> Layer:
        channels = shape[2]
        rows = (num_classes, channels) if num_classes else (channels,)

        def init(stream):
            return {"scale": tf.ones(rows), "offset": tf.zeros(rows)}

        def apply(params, x, stream, training):
            wide = tf.cast(x, tf.float32)
            centered = wide - mean(tf.reduce_mean(wide, [0, 1, 2]))
            variance = mean(tf.reduce_mean(tf.square(centered), [0, 1, 2]))  # two passes: their difference would cancel
            scale, offset = params["scale"], params["offset"]
            if num_classes:
                scale, offset = (
                    convolver.enter(conditioning.embedded(labels, table)[:, None, None]) for table in (scale, offset)
                )
            return tf.cast(centered * (scale * tf.math.rsqrt(variance + _EPSILON)) + offset, x.dtype)

        return Layer("batch_norm", shape, init, apply, 2 * channels * max(1, num_classes))

    return layer


def spectral_normalization(network: Network) -> Network:
    """`network` with every kernel and embedding divided by its spectral norm (Miyato et al. 2018, algorithm 1).

    A reparametrization outside of the forward pass: `apply` takes what `normalize` made of the parameters, as pure as
    before. The vectors are state that the caller keeps: one step of power iteration each call, from well-aligned ones.
    """

    def init_state(stream: rng.Stream, params: Params) -> Params:
        vectors = _first_vectors(stream, params)
        for _ in range(_FIRST_ITERATIONS):
            _, vectors = normalize(params, vectors)
        return vectors

    return network._replace(normalize=normalize, init_state=init_state)


def normalize(params: Params, vectors: Params) -> tuple[Params, Params]:
    """The parameters, those that have a vector divided by their spectral norm, and the vectors one iteration on."""
    effective, following = dict(params), {}
    for name, vector in vectors.items():
        step = normalize if isinstance(params[name], dict) else _normalized
        effective[name], following[name] = step(params[name], vector)
    return effective, following


def _normalized(kernel: tf.Tensor, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """kernel [..., C, K] / sigma with the kernel as a matrix W [k k C, K], and the next u [K].

    sigma = v^T W u with v, u the singular vectors as far as the iteration knows them. They are held constant, so that
    the gradient is that of equation 11: of W through W / sigma with d sigma / d W = v u^T.
    """
    matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
    constant = tf.stop_gradient(matrix)
    v = tf.math.l2_normalize(tf.linalg.matvec(constant, u), epsilon=_TINY)
    u = tf.math.l2_normalize(tf.linalg.matvec(constant, v, transpose_a=True), epsilon=_TINY)
    u, v = tf.stop_gradient(u), tf.stop_gradient(v)
    sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)
    return kernel / (sigma + _TINY), u


def _first_vectors(stream: rng.Stream, params: Params) -> Params:
    """A random unit vector [K] for each matrix, in the structure of the parameters."""
    vectors = {}
    for i, (name, value) in enumerate(params.items()):
        if isinstance(value, dict):
            below = _first_vectors(rng.fold(stream, i), value)
            vectors |= {name: below} if below else {}
        elif name in _MATRICES:
            vectors[name] = tf.math.l2_normalize(rng.normal(rng.fold(stream, i), (1, value.shape[-1]))[0])
    return vectors
