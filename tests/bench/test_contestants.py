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
    + ["test_dataset=garments", "threads=1", "strategy=mirrored"],
)
def test_settings_of_other_images_or_of_the_process_are_refused(item):
    with pytest.raises(UserError, match="is not a setting=value that one process can compare"):
        contestants.of(SETTINGS, [item])


@pytest.mark.parametrize("item", ["data_in_memory=maybe", "data_workers=-1", "data_workers=many", "flip=perhaps"])
def test_values_that_cannot_be_are_refused(item):
    with pytest.raises(UserError, match=item.partition("=")[2]):
        contestants.of(SETTINGS, [item])
