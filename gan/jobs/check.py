"""The folder of a run, looked at whole: what is there, what is wrong with it, what a continuation would do."""

import contextlib
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan import paths
from gan.errors import UserError
from gan.evaluation import record
from gan.jobs.requests import Check as Request
from gan.runs import checkpoint, exactness, grids, trained, workdir
from gan.runs import lock as locks
from gan.runs.inspection import cadences, checkpoints, exports, leftovers, logs, pictures, repair
from gan.runs.inspection.checkpoints import Looked
from gan.runs.inspection.parts import Part, Problem, Scope, guarded, listed
from gan.runs.trained import SavedRun
from gan.text import printable
from gan.training import cadence

WELL, MENDED, LOST = 0, 1, 65  # exit codes: nothing is wrong; a continuation mends it; lost or damaged
_AGAIN_SECONDS = 1.0


class Result(NamedTuple):
    """What was looked at, what a continuation would do, and the exit code."""

    parts: list[Part]
    continuation: str
    code: int


def run(request: Request) -> Result:
    """Looks at the run and prints a line for each thing there; writes nothing unless it shall repair.

    Raises `UserError` where there is no run, and `BusyError` if one that a trainer holds is to be repaired.
    """
    folder = Path(request.workdir)
    with contextlib.suppress(RuntimeError):  # a trainer may have them; in a process that computes they stay
        tf.config.set_visible_devices([], "GPU")
    _check_is_run(folder)
    if request.repair:
        with locks.Lock(folder):
            for line in repair.mend(folder) + _mended_evaluations(folder):
                print(f"repaired: {printable(line)}", flush=True)
    result = _twice(folder)
    for part in result.parts:
        print(f"{part.name:<18}{printable(part.text)}")
        for problem in part.problems:
            print(f"{'error' if problem.lost else 'warning'}: {printable(problem.line)}")
    print(f"{'continuation':<18}{printable(result.continuation)}")
    print(f"{'verdict':<18}{_verdict(result)}", flush=True)
    return result


def _check_is_run(folder: Path) -> None:
    """Raises `UserError` if the folder holds no run, not even one whose config is lost."""
    if not checkpoint.begun(folder / workdir.CHECKPOINTS) and not (folder / workdir.CONFIG).exists():
        workdir.load_run(folder)


def _twice(folder: Path) -> Result:
    """What is wrong with a run; if a trainer is at work, what is so still after a moment: it may be in between."""
    result = _looked_at(folder)
    if result.code == WELL or not locks.holder(folder):
        return result
    time.sleep(_AGAIN_SECONDS)
    before = {problem.line for part in result.parts for problem in part.problems}
    again = _looked_at(folder)
    parts = [
        part._replace(problems=tuple(problem for problem in part.problems if problem.line in before))
        for part in again.parts
    ]
    return Result(parts, again.continuation, _code(parts))


def _looked_at(folder: Path) -> Result:
    """One look at everything."""
    holder = locks.holder(folder)
    config_part, content, saved = _config(folder)
    found = checkpoints.look(folder / workdir.CHECKPOINTS, folder if saved else None)
    scope = Scope(folder, content, found.newest.step if found.newest else 0, bool(holder))
    parts = [config_part, found.part]
    if saved:
        due, complete = _due(scope, saved), _is_at_the_end(scope, saved)
        parts += [_exactness(scope, found), *_logs(scope, due)]
        parts.append(guarded("samples/", partial(pictures.look, scope, saved, due, complete)))
    parts.append(guarded(record.FILE_NAME, partial(_evaluations, scope, saved)))
    parts.append(guarded("eval/", partial(logs.readable, scope, record.FOLDER)))
    parts.append(guarded("exports/", partial(exports.look, scope)))
    parts.append(guarded(leftovers.NAME, partial(leftovers.look, scope)))
    parts.append(Part("trainer", f"{holder} is at work" if holder else "none is at work"))
    return Result(parts, _continuation(scope, saved, found, parts, holder), _code(parts))


def _config(folder: Path) -> tuple[Part, Mapping[str, Any], SavedRun | None]:
    """The part on config.json and flags.txt, what config.json says, and the run if it can be had of that."""
    problems = []
    try:
        saved = trained.saved_run(folder)
        content = workdir.described(folder)
    except UserError as error:
        problem = Problem(str(error), lost=True)
        return Part(workdir.CONFIG, "cannot be used", (problem,)), {"settings": {}, "history": []}, None
    try:
        line = workdir.flags_fault(folder)
    except UserError as error:
        line = str(error)
    if line:
        problems.append(Problem(line, lost=False))
    text = f"{saved.config.preset} on {saved.config.dataset}, begun {content['created']}"
    return Part(workdir.CONFIG, text, tuple(problems)), content, saved


