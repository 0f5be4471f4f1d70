"""bin/sample on a small run: what is written, and that the run is left alone."""

import fcntl
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gan.errors import UserError
from gan.export import models
from gan.export.formats import FORMATS
from gan.export.networks import networks
from gan.jobs import model_card, sample
from gan.jobs.sample_request import Sample
from gan.pictures import raster
from gan.runs import trained
from gan.sampling import projection, sampler


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def images(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        return archive["images"]


class Results(NamedTuple):
    """The folder written to, what was said on success, and each mistake's call with the words expected of it."""

    folder: Path
    said: list
    mistakes: list


@pytest.fixture(scope="module")
def results(trained_run, tmp_path_factory, call_many) -> Results:
    """All calls, while another holds the lock of the run, which stays as it is; those that need no flag of their own
    are made as functions, many times as fast as processes."""
    folder, wrong = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("mistakes")
    outs = [
        ["--num=5", f"--out={folder}/five.npz"],
        ["--num=5", "--convolution=spectral", f"--out={folder}/spectral.npz"],
        ["--rows=2", "--columns=3", f"--out={folder}/deep/grid.png"],
        ["--num=3", "--step=1", "--names=article", f"--out={folder}/article/"],
        ["--num=5", "--seed=1", "--truncation=0.5", f"--out={folder}/half.npz"],
    ]
    asked = {
        "many.npz": {"num": 130},
        "other.npz": {"num": 5, "seed": 1},
        "earlier.npz": {"num": 5, "step": 1},
        "odd.png": {"num": 5, "columns": 2},
        "folder/": {"num": 5},
        "whole.npz": {"num": 5, "truncation": 1.0},
        "nothing.npz": {"num": 5, "truncation": 0.0},
        "walk.npz": {"interpolate": 3, "rows": 2, "truncation": 0.5},
    }
    run = f"--workdir={trained_run}"
    mistakes = _mistakes(trained_run, run, wrong)
    before = contents(trained_run), contents(wrong)
    with open(trained_run / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done = call_many("sample", [[run, *out] for out in outs] + [flags for flags, _, _ in mistakes])
        draw(folder, asked, workdir=str(trained_run))
    assert (contents(trained_run), contents(wrong)) == before
    judged = [(call, *mistake[1:]) for call, mistake in zip(done[len(outs) :], mistakes, strict=True)]
    return Results(folder, done[: len(outs)], judged)


def draw(folder: Path, asked: dict[str, dict], **origin) -> None:
    """Draws into `folder` what is asked for by the name of its file, without a process."""
    for name, words in asked.items():
        sample.run(Sample(out=f"{folder}/{name}", **origin, **words))


def _mistakes(trained_run: Path, run: str, folder: Path) -> list[tuple[list[str], int, str]]:
    """(arguments, exit code, words of the line) of calls that must fail, most of them writing to `folder`."""
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("precious")
    (folder / "file").write_text("x")
    (folder / "unsaved").mkdir()
    shutil.copy(trained_run / "config.json", folder / "unsaved")
    unsaved, npz, png = f"--workdir={folder}/unsaved", f"--out={folder}/x.npz", f"--out={folder}/x.png"
    return [
        ([npz], 2, "--workdir is missing"),
        ([run], 2, "--out is missing"),
        ([f"--workdir={folder}/nowhere", npz], 2, "there is no run in it"),
        ([unsaved, npz], 2, "has no checkpoint yet"),
        ([unsaved, npz, "--step=1"], 2, "has no checkpoint of step 1; nor any other yet"),
        ([run, npz, "--step=7"], 2, "has no checkpoint of step 7; choose one of 1, 2"),
        ([run, npz, "--num=0"], 2, "--num=0 must be from 1"),
        ([run, npz, "--num=many"], 2, "--num=many must be a whole number"),
        ([run, npz, "--seed=-1"], 2, "--seed=-1 must be from 0"),
        ([run, npz, "--rows=2"], 2, "belong to a grid"),
        ([run, f"--out={folder}/x.bmp"], 2, "ends in .bmp"),
        ([run, f"--out={folder}/x.gif"], 2, "give --interpolate=STEPS"),
        ([run, f"--out={folder}/x.webp"], 2, "an animation (.webp) walks between latents"),
        ([npz, f"--from_export={folder}/full"], 2, "is no export: there is no model.json"),
        ([npz, f"--from_export={folder}/full", "--precision=float32"], 2, "--precision is for runs"),
        ([run, npz, "--class=1"], 2, "trained without --conditional"),
        ([run, f"--out={folder}/x.gif", "--interpolate=1000"], 2, "16,000 frames with 4 x 4 images is too large"),
        ([run, png, "--num=5000"], 2, "5000 images do not fit into a grid of 64 x 64"),
        ([run, png, "--num=7", "--rows=2", "--columns=3"], 2, "7 images do not fit into a grid of 2 x 3"),
        ([run, png, "--rows=0"], 2, "--rows=0 must be from 1 to 64"),
        ([run, f"--out={folder}/full"], 2, "is a folder that is not empty (mine.txt ...)"),
        ([run, f"--out={folder}/file/"], 2, "is a file"),
        ([run, npz, "--precision=float16"], 2, "--precision=float16 must be one of"),
        ([run, "--num=1", f"--out={folder}/file/x.npz"], 74, "a file stands where a folder is needed"),
    ]


def test_calls_say_what_they_wrote(results):
    assert [(call.code, call.err) for call in results.said] == [(0, "")] * len(results.said)
    assert results.said[0].out == f"{results.folder}/five.npz: 5 images of step 2, seed 0\n"


def test_npz_holds_uint8_images_and_where_they_come_from(results):
    with np.load(results.folder / "earlier.npz", allow_pickle=False) as archive:
        assert sorted(archive) == ["images", "seed", "step", "truncation"]
        assert (archive["images"].dtype, archive["images"].shape) == (np.uint8, (5, 28, 28, 1))
        assert (archive["seed"].item(), archive["step"].item()) == (0, 1)


def test_an_image_depends_on_seed_and_step_but_not_on_how_many_there_are(results):
    five, many = images(results.folder / "five.npz"), images(results.folder / "many.npz")
    assert np.array_equal(five, many[:5])
    assert len(np.unique(many.reshape(130, -1), axis=0)) == 130
    assert not np.array_equal(five, images(results.folder / "other.npz"))
    assert not np.array_equal(five, images(results.folder / "earlier.npz"))


def test_routes_agree_to_a_level(results):
    difference = images(results.folder / "five.npz").astype(int) - images(results.folder / "spectral.npz")
    assert np.abs(difference).max() <= 1


def test_grid_is_the_one_that_training_drew(results, trained_run):
    drawn = (trained_run / "samples" / "grid_0000000002.png").read_bytes()
    assert (results.folder / "deep" / "grid.png").read_bytes() == drawn


def test_grid_takes_the_rows_it_needs(results):
    with Image.open(results.folder / "odd.png") as picture:
        assert (picture.width, picture.height) == (2 * (2 * 29 + 1), 2 * (3 * 29 + 1))


def test_folder_holds_numbered_pngs_of_the_same_images(results):
    files = sorted((results.folder / "folder").iterdir())
    assert [path.name for path in files] == [f"{i:08d}.png" for i in range(5)]
    assert np.array_equal(
        np.stack([np.asarray(Image.open(path)) for path in files])[..., None], images(results.folder / "five.npz")
    )
    assert sorted(path.name for path in results.folder.iterdir() if path.name.startswith(".")) == []


def test_names_of_the_article_have_the_step_in_the_place_of_the_epoch(results):
    there = {path.name for path in (results.folder / "article").iterdir()}
    assert there == {f"generated_img_1_{i}.png" for i in range(3)}
    with Image.open(results.folder / "article" / "generated_img_1_2.png") as picture:
        assert np.array_equal(np.asarray(picture)[..., None], images(results.folder / "earlier.npz")[2])


def test_truncation_shortens_the_latents(results, trained_run):
    assert np.array_equal(images(results.folder / "whole.npz"), images(results.folder / "five.npz"))
    found = trained.open(trained_run)
    network, points = trained.generator(found.run), sampler.latents(0, 0, 2, 16).numpy()
    expected = sampler.images_of(network, found.generator, 0.5 * sampler.latents(1, 0, 5, 16).numpy())
    assert np.array_equal(images(results.folder / "half.npz"), expected)
    assert len(np.unique(images(results.folder / "nothing.npz"), axis=0)) == 1
    on_the_way = sampler.between(points, 3).reshape(6, 16)
    walk = images(results.folder / "walk.npz")
    assert np.array_equal(walk, sampler.images_of(network, found.generator, np.float32(0.5) * on_the_way))
    with np.load(results.folder / "half.npz") as half, np.load(results.folder / "five.npz") as five:
        assert (half["truncation"].item(), five["truncation"].item()) == (0.5, 1.0)
    assert results.said[-1].out.endswith("half.npz: 5 images of step 2, seed 1, truncation 0.5\n")


def export_of(run: Path, folder: Path, form: str) -> Path:
    """An export of a run, with what it says of itself."""
    folder.mkdir()
    found = trained.open(run)
    saved = found.run
    of = networks(saved.config, saved.image_shape, found.generator, found.discriminator, saved.class_shares)
    made = list(FORMATS[form].models(of))
    models.write(folder, form, made)
    checked = models.check(folder, form, of, made)
    model_card.write(folder, model_card.card(found, form, checked, usage="", arguments=""))
    return folder


def test_an_export_draws_as_its_run(results, trained_run, tmp_path, capsys):
    folder = export_of(trained_run, tmp_path / "export", "saved_model")
    capsys.readouterr()
    draw(tmp_path, {"many.npz": {"num": 130}}, from_export=str(folder))
    draw(tmp_path, {"half.npz": {"num": 5, "seed": 1, "truncation": 0.5}}, from_export=str(folder))
    for name in ("many", "half"):
        with np.load(results.folder / f"{name}.npz") as run, np.load(tmp_path / f"{name}.npz") as export:
            assert set(run) == set(export) and run["step"] == export["step"]
            assert np.abs(run["images"].astype(int) - export["images"]).max() <= 1
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path}/many.npz: 130 images of step 2, seed 0\n")
    assert said.err.startswith(f"note: {folder}/generatormodel is a SavedModel, which is a program")


def test_mistakes_are_one_line(results):
    for call, code, words in results.mistakes:
        assert (call.code, call.out) == (code, ""), call
        assert words in call.err
        assert call.err.startswith("error: ") and call.err.count("\n") == 1


@pytest.fixture(scope="module")
def by_class(conditional_run, tmp_path_factory, call_many) -> Results:
    """Calls on a conditional run, most of them as functions."""
    folder = tmp_path_factory.mktemp("classes")
    calls = [
        ["--num=5", "--class=2,0", f"--out={folder}/two.npz"],
        ["--interpolate=2", "--class=1", f"--out={folder}/loop.gif"],
        ["--class=3", f"--out={folder}/x.npz"],
    ]
    asked = {
        "five.npz": {"num": 5},
        "many.npz": {"num": 130},
        "grid.png": {"columns": 2},
        "one.png": {"rows": 1, "columns": 2, "classes": "1"},
        "walk.npz": {"interpolate": 4, "rows": 3},
        "walk.png": {"interpolate": 4},
        "loop.webp": {"interpolate": 2, "classes": "1"},
        "loop.apng": {"interpolate": 2, "classes": "1"},
    }
    draw(folder, asked, workdir=str(conditional_run))
    *done, wrong = call_many("sample", [[f"--workdir={conditional_run}", *call] for call in calls])
    return Results(folder, done, [wrong])


def test_calls_on_classes_say_what_they_wrote(by_class):
    assert [(call.code, call.err) for call in by_class.said] == [(0, "")] * len(by_class.said)
    assert by_class.said[0].out.endswith("two.npz: 5 images of step 3, seed 0, 2, 0\n")
    assert by_class.said[-1].out.endswith("loop.gif: 32 frames of 4 x 4 images of step 3, seed 0, 1\n")
    (wrong,) = by_class.mistakes
    assert (wrong.code, wrong.err) == (2, "error: --class=3 is unknown; the classes are 0, 1, 2\n")


def test_npz_of_a_conditional_run_holds_labels_that_do_not_depend_on_how_many_there_are(by_class):
    with np.load(by_class.folder / "five.npz") as five, np.load(by_class.folder / "many.npz") as many:
        assert sorted(five) == ["class_names", "images", "labels", "seed", "step", "truncation"]
        assert five["labels"].dtype == np.int32 and set(many["labels"]) == {0, 1, 2}
        assert five["class_names"].tolist() == ["0", "1", "2"]
        for name in ("images", "labels"):
            assert np.array_equal(five[name], many[name][:5])


def test_named_classes_take_turns(by_class):
    with np.load(by_class.folder / "two.npz") as two:
        assert two["labels"].tolist() == [2, 0, 2, 0, 2]


def test_grid_of_a_conditional_run_is_the_one_that_training_drew_from_the_averages(by_class, conditional_run):
    drawn = (conditional_run / "samples" / "grid_0000000003.png").read_bytes()
    assert (by_class.folder / "grid.png").read_bytes() == drawn


def test_walks_as_rows_and_as_a_loop(by_class):
    with np.load(by_class.folder / "walk.npz") as walk:
        assert walk["labels"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        grid = raster.grid(walk["images"], 3, 4)[..., 0].repeat(2, 0).repeat(2, 1)
    with Image.open(by_class.folder / "walk.png") as picture:
        assert np.array_equal(np.asarray(picture), grid)
    with Image.open(by_class.folder / "loop.gif") as loop:
        cells = np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(loop)])
    assert cells.shape == (32, 2 * (4 * 29 + 1), 2 * (4 * 29 + 1))
    first, second = cells[:, 2:58, 2:58], cells[:, 2:58, 60:116]
    assert np.array_equal(first[2:], second[:-2]) and np.array_equal(first[:2], second[-2:])
    for kind in ("webp", "apng"):
        with Image.open(by_class.folder / f"loop.{kind}") as other:
            assert other.info["loop"] == 0
            same = np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(other)])
        assert np.array_equal(same, cells)


