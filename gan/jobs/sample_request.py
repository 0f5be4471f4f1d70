"""What samples can be asked for. Nothing here imports TensorFlow, so that a command refuses what cannot be at once."""

import dataclasses
from pathlib import Path

from gan.errors import UserError
from gan.jobs.asked import LARGEST_SIDE, Asked, Settings, check_file, check_seed, check_workdir, within
from gan.settings import MOST_STEPS
from gan.storage.files import check_unused

LARGEST_WALK = 1000  # steps between two latents
MOST_IMAGES = 10**8  # files of a folder are numbered in eight digits
ANIMATIONS = (".gif", ".webp", ".apng")
FILES = (".npz", ".png", *ANIMATIONS)
NAMES = ("numbers", "article")  # of the files in a folder
_OF_RUNS = ("step", "numerics")  # what only the run itself can answer
_NOT_LIKE = {"num": None, "interpolate": None, "rows": None, "columns": None, "truncation": 1.0, "from_export": ""}
_OUT = "a file that ends in .npz, .png, .gif, .webp or .apng, or a folder"


@dataclasses.dataclass(frozen=True)
class Sample(Asked):
    """Images of a run, or of what was exported of one, written to `out`: a file of one of `FILES`, or a folder."""

    workdir: str = ""
    out: str = ""
    num: int | None = None  # as many as the grid has cells, otherwise 64
    seed: int = 0
    step: int | None = None  # the newest good checkpoint
    classes: str | None = None  # by name or number, with commas
    interpolate: int | None = None  # steps from latent to latent
    rows: int | None = None
    columns: int | None = None
    numerics: Settings = dataclasses.field(default_factory=dict)  # precision, convolution: else those of the run
    from_export: str = ""  # a folder of exported models, or a model in it, in the place of the run
    truncation: float = 1.0  # what the latents are multiplied by
    names: str = "numbers"  # or article
    like: str = ""  # a picture: the nearest image that the generator makes is written

    _READ = ("workdir", "from_export", "like")

    def _check(self) -> None:
        self._check_origin()
        check_seed(self.seed)
        kind = self.kind
        if kind == "folder":
            check_unused(Path(self.out))
        else:
            check_file("out", self.out)
        within(1, LARGEST_SIDE, rows=self.rows, columns=self.columns)
        within(1, MOST_IMAGES, num=self.num)
        within(0, MOST_STEPS, step=self.step)
        if not 0 <= self.truncation <= 1:
            raise UserError(f"--truncation={self.truncation} must be from 0 to 1")
        self._set("truncation", self.truncation + 0.0)  # -0.0 is 0
        self._check_names(kind)
        if self.like:
            self._check_like(kind)
        elif self.interpolate is not None:
            self._check_walk(kind)
        elif self.is_animation:
            raise UserError(f"an animation (.{kind}) walks between latents: give --interpolate=STEPS, such as 16")
        elif kind != "png" and (self.rows is not None or self.columns is not None):
            raise UserError("--rows and --columns belong to a grid: let --out end in .png")

    @property
    def kind(self) -> str:
        """npz, png, gif, webp, apng or folder, by the end of `out`; raises `UserError` for any other."""
        if not self.out:
            raise UserError(f"--out is missing: name {_OUT}")
        path = Path(self.out)
        suffix = path.suffix.lower()
        if self.out.endswith("/") or not suffix or path.is_dir():
            return "folder"
        if suffix not in FILES:
            raise UserError(
                f"--out={self.out} ends in {path.suffix}; it must end in {', '.join(FILES)} or / (a folder)"
            )
        return suffix[1:]

    @property
    def is_animation(self) -> bool:
        """Whether frames follow each other in time."""
        return f".{self.kind}" in ANIMATIONS

    def _check_origin(self) -> None:
        """Raises `UserError` unless there is one place to draw from, and nothing is asked of an export but images."""
        if not self.from_export:
            return check_workdir(self.workdir)
        if self.workdir:
            raise UserError("give either --workdir, the folder of a run, or --from_export, what was exported of one")
        for name in _OF_RUNS:
            if (value := getattr(self, name)) not in (None, {}):
                flag = next(iter(value)) if isinstance(value, dict) else name
                raise UserError(f"--{flag} is for runs; an export is of one step and computes as it was written")

    def _check_names(self, kind: str) -> None:
        """Raises `UserError` for names that there are not, and for names of files where there is only one."""
        if self.names not in NAMES:
            raise UserError(f"--names={self.names} must be one of {', '.join(NAMES)}")
        if self.names != NAMES[0] and kind != "folder":
            raise UserError(f"--names={self.names} names the files of a folder: let --out end in /")

    def _check_like(self, kind: str) -> None:
        """Raises `UserError` for what does not go with the search for one image."""
        if kind not in ("png", "npz"):
            raise UserError(f"--like={self.like} makes one image: let --out end in .png or .npz")
        if Path(self.out).exists() and Path(self.like).exists() and Path(self.out).samefile(self.like):
            raise UserError(f"--out={self.out} is the picture of --like itself, which would be lost; name another file")
        for name, default in _NOT_LIKE.items():
            if getattr(self, name) != default:
                raise UserError(f"--{name} does not go with --like, which searches for an image of a run; leave it out")

    def _check_walk(self, kind: str) -> None:
        """Raises `UserError` for what does not go with a walk between latents."""
        most = LARGEST_SIDE if kind == "png" else LARGEST_WALK
        if not 2 <= self.interpolate <= most:
            raise UserError(
                f"--interpolate={self.interpolate} must be from 2 to {most}" + " in a grid" * (kind == "png")
            )
        if self.num is not None:
            raise UserError(
                "--num does not go with --interpolate, where --rows (and in an animation --columns) say how many"
            )
        if self.columns is not None and not self.is_animation:
            raise UserError("--columns does not go with --interpolate but in an animation: each row has STEPS images")
