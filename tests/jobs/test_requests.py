"""What jobs can be asked for: what cannot be is refused when the request is made, by the name of its flag."""

import dataclasses
import math

import pytest

from gan.errors import UserError
from gan.jobs import requests
from gan.jobs.asked import DATA
from gan.jobs.requests import Bench, Evaluate, Export, Plot, Preview, TimeToQuality, Train, Trial
from gan.jobs.sample_request import Sample


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sample("", "x.png"), "--workdir is missing"),
        (lambda: Sample("run", ""), "--out is missing"),
        (lambda: Sample("run", "x.bmp"), "ends in .bmp; it must end in"),
        (lambda: Sample("run", "x.npz", seed=-1), "--seed=-1 must be from 0 to"),
        (lambda: Sample("run", "x.npz", truncation=1.5), "--truncation=1.5 must be from 0 to 1"),
        (lambda: Sample("run", "x.npz", truncation=math.nan), "--truncation=nan must be from 0 to 1"),
        (lambda: Sample("run", "x.gif", like="a.png"), "--like=a.png makes one image: let --out end in .png or .npz"),
        (lambda: Export("run", out="x.onnx"), "--out=x.onnx has the name of a model; name the folder"),
        (lambda: Sample("run", "x.png", like="a.png", num=3), "--num does not go with --like"),
        (lambda: Sample("run", "x.png", like="a.png", interpolate=3), "--interpolate does not go with --like"),
        (lambda: Sample("run", "x.png", like="a.png", truncation=0.5), "--truncation does not go with --like"),
        (lambda: Sample("", "x.png", like="a.png", from_export="e"), "--from_export does not go with --like"),
        (lambda: Sample("run", "x.npz", names="article"), "--names=article names the files of a folder"),
        (lambda: Sample("run", "new/", names="mine"), "--names=mine must be one of numbers, article"),
        (lambda: Sample("run", "x.npz", from_export="export"), "give either --workdir"),
        (lambda: Sample(out="x.npz", from_export="export", step=1), "--step is for runs"),
        (
            lambda: Sample(out="x.npz", from_export="export", numerics={"precision": "float32"}),
            "--precision is for runs",
        ),
        (lambda: Evaluate(), "give either --workdir"),
        (lambda: Evaluate("run", images="x.npz"), "give either --workdir"),
        (lambda: Evaluate(images="/nowhere/x.npz"), "--images=/nowhere/x.npz is not there"),
        (lambda: Evaluate(images=__file__, step=1), "--step and --all are for runs"),
        (lambda: Evaluate(images=__file__, numerics={"precision": "float32"}), "--precision is for runs"),
        (lambda: Evaluate("run", all=True, neighbours="x.png"), "--all goes with neither"),
        (lambda: Evaluate("run", neighbours="x.jpg"), "--neighbours=x.jpg must end in .png"),
        (lambda: Evaluate("run", num=0), "--num=0 must be from 1 to 1,000,000"),
        (lambda: Evaluate("run", k=0), "--k=0 must be from 1 to 1,000"),
        (lambda: Evaluate("run", features="inception:"), "--features=inception: is unknown"),
        (lambda: Evaluate("run", features="random:x.h5"), "--features=random:x.h5 is unknown"),
        (lambda: Evaluate("run", features="inception", model_size=64), "--model_size is for --features=saved_model"),
        (lambda: Evaluate("run", features="inception:x.h5", model_range="unit"), "--model_range is for --features=sav"),
        (lambda: Evaluate("run", features="saved_model"), "--features=saved_model is unknown"),
        (lambda: Evaluate("run", model_range="bytes"), "--model_range is for --features=saved_model:PATH"),
        (lambda: Export("run", format="torch"), "--format=torch must be one of h5, keras, saved_model"),
        (lambda: Export("run", format="h5", runtime="folder"), "--runtime=folder is for --format=web alone"),
        (lambda: Export("run", out=__file__), "is a file; name a folder"),
        (lambda: Preview(rows=65), "--rows=65 must be from 1 to 64"),
        (lambda: Plot(()), "--workdir is missing"),
        (lambda: Plot(("run",), grids=("0", "last")), "--grids=0,last must be steps"),
        (lambda: Plot(("run",), metrics=(" ",)), "--metrics is empty"),
        (lambda: Plot(("run",), smoothing=1.0), "--smoothing=1.0 must be at least 0 and below 1"),
        (lambda: Bench(rounds=0), "--rounds=0 must be from 1 to 1,000,000"),
        (lambda: Bench(window_steps=10**12), "--window_steps=1000000000000 must be from 1 to 1,000,000"),
        (lambda: Bench(contestant_seconds=float("nan")), "--contestant_seconds=nan must be above 0 and at most"),
        (lambda: Bench(contestant_seconds=float("inf")), "--contestant_seconds=inf must be above 0 and at most"),
        (lambda: TimeToQuality("fid:2"), "--to=fid:2: fid is no metric that is measured here"),
        (lambda: TimeToQuality("recall:2"), "--to=recall:2 cannot be reached: recall is from 0 to 1"),
        (lambda: TimeToQuality("recall:1", seeds=0), "--seeds=0 must be from 1 to 1,000"),
        (lambda: TimeToQuality("recall:1", evaluate_every_images=0), "--evaluate_every_images=0 must be from 1 to"),
        (lambda: TimeToQuality("recall:1", workdir=""), "--workdir is empty"),
        (lambda: TimeToQuality("recall:1", {"steps": 9}), "--steps does not go with --to; the line ends a training"),
        (lambda: TimeToQuality("recall:1", {"keep_best": "recall"}), "--keep_best does not go with --to; --to names"),
        (
            lambda: TimeToQuality("recall:1", against=("torch",)),
            "--against=torch: 'torch' is not a setting=value that trainings with --to can differ in",
        ),
        (lambda: TimeToQuality("recall:1", against=("seed=1",)), "'seed=1' is not a setting=value that trainings"),
        (lambda: TimeToQuality("recall:1", against=("dataset=x",)), "'dataset=x' is not a setting=value that"),
        (lambda: TimeToQuality("recall:1", curve=__file__ + "/"), "is a folder; name a file in it"),
        (lambda: Trial("folder", "recall:1", math.nan), "--minutes=nan must be a finite number of at least 0"),
        (lambda: Trial("folder", "recall:1", -1.0), "--minutes=-1.0 must be a finite number of at least 0"),
        (lambda: TimeToQuality("recall:1", {"sample_every_steps": 0}), "--sample_every_steps does not go with --to"),
        (lambda: Trial("folder", "recall", 1.0), "--to=recall must be a metric and a number"),
        (
            lambda: Bench({"steps": 10**20}),
            "--steps=100000000000000000000 must be a finite number of at least",
        ),
        (lambda: Bench({"minutes": float("nan")}), "--minutes=nan must be a finite number of at least 0"),
        (lambda: Sample("run", "x.npz", num=10**12), "--num=1000000000000 must be from 1 to 100,000,000"),
        (lambda: Sample("run", "x.npz", seed=10**20), "--seed=100000000000000000000 must be from 0 to"),
        (lambda: Sample("run", "x.npz", step=-1), "--step=-1 must be from 0 to"),
        (lambda: Sample("run", "x.gif", interpolate=10**20), "--interpolate=100000000000000000000 must be from 2 to"),
        (lambda: Evaluate("run", num=10**12), "--num=1000000000000 must be from 1 to 1,000,000"),
        (lambda: Evaluate("run", k=10**20), "--k=100000000000000000000 must be from 1 to 1,000"),
        (lambda: Evaluate("run", model_size=10**9), "--model_size=1000000000 must be from 1 to 4,096"),
        (lambda: Export("run", step=10**20), "--step=100000000000000000000 must be from 0 to"),
        (lambda: Preview(rows=10**20), "--rows=100000000000000000000 must be from 1 to 64"),
        (lambda: Plot(("run",), grids=("9" * 5000,)), "must be steps separated by commas"),
        (lambda: Plot(("run",), grids=("\u00b2",)), "must be steps separated by commas"),
        (lambda: Plot(("run",), smoothing=float("nan")), "--smoothing=nan must be at least 0 and below 1"),
        (lambda: Bench({"batch_size": 0}), "--batch_size=0"),
        (lambda: Bench(against=("threads=1",)), "'threads=1' is not a setting=value that one process can compare"),
    ],
)
def test_what_cannot_be_is_one_line(make, words):
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda given: Train(given),
        lambda given: Preview(given),
        lambda given: Bench(given),
        lambda given: Sample("run", "x.npz", numerics=given),
        lambda given: Evaluate("run", data=given),
    ],
)
def test_settings_are_known_by_name(make):
    with pytest.raises(UserError, match="unknown setting stepz"):
        make({"stepz": 1})


