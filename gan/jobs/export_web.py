"""The export for browsers: a folder that any static server can serve, checked before it appears."""

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError
from gan.export import description
from gan.export.models import Exported
from gan.export.networks import Networks
from gan.export.web import model, runtime, site
from gan.jobs import model_card
from gan.jobs.notices import note
from gan.runs.trained import Trained
from gan.storage.files import sha256, staged_folder
from gan.storage.refusals import storage_errors

FORM, MODEL = "web", site.MODEL
_PORT = 8000
_MEGABYTE = 1e6


class Written(NamedTuple):
    """Where the page is, the version of LiteRT.js in it, its bytes by what they are for, and its model."""

    folder: Path
    version: str
    sizes: dict[str, int]
    model: Exported


def write(found: Trained, of: Networks, out: Path, given: str, usage: str, arguments: str) -> Written:
    """Writes the page of a checkpoint into `out`, with the runtime in the folder `given`, or that of npm.

    `usage` and `arguments` are for its card. Raises `UserError` where there is no runtime, `StorageError`.
    """
    _check_place(out)
    computed_by = runtime.find(given, note)
    note(computed_by.note)
    content, exported = model.checked(of, MODEL)
    contents = site.files(_generator(found), computed_by, content)
    with staged_folder(out) as folder:
        with storage_errors(out):
            for name, part in contents.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(part)
        card = model_card.card(found, FORM, [exported], usage, arguments)
        with storage_errors(out):
            model_card.write(folder, card)
    return Written(out, computed_by.version, site.sizes(contents), exported)


def _check_place(out: Path) -> None:
    """Raises `UserError` if anything in the way is not what an earlier export of a page wrote there, to the byte."""
    with storage_errors(out):
        written = (description.read(out) or {}).get("files", {}) if out.is_dir() else {}
        for name in sorted(site.names()):
            inside = sorted((out / name).rglob("*")) if (out / name).is_dir() else [out / name]
            for path in inside:
                ours = path.is_file() and sha256(path) == written.get(path.relative_to(out).as_posix())
                if os.path.lexists(path) and not ours:
                    raise UserError(f"{path} is there but not as an export wrote it; move it away or use another --out")
    model_card.check_place(out)


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
