"""bin/evaluate on a small run and on images in files: what is measured, kept and said."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from gan.data.garments import garments

REAL = ["--data_in_memory=false", "--dataset=garments"]


class Results(NamedTuple):
    """The folder written to, the run, what was said, and each mistake's call with the words expected of it."""

    folder: Path
    run: Path
    said: list
    mistakes: list


def write_images(folder: Path) -> None:
    """A labelled data set of garments, and images that take the part of generated ones."""
    images, labels = garments.draw(np.arange(120))
    np.savez(folder / "data.npz", images=images, labels=labels)
    np.savez(folder / "plain.npz", images=images)
    other, other_labels = garments.draw(np.arange(1000, 1060))
    np.savez(folder / "labelled.npz", images=other, labels=other_labels)
    order = np.argsort(labels, kind="stable")[:100]
    np.savez(
        folder / "sorted.npz",
        images=images[order],
        labels=9 - labels[order],
        class_names=[str(9 - i) for i in range(10)],
    )
    np.savez(folder / "strange.npz", images=other[:20], labels=np.arange(20))
    np.savez(folder / "small.npz", images=other[:, :20, :20])
    np.savez(folder / "wide.npz", images=np.tile(images, (1, 1, 2, 1)))
    np.savez(folder / "made_wide.npz", images=np.tile(other, (1, 1, 2, 1)))
    (folder / "single" / "only").mkdir(parents=True)
    for i, image in enumerate(images[:60]):
        Image.fromarray(image[..., 0]).save(folder / "single" / "only" / f"{i}.png")
    (folder / "flat").mkdir()
    for i, image in enumerate(other[:30]):
        Image.fromarray(image[..., 0]).save(folder / "flat" / f"{i}.png")


def with_damaged(folder: Path, run: Path) -> Path:
    """A copy of the run whose checkpoint of step 1 is damaged."""
    copy = Path(shutil.copytree(run, folder / "damaged"))
    with open(copy / "checkpoints/step_0000000001/state.data-00000-of-00001", "ab") as file:
        file.write(b"x")
    return copy


def with_blocked(folder: Path, run: Path) -> Path:
    """A copy of the run in which evaluations cannot be kept: a folder stands where their lock should be."""
    copy = Path(shutil.copytree(run, folder / "blocked"))
    (copy / ".evaluations.lock").mkdir()
    return copy


def train_conditional(folder: Path, call_many) -> Path:
    """The folder of a run that is told labels, after a step on the labelled garments."""
    settings = {"dataset": f"npz:{folder}/data.npz", "steps": 1, "batch_size": 8, "g_width": 4, "d_width": 2}
    settings |= {"precision": "float32", "convolution": "direct", "conditional": "true", "latent_size": 8}
    settings |= {"sample_columns": 1, "workdir": folder / "conditional"}
    (done,) = call_many("train", [[f"--{name}={value}" for name, value in settings.items()]])
    assert done.code == 0, done.err
    return folder / "conditional"


