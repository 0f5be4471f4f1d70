"""Where prepared tfds data sets are found: versions, configs, and folders that are given too deep or wrongly."""

import pytest

from gan.data.tfds import prepared
from gan.data.tfds.prepared import Named, missing, outer_root, parsed, prepared_folder, prepared_root
from gan.errors import UserError


def put(folder, name="toys", **more):
    """A version's folder, as far as it is looked into here."""
    folder.mkdir(parents=True)
    (folder / prepared.INFO).write_text(prepared.json.dumps({"name": name, "version": folder.name, **more}))
    return folder


def test_names_have_a_config_a_version_or_neither():
    assert parsed("toys") == Named("toys", "", "")
    assert parsed("toys/big:1.2.3") == Named("toys", "big", "1.2.3")
    assert parsed("toys/1.2.3") == parsed("toys:1.2.3") == Named("toys", "", "1.2.3")
    with pytest.raises(UserError, match=r"tfds:Fashion-MNIST is not a name \(did you mean tfds:fashion_mnist\?\)"):
        parsed("Fashion-MNIST")


@pytest.mark.parametrize("inside", ["", "toys", "toys/1.0.0"])
def test_a_root_inside_of_the_data_set_is_understood(tmp_path, inside):
    folder = put(tmp_path / "toys" / "1.0.0")
    assert prepared_folder("toys", tmp_path / inside) == folder
    assert prepared_folder("toys:1.0.0", tmp_path / inside) == folder


@pytest.mark.parametrize("inside", ["mnist", "mnist/big", "mnist/big/1.0.0", "toys/1.0.0"])
def test_from_inside_of_another_data_set_the_folder_above_is_named(tmp_path, inside):
    put(tmp_path / "mnist" / "big" / "1.0.0", "mnist", configName="big")
    put(tmp_path / "toys" / "1.0.0")
    assert prepared_folder("cifar10", tmp_path / inside) is None
    assert outer_root(tmp_path / inside) == tmp_path and outer_root(tmp_path) is None


def test_a_data_set_that_was_renamed_is_known_by_its_description(tmp_path):
    folder = put(tmp_path / "copy" / "mine", version="1.0.0")
    assert prepared_folder("toys", folder) == folder
    with pytest.raises(UserError, match=r"mine is not tfds:toys:2\.0\.0 \(it is no config, version 1\.0\.0\)"):
        prepared_folder("toys:2.0.0", folder)
    assert prepared_folder("toys", put(tmp_path / "again" / "1.0.0").parent) == tmp_path / "again" / "1.0.0"


def test_other_versions_and_configs_than_the_named_one_are_listed(tmp_path):
    put(tmp_path / "toys" / "3.0.0")
    with pytest.raises(UserError, match=r"no version 2\.0\.0 \(it has 3\.0\.0\); write tfds:toys:3\.0\.0"):
        prepared_folder("toys:2.0.0", tmp_path)
    with pytest.raises(UserError, match=r"no config big \(it has none: write tfds:toys\)"):
        prepared_folder("toys/big", tmp_path)
    put(tmp_path / "mnist" / "small" / "1.0.0", "mnist")
    with pytest.raises(UserError, match=r"no config big \(it has small\)"):
        prepared_folder("mnist/big", tmp_path)
    assert prepared_folder("mnist/small:1.0.0", tmp_path) == tmp_path / "mnist" / "small" / "1.0.0"


def test_what_a_root_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    (tmp_path / "good").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"--data_dir .*file is a file; give the folder"):
        prepared_root(str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"link is a link to gone, which is not there"):
        prepared_root(str(tmp_path / "link"))
    assert prepared_root(str(tmp_path / "good")) == tmp_path / "good"


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared.os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match=r"cannot be read; check its rights"):
        prepared_root(str(tmp_path))


def test_what_is_there_instead_is_listed(tmp_path):
    assert (
        missing("mnist", tmp_path / "nothing") == f"mnist is not prepared in {tmp_path}/nothing, which does not exist"
    )
    put(tmp_path / "toys" / "1.0.0")
    assert missing("mnist", tmp_path) == f"mnist is not prepared in {tmp_path} (it has toys)"