def test_an_export_of_a_conditional_run_draws_its_classes(by_class, conditional_run, tmp_path):
    folder = export_of(conditional_run, tmp_path / "export", "keras")
    asked = {"five.npz": {"num": 5}, "two.npz": {"num": 5, "classes": "2,0"}, "grid.png": {"columns": 2}}
    asked |= {"walk.png": {"interpolate": 4}, "loop.apng": {"interpolate": 2, "classes": "1"}}
    draw(tmp_path, asked, from_export=str(folder / "generatormodel.keras"))
    for name in asked:
        if name.endswith("npz"):
            with np.load(by_class.folder / name) as run, np.load(tmp_path / name) as export:
                pairs = [(run[one], export[one]) for one in ("images", "labels")]
        else:
            with Image.open(by_class.folder / name) as run, Image.open(tmp_path / name) as export:
                frames = zip(ImageSequence.Iterator(run), ImageSequence.Iterator(export), strict=True)
                pairs = [(np.asarray(one.convert("L")), np.asarray(other.convert("L"))) for one, other in frames]
        assert max(np.abs(one.astype(int) - other).max() for one, other in pairs) <= 1
    with pytest.raises(UserError, match="--class=3 is unknown; the classes are 0, 1, 2"):
        sample.run(Sample(out=f"{tmp_path}/x.npz", from_export=str(folder), classes="3"))


