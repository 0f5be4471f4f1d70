"""Trains recipes for the same time over several seeds and prints a table: `python -m gan.bench.recipes`.

    python -m gan.bench.recipes --minutes=30                    # every preset, three seeds, one at a time
    python -m gan.bench.recipes --minutes=10 --side_by_side=2 --recipe=article --recipe="article --gamma=0"

A recipe is a preset and flags of bin/train, the command of this checkout. Each training has a folder below --out with
its logs, a grid of samples and its result. What is there is not made again, whatever the code has become since; a
training that was cut short begins anew, since only one that was not has had its whole time. With --side_by_side the
processors are shared out, and a training keeps its own. Nothing is measured while anything trains.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import queue
import shlex
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan.bench import trainings
from gan.bench.trainings import ROOT, mean_and_deviation
from gan.errors import DivergedError, UserError
from gan.presets import FOR_LARGE_DEVICES, PRESETS
from gan.runs import workdir
from gan.storage.files import staged_file

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


class Trial(NamedTuple):
    """One training of a recipe for some minutes, such as "article --gamma=0"."""

    recipe: str
    seed: int
    minutes: float
    out: Path

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        name = urllib.parse.quote(self.recipe.replace(" --", "+"), safe="+=")  # no two recipes have one name
        return self.out / f"{name}-{self.minutes:g}min-seed{self.seed}"


def commands(trial: Trial, evaluation: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command lines of a trial by name, in their order; `evaluation` has further flags of bin/evaluate."""
    preset, *given = shlex.split(trial.recipe)
    folder = f"--workdir={trial.folder / 'run'}"
    length = [f"--seed={trial.seed}", f"--minutes={trial.minutes:g}", "--epochs=0", "--sample_every_steps=0"]
    return {
        "train": [str(ROOT / "bin/train"), f"--preset={preset}", *given, folder, *length],  # the last of a flag counts
        "evaluate": [str(ROOT / "bin/evaluate"), folder, f"--out={trial.folder / 'evaluation.json'}", *evaluation],
        "sample": [str(ROOT / "bin/sample"), folder, f"--out={trial.folder / 'grid.png'}"],
    }


def check_commands() -> None:
    """Raises `UserError` where the commands are not there: the installed package alone does not have them."""
    if not (ROOT / "bin/train").is_file():
        raise UserError(f"{ROOT / 'bin/train'} is missing: compare recipes from a checkout of the repository")


