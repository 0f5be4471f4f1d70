"""WORKDIR[@STEP] as people write it: what is found and read, and what is said where there is nothing to begin with."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.errors import UserError
from gan.runs import checkpoint, origin, tensors, workdir
from gan.runs.origin import Name, of_continued, parsed
from gan.training import replicas

SHAPE = (28, 28, 1)
CONFIG = config.make("article_as_published", g_width=4, d_width=2, latent_size=8)
STEPS = (5, 7)


def save(folder: Path, step: int, value: float) -> None:
    """A checkpoint whose numbers are all `value`."""
    state = build.initial_state(CONFIG, build.game(CONFIG, SHAPE, build.PLAIN))
    state = tf.nest.map_structure(lambda x: tf.cast(tf.fill(x.shape, value), x.dtype), state)
    checkpoint.save(
        folder / workdir.CHECKPOINTS, replicas.training_variables(replicas.strategy("one_device"), state, []), step, {}
    )


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A run with the steps 5 and 7 in the folder `base` of the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "base"
    workdir.open_run(folder, CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    for step in STEPS:
        save(folder, step, float(step))
    return folder


def read(text: str) -> origin.Origin:
    return origin.read(parsed(text), Path("new"))


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        read(text)
    line = str(caught.value)
    assert "\n" not in line and "--workdir" not in line.replace("another --workdir", "")
    return line


def damage(folder: Path, step: int) -> None:
    path = folder / f"checkpoints/step_{step:010d}" / tensors.FILE
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_newest_or_the_step_that_is_named(run):
    newest, named = read("base"), read("base/@5")
    assert newest.name == Name(str(run), 7) and str(newest.name) == f"{run}@7"
    assert named.name.step == 5 and set(np.unique(named.leaves("generator/params")["dense_1/kernel"])) == {5.0}
    assert named.run.config == CONFIG and named.leaves("averages") == {}
    assert newest.sha256 == checkpoint.manifest(run / "checkpoints", 7)["files"][tensors.FILE]["sha256"]
    assert newest.facts == {"init_from": {"checkpoint": f"{run}@7", "sha256": newest.sha256}}


def test_a_home_folder(run, monkeypatch):
    monkeypatch.setenv("HOME", str(run.parent))
    assert read("~/base@5").name == Name(str(run), 5)


def test_an_at_sign_in_the_name_of_a_folder(run):
    run.rename("a@1")
    assert read("a@1").name.step == 7 and read("a@1@5").name.step == 5 and read("a@1/").name.step == 7
    Path("x@y").symlink_to("a@1")
    assert read("x@y").name == Name(str(Path("x@y").absolute()), 7)


def test_a_folder_and_a_step_of_the_same_name(run):
    workdir.open_run(Path("base@5"), CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    assert "write" in refusal("base@5") and f"{run}/@5" in refusal("base@5")
    save(Path("base@5"), 9, 1.0)
    assert read("base/@5").name == Name(str(run), 5) and read("base@5@9").name.step == 9
    assert read("base@5/").name.step == 9


def test_a_damaged_newest_is_passed_over_and_left_where_it_is(run):
    damage(run, 7)
    before = contents(run)
    found = read("base")
    assert found.name.step == 5 and [line.split(" (")[0] for line in found.skipped] == ["step_0000000007 is damaged"]
    assert "step_0000000007 is damaged" in refusal("base@7") and "choose another step of 5" in refusal("base@7")
    damage(run, 5)
    assert "has no checkpoint that can be read" in refusal("base")
    assert set(contents(run)) == set(before)


@pytest.mark.parametrize("step", ["6", "0", "99999999999999999999999"])
def test_a_step_that_is_not_there(run, step):
    assert refusal(f"base@{step}").endswith(f"has no checkpoint of step {int(step)}; choose one of 5, 7")


@pytest.mark.parametrize(
    "text, words",
    [
        ("nothing", "there is no such folder"),
        ("base@-1", "there is no such folder"),
        ("base@newest", "there is no such folder"),
        ("base@", "there is no such folder"),
        ("x" * 5000, "there is no such folder"),
        ("new\nline", "new\\nline': there is no such folder"),
        ("link", "it is a link to gone, which is not there"),
        ("link@5", "it is a link to gone, which is not there"),
        ("file", "it is a file"),
        ("base/config.json", "it is a file"),
        ("empty", "it has no config.json, so it is no run"),
        ("base/checkpoints", "it is a part of a run; give {run}"),
        ("base/checkpoints/step_0000000005", "it is a part of a run; give {run}@5"),
        ("new", "it is the run's own folder; give the new run another --workdir"),
        ("alias", "it is the run's own folder; give the new run another --workdir"),
    ],
)
def test_what_is_no_other_run(run, text, words):
    Path("link").symlink_to("gone")
    Path("file").touch()
    Path("empty").mkdir()
    workdir.open_run(Path("new"), CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    Path("alias").symlink_to("new")
    line = refusal(text)
    assert line.startswith(("--init_from=/", "--init_from='/")) and words.format(run=run) in line


def test_a_run_before_its_first_checkpoint(run):
    workdir.open_run(Path("young"), CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    assert refusal("young").endswith("young has no checkpoint yet; wait until its trainer has saved one")


def test_numbers_that_are_none(run):
    save(run, 8, float("nan"))
    line = refusal("base")
    assert "step 8 has numbers in" in line and line.endswith("that are not finite; choose another step of 5, 7")


def test_a_run_of_an_older_version(run):
    path = run / workdir.CONFIG
    path.write_text(path.read_text().replace('"gamma"', '"r1_gamma"').replace('"epsilon"', '"adam_epsilon"'))
    assert read("base").run.config == CONFIG
    path.write_text(path.read_text().replace('"r1_gamma"', '"gone"'))
    assert "settings that this version does not know: gone" in refusal("base")
    path.write_text(path.read_text().replace('"gone"', '"gamma"').replace('"class_names"', '"names"'))
    assert "config.json is damaged: it does not say what the images are" in refusal("base")
    path.write_text("{")
    assert "is damaged" in refusal("base")


@pytest.mark.parametrize(
    "given, same",
    [
        ("base", True),
        ("base/", True),
        ("./base@7", True),
        ("{run}@7", True),
        ("link", True),
        ("base@5", False),
        ("other", False),
        ("base@8", False),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_what_names_the_beginning_of_a_run_that_goes_on(run, given, same, there):
    Path("link").symlink_to("base")
    begun = f"{run}@7"
    if not there:
        run.rename("elsewhere")
    text = given.format(run=run)
    assert (of_continued(begun, text) == begun) == same
    assert of_continued("", text) == str(parsed(text))


def test_the_beginning_in_a_folder_with_an_at_sign_that_is_gone(tmp_path):
    assert of_continued(f"{tmp_path}/a@3@7", f"{tmp_path}/a@3") == f"{tmp_path}/a@3@7"
