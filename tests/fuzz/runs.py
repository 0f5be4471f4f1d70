"""The files of a run, edited by hand, of other versions, or damaged."""

import hashlib
import json
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from gan import config as configs
from gan.evaluation import in_training, record
from gan.jobs import check, plot, train
from gan.jobs.requests import Check, Plot, Train
from gan.runs import checkpoint, exactness, metrics_log, tensors, trained, workdir
from tests.fuzz import Kind, template
from tests.fuzz.damage import BYTES, JSON, WITHIN, as_text, bytes_broken, json_broken

_NUMBERS = {"threads": 1}  # of a fingerprint
_EVALUATING = in_training.Evaluating(10, "random", "d", "frechet_distance", None, False, None)


def read_config(folder: Path, case: object) -> None:
    """What commands read of config.json."""
    run = folder / "run"
    check.run(Check(str(run)))
    saved, facts = workdir.load_run(run)
    made = configs.continued(saved, {})
    workdir.check_run(run, made, facts, override=True)
    exactness.found(run, made, _NUMBERS, *checkpoint.newest(run / "checkpoints"))
    trained.open(run)


def write_config(folder: Path, case: tuple[str, list]) -> None:
    how, edits = case
    path = template.copy(folder) / workdir.CONFIG
    if how == "bytes":
        path.write_bytes(bytes_broken(path.read_bytes(), edits))
        return
    described = json.loads(path.read_text())
    if how == "settings":
        described["settings"] = json_broken(described["settings"], edits)
    elif how == "older":
        described["history"] = [{"time": "then", "changes": edits}]
        described["settings"] = {name: described["settings"][name] for name in ("preset", "seed", "g_width", "d_width")}
    elif how == "future":
        described |= {"format": 99, "settings": {**described["settings"], "quantum_bits": edits}, "inexact": edits}
    else:
        described = json_broken(described, edits)
    path.write_text(as_text(described))


CONFIGS = Kind(
    "config.json",
    st.one_of(
        st.tuples(st.sampled_from(["settings", "whole"]), WITHIN),
        st.tuples(st.sampled_from(["older", "future"]), st.lists(JSON, max_size=2)),
        st.tuples(st.just("bytes"), BYTES),
    ),
    write_config,
    read_config,
    share=3,
)


def read_logs(folder: Path, case: tuple) -> None:
    """What commands read of metrics.jsonl and evaluations.jsonl."""
    run = folder / "run"
    check.run(Check(str(run)))
    for evaluation in record.read(run):
        record.to_json(evaluation)
    in_training.best(_EVALUATING, run, template.STEPS[-1])
    if case[0] == metrics_log.FILE_NAME:
        with tempfile.TemporaryDirectory() as place:
            plot.run(Plot((str(run),), out=f"{place}/losses.png"))


def write_log(folder: Path, case: tuple[str, int, object]) -> None:
    name, number, edits = case
    path = template.copy(folder) / name
    lines = path.read_bytes().splitlines()
    number %= len(lines)
    if edits and isinstance(edits[0][0], str):
        path.write_bytes(bytes_broken(path.read_bytes(), edits))
        return
    lines[number] = as_text(json_broken(json.loads(lines[number]), edits)).encode()
    path.write_bytes(b"".join(line + b"\n" for line in lines))


LOGS = Kind(
    "metrics and evaluations",
    st.tuples(st.sampled_from([metrics_log.FILE_NAME, record.FILE_NAME]), st.integers(0, 9), st.one_of(WITHIN, BYTES)),
    write_log,
    read_logs,
    share=2,
)


def read_checkpoints(folder: Path, case: tuple) -> None:
    """What commands read of checkpoints, without a trainer's right to set them aside."""
    run = folder / "run"
    check.run(Check(str(run)))
    checkpoint.newest(run / "checkpoints")
    found = checkpoint.find(run / "checkpoints", set_aside=False)
    whole = tensors.read(template.run() / "checkpoints" / found.path.name)
    assert tensors.equal(found.values, whole) or case[0] == "foreign", "other numbers than were saved"
    trained.networks(trained.saved_run(run), found)


def write_checkpoint(folder: Path, case: tuple[str, int, object]) -> None:
    what, number, edits = case
    run = template.copy(folder)
    path = run / "checkpoints" / f"step_{template.STEPS[number % 2]:010d}"
    if what == "foreign":  # of another architecture
        other = template.run(16) / "checkpoints" / path.name
        for file in other.iterdir():
            (path / file.name).write_bytes(file.read_bytes())
    elif what == "manifest":  # by somebody who can compute its hash
        content = json.loads((path / "manifest.json").read_text())
        del content["content_sha256"]
        content = json_broken(content, edits)
        if isinstance(content, dict):
            text = json.dumps(json.loads(json.dumps(content)), sort_keys=True)
            content["content_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        (path / "manifest.json").write_text(as_text(content))
    else:
        file = path / what
        file.write_bytes(bytes_broken(file.read_bytes(), edits))


CHECKPOINTS = Kind(
    "checkpoints",
    st.one_of(
        st.tuples(
            st.sampled_from(["manifest.json", "state.index", "state.data-00000-of-00001"]), st.integers(0, 1), BYTES
        ),
        st.tuples(st.just("manifest"), st.integers(0, 1), WITHIN),
        st.tuples(st.just("foreign"), st.integers(0, 1), st.just([])),
    ),
    write_checkpoint,
    read_checkpoints,
    share=2,
)


def start(folder: Path, case: object) -> None:
    """What bin/train does before it trains."""
    train.run(Train({}, workdir=str(folder / "run"), dry_run=True))


STARTS = Kind("starts of bin/train", CONFIGS.cases, write_config, start, share=1)
