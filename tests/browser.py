"""A real browser for pages: the Chromium that is installed, without a window, with all that it complains of noted.

Tests take the fixture `browser_page`, which skips them with a reason where there is no Chromium or no Playwright, and
fails them where the page wrote an error to the console, threw one, asked for anything that it did not get, or asked any
other machine.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, and with the small /dev/shm of containers
_OURS = ("127.0.0.1", "localhost")
_LOCAL = ("blob", "data")


class Watched(NamedTuple):
    """A page, what was complained of on it and on others of its context, and a folder for what it downloads."""

    page: Any  # playwright.sync_api.Page
    faults: list[str]

    def another(self) -> Any:
        """A new page beside it, which is watched too."""
        return self.page.context.new_page()


def program() -> str:
    """The path of a Chromium; empty where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), "")


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """A browser without a window; skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install '.[test]')")
    path = program()
    if not path:
        pytest.skip(f"there is no Chromium on the search path: {', '.join(PROGRAMS)}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def watched(browser: Any, **options: Any) -> Iterator[Watched]:
    """A page in a context of its own, with `options` of Playwright's `new_context` (viewport, color_scheme, ...)."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(60_000)  # a slow machine fails no test
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    faults: list[str] = []
    context.route("**/*", lambda route: _let(route, faults))
    context.on("page", lambda page: _listen(page, faults))
    try:
        yield Watched(context.new_page(), faults)
    finally:
        context.close()


def _let(route: Any, faults: list[str]) -> None:
    """Lets a request go on to this machine, and notes and stops any other."""
    address = urlsplit(route.request.url)
    if address.scheme in _LOCAL or address.hostname in _OURS:
        return route.continue_()
    faults.append(f"asked {route.request.url}")
    return route.abort()


def _listen(page: Any, faults: list[str]) -> None:
    page.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"thrown: {error}"))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url} {request.failure}"))
    page.on("response", lambda answer: answer.status >= 400 and faults.append(f"{answer.status}: {answer.url}"))


def downloaded(page: Any, selector: str, folder: Path) -> Path:
    """The file that a click on `selector` saves, in `folder` under its own name."""
    with page.expect_download() as waiting:
        page.click(selector)
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path
