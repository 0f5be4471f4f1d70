"""What bin/evaluate compares generated images with, as its flags say: the protocol, the features, how many images."""

from pathlib import Path

from absl import flags

from gan.cli import command
from gan.errors import UserError

PROTOCOL = flags.DEFINE_string(
    "protocol",
    "lucic",
    "lucic: 10,000 generated images, or as many as there are test images, against as many of those; 50k: 50,000 "
    "against the training set",
)
NUM = flags.DEFINE_integer("num", None, "number of generated images (default: as the protocol says)")
FEATURES = flags.DEFINE_string(
    "features",
    "classifier",
    "classifier: a network trained once on the data set's labels; random: a fixed random network; saved_model:PATH: a "
    "SavedModel folder or .keras file of yours",
)
MODEL_SIZE = flags.DEFINE_integer("model_size", None, "pixels a side that your model sees (default: as the model says)")
MODEL_RANGE = flags.DEFINE_string(
    "model_range", "unit", "pixels that your model sees: unit is [0, 1], symmetric [-1, 1], bytes [0, 255]"
)
K = flags.DEFINE_integer("k", 5, "neighbours in precision, recall, density and coverage")
SEED = flags.DEFINE_integer("seed", 0, "seed of the latents, and of the subsets of the kernel distance")


def check() -> None:
    """Raises `UserError` for flags that do not fit, before anything takes time."""
    for name, value, least in (("num", NUM.value, 1), ("k", K.value, 1), ("model_size", MODEL_SIZE.value, 1)):
        if value is not None and value < least:
            raise UserError(f"--{name}={value} must be at least {least}")
    command.check_seed(SEED.value)
    kind, colon, path = FEATURES.value.partition(":")
    if kind not in ("classifier", "random", "saved_model") or (kind == "saved_model") != bool(colon and path):
        raise UserError(f"--features={FEATURES.value} is unknown; it must be classifier, random or saved_model:PATH")
    for flag in (MODEL_SIZE, MODEL_RANGE):
        if flags.FLAGS[flag.name].present and kind != "saved_model":
            raise UserError(f"--{flag.name} is for --features=saved_model:PATH; leave it out")


def opened(config, image_shape: tuple[int, ...]):
    """The real images to compare generated ones of `image_shape` with; raises `UserError`."""
    from gan import build
    from gan.evaluation import comparison

    if PROTOCOL.value not in comparison.PROTOCOLS:
        raise UserError(f"--protocol={PROTOCOL.value} must be one of {', '.join(comparison.PROTOCOLS)}")
    found = build.splits(config)
    if tuple(found.train.image_shape) != image_shape:
        shapes = [" x ".join(map(str, shape)) for shape in (image_shape, found.train.image_shape)]
        raise UserError(
            f"generated images are {shapes[0]}, those of {found.train.name} {shapes[1]}; give --resolution "
            "and --channels, or another --dataset"
        )
    comparison.check_sizes(found, comparison.PROTOCOLS[PROTOCOL.value], NUM.value or 0, K.value)
    return found


def reference(found, most: int | None = None):
    """What generated images are measured against: the features of those `opened`, which may take minutes at first.

    There are no more than `most` generated images to be had. Raises `UserError`.
    """
    from gan.evaluation import comparison

    protocol = comparison.PROTOCOLS[PROTOCOL.value]
    num = NUM.value or comparison.wanted_num(found, protocol)
    num = num if most is None else min(num, most)
    comparison.check_sizes(found, protocol, num, K.value)
    return comparison.prepare(found, _extractor(found), protocol, num, K.value, SEED.value)


def _extractor(found):
    """The features that were asked for."""
    from gan.evaluation import features

    kind, _, path = FEATURES.value.partition(":")
    if kind == "classifier":
        return features.from_classifier(found)
    if kind == "random":
        return features.from_random(found.train.image_shape)
    from gan.export import pretrained

    if MODEL_RANGE.value not in features.RANGES:
        raise UserError(f"--model_range={MODEL_RANGE.value} must be one of {', '.join(features.RANGES)}")
    model = pretrained.load(Path(path))
    if model.size and MODEL_SIZE.value not in (None, model.size):
        raise UserError(f"--model_size={MODEL_SIZE.value}: {path} takes {model.size} pixels a side; leave it out")
    if model.integers and MODEL_RANGE.value != "bytes":
        raise UserError(f"{path} takes whole numbers, --model_range={MODEL_RANGE.value} are none; give bytes")
    return features.from_model(
        model.function,
        Path(path).name,
        model.identity,
        model.size or MODEL_SIZE.value or 0,
        model.channels,
        MODEL_RANGE.value,
        found.train.image_shape,
    )