@pytest.fixture(scope="module")
def results(trained_run, tmp_path_factory, call_many) -> Results:
    """All calls in one process, while another holds the lock of the run."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_images(folder)
    run, random = f"--workdir={trained_run}", ["--features=random", "--num=40", *REAL]
    uncropped = ["--crop=none", "--resolution=14"]
    data, few = f"--dataset=npz:{folder}/data.npz", "--k=3"
    conditional = train_conditional(folder, call_many)
    calls = [
        [run, *random],
        [run, *random, "--all", f"--out={folder}/all.json"],
        [run, *random, "--step=1", "--protocol=50k", "--data_in_memory=auto", f"--dataset=npz:{folder}/data.npz"],
        [f"--images={folder}/labelled.npz", data, few, f"--out={folder}/labelled.json"],
        [f"--images={folder}/flat", data, few, "--features=random", f"--neighbours={folder}/near.png"],
        [f"--workdir={conditional}", "--num=30", few],
        [f"--workdir={with_damaged(folder, trained_run)}", *random, "--all", f"--out={folder}/rest.json"],
        [f"--images={folder}/sorted.npz", data, few, "--num=40", "--nocas", f"--out={folder}/sorted.json"],
        [f"--images={folder}/single", f"--dataset=folder:{folder}/single", few, "--features=random"],
        [f"--workdir={with_blocked(folder, trained_run)}", *random, "--all", f"--out={folder}/lost.json"],
        [f"--images={folder}/made_wide.npz", f"--dataset=npz:{folder}/wide.npz", few, "--features=random", *uncropped],
    ]
    mistakes = _mistakes(folder, run, data)
    with pytest.MonkeyPatch.context() as patch, open(trained_run / ".lock") as lock:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done = call_many("evaluate", calls + [flags for flags, _ in mistakes])
    judged = [(call, words) for call, (_, words) in zip(done[len(calls) :], mistakes, strict=True)]
    return Results(folder, trained_run, done[: len(calls)], judged)


def _mistakes(folder: Path, run: str, data: str) -> list[tuple[list[str], str]]:
    """(arguments, words of the line) of calls that must fail."""
    images, random = f"--images={folder}/labelled.npz", "--features=random"
    return [
        ([], "give either --workdir"),
        ([run, images], "give either --workdir"),
        ([images, "--all"], "--step and --all are for runs"),
        ([images, "--precision=float32"], "--precision is for runs"),
        ([run, "--all", "--step=1"], "--all goes with neither"),
        ([f"--images={folder}/nowhere"], "nowhere is not there"),
        ([f"--workdir={folder}/nowhere"], "there is no run in it"),
        ([run, random, *REAL, "--step=7"], "has no checkpoint of step 7"),
        ([run, "--num=0"], "--num=0 must be from 1"),
        ([run, "--k=0"], "--k=0 must be from 1"),
        ([run, "--seed=-1"], "--seed=-1 must be from 0"),
        (
            [run, "--features=vgg"],
            "--features=vgg is unknown; it must be classifier, random, inception, inception:FILE",
        ),
        ([run, f"--features=inception:{folder}/nowhere.pth", *REAL], "nowhere.pth is not there; name pt_inception"),
        ([run, "--features=inception:x.pth", "--model_size=299"], "--model_size is for --features=saved_model:PATH"),
        ([run, "--features=saved_model"], "--features=saved_model is unknown"),
        ([run, f"--features=saved_model:{folder}/nowhere", *REAL], "nowhere is not there; give a SavedModel"),
        ([run, "--features=random", "--model_size=32"], "--model_size is for --features=saved_model:PATH"),
        ([run, "--model_range=bytes"], "--model_range is for --features=saved_model:PATH"),
        ([run, "--protocol=mine"], "--protocol=mine must be one of lucic, 50k"),
        ([run, "--neighbours=x.jpg"], "--neighbours=x.jpg must end in .png"),
        ([run, random], "are too few for the metrics"),
        (
            [run, f"--dataset=npz:{folder}/plain.npz"],
            "has no labels of two classes or more; classifier features need labelled images; use random ones",
        ),
        ([f"--images={folder}/small.npz", data], "generated images are 20 x 20 x 1, those of"),
        ([f"--images={folder}/strange.npz", data, random], "has a class 10, the data set has"),
    ]


def evaluations(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]


def test_calls_succeed_and_say_what_the_figures_mean(results):
    assert [call.code for call in results.said[:9]] == [0] * 9, results.said
    first = results.said[0].out
    assert "features of a fixed random network (128 numbers; not Inception)" in first
    assert "lucic: 40 generated against 40 test images of garments" in first
    assert "40 real training images against the same 40; k = 5" in first
    lines = {line.split()[0]: line.split() for line in first.splitlines() if line[:1].islower()}
    assert float(lines["frechet_distance"][1]) > 3 * float(lines["frechet_distance"][2]) > 0
    assert "these are not the data that the run was trained on" in results.said[0].err


def test_a_run_that_cannot_be_written_to_is_measured_all_the_same(results):
    said = results.said[9]
    assert said.code == 74 and said.err.count("warning: the figures are shown, but not kept: ") == 1
    assert "frechet_distance" in said.out and len(json.loads((results.folder / "lost.json").read_text())) == 2


def test_evaluations_are_kept_and_not_repeated(results):
    kept = evaluations(results.run)
    assert [(row["step"], row["protocol"], row["num"]) for row in kept] == [
        (1, "lucic", 40),
        (1, "50k", 40),
        (2, "lucic", 40),
    ]
    assert results.said[1].out.count("measured in") == 1  # the newest had been measured by the call before
    both = json.loads((results.folder / "all.json").read_text())
    assert both == [kept[0], kept[2]]
    assert kept[1]["real_samples"] == 100 and "training images" in kept[1]["meaning"]["sizes"]
    assert set(kept[0]["metrics"]) == set(kept[0]["floor"]) >= {"frechet_distance", "kernel_distance", "coverage"}
    assert len(list((results.run / "eval").iterdir())) == 1


def test_images_in_files_with_labels(results):
    (row,) = json.loads((results.folder / "labelled.json").read_text())
    assert (row["num"], row["real_samples"], row["features"]) == (20, 20, "classifier")
    assert "labelled.npz: 20 of 60 images, chosen at random" in results.said[3].out
    assert row["score_samples"] == 60 and "classification accuracy after 60 generated images" in results.said[3].out
    assert row["metrics"]["label_agreement"] > 0.2  # one in ten by chance
    assert 0.0 <= row["metrics"]["classification_accuracy_score"] <= 1.0
    assert row["floor"]["classification_accuracy_score"] == row["floor"]["label_agreement"]
    assert "which the generator was trained on too" in row["meaning"]["sizes"]
    said = results.said[3]
    assert "classifier features of this data set (128 numbers; not Inception), accuracy" in said.out
    assert "Training the classifier of npz:" in said.err
    assert sum(name.startswith("class_share/") for name in row["metrics"]) == 10


def test_a_conditional_run_is_asked_for_classes(results):
    (row,) = evaluations(results.folder / "conditional")
    assert (row["step"], row["num"], row["features"], row["score_samples"]) == (1, 30, "classifier", 100)
    for name in ("label_agreement", "classification_accuracy_score"):
        assert 0.0 <= row["metrics"][name] < 0.5 and name in row["floor"]  # of a generator that has not learned


def test_a_checkpoint_that_is_damaged_leaves_the_others_to_be_measured(results):
    said = results.said[6]
    assert "warning: step 1 is left out: " in said.err and "choose another step of 2 or" in said.err
    assert [row["step"] for row in json.loads((results.folder / "rest.json").read_text())] == [2]


def test_a_single_class_has_no_score(results):
    assert "classification_accuracy_score" not in results.said[8].out and "frechet_distance" in results.said[8].out


def test_some_of_many_images_are_from_all_over_and_of_the_classes_they_are_named(results):
    (row,) = json.loads((results.folder / "sorted.json").read_text())
    assert row["metrics"]["label_agreement"] > 0.2  # of the images that the classifier was trained on
    assert row["metrics"]["class_entropy"] > 1.5  # the first 40 are of four classes
    assert "sorted.npz: 40 of 100 images, chosen at random" in results.said[7].out


def test_images_in_files_are_brought_to_the_form_of_the_data_whatever_that_is(results):
    said = results.said[10]
    assert said.code == 0 and "frechet_distance" in said.out and "28 x 14" in said.out, said.err


def test_neighbours_are_drawn(results):
    with Image.open(results.folder / "near.png") as picture:
        assert picture.width > 1000
    assert "near.png: median distance to the nearest training image" in results.said[4].out


def test_mistakes_are_one_line(results):
    for call, words in results.mistakes:
        assert call.code == 2 and words in call.err, call
        told = ("Training the classifier", "warning: ")  # of the data, which were opened by then
        lines = [line for line in call.err.splitlines() if not line.startswith(told)]
        assert len(lines) == 1 and lines[0].startswith("error: "), call
