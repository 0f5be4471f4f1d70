"""The view of the page in its address, and what it saves."""

import numpy as np
from PIL import Image

from tests import browser
from tests.explore import pages

VIEW = "seed=3&page=1&psi=0.8&time=1.25&class=2&step=200&at=3:41&label=1&move=1.5,,-2"
VIEW += "&corners=4;3:2~0.5;;&plane=0.25,0.5"


def test_a_link_restores_the_view_in_a_new_tab(browser_page, served):
    first = pages.opened(browser_page.page, f"{served.url}#{VIEW}")
    first.click("#link")
    link = first.evaluate("navigator.clipboard.readText()")
    assert link == f"{served.url}#{VIEW}" and "clipboard" in first.inner_text("#status")
    second = pages.opened(browser_page.another(), link)
    assert second.inner_text("#status") == ""
    np.testing.assert_array_equal(pages.picture(second), pages.picture(first))
    np.testing.assert_array_equal(pages.grid(second), pages.grid(first))
    assert pages.moves(second)[:3] == [1.5, 0.0, -2.0] and second.inner_text("#step-now") == "200"
    assert second.input_value("#seed") == "3" and second.inner_text("#range") == "40–79"
    assert second.inner_text("#where") == "The plane at 25 % across, 50 % down, on a walk, moved, bag & hat"


BAD = [
    "step=7",
    "class=3",
    "seed=-1",
    "psi=2",
    "at=x",
    "move=1,2,9",
    "corners=1;2",
    "plane=0.5",
    "nonsense",
    "x=1",
    "label=%",
    "plane=0.2,0",  # between no corners
    "corners=1;2;3;&plane=0.2,0",
    "at=40000040",
    "page=1000001",
    *(f"{name}=1" for name in ("hasOwnProperty", "valueOf", "__proto__", "constructor", "toString", "")),
]


def test_what_a_link_has_wrong_is_told_and_the_rest_shown(page, served):
    for number, bad in enumerate(BAD, start=1):
        page.goto(f"{served.url}#page={number}")
        page.wait_for_function(f"() => document.querySelector('#range').textContent.startsWith('{40 * number}')")
        assert page.inner_text("#status") == ""
        page.goto(f"{served.url}#{bad}&page={number + 1}")
        page.wait_for_function(f"() => document.querySelector('#range').textContent.startsWith('{40 * number + 40}')")
        assert "Not all of the link could be read" in page.inner_text("#status")


def test_a_plane_without_corners_is_none(browser_page, served):
    page = pages.opened(browser_page.page, f"{served.url}#plane=0.2,0")
    assert page.inner_text("#where") == "Sample 0 of seed 0, boot" and not page.is_visible("#point")
    page.click("#next")
    assert page.url == f"{served.url}#page=1"


def test_the_last_sample_of_the_last_page_has_a_link(browser_page, served):
    first = pages.opened(browser_page.page, f"{served.url}#page=999999")
    first.click("#next")
    assert first.inner_text("#range") == "40,000,000–40,000,039" and first.is_disabled("#next")
    first.click(".cell >> nth=39")
    second = pages.opened(browser_page.another(), first.url)
    assert second.inner_text("#status") == "" and first.url.endswith("#page=1000000&at=40000039&label=1")
    assert second.inner_text("#where") == first.inner_text("#where") == "Sample 40,000,039 of seed 0, bag & hat"


def test_back_and_forward_go_through_the_views(page):
    for cell in (5, 6):
        page.click(f".cell >> nth={cell}")
    pages.slide(page, "#direction-0", 0.8)
    page.click("#next")
    kept = [page.url]
    for where in (
        "Sample 6 of seed 0, boot",
        "Sample 6 of seed 0, boot",
        "Sample 5 of seed 0, <b>coat</b>",
        "Sample 0",
    ):
        page.go_back()
        kept.append(page.url)
        assert page.inner_text("#where").removesuffix(", boot").startswith(where.removesuffix(", boot"))
    assert pages.moves(page)[0] == 0.0 and page.inner_text("#range") == "0–39"
    for _ in range(4):
        page.go_forward()
    assert page.url == kept[0] and pages.moves(page)[0] > 1 and page.inner_text("#range") == "40–79"


def test_what_is_saved_is_what_is_shown(page, generator, tmp_path):
    pages.slide(page, "#psi", 0.5)
    page.click(".cell >> nth=4")
    shown, grid = pages.picture(page), pages.grid(page)
    path = browser.downloaded(page, "#save-picture", tmp_path)
    assert path.name == "three_classes_step_300_picture.png"
    with Image.open(path) as image:
        assert image.size == (280, 280)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB"))[5::10, 5::10, :1], shown)
    one = pages.saved_latents(page, tmp_path)
    np.testing.assert_array_equal(generator.draw(one["latents"], one["labels"])[0][0], shown)
    assert {name: (array.dtype.str, array.shape) for name, array in one.items()} == {
        "latents": ("<f4", (1, 16)),
        "labels": ("<i4", (1,)),
        "seed": ("<i8", ()),
        "step": ("<i8", ()),
    }
    assert (one["seed"], one["step"], one["labels"][0]) == (0, 300, 1)
    many = pages.saved_latents(page, tmp_path, "#save-latents")
    np.testing.assert_array_equal(generator.draw(many["latents"], many["labels"])[0], grid)
    with Image.open(browser.downloaded(page, "#save-grid", tmp_path)) as image:
        cells = np.asarray(image.convert("L"))[::2, ::2]
    assert cells.shape == (5 * 29 + 1, 8 * 29 + 1) and (cells[::29] == 255).all() and (cells[:, ::29] == 255).all()
    cut = cells[1:, 1:].reshape(5, 29, 8, 29)[:, :28, :, :28].transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(cut.reshape(40, 28, 28, 1), grid)
