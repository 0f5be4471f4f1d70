"""What is suggested for a data set: settings with their reasons, and a command that bin/train takes."""

import shlex

import numpy as np
import pytest

from gan import config as configs
from gan.data import account
from gan.jobs import suggestion
from gan.networks.sizes import check_size
from tests.data.test_look import source_of


def found(count: int = 20_000, shape=(16, 16, 1), classes: int = 0, **changed) -> account.Account:
    """The account of a set of so many images, with images and classes drawn evenly."""
    images = np.random.default_rng(0).integers(0, 256, (50, *shape), dtype=np.uint8)
    names = tuple(map(str, range(classes)))
    labels = np.arange(50) % classes if classes else None
    made = account.of(source_of(images, labels, names, **changed))
    counts = np.full(classes, count // max(classes, 1))
    return made._replace(images=count, look=made.look._replace(counts=counts))


def settings(*given, gpu: bool = False, known=(), **changed) -> dict:
    return suggestion.of(found(*given, **changed), dict(known), gpu).settings


def test_labels_and_enough_images_make_it_conditional():
    assert settings(classes=10)["preset"] == "modern_conditional"
    assert settings()["preset"] == "modern" == settings(classes=1)["preset"]
    assert settings(4000, classes=10)["preset"] == "modern"  # 400 of each
    unlabelled = found(classes=10)
    unlabelled = unlabelled._replace(look=unlabelled.look._replace(unlabelled=3))
    assert suggestion.of(unlabelled, {}, False).settings["preset"] == "modern"


@pytest.mark.parametrize(
    ("shape", "gpu", "expected"),
    [
        ((28, 28), False, None),
        ((64, 64), False, None),
        ((28, 56), False, None),  # rectangles of a base that fits
        ((33, 33), False, 32),
        ((100, 100), False, 64),
        ((128, 128), False, 64),
        ((128, 128), True, None),
        ((500, 500), True, 256),
        ((9, 9), False, 10),
    ],
)
def test_the_resolution_is_given_where_another_is_needed(shape, gpu, expected):
    assert settings(shape=(*shape, 1), gpu=gpu).get("resolution") == expected


@pytest.mark.parametrize(("given", "expected"), [(33, 32), (9, 10), (28, None), (128, None)])
def test_a_resolution_that_was_given_stays_unless_no_network_takes_it(given, expected):
    assert settings(shape=(given, given, 1), known={"resolution": given}).get("resolution") == expected


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((33, 66), {"resolution": 32}), ((50, 75), {"resolution": 48}), ((30, 150), {"resolution": 28, "crop": "center"})],
)
def test_images_that_are_to_stay_whole_get_a_size_that_fits_whole_or_are_cropped(shape, expected):
    whole = found(shape=(*shape, 1))._replace(crop="none")
    made = suggestion.of(whole, {"resolution": shape[0], "crop": "none"}, False).settings
    assert {name: made[name] for name in made.keys() & {"resolution", "crop"}} == expected


def test_every_side_that_is_offered_is_one_that_networks_take():
    assert [side for side in suggestion.SIDES if check_size((side, side))] == []
    assert suggestion.fitting(100) == 64 and suggestion.fitting(100, 256) == 96 and suggestion.fitting(3) == 10


def test_small_sets_are_mirrored_and_augmented_in_small_batches():
    assert settings(9999).items() >= {"augmentation": "adaptive", "flip": True}.items()
    assert settings(10_000).keys().isdisjoint({"augmentation", "flip", "batch_size"})
    assert settings(40).get("batch_size") is None and settings(31)["batch_size"] == 16
    assert settings(40, known={"augmentation": "none", "flip": False}).keys().isdisjoint({"augmentation", "flip"})


def test_the_length_follows_images_and_their_size():
    assert settings(60_000)["epochs"] == 10 and settings(1000)["epochs"] == 600
    assert settings(30).items() >= {"epochs": 2000, "schedule_images": 60_000}.items()
    assert settings(60_000, shape=(64, 64, 3)).items() >= {"epochs": 20, "schedule_images": 1_200_000}.items()


def test_grey_images_in_colour_become_grey():
    grey = found(shape=(16, 16, 3))
    grey = grey._replace(look=grey.look._replace(grey=True))
    assert suggestion.of(grey, {}, False).settings["channels"] == 1
    assert "channels" not in suggestion.of(grey, {"channels": 3}, False).settings


def test_the_command_is_one_that_can_be_pasted():
    given = {"dataset": "folder:my photos", "seed": 4, "channels": 3}
    made = suggestion.of(found(900, (33, 33, 3)), given, False)
    words = shlex.split(made.command(given))
    assert words[:3] == ["bin/train", "--dataset=folder:my photos", "--channels=3"]
    assert {"--flip=true", "--resolution=32", "--epochs=667", "--preset=modern"} < set(words)
    configs.make(**given, **made.settings)  # nothing in it is refused


def test_the_typical_side_is_the_median_of_the_shorter_ones():
    assert suggestion.typical_side({(10, 20): 1, (50, 30): 2, (90, 90): 2}) == 30 and suggestion.typical_side({}) == 0
