"""The order of images, mirroring, random crops, and sets that are read while a run trains."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan import config
from gan.data import batches, memory, order, worker, workers
from gan.data.batches import Batches
from gan.data.source import Source
from gan.data.sources import open_source
from gan.errors import LostHelperError, UserError
from gan.runs import workdir
from tests.situations import Place, situation

AREA = "order, mirroring, streaming"
TINY = (
    "--preset=article_corrected", "--batch_size=8", "--g_width=8", "--d_width=4", "--latent_size=8",
    "--precision=float32", "--convolution=direct", "--sample_every_steps=0", "--steps=4",
    "--dataset=folder:set", "--workdir=run", "--data_in_memory=false",
)  # fmt: skip


def images(folder: Path, count: int = 12, sizes: tuple = ((28, 28),), suffix: str = "png") -> str:
    """So many grey images of noise with sizes (width, height), in turn, in the folder; its name as a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    for i in range(count):
        width, height = sizes[i % len(sizes)]
        Image.fromarray(rng.integers(0, 256, (height, width), np.uint8)).save(folder / f"{i:03}.{suffix}")
    return f"folder:{folder}"


def same(one: tuple, two: tuple) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def held_and_streamed(dataset: str, number: int = 2, **settings) -> tuple[Batches, Batches]:
    """Batches of a set in memory and of the same decoded by workers; `settings` are of the data or of the batches."""
    own = {name: settings.pop(name) for name in ("batch", "draws", "flip", "random_places") if name in settings}
    opened = [open_source(dataset, data_in_memory=mode, **settings) for mode in ("true", "false")]
    return tuple(Batches(each, seed=0, num_workers=number, **{"batch": 8, **own}) for each in opened)


def assert_same(one: Batches, two: Batches, steps: tuple = ((0, 1), (1, 2), (3, 5), (100, 1), (0, 2))) -> None:
    for step, count in steps:
        assert same(one.read(step, count), two.read(step, count)), (step, count)
    two.close()


@situation(AREA, "`--flip`", "half of the images are mirrored left to right, other ones in each epoch; nothing else")
def flipped(place: Place) -> None:
    source = open_source(images(place.folder / "set", 40))
    plain, mirrored = (Batches(source, seed=0, batch=40, flip=flip).read(0, 6) for flip in (False, True))
    turned = (plain[0] != mirrored[0]).any(axis=(2, 3, 4))
    assert np.array_equal(mirrored[0][turned], plain[0][turned][:, :, ::-1])
    assert same((plain[0][~turned], plain[1]), (mirrored[0][~turned], mirrored[1]))
    assert all(10 <= epoch.sum() <= 30 for epoch in turned) and len({tuple(epoch) for epoch in turned}) == 6


@situation(AREA, "`--flip` and an evaluation", "real images are compared as they are, none is mirrored")
def evaluated_unmirrored(place: Place) -> None:
    name = images(place.folder / "set", 10)
    source = open_source(name)
    batch = Batches(source, seed=0, batch=10, flip=True)
    batch.read(0, 3)
    assert same(source.read(np.arange(10)), open_source(name).read(np.arange(10)))


