"""Trains recipes for the same time over several seeds and prints a table: `python -m tests.benchmarks.recipes`.

    python -m tests.benchmarks.recipes --minutes=30                    # every preset, three seeds, one run at a time
    python -m tests.benchmarks.recipes --minutes=10 --side_by_side=2 --recipe=article --recipe="article --gamma=0"

A recipe is a preset and flags of bin/train. Each run has a folder below --out with its log, its grid of samples and its
result. Results that are there are not made again; a run that was cut short begins anew, since only one that was not has
had its whole time. With --side_by_side the processors are shared out, and a run keeps its own.
"""

import argparse
import concurrent.futures
import contextlib
import itertools
import json
import os
import queue
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan.engine.staging import staged_file
from gan.errors import DivergedError
from gan.presets import PRESETS

ROOT = Path(__file__).parents[2]
COLUMNS = {  # of the table: heading -> metric and digits
    "Frechet": ("frechet_distance", 2),
    "precision": ("precision", 3),
    "recall": ("recall", 3),
    "coverage": ("coverage", 3),
    "entropy": ("class_entropy", 3),
    "agreement": ("label_agreement", 3),
    "score": ("classification_accuracy_score", 3),
}
_RESULT = "result.json"
_EVALUATING = threading.Lock()  # the first evaluation trains the classifier that all others use


class Run(NamedTuple):
    """One training of a recipe, such as "article --gamma=0"."""

    recipe: str
    seed: int
    minutes: float
    out: Path

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        name = re.sub(r"[^\w.+=-]+", "", self.recipe.replace(" --", "+"))
        return self.out / f"{name}-{self.minutes:g}min-seed{self.seed}"


def commands(run: Run, evaluation: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command lines of a run by name, in their order; `evaluation` has further flags of bin/evaluate."""
    preset, *given = shlex.split(run.recipe)
    workdir = f"--workdir={run.folder / 'run'}"
    length = [f"--seed={run.seed}", f"--minutes={run.minutes:g}", "--epochs=0", "--sample_every_steps=0"]
    return {
        "train": [str(ROOT / "bin/train"), workdir, f"--preset={preset}", *length, *given],
        "evaluate": [str(ROOT / "bin/evaluate"), workdir, f"--out={run.folder / 'evaluation.json'}", *evaluation],
        "sample": [str(ROOT / "bin/sample"), workdir, f"--out={run.folder / 'grid.png'}"],
    }


def result(run: Run, processors: Iterable[int], evaluation: Sequence[str] = ()) -> dict[str, Any]:
    """What a run reached: `images` seen, `metrics`, `floor`, or that it `diverged`.

    Raises `RuntimeError` naming the log of a command that could not do its work.
    """
    kept = run.folder / _RESULT
    if kept.exists():
        return json.loads(kept.read_text())
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    found: dict[str, Any] = {"recipe": run.recipe, "seed": run.seed, "minutes": run.minutes}
    for name, line in commands(run, evaluation).items():
        log = run.folder / f"{name}.log"
        with _EVALUATING if name == "evaluate" else contextlib.nullcontext():
            code = _call(line, processors, log)
        if code == DivergedError.exit_code:
            found["diverged"] = True
            break
        if code:
            raise RuntimeError(f"bin/{name} ended with {code}: see {log}")
    else:
        (row,) = json.loads((run.folder / "evaluation.json").read_text())
        last = (run.folder / "run/metrics.jsonl").read_text().splitlines()[-1]
        found |= {key: row[key] for key in ("metrics", "floor", "meaning")} | {"images": json.loads(last)["images"]}
    with staged_file(kept) as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    return found


def _call(line: Sequence[str], processors: Iterable[int], log: Path) -> int:
    """The exit code of a command on these processors alone, its output in a file."""
    with log.open("wb") as file:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        os.sched_setaffinity(process.pid, processors)  # before it has made any thread of its own
        return process.wait()


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of a Markdown table: a row a recipe, mean +- standard deviation over its seeds, and the floor."""
    measured = [row for row in results if "diverged" not in row]
    shown = {heading: c for heading, c in COLUMNS.items() if any(c[0] in row["metrics"] for row in measured)}
    lines = [f"| recipe | seeds | images seen | {' | '.join(shown)} |", "|---" * (len(shown) + 3) + "|"]
    for recipe, group in itertools.groupby(results, key=lambda row: row["recipe"]):
        rows = list(group)
        good = [row for row in rows if "diverged" not in row]
        cells = [spread([row["images"] for row in good], 0)]
        cells += [
            spread([row["metrics"][name] for row in good if name in row["metrics"]], d) for name, d in shown.values()
        ]
        lost = f", {len(rows) - len(good)} diverged" if len(good) < len(rows) else ""
        lines.append(f"| `{recipe}` | {len(good)}{lost} | {' | '.join(cells)} |")
    floor = {name: value for row in measured for name, value in row["floor"].items()}
    cells = [spread([floor[name]] if name in floor else [], digits) for name, digits in shown.values()]
    return [*lines, f"| floor: real images | | | {' | '.join(cells)} |"]


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation, in words that a table has room for."""
    if not values:
        return "-"
    mean = f"{statistics.fmean(values):,.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else mean


def parts(processors: Iterable[int], ways: int) -> list[list[int]]:
    """The processors shared out `ways` times, as evenly as may be; raises `ValueError` if there are too few."""
    known = sorted(processors)
    if not 1 <= ways <= len(known):
        raise ValueError(f"--side_by_side={ways} must be from 1 to the {len(known)} processors there are")
    return [known[way::ways] for way in range(ways)]


def main(argv: Sequence[str] | None = None) -> None:
    """Makes all results that are missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", help="preset and flags; may be repeated (default: all presets)")
    parser.add_argument("--minutes", type=float, required=True, help="training time of each run")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe")
    parser.add_argument("--side_by_side", type=int, default=1, help="runs at a time")
    parser.add_argument("--evaluation", default="", help="further flags of bin/evaluate, such as --num=5000")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"), help="folder of all runs")
    options = parser.parse_args(argv)
    recipes = list(dict.fromkeys(options.recipe or PRESETS))
    try:
        shares = parts(os.sched_getaffinity(0), options.side_by_side)
    except ValueError as error:
        parser.error(str(error))
    free: queue.Queue[list[int]] = queue.Queue()
    for share in shares:
        free.put(share)

    def one(run: Run) -> dict[str, Any]:
        processors = free.get()
        try:
            found = result(run, processors, shlex.split(options.evaluation))
        finally:
            free.put(processors)
        lost = "diverged" in found
        told = "diverged" if lost else f"Frechet distance {found['metrics']['frechet_distance']:.2f}"
        print(f"{run.folder.name}: {told}", file=sys.stderr, flush=True)
        return found

    # Seed by seed, so that whenever it is stopped the recipes have had as many runs.
    runs = [
        Run(recipe, seed, options.minutes, options.out.resolve()) for seed in range(options.seeds) for recipe in recipes
    ]
    with concurrent.futures.ThreadPoolExecutor(options.side_by_side) as pool:
        try:
            results = list(pool.map(one, runs))
        except RuntimeError as error:
            pool.shutdown(cancel_futures=True)
            sys.exit(f"error: {error}")
    print("\n".join(table(sorted(results, key=lambda row: recipes.index(row["recipe"])))))


if __name__ == "__main__":
    main()
