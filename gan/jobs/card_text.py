"""The card of an exported model, README.md: what hubs read in YAML, then what people read in Markdown.

Names from the data are untrusted: they are shown as text, whatever Markdown or YAML would make of them. Paths of the
machine that trained are left out, for a card is there to be published.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan import build, config
from gan.evaluation.record import Evaluation
from gan.export.models import Exported
from gan.jobs import licences
from gan.paths import DATA_AT_A_PATH
from gan.runs.trained import Trained
from gan.settings import COMMANDS, fields
from gan.text import binary, dimensions, markdown, printable

SAMPLES = "samples.png"
_LIBRARIES = {
    "h5": "keras",
    "keras": "keras",
    "saved_model": "tensorflow",
    "tflite": "tflite",
    "onnx": "onnx",
    "web": "tflite",
}
_KIND = "image-generation"
_TASK = f"unconditional-{_KIND}"
_MOST_CLASSES = 100  # that a card lists
# Settings that are no part of a recipe: where things lie, how long and on what a run was computed.
_NOT_RECIPE = {"preset", "data_dir", "dataset", "test_dataset", "labels", "init_from", *COMMANDS}
_ROW = "| {} | {} |"
_COMPARED = "A Frechet distance of other features than Inception's is not to be compared with published FID."
_LIMITS = (
    "For study, play and comparison. The images are of the kind that the data shows and of nothing else: what is rare "
    "there is rarer here, its biases are learned with it, and single training images may be imitated. A generated "
    "image is evidence of nothing. Where the data shows people, think of them before you publish."
)


_PAGE = [
    "This folder is a page: any static server can serve it, and browsers compute the model. To look at it, run "
    "`python3 -m http.server 8000` in the folder and open http://localhost:8000/. In Python the model draws like this:",
    "",
]


class Card(NamedTuple):
    """What a card is made of; `facts` are those of the data, `usage` lines of Python for the generator."""

    found: Trained
    form: str
    exported: Sequence[Exported]
    facts: dict[str, Any]
    evaluations: Sequence[Evaluation]
    usage: str
    arguments: str

    @property
    def dataset(self) -> str:
        """The name of the data, without the way to it."""
        return dataset_name(str(self.facts.get("name") or self.found.run.config.dataset))

    @property
    def title(self) -> str:
        """Recipe and data."""
        return f"{self.found.run.config.preset} on {self.dataset}"


def text(of: Card) -> str:
    """The card: what hubs read in YAML, then what people read in Markdown."""
    parts = [_front(of), _about(of), _data(of), _recipe(of), _metrics(of), _use(of), _limits(of), _licence(of)]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _front(of: Card) -> list[str]:
    """The front matter. Each value is JSON, which YAML reads as it is."""
    run, known = of.found.run, licences.of_data(of.dataset)
    entries: dict[str, Any] = {
        "license": known.identifier,
        "library_name": _LIBRARIES[of.form],
        "pipeline_tag": _TASK,
        "tags": list(dict.fromkeys(["gan", "image-generation", "gan-engine", run.config.networks, run.config.preset])),
    }
    if run.config.conditional:  # hubs have no word for what draws by class
        del entries["pipeline_tag"]
    if known_as := licences.public_name(of.dataset):
        entries["datasets"] = [known_as]
    if of.evaluations:
        entries["model-index"] = [{"name": of.title, "results": [_result(of, each) for each in of.evaluations]}]
    lines = [f"{name}: {json.dumps(_told(value), ensure_ascii=False)}" for name, value in entries.items()]
    return ["---", *lines, "---"]


def _told(value: Any) -> Any:
    """Whatever is in a value with its texts made printable: YAML takes fewer characters than JSON."""
    if isinstance(value, dict):
        return {name: _told(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_told(part) for part in value]
    return printable(value) if isinstance(value, str) else value


def _result(of: Card, evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as a hub's model-index has it."""
    source = f"{evaluation.key.protocol}, {evaluation.key.features} features"
    metrics = [
        {"type": name, "name": f"{name} ({source})", "value": value}
        for name, value in evaluation.metrics.items()
        if value is not None and "/" not in name
    ]
    task = f"class-conditional-{_KIND}" if of.found.run.config.conditional else _TASK
    return {"task": {"type": task}, "dataset": {"name": of.dataset, "type": of.dataset}, "metrics": metrics}


def _about(of: Card) -> list[str]:
    run, (height, width, channels) = of.found.run, of.found.run.image_shape
    kind = "A conditional" if run.config.conditional else "A"
    colours = "grey" if channels == 1 else "RGB"
    return [
        f"# {markdown(of.title)}",
        "",
        f"![Samples]({SAMPLES})",
        "",
        f"{kind} generative adversarial network that draws images of {width} x {height} pixels, {colours}, "
        f"{'of the class asked for, ' * run.config.conditional}as a generator learned to after "
        f"{of.found.step:,} training steps ({_images_seen(of):,} real images seen). "
        f"{'Each row of the grid shows one class. ' * run.config.conditional}"
        "Trained and exported by gan-engine, a GAN training engine in low-level TensorFlow.",
        "",
        "| file | | parameters | size | largest, mean difference from the engine's output |",
        "|---|---|---|---|---|",
        *(_file_row(each) for each in of.exported),
    ]