def check(trial: Trial) -> None:
    """Raises `RuntimeError` with the line of bin/train that says why it would not train."""
    done = subprocess.run([*commands(trial)["train"], "--dry_run"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{trial.recipe}: {trainings.last_words(done.stderr)}")


def train(trial: Trial, processors: Iterable[int]) -> None:
    """Trains unless that has been done; raises `RuntimeError` naming the log of a command that failed."""
    kept = trial.folder / _TRAINED
    if kept.exists():
        return
    shutil.rmtree(trial.folder, ignore_errors=True)
    trial.folder.mkdir(parents=True)
    facts: dict[str, Any] = {"recipe": trial.recipe, "seed": trial.seed, "minutes": trial.minutes}
    if _call(commands(trial)["train"], processors, trial.folder / "train.log", (0, DivergedError.exit_code)):
        facts["diverged"] = True
    _write(kept, facts)


def measured(trial: Trial, processors: Iterable[int], evaluation: Sequence[str] = ()) -> dict[str, Any]:
    """What a trained one reached: `images` seen, `metrics`, `floor`, or that it `diverged`; raises `RuntimeError`."""
    kept, flags = trial.folder / _RESULT, {"evaluation": list(evaluation)}
    if kept.exists() and (found := json.loads(kept.read_text())).items() >= flags.items():
        return found
    found = json.loads((trial.folder / _TRAINED).read_text()) | flags
    if "diverged" not in found:
        for name in ("evaluate", "sample"):
            _call(commands(trial, evaluation)[name], processors, trial.folder / f"{name}.log")
        (row,) = json.loads((trial.folder / "evaluation.json").read_text())
        config, _ = workdir.load_run(trial.folder / "run")
        images = row["step"] * config.batch_size * config.d_steps
        found |= {key: row[key] for key in ("metrics", "floor", "meaning")} | {"images": images}
    _write(kept, found)
    return found


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    with staged_file(path) as file:
        file.write((json.dumps(facts, indent=1) + "\n").encode())


def _call(line: Sequence[str], processors: Iterable[int], log: Path, accepted: Sequence[int] = (0,)) -> int:
    """Runs a command on these processors alone, its output in a file; returns its code, one of those accepted."""
    code = trainings.started(line, log, processors).wait()
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
        cells = [mean_and_deviation([row["images"] for row in good], 0)]
        cells += [
            mean_and_deviation([row["metrics"][name] for row in good if name in row["metrics"]], digits)
            for name, digits in shown.values()
        ]
        lost = f", {len(rows) - len(good)} diverged" if len(good) < len(rows) else ""
        lines.append(f"| `{recipe}` | {len(good)}{lost} | {' | '.join(cells)} |")
    floors: dict[str, dict[str, float]] = {}  # of each data set
    for row in ended:
        floors[row["meaning"]["sizes"]] = floors.get(row["meaning"]["sizes"], {}) | row["floor"]
    for sizes, floor in floors.items():
        cells = [mean_and_deviation([floor[name]] if name in floor else [], digits) for name, digits in shown.values()]
        lines.append(f"| floor: real images{f' ({sizes})' * (len(floors) > 1)} | | | {' | '.join(cells)} |")
    return lines


def shared_out(processors: Iterable[int], ways: int) -> list[list[int]]:
    """The processors shared out `ways` times, as evenly as may be; raises `ValueError` if there are too few."""
    known = sorted(processors)
    if not 1 <= ways <= len(known):
        raise ValueError(f"--side_by_side={ways} must be from 1 to the {len(known)} processors there are")
    return [known[way::ways] for way in range(ways)]


def main(argv: Sequence[str] | None = None) -> None:
    """Makes all results that are missing; prints the table after each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", help="preset and flags; may be repeated (default: presets)")
    parser.add_argument("--minutes", type=float, required=True, help="training time of each")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each recipe")
    parser.add_argument("--side_by_side", type=int, default=1, help="trainings at a time")
    parser.add_argument("--evaluation", default="", help="further flags of bin/evaluate, such as --num=5000")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"), help="folder of them all")
    options = parser.parse_args(argv)
    recipes = list(dict.fromkeys(options.recipe or (name for name in PRESETS if name not in FOR_LARGE_DEVICES)))
    try:
        if options.seeds < 1 or not all(map(shlex.split, recipes)):
            raise ValueError("--seeds must be at least 1, and --recipe name a preset")
        shares = shared_out(os.sched_getaffinity(0), options.side_by_side)
    except ValueError as error:
        parser.error(str(error))
    out, results = options.out.resolve(), []
    try:
        check_commands()
        for recipe in recipes:  # a mistake in the last one shall not show after hours
            check(Trial(recipe, 0, options.minutes, out))
        # Seed by seed, so that whenever it is stopped the recipes have had as many runs.
        for seed in range(options.seeds):
            trials = [Trial(recipe, seed, options.minutes, out) for recipe in recipes]
            _train_all(trials, shares)
            results += [measured(trial, os.sched_getaffinity(0), shlex.split(options.evaluation)) for trial in trials]
            print(
                "\n".join(table(sorted(results, key=lambda row: recipes.index(row["recipe"])))), end="\n\n", flush=True
            )
    except (RuntimeError, UserError) as error:
        sys.exit(f"error: {error}")


def _train_all(trials: Sequence[Trial], shares: Sequence[Sequence[int]]) -> None:
    """Trains them all, one at a time on each share of the processors; raises `RuntimeError`."""
    free: queue.Queue[Sequence[int]] = queue.Queue()
    for share in shares:
        free.put(share)

    def one(trial: Trial) -> None:
        share = free.get()
        try:
            train(trial, share)
        finally:
            free.put(share)

    with concurrent.futures.ThreadPoolExecutor(len(shares)) as pool:
        waiting = [pool.submit(one, trial) for trial in trials]
        try:
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


if __name__ == "__main__":
    main()
