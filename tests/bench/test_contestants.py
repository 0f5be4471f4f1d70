"""What can be raced in one process, and what not."""

import pytest

from gan.bench import contestants
from gan.bench.contestants import AS_GIVEN
from gan.errors import UserError

SETTINGS = {"preset": "modern", "dataset": "folder:photos", "data_in_memory": "true"}


def test_settings_that_leave_the_images_as_they_are_can_be_raced():
    against = ["data_in_memory=false", "data_in_memory=false,data_workers=1", "flip=true,batch_size=8", "keras"]
    asked = contestants.of(SETTINGS, against)
    assert list(asked.variants) == [AS_GIVEN, *against[:3]] and asked.rivals == ["keras"]
    found = [(each.data_in_memory, each.data_workers, each.flip, each.batch_size) for each in asked.variants.values()]
    assert found == [
        ("true", 0, False, 32), ("false", 0, False, 32), ("false", 1, False, 32), ("true", 0, True, 8),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "item",
    ["dataset=garments", "resolution=64", "channels=1", "crop=pad", "value_range=0,1", "labels=none", "data_dir=/"]
    + ["test_dataset=garments", "threads=1", "strategy=mirrored", "deterministic=false"],
)
def test_settings_of_other_images_or_of_the_process_are_refused(item):
    with pytest.raises(UserError, match="is not a setting=value that one process can compare"):
        contestants.of(SETTINGS, [item])


@pytest.mark.parametrize("item", ["data_in_memory=maybe", "data_workers=-1", "data_workers=many", "flip=perhaps"])
def test_values_that_cannot_be_are_refused(item):
    with pytest.raises(UserError, match=item.partition("=")[2]):
        contestants.of(SETTINGS, [item])


def test_trainings_apart_may_differ_in_what_a_process_has_once():
    given = SETTINGS | {"evaluate_num": 100}
    asked = contestants.of(given, ["threads=1", "preset=dcgan,strategy=mirrored,logical_cpus=2"], apart=True)
    threads, mirrored = list(asked.variants.values())[1:]
    assert threads.threads == 1 and (mirrored.preset, mirrored.logical_cpus) == ("dcgan", 2)
    assert mirrored.dataset == "folder:photos"


@pytest.mark.parametrize(
    "item",
    ["keras", "seed=1", "minutes=3", "evaluate_num=10", "epochs=1", "dataset=garments"]
    + ["sample_every_steps=7", "keep_best=recall"],
)
def test_trainings_apart_have_seeds_ends_and_images_alike_and_no_rivals(item):
    with pytest.raises(UserError, match=f"{item!r} is not a setting=value that trainings with --to can differ in"):
        contestants.of(SETTINGS, [item], apart=True)


@pytest.mark.parametrize(
    ("settings", "against", "names"),
    [
        ({"g_width": 8}, [], ["preset=modern"]),
        ({"g_width": 8}, ["preset=dcgan"], ["preset=modern", "preset=dcgan"]),
        ({}, ["g_width=8,flip=true", "gamma=1"], ["g_width=64,flip=false,gamma=0.5", "g_width=8,flip=true", "gamma=1"]),
    ],
)
def test_the_given_settings_are_named_by_what_the_others_change(settings, against, names):
    assert list(contestants.named(contestants.of(settings, against, apart=True))) == names


@pytest.mark.parametrize("against", [["g_width=64"], ["g_width=8", "g_width=8,flip=false"], ["preset=modern"]])
def test_a_contestant_that_is_another_one_is_refused(against):
    with pytest.raises(UserError, match="leave it out"):
        contestants.named(contestants.of({}, against, apart=True))
