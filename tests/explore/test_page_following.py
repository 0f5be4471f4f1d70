"""The page beside a trainer, on a run without classes of colour images that are no squares."""

import shutil

import numpy as np
import pytest

from gan.explore import serving
from gan.explore.generator import Generator
from gan.runs import trained, workdir
from tests.explore import pages, runs

SHAPE = (16, 24, 3)
_HEAR = """() => {
  const status = document.getElementById("status");
  window.heard = [];
  new MutationObserver(() => status.textContent && window.heard.push(status.textContent))
    .observe(status, { childList: true });
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return runs.begin(tmp_path_factory.mktemp("followed") / "colours", "dcgan", (10, 20), shape=SHAPE)


@pytest.fixture(scope="module")
def served(run):
    with serving.served(Generator(trained.saved_run(run))) as page:
        yield page


def expected(run, step=None, count=1):
    generator = Generator(trained.saved_run(run))
    return generator.draw(generator.latents(0, 0, count), None, step)[0]


def test_colours_without_classes(page, run):
    np.testing.assert_array_equal(pages.grid(page, 3), expected(run, count=40))
    assert not page.locator("#shown").is_visible() and not page.locator("#label").is_visible()
    assert page.inner_text("#facts") == "24 × 16 × 3 · 16 latents"
    box = page.locator("#picture").bounding_box()
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    page.click("#save-latent")  # which has no labels to write
    assert page.inner_text("#status") == "Saved: colours_step_20_latent.npz"


def test_it_follows_the_newest_checkpoint_and_stays_with_one_that_was_chosen(browser_page, served, run):
    following, staying = (pages.opened(each, served.url) for each in (browser_page.page, browser_page.another()))
    staying.locator("#step").press("Home")
    runs.save(run, 30)
    following.wait_for_function("() => document.querySelector('#step-now').textContent === '30, the newest'")
    staying.wait_for_function("() => document.querySelector('#step').max === '2'")
    np.testing.assert_array_equal(pages.picture(following, 3), expected(run, 30)[0])
    np.testing.assert_array_equal(pages.grid(following, 3), expected(run, 30, 40))
    assert following.inner_text("#step-now") == "30, the newest"
    np.testing.assert_array_equal(pages.picture(staying, 3), expected(run, 10)[0])
    assert staying.inner_text("#step-now") == "10"


def test_a_step_that_has_gone_is_told_and_the_newest_shown(browser_page, served, run):
    for step in (5, 40):
        runs.save(run, step)
    page = pages.opened(browser_page.page, served.url)
    page.wait_for_function("() => document.querySelector('#step-now').textContent === '40, the newest'")
    page.evaluate("() => { for (let id = setInterval(() => {}); id > 0; id--) clearInterval(id); }")  # it looks no more
    kept = len(served.generator.steps())
    shutil.rmtree(run / workdir.CHECKPOINTS / "step_0000000005")
    page.locator("#step").press("Home")
    page.wait_for_function("() => document.querySelector('#status').textContent.includes('no checkpoint of step 5')")
    page.wait_for_function(f"() => document.querySelector('#step').max === '{kept - 2}'")
    np.testing.assert_array_equal(pages.picture(page, 3), expected(run, 40)[0])
    assert page.inner_text("#step-now") == "40, the newest" and page.url == served.url
    assert {fault[:4] for fault in browser_page.faults} <= {"410:", "cons"}  # the refusal, and the console's word on it
    browser_page.faults.clear()


def test_a_run_that_is_moved_away_is_told_once_and_when_it_is_back(browser_page, served, run):
    page = pages.opened(browser_page.page, served.url)
    page.evaluate(_HEAR)
    away = run.rename(run.with_name("away"))
    page.wait_for_function("() => window.heard.length === 1")
    with page.expect_response("**/api/steps"):  # another look, of which nothing new is told
        pass
    away.rename(run)
    page.wait_for_function("() => window.heard.length > 1")
    lost, back = page.evaluate("window.heard")
    assert str(run / workdir.CHECKPOINTS) in lost and "is not there any more; put it back" in lost
    assert back == "The run can be read again."
    assert {fault[:4] for fault in browser_page.faults} == {"503:", "cons"}
    browser_page.faults.clear()


def test_when_the_server_has_ended_a_line_says_so(browser_page, run):
    with serving.served(Generator(trained.saved_run(run))) as own:
        page = pages.opened(browser_page.page, own.url)
    page.click("#next")
    page.wait_for_function("() => document.querySelector('#status').textContent.includes('start it again')")
    browser_page.faults.clear()
