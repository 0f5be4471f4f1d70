"""The export for browsers: a folder that any static server can serve, checked before it appears."""

import shlex
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError
from gan.export.web import runtime, site
from gan.jobs.notices import note
from gan.runs.trained import Trained
from gan.storage.files import staged_folder
from gan.storage.refusals import storage_errors

FOLDER = "web"  # below the folder of a step's exports
_PORT = 8000
_MEGABYTE = 1e6


class Written(NamedTuple):
    """Where the page is, the version of LiteRT.js in it, and its bytes by what they are for."""

    folder: Path
    version: str
    sizes: dict[str, int]


def check_place(folder: Path) -> None:
    """Raises `UserError` if something other than an earlier page is in the way there: nothing else is replaced."""
    index = folder / site.INDEX
    if index.exists() and not (folder / site.FACTS).is_file():
        raise UserError(f"{index} is there but no exported page; use another --out")


def write(found: Trained, out: Path, given: str) -> Written:
    """Writes the page of a checkpoint into `out`, with the runtime in the folder `given`, or that of npm.

    Raises `UserError` where there is no runtime, `StorageError`.
    """
    check_place(out)
    computed_by = runtime.find(given, note)
    note(computed_by.note)
    generator = _generator(found)
    contents = site.files(generator, computed_by, site.converted(generator))
    with staged_folder(out) as folder, storage_errors(out):
        for name, content in contents.items():
            place = folder / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
    return Written(out, computed_by.version, site.sizes(contents))


def report(written: Written) -> str:
    """What was written and how large it is, and how to look at it."""
    size = {name: f"{count / _MEGABYTE:.1f} MB" for name, count in written.sizes.items()}
    total = sum(count for name, count in written.sizes.items() if name != "loaded")
    command = shlex.join(["python3", "-m", "http.server", "--directory", str(written.folder), str(_PORT)])
    return (
        f"{written.folder}: {total / _MEGABYTE:.1f} MB: the page {size['page']}, the model {size['model']}, "
        f"LiteRT.js {written.version} {size['runtime']}, of which a browser loads {size['loaded']}\n"
        f"Any static server can serve this folder, under any address. To look at it:\n"
        f"    {command}\n"
        f"and open http://localhost:{_PORT}/"
    )


def _generator(found: Trained) -> site.Generator:
    run = found.run
    return site.Generator(
        title=run.folder.resolve().name,
        step=found.step,
        config=run.config,
        image_shape=run.image_shape,
        params=found.generator,
        class_names=run.class_names,
        class_shares=run.class_shares,
        classes=run.classes,
    )