def test_the_image_nearest_to_a_picture_is_shown_beside_it(by_class, conditional_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(projection, "STEPS", 3)
    monkeypatch.setattr(projection, "CANDIDATES", 64)
    with np.load(by_class.folder / "two.npz") as two:
        photo = two["images"][0]
        raster.write_png(tmp_path / "photo.png", photo)
    asked = {"workdir": str(conditional_run), "like": f"{tmp_path}/photo.png", "seed": 5}
    with pytest.raises(UserError, match="is the picture of --like itself"):
        Sample(out=f"{tmp_path}/../{tmp_path.name}/photo.png", **asked)
    sample.run(Sample(out=f"{tmp_path}/near.png", **asked))
    sample.run(Sample(out=f"{tmp_path}/near.npz", classes="1,2", **asked))
    with np.load(tmp_path / "near.npz", allow_pickle=False) as near:
        assert sorted(near) == ["class_names", "errors", "images", "labels", "latents", "photo", "seed", "step"]
        assert set(near["labels"]) == {1, 2} and np.array_equal(near["photo"], photo)
        np.testing.assert_allclose(near["errors"], projection.error(photo, near["images"]))
    with Image.open(tmp_path / "near.png") as picture:
        assert picture.size == (10 * 59, 10 * 30)
        assert np.array_equal(np.asarray(picture)[10:290:10, 10:290:10], photo[..., 0])
    out, err = capsys.readouterr()
    assert out.startswith(f"{tmp_path}/near.png: the image nearest to {tmp_path}/photo.png (") and err == ""
    assert "random ones that the search began with has" in out
