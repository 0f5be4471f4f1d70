"""Trains recipes for the same time over several seeds and prints a table: `python -m gan.bench.recipes`.

    python -m gan.bench.recipes --minutes=30                    # every preset, three seeds, one run at a time
    python -m gan.bench.recipes --minutes=10 --side_by_side=2 --recipe=article --recipe="article --gamma=0"

A recipe is a preset and flags of bin/train. Each run has a folder below --out with its logs, a grid of samples and its
result. What is there is not made again, whatever the code has become since; a training that was cut short begins anew,
since only one that was not has had its whole time. With --side_by_side the processors are shared out, and a training
keeps its own. Nothing is measured while anything trains.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import queue
import shlex
import shutil
import statistics
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan.errors import DivergedError, UserError
from gan.presets import PRESETS
from gan.runs import workdir
from gan.storage.files import staged_file

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
_TRAINED, _RESULT = "trained.json", "result.json"


class Run(NamedTuple):
    """One training of a recipe, such as "article --gamma=0"."""

    recipe: str
    seed: int
    minutes: float
    out: Path

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        name = urllib.parse.quote(self.recipe.replace(" --", "+"), safe="+=")  # no two recipes have one name
        return self.out / f"{name}-{self.minutes:g}min-seed{self.seed}"


def commands(run: Run, evaluation: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command lines of a run by name, in their order; `evaluation` has further flags of bin/evaluate."""
    preset, *given = shlex.split(run.recipe)
    folder = f"--workdir={run.folder / 'run'}"
    length = [f"--seed={run.seed}", f"--minutes={run.minutes:g}", "--epochs=0", "--sample_every_steps=0"]
    return {
        "train": [str(ROOT / "bin/train"), f"--preset={preset}", *given, folder, *length],  # the last of a flag counts
        "evaluate": [str(ROOT / "bin/evaluate"), folder, f"--out={run.folder / 'evaluation.json'}", *evaluation],
        "sample": [str(ROOT / "bin/sample"), folder, f"--out={run.folder / 'grid.png'}"],
    }


def check(run: Run) -> None:
    """Raises `RuntimeError` with the line of bin/train that says why it would not train a run."""
    done = subprocess.run([*commands(run)["train"], "--dry_run"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{run.recipe}: {(done.stderr.strip() or 'it failed').splitlines()[-1].removeprefix('error: ')}"
        )


def train(run: Run, processors: Iterable[int]) -> None:
    """Trains a run unless it has been trained; raises `RuntimeError` naming the log of a command that failed."""
    kept = run.folder / _TRAINED
    if kept.exists():
        return
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    facts: dict[str, Any] = {"recipe": run.recipe, "seed": run.seed, "minutes": run.minutes}
    if _call(commands(run)["train"], processors, run.folder / "train.log", (0, DivergedError.exit_code)):
        facts["diverged"] = True
    _write(kept, facts)


def measured(run: Run, processors: Iterable[int], evaluation: Sequence[str] = ()) -> dict[str, Any]:
    """What a trained run reached: `images` seen, `metrics`, `floor`, or that it `diverged`; raises `RuntimeError`."""
    kept, flags = run.folder / _RESULT, {"evaluation": list(evaluation)}
    if kept.exists() and (found := json.loads(kept.read_text())).items() >= flags.items():
        return found
    found = json.loads((run.folder / _TRAINED).read_text()) | flags
    if "diverged" not in found:
        for name in ("evaluate", "sample"):
            _call(commands(run, evaluation)[name], processors, run.folder / f"{name}.log")
        (row,) = json.loads((run.folder / "evaluation.json").read_text())
        config, _ = workdir.load_run(run.folder / "run")
        images = row["step"] * config.batch_size * config.d_steps
        found |= {key: row[key] for key in ("metrics", "floor", "meaning")} | {"images": images}
    _write(kept, found)
    return found


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    with staged_file(path) as file:
        file.write((json.dumps(facts, indent=1) + "\n").encode())


def _call(line: Sequence[str], processors: Iterable[int], log: Path, accepted: Sequence[int] = (0,)) -> int:
    """Runs a command on these processors alone, its output in a file; returns its code, one of those accepted."""
    with log.open("wb") as file:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        os.sched_setaffinity(process.pid, processors)  # before it has made any thread of its own
        code = process.wait()
    if code not in accepted:
        raise RuntimeError(f"{line[0]} ended with {code}: see {log}")
    return code


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of a Markdown table: a row a recipe, mean +- standard deviation over its seeds, and the floor."""
    ended = [row for row in results if "diverged" not in row]
    shown = {heading: c for heading, c in COLUMNS.items() if any(c[0] in row["metrics"] for row in ended)}
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
    floors: dict[str, dict[str, float]] = {}  # of each data set
    for row in ended:
        floors[row["meaning"]["sizes"]] = floors.get(row["meaning"]["sizes"], {}) | row["floor"]
    for sizes, floor in floors.items():
        cells = [spread([floor[name]] if name in floor else [], digits) for name, digits in shown.values()]
        lines.append(f"| floor: real images{f' ({sizes})' * (len(floors) > 1)} | | | {' | '.join(cells)} |")
    return lines


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
    """Makes all results that are missing; prints the table after each seed."""
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
        if options.seeds < 1 or not all(map(shlex.split, recipes)):
            raise ValueError("--seeds must be at least 1, and --recipe name a preset")
        shares = parts(os.sched_getaffinity(0), options.side_by_side)
    except ValueError as error:
        parser.error(str(error))
    out, results = options.out.resolve(), []
    try:
        for recipe in recipes:  # a mistake in the last one shall not show after hours
            check(Run(recipe, 0, options.minutes, out))
        # Seed by seed, so that whenever it is stopped the recipes have had as many runs.
        for seed in range(options.seeds):
            runs = [Run(recipe, seed, options.minutes, out) for recipe in recipes]
            _train_all(runs, shares)
            results += [measured(run, os.sched_getaffinity(0), shlex.split(options.evaluation)) for run in runs]
            print(
                "\n".join(table(sorted(results, key=lambda row: recipes.index(row["recipe"])))), end="\n\n", flush=True
            )
    except (RuntimeError, UserError) as error:
        sys.exit(f"error: {error}")


def _train_all(runs: Sequence[Run], shares: Sequence[Sequence[int]]) -> None:
    """Trains the runs, one at a time on each share of the processors; raises `RuntimeError`."""
    free: queue.Queue[Sequence[int]] = queue.Queue()
    for share in shares:
        free.put(share)

    def one(run: Run) -> None:
        share = free.get()
        try:
            train(run, share)
        finally:
            free.put(share)

    with concurrent.futures.ThreadPoolExecutor(len(shares)) as pool:
        waiting = [pool.submit(one, run) for run in runs]
        try:
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


if __name__ == "__main__":
    main()