def test_a_run_that_is_there_takes_other_numerics_and_data_alone():
    for make in (lambda: Sample("r", "x.npz", numerics={"seed": 1}), lambda: Evaluate("r", data={"seed": 1})):
        with pytest.raises(UserError, match="--seed is no setting that can be given here; (numerics|data) are "):
            make()
    with pytest.raises(UserError, match="--flip is no setting that can be given here; data are dataset, "):
        Evaluate("r", data={"flip": True})  # nothing that is measured is mirrored
    assert {"dataset", "data_dir", "resolution", "flip"} < set(DATA) and "seed" not in DATA


def test_paths_may_be_paths(tmp_path):
    request = Sample(tmp_path / "run", tmp_path / "x.npz")
    assert (request.workdir, request.out, request.kind) == (f"{tmp_path}/run", f"{tmp_path}/x.npz", "npz")
    assert Train({"init_from": tmp_path, "steps": 3}).settings == {"init_from": str(tmp_path), "steps": 3}
    assert Plot(tmp_path).workdir == (str(tmp_path),) == Plot(str(tmp_path)).workdir


def test_a_folder_for_samples_must_be_empty(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="is a folder that is not empty"):
        Sample("run", f"{tmp_path}/")


def test_grids_leave_aside_what_is_for_curves():
    assert Plot(("run",), grids=("0",), metrics=(), smoothing=7.0).grids == ("0",)


def test_the_kind_of_samples_is_the_end_of_the_path(tmp_path):
    (tmp_path / "there.d").mkdir()
    for out, kind in (("x.NPZ", "npz"), ("x.png", "png"), ("images", "folder"), ("x.v2/", "folder")):
        assert Sample("run", out).kind == kind
    assert Sample("run", str(tmp_path / "there.d")).kind == "folder"


def test_requests_cannot_be_changed_and_their_fields_are_their_own():
    for kind in vars(requests).values():
        if dataclasses.is_dataclass(kind):
            assert kind.__dataclass_params__.frozen
    one, other = Train(), Train()
    assert one == other and one.settings is not other.settings


def test_the_limit_of_a_training_to_a_quality_is_60_minutes_and_none_for_0():
    given = [{}, {"minutes": 0.0}, {"minutes": 2}]
    assert [TimeToQuality("recall:1", settings).limit for settings in given] == [60.0, math.inf, 2.0]
    assert [Trial("folder", "recall:1", **settings).limit for settings in given] == [60.0, math.inf, 2.0]
