"""Files that are written, paths as people give them, exported models."""

import os
import pwd
import stat
import threading

import numpy as np
import pytest

from gan import paths
from gan.errors import UserError
from gan.jobs import requests, sample_request
from gan.pictures import raster
from gan.runs import metrics_log, workdir
from gan.runs.lock import Lock
from gan.storage import cache, files, targets
from tests.situations import Place, situation

WRITTEN, PATHS, EXPORTS = "files that are written", "paths", "exports"
PICTURE = np.zeros((8, 8, 1), np.uint8)


def _data(place: Place) -> str:
    """The flag of a data set of eight small images."""
    np.savez(place.folder / "data.npz", images=np.arange(8 * 64, dtype=np.uint8).reshape(8, 8, 8))
    return "--dataset=npz:data.npz"


def _refused(make, kind=UserError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@situation(WRITTEN, "`--out=/dev/null`", "written through: it stays a device; exit code 0")
def a_device(place: Place) -> None:
    place.run("preview", _data(place), "--out=/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@situation(WRITTEN, "`--out=/dev/full`", "one line that says that there is no space, exit code 74")
def a_full_device(place: Place) -> None:
    line = place.error("preview", _data(place), "--out=/dev/full", code=74)
    assert line == "error: /dev/full: No space left on device; free some space there and start again"


@situation(WRITTEN, "`mkfifo f.png`, `--out=f.png`", "the reader gets the whole picture; it stays a FIFO")
def a_fifo(place: Place) -> None:
    path, read = place.folder / "f.png", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    raster.write_png(path, PICTURE)
    reader.join()
    assert read == [raster.png(PICTURE)] and stat.S_ISFIFO(path.stat().st_mode)


@situation(WRITTEN, "a FIFO that nobody reads", "after ten seconds one line that says so, exit code 74")
def a_fifo_without_a_reader(place: Place) -> None:
    os.mkfifo(place.folder / "f.png")
    seconds, targets.READER_SECONDS = targets.READER_SECONDS, 0.05
    try:
        line = _refused(lambda: raster.write_png(place.folder / "f.png", PICTURE))
    finally:
        targets.READER_SECONDS = seconds
    assert seconds == 10 and line.endswith("f.png is a FIFO that nobody reads; start its reader, then this again")


@situation(
    WRITTEN,
    "`--out=/dev/stdout`, `--out=>(command)`",
    "the bytes go where the descriptor stands; what the command says goes to standard error",
)
def a_descriptor(place: Place) -> None:
    begun = place.run("preview", _data(place), "--out=/dev/stdout")
    assert begun._stdout.read_bytes().startswith(b"\x89PNG") and "images " in begun.err


@situation(WRITTEN, "`--out` is a link to a picture on another disk", "the link stays, what it leads to is written")
def a_link(place: Place) -> None:
    (place.folder / "disk").mkdir()
    (place.folder / "disk" / "old.png").write_bytes(b"old")
    for name in ("old.png", "new.png"):
        (place.folder / name).symlink_to(f"disk/{name}")
        raster.write_png(place.folder / name, PICTURE)
        assert (place.folder / name).is_symlink()
        assert (place.folder / "disk" / name).read_bytes() == raster.png(PICTURE)


@situation(
    WRITTEN, "`--out` is a folder, a socket, below a file, in a folder that may not be written", "one line, at once"
)
def no_place_for_a_file(place: Place) -> None:
    (place.folder / "folder").mkdir()
    (place.folder / "file").write_text("x")
    assert "folder; name a file in it" in _refused(lambda: requests.Preview(out=f"{place.folder}/folder"))
    for make in (requests.Preview, lambda out: requests.Evaluate("run", out=out), lambda out: requests.Bench(out=out)):
        line = _refused(lambda make=make: make(out=f"{place.folder}/file/x.png"))
        assert "a file stands where a folder is needed" in line


@situation(WRITTEN, "a read-only or private picture is to be replaced", "replaced with its permissions")
def permissions(place: Place) -> None:
    (place.folder / "x.png").write_bytes(b"old")
    (place.folder / "x.png").chmod(0o600)
    raster.write_png(place.folder / "x.png", PICTURE)
    assert stat.S_IMODE((place.folder / "x.png").stat().st_mode) == 0o600


@situation(WRITTEN, "config.json or metrics.jsonl of a run is a FIFO or a device", "one line; the start does not hang")
def a_run_of_fifos(place: Place) -> None:
    os.mkfifo(place.folder / "config.json")
    (place.folder / "metrics.jsonl").symlink_to("/dev/zero")
    assert "config.json is a FIFO, not a file" in _refused(lambda: workdir.load_run(place.folder))
    line = _refused(lambda: metrics_log.truncate(place.folder / "metrics.jsonl", 1))
    assert "metrics.jsonl is a device, not a file" in line


@situation(WRITTEN, "the lock of a run is a link to another file", "one line; the other file is not touched")
def a_lock_that_is_a_link(place: Place) -> None:
    (place.folder / "precious").write_text("x")
    (place.folder / "run").mkdir()
    (place.folder / "run" / ".lock").symlink_to("../precious")
    assert ".lock is a link" in _refused(Lock(place.folder / "run").__enter__)
    assert (place.folder / "precious").read_text() == "x"


@situation(
    PATHS, "`--workdir=~/run` in quotes; `--dataset=folder:~/x`; `--features=saved_model:~/m`", "the home folder"
)
def tildes(place: Place) -> None:
    home = os.path.expanduser("~")
    asked = requests.Train({"dataset": "folder:~/x", "init_from": "~/a@5", "labels": "~/l.csv"}, workdir="~/run")
    assert asked.workdir == f"{home}/run"
    assert asked.settings == {"dataset": f"folder:{home}/x", "init_from": f"{home}/a@5", "labels": f"{home}/l.csv"}
    assert requests.Evaluate("~/run", features="saved_model:~/m").features == f"saved_model:{home}/m"
    assert requests.Plot(["~/a", "~/b"]).workdir == (f"{home}/a", f"{home}/b")


@situation(PATHS, "`~nobody_of_that_name/x`", "one line that says that there is no such user")
def no_such_user(place: Place) -> None:
    assert "there is no user nobody_of_that_name" in _refused(lambda: paths.given("~nobody_of_that_name/x"))


@situation(PATHS, "a path pasted with a blank or a line end behind it", "the path, unless a name has them")
def pasted(place: Place) -> None:
    place.run("preview", f"{_data(place)} \n", "--out=x.png")
    assert (place.folder / "x.png").is_file()


@situation(PATHS, "`file:///home/me/my%20run`; `https://...`, `gs://...`", "the path; one line: an address is no path")
def addresses(place: Place) -> None:
    assert paths.given("file:///home/me/my%20run") == "/home/me/my run"
    assert "gs://bucket/run is an address, not a path" in _refused(
        lambda: sample_request.Sample("gs://bucket/run", "x.png")
    )


@situation(
    PATHS, "workdir, data, `--images`, `--out` behind a broken link or a link loop", "the link and where it leads"
)
def broken_links(place: Place) -> None:
    link = place.folder / "link"
    link.symlink_to("/not/there")
    for make in (
        lambda: requests.Train(workdir=str(link)),
        lambda: requests.Train({"dataset": f"folder:{link}"}),
        lambda: requests.Preview({"data_dir": f"{link}/x"}),
        lambda: requests.Evaluate(images=f"{link}/x.npz"),
        lambda: requests.Export("run", out=str(link)),
        lambda: sample_request.Sample("run", f"{link}/x.png"),
    ):
        assert f"{link} is a link to /not/there, which is not there" in _refused(make)
    link.unlink()
    link.symlink_to(link)
    assert "leads round in a circle" in _refused(lambda: requests.Train(workdir=str(link)))


@situation(
    PATHS, "names with `[ ] * ? { } \\` blanks, line ends, `%`, `#`, `://`, 255 bytes", "written and read as named"
)
def odd_names(place: Place) -> None:
    for name in ("[1]", "a*?", "{x}", "b\\c", "a b\nc", "%20#", "n" * 255):
        files.write_with_folders(place.folder / name / f"{'n' * 251}.png", "x")
        assert os.listdir(place.folder / name) == [f"{'n' * 251}.png"]


@situation(PATHS, "a user id without a home and without `$HOME`; a relative `$XDG_CACHE_HOME`", "no cache, no more")
def no_home(place: Place) -> None:
    def nobody(number):
        raise KeyError(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pwd, "getpwuid", nobody)
        patch.delenv("HOME", raising=False)
        for value in ("", "relative"):
            patch.setenv("XDG_CACHE_HOME", value)
            assert cache.folder() is None
    place.run("preview", _data(place), HOME="/dev/null", XDG_CACHE_HOME="/dev/null")


@situation(PATHS, "the start folder was removed meanwhile", "one line that says so, exit code 2")
def no_start_folder(place: Place) -> None:
    (place.folder / "gone").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder / "gone")
        (place.folder / "gone").rmdir()
        assert "is not there any more; change to another" in _refused(lambda: requests.Preview())


def _model(place: Place, **settings):
    """A small pair written as SavedModels below a folder with a name that is a pattern; the generator read back."""
    import tensorflow as tf

    from gan import build, config
    from gan.core import rng
    from gan.export import models, networks
    from gan.export.formats import FORMATS
    from gan.storage.aliases import plain

    chosen = config.make("article", g_width=4, d_width=2, latent_size=8, **settings)
    made = [make(chosen, (20, 20, 1), build.PLAIN, 3) for make in (build.generator, build.discriminator)]
    params = (network.init(rng.stream(0, -1)) for network in made)
    of = networks.networks(chosen, (20, 20, 1), *params, [1 / 3] * 3)
    both = list(FORMATS["saved_model"].models(of))
    folder = place.folder / "run[1]*"
    folder.mkdir()
    models.write(folder, "saved_model", both)
    assert max(model.difference for model in models.check(folder, "saved_model", of, both)) < 1e-5
    with plain(folder) as readable:
        return tf.saved_model.load(str(readable / "generatormodel"))


@situation(EXPORTS, "a SavedModel in a run called `run[1]*`", "written, read back and compared")
def a_saved_model_below_a_pattern(place: Place) -> None:
    loaded = _model(place)
    assert loaded.serve(np.zeros((2, 8), np.float32)).shape == (2, 20, 20, 1)


@situation(
    EXPORTS, "an exported conditional model is called with label 99 or -5", "InvalidArgumentError with the range"
)
def labels_of_an_exported_model(place: Place) -> None:
    import tensorflow as tf

    loaded = _model(place, conditional=True)
    for label in (99, -5):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
            loaded.serve(np.zeros((1, 8), np.float32), np.int32([label]))