@situation(AREA, "the same image twice in a batch, with `--flip`", "each is mirrored as its own epoch says")
def twice_in_a_batch(place: Place) -> None:
    source = open_source(images(place.folder / "set", 2))
    found, labels = Batches(source, seed=0, batch=12, flip=True).read(0, 1)
    for image, label, epoch in zip(found[0], labels[0], np.arange(12) // 2, strict=True):
        del label
        kept = [source.read(np.array([i]))[0][0] for i in range(2)]
        turned = [order.mirrored(0, int(epoch), 2)[i] for i in range(2)]
        assert any(np.array_equal(image, k[:, ::-1] if t else k) for k, t in zip(kept, turned, strict=True))


@situation(AREA, "`--flip` given to a run without it", "refused with the change by name; `--override` takes it")
def flip_given_later(place: Place) -> None:
    before, facts = begun(place.folder / "run")
    given = config.continued(before, {"flip": True})
    with pytest.raises(UserError, match="flip: False -> True.*--override"):
        workdir.check_run(place.folder / "run", given, facts, override=False)
    (line,) = workdir.check_run(place.folder / "run", given, facts, override=True)
    assert "flip: False -> True" in line


def begun(folder: Path) -> tuple[config.Config, dict]:
    """(The config, the facts) of a run that has begun in the folder."""
    settings, facts = config.make(dataset="garments"), {"name": "garments", "image_shape": [28, 28, 1]}
    workdir.open_run(folder, settings, facts, override=False)
    return settings, facts


@situation(AREA, "a run of before there was mirroring (no word of it in config.json)", "continues as it was")
def older_run(place: Place) -> None:
    before, facts = begun(place.folder / "run")
    file = place.folder / "run/config.json"
    content = json.loads(file.read_text())
    for name in ("test_dataset", "labels", "crop", "flip", "value_range", "data_workers", "init_from"):
        del content["settings"][name]
    file.write_text(json.dumps(content))
    assert workdir.load_run(place.folder / "run")[0] == before
    assert workdir.check_run(place.folder / "run", before, facts, override=False) == []


@situation(AREA, "`--crop=random`, images wider or taller than long", "another square of each in each epoch")
def random_crops(place: Place) -> None:
    name = images(place.folder / "set", 4, ((80, 20), (20, 80)))
    source = open_source(name, resolution=20, crop="random")
    found = Batches(source, seed=0, batch=4, random_places=True).read(0, 8)[0].reshape(32, -1)
    assert len({image.tobytes() for image in found}) > 24
    whole = [np.asarray(Image.open(file)) for file in sorted((place.folder / "set").iterdir())]
    cuts = {(w if w.shape[0] == 20 else w.T)[:, i : i + 20].tobytes() for w in whole for i in range(61)}
    cuts |= {w[i : i + 20].tobytes() for w in whole if w.shape[0] == 80 for i in range(61)}
    assert {image.tobytes() for image in found} <= cuts


@situation(AREA, "`--crop=random` and an evaluation", "the middle of each image")
def random_crops_evaluated(place: Place) -> None:
    images(place.folder / "set", 1, ((50, 20),))
    source = open_source(f"folder:{place.folder}/set", resolution=20, crop="random")
    whole = np.asarray(Image.open(place.folder / "set/000.png"))
    assert np.array_equal(source.read(np.array([0]))[0][0, :, :, 0], whole[:, 15:35])


@situation(AREA, "`--crop=random`, square images", "the same images as with `--crop=center`")
def random_crops_of_squares(place: Place) -> None:
    name = images(place.folder / "set", 6, ((28, 28), (56, 56)))
    random, center = (
        Batches(open_source(name, resolution=28, crop=crop), seed=0, batch=6, random_places=crop == "random")
        for crop in ("random", "center")
    )
    assert same(random.read(0, 3), center.read(0, 3))


@situation(AREA, "`--crop=random`, in memory or read as needed, mirrored", "the same bits")
def random_crops_held(place: Place) -> None:
    name = images(place.folder / "set", 9, ((40, 28), (28, 61), (28, 28), (90, 70)))
    assert_same(*held_and_streamed(name, resolution=28, crop="random", flip=True, random_places=True))


@situation(AREA, "`--crop=random` of a zip file and of an npz file with oblong images", "as of a folder")
def random_crops_elsewhere(place: Place) -> None:
    images(place.folder / "set", 6, ((40, 28),))
    (place.folder / "set").rename(place.folder / "inside")
    subprocess.run([sys.executable, "-m", "zipfile", "-c", "set.zip", "inside"], cwd=place.folder, check=True)
    stack = [np.asarray(Image.open(file)) for file in sorted((place.folder / "inside").iterdir())]
    np.savez(place.folder / "set.npz", images=np.stack(stack))
    found = []
    for name in (f"folder:{place.folder}/inside", f"folder:{place.folder}/set.zip", f"npz:{place.folder}/set.npz"):
        pair = held_and_streamed(name, resolution=28, crop="random", random_places=True)
        found.append(pair[0].read(0, 4)[0])
        assert_same(*pair)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


@situation(AREA, "a batch larger than the set; a set of one image; odd sizes", "epochs follow each other in a batch")
def small_sets(place: Place) -> None:
    for count, batch, draws in ((1, 8, 1), (3, 64, 1), (7, 5, 3), (13, 13, 1)):
        name = images(place.folder / f"set{count}", count)
        held, streamed = held_and_streamed(name, batch=batch, draws=draws, flip=True)
        assert held.read(0, 2)[0].shape == (2, batch * draws, 28, 28, 1)
        assert_same(held, streamed)


@situation(AREA, "`--data_workers` 1, 2, 16", "the same images in the same order")
def numbers_of_workers(place: Place) -> None:
    name = images(place.folder / "set", 30)
    for number in (1, 2, 16):
        held, streamed = held_and_streamed(name, number, flip=True)
        assert_same(held, streamed)


@situation(AREA, "`--data_workers=300`, `-1`, `many`", "one line with the range")
def impossible_workers(place: Place) -> None:
    for value in (300, -1):
        assert f"--data_workers={value} must be" in place_error(lambda value=value: config.make(data_workers=value))
    assert "--data_workers=many must be a whole number" in place.error("preview", "--data_workers=many")


@situation(AREA, "images in memory and `--data_workers=4`", "no process is started for them")
def workers_of_images_in_memory(place: Place) -> None:
    held, _ = held_and_streamed(images(place.folder / "set"), 4)
    held.read(0, 2)
    assert held._workers is None


@situation(AREA, "no process can be started (`ulimit -u`, no memory)", "a warning; the images are read all the same")
def no_processes(place: Place) -> None:
    held, streamed = held_and_streamed(images(place.folder / "set"))
    told: list[str] = []

    def refused(*arguments, **options):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", refused)
        patch.setattr(batches, "_warn", told.append)
        assert_same(held, streamed, ((0, 2), (2, 3)))
    (line,) = told
    assert line.startswith("0 of 2 processes to decode images could be started (Resource temporarily unavailable)")


@situation(AREA, "few open files are allowed (`ulimit -n`)", "as many workers as there can be, and a warning")
def few_descriptors(place: Place) -> None:
    images(place.folder / "set")
    code = (
        "import resource, os; from gan.data.sources import open_source; from gan.data.batches import Batches; "
        "s = open_source('folder:set', data_in_memory='false'); n = len(os.listdir('/proc/self/fd')); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (n + 12, n + 12)); "
        "b = Batches(s, seed=0, batch=4, num_workers=16); print(b.read(0, 2)[0].shape, 0 < b._workers.count < 16)"
    )
    done = run_python(place, code)
    assert done.stdout == "(2, 4, 28, 28, 1) True\n"
    assert "of 16 processes to decode images could be started (Too many open files)" in done.stderr


def run_python(place: Place, code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs code as a script in the folder of the situation; it must end well."""
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, *arguments, "-c", code],
        cwd=place.folder, env={**os.environ, **path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


READ = (
    "from gan.data.sources import open_source; from gan.data.batches import Batches; "
    "b = Batches(open_source('folder:set', data_in_memory='false'), seed=0, batch=4, num_workers=2); "
    "print(b.read(0, 2)[0].shape, b._workers.count); "
)


@situation(AREA, "/dev/shm missing or tiny (a container)", "not used: workers and their memory are elsewhere")
def no_shared_memory_folder(place: Place) -> None:
    _, streamed = held_and_streamed(images(place.folder / "set"))
    streamed.read(0, 2)
    for pid in streamed._workers.pids:
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert "gan-data" in mapped and "/dev/shm" not in mapped
    streamed.close()


@situation(AREA, "a script that trains without a main guard; a notebook", "workers never run it; it runs once")
def no_main_guard(place: Place) -> None:
    images(place.folder / "set")
    (place.folder / "script.py").write_text("print('once'); " + READ)
    done = run_python(place, "import runpy; runpy.run_path('script.py', run_name='__main__')")
    assert done.stdout == "once\n(2, 4, 28, 28, 1) 2\n" and done.stderr == ""


@situation(AREA, "files called numpy.py, PIL.py in the folder where the command starts", "not taken for the libraries")
def names_of_libraries(place: Place) -> None:
    images(place.folder / "set")
    for name in ("numpy", "PIL", "gan", "signal", "pickle"):
        (place.folder / f"{name}.py").write_text("raise SystemExit('a file of the person was run')")
    assert run_python(place, READ, "-P").stdout == "(2, 4, 28, 28, 1) 2\n"


@situation(AREA, "PYTHONWARNINGS=error, PYTHONINSPECT, PYTHONOPTIMIZE in the environment", "workers do not mind")
def python_settings(place: Place) -> None:
    images(place.folder / "set")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"PYTHONWARNINGS": "error", "PYTHONINSPECT": "1", "PYTHONOPTIMIZE": "2"}.items():
            patch.setenv(name, value)
        streamed = held_and_streamed(f"folder:{place.folder}/set")[1]
        assert streamed.read(0, 2)[0].shape == (2, 8, 28, 28, 1) and streamed._workers.count == 2
        streamed.close()


@situation(AREA, "a Python that does not know its own program (embedded)", "a thread reads the images, and a warning")
def embedded(place: Place) -> None:
    held, streamed = held_and_streamed(images(place.folder / "set"))
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_warn", told.append)
        for program in ("", "/nowhere/python"):
            patch.setattr(sys, "executable", program)
            assert_same(held, streamed, ((0, 2),))
    assert len(told) == 2 and all("this one decodes them itself" in line for line in told)


@situation(AREA, "training from another thread than the main one", "read ahead by workers as always")
def from_a_thread(place: Place) -> None:
    held, streamed = held_and_streamed(images(place.folder / "set"))
    found: list[tuple] = []
    thread = threading.Thread(target=lambda: found.append(streamed.read(0, 3)))
    thread.start()
    thread.join(60)
    assert same(found[0], held.read(0, 3))
    streamed.close()


@situation(AREA, "the trainer killed by kill -9, or Ctrl-C", "its workers are gone a moment later")
def killed(place: Place) -> None:
    images(place.folder / "set")
    script = READ + "print(*b._workers.pids, flush=True); import time; time.sleep(100)"
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = subprocess.Popen(
            [sys.executable, "-c", script], cwd=place.folder, env={**os.environ, **path},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        process.stdout.readline()
        pids = list(map(int, process.stdout.readline().split()))
        os.killpg(process.pid, number)
        process.wait(60)
        assert_ended(pids)


def assert_ended(pids: list[int]) -> None:
    begin = time.monotonic()
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        assert time.monotonic() < begin + 60, f"{pids} are still there"
        time.sleep(0.01)


@situation(AREA, "Batches that nobody uses any more, in a notebook", "their workers end")
def forgotten(place: Place) -> None:
    _, streamed = held_and_streamed(images(place.folder / "set"))
    streamed.read(0, 1)
    pids = streamed._workers.pids
    del streamed
    gc.collect()
    assert_ended(pids)


@situation(AREA, "a worker killed because memory ran out", "one line; the step is saved; a start again continues")
def out_of_memory(place: Place) -> None:
    _, streamed = held_and_streamed(images(place.folder / "set"), 1)
    expected = streamed.read(0, 1)
    os.kill(*streamed._workers.pids, signal.SIGKILL)
    with pytest.raises(LostHelperError, match="was killed, as the system does when memory runs out"):
        for step in range(1000):
            streamed.read(step, 20)
    assert same(streamed.read(0, 1), expected)
    streamed.close()


@situation(AREA, "an image removed, damaged or of another size while a run trains", "one line that names it")
def changed_files(place: Place) -> None:
    for name, change in {
        "gone": lambda file: file.unlink(),
        "damaged": lambda file: file.write_bytes(file.read_bytes()[:200]),
        "no image": lambda file: file.write_text("words"),
        "another size": lambda file: Image.new("L", (14, 14)).save(file),
    }.items():
        dataset = images(place.folder / name)
        streamed = Batches(open_source(dataset, data_in_memory="false"), seed=0, batch=12, num_workers=2)
        change(place.folder / name / "007.png")
        with pytest.raises(UserError, match=r"007\.png") as error:
            streamed.read(0, 1)
        assert "\n" not in str(error.value)
        streamed.close()


@situation(AREA, "a damaged image met by a run that is under way", "exit code 2, one line; the steps before are saved")
def damaged_in_training(place: Place) -> None:
    images(place.folder / "set", 12)
    place.run("train", *TINY)
    (place.folder / "set/005.png").write_bytes((place.folder / "set/005.png").read_bytes()[:-40])
    line = place.error("train", "--workdir=run", "--steps=9")
    assert "005.png" in line


@situation(AREA, "file names that are not UTF-8, read as needed", "read by workers as any other")
def odd_names(place: Place) -> None:
    images(place.folder / "set", 3)
    os.rename(place.folder / "set/001.png", os.fsencode(place.folder) + b"/set/\xff\n 1.png")
    assert_same(*held_and_streamed(f"folder:{place.folder}/set"))


@situation(AREA, "images of 3,000 x 3,000 pixels, read as needed", "a few at a time: what is ahead is bounded in bytes")
def large_images(place: Place) -> None:
    read = []

    def by_index(rows):
        read.append(len(rows))
        return np.zeros((len(rows), 3000, 3000, 3), np.uint8), np.zeros(len(rows), np.int32)

    source = Source("large", 1000, (3000, 3000, 3), (), "", "", by_index)
    streamed = Batches(source, seed=0, batch=2)
    streamed.read(0, 2)
    streamed.wait()
    assert set(read) == {1} and len(read) <= 4 + batches.AHEAD_BYTES // source.image_bytes
    streamed.close()


@situation(AREA, "a set larger than a quarter of the free memory", "read as needed, without a word from the person")
def larger_than_memory(place: Place) -> None:
    name = images(place.folder / "set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "available_bytes", lambda: 4 * 12 * 28 * 28 - 1)
        source = open_source(name)
        assert not source.in_memory
        patch.setattr(memory, "available_bytes", lambda: 12 * 28 * 28 - 1)
        with pytest.raises(UserError, match="--data_in_memory=true needs"):
            open_source(name, data_in_memory="true")


@situation(AREA, "a container with a share of one core; `taskset` to one core", "one worker")
def one_core(place: Place) -> None:
    (place.folder / "cpu.max").write_text("90000 100000\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "QUOTA", place.folder / "cpu.max")
        assert workers.auto_count() == 1
        patch.setattr(workers, "QUOTA", place.folder / "absent")
        patch.setattr(os, "sched_getaffinity", lambda _: {3})
        assert workers.auto_count() == 1


@situation(AREA, "Ctrl-Z, then fg, while images are read as needed", "goes on with the same images")
def suspended(place: Place) -> None:
    held, streamed = held_and_streamed(images(place.folder / "set"))
    streamed.read(0, 1)
    for pid in streamed._workers.pids:
        os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.3, lambda: [os.kill(pid, signal.SIGCONT) for pid in streamed._workers.pids]).start()
    assert_same(held, streamed, ((1, 40),))


@situation(AREA, "a fork of the person's own program ends", "the workers stay with the one that started them")
def forked(place: Place) -> None:
    held, streamed = held_and_streamed(images(place.folder / "set"))
    streamed.read(0, 1)
    if (child := os.fork()) == 0:
        streamed.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert_same(held, streamed)


@situation(AREA, "the folder where the command was started is removed meanwhile", "images by full paths are still read")
def removed_folder(place: Place) -> None:
    name, gone = images(place.folder / "set"), place.folder / "gone"
    gone.mkdir()
    script = f"import os; os.chdir({str(gone)!r}); os.rmdir(os.getcwd()); " + READ.replace("folder:set", name)
    assert run_python(place, script).stdout == "(2, 4, 28, 28, 1) 2\n"


@situation(AREA, "a source of one's own, which cannot be sent to another process", "a thread reads it ahead")
def own_source(place: Place) -> None:
    own = Source("own", 9, (1, 1, 1), (), "", "", lambda rows: (np.uint8(rows).reshape(-1, 1, 1, 1), np.int32(rows)))
    batch = Batches(own, seed=0, batch=9)
    assert sorted(batch.read(0, 1)[1][0]) == list(range(9)) and batch._workers.count == 0
    batch.close()


@situation(AREA, "a result larger than the memory that a worker has in common with the trainer", "comes whole")
def large_results(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "AREA_BYTES", 4096)
        assert_same(*held_and_streamed(images(place.folder / "set")))


@situation(AREA, "`bin/bench --against=data_in_memory=false`; `--against=resolution=64`", "raced; refused in one line")
def raced(place: Place) -> None:
    from gan.bench import contestants

    given = {"preset": "modern", "dataset": "folder:set"}
    assert len(contestants.of(given, ["data_in_memory=false", "data_workers=1"]).variants) == 3
    assert "--against=resolution=64" in place_error(lambda: contestants.of(given, ["resolution=64"]))


def place_error(function) -> str:
    with pytest.raises(UserError) as error:
        function()
    return str(error.value)
