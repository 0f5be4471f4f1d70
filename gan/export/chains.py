"""The pairs of networks in Keras' own layers."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras

from gan.export.layers import (
    Chain,
    Plan,
    batch_norm,
    conv,
    image_input,
    image_output,
    joined,
    labelled,
    leaky_relu,
    upsampled,
)
from gan.networks.sizes import base as base_of

_WIDE_TAPS = 5  # of article and dcgan
_RESIDUAL_TAPS = 3


class Builder(NamedTuple):
    """The chains of a pair's models: from latents to images, and from images of (H, W, C) to features."""

    generator: Callable[[Plan], Chain]
    discriminator: Callable[[Plan, Sequence[int]], Chain]


def _article_generator(plan: Plan) -> Chain:
    """Dense to a small map, a convolution after each doubling, two at the full size and one to the channels."""
    shapes = plan.shapes
    small, (*size, channels) = shapes["reshape_1"], plan.network.table[-1].shape
    _, doublings = base_of(tuple(size))
    width = small[2]
    chain = [*labelled(plan), *_small_map(plan), leaky_relu(), keras.layers.Reshape(small)]
    for i in range(doublings + 2):
        chain += [upsampled(shapes[f"conv_{i + 1}"])] if i < doublings else []
        chain += [conv(f"conv_{i + 1}", width, _WIDE_TAPS), leaky_relu()]
    return [*chain, conv(f"conv_{doublings + 3}", channels, 4), *image_output(plan.config)]


