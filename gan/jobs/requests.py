"""What each job can be asked for: a frozen dataclass each, checked when it is made.

A field has the name of its flag, and a mistake is told by that name. Nothing here imports TensorFlow, so that a command
refuses what cannot be at once. What samples can be asked for is in `sample_request`.
"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from gan import config as configs
from gan import paths
from gan.bench import contestants, lines
from gan.errors import UserError
from gan.jobs.asked import LARGEST_SIDE, Asked, Settings, check_seed, check_workdir, listed, within
from gan.settings import MOST_STEPS
from gan.storage.targets import kind

MOST_MEASURED = 10**6  # images of an evaluation, whose features are in memory
MOST_NEIGHBOURS = 1000
LARGEST_IMAGE = 4096  # pixels a side
MOST_ROUNDS = 10**6
MOST_SECONDS = 10**9
MOST_WAITING = 10**5  # minutes for workers to come, seconds for one to answer
MOST_SEEDS = 1000
MINUTES = 60.0  # of a training to a quality, unless it is said
FORMATS = ("h5", "keras", "saved_model", "tflite", "onnx", "web")  # of exported models
MODEL_FILES = (".h5", ".keras", ".tflite", ".onnx")
FEATURES = ("classifier", "random", "saved_model", "inception")  # what images can be compared by


@dataclasses.dataclass(frozen=True)
class Train(Asked):
    """A run to begin, or to continue: `settings` not given are those of the run, or of the preset.

    An empty `workdir` is runs/<preset>-<dataset>.
    """

    settings: Settings = dataclasses.field(default_factory=dict)
    workdir: str = ""
    override: bool = False  # accept changed settings that change the mathematics of a run
    dry_run: bool = False  # check and show everything, train nothing
    strict: bool = False  # warnings of the data are errors
    exact: bool = False  # refuse what would keep the bits from being those of an undisturbed run
    start_minutes: float = 10.0  # until every worker has come
    peer_seconds: float = 30.0  # of silence until a worker is lost

    def _check(self) -> None:
        for name in ("start_minutes", "peer_seconds"):
            value = getattr(self, name)
            if not 0 < value <= MOST_WAITING:
                raise UserError(f"--{name}={value} must be above 0, and at most {MOST_WAITING:,}")


@dataclasses.dataclass(frozen=True)
class Evaluate(Asked):
    """Generated images to be measured: of a run's checkpoints, or in files (`images`).

    `model_size` and `model_range` are for a model of yours; left open they are as it says, and "unit".
    """

    workdir: str = ""
    step: int | None = None  # the newest good checkpoint
    all: bool = False  # all checkpoints; what was measured already is not repeated
    images: str = ""  # an .npz file or a folder, in the place of a run
    protocol: str = "lucic"
    num: int | None = None  # generated images; as the protocol says
    features: str = "classifier"  # or random, inception, inception:FILE, saved_model:PATH
    model_size: int | None = None
    model_range: str | None = None
    k: int = 5
    seed: int = 0
    cas: bool = True  # also the classification accuracy score, of labelled images
    neighbours: str = ""  # PNG to write
    out: str = ""  # JSON file to write
    data: Settings = dataclasses.field(default_factory=dict)  # another data set than the run's
    numerics: Settings = dataclasses.field(default_factory=dict)  # precision, convolution: else those of the run
    strict: bool = False  # warnings of the data are errors

    _FILES = ("out", "neighbours")

    def _check(self) -> None:
        within(1, MOST_MEASURED, num=self.num)
        within(1, MOST_NEIGHBOURS, k=self.k)
        within(1, LARGEST_IMAGE, model_size=self.model_size)
        within(0, MOST_STEPS, step=self.step)
        check_seed(self.seed)
        self._check_features()
        if bool(self.workdir) == bool(self.images):
            raise UserError(
                "give either --workdir, the folder of a run, or --images, an .npz file or a folder of images"
            )
        if self.images and (self.all or self.step is not None):
            raise UserError("--step and --all are for runs; --images are measured as they are")
        if self.all and (self.step is not None or self.neighbours):
            raise UserError("--all goes with neither --step nor --neighbours")
        if self.images and not Path(self.images).exists():
            raise UserError(f"--images={self.images} is not there; give the path of an .npz file or a folder of images")
        for name in self.numerics:
            if self.images:
                raise UserError(f"--{name} is for runs; --images are measured as they are")
        if self.neighbours and Path(self.neighbours).suffix.lower() != ".png":
            raise UserError(f"--neighbours={self.neighbours} must end in .png")

    def _check_features(self) -> None:
        """Raises `UserError` for features that there are not, and for what only some have."""
        kind, colon, path = self.features.partition(":")
        bare, with_path = not colon and kind != "saved_model", bool(path) and kind in ("saved_model", "inception")
        if kind not in FEATURES or not (bare or with_path):
            raise UserError(
                f"--features={self.features} is unknown; it must be classifier, random, inception, inception:FILE or "
                "saved_model:PATH"
            )
        if path:
            self._set("features", f"{kind}:{paths.given(path)}")
            paths.check_links("--features", paths.given(path))
        for name in ("model_size", "model_range"):
            if getattr(self, name) is not None and kind != "saved_model":
                raise UserError(f"--{name} is for --features=saved_model:PATH; leave it out")


@dataclasses.dataclass(frozen=True)
class Export(Asked):
    """Both networks of a run as files for other programs."""

    workdir: str
    format: str | None = None  # h5 where it holds both networks, or saved_model
    out: str = ""  # folder; exports/step_.../FORMAT of the run
    step: int | None = None  # the newest good checkpoint
    runtime: str = ""  # folder with LiteRT.js, for web; by npm

    _READ = ("workdir", "runtime")

    def _check(self) -> None:
        check_workdir(self.workdir)
        within(0, MOST_STEPS, step=self.step)
        if self.runtime and self.format != "web":
            raise UserError(f"--runtime={self.runtime} is for --format=web alone")
        if self.format not in (None, *FORMATS):
            raise UserError(f"--format={self.format} must be one of {', '.join(FORMATS)}")
        paths.check_links("--out", self.out)
        if self.out and Path(self.out).exists() and not Path(self.out).is_dir():
            raise UserError(f"--out={self.out} is {kind(Path(self.out).stat().st_mode)}; name a folder, new or not")
        if Path(self.out).suffix in MODEL_FILES and not Path(self.out).exists():
            raise UserError(f"--out={self.out} has the name of a model; name the folder in which models are to lie")


@dataclasses.dataclass(frozen=True)
class Preview(Asked):
    """A data set as a grid of titled images, what was understood of it, and how to train on it.

    `settings` are those of its data, the seed, and for `as_trained` those of the augmentation.
    """

    settings: Settings = dataclasses.field(default_factory=dict)
    rows: int = 4
    columns: int = 4
    out: str = "preview.png"
    as_trained: bool = False  # images as the discriminator sees them first: cut, mirrored and augmented
    suggest: bool = False  # measure how fast this machine trains as is suggested
    strict: bool = False  # warnings of the data are errors

    _FILES = ("out",)

    def _check(self) -> None:
        if not self.out:
            raise UserError("--out is missing: name a PNG file")
        within(1, LARGEST_SIDE, rows=self.rows, columns=self.columns)


@dataclasses.dataclass(frozen=True)
class Check(Asked):
    """The folder of a run, to be looked at, and repaired if asked."""

    workdir: str
    repair: bool = False  # set aside what is broken

    def _check(self) -> None:
        check_workdir(self.workdir)


@dataclasses.dataclass(frozen=True)
class Plot(Asked):
    """Curves of `metrics` of runs as a PNG, or of their sample grids at the steps `grids`."""

    workdir: Sequence[str]  # of several runs
    metrics: tuple[str, ...] = ("d_loss", "g_loss")
    grids: tuple[str, ...] = ()
    out: str = ""  # losses.png or grids.png in the first run's folder
    smoothing: float = 0.9  # weight of the past in the moving average
    title: str = ""

    _FILES = ("out",)

    def _check(self) -> None:
        self._set("workdir", listed(self.workdir))
        check_workdir("".join(self.workdir))
        if self.grids:
            if not all(step.strip().isdecimal() and len(step) <= len(str(MOST_STEPS)) for step in self.grids):
                raise UserError(
                    f"--grids={','.join(self.grids)} must be steps separated by commas, such as --grids=0,100,200"
                )
            return
        if not any(metric.strip() for metric in self.metrics):
            raise UserError("--metrics is empty: name at least one metric, such as --metrics=d_loss,g_loss")
        if not 0 <= self.smoothing < 1:
            raise UserError(f"--smoothing={self.smoothing} must be at least 0 and below 1")


@dataclasses.dataclass(frozen=True)
class Bench(Asked):
    """The speed of training with these `settings`: against others, and what it is made of."""

    settings: Settings = dataclasses.field(default_factory=dict)
    against: tuple[str, ...] = ()  # of each a contestant's name=value[,name=value], or rivals
    rounds: int = 5
    window_steps: int | None = None  # at least 2, and as many as have a whole number of lazy penalties
    contestant_seconds: float = 600.0
    parts: bool = False
    limit: bool = False
    roofline: str = ""  # PNG file
    host: bool = False
    out: str = ""  # JSON file
    strict: bool = False  # warnings of the data are errors

    _FILES = ("out", "roofline")

    def _check(self) -> None:
        within(1, MOST_ROUNDS, rounds=self.rounds, window_steps=self.window_steps)
        if not 0 < self.contestant_seconds <= MOST_SECONDS:
            raise UserError(
                f"--contestant_seconds={self.contestant_seconds} must be above 0 and at most {MOST_SECONDS:,}"
            )
        contestants.of(self.settings, self.against)


@dataclasses.dataclass(frozen=True)
class TimeToQuality(Asked):
    """How long trainings with these `settings`, and others, take to the line `to`: a metric and its value.

    The settings may hold `minutes`: of training, at which one ends that has not come so far, 0 for no limit; 60 if
    they do not.
    """

    to: str  # metric:value
    settings: Settings = dataclasses.field(default_factory=dict)
    against: tuple[str, ...] = ()  # of each a contestant's name=value[,name=value]
    seeds: int = 3  # trainings of each, from the seed of the settings on
    evaluate_every_images: int = 10_000  # seen between two evaluations
    workdir: str = "runs/time_to_quality"  # folder of all trainings
    out: str = ""  # JSON file
    curve: str = ""  # PNG file: the metric over the minutes
    strict: bool = False  # warnings of the data are errors

    _FILES = ("out", "curve")

    @property
    def limit(self) -> float:
        """Minutes of training; infinitely many for 0."""
        return float(self.settings.get("minutes", MINUTES)) or math.inf

    def _check(self) -> None:
        lines.parsed(self.to)
        if not self.workdir:
            raise UserError("--workdir is empty: name the folder of the trainings")
        within(1, MOST_SEEDS, seeds=self.seeds)
        within(1, MOST_STEPS, evaluate_every_images=self.evaluate_every_images)
        for name, instead in contestants.DECIDED.items():
            if name in self.settings:
                raise UserError(f"--{name} does not go with --to; {instead}")
        contestants.of(self.settings, self.against, apart=True)


@dataclasses.dataclass(frozen=True)
class Trial(Asked):
    """The training of one that `TimeToQuality` has begun, in its own process: from where it is to the line `to`."""

    trial: str  # its folder
    to: str
    minutes: float = MINUTES  # of training in all, at which it ends; 0: no limit

    _READ = ("trial",)

    @property
    def limit(self) -> float:
        """Minutes of training; infinitely many for 0."""
        return self.minutes or math.inf

    def _check(self) -> None:
        lines.parsed(self.to)
        configs.make(minutes=self.minutes)  # as of any run: finite, and at least 0