def _exactness(scope: Scope, found: Looked) -> Part:
    """Whether the newest checkpoint has the bits of an undisturbed run; that it has not is no fault."""
    if not found.newest:
        return Part("exactness", "nothing is saved yet")
    known = exactness.noted(found.newest.facts, scope.step, scope.content)
    return Part("exactness", exactness.words(known, scope.step))


def _logs(scope: Scope, drawn: set[int]) -> list[Part]:
    """The parts on both forms of the log, which has the grids `drawn`."""
    rows: logs.Rows = {}

    def metrics() -> Part:
        looked = logs.metrics(scope)
        rows.update(looked.rows)
        return looked.part

    return [guarded("metrics.jsonl", metrics), guarded("train/", lambda: logs.events(scope, rows, drawn))]


def _due(scope: Scope, saved: SavedRun) -> set[int]:
    """The steps of which there must be a grid."""
    if not scope.step:  # which may be saved before anything is drawn
        return set()
    due, step = {0, *cadences.due(scope, "sample_every_steps")}, 0
    per_step, examples = cadence.images_per_step(saved.config), _examples(scope)
    while examples and (step := cadence.next_epoch_end(step, per_step, examples)) <= scope.step:
        due.add(step)
    return due


def _examples(scope: Scope) -> int:
    """Images in the data, as config.json has them; 0 if it does not say."""
    count = scope.content["data"].get("num_examples", 0)
    return count if isinstance(count, int) and count > 0 else 0


def _is_at_the_end(scope: Scope, saved: SavedRun) -> bool:
    """Whether the newest checkpoint is that of the last step, or beyond."""
    examples = _examples(scope)
    total = cadence.total_steps(saved.config, examples) if examples else 0
    return bool(total) and scope.step >= total


def _evaluations(scope: Scope, saved: SavedRun | None) -> Part:
    """The evaluations must be readable, and be there of every step at which one was due, but the newest."""
    name = record.FILE_NAME
    there = record.read(scope.folder)
    problems = []
    if saved and not cadences.changed(scope, "evaluate_every_steps"):
        due = {step for step in cadences.due(scope, "evaluate_every_steps") if step < scope.step}
        if missing := due - {evaluation.key.step for evaluation in there}:
            problems.append(Problem(f"{name} lacks the evaluation of {listed(missing)}", lost=True))
    return Part(name, f"{len(there)} evaluations" if there else "none", tuple(problems))


def _mended_evaluations(folder: Path) -> list[str]:
    """Leaves the evaluations that can be read, and keeps the file as it was beside."""
    kept = record.mend(folder)
    return [f"{record.FILE_NAME}: damaged lines were taken out; as it was it is kept as {kept.name}"] if kept else []


def _continuation(scope: Scope, saved: SavedRun | None, found: Looked, parts: list[Part], holder: str) -> str:
    """What bin/train would do with the run, on the machine and with the settings of before."""
    if refusal := _refusal(scope, saved, found, parts):
        return f"would refuse: {refusal}"
    if holder:
        return f"would refuse: {holder} holds the folder, and has saved step {scope.step}"
    if not found.newest:
        return "would begin at step 0: nothing is saved yet"
    complete = _is_at_the_end(scope, saved) and grids.are_complete(scope.folder / workdir.SAMPLES, scope.step)
    if complete and saved.config.evaluate_every_steps:
        complete = any(evaluation.key.step == scope.step for evaluation in record.read(scope.folder))
    return f"is complete at step {scope.step}" if complete else f"would continue after step {scope.step}"


def _refusal(scope: Scope, saved: SavedRun | None, found: Looked, parts: list[Part]) -> str:
    """Why bin/train would end in an error; empty if it would not, as far as the folder tells."""
    if not saved:
        return next(problem.line for part in parts if part.name == workdir.CONFIG for problem in part.problems)
    if not (scope.folder / workdir.CHECKPOINTS).is_dir():
        return f"{scope.folder / workdir.CHECKPOINTS} is missing"
    if not found.newest and checkpoint.begun(scope.folder / workdir.CHECKPOINTS):
        return "no checkpoint can be read"
    if found.refused:
        return found.refused
    with contextlib.suppress(UserError):
        record.read(scope.folder)
        path = paths.in_setting("dataset", saved.config.dataset)
        return f"its data, {path}, are not there" if path and not Path(path).exists() else ""
    return f"{record.FILE_NAME} is damaged"


def _code(parts: list[Part]) -> int:
    problems = [problem for part in parts for problem in part.problems]
    return WELL if not problems else LOST if any(problem.lost for problem in problems) else MENDED


def _verdict(result: Result) -> str:
    lost = sum(problem.lost for part in result.parts for problem in part.problems)
    mended = sum(not problem.lost for part in result.parts for problem in part.problems)
    words = [f"{lost} lost or damaged"] * bool(lost) + [f"{mended} that a continuation mends"] * bool(mended)
    return ", ".join(words) or "all is well"
