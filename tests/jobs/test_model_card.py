"""The model card: what it tells of a run, and that names from the data stay names."""

import dataclasses
import json
from pathlib import Path

import pytest

from gan import config
from gan.evaluation.record import Evaluation, key
from gan.export.models import Exported
from gan.jobs import card_text, licences
from gan.jobs.card_text import Card
from gan.runs.trained import SavedRun, Trained

NASTY = ("a|b", "<script>x</script>", "[c](https://evil.example)", "*d*\n# e", 'f" \\', "\u202eg", "---", "\ud800h")


def card(names=("x", "y"), dataset="fashion_mnist", evaluations=(), preset="modern_conditional", **settings) -> Card:
    chosen = config.make(preset, **settings)
    run = SavedRun(Path("/home/me/run"), chosen, (28, 20, 3), names, (1 / len(names),) * len(names), (0, 1), "abc")
    exported = [
        Exported("generatormodel.tflite", "generator", "float32", 1000, 4 << 20, 1e-6, 1e-7, 10.0),
        Exported("generatormodel_int8.tflite", "generator", "int8", 1000, 1 << 20, 0.1, 0.01, 20.0),
        Exported("discriminatormodel.tflite", "discriminator", "float32", 500, 2000, 1e-6, 1e-7),
    ]
    facts = {"name": dataset, "num_examples": 60_000}
    return Card(Trained(run, 500, None, None, []), "tflite", exported, facts, evaluations, "use()", "latents: ...")


def evaluated(step: int = 500) -> Evaluation:
    named = key(
        step=step,
        protocol="lucic",
        num=10_000,
        features="classifier",
        extractor="e",
        data="d",
        k=5,
        seed=0,
        generator="g",
    )
    return Evaluation(
        named,
        metrics={"frechet_distance": 1.25, "recall": None, "class_share/x": 0.5},
        floor={"frechet_distance": 0.125, "recall": 0.9},
        real_samples=10_000,
        floor_samples=10_000,
        meaning={"sizes": "against 10,000 test images of npz:/home/me/secret/set.npz"},
        time="",
        degenerate="",
    )


def front(page: str) -> dict:
    """The front matter, each value of which is JSON."""
    _, lines, _ = page.split("---\n", 2)
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines.splitlines())}


def test_hubs_find_what_draws_without_labels_by_its_task_and_each_tag_once():
    told = front(card_text.text(card(preset="dcgan")))
    assert told["pipeline_tag"] == "unconditional-image-generation"
    assert told["tags"] == ["gan", "image-generation", "gan-engine", "dcgan"]


def test_a_card_tells_data_recipe_figures_and_use():
    page = card_text.text(card(evaluations=[evaluated()], g_width=32, init_from="/home/me/other"))
    assert front(page) == {
        "license": "mit",
        "library_name": "tflite",
        "tags": ["gan", "image-generation", "gan-engine", "residual", "modern_conditional"],
        "datasets": ["fashion_mnist"],
        "model-index": [
            {
                "name": "modern_conditional on fashion_mnist",
                "results": [
                    {
                        "task": {"type": "class-conditional-image-generation"},
                        "dataset": {"name": "fashion_mnist", "type": "fashion_mnist"},
                        "metrics": [
                            {
                                "type": "frechet_distance",
                                "name": "frechet_distance (lucic, classifier features)",
                                "value": 1.25,
                            }
                        ],
                    }
                ],
            }
        ],
    }
    for words in (
        "images of 20 x 28 pixels, RGB, of the class asked for",
        "after 500 training steps (16,000 real images seen)",
        "| `generatormodel_int8.tflite` | generator, weights in int8 | 1,000 | 1.0 MiB | 1.0e-01, 1.0e-02 |",
        "| images for training | 60,000 |",
        "| classes | 2: x, y |",
        "| fingerprint | `abc` |",
        "| other than the preset | `g_width=32` |",
        "1,000 in the generator and 500 in the discriminator",
        "| begun with | the networks of another run |",
        "| frechet distance | 1.25 | 0.125 |\n| recall | - | 0.9 |\n",
        "```python\nuse()\n```",
        "Data: Fashion-MNIST, copyright Zalando SE, MIT licence.",
    ):
        assert words in page, words
    assert "class_share" not in page and "class share" not in page


def test_without_an_evaluation_it_says_how_to_have_one():
    page = card_text.text(card())
    assert "Not evaluated: `bin/evaluate --workdir=... --step=500` measures it" in page
    assert "model-index" not in front(page)


def test_paths_of_the_machine_stay_there():
    of = card(dataset="npz:/home/me/secret/set.npz", evaluations=[evaluated()], init_from="/home/me/other")
    page = card_text.text(of)
    assert (
        "/home" not in page
        and "secret" not in page
        and "other" not in page.replace("other than", "").replace("another", "").replace("of other features", "")
    )
    assert "datasets" not in front(page) and front(page)["license"] == "unknown" and "fill it in" in page
    assert of.dataset == "npz:set.npz" and r"test images of npz\:set\.npz" in page


def test_names_are_names_whatever_markdown_and_yaml_would_make_of_them():
    of = card(names=NASTY, dataset="folder:/x/evil: *y* <b>\n---\nlicense: gpl")
    of = of._replace(found=of.found._replace(run=of.found.run._replace(classes=tuple(range(len(NASTY))))))
    page = card_text.text(of)
    page.encode()  # no half of a character is left
    assert front(page)["license"] == "unknown"
    (row,) = (line for line in page.splitlines() if line.startswith("| classes |"))
    assert row == (
        r"| classes | 8: a\|b, \<script\>x\</script\>, \[c\]\(https\://evil\.example\), \*d\*\\n\# e, f\" \\, "
        r"\\u202eg, ---, \\ud800h |"
    )
    (title,) = (line for line in page.splitlines() if line.startswith("# "))
    assert title == r"# modern\_conditional on folder\:evil\: \*y\* \<b\>\\n---\\nlicense\: gpl"


@pytest.mark.parametrize(
    ("name", "known_as", "identifier", "words"),
    [
        ("tfds:mnist:3.0.1", "mnist", "cc-by-sa-3.0", "Creative Commons"),
        ("garments", "", "apache-2.0", "gan-engine"),
        ("tfds:cifar10", "cifar10", "unknown", "not stated by its authors"),
        ("tfds:emnist/letters", "", "unknown", "fill in"),
        ("folder:mnist", "", "unknown", "fill in"),
    ],
)
def test_licences_of_data(name, known_as, identifier, words):
    known = licences.of_data(name)
    assert known.identifier == identifier and words in known.words
    assert licences.public_name(name) == known_as


def test_a_grid_of_many_classes_is_not_a_list_of_all():
    of = card(names=tuple(f"c{i}" for i in range(300)))
    run = of.found.run._replace(classes=tuple(range(300)), config=dataclasses.replace(of.found.run.config, seed=3))
    page = card_text.text(of._replace(found=of.found._replace(run=run)))
    assert "| classes | 300: c0, c1," in page and "c99 and 200 more |" in page and "c100" not in page
