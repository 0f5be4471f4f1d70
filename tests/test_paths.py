"""Paths as people give them."""

import os
import pwd

import pytest

from gan import paths
from gan.errors import UserError


def test_home_folders(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert paths.given("~") == "/home/somebody"
    assert paths.given("~/a b") == "/home/somebody/a b"
    assert paths.given(f"~{pwd.getpwuid(0).pw_name}/x") == f"{pwd.getpwuid(0).pw_dir}/x"
    assert [paths.given(text) for text in ("", "a/~", "./~", "/~x")] == ["", "a/~", "./~", "/~x"]


def test_without_a_home(monkeypatch):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert paths.home() == "" and paths.given("a") == "a"
    with pytest.raises(UserError, match=r"~/a: this user has no home folder and \$HOME is not set"):
        paths.given("~/a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~no_such_user/x", "there is no user no_such_user; give the whole path, or ./~no_such_user/x"),
        ("a\0b", "it has a character 0"),
        ("a\udcff", "is not UTF-8"),
        ("https://host/a.png", "is an address, not a path"),
        ("gs://bucket/run", "is an address, not a path"),
        ("file://other/a", "is an address, not a path"),
    ],
)
def test_what_is_no_path(text, words):
    with pytest.raises(UserError) as caught:
        paths.given(text)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_addresses_of_files():
    assert paths.given("file:///a/b%20c%23") == "/a/b c#" == paths.given("FILE://localhost/a/b%20c%23")
    assert paths.given("/a/b%20c") == "/a/b%20c"


def test_names_that_really_have_such_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "other ", "https:"):
        os.mkdir(name)
    os.mkdir("https:/x")
    assert paths.given("run \n") == "run" and paths.given("\trun") == "run"
    assert paths.given("other ") == "other " and paths.given("new ") == "new "
    assert paths.given("https://x") == "https://x"


def test_paths_in_settings(monkeypatch):
    monkeypatch.setenv("HOME", "/h")
    given = {
        "dataset": "folder:~/a:b",
        "test_dataset": "parquet:~/c",
        "data_dir": "~/d",
        "labels": "~/e.csv",
        "init_from": "~/run@500",
    }
    read = {
        "dataset": "folder:/h/a:b",
        "test_dataset": "parquet:/h/c",
        "data_dir": "/h/d",
        "labels": "/h/e.csv",
        "init_from": "/h/run@500",
    }
    assert paths.settings({**given, "seed": 3, "objective": "~"}) == read
    words = {"dataset": "tfds:mnist", "test_dataset": "", "labels": "none", "data_dir": "", "init_from": ""}
    assert paths.settings(words) == {}
    monkeypatch.chdir("/")
    assert paths.settings({"dataset": "npz:x.npz", "init_from": "runs/a@5"}, paths.from_root) == {
        "dataset": "npz:/x.npz",
        "init_from": "/runs/a@5",
    }


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "broken").symlink_to("/not/there")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "good").symlink_to(tmp_path)
    broken = f"{tmp_path}/broken is a link to /not/there, which is not there"
    assert paths.broken_link(tmp_path / "broken") == broken
    assert paths.broken_link(tmp_path / "broken" / "x") == broken
    assert paths.broken_link(tmp_path / "circle") == f"{tmp_path}/circle is a link that leads round in a circle"
    assert paths.broken_link(tmp_path / "good" / "new") == ""
    with pytest.raises(UserError, match="--workdir: .*/broken is a link to /not/there, .*; make or mount it"):
        paths.check_links("--workdir", tmp_path / "broken" / "run")


def test_a_start_folder_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match="is not there any more; change to another"):
        paths.check_start_folder()
