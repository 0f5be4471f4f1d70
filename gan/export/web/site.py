"""The folder of a web export, file by file: the page, its backend in the browser, facts, the model, the runtime."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan import build
from gan.core.base import Params
from gan.export.web.runtime import Runtime
from gan.page import facts as page_facts
from gan.page import files as page
from gan.sampling import directions, sampler
from gan.settings import Config

INDEX, FACTS, MODEL, LICENSE = "index.html", "facts.json", "model.tflite", "LICENSE"
RUNTIME = "runtime"
_OWN = {page.BACKEND: "litert_backend.js"} | {
    name: name for name in ("litert_loading.js", "litert_model.js", "philox.js", LICENSE)
}  # files of the page that are this backend's, by their names in the folder
_CHECKED = 2  # pictures that a browser must draw as the exporter did, before it may draw others
_SEED = 0
_CHARSET = '<meta charset="utf-8">'
_POLICY = (  # nothing from elsewhere, and nothing sent elsewhere, wherever the folder is served
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_STATUS = 'role="status" aria-live="polite"></p>'
_UNSERVED = (  # modules do not load from files, so that nothing but the page's own text can say it
    "Loading … If this line stays, the page is opened as a file: serve its folder by a web server, such as "
    "python3 -m http.server, and open the address of that."
)


class Generator(NamedTuple):
    """What a page draws: the generator's parameters of a checkpoint, and what config.json says of the run.

    `classes` are the numbers of those that its data have images of.
    """

    title: str
    step: int
    config: Config
    image_shape: Sequence[int]
    params: Params
    class_names: Sequence[str]
    class_shares: Sequence[float]
    classes: Sequence[int]


def files(generator: Generator, runtime: Runtime, model: bytes) -> dict[str, bytes]:
    """The content of each file by its path in the folder, with `/`; `model` is that of its generator."""
    found = page.common() | {name: page.read(own) for name, own in _OWN.items()}
    found[INDEX] = _index(found[INDEX].decode()).encode()
    found |= {f"{RUNTIME}/{name}": content for name, content in runtime.files.items()}
    found[f"{RUNTIME}/{LICENSE}"] = found[LICENSE]
    found[MODEL] = model
    loaded = {name: len(content) for name, content in found.items() if name.endswith((".wasm", ".tflite"))}
    told = _facts(generator) | {"check": _check(generator), "bytes": loaded, "runtime": runtime.version}
    found[FACTS] = json.dumps(told).encode()
    return found


def names() -> set[str]:
    """The entries that `files` has in the folder itself: files, and the folder of the runtime."""
    return {*page.common(), *_OWN, INDEX, MODEL, FACTS, RUNTIME}


def sizes(contents: Mapping[str, bytes]) -> dict[str, int]:
    """Bytes of the page, of the model, of the runtime, and of that part of the runtime that a browser loads at most."""
    of = {name: len(content) for name, content in contents.items()}
    runtime = {name: size for name, size in of.items() if name.startswith(f"{RUNTIME}/")}
    variants = {name.rpartition(".")[0] for name in runtime if name.endswith(".wasm")}
    unloaded = sum(runtime[f"{name}.wasm"] + runtime[f"{name}.js"] for name in variants)
    largest = max(runtime[f"{name}.wasm"] + runtime[f"{name}.js"] for name in variants)
    return {
        "page": sum(of.values()) - of[MODEL] - sum(runtime.values()),
        "model": of[MODEL],
        "runtime": sum(runtime.values()),
        "loaded": sum(runtime.values()) - unloaded + largest,
    }


def _index(text: str) -> str:
    """The page's document with what a server of its own would add: a policy, and a line for who opens it as a file."""
    for mark in (_CHARSET, _STATUS):
        if text.count(mark) != 1:
            raise ValueError(f"{INDEX} has no single {mark}")
    policy = f'{_CHARSET}\n    <meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return text.replace(_CHARSET, policy).replace(_STATUS, _STATUS.replace("><", f">{_UNSERVED}<"))


def _facts(generator: Generator) -> dict[str, Any]:
    config = generator.config
    classes = generator.classes if config.conditional else ()
    return page_facts.facts(
        title=generator.title,
        step=generator.step,
        steps=[],
        latent_size=config.latent_size,
        image_shape=generator.image_shape,
        classes={number: generator.class_names[number] for number in classes},
        directions=directions.principal(config, generator.params),
        can={"steps": False, "animations": False, "archives": True},
    )


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
