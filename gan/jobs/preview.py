"""A preview of a data set: what was understood of it, a grid of what networks will see, and how to train on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan import config as configs
from gan.data import order, sources
from gan.data.account import Account, short
from gan.data.source import Source
from gan.errors import UserError
from gan.jobs import accounts, suggestion
from gan.jobs.notices import warn, warn_of_data
from gan.jobs.requests import Preview as Request
from gan.pictures import figures, histogram
from gan.settings import Config, group
from gan.text import dimensions, printable

_FIRST_LOOK = 32  # pixels a side at which a set is opened that cannot be opened as it is
_REMEDIES = ("resolution", "channels")  # settings by which such a set can be opened


def run(request: Request) -> Path:
    """Writes the grid of images drawn by the seed, and prints what was understood and what is suggested.

    Raises `UserError` and `StorageError`.
    """
    config, source, missing = _opened(request.settings)
    found, warnings = accounts.made(config, source, batch=0)  # which will be suggested
    print(_facts(source, found), flush=True)
    warn_of_data([missing] * bool(missing) + warnings, request.strict)
    images, titles, heading = _shown(request, config, source)
    under = None
    if found.class_names:
        part = "" if found.look.counted_all else f" (of {found.look.seen:,} images)"

        def under(axes: Any) -> None:
            histogram.draw(axes, found.class_names, found.look.counts, f"images of each class{part}")

    figures.titled_grid(request.out, images, titles, request.columns, heading, under)
    print(f"{'grid':<{accounts.TITLE}}{printable(request.out)}\n")
    _suggest(request, config, source, found)
    return Path(request.out)


def _opened(settings: Mapping[str, Any]) -> tuple[Config, Source, str]:
    """The config and its data; of a set that cannot be opened so the data in another form, and why it cannot."""
    try:
        config = configs.make(**settings)
        return config, sources.open_source(**group(config, "data")), ""
    except UserError as error:
        if not any(f"--{name}" in str(error) and name not in settings for name in _REMEDIES):
            raise
        first = error
    for more in ({"resolution": _FIRST_LOOK}, {"channels": 3}, {"resolution": _FIRST_LOOK, "channels": 3}):
        if more.keys() & settings.keys():
            continue
        try:
            config = configs.make(**settings, **more)
            source = sources.open_source(**group(config, "data"))
        except UserError:
            continue
        if "resolution" in more and (side := suggestion.typical_side(source.sizes)):
            config = configs.make(**settings, **more | {"resolution": suggestion.fitting(side)})
            source = sources.open_source(**group(config, "data"))
        given = " ".join(f"--{name}={getattr(config, name)}" for name in more)
        return config, source, f"this set cannot be trained on as it is: {first}. Shown with {given}"
    raise first


def _facts(source: Source, found: Account) -> str:
    """What was understood of a source, and where it is, as lines."""
    size = f"{dimensions(source.image_shape)}, {source.num_bytes / 2**20:,.1f} MiB"
    lines = {
        "data": f"{source.name}, {source.location}",
        "held": f"{size}, {'in memory' if source.in_memory else 'in files, read by index'}",
    }
    ends = {"fingerprint": source.fingerprint}
    told = [f"{title:<{accounts.TITLE}}{printable(line)}" for title, line in {**lines, **ends}.items()]
    return "\n".join([*told, accounts.text(found)])


def _shown(request: Request, config: Config, source: Source) -> tuple[np.ndarray, list[str], str]:
    """The images of the grid, their titles, and the heading."""
    chosen = order.permutation(config.seed, 0, source.num_examples)[: request.rows * request.columns]
    heading = source.name
    if request.as_trained:
        from gan.machine import startup

        startup.import_tensorflow()
        from gan.jobs import as_trained

        images, labels = as_trained.shown(config, source, len(chosen))
        words = as_trained.words(config)
        print(f"{'as trained':<{accounts.TITLE}}{words}")
        heading = f"{heading}, as trained"
    else:
        images, labels = source.read(chosen)
    pairs = zip(chosen, labels, strict=True)
    return images, [short(source.class_names[k]) if k >= 0 else f"image {i:,}" for i, k in pairs], heading


def _suggest(request: Request, config: Config, source: Source, found: Account) -> None:
    """Prints settings that suit the data here, measured if asked, and the command."""
    opened = {name: getattr(config, name) for name in _REMEDIES if getattr(config, name)}  # to open the set at all
    given = {**request.settings, **opened}
    wanted = suggestion.of(found, given, suggestion.has_gpu())
    for reason in wanted.reasons:
        print(f"{'suggested':<{accounts.TITLE}}{reason}")
    if request.suggest:
        wanted = _measured(given, wanted, source)
    else:
        print(f"{'':<{accounts.TITLE}}(--suggest measures how long it takes here)")
    print(f"\n    {wanted.command(given)}\n")


def _measured(given: Mapping[str, Any], wanted: suggestion.Suggestion, source: Source) -> suggestion.Suggestion:
    """The suggestion with what a few steps on this machine tell."""
    from gan.machine import startup

    startup.import_tensorflow()
    from gan.jobs import pace

    config = configs.make(**{**given, **wanted.settings})
    data = group(config, "data")
    if (config.resolution and source.image_shape[0] != config.resolution) or config.channels not in (
        0,
        source.image_shape[2],
    ):
        source = sources.open_source(**data | {"data_in_memory": "false"})
    try:
        measured = pace.measure(config, source)
    except UserError as error:
        warn(f"nothing could be measured: {error}")
        return wanted
    hours = config.epochs * source.num_examples / measured.images_per_second / 3600
    print(
        f"{'measured':<{accounts.TITLE}}{measured.images_per_second:,.0f} images/s on {pace.where()} in batches of "
        f"{measured.batch_size}: {_duration(hours)} for {config.epochs:g} epochs, {measured.compile_seconds:.0f} s to "
        "compile"
    )
    if measured.batch_size != config.batch_size:
        return wanted._replace(settings={**wanted.settings, "batch_size": measured.batch_size})
    return wanted


def _duration(hours: float) -> str:
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"
