"""A run that is explored: three classes, of which one is not in its data, and checkpoints of three steps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gan.explore import serving
from gan.explore.generator import Generator
from gan.explore.serving import Served
from gan.runs import trained
from tests.explore import pages, runs


@pytest.fixture(scope="session")
def conditional_run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explored") / "three classes"
    return runs.begin(
        folder, "modern_conditional", (100, 200, 300), names=(*runs.NAMES, "never"), shares=(0.4, 0.3, 0.3, 0)
    )


@pytest.fixture(scope="session")
def generator(conditional_run) -> Generator:
    return Generator(trained.saved_run(conditional_run))


@pytest.fixture(scope="session")
def served(generator) -> Iterator[Served]:
    with serving.served(generator) as page:
        yield page


@pytest.fixture
def page(browser_page, served):
    """The page of the run in a browser, drawn."""
    return pages.opened(browser_page.page, served.url)
