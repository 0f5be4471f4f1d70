"""What was understood of the data, before hours are spent."""

import contextlib
import io
import json
import os

import numpy as np
from PIL import Image

from gan.data import account, cautions, sources
from gan.errors import UserError
from gan.jobs import evaluate, preview
from gan.jobs.requests import Evaluate, Preview
from tests.situations import Place, situation

AREA = "what was understood"


def noise(*shape: int, top: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, top, shape, dtype=np.uint8)


def warned(dataset: str, **settings) -> list[str]:
    """The warnings of a data set."""
    return cautions.of(account.of(sources.open_source(dataset, **settings), None, settings.get("crop", "center")))


def npz(place: Place, **arrays: np.ndarray) -> str:
    np.savez(place.folder / "set.npz", **arrays)
    return f"npz:{place.folder}/set.npz"


def folder(place: Place, images: dict[str, np.ndarray]) -> str:
    for name, image in images.items():
        (place.folder / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place.folder / "set" / name)
    return f"folder:{place.folder}/set"


def previewed(place: Place, dataset: str, **settings) -> tuple[str, str]:
    """What bin/preview writes to both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        preview.run(Preview({"dataset": dataset, **settings}, out=str(place.folder / "grid.png")))
    return out.getvalue(), err.getvalue()


@situation(
    AREA, "7 of 10 images are broken links", "preview and train count them with the reason, config.json keeps it"
)
def broken_links(place: Place) -> None:
    dataset = folder(place, {f"{i}.png": noise(16, 16, seed=i) for i in range(3)})
    for i in range(7):
        os.symlink("nothing.png", place.folder / "set" / f"link{i}.png")
    words = "7 passed over: 7 links to nothing"
    out, err = previewed(place, dataset)
    assert f"images      3 used; {words}\n" in out and "warning: passed over beside 3 images: 7 links to nothing" in err
    flags = ("--width=0.1", "--steps=1", "--batch_size=2", "--workdir=run")
    begun = place.run("train", f"--dataset={dataset}", *flags)
    assert f"images      3 used; {words}\n" in begun.out
    assert any("7 links to nothing" in line for line in begun.warnings)
    kept = json.loads((place.folder / "run/config.json").read_text())["data"]["account"]
    assert kept["passed_over"] == {"links to nothing": 7} and kept["images"] == 3 and len(kept["warnings"]) == 1


@situation(
    AREA, "4 of 7 files are no images", "each command counts them by their ending, and warns unless they are texts"
)
def no_images(place: Place) -> None:
    dataset = folder(place, {f"{i}.png": noise(16, 16, seed=i) for i in range(3)})
    for name in ("a.doc", "b.doc", "c.txt", "d.pdf"):
        (place.folder / "set" / name).write_bytes(b"x")
    out, err = previewed(place, dataset)
    assert "3 used; 4 passed over: 2 files that end in .doc, 1 file that ends in" in out
    assert "warning: passed over beside 3 images: 2 files that end in .doc, 1 file that ends in .pdf;" in err


@situation(
    AREA, "12-bit values in 16-bit PNGs", "warned: 16 of 256 levels are used; the remedy --value_range=0,4095 is named"
)
def twelve_bits(place: Place) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (12, 16, 16), dtype=np.uint16)
    values[0, 0, :2] = 0, 4095
    dataset = folder(place, {f"{i}.png": image for i, image in enumerate(values)})
    (line,) = warned(dataset)
    assert "16 of 256 levels" in line and "--value_range=0,4095 if the files have 16 bits" in line
    assert warned(dataset, value_range="0,4095") == []


@situation(
    AREA, "floats in [0, 1] that were cast to uint8", "warned, with mean and range; the remedies are named, and work"
)
def cast_floats(place: Place) -> None:
    dataset = npz(place, images=noise(20, 8, 8, top=2))
    (line,) = warned(dataset)
    assert line.startswith("all pixels are 0 or 1 (mean 0.") and "0 to 1 of 255): were floats in [0, 1] cast" in line
    assert "--value_range=0,1" in line and warned(dataset, value_range="0,1") == []


@situation(AREA, "floats in [-1, 1] that were cast to uint8", "warned: pixels are 0, 1 or 255; what to write instead")
def cast_signed_floats(place: Place) -> None:
    (line,) = warned(npz(place, images=np.array([0, 1, 255], np.uint8)[noise(20, 8, 8, top=3)]))
    assert "0, 1 or 255" in line and "127.5 * (x + 1)" in line


@situation(AREA, "a set of black images", "warned: every pixel is 0; training goes on unless it is --strict")
def black(place: Place) -> None:
    (line,) = warned(npz(place, images=np.zeros((20, 8, 8), np.uint8)))
    assert line.startswith("every pixel of every image is 0")


@situation(AREA, "images that are all nearly the same", "warned")
def nearly_the_same(place: Place) -> None:
    (line,) = warned(npz(place, images=noise(1, 8, 8, top=250) + noise(20, 8, 8, top=3)))
    assert line.startswith("all images are nearly the same")


@situation(AREA, "some images are copies of others", "counted by their pixels; from 2 of 100 on warned, with the first")
def copies(place: Place) -> None:
    images = noise(100, 8, 8)
    images[50:54] = images[:4]
    (line,) = warned(npz(place, images=images))
    assert line.startswith("4 of 100 images are exactly the same as another (the first is number 50")


@situation(AREA, "some images are of one colour", "counted; from 2 of 100 on warned, with the first")
def one_colour(place: Place) -> None:
    images = noise(100, 8, 8)
    images[[7, 8, 9]] = np.array([0, 128, 255], np.uint8)[:, None, None]
    (line,) = warned(npz(place, images=images))
    assert line.startswith("3 of 100 images are nearly of one colour (the first is number 7")


@situation(AREA, "100,000 classes", "the first, the last, the range and the count; the picture shows their sizes")
def many_classes(place: Place) -> None:
    images = np.arange(100_000, dtype=np.uint32).view(np.uint8).reshape(100_000, 2, 2)
    out, err = previewed(place, npz(place, images=images, labels=np.arange(100_000)))
    assert "classes     100,000: 0 1 ... 99999 1; each 1\n" in out and len(out) < 3000
    assert "100,000 of 100,000 classes have fewer than 10 images (0 1, 1 1, 2 1 and 99,997 more)" in err
    assert (place.folder / "grid.png").stat().st_size > 10_000


@situation(AREA, "labels 0, 5 and 9 alone", "warned: 7 of 10 classes have no images, the first of them named")
def holes(place: Place) -> None:
    (line,) = warned(npz(place, images=noise(60, 8, 8), labels=np.array([0, 5, 9] * 20)))
    assert line.startswith("7 of 10 classes have no images (1, 2, 3 and 4 more)")


@situation(AREA, "classes that the held-out images lack", "warned, with the first of them")
def missing_held_out(place: Place) -> None:
    dataset = npz(place, images=noise(60, 8, 8), labels=np.arange(60) % 3)
    np.savez(place.folder / "test.npz", images=noise(20, 8, 8, seed=1), labels=np.arange(20) % 2)
    _, err = previewed(place, dataset, test_dataset=f"npz:{place.folder}/test.npz")
    assert "1 of 3 classes are missing in the held-out images (2)" in err


@situation(AREA, "images of several sizes, no --resolution", "preview shows them all the same, and says what to give")
def several_sizes(place: Place) -> None:
    dataset = folder(place, {f"{i}.png": noise(30 + i, 40, seed=i) for i in range(12)})
    out, err = previewed(place, dataset)
    assert "give --resolution to resize them all. Shown with --resolution=32" in err
    assert "12 from 40 x 30 to 40 x 41; to 32 x 32: 11 cropped to the middle" in out
    assert "--resolution=32" in out.splitlines()[-2]


@situation(AREA, "a size that no network takes", "preview says why, and the nearest one that is taken")
def odd_size(place: Place) -> None:
    out, _ = previewed(place, npz(place, images=noise(20, 33, 33)))
    assert "--resolution=32: 33 pixels a side are not a base of 4 to 8 times a power of two" in out


@situation(AREA, "--strict, and something to be warned of", "one error line, exit code 2, and nothing is written")
def strict(place: Place) -> None:
    dataset = npz(place, images=noise(20, 8, 8, top=2))
    for command in ("preview", "train"):
        assert "all pixels are 0 or 1" in place.error(command, f"--dataset={dataset}", "--resolution=16", "--strict")
    assert [each.name for each in place.folder.iterdir()] == ["set.npz"]


def _evaluated(place: Place, images: np.ndarray, **settings) -> tuple[str, dict]:
    """The table and the JSON of an evaluation of generated images against as large ones read with these settings."""
    np.savez(place.folder / "made.npz", images=images)
    request = Evaluate(
        images=str(place.folder / "made.npz"),
        features="random",
        out=str(place.folder / "made.json"),
        data={"dataset": npz(place, images=noise(120, *images.shape[1:])), **settings},
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        evaluate.run(request)
    (row,) = json.loads((place.folder / "made.json").read_text())
    return out.getvalue(), row


@situation(AREA, "oblong images measured by `bin/evaluate --images` with `--crop=none`", "whole, as the real ones")
def oblong_images_measured(place: Place) -> None:
    out, row = _evaluated(place, noise(40, 16, 32, seed=1), resolution=8, crop="none")
    assert out.count("to 16 x 8: ") == 2 and row["num"] == 20  # held out


@situation(
    AREA, "generated images are all black", "named as degenerate beside the figures, in the table and in the JSON"
)
def degenerate(place: Place) -> None:
    out, row = _evaluated(place, np.zeros((20, 16, 16), np.uint8))
    words = "all generated images are the same: precision and density mean nothing"
    assert f"\nDEGENERATE  made.npz: {words}\n" in out
    assert row["degenerate"] == words


@situation(AREA, "images of one colour each, or a few repeated, are measured", "named as degenerate, with the reason")
def other_degenerates(place: Place) -> None:
    _, row = _evaluated(place, np.arange(0, 200, 10, np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8))
    assert row["degenerate"].startswith("every one of the generated images is nearly of one colour")
    _, row = _evaluated(place, noise(20, 16, 16, seed=1))
    assert "degenerate" not in row


@situation(AREA, "held-out images that cannot be used", "an error before training where they were asked for")
def broken_test_dataset(place: Place) -> None:
    dataset = npz(place, images=noise(20, 16, 16))
    try:
        previewed(place, dataset, test_dataset=f"npz:{place.folder}/nothing.npz")
    except UserError as error:
        assert "nothing.npz" in str(error) and "--test_dataset" in str(error)
    else:
        raise AssertionError("was accepted")
