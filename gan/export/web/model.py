"""The model of a page: what LiteRT.js takes, checked one picture at a time against the engine."""

from collections.abc import Mapping, Sequence

import numpy as np

from gan.export import interpreters, models, tflite
from gan.export.formats import GENERATOR
from gan.export.models import Exported
from gan.export.networks import Networks
from gan.export.portable import LABELS, LATENTS
from gan.settings import Config

_KIND = "float32"


def converted(config: Config, image_shape: Sequence[int], params: Mapping, class_shares: Sequence[float]) -> bytes:
    """The model for one picture at a time: LiteRT.js takes none whose number of examples is open."""
    return tflite.generator(config, image_shape, params, class_shares, _KIND, batch=1)


def checked(of: Networks, name: str) -> tuple[bytes, Exported]:
    """The model, and what is known of it as the file `name`; raises `UserError` if it draws other pictures."""
    side = of.generator
    content = converted(of.config, of.image_shape, side.params, of.class_shares)
    function = interpreters.litert(content, (LATENTS, LABELS))
    apart = np.abs(function(*side.inputs) - side.function(*side.inputs))
    largest, mean = float(np.max(apart)), float(np.mean(apart))
    models.check_difference(name, True, largest, mean)
    speed = models.speed(function, [x[:1] for x in side.inputs])
    return content, Exported(name, GENERATOR, _KIND, side.parameters, len(content), largest, mean, speed)
