"""Exploring a run: a page on this machine on which its generator is played with, also while it trains."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gan.explore import browser, serving
from gan.explore.generator import Generator
from gan.explore.serving import Served
from gan.jobs.explore_request import Explore as Request
from gan.jobs.notices import warn
from gan.runs import trained
from gan.text import printable


def run(request: Request) -> None:
    """Serves the page until a signal ends the process; prints its address and opens it. Raises `UserError`."""
    with serve(request) as page:
        step = page.generator.shown.step if request.step is None else request.step
        print(printable(f"{request.workdir}: step {step} at {page.url} until Ctrl-C"), flush=True)
        if request.open:
            browser.show(page.url)
        page.wait()


@contextlib.contextmanager
def serve(request: Request) -> Iterator[Served]:
    """Serves the page while the block lasts, as in a notebook; `url` of what it gives is its address.

    Raises `UserError` where there is no checkpoint yet, or not that of the step, and where the port cannot be had.
    """
    generator = Generator(trained.saved_run(Path(request.workdir), request.numerics))
    warn(*generator.skipped)
    if request.step is not None:
        generator.params(request.step)
    with serving.served(generator, request.port, request.fragment) as page:
        yield page