def _article_discriminator(plan: Plan, image_shape: Sequence[int]) -> Chain:
    """Four valid convolutions, of which the first may have a stride, each with dropout; flat, with dropout."""
    shapes, dropout = plan.shapes, plan.config.d_dropout
    stride = -(-(image_shape[0] - _WIDE_TAPS + 1) // shapes["conv_1"][0])
    chain = image_input(plan.config)
    for i in range(4):
        name, strides = f"conv_{i + 1}", stride if i == 0 else 1
        chain += [keras.layers.Conv2D(shapes[name][2], _WIDE_TAPS, strides=strides, name=name)]
        chain += [leaky_relu(), keras.layers.Dropout(dropout)]
    return [*chain, keras.layers.Flatten(), keras.layers.Dropout(dropout)]


def _residual_generator(plan: Plan) -> Chain:
    """Dense to a small map, blocks, of which the first at each larger size upsamples, and one convolution more."""
    shapes = plan.shapes
    channels = plan.network.table[-1].shape[2]
    chain = [*labelled(plan), *_small_map(plan), keras.layers.Reshape(shapes["reshape_1"])]
    side, _, filters = shapes["reshape_1"]
    for name, shape in plan.blocks:
        before = [upsampled((*shape[:2], filters))] if shape[0] > side else []
        main = [leaky_relu(), *before, conv(f"{name}_conv_1", shape[2], _RESIDUAL_TAPS)]
        main += [leaky_relu(), conv(f"{name}_conv_2", shape[2], _RESIDUAL_TAPS)]
        shortcut = [conv(f"{name}_shortcut_pointwise_1", shape[2], 1)]
        shortcut += [upsampled(shape)] if before else []
        chain += [joined(main, shortcut if before else [])]
        side, _, filters = shape
    return [*chain, leaky_relu(), conv("conv_1", channels, _RESIDUAL_TAPS), *image_output(plan.config)]


def _residual_discriminator(plan: Plan, image_shape: Sequence[int]) -> Chain:
    """A convolution, blocks, of which the last at each size pools, and for each channel a weighted sum over the map."""
    *small, filters = plan.shapes["conv_1"]
    chain = [*image_input(plan.config), conv("conv_1", filters, _RESIDUAL_TAPS)]
    for name, shape in plan.blocks:
        pool = [keras.layers.AveragePooling2D(2)] if shape[0] < small[0] else []
        main = [leaky_relu(), conv(f"{name}_conv_1", filters, _RESIDUAL_TAPS)]
        main += [leaky_relu(), *pool, conv(f"{name}_conv_2", shape[2], _RESIDUAL_TAPS)]
        shortcut = [*pool, conv(f"{name}_shortcut_pointwise_1", shape[2], 1)]
        chain += [joined(main, shortcut if pool else [])]
        *small, filters = shape
    whole = keras.layers.DepthwiseConv2D(small, use_bias=False, name="weighted_sum_1")
    return [*chain, leaky_relu(), whole, keras.layers.Flatten(), keras.layers.Dropout(plan.config.d_dropout)]


def _dcgan_generator(plan: Plan) -> Chain:
    """Dense to a small map, a convolution after each doubling; normalization and ReLU after all layers but the last."""
    shapes = plan.shapes
    convolutions = [name for name in shapes if name.startswith("conv_")]
    small = shapes["reshape_1"]
    chain = [*labelled(plan), *_small_map(plan), keras.layers.Reshape(small)]
    chain += [batch_norm("batch_norm_1", small[2], plan), keras.layers.ReLU()]
    filters = small[2]
    for i, name in enumerate(convolutions):
        *size, after = shapes[name]
        chain += [upsampled((*size, filters)), conv(name, after, _WIDE_TAPS)]
        if name != convolutions[-1]:
            chain += [batch_norm(f"batch_norm_{i + 2}", after, plan), keras.layers.ReLU()]
        filters = after
    return [*chain, *image_output(plan.config)]


def _dcgan_discriminator(plan: Plan, image_shape: Sequence[int]) -> Chain:
    """Convolutions with stride 2 down to the small map, each with dropout; flat."""
    chain = image_input(plan.config)
    for name, shape in plan.shapes.items():
        if name.startswith("conv_"):
            chain += [keras.layers.ZeroPadding2D(_WIDE_TAPS // 2)]
            chain += [keras.layers.Conv2D(shape[2], _WIDE_TAPS, strides=2, name=name)]
            chain += [leaky_relu(), keras.layers.Dropout(plan.config.d_dropout)]
    return [*chain, keras.layers.Flatten()]


def _sngan_generator(plan: Plan) -> Chain:
    """Dense to a small map, a block for each doubling, all of as many channels, and one convolution more."""
    shapes = plan.shapes
    width, channels = shapes["reshape_1"][2], plan.network.table[-1].shape[2]
    chain = [*_small_map(plan), keras.layers.Reshape(shapes["reshape_1"])]
    for name, shape in plan.blocks:
        main = [batch_norm(f"{name}_batch_norm_1", width, plan, by_label=True), keras.layers.ReLU(), upsampled(shape)]
        main += [conv(f"{name}_conv_1", width, _RESIDUAL_TAPS)]
        main += [batch_norm(f"{name}_batch_norm_2", width, plan, by_label=True), keras.layers.ReLU()]
        main += [conv(f"{name}_conv_2", width, _RESIDUAL_TAPS)]
        chain += [joined(main, [conv(f"{name}_shortcut_pointwise_1", width, 1), upsampled(shape)])]
    chain += [batch_norm("batch_norm_1", width, plan), keras.layers.ReLU()]
    return [*chain, conv("conv_1", channels, _RESIDUAL_TAPS), *image_output(plan.config)]


def _sngan_discriminator(plan: Plan, image_shape: Sequence[int]) -> Chain:
    """Blocks, the first without an activation before it, some of which pool; for each channel the sum over the map."""
    chain, side = image_input(plan.config), image_shape[0]
    for i, (name, shape) in enumerate(plan.blocks):
        pool = [keras.layers.AveragePooling2D(2)] if shape[0] < side else []
        main = [keras.layers.ReLU()] if i else []
        main += [conv(f"{name}_conv_1", shape[2], _RESIDUAL_TAPS), keras.layers.ReLU()]
        main += [conv(f"{name}_conv_2", shape[2], _RESIDUAL_TAPS), *pool]
        shortcut = [*pool, conv(f"{name}_shortcut_pointwise_1", shape[2], 1)] if pool else []
        chain += [joined(main, shortcut)]
        side = shape[0]
    total = [keras.layers.GlobalAveragePooling2D(), keras.layers.Rescaling(float(math.prod(shape[:2])))]
    return [*chain, keras.layers.ReLU(), *total, keras.layers.Dropout(plan.config.d_dropout)]


def _small_map(plan: Plan) -> Chain:
    return [keras.layers.Dense(math.prod(plan.shapes["reshape_1"]), name="dense_1")]


BUILDERS = {
    "article": Builder(_article_generator, _article_discriminator),
    "dcgan": Builder(_dcgan_generator, _dcgan_discriminator),
    "residual": Builder(_residual_generator, _residual_discriminator),
    "sngan": Builder(_sngan_generator, _sngan_discriminator),
}