def _file_row(each: Exported) -> str:
    what = f"{each.network}, weights in {each.kind}"
    differences = f"{each.difference:.1e}, {each.mean_difference:.1e}"
    return f"| `{each.name}` | {what} | {each.parameters:,} | {binary(each.size)} | {differences} |"


def _images_seen(of: Card) -> int:
    settings = of.found.run.config
    return of.found.step * settings.batch_size * settings.d_steps


def _data(of: Card) -> list[str]:
    run = of.found.run
    rows = [("name", markdown(of.dataset)), ("images for training", f"{of.facts.get('num_examples', 0):,}")]
    rows += [("size", dimensions(run.image_shape))]
    if run.class_names:
        names = [markdown(run.class_names[number]) for number in run.classes[:_MOST_CLASSES]]
        more = len(run.classes) - len(names)
        rows += [("classes", f"{len(run.classes):,}: {', '.join(names)}" + f" and {more:,} more" * bool(more))]
    rows += [("fingerprint", f"`{run.fingerprint}`")] if run.fingerprint else []
    return ["## Data", "", "| | |", "|---|---|", *(_ROW.format(*row) for row in rows)]


def _recipe(of: Card) -> list[str]:
    """The preset, what differs from it, and the networks."""
    settings = of.found.run.config
    differing = {
        name: getattr(settings, name)
        for name, field in fields().items()
        if name not in _NOT_RECIPE
        and field.metadata["change"] in ("tunable", "fixed")
        and getattr(settings, name) != config.of_preset(name, settings)
    }
    changed = ", ".join(f"`{name}={value}`" for name, value in differing.items()) or "nothing"
    counts = {each.network: each.parameters for each in of.exported}
    trained = " and ".join(f"{count:,} in the {network}" for network, count in counts.items())
    half_life = settings.ema_half_life_images
    rows = [
        ("preset", f"`{settings.preset}`"),
        ("other than the preset", changed),
        ("networks", f"`{settings.networks}`, parameters: {trained}"),
        ("objective", f"`{settings.objective}`" + f", penalty `{settings.penalty}`" * bool(settings.gamma)),
        ("batch", f"{settings.batch_size:,} images"),
        ("training", f"{of.found.step:,} steps, {_images_seen(of):,} images seen"),
    ]
    rows += [("begun with", "the networks of another run")] if settings.init_from else []
    rows += [("weights", f"moving averages, half-life {half_life:,.0f} images")] if half_life else []
    return ["## Recipe", "", "| | |", "|---|---|", *(_ROW.format(*row) for row in rows)]


def _metrics(of: Card) -> list[str]:
    lines = ["## Metrics", ""]
    if not of.evaluations:
        asked = f"`bin/evaluate --workdir=... --step={of.found.step}`"
        return [*lines, f"Not evaluated: {asked} measures it, and the next export tells."]
    for each in of.evaluations:
        lines += [*_measured(of, each), ""]
    return [*lines, "The floor is what as many real images reach. " + _COMPARED]


def _measured(of: Card, each: Evaluation) -> list[str]:
    """An evaluation as a table."""
    meaning = {name: line.replace(str(of.facts.get("name")), of.dataset) for name, line in each.meaning.items()}
    told = "; ".join(f"{name}: {markdown(line)}" for name, line in meaning.items())
    lines = [f"{each.key.num:,} generated images. {told}.", ""]
    if each.degenerate:
        lines += [f"**These figures do not mean what they say**: {markdown(each.degenerate)}.", ""]
    rows = [
        f"| {name.replace('_', ' ')} | {_number(value)} | {_number(each.floor.get(name))} |"
        for name, value in each.metrics.items()
        if "/" not in name  # the shares of single classes
    ]
    return [*lines, "| metric | value | real images (floor) |", "|---|---|---|", *rows]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _use(of: Card) -> list[str]:
    return ["## How to use", "", *(_PAGE if of.form == "web" else []), of.arguments, "", "```python", of.usage, "```"]


def _limits(of: Card) -> list[str]:
    statistics = build.has_batch_statistics(of.found.run.config)
    return [
        "## Intended use and limits",
        "",
        _LIMITS,
        *["", "Normalization is by fixed statistics: each image depends on its own input alone."] * statistics,
    ]


def _licence(of: Card) -> list[str]:
    known = licences.of_data(of.dataset)
    page = ["Page and LiteRT.js, which computes the model in it: Apache-2.0, see `LICENSE`.", ""]
    return [
        "## Licence",
        "",
        f"Data: {known.words}",
        "",
        *(page if of.form == "web" else []),
        "Model: yours to choose within what that of the data allows; `license` at the head of this card says "
        f"`{known.identifier}`{': fill it in' if known.identifier == licences.UNKNOWN else ', as the data'}.",
    ]


def dataset_name(name: str) -> str:
    """The name of data as it may be published: of those at a path its last part alone."""
    kind, _, path = name.partition(":")
    return f"{kind}:{Path(path).name}" if kind in DATA_AT_A_PATH else name
