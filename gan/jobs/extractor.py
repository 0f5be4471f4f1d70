"""The features that a request for an evaluation asks for."""

from pathlib import Path

from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import features, inception
from gan.evaluation.features import Extractor
from gan.export import pretrained
from gan.jobs.notices import note
from gan.jobs.requests import Evaluate

_RANGE = "unit"  # of pixels, unless another is given


def of(request: Evaluate, splits: Splits) -> Extractor:
    """The extractor for images of these splits; a classifier may be trained first. Raises `UserError`."""
    kind, _, path = request.features.partition(":")
    if kind == "classifier":
        return features.from_classifier(splits)
    if kind == "random":
        return features.from_random(splits.train.image_shape)
    if kind == "inception":
        return _inception(path, splits.train.image_shape)
    return _from_model(request, Path(path), splits.train.image_shape)


def _inception(path: str, image_shape: tuple[int, int, int]) -> Extractor:
    """The features of Inception with weights of a file, or of Keras' download where `path` is empty."""
    from gan.export import inception_weights  # imports Keras, which takes seconds

    found = inception_weights.read(Path(path) if path else inception_weights.downloaded())
    return inception.from_inception(*found, image_shape)


def _from_model(request: Evaluate, path: Path, image_shape: tuple[int, int, int]) -> Extractor:
    """The outputs of a model of the person's own; raises `UserError` where it does not take such images."""
    size, pixel_range = request.model_size, request.model_range or _RANGE
    if pixel_range not in features.RANGES:
        raise UserError(f"--model_range={pixel_range} must be one of {', '.join(features.RANGES)}")
    if pretrained.is_program(path):
        note(f"{path} is a SavedModel, which is a program and runs with your rights: use only what you trust")
    model = pretrained.load(path)
    if model.size and size not in (None, model.size):
        raise UserError(f"--model_size={size}: {path} takes {model.size} pixels a side; leave it out")
    if model.integers and pixel_range != "bytes":
        raise UserError(f"{path} takes whole numbers, --model_range={pixel_range} are none; give bytes")
    return features.from_model(
        model.function, path.name, model.identity, model.size or size or 0, model.channels, pixel_range, image_shape
    )
