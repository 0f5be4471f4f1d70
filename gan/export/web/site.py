"""The folder of a web export, file by file: the page, its backend in the browser, facts, the model, the runtime."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan import build
from gan.core.base import Params
from gan.export import tflite
from gan.export.web.runtime import Runtime
from gan.page import files as page
from gan.sampling import directions, sampler
from gan.settings import Config

MODEL = "model.tflite"
FACTS = "facts.json"
RUNTIME = "runtime"
OWN = {page.BACKEND: "litert_backend.js"} | {
    name: name for name in ("litert_loading.js", "litert_model.js", "philox.js")
}
LICENSE = "LICENSE"
_CHECKED = 2  # pictures that a browser must draw as the exporter did, before it may draw others
_SEED = 0
_DIGITS = 7  # of the numbers of a direction


class Generator(NamedTuple):
    """What a page draws: the generator's parameters of a checkpoint, and what config.json says of the run.

    `classes` are the numbers of those that its data have images of.
    """

    title: str
    step: int
    config: Config
    image_shape: tuple[int, int, int]
    params: Params
    class_names: Sequence[str]
    class_shares: Sequence[float]
    classes: Sequence[int]


def files(generator: Generator, runtime: Runtime, model: bytes | None = None) -> dict[str, bytes]:
    """The content of each file by its path in the folder, with `/`; the model is made unless it is given."""
    found = page.common() | {name: page.read(own) for name, own in OWN.items()}
    found |= {f"{RUNTIME}/{name}": content for name, content in runtime.files.items()}
    found[f"{RUNTIME}/{LICENSE}"] = found[LICENSE] = page.read(LICENSE)
    found[MODEL] = model or converted(generator)
    loaded = {name: len(content) for name, content in found.items() if name.endswith((".wasm", ".tflite"))}
    found[FACTS] = json.dumps(_facts(generator) | {"bytes": loaded, "runtime": runtime.version}).encode()
    return found


def converted(generator: Generator) -> bytes:
    """The model for one picture at a time: a fixed number is what all of WebGPU's operations take."""
    return tflite.generator(
        generator.config, generator.image_shape, generator.params, generator.class_shares, "float32", batch=1
    )


def sizes(contents: Mapping[str, bytes]) -> dict[str, int]:
    """Bytes by what they are for: the page, the model, the runtime, and what of the runtime a browser loads at most."""
    of = {name: len(content) for name, content in contents.items()}
    runtime = {name: size for name, size in of.items() if name.startswith(f"{RUNTIME}/")}
    modules = [size for name, size in runtime.items() if name.endswith(".wasm")]
    scripts = max((size for name, size in runtime.items() if "_internal.js" in name), default=0)
    return {
        "model": of[MODEL],
        "runtime": sum(runtime.values()),
        "page": sum(of.values()) - of[MODEL] - sum(runtime.values()),
        "loaded": max(modules, default=0) + scripts,
    }


def _facts(generator: Generator) -> dict[str, Any]:
    """What the page must know, as gan/page/view.js describes it, and by what a browser can check itself."""
    config = generator.config
    named = [{"number": number, "name": generator.class_names[number]} for number in generator.classes]
    return {
        "title": generator.title,
        "step": generator.step,
        "steps": [],
        "latent_size": config.latent_size,
        "image_shape": list(generator.image_shape),
        "classes": named if config.conditional else [],
        "directions": [_direction(each) for each in directions.principal(config, generator.params)],
        "can": {"steps": False, "animations": False, "archives": True},
        "check": _check(generator),
    }


def _direction(direction: directions.Direction) -> dict[str, Any]:
    vector = [float(f"{value:.{_DIGITS}g}") for value in direction.vector]
    return {"share": direction.share, "name": f"{direction.share:.1%}", "vector": vector}


def _check(generator: Generator) -> dict[str, Any]:
    """The first pictures of a seed as the engine draws them: their pixels in base64, their labels if conditional."""
    config = generator.config
    labels = np.resize(np.int32(generator.classes), _CHECKED) if config.conditional else None
    network = build.sampling_generator(config, generator.image_shape, build.PLAIN, generator.class_shares)
    points = sampler.latents(_SEED, 0, _CHECKED, config.latent_size).numpy()
    pixels = sampler.images_of(network, generator.params, points, labels, batch=_CHECKED)
    return {
        "seed": _SEED,
        "count": _CHECKED,
        "labels": None if labels is None else labels.tolist(),
        "pixels": base64.b64encode(pixels.tobytes()).decode(),
    }
