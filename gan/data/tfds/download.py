"""Downloads and prepares a tfds data set in a process of its own, so that neither a dead network nor a silent server
can hold the program up, and TensorFlow's messages stay out of sight.

That process is this module run as `python -m gan.data.tfds.download check|prepare NAME DATA_DIR`; it answers with
one line of JSON on its standard output.
"""

import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from gan.data.tfds import prepared
from gan.data.tfds.features import form
from gan.errors import UserError

HOSTS = {"fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz"}
ANY_HOST = "https://storage.googleapis.com/tfds-data/"
PROBE_SECONDS = 5.0
CHECK_SECONDS = 13.0  # importing tensorflow_datasets with TensorFlow takes about 6
STALL_SECONDS = 180.0  # without a sign of progress
TOTAL_SECONDS = 6 * 3600.0
ABANDONED_SECONDS = 24 * 3600.0


def prepare(name: str, root: Path) -> Path:
    """Downloads `name` into `root`; returns the prepared folder. Raises `UserError` with one line on any failure.

    An unknown name or a set without images is refused before anything is downloaded. Without a network the answer
    comes within 15 seconds.
    """
    inside = prepared.outer_root(root)
    if inside:
        raise UserError(
            f"{prepared.missing(name, root)}, a folder of a data set; give the one above: --data_dir={inside}"
        )
    started, reachable = time.monotonic(), []
    probe = threading.Thread(target=lambda: reachable.append(_answers(HOSTS.get(name, ANY_HOST))), daemon=True)
    probe.start()
    if name not in HOSTS:
        answer = _run(["check", name, str(root)], CHECK_SECONDS)
        if "error" in answer:
            raise UserError(f"--dataset=tfds:{prepared.missing(name, root)}; {answer['error']}")
    probe.join(max(0.0, started + PROBE_SECONDS + 1 - time.monotonic()))
    if reachable != [True]:
        raise UserError(
            f"{prepared.missing(name, root)}, and it cannot be downloaded: the network does not answer; connect, "
            "give --data_dir a folder that has it, or use --dataset=garments"
        )
    print(f"Downloading {name} into {root}; this happens once.", file=sys.stderr, flush=True)
    folder = root / prepared.parsed(name).name
    before = set(folder.glob("**/incomplete.*"))
    try:
        _refuse(name, _run(["prepare", name, str(root)], TOTAL_SECONDS))
    except UserError:
        if not prepared.prepared_folder(name, root):  # another process may have been quicker
            raise
    finally:
        _sweep(folder, before)
    found = prepared.prepared_folder(name, root)
    if not found:
        raise UserError(f"{name} was downloaded but is not in {root}; give --data_dir another folder")
    return found


def _answers(url: str) -> bool:
    """Whether the host of `url` (or the proxy before it) sends any answer in time."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return True  # a refusal is an answer
    except (OSError, ValueError):
        return False
    return True


def _refuse(name: str, answer: dict[str, str]) -> None:
    """Raises `UserError` if the process's answer tells of an error."""
    if "error" in answer:
        raise UserError(f"--dataset=tfds:{name}: {answer['error']}")


def _run(arguments: list[str], limit: float) -> dict[str, str]:
    """The answer of this module's process; {"error": ...} if it fails, stalls or exceeds `limit` seconds."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "gan.data.tfds.download", *arguments]
    project = Path(__file__).resolve().parents[3]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(project), environment.get("PYTHONPATH")]))
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as noise:
        child = subprocess.Popen(command, stdout=output, stderr=noise, stdin=subprocess.DEVNULL, env=environment)
        try:
            reason = _watched(child, noise, limit)
        finally:
            child.kill()
            child.wait()
        if reason:
            return {"error": reason} if arguments[0] == "prepare" else {}
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            noise.seek(0)
            last = noise.read().decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            return {"error": f"tfds failed ({last[0][:200]}); see its documentation, or use another --dataset"}


def _watched(child: subprocess.Popen, noise, limit: float) -> str:
    """Waits for the child; a reason if it was silent for too long or exceeded `limit` seconds, else empty."""
    started = alive = time.monotonic()
    heard = 0
    while child.poll() is None:
        now, size = time.monotonic(), os.fstat(noise.fileno()).st_size
        if size != heard:
            heard, alive = size, now
        if now - alive > STALL_SECONDS:
            return f"the download made no progress for {STALL_SECONDS:.0f} seconds; try again later"
        if now - started > limit:
            return f"the download took more than {limit / 3600:.0f} hours; prepare the data set with tfds itself"
        time.sleep(0.1)
    return ""


def _sweep(folder: Path, before: set[Path]) -> None:
    """Removes what interrupted downloads left: this one's folders, and those nobody has touched for a day."""
    for left in folder.glob("**/incomplete.*"):
        try:
            if left not in before or time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # another process removed it


def _checked(name: str, root: str):
    """In the process: the tfds builder of `name`; raises `UserError` if unknown or without images."""
    import tensorflow_datasets

    try:
        builder = tensorflow_datasets.builder(name, data_dir=root)
    except tensorflow_datasets.core.DatasetNotFoundError:
        known = tensorflow_datasets.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(prepared.parsed(name).name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "see tensorflow.org/datasets/catalog"
        raise UserError(f"tfds knows no data set of this name; {hint}") from None
    except (AssertionError, ValueError):  # the version, the config
        known = _known(tensorflow_datasets.builder_cls(prepared.parsed(name).name))
        raise UserError(f"tfds has {known}; name what there is") from None
    form(builder.info.features, builder.info.supervised_keys, name)
    return builder


def _known(builder) -> str:
    """The versions and configs of a data set that tfds knows, in words."""
    numbers = sorted({str(version) for version in (builder.VERSION, *builder.SUPPORTED_VERSIONS) if version})
    configs = [config.name for config in builder.BUILDER_CONFIGS]
    words = [f"version {', '.join(numbers)}" if numbers else ""]
    words += [f"config {', '.join(configs[:20])}" if configs else "without configs"]
    return f"{builder.name} in {', '.join(filter(None, words))}"


def _main(action: str, name: str, root: str) -> None:
    """The process: prints {} or {"error": ...}."""
    try:
        builder = _checked(name, root)
        if action == "prepare":
            builder.download_and_prepare()
        answer = {}
    except UserError as error:
        answer = {"error": str(error)}
    except Exception as error:  # whatever tfds, requests and the file system raise
        reason = " ".join(str(error).split())[:200]
        answer = {"error": f"tfds failed with {type(error).__name__} ({reason})"}
    print("\n" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
