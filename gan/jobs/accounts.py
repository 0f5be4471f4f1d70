"""The account of the data that commands print when they have opened them."""

from gan.data import account, cautions, sources, splits
from gan.data.account import Account
from gan.data.source import Source
from gan.data.splits import Splits
from gan.errors import UserError
from gan.jobs.notices import warn_of_data
from gan.settings import Config, group
from gan.text import printable

TITLE = 12  # characters of a line's title


def made(config: Config, source: Source, batch: int | None = None) -> tuple[Account, list[str]]:
    """The account of the opened data of a config with the images held out, and its warnings.

    A batch is of so many images (None: as the config says, 0: it is open).

    Raises `UserError` for held-out images that were asked for and cannot be used; where the set itself has them, and
    training does not need them, that is a warning.
    """
    try:
        held_out, broken = _held_out(config, source), []
    except UserError as error:
        if config.test_dataset or config.evaluate_every_steps:
            raise
        held_out, broken = None, [f"the held-out images cannot be used: {error}"]
    found = account.of(source, held_out, config.crop)
    return found, cautions.of(found, config.batch_size if batch is None else batch) + broken


def text(found: Account) -> str:
    """The lines of an account."""
    return "\n".join(f"{title:<{TITLE}}{printable(line)}" for title, line in account.lines(found))


def tell(config: Config, source: Source, strict: bool) -> None:
    """Prints the account of opened data, and warns; where `strict`, raises `UserError` if there is a warning."""
    _tell("data", source, *made(config, source), strict)


def tell_of_splits(config: Config, found: Splits, strict: bool) -> None:
    """The same of the data that images are to be compared with."""
    whole = account.of(found.seen, found.test, config.crop)
    _tell("data", found.seen, whole, cautions.of(whole), strict)


def tell_of_images(source: Source, strict: bool) -> None:
    """The same of images that are to be measured."""
    found = account.of(source)
    _tell("measured", source, found, cautions.of_generated(found), strict)


def _tell(title: str, source: Source, found: Account, warnings: list[str], strict: bool) -> None:
    named = printable(f"{found.name}, {source.location}")
    print(f"{title:<{TITLE}}{named}\n{text(found)}\n", flush=True)
    warn_of_data(warnings, strict)


def _held_out(config: Config, source: Source) -> Source | None:
    """The images that evaluations take as unseen; read by index, for few of them are looked at."""
    if test := sources.open_beside(source, **group(config, "data")):
        return test
    return splits.held_out_of(source) if source.num_examples > 1 else None
