"""Terminals, environments, flags, signals, and classes by name: what a person's machine and habits bring."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from gan.runs import checkpoint
from tests.situations import Place, situation

ROOT = Path(__file__).parents[2]
TERMINALS, FLAGS, SIGNALS, CLASSES = "terminals and environments", "flags", "signals", "classes by name"
SMALL = ("--preset=article", "--batch_size=8", "--g_width=4", "--d_width=4", "--latent_size=8", "--precision=float32")
SMALL += ("--convolution=direct", "--sample_every_steps=0", "--log_every_steps=5", "--sample_columns=2")


def write_set(place: Place, labels, names=None) -> str:
    """Random images with these labels, as a flag."""
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 28, 28), np.uint8)
    named = {} if names is None else {"class_names": np.array(names)}
    np.savez(place.folder / "data.npz", images=images, labels=np.array(labels), **named)
    return "--dataset=npz:data.npz"


def others(lines: str) -> str:
    """What stands on standard error but for warnings of data, which are so few here."""
    return "".join(line for line in lines.splitlines(keepends=True) if not line.startswith("warning: "))


def shell(place: Place, line: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs a line of the shell in the folder; `$python -m gan.cli.preview` and `$bin/preview` start the command."""
    fresh = {**os.environ, "python": sys.executable, "root": str(ROOT), "bin": str(ROOT / "bin")}
    fresh |= {"GAN_PYTHON": sys.executable, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(["sh", "-c", line], cwd=place.folder, env=fresh, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    done.stderr = others(done.stderr)
    return done


PREVIEW = "$python -m gan.cli.preview --dataset=npz:data.npz --rows=1 --columns=1"


@situation(TERMINALS, "standard input, output and error closed", "works in silence")
def closed_streams(place: Place) -> None:
    write_set(place, [0, 1])
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        done = shell(place, f"rm -f preview.png; {PREVIEW} {closed}")
        assert (done.returncode, done.stderr) == (0, "")
        assert Image.open(place.folder / "preview.png").format == "PNG"


@situation(TERMINALS, "standard output is a full device", "one line, exit code 74")
def full_output(place: Place) -> None:
    write_set(place, [0, 1])
    done = shell(place, f"{PREVIEW} >/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (74, 1) and done.stderr.startswith("error: No space left")


@situation(TERMINALS, "a class name that the terminal's encoding lacks", "a question mark in its place")
def narrow_encoding(place: Place) -> None:
    write_set(place, [0, 0, 0, 0, 1], ["caf\u00e9 \u65e5", "b"])
    for encoding, shown in (
        ("latin-1", b" caf\xe9 ? 4, b 1\n"),
        ("ascii", b" caf? ? 4, b 1\n"),
        ("utf-8", "caf\u00e9 \u65e5".encode()),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "gan.cli.preview", "--dataset=npz:data.npz"],
            cwd=place.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
            capture_output=True,
        )
        assert done.returncode == 0 and shown in done.stdout and others(done.stderr.decode(encoding)) == ""


@situation(
    TERMINALS, "a class name with a new line and a command of terminals in it", "spelled out: `\\n`, `\\x1b[31m`"
)
def commands_of_terminals(place: Place) -> None:
    write_set(place, [0, 1], ["two\nlines", "red\x1b[31m"])
    out = place.run("preview", "--dataset=npz:data.npz").out
    assert "two\\nlines 1, red\\x1b[31m 1\n" in out and "\x1b" not in out


def same_picture(place: Place, **environment: str) -> None:
    """Previews with and without the environment give the same bytes, and no line of a library."""
    data = (write_set(place, [0, 1], ["a $b$", "c"]), "--rows=1", "--columns=2")
    here = place.folder / "matplotlibrc"
    settings = here.read_bytes() if here.is_file() else None
    here.unlink(missing_ok=True)
    place.run("preview", *data, "--out=plain.png")
    if settings is not None:
        here.write_bytes(settings)
    begun = place.run("preview", *data, "--out=other.png", **environment)
    assert others(begun.err) == ""
    assert (place.folder / "other.png").read_bytes() == (place.folder / "plain.png").read_bytes()


@situation(TERMINALS, "`MPLBACKEND` of Jupyter, or one that does not exist", "the same PNG, byte for byte")
def other_backends(place: Place) -> None:
    same_picture(place, MPLBACKEND="module://matplotlib_inline.backend_inline")
    same_picture(place, MPLBACKEND="nonsense")


@situation(TERMINALS, "a `matplotlibrc` with other fonts and sizes in the start folder", "the same PNG, byte for byte")
def own_matplotlibrc(place: Place) -> None:
    (place.folder / "matplotlibrc").write_text(
        "savefig.dpi: 33\nfont.size: 30\nsavefig.bbox: tight\naxes.titlecolor: red\n"
    )
    same_picture(place)
    (place.folder / "rc").write_text("savefig.dpi: 33\n")
    (place.folder / "matplotlibrc").unlink()
    same_picture(place, MATPLOTLIBRC="rc")


@situation(TERMINALS, "a `matplotlibrc` that is no text", "the same PNG, byte for byte")
def broken_matplotlibrc(place: Place) -> None:
    (place.folder / "matplotlibrc").write_bytes(b"\xff\xfe nonsense")
    same_picture(place)


@situation(TERMINALS, "a folder for matplotlib's settings that cannot be written", "the same PNG, no line about it")
def unwritable_configuration(place: Place) -> None:
    same_picture(place, MPLCONFIGDIR="/proc/nowhere")


@situation(TERMINALS, "`PYTHONWARNINGS=error`; `TQDM_...`, `OMP_NUM_THREADS`, `COLUMNS` with nonsense", "no effect")
def other_programs_settings(place: Place) -> None:
    same_picture(place, TQDM_BAR_FORMAT="{nonsense}", OMP_NUM_THREADS="many", COLUMNS="wide", TERM="", LC_ALL="xx_YY")
    done = shell(place, f"{PREVIEW} && {PREVIEW} --help", PYTHONWARNINGS="error", COLUMNS="wide", OMP_NUM_THREADS="x")
    assert (done.returncode, done.stderr) == (0, "")


@situation(TERMINALS, "the start folder has been removed", "one line that says so; `--help` works")
def removed_folder(place: Place) -> None:
    done = shell(
        place, "mkdir gone && cd gone && rmdir ../gone && $python -m gan.cli.preview; $python -m gan.cli.plot -h"
    )
    assert [line for line in done.stderr.splitlines() if "getcwd" not in line] == [
        "error: the current folder is not there any more; change to another one"
    ]
    assert "usage: bin/plot" in done.stdout


@situation(TERMINALS, "a `numpy.py` in the start folder", "works")
def shadows(place: Place) -> None:
    write_set(place, [0, 1])
    for name in ("numpy", "PIL", "matplotlib"):
        (place.folder / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    done = shell(place, f"{PREVIEW} --out=a.png; $bin/preview --dataset=npz:data.npz --out=b.png")
    assert (done.returncode, done.stderr) == (0, "") and (place.folder / "a.png").exists()


@situation(TERMINALS, "`python gan/cli/preview.py` from another folder", "works")
def as_a_script(place: Place) -> None:
    write_set(place, [0, 1])
    done = shell(place, "$python $root/gan/cli/preview.py --dataset=npz:data.npz", PYTHONPATH="", PYTHONSAFEPATH="")
    assert (done.returncode, done.stderr) == (0, "") and (place.folder / "preview.png").exists()


@situation(TERMINALS, "a Python without the packages", "one line that names them, exit code 2")
def without_packages(place: Place) -> None:
    for start in ("$python -S -m gan.cli.train", "$python -S $root/gan/cli/train.py"):
        done = shell(place, start)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert "has no absl, numpy, PIL, matplotlib, tqdm; start bin/..., which finds or makes" in done.stderr


@situation(TERMINALS, "`PYTHONHOME`, `PYTHONHASHSEED`, `PYTHONUTF8` with nonsense, `PYTHONINSPECT`", "no effect")
def other_pythons(place: Place) -> None:
    write_set(place, [0, 1])
    nonsense = {"PYTHONHOME": "/nowhere", "PYTHONHASHSEED": "x", "PYTHONUTF8": "2", "PYTHONINSPECT": "1"}
    done = shell(place, "$bin/preview --dataset=npz:data.npz </dev/null", **nonsense)
    assert (done.returncode, done.stderr) == (0, "") and (place.folder / "preview.png").exists()


@situation(TERMINALS, "`PYTHONPATH` with another `gan`; `bin/preview` through a link in a folder with a space", "works")
def another_gan(place: Place) -> None:
    write_set(place, [0, 1])
    (place.folder / "a b/gan").mkdir(parents=True)
    (place.folder / "a b/gan/__init__.py").write_text("raise SystemExit('not this one')\n")
    (place.folder / "a b/link").symlink_to(ROOT / "bin/preview")
    done = shell(place, "'./a b/link' --dataset=npz:data.npz", PYTHONPATH=str(place.folder / "a b"))
    assert (done.returncode, done.stderr) == (0, "") and (place.folder / "preview.png").exists()


@situation(FLAGS, "twenty digits, 10**12, a negative or not finite number", "one line with the range, exit code 2")
def numbers_out_of_range(place: Place) -> None:
    digits = "9" * 20
    for command, flags, range_told in (
        ("sample", ("--workdir=run", "--out=x.npz", "--num=1000000000000"), "from 1 to 100,000,000"),
        ("sample", ("--workdir=run", "--out=x.npz", f"--step={digits}"), "from 0 to 1,000,000,000,000"),
        ("evaluate", ("--workdir=run", f"--k={digits}"), "from 1 to 1,000"),
        ("preview", (f"--rows={digits}",), "from 1 to 64"),
        ("train", (f"--steps={digits}",), "of at least 0 and of at most 1,000,000,000,000"),
        ("train", ("--batch_size=-1",), "of at least 1 and of at most 1,048,576"),
        ("train", ("--gamma=nan",), "a finite number of at least 0 and of at most 1e+30"),
        ("train", ("--minutes=inf",), "a finite number of at least 0"),
    ):
        line = place.error(command, *flags)
        assert flags[-1] in line.replace(",", "").replace("e+20", "") or "must be" in line
        assert range_told in line


@situation(FLAGS, "`1e3`, `3.5` or 5,000 digits for a whole number", "one line that says what is wanted")
def no_whole_numbers(place: Place) -> None:
    for value, shown in (("1e3", "1e3"), ("3.5", "3.5"), ("9" * 5000, "9" * 60 + "...")):
        assert place.error("train", f"--steps={value}") == f"error: --steps={shown} must be a whole number"


@situation(FLAGS, "a flagfile with a byte order mark, in UTF-16 or UTF-32, with the line ends of Windows", "read")
def flagfiles_of_any_editor(place: Place) -> None:
    write_set(place, [0, 1])
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"):
        text = "# caf\u00e9\r\n--dataset=npz:data.npz\r\n\r\n--rows=1 \r\n--out=" + encoding + ".png"
        mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
        (place.folder / "flags.txt").write_bytes(mark + text.encode(encoding))
        place.run("preview", "--flagfile=flags.txt")
        assert (place.folder / f"{encoding}.png").exists()


@situation(FLAGS, "a flagfile that is a folder, a device, no text, not there, or in itself", "one line, exit code 2")
def what_is_no_flagfile(place: Place) -> None:
    (place.folder / "own.txt").write_text("--rows=1\n--flagfile=own.txt\n")
    (place.folder / "latin.txt").write_bytes(b"--rows=1\n--out=caf\xe9.png\n")
    (place.folder / "half.txt").write_bytes("--rows=1\n".encode("utf-16-le"))
    for name, words in (
        (".", "--flagfile=. cannot be read: is a directory"),
        ("/dev/zero", "is no file of flags: it has more than 1 MiB"),
        ("nowhere.txt", "--flagfile=nowhere.txt cannot be read: no such file or directory"),
        ("", "--flagfile names no file"),
        ("latin.txt", "--flagfile=latin.txt is no UTF-8 text (line 2); save it as UTF-8"),
        ("half.txt", "is no text, or UTF-16 without its mark"),
        ("own.txt", "--flagfile=own.txt (line 2 of own.txt) includes itself"),
    ):
        assert words in place.error("preview", f"--flagfile={name}")


@situation(
    FLAGS, "flagfiles that name others, one under `~`; a flag in one that is not known", "read; told with its line"
)
def flagfiles_in_flagfiles(place: Place) -> None:
    write_set(place, [0, 1])
    (place.folder / "outer.txt").write_text("--rows=3\n--flagfile=~/inner.txt\n--out=inner.png\n")
    (place.folder / "inner.txt").write_text("--dataset=npz:data.npz\n--rows=1\n")
    place.run("preview", "--flagfile", "outer.txt", HOME=str(place.folder))
    assert (place.folder / "inner.png").exists()
    (place.folder / "inner.txt").write_text("// old\n--rowz=1\n")
    line = place.error("preview", "--flagfile=outer.txt", HOME=str(place.folder))
    assert line == f"error: unknown flag --rowz (line 2 of {place.folder}/inner.txt); did you mean --rows?"


@situation(SIGNALS, "SIGUSR1 while a run trains", "saved at once; the run goes on, to the same bits")
def save_now(place: Place) -> None:
    data = write_set(place, list(range(16)))
    place.run("train", data, *SMALL, "--steps=40", "--workdir=plain")
    begun = place.begin("train", data, *SMALL, "--steps=40", "--workdir=run", hold=6)
    begun.until("step 5/40")
    begun.send(signal.SIGUSR1)
    begun.until("saved step")
    assert begun.wait() == 0, begun.err
    saved = checkpoint.steps(place.folder / "run/checkpoints")
    assert saved in ([5, 40], [6, 40])
    assert final_bits(place, "run") == final_bits(place, "plain")


@situation(
    SIGNALS, "SIGHUP (a terminal is closed), SIGUSR2 or SIGXCPU while a run trains", "saved and ended, exit code 143"
)
def the_terminal_is_closed(place: Place) -> None:
    data = write_set(place, list(range(16)))
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU):
        begun = place.begin("train", data, *SMALL, "--steps=100000", f"--workdir={number.name}")
        begun.until("step 5/")
        begun.send(number)
        assert begun.wait() == 143, begun.err
        (saved,) = checkpoint.steps(place.folder / number.name / "checkpoints")
        assert f"stopped by a signal after step {saved}; saved: start again to continue\n" in begun.err


@situation(SIGNALS, "SIGHUP under nohup", "passed over")
def nohup(place: Place) -> None:
    script = (
        "import os, signal; from gan.machine.signals import StopRequest\n"
        "with StopRequest() as stop:\n    os.kill(os.getpid(), signal.SIGHUP)\n    print(bool(stop))"
    )
    done = shell(place, f"nohup $python -c '{script}' 2>/dev/null")
    assert (done.returncode, done.stdout) == (0, "False\n")


@situation(SIGNALS, "SIGTERM or SIGHUP while `bin/sample` works", "nothing half done stays, 128 + its number")
def ended_while_it_works(place: Place) -> None:
    data = write_set(place, list(range(16)))
    place.run("train", data, *SMALL, "--steps=1", "--workdir=run")
    for number in (signal.SIGTERM, signal.SIGHUP):
        before = sorted(place.folder.iterdir())
        for out in ("x.npz", "folder/"):
            begun = place.begin("sample", "--workdir=run", "--num=50000000", f"--out={out}")
            while not any(path.name.endswith(".tmp") for path in place.folder.iterdir()):
                assert begun.is_running(), begun.err
            begun.send(number)
            assert (begun.wait(), begun.out, begun.err) == (128 + number, "", "")
            assert sorted(place.folder.iterdir()) == before


def final_bits(place: Place, run: str) -> dict[str, str]:
    """The sums of the files of the last checkpoint of a run."""
    folder = place.folder / run / "checkpoints"
    return checkpoint.manifest(folder, checkpoint.steps(folder)[-1])["files"]


@situation(
    CLASSES,
    "labels 0, 5 and 9 of ten classes, networks that are told labels",
    "rows, samples and walks of these three; `--class=3` is refused",
)
def classes_without_images(place: Place) -> None:
    data = write_set(place, [0, 5, 9] * 4, list("abcdefghij"))
    networks = ("--networks=sngan", "--conditional", "--objective=hinge")
    place.run("train", data, *SMALL, *networks, "--steps=1", "--workdir=run")
    assert Image.open(place.folder / "run/samples/grid_0000000001.png").size == (2 * (2 * 29 + 1), 2 * (3 * 29 + 1))
    shares = json.loads((place.folder / "run/config.json").read_text())["data"]["class_shares"]
    assert [number for number, share in enumerate(shares) if share] == [0, 5, 9]
    place.run("sample", "--workdir=run", "--num=200", "--out=many.npz")
    assert set(np.load(place.folder / "many.npz")["labels"]) == {0, 5, 9}
    place.run("sample", "--workdir=run", "--interpolate=2", "--out=walk.gif")
    assert Image.open(place.folder / "walk.gif").size == (2 * (4 * 29 + 1), 2 * (3 * 29 + 1))
    line = place.error("sample", "--workdir=run", "--class=d", "--out=x.png")
    assert line == (
        "error: --class=d: the run's data have no image of this class; those that have some are 0 a, 5 f, 9 j"
    )


@situation(
    CLASSES,
    "a class called ` lead`, one `a,b`, numbered ones",
    "by exact name first, then other spellings, then number; which is told where both could be meant",
)
def names_and_numbers(place: Place) -> None:
    data = write_set(place, [0, 1, 2, 3] * 4, [" lead", "a,b", "1", "10"])
    networks = ("--networks=sngan", "--conditional", "--objective=hinge")
    place.run("train", data, *SMALL, *networks, "--steps=1", "--workdir=run")
    for number, (asked, labels, told) in enumerate(
        [
            (" lead", [0, 0, 0, 0], ""),
            ("lead,a,b", [0, 1, 0, 1], ""),
            ('"a,b",10', [1, 3, 1, 3], "note: --class=10 is the class named 10, number 3\n"),
            ("1", [2, 2, 2, 2], "note: --class=1 is the class named 1, number 2; number 1 is the class named a,b\n"),
            ("0", [0, 0, 0, 0], "note: --class=0 is number 0, the class named  lead\n"),
        ]
    ):
        begun = place.run("sample", "--workdir=run", "--num=4", f"--class={asked}", f"--out={number}.npz")
        assert np.load(place.folder / f"{number}.npz")["labels"].tolist() == labels
        assert others(begun.err) == told
