"""Runs that begin with the networks of others."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.errors import UserError
from gan.jobs import train, train_summary
from gan.runs import checkpoint, origin, tensors, workdir
from gan.training import fine_tuning, replicas, session
from tests.situations import Place, situation

AREA = "runs begun from others"
TINY = {"preset": "modern", "g_width": 16, "d_width": 4, "latent_size": 4, "batch_size": 4}
FLAGS = (*(f"--{name}={value}" for name, value in TINY.items()), "--precision=float32", "--steps=1")


def base(place: Path, name: str = "base", classes=(), size: int = 28, channels: int = 1, **settings) -> Path:
    """A run with the steps 2 and 4, whose numbers are 2/64 and 4/64."""
    settings = config.make(**TINY | settings)
    shape = (size, size, channels)
    facts = {"image_shape": list(shape), "class_names": list(classes)}
    workdir.open_run(place / name, settings, facts, override=False)
    state = build.initial_state(settings, build.game(settings, shape, build.PLAIN, len(classes)))
    for step in (2, 4):
        filled = tf.nest.map_structure(lambda x, step=step: tf.cast(tf.fill(x.shape, step / 64), x.dtype), state)
        training = replicas.training_variables(replicas.strategy("one_device"), filled, [])
        checkpoint.save(place / name / workdir.CHECKPOINTS, training, step, {})
    return place / name


def data(place: Path, size: int = 28, channels: int = 1) -> str:
    """The flag of a set of eight images."""
    shape = (8, size, size, channels)
    np.savez(place / "set.npz", images=np.random.default_rng(0).integers(0, 255, shape, np.uint8))
    return f"--dataset=npz:{place / 'set.npz'}"


def begun(folder: Path, classes=(), size: int = 28, channels: int = 1, **settings) -> fine_tuning.Beginning:
    """What a run of these settings begins with."""
    settings = config.make(**TINY | settings)
    game = build.game(settings, (size, size, channels), build.PLAIN, len(classes))
    return fine_tuning.begin(settings, game, classes, origin.read(origin.parsed(str(folder)), Path("new")))


def refused(text: str) -> str:
    """The line by which a name is refused."""
    try:
        origin.read(origin.parsed(text), Path("new"))
    except UserError as error:
        return str(error)
    raise AssertionError(f"{text} was accepted")


@situation(AREA, "`--init_from=WORKDIR`, and again when that is gone", "its newest checkpoint; then continued without")
def the_newest(place: Place) -> None:
    folder, flags = base(place.folder), (*FLAGS, data(place.folder), "--init_from=base", "--workdir=new")
    assert f"begins with {folder}@4\n" in place.run("train", *flags).out
    kept = tensors.read(place.folder / "new/checkpoints/step_0000000000")
    assert set(np.unique(kept["state/state/averages/conv_1/kernel"])) == {4 / 64}
    shutil.rmtree(folder)
    settings = train._continued(place.folder / "new", {"init_from": str(folder)})
    assert session.origin(settings, place.folder / "new") is None  # there is nothing to be read any more
    assert train_summary.begun_with(session.begun_with(place.folder / "new"), None) == f"began with  {folder}@4\n"


@situation(AREA, "`--init_from` in quotes with a `~`", "the home folder is meant")
def a_home_folder(place: Place) -> None:
    folder = base(place.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place.folder))
        given = train.Request({"init_from": "~/base@2"}, workdir="new").settings["init_from"]
    assert origin.read(origin.parsed(given), Path("new")).name == origin.Name(str(folder), 2)


@situation(AREA, "a folder with an `@` in its name", "found by its whole name; a step follows after another `@`")
def an_at_sign(place: Place) -> None:
    folder = base(place.folder, "a@2")
    assert origin.read(origin.parsed(str(folder)), Path("new")).name == origin.Name(str(folder), 4)
    assert origin.read(origin.parsed(f"{folder}@2"), Path("new")).name == origin.Name(str(folder), 2)


@situation(AREA, "folders `a` with a step 2 and `a@2`, and `--init_from=a@2`", "one line: which to write for each")
def two_readings(place: Place) -> None:
    base(place.folder, "a"), base(place.folder, "a@2")
    line = refused(f"{place.folder}/a@2")
    assert f"write {place.folder}/a@2@STEP or {place.folder}/a/@2" in line
    given = {"dataset": data(place.folder).removeprefix("--dataset=")}
    for text, name in (("a@2/", f"{place.folder}/a@2@4"), ("a/@2", f"{place.folder}/a@2"), ("a@2@2", "a@2@2")):
        request = train.Request({**given, "init_from": f"{place.folder}/{text}"}, workdir=f"{place.folder}/new")
        assert train._start(request).config.init_from.endswith(name)


@situation(AREA, "`--init_from` of no folder, a file, a broken link, a folder without a run", "one line: which it is")
def no_run(place: Place) -> None:
    folder = place.folder
    (folder / "file").touch(), (folder / "link").symlink_to("gone"), (folder / "empty").mkdir()
    words = {
        "no": "there is no such folder",
        "file": "it is a file",
        "link": "it is a link to gone, which is not there",
        "empty": "it has no config.json, so it is no run",
    }
    for name, said in words.items():
        assert said in refused(str(folder / name))


@situation(AREA, "`--init_from` of a checkpoint within a run", "one line with the run and `@STEP`")
def a_checkpoint(place: Place) -> None:
    folder = base(place.folder)
    assert refused(f"{folder}/checkpoints/step_0000000002").endswith(f"it is a part of a run; give {folder}@2")


@situation(AREA, "`--init_from` and `--workdir` of one folder, or a link to it", "one line: it is the run's own folder")
def itself(place: Place) -> None:
    base(place.folder)
    (place.folder / "link").symlink_to("base")
    try:
        origin.read(origin.parsed(str(place.folder / "link")), place.folder / "base")
        raise AssertionError("accepted")
    except UserError as error:
        assert "it is the run's own folder; give the new run another --workdir" in str(error)


@situation(AREA, "a step that is not there", "one line that lists those that are")
def a_missing_step(place: Place) -> None:
    assert refused(f"{base(place.folder)}@3").endswith("has no checkpoint of step 3; choose one of 2, 4")


@situation(AREA, "a run that has not saved yet", "one line: wait for its trainer")
def before_the_first_checkpoint(place: Place) -> None:
    settings = config.make(**TINY)
    workdir.open_run(place.folder / "young", settings, {"image_shape": [28, 28, 1], "class_names": []}, override=False)
    assert refused(str(place.folder / "young")).endswith("has no checkpoint yet; wait until its trainer has saved one")


@situation(AREA, "a damaged newest checkpoint", "the one before it, a warning; the other run is left as it is")
def a_damaged_newest(place: Place) -> None:
    folder = base(place.folder)
    path = folder / f"checkpoints/step_0000000004/{tensors.FILE}"
    path.write_bytes(path.read_bytes()[:-1])
    found = begun(folder)
    assert [line.split(" (")[0] for line in found.warnings] == ["step_0000000004 is damaged"]
    assert set(np.unique(found.state.generator.params["conv_1"]["kernel"])) == {2 / 64}
    assert checkpoint.steps(folder / "checkpoints") == [2, 4]


@situation(AREA, "parameters that are NaN", "one line that lists the other steps")
def not_finite(place: Place) -> None:
    folder = base(place.folder)
    settings = config.make(**TINY)
    state = build.initial_state(settings, build.game(settings, (28, 28, 1), build.PLAIN))
    state = state._replace(generator=tf.nest.map_structure(lambda x: x + np.nan, state.generator))
    training = replicas.training_variables(replicas.strategy("one_device"), state, [])
    checkpoint.save(folder / "checkpoints", training, 6, {})
    assert refused(str(folder)).endswith("that are not finite; choose another step of 2, 4")


@situation(AREA, "a run of a version with other names of settings", "read; unknown settings are one line")
def an_older_version(place: Place) -> None:
    path = base(place.folder) / workdir.CONFIG
    path.write_text(path.read_text().replace('"gamma"', '"r1_gamma"'))
    assert begun(path.parent).parts[0].remarks == ()
    path.write_text(path.read_text().replace('"r1_gamma"', '"later"'))
    assert "settings that this version does not know: later" in refused(str(path.parent))


@situation(AREA, "other widths", "one line: nothing fits, with the widths of the other run")
def other_widths(place: Place) -> None:
    folder = base(place.folder)
    with pytest.raises(UserError, match="nothing of its discriminator fits .*; give --d_width=4 as there$"):
        begun(folder, d_width=6)


@situation(AREA, "twice the resolution", "blocks of the same maps are taken; the others are listed with their shapes")
def another_resolution(place: Place) -> None:
    generator, discriminator = begun(base(place.folder), size=56).parts
    assert generator.remarks == ("block_4 begins anew (not there)",)
    assert "block_3 begins anew (conv_2/kernel is [3, 3, 16, 16] there, [3, 3, 16, 32] here)" in discriminator.remarks


@situation(AREA, "grey images before, RGB now", "all is taken: grey images are drawn and judged as before")
def rgb(place: Place) -> None:
    generator, discriminator = begun(base(place.folder), channels=3).parts
    assert (generator.taken, discriminator.taken) == (generator.tensors, discriminator.tensors)
    assert generator.remarks[0] == "conv_1/kernel for RGB as it was for grey"


@situation(AREA, "other classes, some of the same names", "rows of classes are taken by name, the others begin anew")
def other_classes(place: Place) -> None:
    folder = base(place.folder, classes=("cat", "dog"), conditional=True)
    found = begun(folder, classes=("owl", "dog"), conditional=True)
    table = found.state.generator.params["embedding_1"]["embedding"].numpy()
    assert set(table[1]) == {4 / 64} and 4 / 64 not in table[0]
    assert found.parts[0].remarks == ("embedding_1/embedding by the names of the classes; new: owl",)


@situation(AREA, "labels before, none now", "the networks without their classes; said what is not used")
def no_labels_now(place: Place) -> None:
    folder = base(place.folder, classes=("cat", "dog"), conditional=True)
    assert [part.remarks for part in begun(folder).parts] == [("not used: embedding_1",), ()]


@situation(AREA, "an objective under which real images have the other sign", "the discriminator's last layer is turned")
def another_sign(place: Place) -> None:
    folder = base(place.folder, objective="minimax", gamma=0.5)
    there = origin.read(origin.parsed(str(folder)), Path("new"))
    same = begun(folder).state.discriminator.params["dense_1"]["bias"]
    turned = begun(folder, objective="cross_entropy").state.discriminator.params["dense_1"]["bias"]
    assert (float(same[0]), float(turned[0])) == (4 / 64, -4 / 64) and there.name.step == 4


@situation(AREA, "again with another run, without a step, without the flag", "refused; continued; continued")
def continued(place: Place) -> None:
    folder = base(place.folder)
    settings = config.make(**TINY, init_from=f"{folder}@2")
    workdir.open_run(place.folder / "new", settings, {"image_shape": [28, 28, 1], "class_names": []}, override=False)
    for given, kept in ((str(folder), f"{folder}@2"), (f"{folder}@2", f"{folder}@2"), (f"{folder}@4", f"{folder}@4")):
        assert train._continued(place.folder / "new", {"init_from": given}).init_from == kept
    assert train._continued(place.folder / "new", {}).init_from == f"{folder}@2"
    changed = config.make(**TINY, init_from=f"{folder}@4")
    facts = json.loads((place.folder / "new/config.json").read_text())["data"]
    try:
        workdir.check_run(place.folder / "new", changed, facts, override=True)
        raise AssertionError("accepted")
    except UserError as error:
        assert "was begun with what cannot change: init_from: " in str(error)


@situation(AREA, "a run in a folder that may only be read", "read; nothing is written there")
def read_only(place: Place) -> None:
    folder = base(place.folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    folder.chmod(0o555)
    assert begun(folder).parts[0].remarks == ()
    folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
